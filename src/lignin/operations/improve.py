"""Improve a harness by its failures: mine, propose, gate, repeat; its verbs show what came of it."""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.states import Row
from lignin.evals.laws.climbing import Tally, added_up, tally
from lignin.operations.context import Context
from lignin.operations.evidence_plot import Climbed, draw_climb
from lignin.operations.gate_prove import power_of
from lignin.operations.heads import is_practice
from lignin.operations.improve_end import run_campaign
from lignin.operations.improve_judging import spent
from lignin.operations.improve_models import (
    CampaignPlot,
    CampaignShown,
    CampaignsListed,
    CampaignView,
    Improve,
    ImproveList,
    ImproveProposers,
    ImproveRef,
    ProposersListed,
    ProposerView,
    RoundView,
    next_steps,
    view_of,
)
from lignin.operations.registry import operation
from lignin.operations.tries import with_workers
from lignin.ports.ledger import View, every_row, require_known


@operation("improve", effect="execute", idempotent=True)
def improve(context: Context, request: Improve) -> CampaignShown:
    """Improve a harness: mine what fails, propose a change, gate it, repeat; the whole is gated in the end.

    Works with any agent that reads its harness. Candidates live on a head of the campaign's own, never in
    your working tree; a person approves what comes out. Asked again the same it goes on where it was.
    """
    campaign = run_campaign(with_workers(context, request.workers), request)
    return show(context, ImproveRef(campaign=campaign))


@operation("improve.show", effect="read", idempotent=True)
def show(context: Context, request: ImproveRef) -> CampaignShown:
    """Show a campaign: what was accepted and refused and why, held-out score before and after, trials."""
    with context.view() as view:
        row = require_known(view, f"improve/{request.campaign}")
        told = _view(view, row)
        end = row.body["end"]
        decision = view.row(f"decision/{end['decision']}") if end.get("decision") else None
        proposal = view.row(f"proposal/{end['proposal']}") if end.get("proposal") else None
        power_told = power_of(view, decision).told if decision else ""
    return CampaignShown(
        **told.model_dump(),
        proposal=end.get("proposal", ""),
        decision=end.get("decision", ""),
        reasons=end.get("reasons", []),
        power_told=power_told,
        gain=end.get("gain"),
        interval=end.get("interval", []),
        next=next_steps(told, end, str(proposal.state) if proposal else ""),
        items=[
            told_round(number, each, row.body["end"].get("stop", ""))
            for number, each in enumerate(row.body["rounds"], start=1)
        ],
    )


@operation("improve.list", effect="read", idempotent=True)
def list_(context: Context, request: ImproveList) -> CampaignsListed:
    """List the campaigns."""
    with context.view() as view:
        page = view.page(
            "improve",
            state=request.state,
            parent=request.head,
            after=request.after,
            limit=request.limit,
        )
        items = [_view(view, row) for row in page.rows]
    return CampaignsListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--head, --state, --after" if page.next_after else None,
    )


@operation("improve.proposers", effect="read", idempotent=True)
def proposers(context: Context, request: ImproveProposers) -> ProposersListed:
    """Tell how often each proposer was accepted, for which agent, and what that gained and took."""
    found: dict[tuple[str, str], list[Tally]] = {}
    simulated: dict[str, bool] = {}
    with context.view() as view:
        for row in every_row(view, "improve"):
            if request.head in (None, row.body["head"]):
                simulated[row.body["system"]] = row.body["simulated"]
                for each in tally(row.body["system"], row.body["rounds"]):
                    found.setdefault((each.proposer, each.subject), []).append(each)
    items = [_together(same, simulated[same[0].subject]) for _, same in sorted(found.items())]
    return ProposersListed(items=items, total=len(items))


@operation("improve.plot", effect="read", idempotent=True)
def plot(context: Context, request: ImproveRef) -> CampaignPlot:
    """Draw a campaign's score over the trials paid, as SVG, with what was accepted and what refused."""
    with context.view() as view:
        row = require_known(view, f"improve/{request.campaign}")
    judged = [each for each in row.body["rounds"] if each.get("outcome")]
    points = [
        Climbed(trials=each["paid"], score=each["mean"], outcome=each["outcome"])
        for each in judged
        if each["mean"] is not None
    ]
    label = ", simulated" if row.body["simulated"] else ""
    title = f"{row.body['system']}{label}: {row.key}"
    return CampaignPlot(
        campaign=row.key, svg=draw_climb(points, title, row.body["end"].get("mean"))
    )


def _view(view: View, row: Row) -> CampaignView:
    body, end = row.body, row.body["end"]
    outcomes = [each.get("outcome", "") for each in body["rounds"]]
    head, paid = view.row(f"head/{body['head']}"), spent(view, row)
    return CampaignView(
        campaign=row.key,
        state=str(row.state),
        system=body["system"],
        simulated=body["simulated"],
        head=body["head"],
        side=body["side"],
        practice=head is not None and is_practice(head),
        proposers=body["proposers"],
        prune=body["prune"],
        opened_at=body["opened_at"],
        stop=end.get("stop", ""),
        outcome=end.get("outcome", ""),
        rounds=len(outcomes),
        accepted=outcomes.count("accept"),
        refused=outcomes.count("reject"),
        undecided=outcomes.count("undecided"),
        trials=paid.trials,
        usd=round(paid.usd, 6),
        held_out=view_of(end.get("held_out") or {}),
    )


def told_round(number: int, each: Mapping[str, Json], stop: str) -> RoundView:
    """A round as it is told; one that the campaign's end broke off says so.

    Args:
        stop: Why the campaign stopped; "" where it goes on.
    """
    said: dict[str, Json] = {}
    if stop and not each.get("outcome") and each.get("ended") in (None, "drafted"):
        told = f"broken off by the campaign's end: {stop}"
        said = {"reasons": [told]} if each.get("ended") else {"why": told}
    counts = {"number": number, "target": len(each["target"]), "shown": len(each["shown"])}
    known = {name: each[name] for name in RoundView.model_fields if name in each}
    return RoundView.model_validate({**known, **said, **counts})


def _together(same: list[Tally], simulated: bool) -> ProposerView:
    drafts, accepted = sum(t.drafts for t in same), sum(t.accepted for t in same)
    return ProposerView(
        proposer=same[0].proposer,
        subject=same[0].subject,
        simulated=simulated,
        drafts=drafts,
        accepted=accepted,
        undecided=sum(t.undecided for t in same),
        accept_rate=round(accepted / drafts, 4) if drafts else None,
        gain=round(sum(t.gain for t in same), 4),
        trials=sum(t.trials for t in same),
        usage=added_up(t.usage for t in same),
        cost_microusd=sum(t.cost_microusd for t in same),
    )
