"""Runs as they were read, and routines, on the ledger. Owns streams `encoded/`, `routine/` and
`miner/routines`.

Nothing here commits. One miner works at a time: every change moves `miner/routines` by
compare-and-swap. What a routine says is foreign text, so it lies in a blob.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from lignin.domain.codec import Digest, Json, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.routines import Routine, parse_routine
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.induce import Refused
from lignin.traces.routines.written import FORM, encoded_to_json, parse_encoded

MINER = "miner/routines"
PASSED: Mapping[str, bool] = {"success": True, "failure": False}
Read = tuple[Encoded, str | None]
"""A run, and what was declared of its outcome; None where nothing was."""


class Routines:
    """Encoded runs and routines on the ledger."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def position(self, view: View) -> int:
        """Up to which position of the log runs were read; 0 where they are read differently now."""
        row = view.row(MINER)
        return int(row.body["position"]) if row and row.body.get("form") == FORM else 0

    def keep(self, view: View, scope: Scope, runs: Mapping[str, Read], position: int) -> Change:
        """The change that keeps runs as they were read, by session, all of them in one blob."""
        content = _bytes([encoded_to_json(run) for run, _ in runs.values()])
        digest = digest_bytes(content)
        events: list[NewEvent] = []
        for place, (session, (run, outcome)) in enumerate(runs.items()):
            payload: dict[str, Json] = {
                "task": run.task,
                "outcome": outcome,
                "digest": digest,
                "place": place,
            }
            events.append(self._event(f"encoded/{session}", "run.encoded", payload))
        row = view.row(MINER)
        body = {**(row.body if row else {}), "position": position, "form": FORM}
        events.append(self._event(MINER, "miner.advanced", body))
        blobs = (Blob(stream=MINER, digest=digest, content=content),)
        return scope.change(events=tuple(events), blobs=blobs, expects=_at(view))

    def kept(self, view: View, judged: Mapping[str, bool | None]) -> Iterator[Encoded]:
        """Yield the runs that were read; those of which nothing was declared passed as judged."""
        lots: dict[Digest, list[Row]] = defaultdict(list)
        for row in every_row(view, "encoded"):
            if "place" in row.body:  # else it was kept in an older form, and is yet to be read anew
                lots[row.body["digest"]].append(row)
        for digest, rows in lots.items():
            lot = json.loads(view.blob(digest))
            for row in rows:
                outcome = row.body["outcome"]
                passed = PASSED.get(outcome) if outcome else judged.get(row.key)
                yield parse_encoded(lot[row.body["place"]], passed)

    def file(
        self, view: View, scope: Scope, found: Sequence[Routine], refused: Sequence[Refused]
    ) -> tuple[Change, ...]:
        """The change that files routines in their order, and withdraws those that no longer hold;
        none where all is as it was."""
        rows = {row.key: row for row in every_row(view, "routine")}
        events: list[NewEvent] = []
        blobs: list[Blob] = []
        for number, routine in enumerate(found):
            content = _bytes(routine.to_json())
            payload: dict[str, Json] = {"rank": number, "digest": digest_bytes(content)}
            stream = f"routine/{routine.routine_id}"
            if _is_new(rows.get(routine.routine_id), payload):
                events.append(self._event(stream, "routine.induced", payload))
                blobs.append(Blob(stream=stream, digest=payload["digest"], content=content))
        names = {routine.routine_id for routine in found}
        for name, row in sorted(rows.items()):
            if name not in names and row.state == "induced":
                reason = {"reason": "what it stood on no longer holds, or others serve better"}
                events.append(self._event(row.stream, "routine.withdrawn", reason))
        told = [[list(each.tools), each.reason, each.passing, each.failing] for each in refused]
        content = _bytes(told)
        digest = digest_bytes(content)
        miner = view.row(MINER)
        if not events and miner and miner.body.get("refused") == digest:
            return ()
        body = dict(miner.body) if miner else {"position": 0, "form": FORM}
        events.append(self._event(MINER, "miner.advanced", {**body, "refused": digest}))
        blobs.append(Blob(stream=MINER, digest=digest, content=content))
        return (scope.change(events=tuple(events), blobs=tuple(blobs), expects=_at(view)),)

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def standing(view: View) -> tuple[Routine, ...]:
    """The routines that stand, what saves most first."""
    rows = sorted(every_row(view, "routine", state="induced"), key=lambda row: row.body["rank"])
    return tuple(read(view, row) for row in rows)


def read(view: View, row: Row) -> Routine:
    """The routine of a row."""
    return parse_routine(json.loads(view.blob(row.body["digest"])))


def proven_form(view: View, row: Row) -> Routine:
    """The routine of a row in the form that was proven; as it was mined where that was not kept."""
    form = (row.body.get("proof") or {}).get("form")
    return parse_routine(json.loads(view.blob(form))) if form else read(view, row)


def refusals(view: View) -> tuple[Refused, ...]:
    """What was refused the last time."""
    row = view.row(MINER)
    if row is None or "refused" not in row.body:
        return ()
    return tuple(
        Refused(tools=tuple(tools), reason=reason, passing=passing, failing=failing)
        for tools, reason, passing, failing in json.loads(view.blob(row.body["refused"]))
    )


def _bytes(value: Json) -> bytes:
    """A value as bytes; runs may hold numbers that canonical JSON does not know."""
    return json.dumps(value, separators=(",", ":")).encode()


def _at(view: View) -> dict[str, int]:
    row = view.row(MINER)
    return {MINER: row.seq if row else 0}


def _is_new(row: Row | None, payload: Mapping[str, Json]) -> bool:
    return (
        row is None
        or row.state != "induced"
        or any(row.body.get(name) != value for name, value in payload.items())
    )
