"""Which version a name means: to look at, to move, and to run for a caller.

NAME@DIGEST means that version. A bare NAME means, by what is to be done with it:

- `promote`: the newest that is verified (or promoted already), so that a fix enters and not what it
  mends; `verify`: the newest that is neither rejected nor out of use;
- `quarantine`, `deprecate`: what is served; `retire`, `restore`, `clear`, `withdraw`: the newest in a
  state that the verb ends;
- `show`, `source` and everything else: the best state, what is served before what is not; they say
  that there are others;
- `call`, and what a head serves: the head's own choice, whatever the states say. A session that the
  caller names may call what it handed over itself at once; what it wrote last comes before the head.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from lignin.artifacts.lookup import require_row, visible
from lignin.artifacts.versions import HANDED_OVER
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN, VersionState
from lignin.operations.context import Context
from lignin.operations.heads import version_of
from lignin.ports.ledger import Page, View, every_row, not_known

Verb = Literal[
    "look", "verify", "promote", "deprecate", "retire", "restore", "quarantine", "clear", "withdraw"
]
MAX_OTHERS = 5
WRITTEN: frozenset[str] = PROVEN | {"draft"}
"""States in which the session that wrote a version may call it."""
_BEST: tuple[VersionState, ...] = (
    "promoted", "deprecated", "verified", "draft", "quarantined", "rejected", "retired",
)  # fmt: skip
_MOVED: Mapping[Verb, frozenset[VersionState]] = {
    "verify": PROVEN | {"draft"},
    "promote": PROVEN,
    "retire": frozenset({"deprecated", "quarantined"}),
    "restore": frozenset({"retired"}),
    "clear": frozenset({"quarantined"}),
    "withdraw": frozenset({"rejected"}),
}


def choose(rows: Sequence[Row], verb: Verb = "look") -> Row:
    """The version among those of one name that a verb means; at least one is given."""
    moved = [row for row in rows if row.state in _MOVED.get(verb, frozenset())]
    best = [row for state in _BEST for row in rows if row.state == state] or list(rows)
    meant = moved or [row for row in best if row.state == best[0].state]
    return max(meant, key=_captured_at)


def told_others(rows: Sequence[Row], row: Row) -> str:
    """The other versions of the name, newest first, in words; empty where there are none."""
    others = sorted((one for one in rows if one.stream != row.stream), key=_captured_at)[::-1]
    said = [
        f"{one.body['digest'][7:19]} is {one.state}"
        + (" and newer" if _captured_at(one) > _captured_at(row) else "")
        for one in others[:MAX_OTHERS]
    ]
    more = [f"{len(others) - MAX_OTHERS} more"] if len(others) > MAX_OTHERS else []
    return "; ".join([*said, *more])


def told_waiting(rows: Sequence[Row], row: Row) -> list[str]:
    """What is newer than a version and cannot be promoted as it is, with the reason."""
    newer = [one for one in rows if _captured_at(one) > _captured_at(row)]
    return [
        f"a newer version is {one.state}: {one.body['digest'][7:19]} ({one.body['reason'][:200]})"
        for one in sorted(newer, key=_captured_at)[::-1][:MAX_OTHERS]
        if one.state in {"draft", "rejected", "quarantined"}
    ]


def versions_seen(context: Context, view: View, row: Row) -> list[Row]:
    """Every version of a version's artifact that the caller may see."""
    return visible(
        view, context.scope.actor, context.artifacts.versions(view, row.body["name"]).rows
    )


def _captured_at(row: Row) -> str:
    return str(row.body["captured_at"])


def find(context: Context, view: View, name: str, verb: Verb = "look") -> Row:
    """The version that NAME or NAME@DIGEST means to a verb, as the head of this file says.

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
    return rows[0] if digest else choose(rows, verb)


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
        session: Whose pinned revision chooses instead; what the caller wrote in it comes first, even
            where it is a draft still.

    Raises:
        DeniedError: It is not proven, retired or quarantined; with the reason.
        NotFoundError: The revision has no such slot, or the space no such version.
    """
    plain, _, digest = name.partition("@")
    if session and (own := _written_in(context, view, plain, digest, session)):
        return own
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
            hint=_instead(context, view, plain)
            + "`lignin artifact promote` puts a verified version into one",
        )
    slots = context.harness.resolve(view, revision or context.harness.stable(view, head)[0])
    if plain not in slots:
        require_row(view, f"artifact/{plain}")
        raise NotFoundError(
            f"{where} serves no {plain!r}",
            hint=_instead(context, view, plain) + "`lignin head show` lists its slots",
        )
    return _row_of(view, plain, slots[plain])


def _instead(context: Context, view: View, name: str) -> str:
    """How a version that no head serves is called all the same; "" where none may be."""
    rows = [row for row in context.artifacts.versions(view, name).rows if row.state in PROVEN]
    if not rows:
        return "no version of it is verified; "
    best = choose(rows, "look")
    return f"call {pin_of(best)}, which is {best.state}; "


def pin_of(row: Row) -> str:
    """NAME@DIGEST of a version, as a call takes it."""
    return f"{row.body['name']}@{str(row.body['digest'])[7:19]}"


def _written_in(context: Context, view: View, name: str, digest: str, session: str) -> Row | None:
    """The newest version of a name that the caller handed over in a session; None where there is none.

    Raises:
        DeniedError: It may not be run. An older one is not run in its place.
    """
    me = context.scope.actor.sub
    own = [
        row
        for row in view.page("version", parent=name, limit=1000).rows
        if row.body["digest"].removeprefix("sha256:").startswith(digest.removeprefix("sha256:"))
        and any(
            seen["how"] == HANDED_OVER and seen["author"] == me and seen["session"] == session
            for seen in row.body["provenance"]
        )
    ]
    newest = max(own, key=_captured_at, default=None)
    if newest is not None and newest.state not in WRITTEN:
        raise DeniedError(
            f"{name} as it was last written in session {session} is {newest.state}",
            hint=str(newest.body["reason"]),
        )
    return newest


def _row_of(view: View, slot: str, digest: str) -> Row:
    row = version_of(view, slot, digest)
    if row.state not in PROVEN:
        follower = row.body["forward_to"]
        raise DeniedError(
            f"{slot} is {row.state}: {row.body['reason']}",
            hint=f"call {follower} instead" if follower else "choose another",
        )
    return row
