"""Rows by name, and what somebody may have meant by a name that a space does not know."""

import difflib
from collections.abc import Iterable

from lignin.artifacts.source.draft import artifact_name
from lignin.artifacts.versions import is_visible
from lignin.domain.errors import NotFoundError
from lignin.domain.events import Actor
from lignin.domain.states import Row
from lignin.ports.ledger import View, require_known

MAX_NAMES = 1000
MAX_NEAR = 3


def require_row(view: View, stream: str) -> Row:
    """The row of a stream.

    Raises:
        NotFoundError: There is none; for an artifact, with the names it may be known by.
    """
    kind, _, key = stream.partition("/")
    if kind == "artifact" and view.row(stream) is None:
        raise NotFoundError(f"no artifact {key!r} in space {view.space!r}", hint=_meant(view, key))
    return require_known(view, stream)


def visible(view: View, actor: Actor, rows: Iterable[Row]) -> list[Row]:
    """Those of some versions that somebody may see.

    A draft is there for the people of the space, for whoever handed it over, and for the owner of the
    artifact and the successor.
    """
    found = list(rows)
    hidden = {f"artifact/{row.body['name']}" for row in found if not is_visible(row, actor)}
    others = {
        row.key
        for row in view.rows(sorted(hidden)).values()
        if actor.act or actor.sub not in {row.body["owner"], row.body["successor"]}
    }
    return [row for row in found if row.body["name"] not in others or is_visible(row, actor)]


def _meant(view: View, name: str) -> str:
    """A name is looked for as capture would have written it, then among those that look alike."""
    plain = artifact_name(name)
    if view.row(f"artifact/{plain}") is not None:
        near = [plain]
    else:
        page = view.page("artifact", prefix=plain[:1], limit=MAX_NAMES)
        near = difflib.get_close_matches(plain, [row.key for row in page.rows], n=MAX_NEAR)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}`lignin artifact list` shows every name"
