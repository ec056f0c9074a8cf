"""Recorded agent runs: take them in, list them, find the code in them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.events import Change
from lignin.domain.ids import derive_id
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.harvest import Harvest, capture_code, verify_due
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View
from lignin.traces.code import find_code
from lignin.traces.importer import import_trace
from lignin.traces.intake import TakenSession, TakenTrace, take_trace, what_is_new
from lignin.traces.read import find_traces, own_trace_roots, read_trace

BATCH_BYTES = 8 * 2**20


class TraceImport(Request):
    paths: list[str] = positional("files or folders of transcripts", default=[])
    mine: bool = Field(False, description="my own Claude Code and Codex sessions")
    name_passed_over: int = Field(
        20, ge=0, le=100_000, description="name at most so many files that were passed over"
    )


class PassedOver(Response):
    path: str = Field(description="the file")
    reason: str = Field(description="why it was not read")


class FileTaken(Response):
    path: str = Field(description="the file")
    sessions: int = Field(default=0, description="sessions in it")
    new_sessions: int = Field(default=0, description="sessions not known before")
    records: int = Field(default=0, description="records that were new")
    redacted: dict[str, int] = Field(default_factory=dict, description="secrets by detector")
    problems: list[str] = Field(
        default_factory=list, description="lines that do not parse; the rest was read"
    )
    skipped: dict[str, int] = Field(default_factory=dict, description="unknown record types, kept")
    refused: str = Field(default="", description="why the whole file was not read")


class Imported(Response):
    files: list[FileTaken] = Field(description="one entry per file")
    sessions: int = Field(description="sessions in them")
    new_sessions: int = Field(description="sessions not known before")
    records: int = Field(description="records that were new")
    redacted: dict[str, int] = Field(description="secrets redacted, by detector")
    not_read: dict[str, int] = Field(description="files passed over, by reason")
    passed_over: list[PassedOver] = Field(description="the first of them by path")
    passed_over_total: int = Field(description="how many there are in all")
    narrow: str | None = Field(default=None, description="how to see them all")


class TraceList(Request):
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this session")
    client: str | None = Field(None, description="only of this client")


class TraceSession(Response):
    session: str = Field(description="the session's id")
    client: str = Field(description="format of the transcript")
    model: str = Field(description="the model")
    source: str = Field(description="the file it came from")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")
    records: int = Field(description="how many it holds")
    outcome: str | None = Field(description="how the run ended, where it is known")
    simulated: bool = Field(description="made up by the practice desk")


class TraceListed(Listed):
    items: list[TraceSession] = Field(description="this page of the list")


class TraceCode(Request):
    session: str = positional("a session's id, as `trace list` shows it")


class FoundSnippet(Response):
    path: str = Field(description="the file it was written to")
    language: str = Field(description="its language")
    how: str = Field(description="written, edited, heredoc or inline")
    step: int = Field(description="the step of the session")
    lines: int = Field(description="how many")
    runs: int = Field(description="how often it was seen to run")
    flaw: str = Field(description="what is odd about how it was found")
    text: str = Field(description="the code")


class CodeFound(Response):
    session: str = Field(description="the session's id")
    items: list[FoundSnippet] = Field(description="this page of the list")


@dataclass(frozen=True, slots=True)
class _Stored:
    changes: tuple[Change, ...]
    is_new: bool
    records: int


class TraceHarvest(Request):
    sessions: list[str] = positional("sessions' ids; default: all that were taken in", default=[])
    verify: bool = Field(True, description="verify what is due: seen twice, or with examples")


class NotCaptured(Response):
    name: str = Field(description="what it would have been called")
    reason: str = Field(description="why it was not captured")
    session: str = Field(description="the session's id")
    step: int = Field(description="the step of the session")


class Verified(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    verdict: str = Field(description="pass, fail or inconclusive")
    reason: str = Field(description="the first reason, where it did not pass")


class Harvested(Response):
    sessions: int = Field(description="sessions looked through")
    pieces: int = Field(description="pieces of code found in them")
    captured: dict[str, int] = Field(description="new, seen again, same code ...")
    refused: list[NotCaptured] = Field(description="what was not captured, each with its reason")
    verified: list[Verified] = Field(description="what was verified")


@operation("trace.import", effect="write", idempotent=True)
def import_(context: Context, request: TraceImport) -> Imported:
    """Take recorded agent runs in: redact secrets, keep the origin's bytes in order.

    Reads Claude Code, Codex, SWE-agent and tau-bench files. Importing again adds nothing; a file
    that has grown adds what is new; a file that cannot be read is reported and the rest goes on.
    """
    files: list[FileTaken] = []
    not_read: dict[Path, str] = {}
    for taken in take_files(context, request.paths, mine=request.mine, not_read=not_read):
        files.append(taken[0])
    named = sorted(not_read.items())[: request.name_passed_over]
    redacted: Counter[str] = Counter()
    for file in files:
        redacted.update(file.redacted)
    return Imported(
        files=files,
        sessions=sum(file.sessions for file in files),
        new_sessions=sum(file.new_sessions for file in files),
        records=sum(file.records for file in files),
        redacted=dict(redacted),
        not_read=dict(Counter(not_read.values())),
        passed_over=[PassedOver(path=str(path), reason=reason) for path, reason in named],
        passed_over_total=len(not_read),
        narrow=f"--name-passed-over {len(not_read)} names them all"
        if len(named) < len(not_read)
        else None,
    )


@operation("trace.list", effect="read", idempotent=True)
def list_(context: Context, request: TraceList) -> TraceListed:
    """List the sessions that were taken in."""
    items = []
    with context.view() as view:
        page = view.page("session", parent=request.client, after=request.after, limit=request.limit)
        for row in page.rows:
            body = row.body
            items.append(
                TraceSession(
                    session=row.key,
                    client=body["client"],
                    model=body["model"],
                    source=body.get("source", ""),
                    task_id=body.get("task_id"),
                    trial=body.get("trial"),
                    records=context.sessions.length(view, row.key),
                    outcome=body["outcome"] or body.get("declared_outcome"),
                    simulated=bool(body.get("simulated")),
                )
            )
    return TraceListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--client, --after" if page.next_after else None,
    )


@operation("trace.code", effect="read", idempotent=True)
def code(context: Context, request: TraceCode) -> CodeFound:
    """Show the code that an agent wrote in one session, with how often it was seen to run."""
    with context.view() as view:
        trajectory = load_trajectory(context, view, request.session)
    items = [
        FoundSnippet(
            path=snippet.path,
            language=snippet.language,
            how=snippet.how,
            step=snippet.index,
            lines=len(snippet.text.splitlines()),
            runs=len(snippet.runs),
            flaw=snippet.flaw,
            text=snippet.text,
        )
        for snippet in find_code(trajectory)
    ]
    return CodeFound(session=request.session, items=items)


@operation("trace.harvest", effect="execute", idempotent=True)
def harvest(context: Context, request: TraceHarvest) -> Harvested:
    """Capture the code that agents wrote in sessions taken in, and verify what is due.

    Every piece keeps where it was seen. What passes waits for `lignin artifact promote`. Doing it
    again on the same sessions captures nothing twice.
    """
    names = request.sessions or _every_session(context)
    gathered = Harvest()
    for number, name in enumerate(names):
        context.progress(f"looking through {name}", number, len(names))
        capture_code(context, [_stored_session(context, name)], gathered)
    due = list(verify_due(context, ready=True)) if request.verify else []
    return Harvested(
        sessions=gathered.sessions,
        pieces=gathered.snippets,
        captured=dict(Counter(captured.how for captured in gathered.captured)),
        refused=[
            NotCaptured(
                name=refusal.name,
                reason=refusal.reason,
                session=refusal.provenance.session,
                step=refusal.provenance.event,
            )
            for refusal in gathered.refused
        ],
        verified=[
            Verified(
                name=row.body["name"],
                digest=row.body["digest"],
                verdict=proven.verdict,
                reason=proven.reasons[0] if proven.reasons else "",
            )
            for row, proven in due
        ],
    )


def _every_session(context: Context) -> list[str]:
    with context.view() as view:
        names: list[str] = []
        after: str | None = None
        while True:
            page = view.page("session", after=after, limit=1000)
            names += [row.key for row in page.rows if "source" in row.body]
            after = page.next_after
            if after is None:
                return names


def _stored_session(context: Context, name: str) -> TakenSession:
    with context.view() as view:
        trajectory = load_trajectory(context, view, name)
    return TakenSession(session_id=name, trajectory=trajectory, contents=(), keys=())


def take_files(
    context: Context, paths: list[str], *, mine: bool, not_read: dict[Path, str]
) -> Iterator[tuple[FileTaken, tuple[TakenSession, ...]]]:
    """Take files in one by one; yields what became of each, with its sessions.

    Args:
        not_read: Gets the files that were passed over, each with the reason.
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
            taken = take_trace(importers, name, data, context.redaction_key)
            stored = _store(context, path, taken)
        except (InvalidRequestError, NotFoundError, DeniedError, LimitedError) as error:
            yield FileTaken(path=str(path), refused=error.message), ()
            continue
        yield stored, taken.sessions


def load_trajectory(context: Context, view: View, session: str) -> Trajectory:
    """A stored session's trajectory, parsed anew from its records.

    Raises:
        NotFoundError: No such session, or its records do not parse as one any more.
    """
    row = view.row(f"session/{session}")
    if row is None or "source" not in row.body:
        raise NotFoundError(f"no imported session {session!r}", hint="`lignin trace list`")
    contents = view.contents(f"record/{session}")
    lines = (content for content in contents if content is not None)
    data = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    traces = import_trace(context.load_importers(), row.body["source"], data)
    origin = row.body["origin"]
    for trajectory, _ in traces.sessions:
        if trajectory.session == origin or len(traces.sessions) == 1:
            return trajectory
    raise NotFoundError(
        f"the records of {session} hold no session {origin!r}",
        hint="`lignin trace import` its file again",
    )


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
    for session in taken.sessions:
        with context.view() as view:
            stored = _session_changes(context, view, session)
        pending.extend(stored.changes)
        fresh += stored.is_new
        records += stored.records
        size += sum(map(len, session.contents)) if stored.records else 0
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
        problems=[f"line {problem.line}: {problem.what}" for problem in taken.problems],
        skipped=dict(taken.skipped),
    )


def _session_changes(context: Context, view: View, session: TakenSession) -> _Stored:
    log, scope, name = context.sessions, context.scope, session.session_id
    marks = {"taken": len(session.keys), "tail": session.keys[-1] if session.keys else ""}
    row = view.row(f"session/{name}")
    if row is None:
        _, started = log.start(
            view,
            scope,
            client=session.trajectory.format,
            model=session.trajectory.model,
            agent=session.trajectory.agent,
            session=name,
            facts={**_facts(session.trajectory), **marks},
        )
        changes = [started]
        if session.contents:
            changes.append(log.append(scope, name, session.contents, expect_length=0, type=_TYPE))
        return _Stored(tuple(changes), True, len(session.contents))
    what, known = what_is_new(session, row.body["taken"], row.body["tail"])
    if what == "same":
        return _Stored((), False, 0)
    if what == "rewritten":  # another file of the same session id, or its past was changed
        return _session_changes(context, view, _variant(session, row.body["source"]))
    rest = session.contents[known:]
    appended = log.append(scope, name, rest, expect_length=known, type=_TYPE)
    return _Stored((appended, log.update(scope, name, marks)), False, len(rest))


def _variant(session: TakenSession, stored_source: str) -> TakenSession:
    """The session under an id of its own, so that nothing stored before is lost or mixed."""
    founding = [session.session_id, session.trajectory.source]
    if session.trajectory.source == stored_source:
        founding += ["rewritten", session.keys[-1]]
    return replace(session, session_id=derive_id("ses", founding))


_TYPE = "trace.record"


def _facts(trajectory: Trajectory) -> dict[str, object]:
    return {
        "source": trajectory.source,
        "origin": trajectory.session,
        "task_id": trajectory.task_id,
        "trial": trajectory.trial,
        "cwd": trajectory.cwd,
        "declared_outcome": trajectory.outcome,
        "simulated": trajectory.simulated,
        "parent": trajectory.format,
    }
