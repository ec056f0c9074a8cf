"""What is new at a source, by what was seen of it."""

import pytest

from lignin.domain.codec import Json
from lignin.domain.loops import Trigger
from lignin.loops.laws.looking import STRIDE, Came, look_at_log, look_at_messages, read_to

FORGE = Trigger(kind="message", source="forge")
TRACES = Trigger(kind="traces", least=2)


def came(number: int) -> Came:
    return Came(message=f"msg_{number}", position=10 * number, given={"n": number})


def seen(position: int) -> Json:
    return {"source": "forge", "position": position}


def test_each_message_is_an_occurrence_of_its_own_named_by_its_id() -> None:
    looked = look_at_messages(FORGE, seen(5), [came(1), came(2)], 40, is_whole=True)
    assert [(o.source, o.name) for o in looked.occurrences] == [
        ("connector/forge", "msg_1"),
        ("connector/forge", "msg_2"),
    ]
    assert looked.seen == seen(40)


def test_what_does_not_fit_is_new_at_the_next_look() -> None:
    assert look_at_messages(FORGE, seen(5), [came(1)], 40, is_whole=False).seen == seen(10)


@pytest.mark.parametrize("before", [None, {"source": "other", "position": 3}, {"marks": []}, {}])
def test_of_a_source_that_was_not_looked_at_only_the_place_is_noted(before: Json) -> None:
    looked = look_at_messages(FORGE, before, [], 40, is_whole=True)
    assert (looked.occurrences, looked.seen) == ((), seen(40))


@pytest.mark.parametrize("before", [None, {"marks": ["a"]}, {"at": "2026-01-01"}])
def test_a_loop_that_was_triggered_otherwise_before_reads_traces_from_here(before: Json) -> None:
    assert read_to(TRACES, before) is None
    assert look_at_log(TRACES, before, [], 7).seen == {"position": 7}


def test_a_long_stretch_without_news_is_noted_as_read_and_one_with_some_is_kept() -> None:
    far = STRIDE + 1
    assert look_at_log(TRACES, {"position": 1}, [], far).seen == {"position": far}
    assert look_at_log(TRACES, {"position": 1}, ["ses_1"], far).seen is None
    assert look_at_log(TRACES, {"position": 1}, [], far - 1).seen is None
    assert look_at_messages(FORGE, seen(1), [], far, is_whole=True).seen == seen(far)
