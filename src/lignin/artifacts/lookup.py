"""Rows by name, and what somebody may have meant by a name that a space does not know."""

import difflib

from lignin.artifacts.source.draft import artifact_name
from lignin.domain.errors import NotFoundError
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
