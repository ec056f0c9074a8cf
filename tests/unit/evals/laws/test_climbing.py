"""What a campaign does next: modes, turns, what is hidden, when it stops."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.evals.laws.climbing import (
    PARKED_AFTER,
    Aim,
    Limits,
    Spent,
    avoided,
    draw_held_out,
    next_turn,
    over_budget,
    split_shown,
    tally,
    why_stop,
    without_hidden,
)

NAMES = st.sets(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=20)
DEAR = Aim(mode="dear", name="d", failing={"a": 1.0, "b": 0.5})
CHEAP = Aim(mode="cheap", name="c", failing={"c": 0.5})


def judged(mode: str = "dear", outcome: str = "reject", **more: Any) -> dict[str, Any]:
    known = {"proposer": "mined", "kind": "rule", "ended": "drafted", "gain": 0.1, "trials": 10}
    return {"mode": mode, "outcome": outcome, "step": "judged", **known, **more}


def nothing(mode: str, proposer: str = "mined") -> dict[str, Any]:
    return {"mode": mode, "proposer": proposer, "ended": "nothing", "step": "judged"}


@given(NAMES, st.data())
def test_half_of_a_target_and_all_that_is_held_out_is_hidden(names: set[str], data: Any) -> None:
    held_out = frozenset(data.draw(st.sets(st.sampled_from(sorted(names)))))
    shown, hidden = split_shown(sorted(names), held_out, "salt")
    assert set(shown) | set(hidden) == names
    assert not set(shown) & (set(hidden) | held_out)
    assert len(shown) <= max(1, len(names) // 2)
    assert shown or held_out == names
    assert split_shown(sorted(names), held_out, "salt") == (shown, hidden)


def test_what_is_shown_is_drawn_by_hash_and_another_campaign_draws_another() -> None:
    names = [f"c{n}" for n in range(20)]
    drawn = {split_shown(names, frozenset(), f"salt {n}")[0] for n in range(20)}
    assert len(drawn) > 15


@given(NAMES)
def test_some_of_a_suite_without_a_split_are_held_out_and_never_all(names: set[str]) -> None:
    held_out = draw_held_out(sorted(names), "salt")
    assert held_out <= names
    assert (len(held_out) >= 1) is (len(names) > 1)
    assert held_out != names


def test_the_mode_that_costs_most_comes_first() -> None:
    turn = next_turn([CHEAP, DEAR], [], ["mined"], 2)
    assert turn == (DEAR, "mined")


def test_one_that_has_nothing_more_to_say_is_not_asked_again() -> None:
    assert next_turn([CHEAP, DEAR], [nothing("dear")], ["mined"], 2) == (CHEAP, "mined")
    assert next_turn([DEAR], [nothing("dear")], ["mined", "other"], 2) == (DEAR, "other")
    assert next_turn([CHEAP, DEAR], [nothing("dear"), nothing("cheap")], ["mined"], 2) is None


def test_one_that_breaks_is_asked_again_and_not_for_ever() -> None:
    broken = {**nothing("dear"), "ended": "failed"}
    assert next_turn([DEAR], [broken] * 2, ["mined"], 2) == (DEAR, "mined")
    assert next_turn([DEAR], [broken] * 3, ["mined"], 2) is None


def test_proposers_take_turns() -> None:
    turn = next_turn([DEAR], [judged()], ["mined", "other"], 2)
    assert turn == (DEAR, "other")


def test_after_too_many_refusals_another_mode_has_its_turn_and_then_it_comes_again() -> None:
    refused = [judged()] * (2 * PARKED_AFTER)
    assert next_turn([CHEAP, DEAR], refused[1:], ["mined"], 2) == (DEAR, "mined")
    assert next_turn([CHEAP, DEAR], refused, ["mined"], 2) == (CHEAP, "mined")
    turn = next_turn([CHEAP, DEAR], [*refused, nothing("cheap")], ["mined"], 2)
    assert turn == (DEAR, "mined")
    accepted = [*refused, judged(outcome="accept")]
    assert next_turn([CHEAP, DEAR], accepted, ["mined"], 2) == (DEAR, "mined")


def test_a_kind_that_was_refused_too_often_on_a_mode_is_to_be_avoided_there() -> None:
    rounds = [judged(), judged(kind="ban"), judged(outcome="undecided"), judged("cheap", kind="x")]
    assert avoided(rounds, "dear", 2) == {"rule"}
    assert avoided(rounds, "dear", 1) == {"rule", "ban"}
    assert avoided([judged(outcome="accept")] * 3, "dear", 1) == frozenset()


@pytest.mark.parametrize(
    ("limits", "rounds", "spent", "mean", "why"),
    [
        (Limits(), [], Spent(), None, ""),
        (Limits(rounds=2), [judged(outcome="accept")] * 2, Spent(), None, "rounds"),
        (Limits(rounds=2), [judged(), nothing("dear")], Spent(), None, ""),
        (Limits(no_progress=2), [judged()] * 2, Spent(), None, "no progress"),
        (Limits(no_progress=2), [judged(), judged(outcome="accept")] * 2, Spent(), None, ""),
        (Limits(trials=30), [], Spent(trials=19), None, ""),
        (Limits(trials=30), [], Spent(trials=20), None, "budget"),
        (Limits(usd=3.0), [], Spent(usd=2.5), None, "budget"),
        (Limits(usd=3.0), [], Spent(usd=1.8, most_usd=0.2), None, ""),
        (Limits(usd=3.0), [], Spent(usd=1.8, most_usd=0.3), None, "budget"),
        (Limits(goal=0.9), [], Spent(), 0.9, "goal"),
        (Limits(goal=0.9), [], Spent(), 0.8, ""),
    ],
)
def test_it_stops_by_name(
    limits: Limits, rounds: list[dict[str, Any]], spent: Spent, mean: float | None, why: str
) -> None:
    assert why_stop(rounds, limits, spent, mean).partition(":")[0] == why


def test_the_rest_of_a_budget_is_for_the_end() -> None:
    limits = Limits(trials=30)
    assert over_budget(limits, Spent(trials=25)) == ""
    assert over_budget(limits, Spent(trials=30)) != ""


def test_no_hidden_case_is_named_in_a_reason() -> None:
    told = without_hidden(["it breaks cas_1, cas_12 and cas_3"], ["cas_1", "cas_12"])
    assert told == ("it breaks a case that is not shown, a case that is not shown and cas_3",)


def test_a_tally_counts_judged_drafts_by_proposer() -> None:
    rounds = [
        judged(outcome="accept", gain=0.5, cost_microusd=3),
        judged(),
        judged(outcome="undecided", proposer="other"),
        nothing("dear"),
    ]
    mined, other = tally("desk:a", rounds)
    assert (mined.drafts, mined.accepted, mined.gain, mined.trials) == (2, 1, 0.5, 20)
    assert (mined.accept_rate, mined.cost_microusd) == (0.5, 3)
    assert (other.drafts, other.undecided, other.accept_rate) == (1, 1, 0.0)
