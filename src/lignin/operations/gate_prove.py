"""Decisions of the gate that run their own trials: made, listed, explained, come to again."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.evals.laws.course import Arm
from lignin.operations.context import Context
from lignin.operations.drafting import hidden_from, require_unquoted_proposal
from lignin.operations.eval import SuiteRequest, load_suite, top_up
from lignin.operations.evidence_plot import draw_evidence, spark
from lignin.operations.gate import GateVerdict, named_cases
from lignin.operations.gatework import (
    BANKED,
    Question,
    campaign_of,
    find_decision,
    open_decision,
    reach_decision,
    recompute,
)
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.subjects import harness_files, open_subject
from lignin.ports.ledger import View, require_known
from lignin.ports.system import System


class GateProve(SuiteRequest):
    proposal: str = positional("a proposal's id: its revision against the one it was made on", "")
    system: str = Field("", description="of a proposal: the agent that runs with either revision")
    incumbent: str = Field("", description="what stands: a system, as `eval run` takes it")
    candidate: str = Field("", description="what is proposed: a system")
    target: list[str] = Field(
        default_factory=list,
        description="cases that are to be better, comma-separated or @FILE; default: all that fail",
    )
    must_pass: list[str] = Field(
        default_factory=list, description="cases that must pass in every trial, likewise"
    )
    hidden: list[str] = Field(
        default_factory=list,
        description="cases that whoever made the change did not see, besides those that are held out, "
        "likewise; a drafted proposal says it itself",
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="the error of the whole campaign")
    campaign: str = Field(
        "main",
        description="which one: each decision in it needs more evidence; a proposal has that of its head",
    )
    bank: int = Field(
        BANKED, ge=1, le=100, description="trials of the incumbent that are to stand beforehand"
    )
    again: bool = Field(False, description="decide anew what was decided; it counts again")


class Decided(GateVerdict):
    decision: str = Field(description="the decision's id")
    incumbent: str = Field(description="what stood")
    candidate: str = Field(description="what was proposed")
    proposal: str = Field(description="the proposal, where there is one")
    campaign: str = Field(description="the campaign")
    number: int = Field(description="its place in the campaign, from 1")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")
    ended: str = Field(description="how the proof ended: proven, futile or out of trials")
    target: list[str] = Field(description="cases that were to be better")
    instead: list[str] = Field(description="cases on which it was tried instead, if any")
    kinds: dict[str, int] = Field(description="how the trials of either went, by kind")
    paid: int = Field(description="trials that were run this time, the bank's included")

    def to_text(self) -> str:
        return "\n".join([*(super().to_text() or "").splitlines(), *_more(self)])


class DecisionRef(Request):
    decision: str = positional("a decision's id, as `gate list` shows it")


class GateExplain(DecisionRef):
    check: bool = Field(False, description="come to it again from the record, as `gate recompute`")


class DecisionsAsked(Request):
    state: str | None = Field(None, description="open, accept, reject or undecided")
    proposal: str | None = Field(None, description="only of this proposal")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this decision")


class DecisionView(Response):
    decision: str = Field(description="the decision's id")
    state: str = Field(description="open, accept, reject or undecided")
    incumbent: str = Field(description="what stood")
    candidate: str = Field(description="what was proposed")
    proposal: str = Field(description="the proposal, where there is one")
    campaign: str = Field(description="the campaign")
    number: int = Field(description="its place in the campaign")
    trials: int | None = Field(description="trials that it took")
    opened_at: str = Field(description="when it was opened")


class DecisionsListed(Listed):
    items: list[DecisionView] = Field(description="this page of the list")


class EvidencePlot(Response):
    decision: str = Field(description="the decision's id")
    svg: str = Field(description="the picture")

    def to_text(self) -> str:
        return self.svg.rstrip()


class RecomputedView(Response):
    decision: str = Field(description="the decision's id")
    same: bool = Field(description="whether the record comes to the very same decision")
    differs: list[str] = Field(description="what comes to something else")
    verdict: str = Field(description="what the record comes to")
    stored: str = Field(description="what was filed")

    def exit_code(self) -> int:
        return 0 if self.same else 9

    def to_text(self) -> str:
        if self.same:
            return f"{self.verdict}: the record comes to the same, number by number"
        told = ", ".join(self.differs)
        return f"the record comes to {self.verdict}, filed is {self.stored}; it differs in: {told}"


@operation("gate.prove", effect="execute", idempotent=True)
def prove(context: Context, request: GateProve) -> Decided:
    """Run the trials that decide whether a change is better and breaks nothing.

    Every trial is filed before the next is chosen: after a crash the same command goes on where it was.
    What was decided is not decided again, unless `--again`. 0 accepted, 6 rejected, 10 undecided.
    """
    systems = _systems(context, request)
    if systems["incumbent"].digest == systems["candidate"].digest:
        raise InvalidRequestError(
            "incumbent and candidate are the very same system", hint="there is nothing to decide"
        )
    with context.view() as view:
        suite = load_suite(context, view, request)
        campaign, hidden = request.campaign, named_cases(context, request.hidden)
        if request.proposal:
            require_unquoted_proposal(context, view, request.proposal)
            proposal = require_known(view, f"proposal/{request.proposal}")
            campaign, hidden = (
                campaign_of(proposal),
                (*hidden, *hidden_from(view, proposal.body["facts"])),
            )
    question = Question(
        incumbent=systems["incumbent"],
        candidate=systems["candidate"],
        suite=suite,
        named=named_cases(context, request.case),
        target=named_cases(context, request.target),
        must_pass=named_cases(context, request.must_pass),
        hidden=tuple(dict.fromkeys(hidden)),
        alpha=request.alpha,
        campaign=campaign,
        proposal=request.proposal,
    )
    with context.view() as view:
        decision, row = find_decision(view, question, anew=request.again)
    paid = 0
    if row is None:
        paid = top_up(context, systems["incumbent"], suite, request.bank, request.parallel)
        row = open_decision(context, decision, question)
    if row.state == "open":
        paid += reach_decision(context, row, question, request.parallel)
    with context.view() as view:
        return _decided(view, require_known(view, row.stream), paid)


@operation("gate.list", effect="read", idempotent=True)
def list_(context: Context, request: DecisionsAsked) -> DecisionsListed:
    """List the decisions that ran their own trials."""
    with context.view() as view:
        page = view.page(
            "decision",
            state=request.state,
            parent=request.proposal,
            after=request.after,
            limit=request.limit,
        )
    return DecisionsListed(
        items=[_view(row) for row in page.rows],
        total=page.total,
        next_after=page.next_after,
        narrow="--state, --proposal, --after" if page.next_after else None,
    )


@operation("gate.explain", effect="read", idempotent=True)
def explain(context: Context, request: GateExplain) -> Decided:
    """Tell a person in a few lines why a decision came out as it did, with its evidence over trials."""
    with context.view() as view:
        row = _reached(view, request.decision)
        decided = _decided(view, row, 0)
        differs = recompute(view, row).differs if request.check else ()
    if differs:
        told = f"come to again from the record it differs in: {', '.join(differs)}"
        decided = decided.model_copy(update={"reasons": [told, *decided.reasons]})
    return decided


@operation("gate.plot", effect="read", idempotent=True)
def plot(context: Context, request: DecisionRef) -> EvidencePlot:
    """Draw a decision's evidence over its trials, as SVG: `lignin gate plot ID --text > evidence.svg`."""
    with context.view() as view:
        told = _decided(view, _reached(view, request.decision), 0)
    drawn = draw_evidence(told.path, told.needed, f"{told.decision}: {told.verdict}")
    return EvidencePlot(decision=told.decision, svg=drawn)


@operation("gate.recompute", effect="read", idempotent=True)
def recompute_(context: Context, request: DecisionRef) -> RecomputedView:
    """Come to a decision again from the record alone, and say whether it is the same. Runs nothing."""
    with context.view() as view:
        row = _reached(view, request.decision)
        again = recompute(view, row)
    return RecomputedView(
        decision=row.key,
        same=not again.differs,
        differs=list(again.differs),
        verdict=str(again.told["verdict"]),
        stored=str(row.state),
    )


def _systems(context: Context, request: GateProve) -> Mapping[Arm, System]:
    options: dict[str, Any] = {"unsandboxed": request.unsandboxed, "limit_s": request.limit_s}
    if not request.proposal:
        if not request.incumbent or not request.candidate or request.system:
            raise InvalidRequestError(
                "two systems are needed",
                hint="--incumbent SYS --candidate SYS, or PROPOSAL --system",
            )
        return {
            "incumbent": open_subject(context, request.incumbent, **options),
            "candidate": open_subject(context, request.candidate, **options),
        }
    if not request.system or request.incumbent or request.candidate:
        raise InvalidRequestError("of a proposal the agent is needed", hint="PROPOSAL --system SYS")
    with context.view() as view:
        row = require_known(view, f"proposal/{request.proposal}")
        if row.body["claim"] != "better":
            raise InvalidRequestError(
                f"the proposal claims {row.body['claim']!r}; only 'better' is proven by trials so far",
                hint="`lignin proposal decide` puts it before the gate",
            )
        before, after = context.harness.proposed(view, request.proposal)
        files = [harness_files(context, view, each) for each in (before, after)]
    return {
        "incumbent": open_subject(
            context, request.system, harness=files[0], revision=before.digest, **options
        ),
        "candidate": open_subject(
            context, request.system, harness=files[1], revision=after.digest, **options
        ),
    }


def _reached(view: View, decision: str) -> Row:
    row = require_known(view, f"decision/{decision}")
    if row.body["result"] is None:
        raise InvalidRequestError(
            f"the decision {decision} is open", hint="the same `lignin gate prove` goes on with it"
        )
    return row


def _decided(view: View, row: Row, paid: int) -> Decided:
    told: Mapping[str, Json] = parse_json(view.blob(row.body["result"]["told"]))
    body = row.body
    return Decided(
        **told,
        decision=row.key,
        incumbent=body["incumbent"],
        candidate=body["candidate"],
        proposal=body["proposal"],
        campaign=body["campaign"],
        number=body["number"],
        simulated=body["simulated"],
        paid=paid,
    )


def _view(row: Row) -> DecisionView:
    body = row.body
    return DecisionView(
        decision=row.key,
        state=str(row.state),
        incumbent=body["incumbent"],
        candidate=body["candidate"],
        proposal=body["proposal"],
        campaign=body["campaign"],
        number=body["number"],
        trials=body["result"]["trials"] if body["result"] else None,
        opened_at=body["opened_at"],
    )


def _more(decided: Decided) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in decided.kinds.items())
    lines = [f"evidence over trials: {spark(decided.path, decided.needed)}"] if decided.path else []
    if decided.instead:
        lines.append(f"tried instead on {', '.join(decided.instead[:10])}")
    label = ", simulated" if decided.simulated else ""
    return [
        *lines,
        f"trials: {kinds}; {decided.paid} run now",
        f"{decided.decision}: number {decided.number} of the campaign {decided.campaign}{label}",
        f"incumbent {decided.incumbent}",
        f"candidate {decided.candidate}",
    ]
