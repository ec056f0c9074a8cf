"""The review of a durable skill: what its alerts came to, and what that is worth."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.events import Actor, Event
from lignin.loops.laws.review import (
    Bars,
    Fate,
    Review,
    SkillRun,
    Watched,
    fates_of,
    review,
    tally,
)

WATCH = Watched(is_watch=True)


def event(type_: str, **payload: Any) -> Event:
    return Event(
        space="s", position=1, stream="inbox/i", seq=1, event_id="e", type=type_,
        schema_version=1, at="", actor=Actor(sub="user:a"), cause=None, correlation_id=None,
        idempotency_key=None, decision_id=None, payload_digest="", payload=payload,
    )  # fmt: skip


def filed(job: str) -> Event:
    return event("inbox.filed", job=job)


def seen(job: str) -> Event:
    return event("inbox.seen", job=job)


def settled(how: str, *, changed: bool = False) -> Event:
    return event("inbox.settled", **{"as": how, "changed": changed})


def runs(count: int, **fields: Any) -> list[SkillRun]:
    return [SkillRun(job=f"{fields}{n}", version="v", **fields) for n in range(count)]


def alerts(fate: Fate, count: int) -> list[SkillRun]:
    return runs(count, alerted=True, fates=(fate,))


def judged(found: list[SkillRun], watched: Watched = WATCH) -> Review:
    return review(tally(found), watched, Bars())


@pytest.mark.parametrize(
    ("events", "came"),
    [
        ([filed("a")], {"a": "unlooked"}),
        ([filed("a"), seen("b"), settled("accepted")], {"a": "accepted", "b": "accepted"}),
        ([filed("a"), settled("accepted", changed=True)], {"a": "changed"}),
        ([filed("a"), settled("dismissed"), seen("b")], {"a": "dismissed", "b": "dismissed"}),
        ([filed("a"), settled("expired")], {"a": "unlooked"}),
        ([filed("a"), event("inbox.snoozed"), event("inbox.reopened"), settled("accepted")],
         {"a": "accepted"}),
        ([filed("a"), event("inbox.applied")], {"a": "applied"}),
        ([filed("a"), settled("accepted"), event("inbox.applied")], {"a": "accepted"}),
        ([filed("a"), event("inbox.applied"), event("inbox.reopened"), settled("dismissed")],
         {"a": "reversed"}),
        ([filed("a"), settled("accepted"), filed("b"), settled("dismissed")],
         {"a": "accepted", "b": "dismissed"}),
        ([filed(""), settled("accepted")], {}),
    ],
)  # fmt: skip
def test_an_alert_has_the_fate_of_the_item_that_it_was_found_in(
    events: list[Event], came: dict[str, str]
) -> None:
    assert fates_of(events) == came


def test_what_nobody_settled_is_neither_right_nor_wrong() -> None:
    found = tally([*alerts("unlooked", 3), *alerts("applied", 2), *alerts("accepted", 1)])
    assert (found.alerts, found.confirmed, found.dismissed, found.unlooked) == (6, 1, 0, 5)
    assert found.precision == 1.0
    assert tally(alerts("applied", 2)).precision is None


def test_a_persons_word_of_a_run_counts_before_the_fate_of_what_it_filed() -> None:
    found = tally([
        *runs(1, alerted=True, fates=("accepted",), should="quiet"),
        *runs(2, alerted=False, should="alert"),
        *runs(3, alerted=False, should="quiet"),
        *runs(4, alerted=False),
    ])  # fmt: skip
    assert (found.confirmed, found.dismissed, found.missed, found.quiet) == (0, 1, 2, 3)


def test_one_right_finding_makes_a_run_right() -> None:
    assert tally(runs(1, alerted=True, fates=("dismissed", "accepted"))).confirmed == 1


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (alerts("accepted", 6), "keep"),
        (alerts("accepted", 5), "too-little-known"),  # five of five may be 48 %
        ([*alerts("accepted", 1), *alerts("dismissed", 9)], "repair"),
        ([*alerts("accepted", 1), *alerts("dismissed", 9), *runs(30, alerted=False)], "repair"),
        (alerts("dismissed", 6), "retire-candidate"),
        ([*alerts("dismissed", 6), *runs(1, alerted=False, should="alert")], "repair"),
        (alerts("dismissed", 5), "too-little-known"),
        (alerts("unlooked", 5), "retire-candidate"),
        (alerts("unlooked", 4), "too-little-known"),
        ([*alerts("accepted", 6), *runs(6, failure="workflow_failed: ValueError")], "repair"),
        ([*alerts("accepted", 6), *runs(40, failure="cancelled")], "keep"),
        ([*alerts("accepted", 6), *runs(6, alerted=False, should="alert")], "repair"),
        (runs(50, alerted=False), "too-little-known"),
    ],
)
def test_a_verdict_is_given_only_where_the_whole_interval_lies_on_one_side(
    found: list[SkillRun], verdict: str
) -> None:
    assert judged(found).verdict == verdict


def test_what_is_no_watch_is_judged_by_its_failures() -> None:
    plain = Watched(is_watch=False)
    assert judged(runs(17), plain).verdict == "keep"
    assert judged(runs(16), plain).verdict == "too-little-known"
    assert "about 1 more run" in judged(runs(16), plain).lacking[0]
    failing = judged(runs(4, failure="unavailable"), plain)
    assert failing.verdict == "repair"
    assert failing.reasons == ("4 of 4 runs failed (4 unavailable)",)


def test_what_is_lacking_is_said_in_alerts_to_settle() -> None:
    known = judged(alerts("accepted", 4))
    assert any("about 2 more settled alerts" in text for text in known.lacking)
    unknown = judged(alerts("unlooked", 2))
    assert any("somebody settles" in text for text in unknown.lacking)


@pytest.mark.parametrize(
    ("watched", "verdict"),
    [
        (Watched(is_watch=True, loops=("watch",)), "too-little-known"),
        (Watched(is_watch=False, is_older=False), "too-little-known"),
        (Watched(is_watch=False), "retire-candidate"),
    ],
)
def test_what_did_not_run_is_taken_out_only_where_nothing_would_run_it(
    watched: Watched, verdict: str
) -> None:
    assert judged([], watched).verdict == verdict


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.1, 0.2, 0.5, 0.8]))
def test_a_bar_is_met_or_missed_just_where_the_interval_that_is_told_says_so(
    right: int, wrong: int, bar: float
) -> None:
    found = tally([*alerts("accepted", right), *alerts("dismissed", wrong)])
    if found.interval is None:
        return
    low, high = found.interval
    verdict = review(found, WATCH, Bars(precision=bar)).verdict
    assert (verdict == "keep") is (low > bar)
    assert (verdict in ("repair", "retire-candidate")) is (high < bar)
