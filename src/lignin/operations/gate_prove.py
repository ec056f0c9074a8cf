"""Decisions of the gate that run their own trials: made, listed, explained, come to again."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json, parse_json
from lignin.domain.counts import known_sum
from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.evals.decisions import budget_of
from lignin.evals.laws.judges import GAINLESS
from lignin.evals.laws.no_worse import MARGIN
from lignin.evals.laws.watch import Care
from lignin.evals.power import tell_basis
from lignin.operations.context import Context
from lignin.operations.eval import tell_paid
from lignin.operations.evidence_plot import draw_evidence, spark
from lignin.operations.gate import GateVerdict
from lignin.operations.gateruns import noted
from lignin.operations.gatework import recompute
from lignin.operations.powerwork import NEVER, Stated, state_power
from lignin.operations.proving import prove_once
from lignin.operations.questions import GateProve, question_of
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.releasework import tell_margin
from lignin.operations.tries import with_workers
from lignin.ports.ledger import View, require_known

_TOLD = 10
_BREAKS = "it breaks what works: "
MAY_MISS = (
    "what it may miss: a case that works and now passes three tenths as often, or less, is let go with less "
    f"than {Care().missed:.0%}; a smaller loss may be"
)


class Decided(GateVerdict):
    decision: str = Field(description="the decision's id")
    incumbent: str = Field(description="what stood")
    candidate: str = Field(description="what was proposed")
    proposal: str = Field(description="the proposal, where there is one")
    campaign: str = Field(description="the campaign")
    number: int = Field(description="its place in the error budget, from 1")
    budget: str = Field(
        "", description="the error budget it draws on: its head's, or that of all else in the space"
    )
    accepted_before: int = Field(0, description="accepted before it in that budget")
    alpha: float = Field(
        0.05, description="of what is accepted in that budget this share at most does nothing"
    )
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")
    ended: str = Field(description="how the proof ended: proven, futile or out of trials")
    ruled_out: float | None = Field(
        None,
        description="of better: a gain of the target's mean score of this size or more is ruled out; one "
        "that is there is so with less than 1 in 20",
    )
    target: list[str] = Field(description="cases that were to be better")
    instead: list[str] = Field(description="cases on which it was tried instead, if any")
    kinds: dict[str, int] = Field(description="how the trials of either went, by kind")
    covers: dict[str, str] = Field(
        default_factory=dict,
        description="of each side that runs unsandboxed, what its digest covers and what not: by that "
        "trials are told to be of the very same",
    )
    margin: float = Field(MARGIN, description="what no_worse_and_cheaper may lose")
    release: str = Field("", description="the release that it was compared with, if any")
    impact: dict[str, Json] | None = Field(
        None,
        description="cases that the change touches (none: nobody can tell), guarded units touched, of "
        "how many, the share of the rest that is guarded with them, and how many these are",
    )
    prediction: dict[str, Json] | None = Field(
        None, description="what was predicted beside what was measured, and whether that holds"
    )
    hidden_cases: int = Field(0, description="cases of it that whoever made the change did not see")
    bank_trials: int = Field(0, description="trials of the incumbent that stood beforehand")
    proposed: dict[str, Any] | None = Field(
        None, description="of a proposal: revisions before and after, slots, hypothesis, predicted"
    )
    paid: int = Field(
        0, description="trials that were run and filed this time, the bank's included"
    )
    paid_microusd: int | None = Field(
        None, description="what these cost, their judge included, as far as they tell"
    )
    shared: int = Field(
        0,
        description="trials that were run, and that somebody else had filed by then: theirs stand",
    )
    power: dict[str, Any] | None = Field(
        description="what its suite was measured to catch, newest: reverted fixes and planted faults, "
        "each with counts and the exact 95 % interval of the share; none where it never was"
    )
    power_told: str = Field(description="the same in words")
    basis: dict[str, int] = Field(description="what the checks of its cases rest on, and how many")

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
    claim: str = Field(description="what was claimed")
    campaign: str = Field(description="the campaign")
    number: int = Field(description="its place in its error budget")
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
    """Run the trials that decide whether a change is what it claims to be, and breaks nothing.

    Every trial is filed before the next is chosen: after a crash the same command goes on where it was.
    What was decided is not decided again, unless `--again`. 0 accepted, 6 rejected, 10 undecided.
    """
    context = with_workers(context, request.workers)
    with noted(context, request):
        row, done = prove_once(
            context,
            question_of(context, request),
            bank=request.bank,
            limit_s=request.limit_s,
            anew=request.again,
            parallel=request.parallel,
        )
    with context.view() as view:
        decided = _decided(context, view, row)
    paid = {
        "paid": sum(each.paid for each in done),
        "paid_microusd": known_sum(each.paid_microusd for each in done),
        "shared": sum(each.shared for each in done),
    }
    return decided.model_copy(update=paid)


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
        decided = _decided(context, view, row)
        differs = recompute(view, row).differs if request.check else ()
    if differs:
        told = f"come to again from the record it differs in: {', '.join(differs)}"
        decided = decided.model_copy(update={"reasons": [told, *decided.reasons]})
    return decided


@operation("gate.plot", effect="read", idempotent=True)
def plot(context: Context, request: DecisionRef) -> EvidencePlot:
    """Draw a decision's evidence over its trials, as SVG: `lignin gate plot ID --text > evidence.svg`."""
    with context.view() as view:
        told = _decided(context, view, _reached(view, request.decision))
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


def _reached(view: View, decision: str) -> Row:
    row = require_known(view, f"decision/{decision}")
    if row.body["result"] is None:
        raise InvalidRequestError(
            f"the decision {decision} is open", hint="the same `lignin gate prove` goes on with it"
        )
    return row


def _decided(context: Context, view: View, row: Row) -> Decided:
    told: Mapping[str, Json] = parse_json(view.blob(row.body["result"]["told"]))
    body = row.body
    plan = parse_json(view.blob(body["plan"]))
    stated = power_of(view, row)
    told = {**told, "reasons": _once(told["reasons"])}
    return Decided(
        **told,
        hidden_cases=sum(bool(case[4]) for case in plan["cases"].values()),
        bank_trials=sum(int(trials) for _, trials in plan["bank"].values()),
        proposed=_proposed(context, view, body["proposal"]),
        margin=float(plan.get("margin", MARGIN)),
        power=stated.power,
        power_told=stated.told,
        basis=dict(stated.basis),
        decision=row.key,
        incumbent=body["incumbent"],
        candidate=body["candidate"],
        proposal=body["proposal"],
        campaign=body["campaign"],
        number=body["number"],
        budget=budget_of(body),
        accepted_before=body["accepted_before"],
        alpha=body["alpha"],
        simulated=body["simulated"],
        covers=body.get("covers", {}),
    )


def _once(reasons: Sequence[str]) -> list[str]:
    """Reasons, each once; that it breaks something is told by the guard and as what speaks against it."""
    told = dict.fromkeys(reasons)
    shorter = {
        f"it breaks {each.removeprefix(_BREAKS)}" for each in told if each.startswith(_BREAKS)
    }
    return [each for each in told if each not in shorter]


def power_of(view: View, row: Row) -> Stated:
    """The power of the suite of a decision."""
    plan = parse_json(view.blob(row.body["plan"]))
    digests = {name: case[0] for name, case in plan["cases"].items()}
    return state_power(view, digests, {name: case[1] for name, case in plan["cases"].items()})


def _proposed(context: Context, view: View, proposal: str) -> dict[str, Any] | None:
    row = view.row(f"proposal/{proposal}") if proposal else None
    if row is None:
        return None
    before, after = context.harness.proposed(view, proposal)
    return {
        "base": before.digest,
        "candidate": after.digest,
        "slots": sorted(row.body["patch"]),
        "hypothesis": row.body["hypothesis"],
        "predicted": row.body["facts"].get("predicted"),
    }


def _told_of_proposal(decided: Decided) -> list[str]:
    """What was decided: the proposal with its revisions, slots and words; target and hidden cases."""
    lines, of = [], decided.proposed
    if of is not None:
        revisions = f"{of['base'][7:19]} -> {of['candidate'][7:19]}"
        lines.append(f"proposal {decided.proposal}: {', '.join(of['slots'])} ({revisions})")
        foreseen = "" if of["predicted"] is None else f" (predicted {of['predicted']:+.2f})"
        if of["hypothesis"] or foreseen:
            lines.append(f"hypothesis: {of['hypothesis'] or 'none'}{foreseen}")
    if decided.target:
        more = "" if len(decided.target) <= _TOLD else f" and {len(decided.target) - _TOLD} more"
        lines.append(
            f"target: {', '.join(decided.target[:_TOLD])}{more}; {decided.hidden_cases} cases hidden"
        )
    if decided.claim == "no_regression":
        lines.append(MAY_MISS)
    if decided.claim == "better" and decided.verdict != "accept":
        lines += _told_of_end(decided)
    return lines


def _told_of_end(decided: Decided) -> list[str]:
    """Why no more was tried, and which gain may be taken for ruled out."""
    if decided.ended == "out of trials":
        lines = [f"the trials ran out after {decided.pairs} pairs: more may show a gain"]
    elif GAINLESS in decided.reasons:
        return ["`--claim no_regression` asks only whether something breaks"]
    elif decided.ended == "futile":
        lines = ["given up: the candidate's trials look like none that would show a gain"]
    else:
        return []
    if decided.ruled_out is not None:
        points = f"{100 * decided.ruled_out:.0f} points"
        lines.append(
            f"a gain of {points} or more on the target is ruled out (one that is there would be in fewer "
            "than 1 of 20 decisions)"
        )
    return lines


def _view(row: Row) -> DecisionView:
    body = row.body
    return DecisionView(
        decision=row.key,
        state=str(row.state),
        incumbent=body["incumbent"],
        candidate=body["candidate"],
        proposal=body["proposal"],
        claim=body.get("claim", "better"),
        campaign=body["campaign"],
        number=body["number"],
        trials=body["result"]["trials"] if body["result"] else None,
        opened_at=body["opened_at"],
    )


def _more(decided: Decided) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in decided.kinds.items()) or "none"
    lines = [f"evidence over trials: {spark(decided.path, decided.needed)}"] if decided.path else []
    if decided.instead:
        lines.append(f"tried instead on {', '.join(decided.instead[:10])}")
    label = ", simulated" if decided.simulated else ""
    never = "; `lignin eval power` measures it" if decided.power_told == NEVER else ""
    lines.append(f"power of its suite: {decided.power_told}{never}")
    if without := tell_basis(decided.basis):
        lines.append(without)
    lines += [*_said_beside(decided), *_told_of_proposal(decided)]
    return [
        *lines,
        f"trials: {kinds}, and {decided.bank_trials} of the bank; "
        f"{tell_paid(decided.paid, decided.shared, decided.paid_microusd)}",
        f"{decided.decision}: {_told_of_budget(decided)}{label}",
        f"incumbent {decided.incumbent}",
        f"candidate {decided.candidate}",
        *_told_of_covered(decided.covers),
    ]


def _told_of_covered(covers: Mapping[str, str]) -> list[str]:
    """What the digests of systems that run unsandboxed cover; told once where it is the same."""
    arms = sorted(covers, reverse=True)
    if len({*covers.values()}) == 1:
        return [f"{' and '.join(arms)}: {covers[arms[0]]}"]
    return [f"{arm}: {covers[arm]}" for arm in arms]


def _told_of_budget(decided: Decided) -> str:
    """Its place in its error budget, which no other name of a campaign begins anew."""
    campaign = "" if decided.proposal else f" of the campaign {decided.campaign}"
    of = (
        f"the head {decided.budget[5:]}" if decided.proposal else "all in this space without a head"
    )
    return (
        f"number {decided.number}, with {decided.accepted_before} accepted before, of the decisions for {of}"
        f"{campaign}; of what they accept together at most {decided.alpha:.0%} is expected to be accepted "
        "wrongly, whatever campaigns are called"
    )


def _said_beside(decided: Decided) -> list[str]:
    """What it was compared with, what the change touches, what was predicted."""
    lines = []
    if decided.release:
        left = (
            ""
            if decided.margin_left is None
            else f"; {tell_margin(decided.margin_left, decided.margin)}"
        )
        since = "and so with all that was accepted since"
        lines.append(f"compared with the release {decided.release}, {since}{left}")
    impact = decided.impact
    if impact and impact["cases"] is not None:
        lines.append(
            f"impact: {impact['cases']} cases; {impact['touched']} of {impact['of']} guarded units come "
            f"first, with {impact['sampled']} of the rest (a share of {impact['share']:g})"
        )
    if decided.prediction:
        lines.append(str(decided.prediction["told"]))
    return lines
