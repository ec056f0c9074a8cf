"""A decision that runs its own trials: opening it, driving it to its end, and coming to it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import NotFoundError
from lignin.domain.events import Change
from lignin.domain.evidence import GateOutcome
from lignin.domain.states import Row
from lignin.domain.trials import CHANGED
from lignin.evals.decisions import Decisions
from lignin.evals.laws.bank import Banked
from lignin.evals.laws.course import Arm, Ask
from lignin.evals.laws.judges import judge
from lignin.evals.laws.no_worse import MARGIN
from lignin.evals.live import Bodies, conclude, follow
from lignin.evals.plans import Plan, parse_plan
from lignin.evals.trials import UnfiledError, filed_trial, standing, trials_of
from lignin.operations.context import Context
from lignin.operations.gateplan import (
    Question,
    data_of,
    plan_decision,
    released_rows,
    standing_costs,
)
from lignin.operations.heads import is_practice
from lignin.operations.regressing import mark_fixed
from lignin.operations.rubricwork import unmeasured_graders
from lignin.operations.trialwork import SuiteCase, suite_case
from lignin.operations.tries import Tries
from lignin.ports.ledger import View, require_known
from lignin.ports.system import Covered, Reads, System

_TOLD = 5
USUAL_ALPHA = 0.05
"""What a campaign may err whose decisions count for proposals."""


def find_decision(view: View, question: Question, *, anew: bool) -> tuple[str, Row | None, str]:
    """The decision that was asked for: the last one, or a new one after it.

    Returns:
        Its id, its row where it was opened, and why the one before it is not about what stands now.
    """
    number, last = 0, None
    while (row := view.row(f"decision/{question.decision(number)}")) is not None:
        number, last = number + 1, row
    if last is None or last.state == "open":
        return last.key if last else question.decision(number), last, ""
    if anew or (why := _outdated(view, last, question)):
        return question.decision(number), None, "" if anew else why
    return last.key, last, ""


def _outdated(view: View, row: Row, question: Question) -> str:
    """Why a decision is not about what stands now, in words: other cases, or files that hold something else."""
    plan = parse_plan(parse_json(view.blob(row.body["plan"])))
    then = {name: (case.digest, case.grader) for name, case in plan.cases.items()}
    now = {case.name: (case.digest, case.grader) for case in question.suite}
    if other := sorted(name for name in then.keys() | now if then.get(name) != now.get(name)):
        more = f" and {len(other) - _TOLD} more" if len(other) > _TOLD else ""
        return f"the suite has changed since {row.key}: {', '.join(other[:_TOLD])}{more}"
    for system in (question.incumbent, question.candidate):
        if isinstance(system, Reads):
            known = data_of(trials_of(view, system.digest))
            for path, held in system.held(known).items():
                if held not in known[path] and CHANGED not in known[path]:
                    return f"{path}, which {system.name} reads, has changed since {row.key}"
    return ""


def campaign_of(proposal: Row) -> str:
    """The campaign of a proposal is that of its head; nobody chooses another one."""
    return f"head {proposal.body['head']}"


SPACE_BUDGET = "main"
"""The error budget of all decisions of a space that are for no head; its name is that of the first campaign."""


def budget_for(view: View, question: Question, *, by_person: bool) -> str:
    """The error budget that a decision draws on: each head has one, and all else in a space one together.

    A name is no budget: who calls a campaign something else goes on in the same one. Claims that have no gain
    to show are counted by themselves, and so is what counts for nothing: what is cheap to have accepted shall
    not make a gain cheaper to show.
    """
    parts = [question.campaign if question.proposal else SPACE_BUDGET]
    if question.claim != "better":
        parts.append(question.claim)
    if question.alpha > USUAL_ALPHA:
        parts.append(f"at {question.alpha:g}")
    if _counts_for_nothing(view, question, by_person=by_person):
        parts.append("counting for nothing")
    return ", ".join(parts)


def _counts_for_nothing(view: View, question: Question, *, by_person: bool) -> bool:
    """Whether nothing could rest on the decision, as `proven_by_trials` weighs it, but for its level."""
    is_simulated = question.incumbent.simulated or question.candidate.simulated
    if not question.proposal:
        return is_simulated
    head = require_known(view, f"proposal/{question.proposal}").body["head"]
    return (
        (is_simulated and not is_practice(require_known(view, f"head/{head}")))
        or question.margin > MARGIN
        or bool(question.named)
        or (_is_own(question) and not by_person)
        or bool(unmeasured_graders(view, [case.grader for case in question.suite]))
    )


def _covers(question: Question) -> dict[str, Json]:
    """Of each arm that may read more than its digest covers, what that covers."""
    arms = {"incumbent": question.incumbent, "candidate": question.candidate}
    told = {arm: each.covers for arm, each in arms.items() if isinstance(each, Covered)}
    return {arm: each for arm, each in told.items() if each}


def _is_own(question: Question) -> bool:
    return any(case.kind == "told" for case in question.suite)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTrials:
    """What trials say of a proposal; `decision` is the last one's id, "" where there is none."""

    outcome: GateOutcome
    told: str
    decision: str = ""


def proven_by_trials(view: View, proposal: Row) -> ByTrials:
    """What the last decision by trials on a proposal came to, and what is to be told of it.

    One by simulated agents proves nothing, but of a practice head; nor does one that was allowed to
    err more than usual.
    """
    rows = [
        row
        for row in view.page("decision", parent=proposal.key, limit=1000).rows
        if row.body["result"]
    ]
    if not rows:
        told = f"the claim {proposal.body['claim']!r} needs trials (`lignin gate prove`)"
        return ByTrials(outcome="undecided", told=told)
    last = max(rows, key=lambda row: (row.body["opened_at"], row.key))
    outcome, told = _weighed(view, proposal, rows, last)
    return ByTrials(outcome=outcome, told=told, decision=last.key)


def _weighed(view: View, proposal: Row, rows: Sequence[Row], last: Row) -> tuple[GateOutcome, str]:
    """How far the last of several decisions counts."""
    told = f"{last.key} by trials: {last.state}"
    head = require_known(view, f"head/{proposal.body['head']}")
    if last.body["simulated"] and not is_practice(head):
        return "undecided", f"{told}, but by simulated agents"
    if last.body["alpha"] > USUAL_ALPHA:
        return "undecided", f"{told}, but its campaign may err {last.body['alpha']:g}"
    if last.body.get("margin", MARGIN) > MARGIN:
        return "undecided", f"{told}, but it may lose {last.body['margin']:.0%}"
    if last.body.get("picked"):
        return "undecided", f"{told}, but on cases that were picked by name"
    if last.body.get("own_suite") and not last.body["by_person"]:
        return "undecided", f"{told}, but on a suite that an agent brought"
    refuted = [row.key for row in rows if row.state == "reject"]
    if last.body.get("claim") == "equivalent" and refuted:
        # No level makes up for trying again: what came to something else once is not the same.
        return "reject", f"{told}, but {refuted[0]} saw it come to something else"
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
        by_person = context.scope.actor.is_person
        budget = budget_for(view, question, by_person=by_person)
        place = decisions.place(view, budget, question.alpha)
        plan = plan_decision(view, question, place.level, decision)
        facts: dict[str, Json] = {
            "proposal": question.proposal,
            "campaign": question.campaign,
            "incumbent": question.incumbent.name,
            "candidate": question.candidate.name,
            "incumbent_system": question.incumbent.digest,
            "candidate_system": question.candidate.digest,
            "simulated": question.incumbent.simulated or question.candidate.simulated,
            "claim": question.claim,
            "release": question.release,
            "margin": question.margin,
            "picked": len(question.named),
            "own_suite": _is_own(question),
            "by_person": by_person,
            "covers": _covers(question),
        }
        return None, [decisions.open(context.scope, decision, place, plan.to_json(), facts)]

    context.decide_and_commit(decide)
    with context.view() as view:
        return require_known(view, f"decision/{decision}")


def reach_decision(context: Context, row: Row, question: Question, parallel: int = 1) -> Tries:
    """Drive an open decision to its end and file it; trials that stand are not run again.

    Returns:
        What was paid.
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

    judged = follow(judge(plan.stated()), answer)
    with context.view() as view:
        told = conclude(plan, judged, asked, released_rows(view, plan))
    decisions = Decisions(context.ids)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        if now.state != "open":
            return None, []
        fixed = mark_fixed(context, view, now, told, asked)
        return None, [decisions.reach(view, context.scope, now, told), *fixed]

    context.decide_and_commit(decide)
    return tries


def _suite(view: View, plan: Plan, question: Question) -> dict[str, SuiteCase]:
    """The cases as they were when the decision was opened; those of the user's own are in its id."""
    told = {case.name: case for case in question.suite if case.kind == "told"}
    return {
        name: told.get(name) or suite_case(view, name, case.digest, case.mode)
        for name, case in plan.cases.items()
    }


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
        bodies = [filed_trial(view, plan.key(ask, turn)) for ask, turn in asks]
        asked.extend((ask.arm, body) for (ask, _), body in zip(asks, bodies, strict=True))
        return [body["score"] for body in bodies]

    try:
        judged = follow(judge(plan.stated()), answer)
        told = conclude(plan, judged, asked, released_rows(view, plan))
    except UnfiledError as error:
        missing = f"the trial {error} was never filed"
        return Recomputed(told={"verdict": "undecided"}, differs=(missing,))
    before = parse_json(view.blob(row.body["result"]["told"]))
    # What a newer version tells besides was not filed, and does not differ.
    differs = [name for name in sorted(before) if told.get(name) != before[name]]
    stood = _stood_then(view, plan, "incumbent")
    if plan.bank != _banked(plan, stood):
        differs.append("bank")
    if plan.weighs and plan.known != _banked(plan, _stood_then(view, plan, "candidate")):
        differs.append("known")
    of = {name: (case.digest, case.grader) for name, case in plan.cases.items()}
    if plan.costs is not None and plan.costs != standing_costs(of, stood):
        differs.append("costs")
    differs += [f"data of {path}" for path in _altered(view, plan)]
    if row.state != before["verdict"]:
        differs.append("state")
    if plan.release is not None and plan.release.bank != _released_then(view, plan):
        differs.append("release")
    return Recomputed(told=told, differs=tuple(differs))


def _stood_then(view: View, plan: Plan, arm: Arm) -> list[Row]:
    """The trials of one of both that stood when the plan was made."""
    of = {(case.digest, case.grader): name for name, case in plan.cases.items()}
    first = plan.first[arm]
    return [
        row
        for row in trials_of(view, plan.systems[arm])
        if (name := of.get((row.body["case_digest"], row.body["grader"]))) is not None
        and row.body["number"] < first[name]
    ]


def _altered(view: View, plan: Plan) -> list[str]:
    """Files of which trials that stood then say something else than the plan has."""
    found = {
        path
        for arm in plan.data
        for row in _stood_then(view, plan, arm)
        for path, held in row.body.get("data", {}).items()
        if held not in plan.data[arm].get(path, ())
    }
    return sorted(found)


def _banked(plan: Plan, rows: Sequence[Row]) -> Mapping[str, Banked]:
    banked = standing(rows).banked
    return {
        name: banked[case.digest, case.grader]
        for name, case in plan.cases.items()
        if (case.digest, case.grader) in banked
    }


def _released_then(view: View, plan: Plan) -> Mapping[str, Banked]:
    """What the release's trials come to, counted anew."""
    assert plan.release is not None
    of = {(case.digest, case.grader): name for name, case in plan.cases.items()}
    stood: dict[str, Banked] = {}
    for body in released_rows(view, plan):
        if body["score"] is not None:
            name = of[body["case_digest"], body["grader"]]
            stood[name] = stood.get(name, Banked()).with_score(float(body["score"]))
    return {name: stood.get(name, Banked()) for name in plan.release.bank}
