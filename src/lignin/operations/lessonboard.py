"""The board of approved lessons that hooks read, kept as the ledger says."""

from lignin.domain.codec import Json
from lignin.domain.errors import NotFoundError
from lignin.operations.context import Context
from lignin.operations.surfacing import Board
from lignin.ports.ledger import every_row

MAX_APPROVED = 1000


def board_of(context: Context) -> Board:
    """The board of the caller's space."""
    return Board(context.home, context.environment.get("LIGNIN_STORE", ""), context.scope.space)


def renew_board(context: Context) -> None:
    """Put up the lessons that are approved now; nothing in a dry run."""
    if context.dry_run:
        return
    lessons: list[dict[str, Json]] = []
    with context.view() as view:
        for row in every_row(view, "lesson", state="approved"):
            if len(lessons) == MAX_APPROVED:
                break
            try:
                text = view.blob(row.body["blob"]).decode()
            except NotFoundError:
                continue  # purged
            before, when = list(row.body["before"]), row.body["when"]
            lessons.append({"lesson": row.key, "text": text, "when": when, "before": before})
    board_of(context).write(lessons)
