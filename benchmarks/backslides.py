"""Which accept broke a fixed case: planted backslides in logs of several lengths; JSON lines.

All trials are simulated: the case passes at one rate before the guilty revision and at a lower one from it
on, and both are known from a few trials only.

    python benchmarks/backslides.py
"""

import random
from collections import Counter

from _tell import teller

from lignin.evals.laws.backslide import Found, find_backslide
from lignin.evals.laws.bank import Banked

RATES = ((0.98, 0.0), (0.95, 0.1), (0.95, 0.3), (0.8, 0.2))
LENGTHS = (4, 10, 30)
REPEATS, FIXED, SEEN = 500, 8, 6


tell = teller("backslides")


def search(guilty: int | None, length: int, rate: float, low: float, seed: str) -> Found:
    """Find the guilty revision of a simulated log; None has none."""
    rng = random.Random(seed)
    now = rate if guilty is None else low

    def trials(number: int, chance: float) -> Banked:
        return Banked(sum(rng.random() < chance for _ in range(number)), number)

    course = find_backslide("case", length, trials(FIXED, rate), trials(SEEN, now))
    asks = next(course)
    try:
        while True:
            sound = [guilty is None or ask.revision < guilty for ask in asks]
            asks = course.send([float(rng.random() < (rate if each else low)) for each in sound])
    except StopIteration as stop:
        found: Found = stop.value
        return found


def main() -> None:
    named = wrong = paid = tried = 0
    for rate, low in RATES:
        seen: Counter[str] = Counter()
        for length in LENGTHS:
            for number in range(REPEATS):
                seed = f"{rate} {low} {length} {number}"
                guilty = random.Random(seed).randrange(length)
                found = search(guilty, length, rate, low, f"trials {seed}")
                seen["named"] += found.revision == guilty
                seen["wrong"] += found.revision not in {None, guilty}
                seen["paid"] += found.trials
        count = REPEATS * len(LENGTHS)
        tell(f"right revision named, {rate} to {low}", 100 * seen["named"] / count, "%",
             note=f"simulated, logs of {LENGTHS}, n = {count}; a wrong one in {seen['wrong']}; "
             f"{seen['paid'] / count:.0f} trials each")  # fmt: skip
        named, wrong = named + seen["named"], wrong + seen["wrong"]
        paid, tried = paid + seen["paid"], tried + count
    tell("right revision named", 100 * named / tried, "%", bar="at least 95 %",
         met=named / tried >= 0.95, note=f"all of them, n = {tried}; a wrong one in "
         f"{100 * wrong / tried:.1f} %; {paid / tried:.0f} trials each")  # fmt: skip
    accused = sum(
        search(None, 10, rate, 0.0, f"flaky {rate} {number}").revision is not None
        for rate in (0.95, 0.7)
        for number in range(REPEATS)
    )
    tell("flaky cases that accuse a revision", 100 * accused / (2 * REPEATS), "%",
         note=f"simulated, pass rates .95 and .7, n = {2 * REPEATS}")  # fmt: skip


if __name__ == "__main__":
    main()
