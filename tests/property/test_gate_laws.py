"""Laws of the gate: order is nothing, wealth is fair, and what the candidate does better never harms it."""

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lignin.evals.laws.claims import Asked
from lignin.evals.laws.levels import level
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import parse_table
from lignin.evals.laws.wealth import Wealth

SCORES = st.one_of(st.none(), st.sampled_from([0, 1]), st.floats(0, 1), st.just(float("nan")))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"case": st.sampled_from("abcd"), "trial": st.integers(0, 4), "score": SCORES},
        optional={
            "resolved": st.booleans(),
            "error": st.sampled_from(["", "crash", "infrastructure", "infrastructure: x"]),
            "mode": st.sampled_from(["", "m"]),
            "revision": st.sampled_from(["1", "2"]),
            "more": st.integers(),
        },
    ),
    max_size=30,
)
TARGET = st.lists(st.sampled_from("abcde"), unique=True).map(tuple)


@given(ROWS, ROWS, TARGET, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(
    old: list[dict[str, Any]], new: list[dict[str, Any]], target: tuple[str, ...], rng: Any
) -> None:
    asked = Asked(target=target)

    def decided(*sides: list[dict[str, Any]]) -> dict[str, Any]:
        before, after = [parse_table(_unique(side)) for side in sides]
        return decide_recorded(before, after, asked).to_json()

    told = decided(old, new)
    assert told["verdict"] in {"accept", "reject", "undecided"}
    shuffled = [rng.sample(_unique(side), len(_unique(side))) for side in (old, new)]
    again = decided(*shuffled)
    for each in (told, again):  # rows at fault are told by their place
        faults = {fault["told"] for fault in each["faults"]}
        each["reasons"] = [reason for reason in each["reasons"] if reason not in faults]
        each["faults"] = sorted(fault["kind"] for fault in each["faults"])
    assert told == again


def _unique(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(row["case"], row["trial"]): row for row in rows}.values())


@given(ROWS, ROWS)
def test_rows_at_fault_never_lead_to_an_accept(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    told = decide_recorded(parse_table(old), parse_table(new), Asked())
    if told.faults:
        assert told.verdict != "accept"
        assert all(fault.told in told.reasons for fault in told.faults)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4))
def test_wealth_expects_no_gain_where_the_mean_is_not_above_zero(
    rates: list[tuple[float, float]],
) -> None:
    """By all outcomes of a pair of each case, whichever cases differ (Maclaurin's inequality)."""
    if sum(new - old for old, new in rates) > 0:
        rates = [(new, old) for old, new in rates]
    total = 0.0
    for outcome in product((0, 1), repeat=2 * len(rates)):
        chance, differences = 1.0, []
        for (old, new), was, came in zip(rates, outcome[::2], outcome[1::2], strict=True):
            chance *= (old if was else 1 - old) * (new if came else 1 - new)
            differences.append(came - was)
        wealth = Wealth()
        wealth.take(differences)
        total += chance * wealth.value
    assert total <= 1 + 1e-9


@given(st.floats(0.001, 0.5), st.integers(1, 10_000), st.integers(0, 50))
def test_level_grows_with_accepts_and_never_exceeds_one(
    alpha: float, number: int, accepted: int
) -> None:
    assert 0 < level(alpha, number, accepted) <= level(alpha, number, accepted + 1) <= 1
    assert level(alpha, number + 1, accepted) <= level(alpha, number, accepted)
