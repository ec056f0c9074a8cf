"""Looking at what triggers loops, taking what is new, and waking runs whose answer is there.

Any number of processes may look: the ledger lets one of them take an occurrence. A fault of one loop is
told and stops no other.
"""

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from lignin.connectors.messages import load_message
from lignin.domain.codec import Json, canonical_bytes, digest_json, parse_json
from lignin.domain.errors import (
    CodecError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import Change, Event, format_time, parse_time
from lignin.domain.loops import Loop, Occurrence, run_id
from lignin.domain.messages import Message
from lignin.domain.names import is_name
from lignin.domain.states import Row
from lignin.loops.inbox import Inbox
from lignin.loops.laws.lane import MOST_WAITING
from lignin.loops.laws.looking import (
    MOST_FILES,
    Came,
    Looked,
    look_at_clock,
    look_at_files,
    look_at_log,
    look_at_messages,
    read_to,
)
from lignin.loops.service import Loops, Taken, lane_of, load_loop
from lignin.operations.context import Context
from lignin.ports.ledger import View, every_row, require_known
from lignin.traces.redact import redact

QUIET_S = 2.0
"""A file that was written so lately may still grow: it is new at the next look."""
PAGE = 1000
MAX_GIVEN_BYTES = 256 * 1024
MAX_TEXT_CHARS = 32_000
"""Of a message's text a run is given so much; `lignin message show` has the rest."""


@dataclass(slots=True, kw_only=True)
class Ticked:
    """What one look came to: runs that begin or go on, what was passed over, and faults by loop."""

    started: list[str] = field(default_factory=list)
    taken: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def tick(context: Context, now: datetime | None = None) -> Ticked:
    """Look at every loop of the space once.

    Args:
        now: The instant that counts; default: the store's clock.
    """
    at, ticked = now or context.ledger.now(), Ticked()
    ticked.started += wake(context, at)
    with context.view() as view:
        active = [row.key for row in every_row(view, "loop", state="active")]
    for name in active:
        try:
            taken = look_once(context, name, at)
        except (LigninError, OSError) as error:
            ticked.faults[name] = getattr(error, "message", str(error))
            continue
        if taken.entries:
            ticked.taken[name] = [entry.decided for entry in taken.entries.values()]
        ticked.started += taken.started
    return ticked


def take(
    context: Context, loop: str, occurrences: Sequence[Occurrence], *, skips: bool = True
) -> Taken:
    """Take occurrences that came by themselves: a webhook, a message, a person.

    Args:
        skips: Keep that one was passed over; else nothing is kept of it, and it may come again.

    Raises:
        NotFoundError: There is no such loop, or it was removed.
        UnavailableError: One would be passed over, and is not to be.
    """
    cleaned = tuple(_cleaned(context, occurrence) for occurrence in occurrences)
    return _take(context, loop, lambda _view, _row: Looked(occurrences=cleaned), skips=skips)


def hear_webhook(context: Context, loop: str, body: bytes, delivery: str) -> dict[str, Json]:
    """Take what came for a loop over HTTP, and say which run it is.

    Args:
        delivery: What the sender calls it; without a name each request is an occurrence of its own.

    Raises:
        NotFoundError: There is no such loop, or it listens to no webhook.
        UnavailableError: The loop is paused, or passes it over: the sender may send it again.
    """
    with context.view() as view:
        row = view.row(f"loop/{loop}") if is_name(loop) else None
        if row is None or row.state == "removed" or row.body["trigger"] != "webhook":
            raise NotFoundError(
                f"no loop {loop!r:.80} listens here", hint="its trigger.kind is to be 'webhook'"
            )
    try:
        given = parse_json(body) if body else None
    except CodecError:
        given = body.decode(errors="replace")
    name = delivery or context.ids.new("occ")
    occurrence = Occurrence(source="webhook", name=name, given=given)
    taken = take(context, loop, [occurrence], skips=False)
    run = run_id(loop, occurrence)
    return {"run": run, "decided": taken.entries[run].decided if run in taken.entries else "known"}


def _cleaned(context: Context, occurrence: Occurrence) -> Occurrence:
    """What came with it, without its secrets."""
    given = canonical_bytes(occurrence.given)
    if len(given) > MAX_GIVEN_BYTES:
        raise LimitedError(
            f"{len(given)} bytes came with the occurrence; at most {MAX_GIVEN_BYTES}",
            hint="send what names it, and let the loop pull the rest",
        )
    return replace(occurrence, given=parse_json(redact(given, context.redaction_key).content))


def look_once(context: Context, name: str, at: datetime | None = None) -> Taken:
    """Look once at what triggers a loop; where another process was quicker, look again at what it left."""
    now = at or context.ledger.now()

    def look(view: View, row: Row) -> Looked:
        loop = load_loop(view, row)
        seen = lane_of(view, name)["seen"]
        trigger = loop.trigger
        if trigger.kind == "cron":
            return look_at_clock(trigger, seen, parse_time(row.body["added_at"]), now)
        if trigger.kind == "files":
            folder = Path(row.body["folder"] or context.cwd)
            at_home = trigger.path == "~" or trigger.path.startswith("~/")
            path = context.person_home / trigger.path[2:] if at_home else folder / trigger.path
            # At the first look all that lies there is old, also what was written just now.
            before = now + timedelta(days=1) if seen is None else now - timedelta(seconds=QUIET_S)
            marks, passed_over = marks_of(path.absolute(), trigger.pattern, before)
            return look_at_files(trigger, seen, marks, passed_over)
        if trigger.kind == "traces":
            fresh, position = _fresh_sessions(view, read_to(trigger, seen))
            return look_at_log(trigger, seen, fresh, position)
        if trigger.source:
            return _look_at_messages(view, loop)
        return Looked()

    return _take(context, name, look)


def _take(
    context: Context, loop: str, look: Callable[[View, Row], Looked], *, skips: bool = True
) -> Taken:
    def decide(view: View) -> tuple[Taken, list[Change]]:
        row = require_known(view, f"loop/{loop}")
        if row.state == "removed":
            raise NotFoundError(
                f"the loop {loop!r} was removed", hint="`lignin loop add` adds it anew"
            )
        looked = look(view, row)
        taken = Loops(context.ids).take(
            view, context.scope, row, looked.occurrences, seen=looked.seen
        )
        passed = next((e.why for e in taken.entries.values() if e.decided == "skip"), "")
        if passed and not skips:
            hint = "nothing was kept of it: send it again later, under the same id"
            raise UnavailableError(f"{loop} does not take it now: {passed}", hint=hint)
        return taken, [taken.change] if taken.change else []

    return context.decide_and_commit(decide)


def marks_of(root: Path, pattern: str, before: datetime) -> tuple[dict[str, str], list[str]]:
    """The files of a folder, or the one file, that nobody wrote to since `before`, each with a mark of its
    size and time.

    Only plain files are handed over: a link may lead to anything that the user can read, and who reads
    a pipe waits for good. Such are named in what is returned second.

    Raises:
        LimitedError: There are more than `MOST_FILES`.
        NotFoundError: There is nothing at the path.
        InvalidRequestError: What is there is neither a file nor a folder.
    """
    if not root.exists():
        raise NotFoundError(f"there is nothing at {root}", hint="make the folder, or mend the path")
    if not (root.is_file() or root.is_dir()):
        hint = "trigger.path is a folder, or one plain file"
        raise InvalidRequestError(f"{root} is neither a file nor a folder", hint=hint)
    found, passed_over = dict[str, str](), list[str]()
    for path in [root.resolve()] if root.is_file() else _files(root):
        if not fnmatch.fnmatch(path.name, pattern):
            continue
        try:
            status = path.lstat()
        except OSError:
            continue  # gone meanwhile
        if why := _why_no_file(path, status.st_mode):
            passed_over.append(f"{ascii(str(path))[1:-1]}: {why}")
            continue
        if status.st_mtime > before.timestamp():
            continue
        if len(found) >= MOST_FILES:
            raise LimitedError(
                f"more than {MOST_FILES} files below {root}",
                hint="narrow trigger.pattern, or name a folder below",
            )
        found[str(path)] = digest_json([str(path), status.st_size, str(status.st_mtime_ns)])[7:23]
    return found, passed_over


def _why_no_file(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if not stat.S_ISREG(mode):
        return "a pipe, a socket or a device"
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "its name is no text"
    return ""


def _files(root: Path) -> "list[Path]":
    found = []
    for folder, _, names in os.walk(root):
        found += [Path(folder) / name for name in names]
        if len(found) > 20 * MOST_FILES:
            break
    return sorted(found)


def _fresh_sessions(view: View, since: int | None) -> tuple[list[str], int]:
    if since is None:
        return [], view.position
    begun = (e for e in _log_since(view, since) if e.type == "session.started")
    return [e.stream.partition("/")[2] for e in begun], view.position


def _log_since(view: View, after: int) -> Iterator[Event]:
    while True:
        events = view.log(after=after, limit=PAGE)
        yield from events
        if len(events) < PAGE:
            return
        after = events[-1].position


def _look_at_messages(view: View, loop: Loop) -> Looked:
    """The next messages of its source: as many as its lane has room for, and no more is read."""
    trigger, lane = loop.trigger, lane_of(view, loop.name)
    since = read_to(trigger, lane["seen"])
    room = MOST_WAITING - len(lane["waiting"]) if trigger.overlap == "queue" else MOST_WAITING
    came, is_whole = list[Came](), True
    for event in _log_since(view, since) if since is not None else ():
        told = event.payload
        is_ours = event.type == "message.taken" and told["source"] == trigger.source
        if not is_ours or (trigger.kinds and told["kind"] not in trigger.kinds):
            continue
        if len(came) >= room:
            is_whole = False
            break
        key = event.stream.partition("/")[2]
        given = told_message(load_message(view, require_known(view, event.stream)))
        came.append(Came(message=key, position=event.position, given=given))
    if not is_whole and not came:
        return Looked()  # no room: all of it stays where it is
    return look_at_messages(trigger, lane["seen"], came, view.position, is_whole=is_whole)


def told_message(message: Message) -> Json:
    """A message as a run is given it: bounded, and marked as somebody else's words."""
    return {
        **message.to_json(),
        "message": message.message_id,
        "text": message.text[:MAX_TEXT_CHARS],
        "cut": message.cut or len(message.text) > MAX_TEXT_CHARS,
    }


def wake(context: Context, now: datetime) -> list[str]:
    """Expire and reopen what is due in the inbox, and wake runs whose answer is there.

    Returns:
        The runs that go on.
    """
    due = format_time(now)
    with context.view() as view:
        late = [
            (row, "expired" if row.state == "open" else "open")
            for state in ("open", "snoozed")
            for row in view.page("inbox", state=state, due_before=due, limit=PAGE).rows
        ]
        waiting = list(every_row(view, "looprun", state="waiting"))
    for row, to in late:
        inbox, scope = Inbox(context.ids), context.scope
        made = (
            inbox.settle(scope, row, "expired")
            if to == "expired"
            else inbox.reopen(scope, row, "its time has come")
        )
        _try(context, made)
    return [row.key for row in waiting if _wake_run(context, row)]


def _wake_run(context: Context, run: Row) -> bool:
    def decide(view: View) -> tuple[bool, list[Change]]:
        now = require_known(view, run.stream)
        item = view.row(f"inbox/{now.body['waits_for']}") if now.body["waits_for"] else None
        if now.state != "waiting" or item is None or item.state in ("open", "snoozed"):
            return False, []
        heard = "accepted" if item.state == "applied" else str(item.state)
        return True, [Loops(context.ids).woken(context.scope, now, heard)]

    return context.decide_and_commit(decide)


def _try(context: Context, change: Change) -> None:
    try:
        context.commit(change)
    except LigninError:
        return  # another process did it


def claim(context: Context, run: str, holder: str, limit_s: float) -> bool:
    """Whether this process drives a run now; no other one does until the time is over."""
    now = context.ledger.now()
    until = format_time(now + timedelta(seconds=limit_s))

    def decide(view: View) -> tuple[bool, list[Change]]:
        row = require_known(view, f"looprun/{run}")
        held = row.body.get("claim")
        if row.state != "running":
            return False, []
        if held and held["until"] > format_time(now) and held["holder"] != holder:
            return False, []
        return True, [Loops(context.ids).claim(context.scope, row, holder, until)]

    return context.decide_and_commit(decide)


def running(context: Context) -> list[str]:
    """The runs that are to go on, the oldest first."""
    with context.view() as view:
        rows = list(every_row(view, "looprun", state="running"))
    return [row.key for row in sorted(rows, key=lambda row: str(row.body["opened_at"]))]
