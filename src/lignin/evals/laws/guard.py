"""Does the candidate break what works? Every guarded case until a break is refuted or shown. Pure.

A unit is a case, or the cases of one failure mode, which break together. Each unit is tried until a break
of the declared size is so unlikely that it may be let go, likeliest to be broken first; a failure is
followed up at once. What is compared with are the incumbent's trials that were paid before.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lignin.evals.laws.bank import NOTHING, Bank
from lignin.evals.laws.breaks import broken_units, evidence, likely
from lignin.evals.laws.course import Ask, Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Cases that break together: `cases` of one mode, or one case.

    `to` is the share of its rate at or below which it counts as broken.
    """

    name: str
    cases: tuple[str, ...]
    is_touched: bool = True
    is_critical: bool = False
    to: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """How careful the guard is.

    Args:
        missed: A break of the declared size is let go with less than this probability.
        false: What works is held to be broken with less than this probability, over all units.
        doubtful: From so many times likelier to be broken, the incumbent is tried again beside it.
        alone: After so many trials of a unit without an answer, it is too.
        most: At most so many trials of one unit.
        batch: So many trials are asked for at once.
    """

    missed: float = 0.03
    false: float = 0.02
    doubtful: float = 12.0
    alone: int = 10
    most: int = 40
    batch: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What came of it: units that are broken, those that nobody could clear, and the trials.

    `evidence` says of each unit that had a failure how many times likelier it is broken than not.
    """

    verdict: Literal["holds", "broken", "unclear"]
    broken: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    trials: int = 0
    missing: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)


_ENOUGH = (1.0, 0.3)
_SEEN_COUNT = 5
"""Trials that were there before count for at most so many of those that a unit may take."""


class _Watch:
    """One unit while it is tried."""

    __slots__ = (
        "_evidence",
        "cases",
        "enough",
        "failed",
        "missing",
        "paid",
        "tried",
        "turn",
        "unit",
    )

    def __init__(self, unit: Unit, bank: Bank, rng: random.Random) -> None:
        self.unit = unit
        self.turn = rng.sample(unit.cases, len(unit.cases))
        self.cases = {case: (bank.cases.get(case, NOTHING), NOTHING) for case in unit.cases}
        self.tried = self.missing = self.paid = 0
        self.failed = False
        # Passes come one at a time, and three leave a little more than is wanted: some take a fourth.
        self.enough = rng.choice(_ENOUGH)
        self._evidence = 0.0

    def asks(self, care: Care) -> tuple[Ask, ...]:
        """The candidate on the unit's next case; where in doubt, the incumbent too."""
        case = self.turn[self.tried % len(self.turn)]
        self.tried += 1
        if self.evidence >= care.doubtful or self.tried > care.alone:
            return (Ask("incumbent", case), Ask("candidate", case))
        return (Ask("candidate", case),)

    def have_seen(self, seen: Mapping[str, Sequence[float]]) -> None:
        """Count trials of the candidate that are there before it is tried."""
        for case in self.turn:
            for score in seen.get(case, ()):
                self.take(Ask("candidate", case), score)
        if self.paid:
            self.tried = min(self.paid, _SEEN_COUNT)

    def take(self, ask: Ask, score: float | None) -> None:
        if score is None:
            self.missing += 1
            return
        self.paid += 1
        before, after = self.cases[ask.case]
        if ask.arm == "candidate":
            self.failed = self.failed or score < 1
            self.cases[ask.case] = (before, after.with_score(score))
        else:
            self.cases[ask.case] = (before.with_score(score), after)
        self._evidence = evidence(self.cases) if self.failed else 0.0

    @property
    def evidence(self) -> float:
        """How many times likelier it is broken than sound; 0 where nothing failed, so that what passes
        speaks for it more than it should and never against it."""
        return self._evidence

    @property
    def likely(self) -> float:
        """How many times likelier it is broken as far as it may be than sound."""
        return likely(self.cases, self.unit.to)

    @property
    def rank(self) -> int:
        return 0 if self.unit.is_critical else 1 if self.unit.is_touched else 2

    @property
    def is_unheard(self) -> bool:
        """True where nothing was asked, or most of what was came to nothing."""
        return self.missing >= self.paid

    @property
    def is_broken_at_once(self) -> bool:
        return self.unit.is_critical and self.failed


def guard(
    units: Sequence[Unit],
    bank: Bank,
    rng: random.Random,
    care: Care,
    seen: Mapping[str, Sequence[float]] | None = None,
) -> Course[Guarded]:
    """Try the candidate on all units until each is cleared or one is broken.

    Critical units come first, then those that the change touches, then the rest.

    Args:
        seen: Trials of the candidate that were run already for the same decision, by case.
    """
    watches = [_Watch(unit, bank, rng) for unit in units]
    rng.shuffle(watches)
    if seen:
        for each in watches:
            each.have_seen(seen)
        if broken := _broken(watches, watches, care):
            return _guarded(watches, broken)
    for rank in range(3):
        lot = [e for e in watches if e.rank == rank and (not e.tried or _goes_on(e, care))]
        while lot:
            left: list[_Watch] = []
            for start in range(0, len(lot), care.batch):
                some = lot[start : start + care.batch]
                while some:
                    yield from _tried(some, care)
                    if broken := _broken(watches, some, care):
                        return _guarded(watches, broken)
                    some = [each for each in some if _goes_on(each, care)]
                    left += [each for each in some if each.evidence <= 1]
                    some = [each for each in some if each.evidence > 1]
            lot = left
    unclear = [each for each in watches if each.likely > 1 or each.is_unheard]
    return _guarded(watches, (), unclear)


def _broken(watches: Sequence[_Watch], some: Sequence[_Watch], care: Care) -> tuple[_Watch, ...]:
    """Those that are shown to be broken: each by itself, or several that are in doubt together."""
    if critical := tuple([each for each in some if each.is_broken_at_once]):
        return critical
    if not any(each.failed for each in some):
        return ()
    weighed = {each.unit.name: each.evidence for each in watches if each.paid}
    names = broken_units(weighed, len(watches), care.false)
    return tuple([each for each in watches if each.unit.name in names])


def _tried(some: Sequence[_Watch], care: Care) -> Course[None]:
    asks = [(each, ask) for each in some for ask in each.asks(care)]
    scores = yield tuple([ask for _, ask in asks])
    for (each, ask), score in zip(asks, scores, strict=True):
        each.take(ask, score)


def _goes_on(watch: _Watch, care: Care) -> bool:
    return watch.likely > watch.enough * care.missed and watch.tried < care.most


def _guarded(
    watches: Sequence[_Watch], broken: Sequence[_Watch], unclear: Sequence[_Watch] = ()
) -> Guarded:
    verdict: Literal["holds", "broken", "unclear"] = "holds"
    if broken or unclear:
        verdict = "broken" if broken else "unclear"
    return Guarded(
        verdict=verdict,
        broken=tuple(each.unit.name for each in broken),
        unclear=tuple(each.unit.name for each in unclear),
        trials=sum(each.paid for each in watches),
        missing=sum(each.missing for each in watches),
        evidence={each.unit.name: each.evidence for each in watches if each.failed},
    )
