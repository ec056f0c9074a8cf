"""Recorded agent runs: take them in, list them, find the code in them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.detection import told_label
from lignin.operations.harvest import Harvest, capture_code, verify_due
from lignin.operations.intake import FileTaken, load_trajectory, take_files
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.trace_view import TraceShown, shown
from lignin.ports.ledger import require_known
from lignin.traces.code import find_code
from lignin.traces.intake import TakenSession

_FIRST_PLACES = 5


class TraceImport(Request):
    paths: list[str] = positional("files or folders of transcripts", default=[])
    mine: bool = Field(False, description="my own Claude Code and Codex sessions")
    hide_outcome: bool = Field(
        False, description="leave out rewards, scores and gold answers, for blind measurement"
    )
    name_passed_over: int = Field(
        20, ge=0, le=100_000, description="name at most so many files that were passed over"
    )


class PassedOver(Response):
    path: str = Field(description="the file")
    reason: str = Field(description="why it was not read")


class Imported(Response):
    files: list[FileTaken] = Field(description="one entry per file")
    sessions: int = Field(description="sessions in them")
    new_sessions: int = Field(description="sessions not known before")
    records: int = Field(description="records that were new")
    redacted: dict[str, int] = Field(description="secrets redacted, by detector")
    hidden: int = Field(default=0, description="values left out that tell how a run ended")
    not_read: dict[str, int] = Field(description="files passed over, by reason")
    passed_over: list[PassedOver] = Field(description="the first of them by path")
    passed_over_total: int = Field(description="how many there are in all")
    narrow: str | None = Field(default=None, description="how to see them all")

    def exit_code(self) -> int:
        """8 where a file or a record was refused; the rest is taken in all the same."""
        return 8 if any(file.refused or file.left_out for file in self.files) else 0

    def to_text(self) -> str:
        lines = [
            f"{_count(self.new_sessions, 'new session')} of {self.sessions}, "
            f"{_count(self.records, 'new record')}"
        ]
        if self.redacted:
            found = ", ".join(f"{count} {name}" for name, count in sorted(self.redacted.items()))
            lines.append(f"redacted: {found}")
        for file in self.files:
            lines += _told(file)
        lines += [f"{passed.path}: passed over: {passed.reason}" for passed in self.passed_over]
        return "\n".join([*lines, *([self.narrow] if self.narrow else [])])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _told(file: FileTaken) -> list[str]:
    """A file in lines: what came of it and, whole, each thing that is wrong with it."""
    if file.refused:
        return [f"{file.path}: refused: {file.refused}"]
    took = f"{_count(file.sessions, 'session')}, {file.new_sessions} new, {file.records} records"
    lines = [f"{file.path}: {took}"]
    lines += [f"  left out: {problem}" for problem in alike(file.left_out)]
    for problem in alike(file.problems):
        # A record of which one field was passed over was read all the same.
        lines.append(f"  {'' if 'passed over' in problem else 'not parsed, kept: '}{problem}")
    unknown = ", ".join(f"{count} {name}" for name, count in sorted(file.skipped.items()))
    return [*lines, *([f"  of no known type, kept: {unknown}"] if unknown else [])]


def alike(problems: Sequence[str]) -> list[str]:
    """What is wrong with some lines, `line N: WHAT` each: once for all of which it is the same."""
    places: dict[str, list[str]] = {}
    for problem in problems:
        place, _, what = problem.partition(": ")
        places.setdefault(what, []).append(place)
    told = []
    for what, found in places.items():
        if len(found) == 1:
            told.append(f"{found[0]}: {what}")
            continue
        first = ", ".join(place.removeprefix("line ") for place in found[:_FIRST_PLACES])
        more = f" and {left} more" if (left := len(found) - _FIRST_PLACES) > 0 else ""
        told.append(f"{len(found)} records (lines {first}{more}): {what}")
    return told


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
    outcome: str | None = Field(description="how the run ended, as it was declared")
    label: str | None = Field(default=None, description="what feedback says it turned out to be")
    labelled_at: str | None = Field(default=None, description="when that came to be known")
    label_reason: str | None = Field(default=None, description="how it is known")
    outcome_hidden: bool = Field(default=False, description="taken in with the outcome hidden")
    simulated: bool = Field(description="made up by the practice desk")
    path: str = Field(description="the source with the folder it lay in")


class TraceListed(Listed):
    items: list[TraceSession] = Field(description="this page of the list")


class TraceShow(Request):
    session: str = positional("a session's id, as `trace list` shows it")
    after: int = Field(0, ge=0, description="go on after so many steps")
    limit: int = Field(50, ge=1, le=1000, description="at most so many rows")
    step: int | None = Field(None, description="show the step of this index in full")


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


@operation("trace.import", effect="write", idempotent=True, remote=False)
def import_(context: Context, request: TraceImport) -> Imported:
    """Take recorded agent runs in: redact secrets, keep the origin's bytes in order.

    Reads Claude Code, Codex, SWE-agent, mini-swe-agent, tau-bench, tau2-bench, Magentic-One,
    Inspect, OpenInference, OpenTelemetry and Langfuse files, and `lignin_run`, the form for agents of
    your own. Importing again adds nothing; a file that has grown adds what is new. A file that cannot
    be read and a record of over 64 MiB are reported, the rest goes on, and the exit code is 8.
    With `--hide-outcome` nothing that is stored tells how a run ended, and the sessions are others
    than those of a full import.
    """
    not_read: dict[Path, str] = {}
    taken = take_files(
        context,
        request.paths,
        mine=request.mine,
        not_read=not_read,
        hide_outcome=request.hide_outcome,
    )
    files = [file for file, _ in taken]
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
        hidden=sum(file.hidden for file in files),
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
                    path=body.get("path", ""),
                    task_id=body.get("task_id"),
                    trial=body.get("trial"),
                    records=context.sessions.length(view, row.key),
                    outcome=body["outcome"] or body.get("declared_outcome"),
                    **told_label(row),
                    outcome_hidden=bool(body.get("outcome_hidden")),
                    simulated=bool(body.get("simulated")),
                )
            )
    return TraceListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--client, --after" if page.next_after else None,
    )


@operation("trace.show", effect="read", idempotent=True)
def show(context: Context, request: TraceShow) -> TraceShown:
    """Show a session step by step: who did what, what failed, what it cost.

    One row per step, indented by depth; beyond ten levels the depth stands as a number. Stretches
    that repeat are folded into one row. `!` marks what failed. `--step N` shows one step in full.
    """
    with context.view() as view:
        trajectory = load_trajectory(context, view, request.session)
        row = require_known(view, f"session/{request.session}")
    told = shown(
        trajectory, request.session, after=request.after, limit=request.limit, step=request.step
    )
    return told.model_copy(update=told_label(row))


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
