"""Noisy costs before the gate: good changes that it refuses or leaves open, real growths that it lets pass.

What a trial costs is lognormal about what its case costs, and what cases cost is lognormal, too. A decision
is as the gate makes it: six trials of the incumbent a case on file, ten pairs of each case of the target,
three trials of the candidate of each other one.

    python benchmarks/costs.py
"""

import math
import random
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _tell import teller

from lignin.evals.laws.costs import Priced, price
from lignin.evals.laws.levels import level
from lignin.evals.laws.savings import against_costs, open_costs, weigh_saving
from lignin.evals.laws.table import Table, Trial

COLUMN = "cost_usd"
DECISIONS = 400
BANKED, PAIRS, GUARDED = 6, 10, 3
NOISES = (0.5, 1.0, 1.5)
SUITES = {"50 cases": (8, 50), "6 cases": (2, 6)}
CHANGES: Mapping[str, tuple[float, float]] = {
    "nothing": (1.0, 1.0),
    "a fifth more throughout": (1.0, 1.2),
    "three times on the target": (1.0, 1.0),
    "three times throughout": (1.0, 3.0),
    "834 times on one case in twenty": (0.05, 834.0),
    "100 times on one case in twenty": (0.05, 100.0),
    "30 times on one case in twenty": (0.05, 30.0),
}
"""The share of the cases that cost more, and how many times; of a share of 1 all do."""

tell = teller("costs")


def main() -> None:
    for suite, sizes in SUITES.items():
        for noise in NOISES:
            for change in CHANGES:
                rng = random.Random(f"{suite} {noise} {change}")
                found = Counter(decided(rng, sizes, noise, change) for _ in range(DECISIONS))
                told = ", ".join(
                    f"{100 * found[each] / DECISIONS:.1f} % {each}" for each in ("refused", "open")
                )
                tell(f"let pass: {change}, {suite}, noise {noise}", 100 * found["passed"] / DECISIONS, "%",
                     note=f"n = {DECISIONS}; {told}")  # fmt: skip


def decided(rng: random.Random, sizes: tuple[int, int], noise: float, change: str) -> str:
    """What costs alone come to in one decision."""
    target, cases = sizes
    share, times = CHANGES[change]
    dear = set(rng.sample(range(cases), max(1, round(share * cases))))
    known: dict[str, Priced] = {}
    tables: dict[str, dict[str, tuple[Trial, ...]]] = {"before": {}, "after": {}}
    for number in range(cases):
        case, usual = f"c{number}", math.exp(rng.gauss(-4, 1))
        grown = times if number in dear else 1.0
        if change == "three times on the target" and number < target:
            grown = 3.0
        known[case] = price(trials(rng, case, usual, noise, BANKED), COLUMN)
        if number < target:
            tables["before"][case] = trials(rng, case, usual, noise, PAIRS)
        count = PAIRS if number < target else GUARDED
        tables["after"][case] = trials(rng, case, usual * grown, noise, count)
    before, after = (Table(cases=each) for each in tables.values())
    saving = weigh_saving(before, after, COLUMN, known)
    assert saving is not None
    allowed = level(0.05, 1, 0)
    if against_costs([saving], allowed):
        return "refused"
    return "open" if open_costs([saving], allowed) else "passed"


def trials(
    rng: random.Random, case: str, usual: float, noise: float, count: int
) -> tuple[Trial, ...]:
    return tuple(
        Trial(
            case=case,
            trial=str(number),
            score=1.0,
            rest={COLUMN: usual * math.exp(rng.gauss(0, noise))},
        )
        for number in range(count)
    )


if __name__ == "__main__":
    main()
