"""Which workers live, as the engine knows it, and what they have, as the ledger says.

Who asks inside a view has opened the engine before it: on a fresh Postgres database that makes its tables, which
waits for every older transaction, the view's own among them.
"""

from collections.abc import Iterator

from lignin.domain.states import Row
from lignin.jobs.laws.fitting import Able
from lignin.operations.context import Context
from lignin.ports.ledger import View


def alive(context: Context, view: View) -> list[Able]:
    """The workers that live and serve the view's space, with what they have."""
    return [able_of(row) for row in living(context, view)]


def living(context: Context, view: View) -> Iterator[Row]:
    """The rows of workers that live."""
    rows = view.rows([f"worker/{name}" for name in context.open_engine().workers()])
    return (row for _, row in sorted(rows.items()) if row.state == "started")


def able_of(row: Row) -> Able:
    """What a worker takes, from its row."""
    return Able(name=row.key, has=frozenset(row.body["has"]), queues=frozenset(row.body["queues"]))
