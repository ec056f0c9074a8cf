"""Proposals for a head that wait to be decided or applied, and those that a move leaves nothing to do."""

from lignin.domain.harness import Revision, holds_patch, parse_patch
from lignin.domain.states import Row
from lignin.ports.ledger import View


def waiting(view: View, head: str) -> list[Row]:
    """The proposals for a head that may still be applied."""
    states = ("open", "undecided", "accepted")
    pages = (view.page("proposal", state=each, parent=head, limit=1000) for each in states)
    return [row for page in pages for row in page.rows]


def done_by(view: View, head: str, revision: Revision, *, besides: str) -> list[Row]:
    """The ways back that wait for a head and that lead to nothing else than a revision already holds.

    Args:
        besides: The stream of the proposal that leads to the revision.
    """
    return [
        row
        for row in waiting(view, head)
        if row.body["claim"] == "restore"
        and row.stream != besides
        and holds_patch(revision, parse_patch(row.body["patch"]), row.body["extends"])
    ]
