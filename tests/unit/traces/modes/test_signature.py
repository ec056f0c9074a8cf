"""How a failed run differs from what the other runs of its task came to."""

from dataclasses import replace

import pytest

from lignin.domain.modes import (
    ANY_FAILURE,
    Difference,
    Manner,
    Signature,
    parse_signature,
    split_modes,
)
from lignin.traces.modes.account import Account, account_of
from lignin.traces.modes.signature import MAX_NAME, WITNESSES, sign
from lignin.traces.runs import run_of
from unit.traces.modes.runs import Made, account, run

BOOK = ("book_room", {"room": 4, "nights": 2})
PAY = ("charge_card", {"cents": 900})
LOOK = ("get_room", {"room": 4})
HAND = ("transfer_to_person", {"why": "hard"})
RIGHT = account(LOOK, BOOK, PAY)


@pytest.mark.parametrize(
    ("failed", "difference", "tool", "arguments"),
    [
        (account(LOOK, BOOK, ("charge_card", {"cents": 9})), "wrong_arguments", "charge_card", ("cents",)),
        (account(LOOK, BOOK), "missing_action", "charge_card", ()),
        (account(LOOK, BOOK, PAY, ("send_mail", {})), "extra_action", "send_mail", ()),
        (account(LOOK, BOOK, ("open_tab", {}), ("add_debt", {"cents": 900})), "wrong_tool", "add_debt", ()),
        (account(LOOK), "no_action", "book_room", ()),
        (account(LOOK, HAND), "premature_handover", "book_room", ()),
        (account(LOOK, BOOK, PAY), "unsaid", "", ()),
    ],
)  # fmt: skip
def test_the_difference_from_the_others_is_the_class(
    failed: Account, difference: Difference, tool: str, arguments: tuple[str, ...]
) -> None:
    found = sign(failed, [RIGHT, RIGHT, RIGHT])
    assert (found.difference, found.tool, found.arguments) == (difference, tool, arguments)
    assert found.votes == 3


def test_a_failed_run_in_a_small_majority_is_compared_with_the_others() -> None:
    wrong = account(BOOK, ("charge_card", {"cents": 9}))
    found = sign(wrong, [wrong, RIGHT, RIGHT])
    assert found.difference == "wrong_arguments"
    assert sign(wrong, [wrong, wrong, wrong, RIGHT]).difference == "unsaid"


def test_groups_that_are_wrong_in_different_ways_agree_on_what_this_run_did() -> None:
    others = [account(BOOK, ("charge_card", {"cents": cents})) for cents in (901, 902, 903)]
    without = account(BOOK, PAY, ("send_mail", {}))
    found = sign(without, [*others, account(BOOK, PAY)])
    assert found.difference == "wrong_arguments"


def test_what_is_known_to_have_failed_has_no_vote_and_what_succeeded_has_more() -> None:
    wrong = account(BOOK, ("charge_card", {"cents": 9}), outcome="failure")
    right = account(BOOK, PAY, outcome="success")
    found = sign(account(BOOK, PAY, ("send_mail", {})), [wrong, wrong, wrong, right])
    assert (found.difference, found.tool) == ("extra_action", "send_mail")


def test_a_run_that_says_it_could_not_has_no_vote_unless_none_says_otherwise() -> None:
    stopped = account_of(run_of(run(BOOK, said="Sorry, I could not pay.")))
    failed = account(BOOK, PAY, ("send_mail", {}))
    found = sign(failed, [stopped, stopped, account(BOOK, PAY)])
    assert (found.difference, found.tool) == ("extra_action", "send_mail")
    assert found.votes == 1
    assert sign(failed, [stopped, stopped]).votes == 2


def test_signatures_do_not_depend_on_the_order_of_the_others() -> None:
    failed = account(BOOK)
    others = [RIGHT, account(BOOK, ("charge_card", {"cents": 9})), account(PAY), account()]
    assert sign(failed, others) == sign(failed, others[::-1])


def test_of_many_runs_that_agree_the_same_ones_are_looked_at_in_any_order() -> None:
    def said(number: int) -> Account:
        words = f"Paid {9 if number < WITNESSES else 8}.50."
        trajectory = replace(run(BOOK, PAY, said=words), session=f"{number:04}")
        return account_of(run_of(trajectory))

    others = [said(number) for number in range(3 * WITNESSES)]
    failed = account_of(run_of(run(BOOK, PAY, said="Paid 7.50.")))
    found = sign(failed, others)
    assert (found.manner, found.votes) == ("said_otherwise", 3 * WITNESSES)
    assert sign(failed, others[::-1]) == found


def test_an_answer_given_by_a_tool_is_an_effect_that_can_be_wrong() -> None:
    right = account(LOOK, ("submit", {"answer": "four nights"}))
    found = sign(account(LOOK, ("submit", {"answer": "two nights"})), [right, right])
    assert (found.difference, found.tool) == ("wrong_arguments", "submit")
    assert found.arguments == ("answer",)


def test_last_words_are_the_answer_only_where_nobody_changes_anything() -> None:
    def said(words: str, *made: Made) -> Account:
        return account_of(run_of(run(*made, said=words)))

    asked = [said("It takes four nights."), said("It takes four nights.")]
    wrong = sign(said("It takes two nights."), asked)
    assert (wrong.difference, wrong.tool, wrong.votes) == ("wrong_arguments", "answer", 2)
    idle = sign(said("It takes four nights.", LOOK), [RIGHT, RIGHT])
    assert (idle.difference, idle.tool) == ("no_action", "book_room")
    extra = sign(account(BOOK), [said("None."), said("None.")])
    assert (extra.difference, extra.tool) == ("extra_action", "book_room")


def test_names_that_nobody_bounds_are_cut() -> None:
    long = "x" * 10_000
    found = sign(account((long, {long: 1})), [account((long, {long: 2}))])
    assert max(map(len, (found.tool, *found.arguments, *found.tail))) == MAX_NAME


def test_a_run_alone_is_told_by_how_it_ended() -> None:
    broken = ("save_file", {"path": "/a/b.txt"}, "Error: disk /dev/sda1 is full")
    stopped = sign(account(BOOK, broken), [])
    assert (stopped.difference, stopped.tool) == ("unrecovered_error", "save_file")
    assert stopped.error == "Error: disk <PATH> is full"
    assert sign(account(*[BOOK] * 7), []).difference == "repetition"
    silent = account_of(run_of(run(LOOK, said="")))
    assert sign(silent, []).difference == "no_action"
    assert sign(account(LOOK), []).difference == "undetermined"
    assert sign(account(HAND), []).difference == "premature_handover"
    assert sign(account(BOOK), []).difference == "undetermined"


def test_an_error_that_was_got_past_is_none() -> None:
    failed = ("book_room", {"room": 5}, "Error: taken")
    assert account(failed, BOOK).error == ""
    assert account(BOOK, failed).error == "Error: taken"


def test_ids_come_from_the_cause_or_else_from_the_difference() -> None:
    some = Signature(difference="missing_action", manner="gave_up", tool="a", votes=3)
    none = Signature(difference="no_action", manner="gave_up", tool="b")
    assert some.fine == none.fine
    assert some.coarse != none.coarse
    assert (some.parent, none.parent) == (ANY_FAILURE, ANY_FAILURE)
    left_out = sign(account(BOOK), [RIGHT])
    assert left_out.manner == "left_out"
    assert (left_out.fine, left_out.parent) == (left_out.coarse, None)
    stopped = Signature(difference="unrecovered_error", error="Error: disk <PATH> is full")
    assert stopped.parent == stopped.coarse != stopped.fine
    assert parse_signature(some.to_json()) == some


def test_a_rule_not_kept_is_told_by_where_and_any_other_cause_is_not() -> None:
    def fine(manner: Manner, argument: str) -> str:
        return Signature(
            difference="wrong_arguments", manner=manner, tool="pay", arguments=(argument,)
        ).fine

    assert fine("other_choice", "method") != fine("other_choice", "reason")
    assert fine("of_another", "order") == fine("of_another", "customer")


def test_artifacts_and_their_versions_found_no_mode() -> None:
    one = Signature(difference="no_action", artifacts=("helper@1",))
    other = Signature(difference="no_action", artifacts=("helper@2",))
    assert (one.fine, one.coarse) == (other.fine, other.coarse)
    told = one.to_json()
    assert parse_signature(told) == one
    del told["artifacts"]  # as rows written before have it
    assert parse_signature(told) == Signature(difference="no_action")


def test_what_the_agent_got_a_user_to_do_is_an_effect_of_the_run() -> None:
    def got(*by_user: str) -> Account:
        return account_of(run_of(run(LOOK, by_user=by_user)))

    found = sign(got(), [got("toggle_roaming")] * 3)
    assert (found.difference, found.tool) == ("no_action", "user: toggle_roaming")
    more = sign(got("toggle_roaming", "reboot_device"), [got("toggle_roaming")] * 3)
    assert (more.difference, more.tool) == ("extra_action", "user: reboot_device")
    assert sign(got("check_status"), [got()] * 3).difference == "unsaid"


def test_modes_split_off_with_support() -> None:
    assert split_modes({"a": 5, "b": 3, "d": 2}, 3) == {"a", "b"}
    assert split_modes({}, 3) == frozenset()
