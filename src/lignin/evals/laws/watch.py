"""One unit that works, while a candidate is tried on it: when it is cleared, doubtful or broken. Pure."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from lignin.evals.laws.bank import NOTHING, PRIOR, Bank, Banked
from lignin.evals.laws.breaks import evidence, likely, speaks_for_break
from lignin.evals.laws.course import Ask, Seen


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
        rotates: Whether of a mode those cases are tried first that were tried least, as they were not before.
        drawn: So many cases that pass at times are tried once, for the whole.
        whole: So many trials of cases that are drawn at random settle a doubt about the whole at most.
    """

    missed: float = 0.03
    false: float = 0.02
    doubtful: float = 12.0
    alone: int = 10
    most: int = 40
    batch: int = 4
    follows: bool = True
    rotates: bool = True
    drawn: int = 24
    whole: int = 200


_ENOUGH = (1.0, 0.3)
_CLEARED = 0.05
"""A case of a mode that failed is cleared where it is so many times likelier broken than sound."""
_WIDE = 2.0
"""From so many times likelier broken a mode is looked at in breadth after a failure."""
_SEEN_COUNT = 5
"""Trials that were there before count for at most so many of those that a unit may take."""
NO_RECORD: Mapping[str, Banked] = {}


class Watch:
    """One unit while it is tried."""

    __slots__ = (
        "_care",
        "_evidence",
        "_fresh",
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

    def __init__(
        self,
        unit: Unit,
        bank: Bank,
        rng: random.Random,
        care: Care,
        known: Mapping[str, Banked] = NO_RECORD,
    ) -> None:
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
        self._fresh: dict[str, Banked] | None = None
        on_record = {case: known[case] for case in unit.cases if case in known}
        if on_record:
            self._remember(on_record)

    def _remember(self, known: Mapping[str, Banked]) -> None:
        """Count what is on record of the candidate, apart from what is tried now."""
        self._fresh = dict.fromkeys(self.cases, NOTHING)
        for case, after in known.items():
            before = self.cases[case][0]
            self.cases[case] = (before, after)
            if after.scored < after.trials:
                self.failed = True
                mean = after.scored / after.trials
                if mean < (before.scored + PRIOR) / (before.trials + 2 * PRIOR):
                    self._suspects[case] = None
        if self.failed:
            self._evidence = evidence(self.cases, singly=self._care.follows)

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

    def have_seen(self, seen: Seen) -> None:
        """Count trials that were run for the same decision before it is tried."""
        for case in self.turn:
            before, after = self.cases[case]
            for score in seen.get(Ask("incumbent", case), ()):
                before = before.with_score(score)
            self.cases[case] = (before, after)
        for case in self.turn:
            for score in seen.get(Ask("candidate", case), ()):
                self.take(Ask("candidate", case), score)
        if self.paid:
            self.tried = self._turned = min(self.paid, _SEEN_COUNT)

    def rotate(self) -> None:
        """Begin with the cases that were tried least."""
        self.turn.sort(key=lambda case: self.cases[case][1].trials)
        self._turned = 0

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
            if self._fresh is not None:
                self._fresh[ask.case] = self._fresh[ask.case].with_score(score)
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
        """How many times likelier it is broken as far as it may be than sound; what is on record may only
        make it likelier."""
        told = likely(self.cases, self.unit.to)
        if self._fresh is None:
            return told
        now = {case: (self.cases[case][0], after) for case, after in self._fresh.items()}
        return max(told, likely(now, self.unit.to))

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
