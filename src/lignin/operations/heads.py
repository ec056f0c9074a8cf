"""Moving heads and the versions in them together: one commit, whatever moves a head."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lignin.artifacts.adoption import adopt
from lignin.artifacts.dependants import find_dependants
from lignin.artifacts.lookup import visible
from lignin.artifacts.proofs import tests_of
from lignin.artifacts.store import load_tree
from lignin.domain.codec import Digest
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.events import Change
from lignin.domain.harness import Revision, SlotChange
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN, SERVABLE
from lignin.harness.service import Decision
from lignin.operations.artifact_models import DependantView
from lignin.operations.context import Context
from lignin.ports.ledger import View, require_known

MAIN = "main"
HIDDEN = ""
"""What a slot holds that hides the one of the head below."""
HUMAN = "human"


def ensure_head(context: Context, name: str) -> None:
    """Create the space's first head where it is missing; any other must be created by hand.

    Raises:
        NotFoundError: Another head than `main` that does not exist.
    """
    with context.view() as view:
        if view.row(f"head/{name}") is not None:
            return
    if name != MAIN:
        raise NotFoundError(f"no head {name!r}", hint="`lignin head create` makes one")
    change = context.harness.create_head(context.scope, name, salt=context.ids.new("slt"))
    context.commit(change)


def is_practice(head: Row) -> bool:
    """True for a head to practise on: what simulated agents decide counts there, and nothing is served."""
    return bool(head.body.get("practice"))


def version_of(view: View, slot: str, digest: Digest) -> Row:
    """The version that stands in a slot; slots carry their artifact's name.

    Raises:
        NotFoundError: The space has no such version.
    """
    return require_known(view, f"version/{slot}@{digest}")


def state_changes(
    context: Context, view: View, head: str, before: Revision, after: Revision
) -> list[Change]:
    """Changes that keep versions' states in step with a head's move, inherited slots included.

    What enters becomes promoted; what leaves every head goes back to verified.

    Raises:
        DeniedError: What would enter is not verified.
        InvalidRequestError: It was retired.
    """
    old, new = context.harness.resolved(view, before), context.harness.resolved(view, after)
    changes = []
    for slot in sorted({*old, *new}):
        if old.get(slot) == new.get(slot):
            continue
        if slot in new:
            changes += _enter(context, view, head, slot, new[slot])
        if slot in old and not _elsewhere(context, view, head, slot, old[slot]):
            changes += _leave(context, view, head, slot, old[slot])
    return changes


def in_step(context: Context, view: View, slot: str, digest: Digest, verified: Change) -> Change:
    """The change that verifies a version, which also promotes it where a head still holds it."""
    held = holders(context, view, slot, digest)
    if not held:
        return verified
    promoted = {"to": "promoted", "reason": f"still stands in head {held[0]}"}
    event = replace(verified.events[-1], payload=promoted, event_id=context.ids.new("evt"))
    return replace(verified, events=(*verified.events, event))


def holders(context: Context, view: View, slot: str, digest: Digest) -> list[str]:
    """Heads of the space that hold a version in a slot, inherited ones included."""
    return [
        row.key
        for row in view.page("head", limit=1000).rows
        if context.harness.resolve(view, row.body["stable"]).get(slot) == digest
    ]


def dependants_of(context: Context, view: View, name: str, digest: Digest) -> list[DependantView]:
    """Every live version of the space that leans on one, with the heads that hold it."""
    leaning = find_dependants(view, name, digest)
    return [
        DependantView(
            name=row.body["name"],
            digest=row.body["digest"],
            state=str(row.state),
            through=found.through,
            heads=holders(context, view, row.body["name"], row.body["digest"]),
        )
        for found in leaning
        for row in visible(view, context.scope.actor, [found.row])
    ]


def take_off(
    context: Context, view: View, head: str, slot: str, *, reason: str, fence: int | None
) -> tuple[Change, ...]:
    """Changes that move a head to a revision without a slot; an inherited one is hidden.

    Raises:
        LimitedError: (on commit) The head is under a lease and `fence` is not its token.
    """
    _, revision = context.harness.stable(view, head)
    patch = {slot: removal(context, view, revision, slot)}
    _, opened = context.harness.propose(
        view, context.scope, head=head, patch=patch, claim="restore", hypothesis=reason
    )
    said = Decision(outcome="accept", reasons=(f"{context.scope.actor.sub}: {reason}",), gate=HUMAN)
    return context.harness.apply_unseen(view, context.scope, opened, said, fence=fence)


def removal(context: Context, view: View, revision: Revision, slot: str) -> SlotChange:
    """What takes a slot out of sight: dropped where it is the head's own, hidden below that."""
    own = revision.slots.get(slot)
    below = Revision(slots={}, extends=revision.extends)
    inherited = slot in context.harness.resolved(view, below)
    return SlotChange(expected=own, new=HIDDEN if inherited else None)


def children(context: Context, head: str) -> Iterable[tuple[str, str]]:
    """(space, head) of every head that extends this one and is to follow it: none of a campaign."""
    parent = f"{context.scope.space}:{head}"
    for space in context.ledger.spaces():
        with context.ledger.view(space) as view:
            for row in view.page("head", parent=parent, limit=1000).rows:
                if not row.body.get("campaign"):
                    yield space, row.key


def propose_to_children(context: Context, head: str) -> list[str]:
    """After a head moved, open a proposal in each head that extends it; return their ids."""
    with context.view() as view:
        stable, _ = context.harness.stable(view, head)
        slots = context.harness.resolve(view, stable)
    proposals = []
    for space, child in children(context, head):
        scope = context.scope_of(space)
        with context.ledger.view(space) as view:
            _, revision = context.harness.stable(view, child)
            if revision.extends == stable:
                continue  # it stands there already
            proposal, changes = context.harness.inherit(view, scope, child, stable, slots)
        context.commit(*changes, *adopted(context, space, slots))
        proposals.append(proposal)
    return proposals


def adopted(
    context: Context,
    space: str,
    slots: Mapping[str, Digest],
    *,
    source: str | None = None,
    entered: str = "",
) -> list[Change]:
    """Changes that make versions of one space known in another, with bytes and evidence.

    What they depend on and the tests that count for them come along.

    Args:
        space: Where they become known.
        source: Where they are known; default: the caller's space.
        entered: Why they are promoted there at once; what comes along is not.
    """
    origin = source or context.scope.space
    if origin == space:
        return []
    with context.ledger.view(origin) as known, context.ledger.view(space) as target:
        along = _along(known, slots)
        changes = (
            adopt(
                context.ids,
                context.scope_of(space),
                source=known,
                target=target,
                name=name,
                digest=digest,
                entered=entered if slots.get(name) == digest else "",
            )
            for name, digest in along
        )
        return [change for change in changes if change is not None]


def _along(known: View, slots: Mapping[str, Digest]) -> list[tuple[str, Digest]]:
    """Versions with all they lean on and the tests that count for them, without repeats."""
    found: dict[tuple[str, Digest], None] = {}
    pending = list(slots.items())
    while pending:
        name, digest = pending.pop(0)
        row = known.row(f"version/{name}@{digest}")
        if (name, digest) in found or row is None or row.state not in PROVEN:
            continue
        found[name, digest] = None
        pending += load_tree(known, digest).manifest.dependencies.items()
        pending += [(test.name, test.digest) for test in tests_of(known, digest) if test.counts]
    return list(found)


def _enter(context: Context, view: View, head: str, slot: str, digest: Digest) -> list[Change]:
    row = version_of(view, slot, digest)
    if row.state in SERVABLE:
        return []
    if row.state == "retired":
        raise InvalidRequestError(
            f"{slot}@{digest} is retired, so head {head!r} cannot hold it",
            hint="`lignin artifact restore` renews its evidence",
        )
    if row.state != "verified":
        raise DeniedError(
            f"{slot}@{digest} is {row.state} ({row.body['reason']}), so no head may serve it",
            hint="`lignin artifact clear` ends a quarantine"
            if row.state == "quarantined"
            else "`lignin artifact verify` proves a draft",
        )
    reason = f"entered head {head}"
    return [context.artifacts.move(view, context.scope, slot, digest, "promoted", reason=reason)]


def _leave(context: Context, view: View, head: str, slot: str, digest: Digest) -> list[Change]:
    row = view.row(f"version/{slot}@{digest}")
    if row is None or row.state != "promoted":
        return []
    reason = f"left head {head}"
    return [context.artifacts.move(view, context.scope, slot, digest, "verified", reason=reason)]


def _elsewhere(context: Context, view: View, head: str, slot: str, digest: Digest) -> bool:
    """True where another head of the space still serves the version."""
    return any(other != head for other in holders(context, view, slot, digest))
