"""Loops and their runs on the ledger. Owns `loop/`, `looplane/`, `looprun/`. Nothing here commits.

An occurrence is taken together with what becomes of it, in one change that holds the loop's lane: two
who look at once cannot both take it, and what they decide is decided on what the other left. A run is
bound to the file that the loop had when it was opened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import ConflictError
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.loops import Loop, Occurrence, run_id
from lignin.domain.states import Row
from lignin.loops.laws.lane import Entry, decide_entry
from lignin.loops.laws.parse import parse_loop
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, require_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was decided of some occurrences: those not known before, by the id of their run."""

    entries: Mapping[str, Entry]
    change: Change | None

    @property
    def started(self) -> tuple[str, ...]:
        """The runs that begin now and go on: one that is replaced at once is none."""
        begun = [run for run, e in self.entries.items() if e.decided in ("start", "replace")]
        return tuple(begun[-1:])


def load_loop(view: View, row: Row) -> Loop:
    """The loop as its file has it now."""
    return parse_loop(parse_json(view.blob(row.body["definition"])))


def loop_of_run(view: View, run: Row) -> Loop:
    """The loop as its file was when a run was opened."""
    return parse_loop(parse_json(view.blob(run.body["definition"])))


def lane_of(view: View, loop: str) -> Mapping[str, Json]:
    """The lane of a loop, empty before its first occurrence."""
    row = view.row(f"looplane/{loop}")
    empty: Mapping[str, Json] = {
        "running": None,
        "waiting": [],
        "recent": [],
        "seen": None,
        "kept": [],
    }
    return row.body if row else empty


class Loops:
    """Adds loops, takes occurrences, moves runs."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def add(
        self,
        view: View,
        scope: Scope,
        value: Mapping[str, Json],
        *,
        file: str = "",
        replace: bool = False,
        folder: str = "",
        works_in: str = "",
        host: str = "",
    ) -> Change | None:
        """The change that adds a loop, or replaces the file of one; None where it is there just so.

        Args:
            file: Its file, by its full path.
            replace: It takes the place of a loop of its name whose file is another one.
            folder: Where its file lies.
            works_in: Where its commands work, and the files lie that they name; "" as `folder`.
            host: What a worker must have for its runs; "" where any will do.

        Raises:
            InvalidRequestError: It is none.
            ConflictError: Another file's loop has that name.
        """
        loop = parse_loop(value)
        stream = f"loop/{loop.name}"
        content = canonical_bytes(value)
        digest = digest_bytes(content)
        payload = {
            "definition": digest,
            "trigger": loop.trigger.kind,
            "shape": loop.shape,
            "file": file,
            "folder": folder,
            "works_in": works_in,
            "host": host,
        }
        blob = Blob(stream=stream, digest=digest, content=content)
        row = view.row(stream)
        if row is not None and row.state != "removed" and payload.items() <= row.body.items():
            return None
        if row is not None and row.state != "removed" and not replace:
            _require_own(row, digest, file, folder)
        event = self._event(stream, "loop.added", payload)
        return scope.change(events=(event,), blobs=(blob,), expects={stream: row.seq if row else 0})

    def move(self, scope: Scope, row: Row, verb: str, why: str = "") -> Change:
        """The change that pauses, resumes or removes a loop; `verb` is the event's."""
        event = self._event(row.stream, f"loop.{verb}", {"why": why})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def take(
        self,
        view: View,
        scope: Scope,
        row: Row,
        occurrences: Sequence[Occurrence],
        *,
        seen: Json = None,
    ) -> Taken:
        """Decide what becomes of occurrences, in order; those known already are left out.

        Args:
            seen: How far the trigger's source was looked at; None leaves that as it was.
        """
        loop = load_loop(view, row)
        lane = f"looplane/{loop.name}"
        before = view.row(lane)
        body = lane_of(view, loop.name)
        running, waiting = body["running"], list(body["waiting"])
        events, blobs, entries = list[NewEvent](), list[Blob](), dict[str, Entry]()
        expects = {lane: before.seq if before else 0, row.stream: row.seq}
        fresh = set[str]()
        for occurrence in occurrences:
            run = run_id(loop.name, occurrence)
            if run in entries or view.row(f"looprun/{run}") is not None:
                continue
            entry = decide_entry(
                loop.trigger.overlap, running, waiting, is_active=row.state == "active"
            )
            entries[run] = entry
            opened, blob = self._opened(row, run, occurrence, entry)
            events += [opened, self._event(lane, "looplane.entered", _entered(run, entry))]
            blobs.append(blob)
            expects[f"looprun/{run}"] = 0
            if entry.decided == "replace":
                assert running is not None
                events.append(self._end(running, "replaced", "replaced", f"{run} came"))
                if running not in fresh:
                    expects[f"looprun/{running}"] = require_known(view, f"looprun/{running}").seq
            if entry.decided in ("start", "replace"):
                running = run
                fresh.add(run)
            elif entry.decided == "queue":
                waiting.append(run)
        if seen is not None and seen != body["seen"]:
            events.append(self._event(lane, "looplane.advanced", {"seen": seen}))
        if not events:
            return Taken(entries={}, change=None)
        change = scope.change(events=tuple(events), blobs=tuple(blobs), expects=expects)
        return Taken(entries=entries, change=change)

    def _opened(
        self, row: Row, run: str, occurrence: Occurrence, entry: Entry
    ) -> tuple[NewEvent, Blob]:
        """What came with it is foreign, and lies in a blob; the loop's file as it is now is kept too."""
        given = canonical_bytes(occurrence.given)
        payload = {
            "loop": row.key,
            "definition": row.body["definition"],
            "source": occurrence.source,
            "occurrence": digest_bytes(occurrence.name.encode())[:39]
            if len(occurrence.name) > 190
            else occurrence.name,
            "given": digest_bytes(given),
            "decided": entry.decided,
            "why": entry.why,
        }
        stream = f"looprun/{run}"
        blob = Blob(stream=stream, digest=payload["given"], content=given)
        return self._event(stream, "looprun.opened", payload), blob

    def iterated(
        self, scope: Scope, run: Row, told: Mapping[str, Json], figures: Mapping[str, Json]
    ) -> Change:
        """The change that files an iteration: what it came to whole in a blob, its figures beside it."""
        content = canonical_bytes(told)
        digest = digest_bytes(content)
        payload = {**figures, "told": digest}
        event = self._event(run.stream, "looprun.iterated", payload)
        blob = Blob(stream=run.stream, digest=digest, content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={run.stream: run.seq})

    def claim(self, scope: Scope, run: Row, holder: str, until: str) -> Change:
        """The change by which somebody says that he drives a run, until a time."""
        event = self._event(run.stream, "looprun.claimed", {"holder": holder, "until": until})
        return scope.change(events=(event,), expects={run.stream: run.seq})

    def waits(self, scope: Scope, run: Row, item: str, until: str) -> Change:
        """The change by which a run waits for an item of the inbox."""
        event = self._event(run.stream, "looprun.waits", {"item": item, "until": until})
        return scope.change(events=(event,), expects={run.stream: run.seq})

    def woken(self, scope: Scope, run: Row, heard: Json) -> Change:
        """The change by which a run that waits goes on, with what it heard."""
        event = self._event(run.stream, "looprun.woken", {"heard": heard})
        return scope.change(events=(event,), expects={run.stream: run.seq})

    def end(
        self,
        view: View,
        scope: Scope,
        run: Row,
        *,
        outcome: str,
        why: str,
        told: str,
        keep: bool = False,
    ) -> tuple[Change, str | None]:
        """The change that ends the run that goes on and lets the next one begin, and which that is.

        Args:
            outcome: archived (it found nothing), landed (the inbox has what it found) or failed.
            keep: Keep what it was given for the next run.

        Raises:
            ConflictError: It does not go on any more: it was replaced.
        """
        lane = require_known(view, f"looplane/{run.body['loop']}")
        if lane.body["running"] != run.key:
            raise ConflictError(
                f"the run {run.key!r} does not go on any more", hint="another one replaced it"
            )
        waiting = lane.body["waiting"]
        following = waiting[0] if waiting else None
        left = {"run": run.key, "next": following, "keep": keep}
        events = [
            self._end(run.key, outcome, why, told),
            self._event(lane.stream, "looplane.left", left),
        ]
        expects = {run.stream: run.seq, lane.stream: lane.seq}
        if following is not None:
            events.append(self._event(f"looprun/{following}", "looprun.started", {}))
            expects[f"looprun/{following}"] = require_known(view, f"looprun/{following}").seq
        if outcome in ("archived", "landed") and lane.body["kept"]:
            given = {"runs": list(lane.body["kept"])}
            events.append(self._event(lane.stream, "looplane.given_on", given))
        return scope.change(events=tuple(events), expects=expects), following

    def clear(self, view: View, scope: Scope, loop: str, why: str) -> Change | None:
        """The change that cancels the runs of a loop that go on or wait; None where there are none."""
        lane = view.row(f"looplane/{loop}")
        if lane is None or lane.body["running"] is None:
            return None
        runs = [lane.body["running"], *lane.body["waiting"]]
        rows = [require_known(view, f"looprun/{run}") for run in runs]
        events = [self._end(row.key, "cancelled", "cancelled", why) for row in rows]
        events.append(self._event(lane.stream, "looplane.cleared", {}))
        expects = {row.stream: row.seq for row in (lane, *rows)}
        return scope.change(events=tuple(events), expects=expects)

    def _end(self, run: str, outcome: str, why: str, told: str) -> NewEvent:
        payload = {"outcome": outcome, "why": why, "told": told[:500]}
        return self._event(f"looprun/{run}", "looprun.ended", payload)

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def _require_own(row: Row, digest: Digest, file: str, folder: str) -> None:
    """A loop is changed by its own file; the same content may lie elsewhere by now."""
    known = row.body.get("file", "")
    is_other = file != known if known else folder != row.body.get("folder", folder)
    if is_other and digest != row.body["definition"]:
        place = known or row.body["folder"]
        raise ConflictError(
            f"loop: a loop {row.key!r} is there, from {place}, and this is another file",
            hint=f"name one of them otherwise, `lignin loop remove {row.key}`, or --replace it",
        )


def _entered(run: str, entry: Entry) -> dict[str, Json]:
    return {"run": run, "decided": entry.decided}


def given_to(view: View, run: Row) -> Json:
    """What came with a run's occurrence."""
    return parse_json(view.blob(run.body["given"]))


def told_iterations(view: View, run: Row) -> list[Mapping[str, Json]]:
    """What a run's iterations came to, whole, in order."""
    return [parse_json(view.blob(_digest(each["told"]))) for each in run.body["iterations"]]


def _digest(value: Json) -> Digest:
    return str(value)
