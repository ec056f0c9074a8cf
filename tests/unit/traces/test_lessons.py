"""What failed and what then worked, within a run and between runs of a task."""

from lignin.domain.modes import Signature
from lignin.traces.lessons import contrasted, counted, recovered
from lignin.traces.runs import run_of
from unit.traces.modes.runs import Made, run

BAD = ("book_room", {"room": 4, "nights": 2}, "Error: room 4 is taken")


def texts(*made: Made) -> list[str]:
    return [each.text for each in recovered("s", run_of(run(*made)))]


def test_a_changed_call_that_worked_is_told_by_what_was_changed() -> None:
    found = list(recovered("s", run_of(run(BAD, ("book_room", {"room": 5, "nights": 2})))))
    assert [each.text for each in found] == [
        "book_room failed (Error: room <NUM> is taken); it worked with another value of room"
    ]
    assert [(seen.failed_step, seen.worked_step) for seen in found[0].seen] == [(2, 3)]


def test_the_same_call_that_worked_is_told_by_what_came_between() -> None:
    same = ("book_room", {"room": 4, "nights": 2})
    assert texts(BAD, ("free_room", {"room": 4}), same) == [
        "book_room failed (Error: room <NUM> is taken); it worked unchanged after free_room"
    ]
    assert texts(BAD, same) == [
        "book_room failed (Error: room <NUM> is taken); it worked when called again"
    ]


def test_another_tool_counts_only_with_the_same_values_and_for_the_same_purpose() -> None:
    assert texts(BAD, ("reserve_room", {"room": 4, "nights": 2})) == [
        "book_room failed (Error: room <NUM> is taken); reserve_room worked instead"
    ]
    assert texts(BAD, ("send_mail", {"to": "a", "text": "b"})) == []
    assert texts(BAD, ("get_room", {"room": 4, "nights": 2})) == []


def test_what_never_worked_teaches_nothing_and_a_chain_of_failures_is_told_once() -> None:
    assert texts(BAD) == []
    assert texts(BAD, BAD) == []
    assert len(texts(BAD, BAD, ("book_room", {"room": 5, "nights": 2}))) == 1


def test_between_runs_a_lesson_needs_others_that_agree_and_one_that_did_it_right() -> None:
    signature = Signature(
        difference="wrong_arguments", tool="charge_card", arguments=("cents",), votes=2
    )
    lesson = contrasted("s1", signature, ["s9", "s2"])
    assert lesson is not None
    assert lesson.text == (
        "runs that failed called charge_card with other values of cents than those that agree"
    )
    assert lesson.seen[0].other == "s2"
    assert contrasted("s1", signature, []) is None
    alone = Signature(difference="wrong_arguments", tool="charge_card", votes=1)
    assert contrasted("s1", alone, ["s2"]) is None
    assert contrasted("s1", Signature(difference="unsaid", votes=5), ["s2"]) is None


def test_equal_lessons_are_counted_together_under_one_id() -> None:
    once = list(recovered("a", run_of(run(BAD, ("book_room", {"room": 5, "nights": 2})))))
    again = list(recovered("b", run_of(run(BAD, ("book_room", {"room": 7, "nights": 2})))))
    other = list(recovered("c", run_of(run(BAD, ("book_room", {"room": 4, "nights": 3})))))
    merged = counted([*other, *once, *again])
    assert [sorted(seen.session for seen in each.seen) for each in merged] == [["a", "b"], ["c"]]
    assert merged[0].lesson == once[0].lesson != other[0].lesson
