"""A decision that runs its own trials: planning, driving it to its end, and coming to it again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.events import Change
from lignin.domain.evidence import GateOutcome
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.evals.decisions import Decisions
from lignin.evals.laws.bank import NOTHING, Bank, Banked
from lignin.evals.laws.better import judge_better
from lignin.evals.laws.course import Arm, Ask
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.live import Bodies, Plan, Planned, conclude, follow, parse_plan
from lignin.evals.trials import Standing, standing, trials_of
from lignin.operations.context import Context
from lignin.operations.rubricwork import unmeasured_graders
from lignin.operations.trialwork import SuiteCase, Tries, suite_case
from lignin.ports.ledger import View, require_known
from lignin.ports.system import System

USUAL_ALPHA = 0.05
"""What a campaign may err whose decisions count for proposals."""
BANKED = 6
"""So many trials of the incumbent are to stand before a decision: they say what works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be decided, as it was asked; `named` are the cases that were asked for by name, `hidden`
    those that whoever made the change did not see, besides the ones that are held out."""

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

    def decision(self, again: int) -> str:
        """The id of its decision, the first one or one that was asked for again."""
        told = sorted(case.named_content for case in self.suite if case.kind == "told")
        founding: Json = [
            told or sorted(self.named),
            self.incumbent.digest,
            self.candidate.digest,
            sorted(self.target),
            sorted(self.must_pass),
            self.alpha,
            self.campaign,
            self.proposal,
            again,
            *([sorted(self.hidden)] if self.hidden else []),
        ]
        return derive_id("dec", founding)


def find_decision(view: View, question: Question, *, anew: bool) -> tuple[str, Row | None]:
    """The decision that was asked for: the last one, or a new one after it."""
    number, last = 0, None
    while (row := view.row(f"decision/{question.decision(number)}")) is not None:
        number, last = number + 1, row
    if last is None or (anew and last.state != "open"):
        return question.decision(number), None
    return last.key, last


def campaign_of(proposal: Row) -> str:
    """The campaign of a proposal is that of its head; nobody chooses another one."""
    return f"head {proposal.body['head']}"


def proven_by_trials(view: View, proposal: Row) -> tuple[GateOutcome, str]:
    """What the last decision by trials on a proposal came to, and what is to be told of it.

    One by simulated agents proves nothing, nor does one that was allowed to err more than usual.
    """
    rows = [
        row
        for row in view.page("decision", parent=proposal.key, limit=1000).rows
        if row.body["result"]
    ]
    if not rows:
        return "undecided", f"the claim {proposal.body['claim']!r} needs trials or a human"
    last = max(rows, key=lambda row: (row.body["opened_at"], row.key))
    told = f"{last.key} by trials: {last.state}"
    if last.body["simulated"]:
        return "undecided", f"{told}, but by simulated agents"
    if last.body["alpha"] > USUAL_ALPHA:
        return "undecided", f"{told}, but its campaign may err {last.body['alpha']:g}"
    graders = [
        case.grader for case in parse_plan(parse_json(view.blob(last.body["plan"]))).cases.values()
    ]
    if unmeasured := unmeasured_graders(view, graders):
        return (
            "undecided",
            f"{told}, but by a judge not shown to agree with people: {unmeasured[0]}",
        )
    outcome: GateOutcome = last.body["result"]["verdict"]
    return outcome, told


def open_decision(context: Context, decision: str, question: Question) -> Row:
    """Open a decision: fix its plan and its place in the campaign.

    Raises:
        InvalidRequestError: There is nothing to be shown, or the cases are not of the suite.
    """
    decisions = Decisions(context.ids)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        if view.row(f"decision/{decision}") is not None:
            return None, []  # somebody opened it in the meantime
        place = decisions.place(view, question.campaign, question.alpha)
        plan = plan_decision(view, question, place.level, decision)
        facts: dict[str, Json] = {
            "proposal": question.proposal,
            "incumbent": question.incumbent.name,
            "candidate": question.candidate.name,
            "incumbent_system": question.incumbent.digest,
            "candidate_system": question.candidate.digest,
            "simulated": question.incumbent.simulated or question.candidate.simulated,
        }
        return None, [decisions.open(context.scope, decision, place, plan.to_json(), facts)]

    context.decide_and_commit(decide)
    with context.view() as view:
        return require_known(view, f"decision/{decision}")


def plan_decision(view: View, question: Question, level: float, seed: str) -> Plan:
    """What a decision goes by, from the trials that stand now."""
    suite = {case.name: case for case in question.suite}
    if unknown := sorted({*question.target, *question.must_pass} - set(suite)):
        raise InvalidRequestError(
            f"no cases of the suite: {', '.join(unknown[:10])}", hint="`lignin trace cases`"
        )
    if recorded := [name for name in question.target if suite[name].kind == "recorded"]:
        raise InvalidRequestError(
            f"recorded cases can only refuse: {', '.join(recorded[:10])}",
            hint="a target is made of live cases",
        )
    stood: dict[Arm, Standing] = {
        "incumbent": standing(list(trials_of(view, question.incumbent.digest))),
        "candidate": standing(list(trials_of(view, question.candidate.digest))),
    }
    bank = _banked(suite.values(), stood["incumbent"])
    rates = Bank(cases=bank)
    may_gain = [
        name
        for name, case in sorted(suite.items())
        if case.kind != "recorded"
        and name not in question.must_pass
        and rates.rate(name) < GUARDED_FROM
    ]
    target = tuple(sorted(question.target)) or tuple(may_gain)
    if not target:
        raise InvalidRequestError(
            "the incumbent passes every live case already: there is nothing to gain",
            hint="--target names the cases that are to be better",
        )
    first: dict[Arm, Mapping[str, int]] = {
        arm: {
            name: each.following.get((case.digest, case.grader), 0) for name, case in suite.items()
        }
        for arm, each in stood.items()
    }
    return Plan(
        systems={
            "incumbent": question.incumbent.digest,
            "candidate": question.candidate.digest,
        },
        cases={
            name: Planned(
                name=name,
                digest=case.digest,
                grader=case.grader,
                kind=case.kind,
                mode=case.mode,
                is_hidden=case.split == "held_out" or name in question.hidden,
            )
            for name, case in suite.items()
        },
        target=target,
        others=tuple(name for name in may_gain if name not in target),
        must_pass=tuple(sorted(question.must_pass)),
        first=first,
        bank=bank,
        level=level,
        seed=seed,
    )


def _banked(suite: Iterable[SuiteCase], stood: Standing) -> dict[str, Banked]:
    found = {}
    for case in suite:
        banked = stood.banked.get((case.digest, case.grader), NOTHING)
        if banked.trials:
            found[case.name] = banked
    return found


def reach_decision(context: Context, row: Row, question: Question, parallel: int = 1) -> int:
    """Drive an open decision to its end and file it; trials that stand are not run again.

    Returns:
        How many trials were run.
    """
    with context.view() as view:
        plan = parse_plan(parse_json(view.blob(row.body["plan"])))
        suite = _suite(view, plan, question)
    systems: dict[Arm, System] = {
        "incumbent": question.incumbent,
        "candidate": question.candidate,
    }
    tries, asked = Tries(context, parallel), list[tuple[Arm, Bodies]]()

    def answer(asks: Sequence[tuple[Ask, int]]) -> Sequence[float | None]:
        context.progress("trials", len(asked), None)
        bodies = tries.trials(
            [(systems[ask.arm], suite[ask.case], plan.key(ask, turn).number) for ask, turn in asks]
        )
        asked.extend((ask.arm, body) for (ask, _), body in zip(asks, bodies, strict=True))
        return [body["score"] for body in bodies]

    told = conclude(plan, follow(judge_better(plan.claim()), answer), asked)
    decisions = Decisions(context.ids)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        if now.state != "open":
            return None, []
        return None, [decisions.reach(view, context.scope, now, told)]

    context.decide_and_commit(decide)
    return tries.paid


def _suite(view: View, plan: Plan, question: Question) -> dict[str, SuiteCase]:
    """The cases as they were when the decision was opened; those of the user's own are in its id."""
    told = {case.name: case for case in question.suite if case.kind == "told"}
    return {
        name: told.get(name) or suite_case(view, name, case.digest, case.mode)
        for name, case in plan.cases.items()
    }


class _UnfiledError(Exception):
    """The record has no trial that a decision asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """A decision come to again from the record; `differs` says where it comes to something else."""

    told: Mapping[str, Json]
    differs: tuple[str, ...]


def recompute(view: View, row: Row) -> Recomputed:
    """Come to a decision again from its plan and the trials that were filed; nothing is run.

    Raises:
        NotFoundError: It was not reached yet.
    """
    if row.body["result"] is None:
        raise NotFoundError(
            f"the decision {row.key} is open", hint="the same `lignin gate prove` goes on with it"
        )
    plan = parse_plan(parse_json(view.blob(row.body["plan"])))
    asked: list[tuple[Arm, Bodies]] = []

    def answer(asks: Sequence[tuple[Ask, int]]) -> Sequence[float | None]:
        bodies = []
        for ask, turn in asks:
            trial = plan.key(ask, turn).trial
            filed = view.row(f"trial/{trial}")
            if filed is None:
                raise _UnfiledError(trial)
            bodies.append(filed.body)
            asked.append((ask.arm, filed.body))
        return [body["score"] for body in bodies]

    try:
        told = conclude(plan, follow(judge_better(plan.claim()), answer), asked)
    except _UnfiledError as error:
        missing = f"the trial {error} was never filed"
        return Recomputed(told={"verdict": "undecided"}, differs=(missing,))
    before = parse_json(view.blob(row.body["result"]["told"]))
    differs = [name for name in sorted({*told, *before}) if told.get(name) != before.get(name)]
    if plan.bank != _bank_then(view, plan):
        differs.append("bank")
    return Recomputed(told=told, differs=tuple(differs))


def _bank_then(view: View, plan: Plan) -> Mapping[str, Banked]:
    """The incumbent's trials that stood when the plan was made."""
    of = {(case.digest, case.grader): name for name, case in plan.cases.items()}
    first = plan.first["incumbent"]
    rows = [
        row
        for row in trials_of(view, plan.systems["incumbent"])
        if (name := of.get((row.body["case_digest"], row.body["grader"]))) is not None
        and row.body["number"] < first[name]
    ]
    banked = standing(rows).banked
    return {name: banked[key] for key, name in of.items() if key in banked}
