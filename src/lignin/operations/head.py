"""Harness heads: what stands in them, how they moved, and moving them back."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from lignin.artifacts.versions import is_simulated
from lignin.domain.codec import Digest
from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.events import Change
from lignin.domain.harness import SlotChange, diff_revisions, patch_to_json
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.context import Context
from lignin.operations.heads import (
    MAIN,
    adopted,
    ensure_head,
    is_practice,
    propose_to_children,
    state_changes,
)
from lignin.operations.recalling import recalling
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.space import RANKS
from lignin.ports.ledger import View, require_known


class HeadCreate(Request):
    name: str = positional("the head's name")
    extends: str | None = Field(None, description="SPACE:HEAD of a higher space to stand on")
    practice: bool = Field(
        False, description="to practise on: what simulated agents decide counts, nothing is served"
    )


class HeadRef(Request):
    name: str = positional("the head's name", default=MAIN)


class Nothing(Request):
    pass


class Slot(Response):
    slot: str = Field(description="the slot")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="the version's state")
    own: bool = Field(description="set by this head itself, not by one it extends")
    simulated: bool = Field(description="seen only in the practice desk's simulated sessions")
    notes: dict[str, Any] = Field(
        default_factory=dict, description="which weakness it makes up for, on which models"
    )


class HeadView(Response):
    name: str = Field(description="the head's name")
    revision: str = Field(description="digest of the head's revision")
    extends: str | None = Field(description="SPACE:HEAD it stands on")
    practice: bool = Field(description="to practise on: simulated agents decide, nobody is served")
    campaign: str = Field(description="the campaign that explores on it; empty for any other")
    fence: int = Field(description="number of the last lease")
    lease: dict[str, Any] | None = Field(description="who holds it, and until when")
    moves: int = Field(description="how often it moved")
    slots: list[Slot] = Field(description="what it serves")


class HeadList(Listed):
    items: list[HeadView] = Field(description="this page of the list")


class HeadHistory(HeadRef):
    limit: int = Field(20, ge=1, le=1000, description="at most so many moves")


class MoveView(Response):
    at: str = Field(description="when")
    by: str = Field(description="who moved it")
    claim: str | None = Field(description="what was claimed of the change")
    came_from: str = Field(description="revision before")
    to: str = Field(description="revision after")
    proposal: str | None = Field(description="the proposal's id")
    slots: dict[str, Any] = Field(description="slot: digest expected and new")


class MoveList(Listed):
    items: list[MoveView] = Field(description="this page of the list")


class RevisionDiff(Request):
    old: str = positional("revision digest, 6 digits or more")
    new: str = positional("revision digest, 6 digits or more")


class DiffView(Response):
    slots: dict[str, Any] = Field(description="slot: digest in the old and in the new revision")


class HeadRollback(HeadRef):
    to: str = Field(
        default="", description="revision to go back to, 6 digits or more; default: the one before"
    )
    reason: str = Field("a person asked for it", description="why")
    token: int | None = Field(None, description="fencing token of the head's lease")


class Rolled(Response):
    head: str = Field(description="the harness head")
    came_from: str = Field(description="revision before")
    revision: str = Field(description="revision it stands at now")
    proposal: str = Field(description="the proposal's id")


class HeadNote(Request):
    name: str = positional("the head's name")
    slot: str = positional("the slot")
    weakness: str = Field(description="which weakness of the model it makes up for")
    models: list[str] = Field(default_factory=list, description="models on which that was shown")


class HeadLease(HeadRef):
    ttl_s: int = Field(60, ge=1, le=3600, description="seconds it lasts")


class Leased(Response):
    head: str = Field(description="the harness head")
    token: int = Field(description="fencing token: show it with every move until released")


class HeadRelease(HeadRef):
    token: int = Field(description="the lease's fencing token")


class HeadOffer(Request):
    name: str = positional("the head whose gain is offered")
    slot: str = positional("the slot to offer")


class Offered(Response):
    space: str = Field(description="the space above")
    head: str = Field(description="the head above")
    proposal: str = Field(description="the proposal opened there")


@operation("head.create", effect="govern")
def create(context: Context, request: HeadCreate) -> HeadView:
    """Create a head, empty or standing on a head of a space above."""
    if request.extends is None:
        salt = context.ids.new("slt")
        change = context.harness.create_head(
            context.scope, request.name, salt=salt, practice=request.practice
        )
        context.commit(change)
        return show(context, HeadRef(name=request.name))
    space, _, head = request.extends.partition(":")
    _require_above(context, space)
    with context.ledger.view(space) as view:
        stable, _ = context.harness.stable(view, head)
        slots = context.harness.resolve(view, stable)
        if is_practice(require_known(view, f"head/{head}")) and not request.practice:
            raise DeniedError(
                f"{request.extends} is a practice head; nothing real stands on what was simulated",
                hint="`lignin head create NAME --practice`",
            )
    change = context.harness.create_head(
        context.scope,
        request.name,
        salt=context.ids.new("slt"),
        extends=(space, head),
        parent_revision=stable,
        parent_slots=slots,
        practice=request.practice,
    )
    own = context.scope.space
    entered = f"entered head {request.name}, which extends {request.extends}"
    along = adopted(context, own, slots, source=space, entered=entered)
    with context.view() as view:
        _require_servable(context, view, slots, along)
        along += _promoted(context, view, slots, entered)
    context.commit(change, *along)
    return show(context, HeadRef(name=request.name))


@operation("head.list", effect="read", idempotent=True)
def list_(context: Context, request: Nothing) -> HeadList:  # noqa: ARG001
    """List the heads of the space."""
    with context.view() as view:
        page = view.page("head", limit=1000)
    items = [show(context, HeadRef(name=row.key)) for row in page.rows]
    return HeadList(items=items, total=page.total)


@operation("head.show", effect="read", idempotent=True)
def show(context: Context, request: HeadRef) -> HeadView:
    """Show what a head serves now, slot by slot."""
    with context.view() as view:
        stable, revision = context.harness.stable(view, request.name)
        row = view.rows([f"head/{request.name}"])[f"head/{request.name}"]
        slots = []
        for slot, digest in context.harness.resolve(view, stable).items():
            streams = (f"version/{slot}@{digest}", f"note/{request.name}/{slot}/{digest}")
            rows = view.rows(streams)
            version, note = rows.get(streams[0]), rows.get(streams[1])
            slots.append(
                Slot(
                    slot=slot,
                    digest=digest,
                    state=str(version.state) if version else "unknown",
                    own=slot in revision.slots,
                    simulated=version is not None and is_simulated(version),
                    notes=dict(note.body) if note else {},
                )
            )
    parent = row.body["extends"]
    return HeadView(
        name=request.name,
        revision=stable,
        extends=f"{parent['space']}:{parent['head']}" if parent else None,
        practice=is_practice(row),
        campaign=row.body.get("campaign", ""),
        fence=row.body["fence"],
        lease=row.body["lease"],
        moves=row.body["moves"],
        slots=slots,
    )


@operation("head.history", effect="read", idempotent=True)
def history(context: Context, request: HeadHistory) -> MoveList:
    """List a head's moves, newest first: who, when, on which claim, which slots."""
    with context.view() as view:
        moves = context.harness.history(view, request.name)
    items = [
        MoveView(
            at=move.at,
            by=move.by,
            claim=move.claim,
            came_from=move.came_from,
            to=move.to,
            proposal=move.proposal,
            slots=dict(move.slots),
        )
        for move in moves[: request.limit]
    ]
    return MoveList(items=items, total=len(moves))


@operation("head.diff", effect="read", idempotent=True)
def diff(context: Context, request: RevisionDiff) -> DiffView:
    """Show which slots differ between two revisions."""
    with context.view() as view:
        old = context.harness.revision(view, _whole(view, request.old))
        new = context.harness.revision(view, _whole(view, request.new))
    return DiffView(slots=patch_to_json(diff_revisions(old, new)))


@operation("head.rollback", effect="govern")
def rollback(context: Context, request: HeadRollback) -> Rolled:
    """Move a head back to a revision it had before; the move is itself a proposal in the log.

    Without --to it goes one move back. Repeating the command never redoes what it undid: straight
    after a rollback the revision has to be named.
    """
    with recalling(context):
        return _rolled_back(context, request)


def _rolled_back(context: Context, request: HeadRollback) -> Rolled:
    with context.view() as view:
        stable, revision = context.harness.stable(view, request.name)
        moves = context.harness.history(view, request.name)
        if not moves:
            raise InvalidRequestError(f"head {request.name!r} has never moved")
        to = _whole(view, request.to) if request.to else moves[0].came_from
        if request.to and to == stable:  # an earlier run got there
            return Rolled(head=request.name, came_from=stable, revision=stable, proposal="")
        stood = {move.came_from for move in moves[1:]}
        if not request.to and moves[0].claim == "restore" and moves[0].to in stood:
            raise ConflictError(
                f"head {request.name!r} was rolled back already, to {stable}",
                hint="name a revision with --to; `lignin head history` lists them",
            )
        proposal, changes = context.harness.rollback(
            view, context.scope, request.name, to, reason=request.reason, fence=request.token
        )
        target = context.harness.revision(view, to)
        changes = (*changes, *state_changes(context, view, request.name, revision, target))
    context.commit(*changes)
    propose_to_children(context, request.name)
    return Rolled(head=request.name, came_from=stable, revision=to, proposal=proposal)


@operation("head.note", effect="write", idempotent=True)
def note(context: Context, request: HeadNote) -> HeadView:
    """Note on a slot which weakness it makes up for and on which models that was shown."""
    with context.view() as view:
        stable, _ = context.harness.stable(view, request.name)
        slots = context.harness.resolve(view, stable)
    if request.slot not in slots:
        raise InvalidRequestError(f"head {request.name!r} has no slot {request.slot!r}")
    facts = {"weakness": request.weakness, "models": request.models}
    context.commit(
        context.harness.note(context.scope, request.name, request.slot, slots[request.slot], facts)
    )
    return show(context, HeadRef(name=request.name))


@operation("head.lease", effect="govern")
def lease(context: Context, request: HeadLease) -> Leased:
    """Hold a head for some seconds: until released only moves that show the token are taken.

    That keeps everybody else from changing what is served, so it is a person's, as every move is.
    """
    ensure_head(context, request.name)
    with context.view() as view:
        token, change = context.harness.lease(
            view,
            context.scope,
            request.name,
            holder=context.scope.actor.sub,
            ttl_s=request.ttl_s,
            now=context.ledger.now(),
        )
    context.commit(change)
    return Leased(head=request.name, token=token)


@operation("head.release", effect="write")
def release(context: Context, request: HeadRelease) -> HeadView:
    """Give a lease back."""
    with context.view() as view:
        require_known(view, f"head/{request.name}")
    context.commit(context.harness.release(context.scope, request.name, request.token))
    return show(context, HeadRef(name=request.name))


@operation("head.offer", effect="write")
def offer(context: Context, request: HeadOffer) -> Offered:
    """Offer a local gain upstream: a proposal in the head that this one extends."""
    with context.view() as view:
        row = require_known(view, f"head/{request.name}")
        if not row.body["extends"]:
            raise InvalidRequestError(
                f"head {request.name!r} extends no other head",
                hint="`lignin head list` shows what each extends",
            )
        if is_practice(row):
            raise DeniedError(
                f"{request.name!r} is a practice head; what was simulated goes nowhere else",
                hint="prove it with a real agent, on a head of its own",
            )
        _, revision = context.harness.stable(view, request.name)
    digest = revision.slots.get(request.slot)
    if digest is None:
        raise InvalidRequestError(
            f"head {request.name!r} has no own slot {request.slot!r}",
            hint="`lignin head show` lists its slots",
        )
    space, head = row.body["extends"]["space"], row.body["extends"]["head"]
    scope = context.scope_of(space)
    with context.ledger.view(space) as view:
        _, above = context.harness.stable(view, head)
        patch = {request.slot: SlotChange(expected=above.slots.get(request.slot), new=digest)}
        proposal, opened = context.harness.propose(
            view,
            scope,
            head=head,
            patch=patch,
            claim="admit",
            hypothesis=f"offered by {context.scope.space}:{request.name}",
        )
    context.commit(opened, *adopted(context, space, {request.slot: digest}))
    return Offered(space=space, head=head, proposal=proposal)


def _whole(view: View, revision: str) -> str:
    """A revision's whole digest from its first digits, as tables show them."""
    wanted = revision if revision.startswith("sha256:") else f"sha256:{revision}"
    if len(wanted) < len("sha256:") + 6:
        raise InvalidRequestError(f"{revision!r} is too short", hint="give 6 digits or more")
    found = view.page("revision", prefix=wanted, limit=2).rows
    if not found:
        raise NotFoundError(f"no revision {revision}", hint="`lignin head history` lists them")
    if len(found) > 1:
        raise ConflictError(f"several revisions begin with {revision}", hint="give more digits")
    return found[0].key


def _promoted(
    context: Context, view: View, slots: Mapping[str, Digest], reason: str
) -> list[Change]:
    """Changes that promote what this space knew as verified before the new head held it."""
    rows = view.rows(f"version/{slot}@{digest}" for slot, digest in slots.items())
    return [
        context.artifacts.move(
            view, context.scope, row.body["name"], row.body["digest"], "promoted", reason=reason
        )
        for row in rows.values()
        if row.state == "verified"
    ]


def _require_servable(
    context: Context, view: View, slots: Mapping[str, Digest], along: Sequence[Change]
) -> None:
    """Raise where a slot of the head below could not be served here: this space judged it bad."""
    arriving = {stream for change in along for stream in change.expects}
    for slot, digest in slots.items():
        stream = f"version/{slot}@{digest}"
        row = view.row(stream)
        if stream in arriving or (row is not None and row.state in PROVEN):
            continue
        state = row.state if row else "not proven there"
        raise DeniedError(
            f"{slot}@{digest} is {state} in {context.scope.space!r}, so no head here may serve it",
            hint="promote or clear it here, or take it off the head above",
        )


def _require_above(context: Context, space: str) -> None:
    """A head extends only a head of an ancestor space, or of its own (a model family's)."""
    current: str | None = context.scope.space
    for _ in RANKS + ("",):
        if current == space:
            return
        if current is None:
            break
        with context.ledger.view(current) as view:
            row = view.row(f"space/{current}")
        current = row.body["parent"] if row else None
    raise DeniedError(
        f"{space!r} is no space above {context.scope.space!r}",
        hint="`lignin space list` shows parents",
    )
