"""Planning a decision that runs its own trials: what was asked, and what it goes by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.domain.trials import trial_row
from lignin.evals.laws.bank import NOTHING, Bank, Banked
from lignin.evals.laws.claims import Kind
from lignin.evals.laws.costs import Prices, price_all
from lignin.evals.laws.course import Arm
from lignin.evals.laws.impact import Altered, joined, touched_cases
from lignin.evals.laws.no_worse import MARGIN, margin_left, times_too_few
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.laws.savings import COST_COLUMNS, LATENCY
from lignin.evals.laws.table import parse_table
from lignin.evals.plans import Plan, Planned, Released
from lignin.evals.releases import told_bank
from lignin.evals.trials import Standing, standing, trials_of
from lignin.operations.inspecting import margin_of
from lignin.operations.trialwork import SuiteCase
from lignin.ports.ledger import View, require_known
from lignin.ports.system import System

BANKED = 6
"""So many trials of the incumbent are to stand before a decision: they say what works."""
LEAST_COMMON = 0.5
"""A release that knows a smaller share of the suite is too old to be compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be decided, as it was asked.

    Args:
        named: The cases that were asked for by name.
        hidden: Cases that whoever made the change did not see, besides those that are held out.
        claim, margin, saving: What is claimed, what it may lose, what it is to make smaller.
        release: What a claim to be no worse is compared with.
        is_guarded: Of a claim to restore: whether what works is guarded all the same.
        aims: Cases of the failure mode that the proposal is for: its target where none is named.
        altered, counted: Of a proposal: what differs between its revisions, and what either has, by column.
        predicted: The gain that it expects.
        every_case: Whether each case that works is cleared by itself, and not by others of its mode.
    """

    incumbent: System
    candidate: System
    suite: Sequence[SuiteCase]
    named: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    must_pass: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    alpha: float = 0.05
    campaign: str = "main"
    proposal: str = ""
    claim: Kind = "better"
    margin: float = MARGIN
    saving: str = ""
    release: str = ""
    is_guarded: bool = True
    aims: tuple[str, ...] = ()
    altered: Altered | None = None
    counted: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    predicted: float | None = None
    every_case: bool = False

    def decision(self, again: int) -> str:
        """The id of its decision, the first one or one that was asked for again."""
        told = sorted(case.named_content for case in self.suite if case.kind == "told")
        founding: list[Json] = [
            told or sorted(self.named),
            self.incumbent.digest,
            self.candidate.digest,
            sorted(self.target),
            sorted(self.must_pass),
            self.alpha,
            self.campaign,
            self.proposal,
            again,
        ]
        if self.claim != "better":
            founding += [self.claim, self.margin, self.saving, self.release, self.is_guarded]
        if self.aims and not self.target:
            founding.append(sorted(self.aims))
        if self.hidden:
            founding.append(sorted(self.hidden))
        if self.every_case:
            founding.append("every case")
        return derive_id("dec", founding)


def needs_bank(question: Question) -> bool:
    """Whether the incumbent's trials have to stand beforehand: they say what works."""
    if question.claim == "restore":
        return question.is_guarded or bool(question.must_pass)
    return question.claim != "equivalent"


def plan_decision(view: View, question: Question, level: float, seed: str) -> Plan:
    """What a decision goes by, from the trials that stand now.

    Raises:
        InvalidRequestError: There is nothing to be shown, or nothing to compare with.
    """
    suite = {case.name: case for case in question.suite}
    _require_cases(suite, question)
    rows = list(trials_of(view, question.incumbent.digest))
    of_candidate = list(trials_of(view, question.candidate.digest))
    stood: dict[Arm, Standing] = {
        "incumbent": standing(rows),
        "candidate": standing(of_candidate),
    }
    bank = _banked(suite.values(), stood["incumbent"])
    target, others = _aims(suite, question, bank)
    return Plan(
        systems={
            "incumbent": question.incumbent.digest,
            "candidate": question.candidate.digest,
        },
        cases={name: _planned(case, question) for name, case in suite.items()},
        target=target,
        others=others,
        must_pass=tuple(sorted(question.must_pass)),
        first=_first(suite, stood, alike=question.claim == "equivalent"),
        bank=bank,
        level=level,
        seed=seed,
        claim=question.claim,
        margin=question.margin,
        saving=question.saving,
        release=_released(view, suite, question),
        counted=question.counted,
        touched=_touched(suite, rows, question.altered),
        # What comes to the very same in every trial has broken nothing.
        is_guarded=question.is_guarded and question.claim != "equivalent",
        predicted=question.predicted,
        margins={
            name: margin
            for name, case in suite.items()
            if (margin := margin_of(view, case)) is not None
        },
        data={"incumbent": data_of(rows), "candidate": data_of(of_candidate)},
        costs=standing_costs({n: (case.digest, case.grader) for n, case in suite.items()}, rows),
        known=_banked(suite.values(), stood["candidate"]),
        every_case=question.every_case,
    )


def _require_cases(suite: Mapping[str, SuiteCase], question: Question) -> None:
    if unknown := sorted({*question.target, *question.must_pass} - set(suite)):
        raise InvalidRequestError(
            f"no cases of the suite: {', '.join(unknown[:10])}", hint="`lignin trace cases`"
        )
    if question.target and question.claim != "better":
        raise InvalidRequestError(
            f"a claim of {question.claim} has no target", hint="only `better` has one"
        )
    if recorded := [name for name in question.target if suite[name].kind == "recorded"]:
        raise InvalidRequestError(
            f"recorded cases can only refuse: {', '.join(recorded[:10])}",
            hint="a target is made of live cases",
        )


def _aims(
    suite: Mapping[str, SuiteCase], question: Question, bank: Mapping[str, Banked]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The target, and what may be better instead.

    Raises:
        InvalidRequestError: No live case can show what is claimed, or none of the failure mode's can.
    """
    is_asked = question.claim in ("better", "no_regression") and not question.proposal
    if is_asked and all(case.kind == "recorded" for case in suite.values()):
        raise InvalidRequestError(
            f"no live case: recorded ones can only refuse, and not show a claim of {question.claim}",
            hint="`lignin trace cases` says which cases are live",
        )
    if question.claim != "better":
        return (), ()
    rates = Bank(cases=bank)
    may_gain = [
        name
        for name, case in sorted(suite.items())
        if case.kind != "recorded"
        and name not in question.must_pass
        and rates.rate(name) < GUARDED_FROM
    ]
    if not may_gain and not question.target:
        return (), ()  # it is decided all the same: nothing to gain, and perhaps something broken
    declared = [name for name in may_gain if name in question.aims]
    target = tuple(sorted(question.target)) or tuple(declared)
    if not target and question.aims:
        raise InvalidRequestError(
            "the incumbent passes every live case of the failure mode that the proposal is for",
            hint="--target names other cases that are to be better",
        )
    target = target or tuple(may_gain)
    return target, tuple(name for name in may_gain if name not in target)


def _planned(case: SuiteCase, question: Question) -> Planned:
    return Planned(
        name=case.name,
        digest=case.digest,
        grader=case.grader,
        kind=case.kind,
        mode=case.mode,
        is_hidden=case.split == "held_out" or case.name in question.hidden,
    )


def _first(
    suite: Mapping[str, SuiteCase], stood: Mapping[Arm, Standing], *, alike: bool
) -> dict[Arm, Mapping[str, int]]:
    """The number of each arm's first fresh trial of a case; alike, where the same are to be compared."""
    first: dict[Arm, Mapping[str, int]] = {
        arm: {
            name: each.following.get((case.digest, case.grader), 0) for name, case in suite.items()
        }
        for arm, each in stood.items()
    }
    if alike:
        later = {name: max(each[name] for each in first.values()) for name in suite}
        first = dict.fromkeys(first, later)
    return first


def _released(view: View, suite: Mapping[str, SuiteCase], question: Question) -> Released | None:
    """What a claim to be no worse is compared with: the release's trials of the cases of both.

    Raises:
        InvalidRequestError: Its trials say too little, or it knows too few of the cases.
    """
    if question.claim != "no_worse_and_cheaper":
        return None
    row = require_known(view, f"release/{question.release}")
    known = told_bank(parse_json(view.blob(row.body["result"]["told"])))
    may_accept = {name: case for name, case in suite.items() if case.kind != "recorded"}
    common = {
        name: known[case.digest, case.grader]
        for name, case in may_accept.items()
        if (case.digest, case.grader) in known
    }
    if not common or len(common) < LEAST_COMMON * len(may_accept):
        raise InvalidRequestError(
            f"the release {row.key} knows {len(common)} of the {len(may_accept)} cases that may accept",
            hint="`lignin release cut` makes one of the suite as it is now",
        )
    bank = {name: banked for name, (banked, _) in common.items()}
    left = margin_left(Bank(cases=bank), sorted(bank), question.margin)
    if times := times_too_few(Bank(cases=bank), sorted(bank), question.margin):
        raise InvalidRequestError(
            f"the release's own trials may be wrong by {question.margin - left:.1%}, of a margin of "
            f"{question.margin:.0%}",
            hint=f"`lignin release cut --trials N` with about {times} times as many trials a case, as many "
            "times the cases, or a wider --margin",
        )
    first = {name: following for name, (_, following) in common.items()}
    return Released(release=row.key, system=row.body["system"], first=first, bank=bank)


def _touched(
    suite: Mapping[str, SuiteCase], rows: Sequence[Row], altered: Altered | None
) -> tuple[str, ...] | None:
    """The cases that a change touches, by what the incumbent's trials used."""
    if altered is None:
        return None
    of = {(case.digest, case.grader): name for name, case in suite.items()}
    trials: dict[str, list[tuple[Sequence[str] | None, Sequence[str] | None]]] = {}
    for row in rows:
        name = of.get((row.body["case_digest"], row.body["grader"]))
        if name is not None:
            trials.setdefault(name, []).append((row.body.get("slots"), row.body.get("tools")))
    return touched_cases({name: joined(each) for name, each in trials.items()}, altered)


def _banked(suite: Iterable[SuiteCase], stood: Standing) -> dict[str, Banked]:
    found = {}
    for case in suite:
        banked = stood.banked.get((case.digest, case.grader), NOTHING)
        if banked.trials:
            found[case.name] = banked
    return found


def data_of(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """What files held that some trials read, by path, each content once."""
    held: dict[str, set[str]] = {}
    for row in rows:
        for path, digest in row.body.get("data", {}).items():
            held.setdefault(path, set()).add(digest)
    return {path: tuple(sorted(each)) for path, each in sorted(held.items())}


def standing_costs(suite: Mapping[str, tuple[Digest, str]], rows: Iterable[Row]) -> Prices:
    """What trials of a system cost, by column and case; how long they took then says nothing of now.

    Args:
        suite: Of each case its digest and grader.
    """
    of = {key: name for name, key in suite.items()}
    held = [
        {**trial_row(row.body), "case": of[key]}
        for row in rows
        if (key := (row.body["case_digest"], row.body["grader"])) in of
    ]
    priced = price_all(parse_table(held), [each for each in COST_COLUMNS if each != LATENCY])
    told = {
        column: {case: each for case, each in cases.items() if each.told}
        for column, cases in priced.items()
    }
    return {column: cases for column, cases in told.items() if cases}


def released_rows(view: View, plan: Plan) -> list[Mapping[str, Json]]:
    """The release's trials that a plan compares with, as filed."""
    released = plan.release
    if released is None:
        return []
    of: dict[tuple[Digest, str], str] = {
        (plan.cases[name].digest, plan.cases[name].grader): name for name in released.first
    }
    bodies = [
        row.body
        for row in trials_of(view, released.system)
        if (name := of.get((row.body["case_digest"], row.body["grader"]))) is not None
        and row.body["number"] < released.first[name]
    ]
    return sorted(bodies, key=lambda body: int(body["number"]))
