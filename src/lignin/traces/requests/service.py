"""What people said in runs, on the ledger. Owns streams `heard/<session>` and `miner/requests`.

Nothing here commits. A run is heard once; what was said is foreign text, so it lies in a blob. What
recurs is told from all that was heard, anew each time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json, canonical_bytes, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row
from lignin.traces.requests.candidates import Heard
from lignin.traces.requests.turns import Turn, parse_turn

MINER = "miner/requests"
FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened:
    """A run that was heard: of which task, who spoke to which model, and what was said."""

    task: str
    person: str
    model: str
    turns: Sequence[Turn]


class Requests:
    """What was said, on the ledger."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def position(self, view: View) -> int:
        """Up to which position of the log runs were heard; 0 where they are heard differently now."""
        row = view.row(MINER)
        return int(row.body["position"]) if row and row.body.get("form") == FORM else 0

    def keep(self, view: View, scope: Scope, runs: Mapping[str, Listened], position: int) -> Change:
        """The change that keeps what was said, by session."""
        events: list[NewEvent] = []
        blobs: list[Blob] = []
        for session, run in runs.items():
            content = canonical_bytes([turn.to_json() for turn in run.turns])
            digest, stream = digest_bytes(content), f"heard/{session}"
            payload: dict[str, Json] = {
                "task": run.task,
                "person": run.person,
                "model": run.model,
                "turns": len(run.turns),
                "digest": digest,
            }
            events.append(self._event(stream, "run.heard", payload))
            blobs.append(Blob(stream=stream, digest=digest, content=content))
        row = view.row(MINER)
        events.append(self._event(MINER, "miner.advanced", {"position": position, "form": FORM}))
        return scope.change(
            events=tuple(events), blobs=tuple(blobs), expects={MINER: row.seq if row else 0}
        )

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def everything_heard(view: View) -> Iterator[Heard]:
    """Yield all that was said in the runs that were heard."""
    for row in every_row(view, "heard"):
        if row.body["turns"]:
            for body in json.loads(view.blob(row.body["digest"])):
                yield Heard(
                    session=row.key,
                    task=row.body["task"],
                    person=row.body["person"],
                    model=row.body["model"],
                    turn=parse_turn(body),
                )
