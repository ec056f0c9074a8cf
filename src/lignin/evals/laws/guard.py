"""Does the candidate break what works? Every guarded case until a break is refuted or shown. Pure.

A unit is a case, or the cases of one failure mode, which break together. Each unit is tried until a break
of the declared size is so unlikely that it may be let go, likeliest to be broken first; a failure is
followed up at once, by trials of that very case: what others of its mode pass does not clear it. What is
compared with are the incumbent's trials that were paid before. Trials of the candidate that are on record
may speak against it and clear nothing: who asks again finds more and never less. When all units are done,
what works is weighed as a whole: many small losses are one, too.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.breaks import broken_units, culprits
from lignin.evals.laws.course import Arm, Ask, Course, Seen
from lignin.evals.laws.watch import NO_RECORD, Care, Unit, Watch
from lignin.evals.laws.whole import PART, Whole, has_fallen


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What came of it: units that are broken, those that nobody could clear, and the trials.

    `evidence` says of each unit that had a failure how many times likelier it is broken than not,
    `culprits` of each that is broken which of its several cases broke by themselves. `counts` holds the
    trials of both systems that it rests on, by case, and `fallen` how many times likelier all that works fell
    together than not: 0 where that was not asked.
    """

    verdict: Literal["holds", "broken", "unclear"]
    broken: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    trials: int = 0
    missing: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)
    culprits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, tuple[Banked, Banked]] = field(default_factory=dict)
    fallen: float = 0.0
    is_shown_fallen: bool = False

    @property
    def is_unclear_whole(self) -> bool:
        """True where it is likelier than not that all that works fell, and that is not shown."""
        return self.fallen > 1 and not self.is_shown_fallen


_BLOCK = 8
_WIDELY = 20
"""From so many cases on all of them together are weighed, also before each of them was."""
_ARMS: tuple[Arm, Arm] = ("incumbent", "candidate")


def guard(
    units: Sequence[Unit],
    bank: Bank,
    rng: random.Random,
    care: Care,
    seen: Seen | None = None,
    *,
    known: Mapping[str, Banked] = NO_RECORD,
    whole: Whole | None = None,
) -> Course[Guarded]:
    """Try the candidate on all units until each is cleared or one is broken.

    Critical units come first, then those that the change touches, then the rest.

    Args:
        seen: Trials that were run already for the same decision.
        known: The candidate's trials on record, by case.
        whole: All that works, where it is to be weighed together, too.
    """
    lot = _Lot(units, bank, rng, care, known=known, whole=whole)
    if seen or known:
        lot.have_seen(seen or {})
        if lot.is_broken(lot.watches):
            return lot.guarded()
    if (yield from lot.cleared()):
        return lot.guarded()
    if whole is not None and ((yield from lot.settled(rng)) or (yield from lot.cleared())):
        return lot.guarded()
    return lot.guarded(is_done=True)


def weigh_seen(
    units: Sequence[Unit],
    bank: Bank,
    rng: random.Random,
    care: Care,
    seen: Seen,
    *,
    known: Mapping[str, Banked] = NO_RECORD,
) -> Guarded:
    """Return what trials that are there say of all units; no more are asked for, so nothing is cleared."""
    lot = _Lot(units, bank, rng, care, known=known, whole=None)
    lot.have_seen(seen)
    lot.is_broken(lot.watches)
    return lot.guarded()


class _Lot:
    """All units while they are tried."""

    def __init__(
        self,
        units: Sequence[Unit],
        bank: Bank,
        rng: random.Random,
        care: Care,
        *,
        known: Mapping[str, Banked],
        whole: Whole | None,
    ) -> None:
        self.care, self.whole = care, whole
        self.watches = [Watch(unit, bank, rng, care, known) for unit in units]
        rng.shuffle(self.watches)
        self.of = {case: each for each in self.watches for case in each.unit.cases}
        self.broken: tuple[Watch, ...] = ()
        self.is_fallen = self.is_done = False
        self.paid_besides = 0

    def have_seen(self, seen: Seen) -> None:
        """Count what was tried for the same decision, and begin with what was tried least."""
        for each in self.watches:
            each.have_seen(seen)
            if self.care.rotates:
                each.rotate()
            if self.whole is not None:
                for case, both in each.cases.items():
                    self.whole.put(case, both)

    def cleared(self) -> Course[bool]:
        """Try all units until each is cleared; True where a break, or a fall of the whole, is shown."""
        for rank in range(3):
            lot = [e for e in self.watches if e.rank == rank and (not e.tried or e.goes_on)]
            while lot:
                left: list[Watch] = []
                for start in range(0, len(lot), self.care.batch):
                    some = lot[start : start + self.care.batch]
                    while some:
                        yield from self._tried(some)
                        if self.is_broken(some):
                            return True
                        some = [each for each in some if each.goes_on]
                        left += [each for each in some if each.evidence <= 1]
                        some = [each for each in some if each.evidence > 1]
                lot = left
        self.is_done = True
        return self.is_broken(())

    def settled(self, rng: random.Random) -> Course[bool]:
        """Draw some cases that pass at times, and where it is in doubt whether all fell, pairs of any case;
        True where a break, or a fall of the whole, is shown."""
        whole = self.whole
        assert whole is not None
        others = sorted(whole.others)
        drawn = rng.sample(others, min(self.care.drawn, len(others)))
        for start in range(0, len(drawn), self.care.batch):
            some = drawn[start : start + self.care.batch]
            if (yield from self._asked([Ask("candidate", case) for case in some])):
                return True
        order, spent = (*whole.cases, *others), 0
        while whole.evidence > 1 and spent < self.care.whole:
            some = rng.sample(order, min(_BLOCK, len(order)))
            spent += len(some)
            is_doubtful = whole.evidence >= self.care.doubtful
            asks = [
                Ask(arm, case)
                for case in some
                # What passes at times may have been taken for such by luck.
                for arm in (_ARMS if is_doubtful or case in whole.others else _ARMS[1:])
            ]
            if (yield from self._asked(asks)):
                return True
        return False

    def is_broken(self, some: Sequence[Watch]) -> bool:
        """Whether one unit by itself, several that are in doubt together, or all that works by a little are
        shown to be broken."""
        if critical := tuple([each for each in some if each.is_broken_at_once]):
            self.broken = critical
            return True
        false = self.care.false
        if self.whole is not None:
            # Of a few cases that broke each unit tells more, by its name.
            is_wide = self.is_done or self.whole.tried >= _WIDELY
            self.is_fallen = is_wide and has_fallen(self.whole.evidence, false)
            false *= 1 - PART
        if any(each.failed for each in some):
            weighed = {e.unit.name: e.evidence for e in self.watches if e.paid or e.failed}
            names = broken_units(weighed, len(self.watches), false)
            self.broken = tuple([each for each in self.watches if each.unit.name in names])
        return bool(self.broken) or self.is_fallen

    def _tried(self, some: Sequence[Watch]) -> Course[None]:
        asks = [(each, ask) for each in some for ask in each.asks()]
        scores = yield tuple([ask for _, ask in asks])
        for (_, ask), score in zip(asks, scores, strict=True):
            self._take(ask, score)

    def _asked(self, asks: Sequence[Ask]) -> Course[bool]:
        """Ask for trials of cases at random; True where a break is shown."""
        scores = yield tuple(asks)
        for ask, score in zip(asks, scores, strict=True):
            self._take(ask, score)
        return self.is_broken([self.of[ask.case] for ask in asks if ask.case in self.of])

    def _take(self, ask: Ask, score: float | None) -> None:
        watch, whole = self.of.get(ask.case), self.whole
        if watch is not None:
            watch.take(ask, score)
        if whole is None or score is None:
            return
        if watch is not None:
            whole.put(ask.case, watch.cases[ask.case])
            return
        self.paid_besides += 1
        before, after = whole.counts[ask.case]
        is_old = ask.arm == "incumbent"
        whole.put(
            ask.case,
            (before.with_score(score), after) if is_old else (before, after.with_score(score)),
        )

    def guarded(self, *, is_done: bool = False) -> Guarded:
        """What came of it; only where it was done is anything unclear."""
        fallen = self.whole.evidence if self.whole else 0.0
        unclear = [each for each in self.watches if each.is_unclear] if is_done else []
        verdict: Literal["holds", "broken", "unclear"] = "holds"
        if self.broken or self.is_fallen:
            verdict, unclear = "broken", []
        elif unclear or (is_done and fallen > 1):
            verdict = "unclear"
        counts = {case: both for each in self.watches for case, both in each.cases.items()}
        return Guarded(
            verdict=verdict,
            broken=tuple(each.unit.name for each in self.broken),
            unclear=tuple(each.unit.name for each in unclear),
            trials=sum(each.paid for each in self.watches) + self.paid_besides,
            missing=sum(each.missing for each in self.watches),
            evidence={each.unit.name: each.evidence for each in self.watches if each.failed},
            culprits={
                each.unit.name: culprits(each.cases)
                for each in self.broken
                if len(each.unit.cases) > 1
            },
            counts=counts | (self.whole.counts if self.whole else {}),
            fallen=fallen,
            is_shown_fallen=self.is_fallen,
        )
