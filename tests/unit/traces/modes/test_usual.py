"""What is usual over the runs of all tasks: first steps and closed choices."""

from lignin.domain.codec import Json
from lignin.traces.modes.account import Account, account_of
from lignin.traces.modes.signature import sign
from lignin.traces.modes.usual import usual_of
from lignin.traces.runs import run_of
from unit.traces.modes.runs import Made, run

LATER = ("charge_card", "book_room", "send_mail", "open_tab", "close_tab")
METHODS = ("card", "cash", "card", "card", "cash")


def account(task: int, *made: Made) -> Account:
    return account_of(run_of(run(*made, task=task)))


def runs(*, first: bool = True, tasks: int = 5) -> list[Account]:
    """Runs that confirm who asks, pay by some method, and do something else."""
    made = []
    for task in range(tasks):
        pay: Made = ("pay", {"method": METHODS[task], "text": f"for guest {'abcde'[task]}"})
        calls: list[Made] = [("confirm_guest", {"guest": f"g-{task}"}), (LATER[task], {}), pay]
        made += [account(task, *(calls if first else calls[::-1]))] * 3
    return made


def test_a_step_that_many_tasks_begin_with_comes_first() -> None:
    assert usual_of(runs()).first == {"confirm_guest"}
    assert usual_of(runs(tasks=4)).first == frozenset()
    assert "confirm_guest" not in usual_of(runs(first=False)).first
    assert usual_of([]).first == frozenset()


def test_leaving_it_out_is_another_cause_than_leaving_out_what_was_asked_for() -> None:
    usual, others = usual_of(runs()), runs()[:3]
    confirm: Made = ("confirm_guest", {"guest": "g-0"})
    pay: Made = ("pay", {"method": "card", "text": "for guest a"})
    skipped = sign(account(0, ("charge_card", {}), pay), others, usual)
    assert (skipped.manner, skipped.tool) == ("step_skipped", "confirm_guest")
    assert sign(account(0, confirm, pay), others, usual).manner == "left_out"
    assert sign(account(0, pay), others, usual).manner == "left_out"
    tried: Made = ("confirm_guest", {"guest": "g-9"}, "Error: no such guest")
    assert sign(account(0, tried, ("charge_card", {}), pay), others, usual).manner == "refused"
    assert sign(account(0, ("charge_card", {}), pay), others).manner == "left_out"


def test_an_argument_with_the_same_few_values_in_many_tasks_is_a_choice() -> None:
    choices = usual_of(runs()).choices
    assert choices == {("pay", "method"): {"card", "cash"}}


def test_another_choice_is_another_cause_than_a_value_of_ones_own() -> None:
    usual, others = usual_of(runs()), runs()[:3]

    def manner(**changed: Json) -> str:
        arguments = {"method": "card", "text": "for guest a"} | changed
        confirm: Made = ("confirm_guest", {"guest": "g-0"})
        return sign(
            account(0, confirm, ("charge_card", {}), ("pay", arguments)), others, usual
        ).manner

    assert manner(method="cash") == "other_choice"
    assert manner(method="shells") == "other_value"
    assert manner(text="for guest b") == "other_value"
