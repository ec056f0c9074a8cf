"""Proposals: what asks to move a head, what the gate said, and whether it did."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from lignin.artifacts.promotion import GATE, require_person
from lignin.domain.errors import InvalidRequestError
from lignin.domain.evidence import GateOutcome
from lignin.domain.harness import SlotChange, apply_patch, require_claim
from lignin.domain.states import Row
from lignin.harness.service import Decision
from lignin.operations.claimwork import (
    checked_prediction,
    declared,
    grading_of,
    require_alone,
    require_within,
    stood_before,
)
from lignin.operations.context import Context
from lignin.operations.gatework import proven_by_trials
from lignin.operations.heads import (
    MAIN,
    propose_to_children,
    removal,
    state_changes,
    version_of,
)
from lignin.operations.lifecycle import decide_version
from lignin.operations.recalling import recalling
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.reopening import doubts
from lignin.ports.ledger import View, require_known


class ProposalCreate(Request):
    put: list[str] = Field(default_factory=list, description="NAME@DIGEST to put in its slot")
    drop: list[str] = Field(
        default_factory=list, description="own slot to empty: what the head below holds shows again"
    )
    hide: list[str] = Field(
        default_factory=list, description="slot to leave out here, whatever the head below holds"
    )
    head: str = Field(MAIN, description="the head to move")
    claim: Literal["better", "no_worse_and_cheaper", "equivalent", "restore", "admit"] = Field(
        "admit", description="what is claimed of the change"
    )
    hypothesis: str = Field("", description="why it should help")
    mode: str = Field(
        "", description="the failure mode that it is to mend: its cases are the target"
    )
    predict: float | None = Field(
        None, ge=-1, le=1, description="the gain on its target that is expected, checked afterwards"
    )
    surface: list[str] = Field(
        default_factory=list,
        description="what it may change, as patterns of SLOT/PATH; what lies outside is refused",
    )


class ProposalRef(Request):
    proposal: str = positional("the proposal's id")


class ProposalDecide(ProposalRef):
    approve: bool = Field(False, description="as the human who approves what asks for authority")
    reject: str = Field("", description="reject it as a human, for this reason")


class ProposalApply(ProposalRef):
    token: int | None = Field(None, description="fencing token of the head's lease")


class ProposalList(Request):
    state: str | None = Field(
        None, description="open, accepted, rejected, undecided, applied, reopened ..."
    )
    head: str | None = Field(None, description="only for this head")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this proposal")


class ProposalView(Response):
    proposal: str = Field(description="the proposal's id")
    state: str = Field(
        description="open, accepted, rejected, undecided, applied, reopened, superseded or withdrawn"
    )
    head: str = Field(description="the harness head")
    claim: str = Field(description="what is claimed of the change")
    author: str = Field(description="who proposed it")
    opened_at: str = Field(description="when")
    base: str = Field(description="revision it was made on")
    slots: dict[str, Any] = Field(description="slot: digest expected and new")
    hypothesis: str = Field(description="why it should help")
    mode: str = Field("", description="the failure mode that it is to mend, if one was said")
    predicted: float | None = Field(None, description="the gain on its target that was expected")
    surface: list[str] = Field(default_factory=list, description="what it said it would change")
    prediction: dict[str, Any] | None = Field(
        None, description="that gain beside what trials measured, and whether it holds"
    )
    decision: dict[str, Any] | None = Field(description="outcome, reasons and gate, once decided")
    revision: str | None = Field(description="revision it led to, once applied")
    reopened: dict[str, Any] | None = Field(
        default=None, description="what late feedback said against the decision, and when"
    )
    superseded_by: str = Field("", description="the proposal that took its place")
    reason: str = Field("", description="why it was superseded or withdrawn")

    def exit_code(self) -> int:
        return {"rejected": 6, "undecided": 10, "reopened": 10}.get(self.state, 0)


class ProposalListed(Listed):
    items: list[ProposalView] = Field(description="this page of the list")


@operation("proposal.create", effect="write")
def create(context: Context, request: ProposalCreate) -> ProposalView:
    """Propose to move a head: put versions into slots, empty slots, several in one step."""
    if not request.put and not request.drop and not request.hide:
        raise InvalidRequestError(
            "an empty proposal", hint="--put NAME@DIGEST, --drop, --hide SLOT"
        )
    with context.view() as view:
        _, revision = context.harness.stable(view, request.head)
        patch = {}
        for put in request.put:
            name, _, digest = put.partition("@")
            row = context.artifacts.find_version(view, name, digest)
            patch[name] = SlotChange(expected=revision.slots.get(name), new=row.body["digest"])
        for slot in request.drop:
            if slot not in revision.slots:
                raise InvalidRequestError(
                    f"head {request.head!r} has no own slot {slot!r}",
                    hint="--hide leaves out what a head below holds",
                )
            patch[slot] = SlotChange(expected=revision.slots[slot], new=None)
        for slot in request.hide:
            patch[slot] = removal(context, view, revision, slot)
        require_within(view, patch, request.surface)
        require_alone(context, view, revision, apply_patch(revision, patch))
        proposal, change = context.harness.propose(
            view,
            context.scope,
            head=request.head,
            patch=patch,
            claim=require_claim(request.claim),
            hypothesis=request.hypothesis,
            facts=_said(request),
        )
    context.commit(change)
    return show(context, ProposalRef(proposal=proposal))


@operation("proposal.list", effect="read", idempotent=True)
def list_(context: Context, request: ProposalList) -> ProposalListed:
    """List proposals in the order they were made."""
    with context.view() as view:
        page = view.page(
            "proposal",
            state=request.state,
            parent=request.head,
            after=request.after,
            limit=request.limit,
        )
    return ProposalListed(
        items=[_view(row) for row in page.rows],
        total=page.total,
        next_after=page.next_after,
        narrow="--state, --head, --after" if page.next_after else None,
    )


@operation("proposal.show", effect="read", idempotent=True)
def show(context: Context, request: ProposalRef) -> ProposalView:
    """Show a proposal with its decision and every reason."""
    with context.view() as view:
        row = require_known(view, f"proposal/{request.proposal}")
        return _view(row, checked_prediction(view, row))


@operation("proposal.decide", effect="govern", idempotent=True)
def decide(context: Context, request: ProposalDecide) -> ProposalView:
    """Put a proposal before the gate; a human may reject it, never wave evidence through.

    Approval answers what asks for authority. It never replaces the trials of a claim that needs them: only
    `admit` and `restore` go without, what a head above decided, and what judges, which no trial decides on.

    One that was reopened stays so while late feedback speaks against it, unless a human decides. A
    head that it moved stays where it is in either case: `head rollback` takes it back.
    """
    with context.view() as view:
        row = require_known(view, f"proposal/{request.proposal}")
        entering = _entering(context, view, request.proposal)
        against = doubts(view, row) if row.state == "reopened" else []
    decision = _decide(context, request, row, entering)
    if against and decision.outcome == "accept" and not request.approve:
        reasons = (*(f"{doubt}: a human must decide" for doubt in against), *decision.reasons)
        decision = replace(decision, outcome="undecided", reasons=reasons)
    if _is_repeated(row, decision, request):
        return show(context, request)
    with context.view() as view:
        change = context.harness.decide(view, context.scope, request.proposal, decision)
    context.commit(change)
    return show(context, request)


@operation("proposal.apply", effect="govern")
def apply(context: Context, request: ProposalApply) -> ProposalView:
    """Move the head to an accepted proposal's revision, by compare-and-swap."""
    with recalling(context):
        return applied(context, request)


def applied(context: Context, request: ProposalApply) -> ProposalView:
    """Apply a proposal, and leave the skill folders of this machine to the caller or to a worker."""
    with context.view() as view:
        change = context.harness.apply(view, context.scope, request.proposal, fence=request.token)
        row = view.rows([f"proposal/{request.proposal}"])[f"proposal/{request.proposal}"]
        head = row.body["head"]
        before, after = context.harness.proposed(view, request.proposal)
        moved = state_changes(context, view, head, before, after)
    context.commit(change, *moved)
    propose_to_children(context, head)
    return show(context, ProposalRef(proposal=request.proposal))


@operation("proposal.rebase", effect="write")
def rebase(context: Context, request: ProposalRef) -> ProposalView:
    """Make the proposal anew on the head as it stands now, where the slots are disjoint."""
    with context.view() as view:
        new, change = context.harness.rebase(view, context.scope, request.proposal)
    context.commit(change)
    return show(context, ProposalRef(proposal=new))


@operation("proposal.withdraw", effect="write")
def withdraw(context: Context, request: ProposalRef) -> ProposalView:
    """Take a proposal back before it is applied."""
    with context.view() as view:
        change = context.harness.withdraw(view, context.scope, request.proposal)
    context.commit(change)
    return show(context, request)


def _is_repeated(row: Row, decision: Decision, request: ProposalDecide) -> bool:
    """True where that is what was decided before, by the same words of whoever rejects it."""
    states = {"accept": ("accepted", "applied"), "reject": ("rejected",)}
    if row.state not in states.get(decision.outcome, ()):
        return False
    return not request.reject or row.body["decision"]["reasons"] == list(decision.reasons)


def _entering(context: Context, view: View, proposal: str) -> list[Row]:
    """Every version that the head would serve afterwards and does not now, inherited ones too."""
    before, after = (
        context.harness.resolved(view, r) for r in context.harness.proposed(view, proposal)
    )
    return [
        version_of(view, slot, digest)
        for slot, digest in after.items()
        if before.get(slot) != digest
    ]


def _decide(context: Context, request: ProposalDecide, row: Row, entering: list[Row]) -> Decision:
    """Join the decisions on every version that would enter; the worst one is the proposal's."""
    who = context.scope.actor.sub
    if request.reject:
        return Decision(outcome="reject", reasons=(f"{who}: {request.reject}",), gate="human")
    approver = require_person(context.scope.actor, "approves") if request.approve else ""
    decisions = [decide_version(context, version, approved_by=approver) for version in entering]
    reasons = [
        f"{version.body['name']}: {reason}"
        for version, decision in zip(entering, decisions, strict=True)
        for reason in decision.reasons
    ]
    with context.view() as view:
        shown = proven_by_trials(view, row)
        grades = bool(grading_of(context, view, *context.harness.proposed(view, row.key)).told)
    evidence = (shown.decision,) if shown.decision else ()
    stops = _stopped(context, request, row, enters=bool(entering))
    if stops is not None:
        return replace(stops, reasons=(*reasons, *stops.reasons), evidence=evidence)
    needs_trials = row.body["claim"] not in {"admit", "restore"}
    is_waived = bool(approver) and (grades or bool(row.body["extends"]))
    if needs_trials or shown.decision:
        reasons.append(shown.told)
    if needs_trials and shown.outcome != "accept":
        if not is_waived:
            if approver:
                reasons.append(f"approved by {approver}, which does not replace trials")
            return _gated(shown.outcome, reasons, evidence)
        claim = row.body["claim"]
        reasons.append(f"approved without trials by {approver}: the claim {claim!r} was not proven")
    outcomes = [decision.outcome for decision in decisions]
    for worst in ("reject", "undecided"):
        if worst in outcomes:
            return _gated(worst, reasons, evidence)
    if not entering and not approver and not needs_trials:
        return _gated("undecided", [*reasons, "it only removes: a human must approve it"], evidence)
    return _gated("accept", reasons or [f"{who} approved"], evidence)


def _gated(outcome: GateOutcome, reasons: Sequence[str], evidence: tuple[str, ...]) -> Decision:
    return Decision(outcome=outcome, reasons=tuple(reasons), evidence=evidence, gate=GATE)


def _stopped(
    context: Context, request: ProposalDecide, row: Row, *, enters: bool
) -> Decision | None:
    """What no trial and no evidence of its versions outweighs."""
    with context.view() as view:
        found = grading_of(context, view, *context.harness.proposed(view, row.key))
        if found.is_mixed:
            return Decision(outcome="reject", reasons=(f"{found.told}: never both",), gate=GATE)
        if found.told and not request.approve:
            told = f"{found.told}: a human must approve it"
            return Decision(outcome="undecided", reasons=(told,), gate=GATE)
        if row.body["claim"] == "restore" and enters:
            try:
                stood_before(context, view, row)
            except InvalidRequestError as error:
                return Decision(outcome="reject", reasons=(error.message,), gate=GATE)
    return None


def _said(request: ProposalCreate) -> dict[str, Any]:
    """What is kept of a proposal beside its patch."""
    said = {"mode": request.mode, "predicted": request.predict, "surface": request.surface}
    return {name: value for name, value in said.items() if value not in ("", None, [])}


def _view(row: Row, prediction: dict[str, Any] | None = None) -> ProposalView:
    body, said = row.body, declared(row)
    return ProposalView(
        proposal=row.key,
        state=str(row.state),
        head=body["head"],
        claim=body["claim"],
        author=body["author"]["sub"],
        opened_at=body["opened_at"],
        base=body["base"],
        slots=body["patch"],
        hypothesis=body["hypothesis"],
        mode=said.mode,
        predicted=said.predicted,
        surface=list(said.surface),
        prediction=prediction,
        decision=body["decision"],
        revision=body["revision"],
        reopened=body.get("reopened"),
        superseded_by=body.get("superseded_by", ""),
        reason=body.get("reason", ""),
    )
