"""Moving heads and the versions in them together: one commit, whatever moves a head."""

from collections.abc import Iterable, Mapping

from lignin.artifacts.adoption import adopt
from lignin.domain.codec import Digest
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.events import Change
from lignin.domain.harness import Patch
from lignin.domain.states import Row
from lignin.domain.states.artifacts import SERVABLE
from lignin.operations.context import Context
from lignin.ports.ledger import View

MAIN = "main"


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


def version_of(view: View, slot: str, digest: Digest) -> Row:
    """The version that stands in a slot; slots carry their artifact's name.

    Raises:
        NotFoundError: The space has no such version.
    """
    row = view.row(f"version/{slot}@{digest}")
    if row is None:
        raise NotFoundError(f"this space has no version {slot}@{digest}")
    return row


def state_changes(context: Context, view: View, head: str, patch: Patch) -> list[Change]:
    """Changes that keep versions' states in step with a head's move.

    What enters becomes promoted; what leaves every head goes back to verified.

    Raises:
        DeniedError: What would enter is not verified.
        InvalidRequestError: It was retired.
    """
    changes = []
    for slot, change in patch.items():
        if change.new:
            entered = _enter(context, view, head, slot, change.new)
            if entered is not None:
                changes.append(entered)
        if change.expected and not _elsewhere(context, view, head, slot, change.expected):
            left = view.row(f"version/{slot}@{change.expected}")
            if left is not None and left.state == "promoted":
                changes.append(
                    context.artifacts.move(
                        view,
                        context.scope,
                        slot,
                        change.expected,
                        "verified",
                        reason=f"left head {head}",
                    )
                )
    return changes


def children(context: Context, head: str) -> Iterable[tuple[str, str]]:
    """(space, head) of every head that extends this one."""
    parent = f"{context.scope.space}:{head}"
    for space in context.ledger.spaces():
        with context.ledger.view(space) as view:
            for row in view.page("head", parent=parent, limit=1000).rows:
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
            proposal, changes = context.harness.inherit(view, scope, child, stable, slots)
        context.commit(*changes, *adopted(context, space, slots))
        proposals.append(proposal)
    return proposals


def adopted(
    context: Context, space: str, slots: Mapping[str, Digest], *, source: str | None = None
) -> list[Change]:
    """Changes that make versions of one space known in another, with bytes and evidence.

    Args:
        space: Where they become known.
        source: Where they are known; default: the caller's space.
    """
    origin = source or context.scope.space
    if origin == space:
        return []
    with context.ledger.view(origin) as known, context.ledger.view(space) as target:
        changes = (
            adopt(
                context.ids,
                context.scope_of(space),
                source=known,
                target=target,
                name=name,
                digest=digest,
            )
            for name, digest in slots.items()
        )
        return [change for change in changes if change is not None]


def _enter(context: Context, view: View, head: str, slot: str, digest: Digest) -> Change | None:
    row = version_of(view, slot, digest)
    if row.state in SERVABLE:
        return None
    if row.state == "retired":
        raise InvalidRequestError(
            f"{slot}@{digest} is retired", hint="`lignin artifact restore` renews its evidence"
        )
    if row.state != "verified":
        raise DeniedError(f"{slot}@{digest} is {row.state}, so no head may serve it")
    return context.artifacts.move(
        view, context.scope, slot, digest, "promoted", reason=f"entered head {head}"
    )


def _elsewhere(context: Context, view: View, head: str, slot: str, digest: Digest) -> bool:
    """True where another head of the space still serves the version."""
    for row in view.page("head", limit=1000).rows:
        if row.key != head:
            slots = context.harness.resolve(view, row.body["stable"])
            if slots.get(slot) == digest:
                return True
    return False
