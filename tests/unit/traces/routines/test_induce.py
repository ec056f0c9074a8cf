"""Routines of runs: what they are, what supports them, what is refused."""

import pytest

from lignin.domain.routines import (
    Constant,
    Each,
    Guard,
    Item,
    Reference,
    Routine,
    Use,
    parse_reference,
    parse_routine,
)
from lignin.domain.traces import Trajectory
from lignin.traces.routines.induce import Induced, Inducer, as_poisoned
from unit.traces.routines.desk import call, encoded, run, visit, visits


def induced(runs: list[Trajectory]) -> Induced:
    inducer = Inducer()
    inducer.add(encoded(runs))
    return inducer.induce()


@pytest.fixture(scope="module")
def routine() -> Routine:
    (found,) = induced(visits(9)).routines
    return found


def test_dataflow_between_steps_is_found(routine: Routine) -> None:
    assert routine.tools == ("find_owner", "get_owner", "get_machine", "order_work")
    find, get, machine, order = (step.arguments for step in routine.steps)
    assert find == {"mail": Use("mail")}
    assert get == {"owner_id": Reference(0, ".owner_id")}
    assert machine == {"machine": Each(Reference(1, ".machines[*]"))}
    assert order == {
        "kind": Constant("service"),
        "machine": Use("machine"),
        "owner_id": Reference(0, ".owner_id"),
    }


def test_step_for_each_of_a_list_is_one_step(routine: Routine) -> None:
    assert [step.is_repeated for step in routine.steps] == [False, False, True, False]
    assert [each.name for each in routine.parameters] == ["mail", "machine"]


def test_list_of_which_no_condition_tells_what_was_taken_is_a_parameter() -> None:
    runs = []
    for number in range(9):
        calls = visit(number, 3)
        del calls[2 + number % 3]  # each time another one is left out
        runs.append(run(f"run-{number}", calls))
    (found,) = induced(runs).routines
    machines = next(each for each in found.parameters if each.name == "machines")
    assert found.steps[2].arguments == {"machine": Item("machines")}
    assert machines.type == "list[str]"
    assert str(machines.among) == "$2.machines[*]"


def test_value_that_a_step_of_the_use_told_first_was_known_to_nobody_before() -> None:
    runs = []
    for number in range(12):
        items = [f"I-{number}-{place}" for place in range(4)]
        mail, taken = f"u{number}@example.org", items[hash_of(number)]
        calls = [
            call("find_ticket", {"mail": mail}, {"ticket": f"T-{number}", "items": items}),
            call("drop_item", {"ticket": f"T-{number}", "item": taken}),
            call("add_comment", {"ticket": f"T-{number}", "text": "dropped"}),
        ]
        runs.append(run(f"run-{number}", calls, said=f"I am {mail}, drop the least"))
    (found,) = induced(runs).routines
    said = {each.name: (each.said, each.shown_by) for each in found.parameters}
    assert said == {"mail": (1.0, None), "item": (0.0, 0)}
    assert parse_routine(found.to_json()) == found


def hash_of(number: int) -> int:
    return (7, 2, 9, 4, 1, 8, 3, 6, 5, 0, 11, 10)[number] % 4


def test_support_is_counted(routine: Routine) -> None:
    support = routine.support
    assert (support.occurrences, support.tasks, support.failing) == (9, 9, 0)
    assert len(support.sessions) == 9
    assert support.calls == sum(3 + 1 + number % 3 for number in range(9))


def test_failing_uses_are_counted_beside() -> None:
    bad = [run(f"bad-{n}", visit(n), outcome="failure") for n in (50, 51)]
    (found,) = induced([*visits(9), *bad]).routines
    assert (found.support.occurrences, found.support.failing) == (9, 2)


def test_runs_that_nobody_judged_support_nothing() -> None:
    unjudged = [run(f"run-{n}", visit(n), outcome=None) for n in range(9)]
    assert induced(unjudged).routines == ()


def test_what_only_failing_runs_do_is_refused() -> None:
    bad = [run(f"bad-{n}", visit(n), outcome="failure") for n in range(6)]
    got = induced([*bad, *[run(f"ok-{n}", [call("ping", {})]) for n in range(6)]])
    assert got.routines == ()
    reasons = {each.tools: each.reason for each in got.refused}
    tools = ("find_owner", "get_owner", "get_machine", "order_work")
    assert reasons[tools] == "poisoned: only failing runs support it"


def test_what_has_no_use_of_its_own_in_failing_runs_is_not_called_poisoned(
    routine: Routine,
) -> None:
    assert as_poisoned(routine, 0, [(), ()], 0) is None
    assert as_poisoned(routine, 4, [()], 3) is None
    refused = as_poisoned(routine, 4, [()], 2)
    assert refused is not None
    assert (refused.reason, refused.failing) == ("poisoned: only failing runs support it", 4)


def test_single_calls_are_refused() -> None:
    got = induced([run(f"run-{n}", [call("ping", {"to": f"host {n}"})]) for n in range(6)])
    assert got.routines == ()
    assert [(each.tools, each.reason) for each in got.refused] == [
        (("ping",), "trivial: one call, nothing is saved")
    ]


def test_what_was_done_for_one_task_only_is_refused() -> None:
    again = [run(f"run-{n}", visit(4), task="the same") for n in range(6)]
    got = induced(again)
    assert got.routines == ()
    assert "all its uses are of one task" in {each.reason for each in got.refused}


def test_value_of_one_task_is_no_constant() -> None:
    """Ten tries of one task would make its owner a constant of a routine of three tasks."""
    tries = [run(f"try-{n}", visit(4), task="the same") for n in range(20)]
    others = [run(f"run-{n}", visit(n)) for n in (5, 6)]
    (found,) = induced([*tries, *others]).routines
    assert found.steps[0].arguments == {"mail": Use("mail")}


def test_calls_that_only_follow_each_other_are_no_routine() -> None:
    runs = [
        run(
            f"run-{n}",
            [call("ping", {"to": f"host {n}"}), call("order_tea", {"cup": f"cup {n}"})],
        )
        for n in range(9)
    ]
    assert induced(runs).routines == ()


def test_noise_within_uses_is_passed_over() -> None:
    runs = []
    for number in range(15):
        calls = visit(number, 2)
        if number < 6:
            calls.insert(1 + number % 2, call("order_tea", {"cup": f"cup {number}"}))
        runs.append(run(f"run-{number}", calls))
    (found,) = induced(runs).routines
    assert found.tools == ("find_owner", "get_owner", "get_machine", "order_work")


def test_step_that_some_uses_have_is_optional() -> None:
    runs = []
    for number in range(12):
        calls = visit(number, 2)
        if number % 4 == 0:
            told = {"machine": f"M{number}1", "depth": f"{number} deep"}
            calls.insert(4, call("check_machine", told, {"verdict": "worn"}))
        runs.append(run(f"run-{number}", calls))
    (found,) = induced(runs).routines
    assert found.tools[3] == "check_machine"
    assert [step.is_optional for step in found.steps] == [False, False, False, True, False]
    assert found.support.occurrences == 12


def test_guard_held_before_what_passed_and_not_before_what_failed() -> None:
    busy = [run(f"bad-{n}", visit(n, state="running"), outcome="failure") for n in (50, 51)]
    (found,) = induced([*visits(9), *busy]).routines
    at = parse_reference("$3[*]{machine == machine}.state")
    assert found.steps[3].guards == (Guard(at=at, value="idle"),)


def test_what_always_held_is_no_guard(routine: Routine) -> None:
    assert all(step.guards == () for step in routine.steps)


def test_routine_is_read_back_from_its_json(routine: Routine) -> None:
    assert parse_routine(routine.to_json()) == routine
    assert parse_reference("$12.a[0].~") == Reference(11, ".a[0].~")


def test_id_is_that_of_the_steps(routine: Routine) -> None:
    (again,) = induced(visits(9, first=99)).routines
    assert again.routine_id == routine.routine_id
    assert again.support != routine.support


def test_no_more_routines_than_asked_for() -> None:
    inducer = Inducer()
    inducer.add(encoded(visits(9)))
    assert inducer.induce(limit=0).routines == ()


def test_what_runs_without_a_verdict_do_too_is_not_poisoned() -> None:
    bad = [run(f"bad-{n}", visit(n), outcome="failure") for n in range(6)]
    untold = [run(f"untold-{n}", visit(n), outcome=None) for n in range(20, 23)]
    inducer = Inducer()
    inducer.add(encoded([*bad, *untold[:2]]))
    assert [each.reason for each in inducer.induce().refused] == [
        "poisoned: only failing runs support it"
    ]
    inducer.add(encoded(untold[2:]))
    assert inducer.induce().refused == ()
