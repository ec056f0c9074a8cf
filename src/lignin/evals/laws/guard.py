"""Does the candidate break what works? Every guarded case until a break is refuted or shown. Pure.

A unit is a case, or the cases of one failure mode, which break together. Each unit is tried until a break
of the declared size is so unlikely that it may be let go, likeliest to be broken first; a failure is
followed up at once, by trials of that very case: what others of its mode pass does not clear it. What is
compared with are the incumbent's trials that were paid before.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lignin.evals.laws.bank import NOTHING, Bank
from lignin.evals.laws.breaks import broken_units, culprits, evidence, likely, speaks_for_break
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
        follows: Whether a case that failed is cleared by its own trials alone, as it was not before.
    """

    missed: float = 0.03
    false: float = 0.02
    doubtful: float = 12.0
    alone: int = 10
    most: int = 40
    batch: int = 4
    follows: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What came of it: units that are broken, those that nobody could clear, and the trials.

    `evidence` says of each unit that had a failure how many times likelier it is broken than not,
    `culprits` of each that is broken which of its several cases broke by themselves.
    """

    verdict: Literal["holds", "broken", "unclear"]
    broken: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    trials: int = 0
    missing: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)
    culprits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_ENOUGH = (1.0, 0.3)
_CLEARED = 0.05
"""A case of a mode that failed is cleared where it is so many times likelier broken than sound."""
_WIDE = 2.0
"""From so many times likelier broken a mode is looked at in breadth after a failure."""
_SEEN_COUNT = 5
"""Trials that were there before count for at most so many of those that a unit may take."""


class _Watch:
    """One unit while it is tried."""

    __slots__ = (
        "_care",
        "_evidence",
        "_has_failed",
        "_suspects",
        "_turned",
        "cases",
        "enough",
        "failed",
        "missing",
        "paid",
        "tried",
        "turn",
        "unit",
    )

    def __init__(self, unit: Unit, bank: Bank, rng: random.Random, care: Care) -> None:
        self.unit, self._care = unit, care
        self.turn = rng.sample(unit.cases, len(unit.cases))
        self.cases = {case: (bank.cases.get(case, NOTHING), NOTHING) for case in unit.cases}
        self.tried = self.missing = self.paid = 0
        self.failed = False
        # Passes come one at a time, and three leave a little more than is wanted: some take a fourth.
        self.enough = rng.choice(_ENOUGH)
        self._evidence = 0.0
        self._suspects = dict[str, None]()
        self._has_failed = False
        self._turned = 0

    def asks(self) -> tuple[Ask, ...]:
        """The candidate on the next case of the unit, or on one that failed; where in doubt, the incumbent too.

        After a failure another case says whether they broke together; after a pass the one that failed has
        to say for itself.
        """
        suspects = self.suspects
        if suspects and not (self._has_failed and self.likely > _WIDE):
            case = suspects[0]
        else:
            case = self.turn[self._turned % len(self.turn)]
            self._turned += 1
        self.tried += 1
        if self.evidence >= self._care.doubtful or self.tried > self._care.alone:
            return (Ask("incumbent", case), Ask("candidate", case))
        return (Ask("candidate", case),)

    def have_seen(self, seen: Mapping[str, Sequence[float]]) -> None:
        """Count trials of the candidate that are there before it is tried."""
        for case in self.turn:
            for score in seen.get(case, ()):
                self.take(Ask("candidate", case), score)
        if self.paid:
            self.tried = self._turned = min(self.paid, _SEEN_COUNT)

    def take(self, ask: Ask, score: float | None) -> None:
        if score is None:
            self.missing += 1
            return
        self.paid += 1
        before, after = self.cases[ask.case]
        if ask.arm == "candidate":
            self.failed = self.failed or score < 1
            is_bad = self._care.follows and speaks_for_break(before, score, self.unit.to)
            self._has_failed = is_bad
            if is_bad:
                self._suspects[ask.case] = None
            self.cases[ask.case] = (before, after.with_score(score))
        else:
            self.cases[ask.case] = (before.with_score(score), after)
        singly = self._care.follows
        self._evidence = evidence(self.cases, singly=singly) if self.failed else 0.0

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
    def suspects(self) -> tuple[str, ...]:
        """The cases that failed and that their own trials have not cleared."""
        return tuple([case for case in self._suspects if self._alone(case) > _CLEARED])

    def _alone(self, case: str) -> float:
        return likely({case: self.cases[case]}, self.unit.to)

    @property
    def goes_on(self) -> bool:
        """True while a break is not so unlikely that it may be let go."""
        is_open = self.likely > self.enough * self._care.missed or bool(self.suspects)
        return is_open and self.tried < self._care.most

    @property
    def is_unclear(self) -> bool:
        """True where nobody could clear it."""
        is_doubtful = self.likely > 1 or any(self._alone(case) > 1 for case in self.suspects)
        return is_doubtful or self.is_unheard

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
    watches = [_Watch(unit, bank, rng, care) for unit in units]
    rng.shuffle(watches)
    if seen:
        for each in watches:
            each.have_seen(seen)
        if broken := _broken(watches, watches, care):
            return _guarded(watches, broken)
    for rank in range(3):
        lot = [e for e in watches if e.rank == rank and (not e.tried or e.goes_on)]
        while lot:
            left: list[_Watch] = []
            for start in range(0, len(lot), care.batch):
                some = lot[start : start + care.batch]
                while some:
                    yield from _tried(some)
                    if broken := _broken(watches, some, care):
                        return _guarded(watches, broken)
                    some = [each for each in some if each.goes_on]
                    left += [each for each in some if each.evidence <= 1]
                    some = [each for each in some if each.evidence > 1]
            lot = left
    return _guarded(watches, (), [each for each in watches if each.is_unclear])


def weigh_seen(
    units: Sequence[Unit],
    bank: Bank,
    rng: random.Random,
    care: Care,
    seen: Mapping[str, Sequence[float]],
) -> Guarded:
    """Return what trials that are there say of all units; no more are asked for, so nothing is cleared."""
    watches = [_Watch(unit, bank, rng, care) for unit in units]
    for each in watches:
        each.have_seen(seen)
    return _guarded(watches, _broken(watches, watches, care))


def _broken(watches: Sequence[_Watch], some: Sequence[_Watch], care: Care) -> tuple[_Watch, ...]:
    """Those that are shown to be broken: each by itself, or several that are in doubt together."""
    if critical := tuple([each for each in some if each.is_broken_at_once]):
        return critical
    if not any(each.failed for each in some):
        return ()
    weighed = {each.unit.name: each.evidence for each in watches if each.paid}
    names = broken_units(weighed, len(watches), care.false)
    return tuple([each for each in watches if each.unit.name in names])


def _tried(some: Sequence[_Watch]) -> Course[None]:
    asks = [(each, ask) for each in some for ask in each.asks()]
    scores = yield tuple([ask for _, ask in asks])
    for (each, ask), score in zip(asks, scores, strict=True):
        each.take(ask, score)


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
        culprits={
            each.unit.name: culprits(each.cases) for each in broken if len(each.unit.cases) > 1
        },
    )
