"""Does a change gain on the hidden siblings of the cases that its proposer saw? Pure.

What is shown to gain less than half as much on them is overfitted; what is accepted is shown to gain more
than a third as much. The two overlap, so that fresh pairs settle it, and few where it helps.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json
from lignin.evals.laws.course import Arm, Ask, Course
from lignin.evals.laws.wealth import Wealth

NEEDED = 20.0
"""A change that gains half as much on them is called overfitted with at most one in so many times."""
HELPS = 5.0
"""One that gains a third as much is taken to help there at most one in so many times; one that gains
nothing far less often."""
_OVERFITTED_UNDER, _HELPS_OVER = 1 / 2, 1 / 3
MOST = 28
"""So many fresh pairs of each hidden case are tried at most, and of all together `MOST_OF_FEW` at least."""
MOST_OF_FEW = 84
_BLOCK = 8
_ARMS: tuple[Arm, Arm] = ("incumbent", "candidate")

Settled = Literal["helps", "overfitted", "not clear"]
NOT_CLEAR = "whether it helps on the cases its maker did not see is not clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """What came of the hidden cases: how many there are, their pairs, the mean difference of these and
    of the pairs on shown cases."""

    settled: Settled
    cases: int
    pairs: int
    gain: float | None
    shown_gain: float | None

    @property
    def told(self) -> str:
        """What speaks against it, in words; nothing where it helps."""
        if self.settled == "overfitted":
            return (
                f"overfitted: it gains {self.shown_gain or 0:+.0%} on shown cases "
                f"and {self.gain or 0:+.0%} on hidden ones"
            )
        return NOT_CLEAR if self.settled == "not clear" else ""

    def to_json(self) -> dict[str, Json]:
        return {
            "cases": self.cases,
            "pairs": self.pairs,
            "gain": None if self.gain is None else round(self.gain, 4),
            "shown_gain": None if self.shown_gain is None else round(self.shown_gain, 4),
        }


def weigh_siblings(
    differences: Mapping[str, Sequence[float]], hidden: Collection[str]
) -> Siblings | None:
    """Return what the pairs of a target say of its hidden cases; None where it has none, or no others.

    Args:
        differences: Of each case of the target, its pairs' differences, from -1 to 1.
    """
    shown = [d for case, each in differences.items() if case not in hidden for d in each]
    unseen = [d for case, each in differences.items() if case in hidden for d in each]
    cases = sum(case in hidden for case in differences)
    if not 0 < cases < len(differences):
        return None
    gain = _mean(shown)
    return Siblings(
        settled=_settled(gain or 0.0, unseen),
        cases=cases,
        pairs=len(unseen),
        gain=_mean(unseen),
        shown_gain=gain,
    )


def settle_siblings(
    differences: Mapping[str, Sequence[float]], hidden: Collection[str], rng: random.Random
) -> Course[Siblings | None]:
    """Go on with fresh pairs on the hidden cases of a proven target until they say whether it helps there.

    Args:
        differences: The pairs that proved it, of each case of the target.
    """
    held = {case: list(each) for case, each in differences.items()}
    siblings = weigh_siblings(held, hidden)
    order = sorted(set(held).intersection(hidden))
    left = max(MOST * len(order), MOST_OF_FEW)
    while siblings is not None and siblings.settled == "not clear" and left > 0:
        some = rng.sample(order, min(_BLOCK, len(order)))
        scores = yield tuple([Ask(arm, case) for case in some for arm in _ARMS])
        left -= len(some)
        for case, old, new in zip(some, scores[::2], scores[1::2], strict=True):
            if old is not None and new is not None:
                held[case].append(new - old)
        siblings = weigh_siblings(held, hidden)
    return siblings


def _settled(gain: float, unseen: Sequence[float]) -> Settled:
    if gain <= 0:
        return "helps"  # what was proven was proven on the hidden ones
    most, least = gain * _OVERFITTED_UNDER, gain * _HELPS_OVER
    less, more = Wealth(), Wealth()
    less.take((most - each) / (1 + most) for each in unseen)
    more.take((each - least) / (1 + least) for each in unseen)
    if less.value >= NEEDED:
        return "overfitted"
    return "helps" if more.value >= HELPS else "not clear"


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
