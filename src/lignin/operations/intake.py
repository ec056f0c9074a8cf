"""Trace files into the store, and stored sessions back into trajectories.

Owns what of a file is new, the batches it is committed in, and the reading of a session from its
own records. A file that is one document is written anew as its run goes on: the new state is appended
to the session's records, and the session is read from where that state begins. A session whose
outcome was hidden on the way in is another session than the full one of the same file: its id says
so, and neither is ever taken for the other.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.events import Change
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.registry import Response
from lignin.ports.ledger import View
from lignin.traces.importer import import_trace
from lignin.traces.intake import TakenSession, TakenTrace, goes_on, mark_of, take_trace, what_is_new
from lignin.traces.read import find_traces, own_trace_roots, read_trace
from lignin.traces.redact import record_key

BATCH_BYTES = 8 * 2**20


class FileTaken(Response):
    path: str = Field(description="the file")
    sessions: int = Field(default=0, description="sessions in it")
    new_sessions: int = Field(default=0, description="sessions not known before")
    records: int = Field(default=0, description="records that were new")
    redacted: dict[str, int] = Field(default_factory=dict, description="secrets by detector")
    hidden: int = Field(default=0, description="values left out that tell how a run ended")
    problems: list[str] = Field(
        default_factory=list, description="lines that do not parse; the rest was read"
    )
    skipped: dict[str, int] = Field(default_factory=dict, description="unknown record types, kept")
    refused: str = Field(default="", description="why the whole file was not read")


@dataclass(frozen=True, slots=True)
class _Stored:
    """A session's changes, in the batches they are committed in; the last may join others."""

    batches: tuple[tuple[Change, ...], ...]
    is_new: bool
    records: int
    last_bytes: int = 0


def take_files(
    context: Context,
    paths: list[str],
    *,
    mine: bool,
    not_read: dict[Path, str],
    hide_outcome: bool = False,
) -> Iterator[tuple[FileTaken, tuple[TakenSession, ...]]]:
    """Take files in one by one; yields what became of each, with its sessions.

    Args:
        not_read: Gets the files that were passed over, each with the reason.
        hide_outcome: Leave out what tells how the runs ended, before anything is stored.
    """
    importers = context.load_importers()
    found: list[Path] = []
    for root in _roots(context, paths, mine):
        traces = find_traces(root, importers)
        found.extend(traces.paths)
        not_read.update(traces.skipped)
    for number, path in enumerate(dict.fromkeys(found)):
        context.progress(f"taking in {path.name}", number, len(found))
        try:
            name, data = read_trace(path)
            with _cycles_left_alone():
                taken = take_trace(
                    importers, name, data, context.redaction_key, hide_outcome=hide_outcome
                )
            stored = _store(context, path, taken)
        except (InvalidRequestError, NotFoundError, DeniedError, LimitedError) as error:
            yield FileTaken(path=str(path), refused=error.message), ()
            continue
        yield stored, taken.sessions


def load_trajectory(context: Context, view: View, session: str) -> Trajectory:
    """A stored session's trajectory, parsed anew from the records of its newest state.

    What stood elsewhere in the file (the task's id, the model) comes from the session's facts.

    Raises:
        NotFoundError: No such session, or its records do not parse as one any more.
    """
    row = view.row(f"session/{session}")
    if row is None or "source" not in row.body:
        raise NotFoundError(f"no imported session {session!r}", hint="`lignin trace list`")
    contents = view.contents(f"record/{session}", row.body.get("begins", 0) + 1)
    lines = (content for content in contents if content is not None)
    data = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    form, origin = row.body["client"], row.body["origin"]
    with _cycles_left_alone():
        traces = import_trace(context.load_importers(), row.body["source"], data, form=form)
    for trajectory, _ in traces.sessions:
        if trajectory.session == origin or len(traces.sessions) == 1:
            return replace(
                trajectory,
                session=origin,
                task_id=row.body.get("task_id"),
                trial=row.body.get("trial"),
                agent=row.body["agent"],
                model=row.body["model"],
                outcome=row.body.get("declared_outcome"),
                path=row.body.get("path", ""),
            )
    raise NotFoundError(
        f"the records of {session} hold no session {origin!r}",
        hint="`lignin trace import` its file again",
    )


@contextmanager
def _cycles_left_alone() -> Iterator[None]:
    """Parsing makes objects by the million that all stay: a search for garbage finds none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _roots(context: Context, paths: list[str], mine: bool) -> list[Path]:
    roots = [context.path(path) for path in paths]
    for root in roots:
        if not root.exists():
            raise NotFoundError(f"{root} does not exist", hint="name a file or folder")
    if mine:
        own = own_trace_roots(context.person_home, context.environment)
        if not own:
            raise NotFoundError(
                "no Claude Code or Codex sessions in your home folder",
                hint="name a folder, or run without --mine",
            )
        roots += own
    if not roots:
        raise InvalidRequestError("nothing to import", hint="name files or folders, or --mine")
    return roots


def _store(context: Context, path: Path, taken: TakenTrace) -> FileTaken:
    """Commit a file's sessions in batches of bounded size."""
    pending: list[Change] = []
    size, fresh, records = 0, 0, 0
    file = record_key(bytes(path.resolve()), context.redaction_key).hex()
    folder = path.resolve().parent.name
    for session in (_lying_in(folder, each) for each in taken.sessions):
        with context.view() as view:
            stored = _session_changes(context, view, session, file)
        fresh += stored.is_new
        records += stored.records
        *whole, last = stored.batches or ((),)
        for batch in whole:
            context.commit(*pending, *batch)
            pending, size = [], 0
        pending.extend(last)
        size += stored.last_bytes
        if size > BATCH_BYTES:
            context.commit(*pending)
            pending, size = [], 0
    if pending:
        context.commit(*pending)
    return FileTaken(
        path=str(path),
        sessions=len(taken.sessions),
        new_sessions=fresh,
        records=records,
        redacted=dict(taken.redacted),
        hidden=taken.hidden,
        problems=[f"line {problem.line}: {problem.what}" for problem in taken.problems],
        skipped=dict(taken.skipped),
    )


def _lying_in(folder: str, session: TakenSession) -> TakenSession:
    """The session with the folder that its file lies in: files of one name are told by it."""
    trajectory = session.trajectory
    return replace(
        session, trajectory=replace(trajectory, path=f"{folder}/{trajectory.source}".lstrip("/"))
    )


def _session_changes(context: Context, view: View, session: TakenSession, file: str) -> _Stored:
    """What a session adds to the store: all of it, what is new of it, or a variant of its own.

    Args:
        file: Keyed digest of the file's path.
    """
    name = session.session_id
    row = view.row(f"session/{name}")
    if row is None:
        return _batched(context, view, session, is_new=True, facts={"file": file})
    what, known = what_is_new(session, row.body["taken"], row.body["tail"])
    if what == "same":
        return _Stored((), False, 0)
    if what == "grown":
        return _batched(context, view, session, known=known, begins=row.body.get("begins", 0))
    if row.body.get("file") == file and _goes_on(context, view, row, session):
        facts = {**_facts(session.trajectory), "begins": context.sessions.length(view, name)}
        del facts["parent"]  # as it was born
        return _batched(context, view, session, begins=facts["begins"], facts=facts)
    # Another file of the same session id, or its past was changed.
    return _session_changes(context, view, _variant(session, row.body["source"], file), file)


def _goes_on(context: Context, view: View, row: Row, session: TakenSession) -> bool:
    """True where a file that was written anew tells the stored run again, and perhaps more of it."""
    if row.body["forked_from"]:
        return False
    try:
        stored = load_trajectory(context, view, row.key)
    except LigninError:
        return False
    now = session.trajectory
    same = (stored.task_id, stored.trial) == (now.task_id, now.trial)
    return same and goes_on(stored.steps, now.steps)


def _batched(
    context: Context,
    view: View,
    session: TakenSession,
    *,
    known: int = 0,
    begins: int = 0,
    is_new: bool = False,
    facts: Mapping[str, Json] = MappingProxyType({}),
) -> _Stored:
    """Append from record `known` on; each batch leaves the session as a file so far would.

    Args:
        begins: Records of older states, before the one that the file holds now.
        facts: What is to be noted of the file beside how far it was taken.
    """
    log, scope, name = context.sessions, context.scope, session.session_id
    batches: list[tuple[Change, ...]] = []
    start = known
    bounds = plan_batches([len(content) for content in session.contents], known)
    for end, _ in bounds:
        marks = {"taken": end, "tail": mark_of(session.keys[:end])}
        changes: list[Change] = []
        if is_new and not batches:
            changes.append(_started(context, view, session, {**facts, **marks}))
        if end > start:
            contents = session.contents[start:end]
            length = begins + start
            changes.append(log.append(scope, name, contents, expect_length=length, type=_TYPE))
        if not (is_new and not batches):
            changes.append(log.update(scope, name, {**facts, **marks}))
        batches.append(tuple(changes))
        start = end
    return _Stored(tuple(batches), is_new, len(session.keys) - known, bounds[-1][1])


def plan_batches(
    sizes: Sequence[int], known: int, limit: int = BATCH_BYTES
) -> tuple[tuple[int, int], ...]:
    """Where the batches of a session end, as (records so far, bytes of the batch); at least one.

    Args:
        sizes: Bytes of each record.
        known: Records that are stored already.
        limit: Bytes of a batch; a record over it has one of its own.
    """
    bounds, size = [], 0
    for number in range(known, len(sizes)):
        if size and size + sizes[number] > limit:
            bounds.append((number, size))
            size = 0
        size += sizes[number]
    return (*bounds, (len(sizes), size))


def _started(
    context: Context, view: View, session: TakenSession, marks: Mapping[str, Json]
) -> Change:
    _, started = context.sessions.start(
        view,
        context.scope,
        client=session.trajectory.format,
        model=session.trajectory.model,
        agent=session.trajectory.agent,
        session=session.session_id,
        facts={
            **_facts(session.trajectory),
            **({"outcome_hidden": True} if session.outcome_hidden else {}),
            **marks,
        },
    )
    return started


def _variant(session: TakenSession, stored_source: str, file: str) -> TakenSession:
    """The session under an id of its own, so that nothing stored before is lost or mixed."""
    founding = [session.session_id, session.trajectory.source]
    if session.trajectory.source == stored_source:
        founding += ["rewritten", file]
    return replace(session, session_id=derive_id("ses", founding))


_TYPE = "trace.record"


def _facts(trajectory: Trajectory) -> dict[str, Json]:
    return {
        "source": trajectory.source,
        "path": trajectory.path,
        "origin": trajectory.session,
        "task_id": trajectory.task_id,
        "trial": trajectory.trial,
        "cwd": trajectory.cwd,
        "declared_outcome": trajectory.outcome,
        "simulated": trajectory.simulated,
        "parent": trajectory.format,
    }
