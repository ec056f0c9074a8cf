"""Proposals to take a routine's program off the heads that serve it. They move nothing; a person approves."""

from collections.abc import Iterable, Mapping, Sequence

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.heads import holders, removal
from lignin.ports.ledger import View

OPEN = frozenset({"open", "undecided", "accepted", "reopened"})


def propose_removal(
    context: Context, view: View, head: str, slot: str, *, why: str, facts: Mapping[str, Json]
) -> tuple[str, list[Change]]:
    """The proposal to take a slot off a head, with the change that opens it; none where it is not there."""
    _, revision = context.harness.stable(view, head)
    try:
        proposal, change = context.harness.propose(
            view,
            context.scope,
            head=head,
            patch={slot: removal(context, view, revision, slot)},
            claim="restore",
            hypothesis=why,
            facts=dict(facts),
        )
    except (ConflictError, InvalidRequestError):
        return "", []
    return proposal, [change]


def open_ones(view: View, proposals: Iterable[str]) -> list[str]:
    """Those of some proposals that are not settled."""
    rows = ((each, view.row(f"proposal/{each}")) for each in proposals if each)
    return [each for each, row in rows if row is not None and row.state in OPEN]


def take_off_refuted(
    context: Context, view: View, row: Row, reason: str
) -> tuple[dict[str, Json], list[Change]]:
    """What is kept of the program of a routine that is refused, and the changes that propose its removal.

    Returns:
        `was`: artifact and version that were proven before; `proposals`: open ones to take it off.
    """
    proof = row.body.get("proof") or {}
    was = proof.get("was") or {name: proof.get(name, "") for name in ("artifact", "version")}
    if not was["artifact"]:
        return {}, []
    served = row.body.get("served") or {}
    proposals = open_ones(view, [*proof.get("proposals", ()), served.get("proposal", "")])
    changes: list[Change] = []
    taken = {view.row(f"proposal/{each}").body["head"] for each in proposals}  # type: ignore[union-attr]
    for head in holders(context, view, was["artifact"], was["version"]):
        if head not in taken:
            proposal, opened = propose_removal(
                context, view, head, was["artifact"], why=reason, facts={"routine": row.key}
            )
            proposals += [proposal] if proposal else []
            changes += opened
    return {"was": was, "proposals": proposals}, changes


def found_wrong(view: View, row: Row | None) -> str:
    """What proving a routine found against it, with what is proposed; "" where it found nothing."""
    proof = (row.body.get("proof") if row else None) or {}
    if proof.get("verdict") != "fail" or not proof.get("reason"):
        return ""
    proposals = open_ones(view, proof.get("proposals", ()))
    return f"found {proof['reason']}" + told_open(proposals)


def told_open(proposals: Sequence[str]) -> str:
    """Open proposals in words."""
    return f"; a proposal to take it off is open: {', '.join(proposals)}" if proposals else ""
