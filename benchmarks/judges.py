"""Planted judges: is a bias found, a fair one left alone, a worse one kept out; JSON lines.

All judges, people and runs are simulated. A run is worth a place on a scale of three. People see it right
nine times in ten, else a place off; two label each run. A judge errs in the same way, with a rate of its own
and, where one is planted, a bias on top.

    python benchmarks/judges.py
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence

from _tell import teller

from lignin.evals.laws.agreement import compare_agreement, weigh_agreement, with_people
from lignin.evals.laws.biases import (
    Bias,
    length_beyond,
    position_bias,
    self_preference,
    shift_bias,
)

SCALE = (0.0, 0.5, 1.0)
PEOPLE, ERROR = 0.1, 0.15
SEEDS, FAIR, COMPARED, DRAWS = 200, 400, 200, 300
SIZES = (40, 100)
OBSERVED = (100, 200)
Plant = Callable[[random.Random, int, float], Bias]

tell = teller("judges")


def off(place: int, rate: float, rng: random.Random) -> int:
    """A place as somebody sees it who errs at a rate."""
    if rng.random() >= rate:
        return place
    return min(2, max(0, place + rng.choice((-1, 1))))


def lifted(place: int, chance: float, rng: random.Random) -> int:
    """A place one up, at a chance."""
    return min(2, place + (rng.random() < chance))


def position(rng: random.Random, size: int, strength: float) -> Bias:
    """Takes the first run at a chance, else the one that it sees as better."""

    def choice(first: int, second: int) -> str:
        if rng.random() < strength:
            return "first"
        one, two = off(first, ERROR, rng), off(second, ERROR, rng)
        return "neither" if one == two else "first" if one > two else "second"

    pairs = [(rng.randrange(3), rng.randrange(3)) for _ in range(size)]
    return position_bias([(choice(one, two), choice(two, one)) for one, two in pairs])


def shift(rng: random.Random, size: int, strength: float) -> Bias:
    """Gives a run with something added more, at a chance; both times it errs anew."""
    truth = [rng.randrange(3) for _ in range(size)]
    before = [SCALE[off(each, ERROR, rng)] for each in truth]
    after = [SCALE[lifted(off(each, ERROR, rng), strength, rng)] for each in truth]
    return shift_bias("length", before, after)


def beyond(rng: random.Random, size: int, strength: float) -> Bias:
    """Gives the longer half of the runs more, at a chance."""
    truth = [rng.randrange(3) for _ in range(size)]
    lengths = [
        round(math.exp(rng.gauss(6 + each / 3, 1))) for each in truth
    ]  # better ones are longer
    human = [(SCALE[off(t, PEOPLE, rng)] + SCALE[off(t, PEOPLE, rng)]) / 2 for t in truth]
    middle = sorted(lengths)[size // 2]
    judged = [
        SCALE[lifted(off(t, ERROR, rng), strength if n > middle else 0.0, rng)]
        for t, n in zip(truth, lengths, strict=True)
    ]
    return length_beyond(lengths, judged, human)


def own(rng: random.Random, size: int, strength: float) -> Bias:
    """Gives runs of its own model more, at a chance; those are better, too."""
    mine = [rng.random() < 0.5 for _ in range(size)]
    truth = [min(2, rng.randrange(3) + (each and rng.random() < 0.3)) for each in mine]
    human = [(SCALE[off(t, PEOPLE, rng)] + SCALE[off(t, PEOPLE, rng)]) / 2 for t in truth]
    judged = [
        SCALE[lifted(off(t, ERROR, rng), strength if is_own else 0.0, rng)]
        for t, is_own in zip(truth, mine, strict=True)
    ]
    return self_preference(mine, judged, human)


PLANTS: dict[str, tuple[Plant, tuple[int, int]]] = {
    "position": (position, SIZES),
    "length or injection": (shift, SIZES),
    "length beyond people": (beyond, OBSERVED),
    "self-preference": (own, OBSERVED),
}


def biases() -> None:
    """How many planted biases are found, and how many fair judges are accused."""
    for name, (plant, sizes) in PLANTS.items():
        for size in sizes:
            for strength in (0.25, 0.5):
                found = [plant(random.Random(f"{name} {n}"), size, strength) for n in range(SEEDS)]
                right = sum(b.found is True and (b.effect.value or 0) > 0 for b in found)
                tell(f"{name}: found, {strength:.0%} of verdicts moved, {size} runs",
                     100 * right / SEEDS, "%",
                     bar="at least 95 %" if (size, strength) == (sizes[1], 0.5) else "",
                     met=right >= 0.95 * SEEDS if (size, strength) == (sizes[1], 0.5) else None,
                     note=f"simulated, n = {SEEDS}")  # fmt: skip
            fair = [plant(random.Random(f"fair {name} {n}"), size, 0.0) for n in range(FAIR)]
            accused = sum(b.found is True for b in fair)
            tell(f"{name}: fair judges accused, {size} runs", 100 * accused / FAIR, "%",
                 bar="at most 7.5 %", met=accused <= 0.075 * FAIR,
                 note=f"simulated, n = {FAIR}")  # fmt: skip


def world(rng: random.Random, size: int, good: float) -> tuple[list[int], list[list[int]]]:
    """What runs are worth, and what two people say; `good` is how many are of the best."""
    truth = [2 if rng.random() < good else rng.randrange(2) for _ in range(size)]
    return truth, [[off(t, PEOPLE, rng), off(t, PEOPLE, rng)] for t in truth]


def compares() -> None:
    """What comes of comparing a new judge with the old one, by how much worse it is.

    A slip beyond an end of the scale is none, so that of the rates about three quarters are seen.
    """
    worse: Counter[str] = Counter()
    tried = 0
    for size in (50, 150, 400):
        for error in (0.0, ERROR, 0.3, 0.5):
            seen: Counter[str] = Counter()
            for number in range(COMPARED if size < 400 else COMPARED // 2):
                rng = random.Random(f"{size} {error} {number}")
                truth, people = world(rng, size, 0.4)
                old = [off(t, ERROR, rng) for t in truth]
                new = [off(t, error, rng) for t in truth]
                seen[compared(old, new, people)] += 1
            count = seen.total()
            if error > ERROR:
                worse, tried = worse + seen, tried + count
            how = "as good" if error == ERROR else "faultless" if error == 0 else "worse"
            tell(f"compare: accepted, {how}, errs {error:.0%} after {ERROR:.0%}, {size} runs",
                 100 * seen["accept"] / count, "%",
                 note=f"simulated, n = {count}; {seen['reject']} rejected, "
                 f"{seen['undecided']} undecided")  # fmt: skip
    tell("compare: accepted, of those that are worse", 100 * worse["accept"] / tried, "%",
         bar="at most 1 %", met=worse["accept"] <= 0.01 * tried,
         note=f"simulated, n = {tried}; they err at twice the rate or more")  # fmt: skip


def rewordings() -> None:
    """A new version of a rubric that moves a fifth of the verdicts, at the same rate of errors."""
    for size in (50, 150):
        seen: Counter[str] = Counter()
        for number in range(COMPARED):
            rng = random.Random(f"reworded {size} {number}")
            truth, people = world(rng, size, 0.4)
            old = [off(t, ERROR, rng) for t in truth]
            both = zip(truth, old, strict=True)
            new = [off(t, ERROR, rng) if rng.random() < 0.2 else same for t, same in both]
            seen[compared(old, new, people)] += 1
        tell(f"compare: accepted, as good, a fifth judged anew, {size} runs",
             100 * seen["accept"] / COMPARED, "%",
             note=f"simulated, n = {COMPARED}; {seen['reject']} rejected, "
             f"{seen['undecided']} undecided")  # fmt: skip


def flatters() -> None:
    """A judge that always gives the label that is most common."""
    seen: Counter[str] = Counter()
    more = 0
    for number in range(COMPARED):
        rng = random.Random(f"flatters {number}")
        truth, people = world(rng, 150, 0.85)
        old = [off(t, 0.3, rng) for t in truth]
        seen[compared(old, [2] * len(truth), people)] += 1
        more += agreed([2] * len(truth), people) > agreed(old, people)
    tell("compare: accepted, always gives the commonest label", 100 * seen["accept"] / COMPARED, "%",
         bar="0", met=not seen["accept"],
         note=f"simulated, n = {COMPARED}; in {more} it has more labels right than the old judge")  # fmt: skip


def compared(old: Sequence[int], new: Sequence[int], people: Sequence[Sequence[int]]) -> str:
    return compare_agreement(old, new, people, SCALE, seed="bench", draws=DRAWS).outcome


def agreed(judged: Sequence[int], people: Sequence[Sequence[int]]) -> int:
    return sum(one == each for one, given in zip(judged, people, strict=True) for each in given)


def intervals() -> None:
    """How often the intervals of agreement hold the figure of a very large sample."""
    rng = random.Random("large")
    truth, people = world(rng, 40_000, 0.4)
    judged = [off(t, ERROR, rng) for t in truth]
    large = weigh_agreement(with_people(judged, people), SCALE, seed="a", draws=2)
    for size in (30, 100):
        held: Counter[str] = Counter()
        for number in range(SEEDS):
            rng = random.Random(f"interval {size} {number}")
            truth, people = world(rng, size, 0.4)
            judged = [off(t, ERROR, rng) for t in truth]
            found = weigh_agreement(with_people(judged, people), SCALE, seed="a", draws=DRAWS)
            for name in ("kappa", "gwet"):
                between, true = getattr(found, name).interval, getattr(large, name).value
                held[name] += between is not None and between[0] <= true <= between[1]
        for name, count in held.items():
            tell(f"intervals of {name} hold the truth, {size} runs", 100 * count / SEEDS, "%",
                 note=f"simulated, n = {SEEDS}; 95 % is claimed")  # fmt: skip


if __name__ == "__main__":
    biases()
    compares()
    rewordings()
    flatters()
    intervals()
