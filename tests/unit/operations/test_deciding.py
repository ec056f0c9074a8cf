"""Decisions of several writers at once: each is taken anew until its turn comes."""

from collections.abc import Callable

import pytest

from lignin.domain.errors import ConflictError
from lignin.domain.events import Change, NewEvent
from lignin.operations.context import MAX_DECISIONS
from lignin.ports.ledger import View
from unit.operations.conftest import Desk


def overtaken(desk: Desk, times: int) -> Callable[[View], tuple[int, list[Change]]]:
    """A decision whose view is one event too old, so many times."""
    looks: list[int] = []

    def decide(view: View) -> tuple[int, list[Change]]:
        row = view.row("artifact/double")
        assert row is not None
        looks.append(row.seq)
        event = NewEvent(
            stream=row.stream,
            type="artifact.reassigned",
            payload={"owner": "user:ann", "successor": None},
            event_id=desk.context.ids.new("evt"),
        )
        seen = row.seq - 1 if len(looks) <= times else row.seq
        change = desk.context.scope.change(events=(event,), expects={row.stream: seen})
        return len(looks), [change]

    return decide


def test_a_writer_that_many_overtake_gets_its_turn(desk: Desk) -> None:
    desk.double()
    assert desk.context.decide_and_commit(overtaken(desk, 30)) == 31
    with pytest.raises(ConflictError):
        desk.context.decide_and_commit(overtaken(desk, MAX_DECISIONS))
