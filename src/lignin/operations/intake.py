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
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
    UnavailableError,
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
from lignin.traces.read import EMPTY, find_traces, own_trace_roots, read_trace
from lignin.traces.redact import record_key

BATCH_BYTES = 8 * 2**20
"""So often in a row may another import of the same sessions be quicker: each time it brings some of them."""


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
    left_out: list[str] = Field(
        default_factory=list,
        description="records over the size bound; a note stands in their place",
    )
    skipped: dict[str, int] = Field(default_factory=dict, description="unknown record types, kept")
    refused: str = Field(default="", description="why the whole file was not read")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What one commit adds of a session; `is_last`: with it the session is stored whole."""

    changes: tuple[Change, ...] = ()
    is_new: bool = False
    records: int = 0
    size_bytes: int = 0
    is_last: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What one commit adds of a file; `done` of its sessions are stored whole with it."""

    done: int
    new_sessions: int
    records: int


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
    roots, refused = _roots(context, paths, mine)
    for root in roots:
        traces = find_traces(root, importers)
        found.extend(traces.paths)
        reason = traces.skipped.get(root, EMPTY)
        if reason == EMPTY:
            not_read.update(traces.skipped)
        else:  # named by the caller, so not passed over in silence
            refused[str(root)] = reason
    for named, reason in refused.items():
        yield FileTaken(path=named, refused=reason), ()
    for number, path in enumerate(dict.fromkeys(found)):
        context.progress(f"taking in {path.name}", number, len(found))
        try:
            taken = _parsed(context, path, hide_outcome=hide_outcome)
            stored = _store(context, path, taken)
        except (
            ConflictError, InvalidRequestError, NotFoundError, DeniedError, LimitedError
        ) as error:  # fmt: skip
            yield FileTaken(path=str(path), refused=error.message), ()
            continue
        yield stored, taken.sessions


def _parsed(context: Context, path: Path, *, hide_outcome: bool) -> TakenTrace:
    try:
        name, data = read_trace(path)
    except UnavailableError as error:  # the disk of this file, not the store's
        raise InvalidRequestError(error.message, hint=error.hint) from error
    with cycles_left_alone():
        return take_trace(
            context.load_importers(), name, data, context.redaction_key, hide_outcome=hide_outcome
        )


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
    with cycles_left_alone():
        traces = import_trace(context.load_importers(), row.body["source"], data, form=form)
    for trajectory, _ in traces.sessions:
        if trajectory.session == origin or len(traces.sessions) == 1:
            return replace(
                trajectory,
                session=origin,
                task_id=row.body.get("task_id"),
                trial=row.body.get("trial"),
                agent=row.body["agent"] or trajectory.agent,
                model=row.body["model"] or trajectory.model,
                outcome=row.body.get("declared_outcome") or row.body["outcome"],
                path=row.body.get("path", ""),
            )
    raise NotFoundError(
        f"the records of {session} hold no session {origin!r}",
        hint="`lignin trace import` its file again",
    )


@contextmanager
def cycles_left_alone() -> Iterator[None]:
    """Reading makes objects by the million that all stay: a search for garbage finds none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _roots(context: Context, paths: list[str], mine: bool) -> tuple[list[Path], dict[str, str]]:
    """The files and folders to look in, and the named paths that there are none at, with the reason."""
    roots: list[Path] = []
    refused: dict[str, str] = {}
    for named in paths:
        try:
            root = context.path(named)
            if not root.exists():
                raise NotFoundError(f"{root} does not exist", hint="name a file or folder")
        except (InvalidRequestError, NotFoundError) as error:
            if len(paths) == 1 and not mine:
                raise
            refused[named] = error.message
        else:
            roots.append(root)
    if mine:
        own = own_trace_roots(context.person_home, context.environment)
        if not own:
            raise NotFoundError(
                "no Claude Code or Codex sessions in your home folder",
                hint="name a folder, or run without --mine",
            )
        roots += own
    if refused and not roots:
        raise NotFoundError("; ".join(refused.values()), hint="name files or folders")
    if not roots:
        raise InvalidRequestError("nothing to import", hint="name files or folders, or --mine")
    return roots, refused


def _store(context: Context, path: Path, taken: TakenTrace) -> FileTaken:
    """Commit a file's sessions step by step, each decided on what the store holds by then."""
    done, fresh, records = 0, 0, 0
    file = record_key(bytes(path.resolve()), context.redaction_key).hex()
    folder = path.resolve().parent.name
    sessions = [_lying_in(folder, each) for each in taken.sessions]
    while done < len(sessions):

        def decide(view: View, done: int = done) -> tuple[_Step, Sequence[Change]]:
            return _next_step(context, view, sessions, done, file)

        step = context.decide_and_commit(decide)
        done = step.done
        fresh += step.new_sessions
        records += step.records
    return FileTaken(
        path=str(path),
        sessions=len(taken.sessions),
        new_sessions=fresh,
        records=records,
        redacted=dict(taken.redacted),
        hidden=taken.hidden,
        problems=[f"line {problem.line}: {problem.what}" for problem in taken.problems],
        left_out=[f"line {problem.line}: {problem.what}" for problem in taken.left_out],
        skipped=dict(taken.skipped),
    )


def _next_step(
    context: Context, view: View, sessions: Sequence[TakenSession], done: int, file: str
) -> tuple[_Step, Sequence[Change]]:
    """What to commit next of a file of which `done` sessions are stored whole: a bounded part."""
    changes: list[Change] = []
    size, fresh, records = 0, 0, 0
    while done < len(sessions) and size <= BATCH_BYTES:
        batch = _session_changes(context, view, sessions[done], file)
        changes += batch.changes
        size += batch.size_bytes
        fresh += batch.is_new
        records += batch.records
        if not batch.is_last:
            break
        done += 1
    return _Step(done=done, new_sessions=fresh, records=records), changes


def _lying_in(folder: str, session: TakenSession) -> TakenSession:
    """The session with the folder that its file lies in: files of one name are told by it."""
    trajectory = session.trajectory
    return replace(
        session, trajectory=replace(trajectory, path=f"{folder}/{trajectory.source}".lstrip("/"))
    )


def _session_changes(context: Context, view: View, session: TakenSession, file: str) -> _Batch:
    """The next batch of what a session adds: all of it, what is new of it, or a variant of its own.

    Args:
        file: Keyed digest of the file's path.
    """
    name = session.session_id
    row = view.row(f"session/{name}")
    if row is None:
        return _batched(context, view, session, is_new=True, facts={"file": file})
    what, known = what_is_new(session, row.body["taken"], row.body["tail"])
    if what == "same":
        return _Batch()
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
) -> _Batch:
    """Append from record `known` on; a batch leaves the session as a file so far would.

    Args:
        begins: Records of older states, before the one that the file holds now.
        facts: What is to be noted of the file beside how far it was taken.
    """
    log, scope, name = context.sessions, context.scope, session.session_id
    end, size = end_of_batch(session.contents, known)
    marks = {"taken": end, "tail": mark_of(session.keys[:end])}
    changes: list[Change] = []
    if is_new:
        changes.append(_started(context, view, session, {**facts, **marks}))
    if end > known:
        contents = session.contents[known:end]
        changes.append(log.append(scope, name, contents, expect_length=begins + known, type=_TYPE))
    if not is_new:
        changes.append(log.update(scope, name, {**facts, **marks}))
    return _Batch(
        changes=tuple(changes),
        is_new=is_new,
        records=end - known,
        size_bytes=size,
        is_last=end == len(session.contents),
    )


def end_of_batch(
    contents: Sequence[bytes], known: int, limit: int = BATCH_BYTES
) -> tuple[int, int]:
    """Where the next batch of a session ends, and its bytes.

    Args:
        contents: The session's records.
        known: Records that are stored already.
        limit: Bytes of a batch; a record over it has one of its own.
    """
    size = 0
    for number in range(known, len(contents)):
        if size and size + len(contents[number]) > limit:
            return number, size
        size += len(contents[number])
    return len(contents), size


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
