"""State as a function of events: pure reducers `(row, event) -> row`, one file per noun.

A row is what a control stream's events add up to; its `seq` is the stream's. Replaying the log
through the same reducers rebuilds every row exactly (decision record 1).
"""

from collections.abc import Mapping

from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Event
from lignin.domain.states import (
    artifacts,
    budgets,
    calls,
    cases,
    connectors,
    drafts,
    facts,
    fleets,
    gate,
    harness,
    improve,
    inbox,
    jobs,
    loops,
    modes,
    regressions,
    releases,
    requests,
    routines,
    rubrics,
    sessions,
    workflows,
)
from lignin.domain.states.row import Reducer, Row

REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    **artifacts.REDUCERS,
    **harness.REDUCERS,
    **sessions.REDUCERS,
    **facts.REDUCERS,
    **modes.REDUCERS,
    **cases.REDUCERS,
    **gate.REDUCERS,
    **regressions.REDUCERS,
    **releases.REDUCERS,
    **improve.REDUCERS,
    **drafts.REDUCERS,
    **fleets.REDUCERS,
    **routines.REDUCERS,
    **requests.REDUCERS,
    **rubrics.REDUCERS,
    **workflows.REDUCERS,
    **jobs.REDUCERS,
    **budgets.REDUCERS,
    **loops.REDUCERS,
    **inbox.REDUCERS,
    **connectors.REDUCERS,
    **calls.REDUCERS,
}


def kind_of(stream: str) -> str:
    """The kind of row a stream is: what stands before its first `/`."""
    return stream.partition("/")[0]


def require_known(stream: str, event_type: str) -> None:
    """Raise where a new event has no reducer; only reading tolerates what it does not know."""
    kind = kind_of(stream)
    if kind not in REDUCERS or "/" not in stream:
        raise InvalidRequestError(f"no kind of stream is named {stream!r}")
    if event_type not in REDUCERS[kind]:
        raise InvalidRequestError(f"stream {stream!r} has no event {event_type!r}")


def reduce_event(row: Row | None, event: Event) -> Row:
    """Return the row after an event.

    An event of a type or kind unknown here (written by a newer version) moves `seq` and changes
    nothing else.

    Raises:
        IllegalTransitionError: The row's state does not allow the event.
    """
    kind = kind_of(event.stream)
    reducer = REDUCERS.get(kind, {}).get(event.type)
    if reducer is None:
        before = row or Row(stream=event.stream, kind=kind, seq=0, body={})
        return before.moved(event.seq)
    return reducer(row, event, event.payload)


__all__ = ["REDUCERS", "Reducer", "Row", "kind_of", "reduce_event", "require_known"]
