"""One system looked at by the guard, each case against the system that it is known to pass with. Pure.

What is compared may be another system for each case: a fixed failure is compared with the revision that
fixed it. A plan is fixed before the first trial, so that after a crash it asks the same and hears the same.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lignin.domain.codec import Digest, Json
from lignin.domain.trials import TrialKey
from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.course import Arm, Ask, Course
from lignin.evals.laws.guard import Guarded, guard
from lignin.evals.laws.watch import Care, Unit

FORMAT = "lignin.inspection/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A case that is looked at.

    Args:
        against: The system that its trials are compared with.
        banked: That one's trials that stand.
        first: For each arm the number of its first trial.
        to: The share of its rate at or below which it counts as broken.
        is_likely: It is tried before those that are not, for it is likelier to be broken.
    """

    name: str
    digest: Digest
    grader: str
    mode: str
    against: Digest
    banked: Banked
    first: Mapping[Arm, int]
    to: float = 0.3
    is_likely: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All that a look at a system goes by.

    Args:
        rotate: One case of each mode stands for it until something is in doubt; else each for itself.
        to_the_end: Go on after a break is shown, until each is known; else one is enough.
    """

    system: Digest
    cases: Mapping[str, Inspected]
    seed: str
    rotate: bool = False
    to_the_end: bool = False

    def course(self) -> Course["Seen"]:
        """The rules as asks."""
        bank = Bank(cases={name: case.banked for name, case in self.cases.items()})
        return look(list(self.cases.values()), bank, self.seed, self.rotate, self.to_the_end)

    def key(self, ask: Ask, turn: int) -> TrialKey:
        """The trial that an arm's ask of a case is; `turn` counts those asks from 0."""
        case = self.cases[ask.case]
        # Where both arms are the very same system they take turns, so that no trial is both.
        step = 2 if case.against == self.system else 1
        return TrialKey(
            system=self.system if ask.arm == "candidate" else case.against,
            case=case.digest,
            grader=case.grader,
            number=case.first[ask.arm] + turn * step,
        )

    def to_json(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "system": self.system,
            "cases": {
                name: [
                    case.digest,
                    case.grader,
                    case.mode,
                    case.against,
                    [case.banked.scored, case.banked.trials],
                    dict(sorted(case.first.items())),
                    case.to,
                    case.is_likely,
                ]
                for name, case in sorted(self.cases.items())
            },
            "seed": self.seed,
            "rotate": self.rotate,
            "to_the_end": self.to_the_end,
        }


def parse_inspection(value: Mapping[str, Any]) -> Inspection:
    """Read a plan back from its JSON."""
    cases = {
        name: Inspected(
            name=name,
            digest=digest,
            grader=grader,
            mode=mode,
            against=against,
            banked=Banked(float(scored), int(trials)),
            first=first,
            to=float(to),
            is_likely=is_likely,
        )
        for name, (
            digest,
            grader,
            mode,
            against,
            (scored, trials),
            first,
            to,
            is_likely,
        ) in value["cases"].items()
    }
    return Inspection(
        system=value["system"],
        cases=cases,
        seed=value["seed"],
        rotate=value["rotate"],
        to_the_end=value["to_the_end"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What it came to, by case: those that are broken, and those that nobody could clear.

    `tried` are the cases that were tried at all, `evidence` how many times likelier a unit that had a
    failure is broken than sound.
    """

    broken: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    trials: int = 0
    missing: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)


def look(
    cases: Sequence[Inspected], bank: Bank, seed: str, rotate: bool, to_the_end: bool
) -> Course[Seen]:
    """Guard all cases; in rotation by mode, and the cases of a mode that is in doubt each for itself.

    What was heard once is not asked again, so that going on after a break, and from a mode to its
    cases, costs only what is new.
    """
    heard: defaultdict[Ask, list[float | None]] = defaultdict(list)
    known = {case.name: case for case in cases}
    found = yield from _until(_units(cases, rotate), bank, seed, to_the_end, heard)
    doubtful = (*found.broken, *found.unclear)
    if rotate and doubtful:
        modes = _units(cases, True)
        suspects = [name for unit in modes if unit.name in doubtful for name in unit.cases]
        singly = _units([known[name] for name in suspects], False)
        found = yield from _until(singly, bank, seed, to_the_end, heard)
    scores = [score for each in heard.values() for score in each]
    return Seen(
        broken=found.broken,
        unclear=found.unclear,
        tried=tuple(sorted({ask.case for ask in heard if ask.arm == "candidate"})),
        trials=len(scores),
        missing=sum(score is None for score in scores),
        evidence=found.evidence,
    )


def _units(cases: Sequence[Inspected], rotate: bool) -> list[Unit]:
    modes: dict[tuple[str, float], list[Inspected]] = {}
    for case in sorted(cases, key=lambda case: case.name):
        modes.setdefault(((case.mode if rotate else "") or case.name, case.to), []).append(case)
    return [
        Unit(
            name=some[0].name if len(some) == 1 else f"{mode} to {to:g}",
            cases=tuple(case.name for case in some),
            is_touched=any(case.is_likely for case in some),
            to=to,
        )
        for (mode, to), some in modes.items()
    ]


def _until(
    units: Sequence[Unit],
    bank: Bank,
    seed: str,
    to_the_end: bool,
    heard: defaultdict[Ask, list[float | None]],
) -> Course[Guarded]:
    """Guard, and where one is broken the others again without it."""
    left, broken, evidence = list(units), list[str](), dict[str, float]()
    while True:
        rng = random.Random(seed)  # noqa: S311
        found = yield from _remembering(guard(left, bank, rng, Care()), heard)
        evidence |= found.evidence
        broken += found.broken
        left = [unit for unit in left if unit.name not in found.broken]
        if not found.broken or not to_the_end:
            return Guarded(
                verdict="broken" if broken else found.verdict,
                broken=tuple(broken),
                unclear=found.unclear,
                evidence=evidence,
            )


def _remembering(
    course: Course[Guarded], heard: defaultdict[Ask, list[float | None]]
) -> Course[Guarded]:
    """A course that is told again what was heard before, and asks only for the rest."""
    turns: Counter[Ask] = Counter()
    try:
        asks = next(course)
        while True:
            places = list[tuple[Ask, int]]()
            new = list[Ask]()
            for ask in asks:
                places.append((ask, turns[ask]))
                if turns[ask] >= len(heard[ask]) + sum(each == ask for each in new):
                    new.append(ask)
                turns[ask] += 1
            if new:
                scores = yield tuple(new)
                for ask, score in zip(new, scores, strict=True):
                    heard[ask].append(score)
            asks = course.send(tuple(heard[ask][turn] for ask, turn in places))
    except StopIteration as stop:
        result: Guarded = stop.value
        return result
