"""What loops have earned, on the ledger. Owns `autonomy/`. Nothing here commits."""

from collections.abc import Mapping, Sequence

from lignin.domain.codec import Json
from lignin.domain.events import Change, NewEvent, Scope
from lignin.domain.loops import Loop
from lignin.domain.states import Row
from lignin.loops.laws.ladder import (
    Ceiling,
    Incident,
    Standing,
    decide_fall,
    decide_rise,
    new_incidents,
    stand,
)
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


def stream_of(loop: str, change: str) -> str:
    """The stream of a loop's standing with a class of change."""
    return f"autonomy/{loop}/{change}"


def standing_of(view: View, loop: Loop, change: str, ceiling: Ceiling) -> Standing:
    """Where a loop stands with a class of change."""
    return stand(loop.autonomy, change, _told(view.row(stream_of(loop.name, change))), ceiling)


def _told(row: Row | None) -> Mapping[str, Json] | None:
    return None if row is None else {**row.body, "state": row.state}


class Ladder:
    """Counts decisions and incidents, and raises and lowers."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def decided(
        self,
        view: View,
        scope: Scope,
        loop: Loop,
        change: str,
        ceiling: Ceiling,
        *,
        item: str,
        unchanged: bool,
    ) -> Change:
        """The change that counts a person's decision, and raises the loop where it was the last needed."""
        stream = stream_of(loop.name, change)
        row = view.row(stream)
        payload = {
            "loop": loop.name,
            "item": item,
            "unchanged": unchanged,
            "level": loop.autonomy.start,
        }
        events = [self._event(stream, "autonomy.decided", payload)]
        before = stand(loop.autonomy, change, _told(row), ceiling)
        after = Standing(
            earned=before.earned,
            level=before.level,
            in_a_row=before.in_a_row + 1 if unchanged else 0,
            why=(),
        )
        to = decide_rise(loop.autonomy, after, ceiling)
        if to is not None and change in loop.autonomy.classes:
            why = f"{after.in_a_row} decisions in a row that no human changed"
            events.append(self._event(stream, "autonomy.risen", {"to": to, "why": why}))
        return scope.change(events=tuple(events), expects={stream: row.seq if row else 0})

    def fallen(
        self, view: View, scope: Scope, loop: Loop, found: Sequence[Incident]
    ) -> Change | None:
        """The change that lowers a loop for incidents that were not counted yet; None without any."""
        events, expects, known = list[NewEvent](), dict[str, int](), dict[str, set[str]]()
        for incident in found:
            stream = stream_of(loop.name, incident.change)
            row = view.row(stream)
            if stream not in known:
                known[stream] = set(row.body.get("known", ())) if row else set()
            if not new_incidents([incident], known[stream]):
                continue
            known[stream].add(incident.id)
            earned = row.state if row else loop.autonomy.start
            payload = {
                "loop": loop.name,
                "to": decide_fall(loop.autonomy, earned),  # type: ignore[arg-type]
                "why": incident.told,
                "incident": incident.id,
            }
            events.append(self._event(stream, "autonomy.fallen", payload))
            expects[stream] = row.seq if row else 0
        return scope.change(events=tuple(events), expects=expects) if events else None

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))
