"""What a decision goes by, fixed before its first trial. Pure.

A plan names the trials that stand then, and counts each arm's asks of a case on from there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lignin.domain.codec import Digest, Json
from lignin.domain.ids import drawn
from lignin.domain.trials import TrialKey
from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.better import Claim
from lignin.evals.laws.claims import Asked, Kind
from lignin.evals.laws.costs import Priced, Prices
from lignin.evals.laws.course import Arm, Ask
from lignin.evals.laws.impact import SHARE
from lignin.evals.laws.no_worse import MARGIN
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.laws.savings import CHANCES
from lignin.evals.laws.watch import Care, Unit
from lignin.evals.laws.whole import FROM

FORMAT = "lignin.decision/1"


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
class Released:
    """The last release as it is compared with: its system, and by case how many numbers stood and what
    the trials below came to."""

    release: str
    system: Digest
    first: Mapping[str, int]
    bank: Mapping[str, Banked]

    def to_json(self) -> dict[str, Json]:
        return {
            "release": self.release,
            "system": self.system,
            "first": dict(sorted(self.first.items())),
            "bank": _banked_to_json(self.bank),
        }


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
        claim, margin, saving: What is claimed, what it may lose, what it is to make smaller.
        release: What a claim to be no worse is compared with.
        counted: By column what either revision has: before, after.
        touched: Cases that the change touches; None where nobody can tell.
        is_guarded: Whether what works is guarded; of a claim to restore only where it was asked for.
        predicted: The gain on the target that its proposer expects.
        margins: Of cases that were fixed before, the share of their rate that they may lose.
        settles: Whether its hidden cases have to be settled, as those of before had not.
        follows: Whether a case that failed is cleared by its own trials alone, likewise.
        data: By arm what files held that trials which stand read, by path: where there are several, it changed.
        costs: What the incumbent's trials that stand cost, by column and case; None of a plan of before, whose
            decision weighs the costs of pairs alone.
        known: The candidate's trials that stand, by case; they may speak against it.
        weighs: Whether cases of the target are guarded, the record counts and all that works is weighed
            together, likewise.
        every_case: Whether each case that works is cleared by itself, and not by others of its mode.
        chances: By column what a sum may grow by a case before a trial alone leaves the decision open.
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
    claim: Kind = "better"
    margin: float = MARGIN
    saving: str = ""
    release: Released | None = None
    counted: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    touched: tuple[str, ...] | None = None
    is_guarded: bool = True
    predicted: float | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
    settles: bool = True
    follows: bool = True
    costs: Prices | None = None
    data: Mapping[Arm, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    known: Mapping[str, Banked] = field(default_factory=dict)
    weighs: bool = True
    every_case: bool = False
    chances: Mapping[str, float] = field(default_factory=lambda: CHANCES)

    @property
    def asked(self) -> Asked:
        """The claim as the laws take it."""
        return Asked(
            target=self.target,
            must_pass=self.must_pass,
            level=self.level,
            claim=self.claim,
            saving=self.saving,
            margin=self.margin,
        )

    @property
    def hidden(self) -> tuple[str, ...]:
        """The cases that who proposes does not see."""
        return tuple(sorted(name for name, case in self.cases.items() if case.is_hidden))

    def stated(self) -> Claim:
        """The claim in the form that is judged."""
        released = self.release
        return Claim(
            target=self.target,
            others=self.others,
            units=self.units(),
            bank=Bank(cases=self.bank),
            level=self.level,
            seed=self.seed,
            asked=self.asked,
            release=Bank(cases=released.bank if released else {}),
            compared=tuple(sorted(released.bank)) if released else (),
            same=tuple(sorted(self.cases)),
            hidden=self.hidden if self.settles else (),
            care=Care(follows=self.follows, rotates=self.weighs),
            known=self.known,
            at_times=tuple(self._at_times()),
            weighs_all=self.weighs and self.is_guarded,
        )

    def units(self) -> tuple[Unit, ...]:
        """What works and must not break: each critical case, and the cases of each mode together, unless
        every case is to be cleared."""
        modes = dict[str, list[str]]()
        for name in self._working():
            if name not in self.margins:
                mode = "" if self.every_case else self.cases[name].mode
                modes.setdefault(mode or name, []).append(name)
        return (
            *(Unit(name=name, cases=(name,), is_critical=True) for name in self.must_pass),
            # What was fixed before stands for itself, with its own margin.
            *(
                Unit(name=name, cases=(name,), to=1 - self.margins[name])
                for name in self._working()
                if name in self.margins
            ),
            *(
                Unit(name=mode, cases=tuple(cases), is_touched=self._comes_first(mode, cases))
                for mode, cases in modes.items()
            ),
        )

    def _working(self) -> Iterator[str]:
        """The cases that are guarded because they pass, by name."""
        bank = Bank(cases=self.bank)
        aims = {*self.must_pass, *(() if self.weighs else self.target)}
        for name in sorted(self.cases):
            is_working = bank.trials(name) and bank.rate(name) >= GUARDED_FROM
            if self.is_guarded and name not in aims and is_working:
                yield name

    def _at_times(self) -> Iterator[str]:
        """Cases that pass at times and are to be no better: they say something of all that works."""
        bank, aims = Bank(cases=self.bank), {*self.target, *self.must_pass}
        for name in sorted(set(self.cases) - aims):
            has_passed = name in self.bank and self.bank[name].scored > 0
            if has_passed and FROM <= bank.rate(name) < GUARDED_FROM:
                yield name

    def _comes_first(self, mode: str, cases: list[str]) -> bool:
        if self.touched is None or not set(cases).isdisjoint(self.touched):
            return True
        return self.is_sampled(mode)

    def is_sampled(self, unit: str) -> bool:
        """Whether a unit that is not touched is guarded with those that are."""
        return drawn(f"{self.seed}/{unit}") < SHARE

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
            "claim": self.claim,
            "systems": dict(self.systems),
            "cases": {
                name: [case.digest, case.grader, case.kind, case.mode, case.is_hidden]
                for name, case in sorted(self.cases.items())
            },
            "target": list(self.target),
            "others": list(self.others),
            "must_pass": list(self.must_pass),
            "first": {arm: dict(sorted(each.items())) for arm, each in self.first.items()},
            "bank": _banked_to_json(self.bank),
            "level": self.level,
            "seed": self.seed,
            "margin": self.margin,
            "saving": self.saving,
            "release": self.release.to_json() if self.release else None,
            "counted": {column: list(both) for column, both in sorted(self.counted.items())},
            "touched": None if self.touched is None else list(self.touched),
            "is_guarded": self.is_guarded,
            "predicted": self.predicted,
            "margins": dict(sorted(self.margins.items())),
            "settles": self.settles,
            "follows": self.follows,
            "data": {
                arm: {path: list(held) for path, held in sorted(each.items())}
                for arm, each in self.data.items()
            },
            "costs": None if self.costs is None else _prices_to_json(self.costs),
            "known": _banked_to_json(self.known),
            "weighs": self.weighs,
            "every_case": self.every_case,
            "chances": dict(sorted(self.chances.items())),
        }


def parse_plan(value: Mapping[str, Any]) -> Plan:
    """Read a plan back from its JSON; one of before there were other claims has less in it."""
    plan = Plan(
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
        bank=_parse_banked(value["bank"]),
        level=float(value["level"]),
        seed=value["seed"],
        claim=value["claim"],
        settles=value.get("settles", False),
        follows=value.get("follows", False),
        costs=_parse_prices(value.get("costs")),
        data={
            arm: {path: tuple(held) for path, held in each.items()}
            for arm, each in value.get("data", {}).items()
        },
        known=_parse_banked(value.get("known", {})),
        weighs=value.get("weighs", False),
        every_case=value.get("every_case", False),
        chances=value.get("chances", {}),
    )
    if "margin" not in value:
        return plan
    touched = value["touched"]
    return replace(
        plan,
        margin=float(value["margin"]),
        saving=value["saving"],
        release=_parse_released(value["release"]),
        counted={column: (both[0], both[1]) for column, both in value["counted"].items()},
        touched=None if touched is None else tuple(touched),
        is_guarded=value["is_guarded"],
        predicted=value["predicted"],
        margins=value.get("margins", {}),
    )


def _parse_released(value: Mapping[str, Any] | None) -> Released | None:
    if value is None:
        return None
    return Released(
        release=value["release"],
        system=value["system"],
        first=value["first"],
        bank=_parse_banked(value["bank"]),
    )


def _prices_to_json(costs: Prices) -> dict[str, Json]:
    return {
        column: {case: [p.mean, p.most, p.told, p.of] for case, p in sorted(prices.items())}
        for column, prices in sorted(costs.items())
    }


def _parse_prices(value: Mapping[str, Any] | None) -> Prices | None:
    if value is None:
        return None
    return {
        column: {
            case: Priced(mean=float(mean), most=float(most), told=told, of=of)
            for case, (mean, most, told, of) in prices.items()
        }
        for column, prices in value.items()
    }


def _banked_to_json(bank: Mapping[str, Banked]) -> dict[str, Json]:
    return {name: [each.scored, each.trials] for name, each in sorted(bank.items())}


def _parse_banked(value: Mapping[str, Any]) -> dict[str, Banked]:
    return {name: Banked(float(scored), int(trials)) for name, (scored, trials) in value.items()}
