"""Which version a name means: to look at, and to run for a caller."""

from lignin.artifacts.lookup import require_row, visible
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.context import Context
from lignin.operations.heads import version_of
from lignin.ports.ledger import Page, View, every_row, not_known


def find(context: Context, view: View, name: str) -> Row:
    """The version that NAME or NAME@DIGEST means: the given one, else the newest of the best state.

    A draft that the caller may not see is not there.

    Raises:
        NotFoundError: No such artifact or version.
    """
    plain, _, digest = name.partition("@")
    if digest:
        rows = visible(
            view, context.scope.actor, [context.artifacts.find_version(view, plain, digest)]
        )
    else:
        rows = visible(view, context.scope.actor, context.artifacts.versions(view, plain).rows)
    if not rows:
        raise not_known(view, f"version/{name}" if digest else f"artifact/{name}")
    if digest:
        return rows[0]
    order = ("promoted", "deprecated", "verified", "draft", "quarantined", "rejected", "retired")
    best = [row for state in order for row in rows if row.state == state] or rows
    state = best[0].state
    return max((row for row in best if row.state == state), key=lambda r: r.body["captured_at"])


def visible_page(
    context: Context,
    view: View,
    *,
    state: str | None,
    prefix: str,
    after: str | None,
    limit: int,
) -> Page:
    """A page of the versions that the caller may see; others are not counted."""
    if context.scope.actor.is_person or state not in {None, "draft"}:
        return view.page("version", state=state, prefix=prefix, after=after, limit=limit)
    seen = visible(
        view, context.scope.actor, every_row(view, "version", state=state, prefix=prefix)
    )
    rest = [row for row in seen if after is None or row.key > after]
    more = len(rest) > limit
    return Page(
        rows=tuple(rest[:limit]),
        total=len(seen),
        next_after=rest[limit - 1].key if more else None,
    )


def find_callable(context: Context, view: View, name: str, *, head: str, session: str = "") -> Row:
    """The version that a call of NAME or NAME@DIGEST runs.

    Args:
        head: Whose stable revision chooses among the versions.
        session: Whose pinned revision chooses instead.

    Raises:
        DeniedError: It is not proven, retired or quarantined; with the reason.
        NotFoundError: The revision has no such slot, or the space no such version.
    """
    plain, _, digest = name.partition("@")
    if digest:
        row = find(context, view, name)
        if row.state not in {"verified", "promoted", "deprecated"}:
            raise DeniedError(
                f"{name} is {row.state} and is not run for callers",
                hint="verify it first" if row.state == "draft" else str(row.body["reason"]),
            )
        return row
    where, revision = f"head {head!r}", None
    if session:
        revision = context.sessions.wake(view, session).revision
        where = f"the revision of session {session}"
        if revision is None:
            raise InvalidRequestError(
                f"session {session} pins no revision", hint="start it with --head"
            )
    elif view.row(f"head/{head}") is None:
        require_row(view, f"artifact/{plain}")
        raise NotFoundError(
            f"there is no head {head!r}, which would say what {plain!r} is",
            hint="`lignin artifact promote` puts a verified version into one; NAME@DIGEST calls one "
            "outside of it",
        )
    slots = context.harness.resolve(view, revision or context.harness.stable(view, head)[0])
    if plain not in slots:
        require_row(view, f"artifact/{plain}")
        raise NotFoundError(
            f"{where} serves no {plain!r}",
            hint="`lignin head show` lists its slots; NAME@DIGEST calls one outside of it",
        )
    return _row_of(view, plain, slots[plain])


def _row_of(view: View, slot: str, digest: str) -> Row:
    row = version_of(view, slot, digest)
    if row.state not in PROVEN:
        follower = row.body["forward_to"]
        raise DeniedError(
            f"{slot} is {row.state}: {row.body['reason']}",
            hint=f"call {follower} instead" if follower else "choose another",
        )
    return row
