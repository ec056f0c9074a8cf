"""Sweeps over fixed cases: what of a planted break is found, how much is accused for nothing, at what cost.

All trials are simulated. Each case passes at one rate where it was fixed; in the head that is swept one case
(or all of a mode) passes at a lower one, or none does. What is known of the rates are a few trials.

    python benchmarks/sweeps.py
"""

import random

from _tell import teller

from lignin.evals.laws.bank import Banked
from lignin.evals.live import follow
from lignin.evals.regressions import FIXED_MARGIN
from lignin.evals.sweeping import Inspected, Inspection, Seen

CASES, MODE, REPEATS, KNOWN = 60, 5, 200, 10
RATES = (0.98, 0.9)
BREAKS = (0.0, 0.3, 0.5)

tell = teller("sweeps")


def swept(rate: float, broken: dict[str, float], seed: str, *, rotate: bool) -> Seen:
    """What one sweep comes to; `broken` has the share of its rate that each broken case still passes."""
    rng = random.Random(seed)
    cases = {}
    for number in range(CASES):
        name = f"c{number}"
        cases[name] = Inspected(
            name=name,
            digest=name,
            grader="told/1",
            mode=f"m{number // MODE}",
            against="fixed",
            banked=Banked(float(sum(rng.random() < rate for _ in range(KNOWN))), KNOWN),
            first={"incumbent": 0, "candidate": 0},
            to=1 - FIXED_MARGIN,
        )
    plan = Inspection(system="now", cases=cases, seed=seed, rotate=rotate, to_the_end=True)

    def answer(asks):  # type: ignore[no-untyped-def]
        return [
            float(
                rng.random() < rate * (broken.get(ask.case, 1.0) if ask.arm == "candidate" else 1.0)
            )
            for ask, _ in asks
        ]

    return follow(plan.course(), answer)


def main() -> None:
    for rotate in (False, True):
        how = "rotation by modes of 5" if rotate else "whole"
        for rate in RATES:
            seen = [swept(rate, {}, f"none {rate} {n}", rotate=rotate) for n in range(REPEATS)]
            accused = sum(bool(each.broken) for each in seen)
            unclear = sum(bool(each.unclear) for each in seen)
            paid = sum(each.trials for each in seen) / REPEATS / CASES
            tell(f"{how}: sweeps that accuse a sound case, {rate}", 100 * accused / REPEATS, "%",
                 note=f"simulated, {CASES} cases, n = {REPEATS}; unclear in {unclear}; {paid:.2f} trials "
                 "a case")  # fmt: skip
        for share in BREAKS:
            names = [f"c{n}" for n in range(MODE if rotate else 1)]
            seen = [
                swept(0.95, dict.fromkeys(names, share), f"{share} {n}", rotate=rotate)
                for n in range(REPEATS)
            ]
            found = sum(bool(set(each.broken) & set(names)) for each in seen)
            wrong = sum(bool(set(each.broken) - set(names)) for each in seen)
            what = "mode" if rotate else "case"
            tell(f"{how}: broken {what} found, .95 to {share * 0.95:.2g}", 100 * found / REPEATS, "%",
                 note=f"simulated, one {what} of {CASES} cases, n = {REPEATS}; a sound one accused beside "
                 f"it in {wrong}")  # fmt: skip


if __name__ == "__main__":
    main()
