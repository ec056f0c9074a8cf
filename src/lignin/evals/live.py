"""A decision that runs its own trials: what it goes by, which trial each ask is, what it comes to. Pure.

A plan is fixed before the first trial. It names the trials that stand then, and counts each arm's asks of
a case on from there: the third ask of a case is its third trial that nobody can have seen when the change
was made. So pairs are always fresh, a trial is paid once whoever asks for it, and after a crash the same
plan asks the same things in the same order and hears the same answers.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lignin.domain.codec import Digest, Json
from lignin.domain.evidence import GateOutcome
from lignin.domain.trials import NOT_BELIEVED, TOLD, TrialKey, trial_row
from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.better import DECLARED_SHARE, Claim, Judgement
from lignin.evals.laws.course import Arm, Ask, Course
from lignin.evals.laws.guard import Unit
from lignin.evals.laws.recorded import (
    GUARDED_FROM,
    LEAST_COVERED,
    Verdict,
    mean_gain,
    paired_differences,
    tell_overfit,
)
from lignin.evals.laws.savings import COST_COLUMNS, forbidden_effects, weigh_saving
from lignin.evals.laws.table import Fault, parse_table

FORMAT = "lignin.decision/1"
Result = TypeVar("Result")
Bodies = Mapping[str, Json]
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A case as a decision knows it; who proposes does not see a hidden one."""

    name: str
    digest: Digest
    grader: str
    kind: str
    mode: str = ""
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a decision goes by.

    Args:
        systems: The digest of each arm's system.
        cases: The suite, by name.
        target, others, must_pass: Names of cases: to be better, may be better instead, critical.
        first: For each arm and case the number of its first fresh trial.
        bank: The incumbent's trials that stand, by case: sum of scores, number.
        level: The error that it may make.
        seed: Chooses the order.
        margins: Of cases that were fixed before, the share of their rate that they may lose.
    """

    systems: Mapping[Arm, Digest]
    cases: Mapping[str, Planned]
    target: tuple[str, ...]
    others: tuple[str, ...]
    must_pass: tuple[str, ...]
    first: Mapping[Arm, Mapping[str, int]]
    bank: Mapping[str, Banked]
    level: float
    seed: str
    margins: Mapping[str, float] = field(default_factory=dict)

    def claim(self) -> Claim:
        """The claim in the form that is judged."""
        return Claim(
            target=self.target,
            others=self.others,
            units=self._units(),
            bank=Bank(cases=self.bank),
            level=self.level,
            seed=self.seed,
        )

    def _units(self) -> tuple[Unit, ...]:
        """What works and must not break: each critical case, and the cases of each mode together."""
        bank, modes = Bank(cases=self.bank), dict[str, list[str]]()
        critical = set(self.must_pass)
        for name, case in sorted(self.cases.items()):
            is_aim = name in self.target or name in critical or name in self.margins
            if not is_aim and bank.trials(name) and bank.rate(name) >= GUARDED_FROM:
                modes.setdefault(case.mode or name, []).append(name)
        return (
            *(Unit(name=name, cases=(name,), is_critical=True) for name in self.must_pass),
            *self._fixed(bank),
            *(Unit(name=mode, cases=tuple(cases)) for mode, cases in modes.items()),
        )

    def _fixed(self, bank: Bank) -> Iterator[Unit]:
        """What was fixed before, each case for itself and with its own margin."""
        for name, margin in sorted(self.margins.items()):
            is_aim = name in self.target or name in self.must_pass
            if not is_aim and bank.trials(name) and bank.rate(name) >= GUARDED_FROM:
                yield Unit(name=name, cases=(name,), to=1 - margin)

    def key(self, ask: Ask, turn: int) -> TrialKey:
        """The trial that an arm's ask of a case is; `turn` counts those asks from 0."""
        case = self.cases[ask.case]
        return TrialKey(
            system=self.systems[ask.arm],
            case=case.digest,
            grader=case.grader,
            number=self.first[ask.arm][ask.case] + turn,
        )

    def to_json(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "claim": "better",
            "systems": dict(self.systems),
            "cases": {
                name: [case.digest, case.grader, case.kind, case.mode, case.is_hidden]
                for name, case in sorted(self.cases.items())
            },
            "target": list(self.target),
            "others": list(self.others),
            "must_pass": list(self.must_pass),
            "first": {arm: dict(sorted(each.items())) for arm, each in self.first.items()},
            "bank": {name: [each.scored, each.trials] for name, each in sorted(self.bank.items())},
            "level": self.level,
            "seed": self.seed,
            **({"margins": dict(sorted(self.margins.items()))} if self.margins else {}),
        }


def parse_plan(value: Mapping[str, Any]) -> Plan:
    """Read a plan back from its JSON."""
    return Plan(
        systems=value["systems"],
        cases={
            name: Planned(
                name=name, digest=digest, grader=grader, kind=kind, mode=mode, is_hidden=hidden
            )
            for name, (digest, grader, kind, mode, hidden) in value["cases"].items()
        },
        target=tuple(value["target"]),
        others=tuple(value["others"]),
        must_pass=tuple(value["must_pass"]),
        first=value["first"],
        bank={name: Banked(float(s), int(n)) for name, (s, n) in value["bank"].items()},
        level=float(value["level"]),
        seed=value["seed"],
        margins=value.get("margins", {}),
    )


def follow(
    course: Course[Result],
    answer: Callable[[Sequence[tuple[Ask, int]]], Sequence[float | None]],
) -> Result:
    """Drive a course to its end.

    Args:
        answer: Is told the asks of a round, each with how often its arm was asked for its case before.
    """
    turns: Counter[Ask] = Counter()
    try:
        asks = next(course)
        while True:
            numbered = []
            for ask in asks:
                numbered.append((ask, turns[ask]))
                turns[ask] += 1
            asks = course.send(tuple(answer(numbered)))
    except StopIteration as stop:
        result: Result = stop.value
        return result


def conclude(
    plan: Plan, judged: Judgement, trials: Sequence[tuple[Arm, Bodies]]
) -> dict[str, Json]:
    """Return the decision as `gate decide` tells its own: the outcome with every number and reason.

    Args:
        trials: All that were asked for, as filed, in the order of the asks.
    """
    rows: dict[Arm, list[dict[str, Json]]] = {"incumbent": [], "candidate": []}
    for arm, body in trials:
        rows[arm].append(trial_row(body))
    before, after = parse_table(rows["incumbent"]), parse_table(rows["candidate"])
    faults = _faults(trials)
    savings = tuple(s for c in COST_COLUMNS if (s := weigh_saving(before, after, c)))
    broken = dict.fromkeys(judged.guarded.broken if judged.guarded else ())
    for case in plan.must_pass:
        if any(score < 1 for score in after.scores(case)):
            broken[case] = None
    against = [
        f"{each.column} grows from {each.before:.4g} to {each.after:.4g}"
        for each in savings
        if each.grown >= 1 / plan.level
    ]
    if cases := forbidden_effects(before, after):
        against.append(f"it does what is forbidden: {', '.join(cases[:_SHOWN])}")
    if broken:
        against.append(f"it breaks what works: {', '.join(list(broken)[:_SHOWN])}")
    proof = judged.proof_instead or judged.proof
    # Where it helps elsewhere, what was tried to find that out is no pair.
    pairs = {} if judged.instead else paired_differences(before, after, plan.target)
    _, interval = mean_gain(pairs)
    hidden = {name for name, case in plan.cases.items() if case.is_hidden}
    against += tell_overfit(pairs, hidden & set(plan.target))
    guarded = judged.guarded
    missing = sum(body["score"] is None for _, body in trials)
    told = Verdict(
        verdict=_outcome(judged, faults, against),
        reasons=(*(each.told for each in faults), *against, *judged.reasons),
        faults=faults,
        level=plan.level,
        wealth=proof.wealth,
        needed=_needed(plan, judged),
        pairs=proof.pairs,
        gain=proof.gain,
        interval=interval,
        path=proof.path,
        cases=len(plan.cases),
        trials=len(trials),
        missing=missing,
        covered=1 - missing / len(trials) if trials else 0.0,
        guarded=len(plan.claim().units),
        broken=tuple(broken),
        unclear=guarded.unclear if guarded else (),
        evidence=dict(guarded.evidence) if guarded else {},
        savings=savings,
    )
    kinds = Counter(f"{arm} {body['kind']}" for arm, body in trials)
    return {
        **told.to_json(),
        "ended": proof.ended,
        "target": list(plan.target),
        "instead": list(judged.instead),
        "kinds": dict(sorted(kinds.items())),
    }


def _needed(plan: Plan, judged: Judgement) -> float:
    if judged.proof_instead is None:
        return 1 / plan.level / DECLARED_SHARE
    return (1 / plan.level - DECLARED_SHARE * judged.proof.wealth) / (1 - DECLARED_SHARE)


def _faults(trials: Sequence[tuple[Arm, Bodies]]) -> tuple[Fault, ...]:
    """What keeps trials from being believed: what a system said that is not so, and too much missing."""
    found: dict[str, list[str]] = {}
    for arm, body in trials:
        if body["kind"] in NOT_BELIEVED:
            where = f"{arm} {body['case']} trial {body['number']}"
            found.setdefault(body["kind"], []).append(where)
    faults = [
        Fault(kind=kind, told=f"{TOLD[kind]}: {', '.join(where[:_SHOWN])}", where=tuple(where[:_SHOWN]))  # type: ignore[arg-type,index]
        for kind, where in sorted(found.items())
    ]  # fmt: skip
    for arm in ("incumbent", "candidate"):
        told = [body["score"] is not None for each, body in trials if each == arm]
        covered = sum(told) / len(told) if told else 1.0
        if covered < LEAST_COVERED:
            said = f"only {covered:.0%} of the trials of the {arm} tell anything, under {LEAST_COVERED:.0%}"
            faults.append(Fault(kind="too_much_missing", told=said))
    return tuple(faults)


def _outcome(judged: Judgement, faults: Sequence[Fault], against: Sequence[str]) -> GateOutcome:
    if against:
        return "reject"
    is_thin = any(each.kind == "too_much_missing" for each in faults)
    if is_thin or (faults and judged.outcome == "accept"):
        return "undecided"
    return judged.outcome
