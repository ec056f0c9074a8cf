"""The main job, end to end: recorded sessions to proven skills, with a report."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from lignin.artifacts.store import load_examples
from lignin.artifacts.versions import is_simulated, version_stream
from lignin.domain.candidates import Refusal
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.examples import split_examples
from lignin.domain.states.artifacts import SERVABLE
from lignin.operations.artifact import call, expire
from lignin.operations.artifact_models import ArtifactCall, Called, Nothing
from lignin.operations.context import Context
from lignin.operations.demo_report import render_report
from lignin.operations.harvest import (
    Harvest,
    Judged,
    capture_code,
    counts_for,
    promote_proven,
    verify_due,
)
from lignin.operations.heads import MAIN, ensure_head
from lignin.operations.intake import FileTaken, take_files
from lignin.operations.registry import Request, Response, operation
from lignin.operations.skill import serve
from lignin.operations.skill_models import SkillServe, SkillsServed
from lignin.operations.space import ensure_space
from lignin.practice import record_sessions

PRACTICE_NOTE = (
    "SIMULATED: these sessions were recorded on the spot by Lignin's practice desk "
    "(scripted agents); they are no record of real work"
)
PRACTICE_SPACE = "practice"
"""Where the plain demo works: nothing simulated gets into a space of the user's own."""


class Demo(Request):
    data: str | None = Field(None, description="folder or file of recorded sessions")
    mine: bool = Field(False, description="my own Claude Code and Codex sessions")
    output: str = Field(
        "",
        description="project to write skills into; default: ./.demo/project, simulated ./.demo/practice",
    )
    head: str = Field(MAIN, description="the harness head to move")
    sessions: int = Field(60, ge=1, le=2000, description="simulated sessions, without --data")
    seed: int = Field(7, description="seed of the simulated sessions")


class Origin(Response):
    session: str = Field(description="the session's id")
    source: str = Field(description="the file it was read from")
    step: int = Field(description="the step of the session")
    author: str = Field(description="the agent")
    model: str = Field(description="its model")
    how: str = Field(description="written, edited, heredoc or inline")


class Kept(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    kind: str = Field(description="program, script, skill, prompt or test")
    sightings: int = Field(description="in how many places it was seen")
    simulated: bool = Field(description="seen only in the practice desk's simulated sessions")
    examples: int = Field(description="recorded examples of its use")
    runs: int = Field(description="sandbox runs of its proof in this run")
    reused: bool = Field(description="an earlier result with the same content answered")
    revision: str = Field(description="digest of the head's revision")
    origin: Origin = Field(description="where it was found first")


class Refused(Response):
    name: str = Field(description="the artifact's name")
    stage: str = Field(description="found, verified or promoted")
    reason: str = Field(description="why")
    origin: Origin = Field(description="where it was found")
    count: int = Field(default=1, description="how often the same piece was refused for it")


class DemoReport(Response):
    simulated: bool = Field(description="whether the sessions were made up by the practice desk")
    note: str = Field(description="said wherever sessions are simulated")
    files: int = Field(description="files read")
    sessions: int = Field(description="sessions in them")
    steps_with_code: int = Field(description="pieces of code found")
    redacted: dict[str, int] = Field(description="secrets redacted, by detector")
    unread: dict[str, int] = Field(description="files and lines that were not read, by reason")
    captured: dict[str, int] = Field(description="new, seen again, same code ...")
    waiting: int = Field(description="drafts seen once, kept until seen again or let go")
    let_go: int = Field(description="drafts let go because nobody reached for them in time")
    kept: list[Kept] = Field(description="what the head serves now")
    tests: dict[str, str] = Field(description="agent-written tests that count, and for what")
    refused: list[Refused] = Field(description="what was refused, each with its reason")
    served: SkillsServed | None = Field(description="the skill folders written")
    call: Called | None = Field(description="the call of one served program")
    store: str = Field(description="where all of it is kept; empty after a dry run")
    space: str = Field(description="the space in it")
    call_input: Any = Field(default=None, description="its arguments")
    call_expected: Any = Field(default=None, description="what the agent's own run had answered")

    def to_text(self) -> str | None:
        return render_report(self)


@operation("demo", effect="execute", idempotent=True, remote=False)
def demo(context: Context, request: Demo) -> DemoReport:
    """Run the main job: find the code agents wrote, prove it, promote it, serve it, call it.

    Without --data or --mine the sessions are simulated by the practice desk, and all of it stays
    in the space `practice`, whatever --space says. Running it again on the same sessions adds
    nothing and runs nothing twice.
    """
    practice = request.data is None and not request.mine
    if practice:
        ensure_space(context, PRACTICE_SPACE)
        context = replace(context, scope=context.scope_of(PRACTICE_SPACE))
    simulated = 0
    harvest, files = Harvest(), []
    unread: dict[Path, str] = {}
    with ExitStack() as stack:
        paths = [request.data] if request.data else []
        if practice:
            context.progress("the practice desk records sessions (simulated)", 0, None)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lignin-practice-"))
            record_sessions(Path(folder), count=request.sessions, seed=request.seed)
            paths = [folder]
        for taken, sessions in take_files(context, paths, mine=request.mine, not_read=unread):
            files.append(taken)
            simulated += sum(session.trajectory.simulated for session in sessions)
            capture_code(context, sessions, harvest)
    ensure_head(context, request.head)
    judged = promote_proven(context, list(verify_due(context, ready=True)), request.head)
    served = _serve(context, request, ".demo/practice" if practice else ".demo/project")
    called, arguments, expected = _call_one(context, request.head)
    kept = _kept(context, request.head, judged)
    return DemoReport(
        simulated=simulated > 0,
        note=_note(simulated, harvest.sessions, kept, practice=practice),
        files=len(files),
        sessions=harvest.sessions,
        steps_with_code=harvest.snippets,
        redacted=dict(sum((Counter(file.redacted) for file in files), Counter())),
        unread=_unread(files, unread),
        captured=dict(Counter(captured.how for captured in harvest.captured)),
        waiting=_waiting(context),
        let_go=len(expire(context, Nothing()).let_go),
        kept=kept,
        tests=_tests(context),
        refused=_refused(harvest.refused, judged) + _refused_before(context, harvest, judged),
        served=served,
        call=called,
        store="" if context.dry_run else context.store.url,
        space=context.scope.space,
        call_input=arguments,
        call_expected=expected,
    )


def _note(simulated: int, sessions: int, kept: list[Kept], *, practice: bool) -> str:
    if practice:
        return PRACTICE_NOTE
    said = []
    if simulated:
        said.append(f"{simulated} of these {sessions} sessions come from Lignin's practice desk")
    served = sum(one.simulated for one in kept)
    if served:
        said.append(f"{served} of what the head serves was proven on its sessions only")
    return f"SIMULATED: {'; '.join(said)}" if said else ""


def _serve(context: Context, request: Demo, otherwise: str) -> SkillsServed | None:
    project = context.path(request.output or otherwise)
    if context.dry_run and not project.is_dir():
        return None  # nothing to compare with, and a dry run makes no folder
    if not context.dry_run:
        project.mkdir(parents=True, exist_ok=True)
    context.progress("writing skill folders", 0, None)
    return serve(
        context, SkillServe(folder=str(project), head=request.head, personal=False, force=False)
    )


def _call_one(context: Context, head: str) -> tuple[Called | None, Json, Json]:
    """Call a served program on its shortest visible example, so that a reader can repeat it.

    Programs that were seen more than once go first: more is known of them.
    """
    with context.view() as view:
        stable, _ = context.harness.stable(view, head)
        slots = context.harness.resolve(view, stable)
        usable: list[tuple[bool, int, str, Json, Json]] = []
        for name, digest in slots.items():
            row = view.row(version_stream(name, digest))
            if row is None or row.state not in SERVABLE or row.body["kind"] != "program":
                continue
            visible, _ = split_examples(load_examples(view, digest))
            for example in visible:
                if example.arguments and example.error is None:
                    given = dict(example.arguments)
                    once, size = row.body["sightings"] < 2, len(canonical_bytes(given))
                    usable.append((once, size, name, given, example.result))
    if not usable:
        return None, None, None
    _, _, name, arguments, expected = min(usable, key=lambda each: each[:3])
    request = ArtifactCall(name=name, input=arguments, head=head, session="", tools="")
    return call(context, request), arguments, expected


def _kept(context: Context, head: str, judged: list[Judged]) -> list[Kept]:
    """What the head serves, with where each thing came from; freshly promoted ones know their runs."""
    runs = {(one.row.body["name"], one.row.body["digest"]): one.proven for one in judged}
    kept = []
    with context.view() as view:
        stable, _ = context.harness.stable(view, head)
        for name, digest in context.harness.resolve(view, stable).items():
            row = view.row(f"version/{name}@{digest}")
            if row is None:
                continue
            proven = runs.get((name, digest))
            kept.append(
                Kept(
                    name=name,
                    digest=digest,
                    kind=row.body["kind"],
                    sightings=row.body["sightings"],
                    simulated=is_simulated(row),
                    examples=len(load_examples(view, digest)),
                    runs=proven.runs if proven else 0,
                    reused=proven.reused if proven else True,
                    revision=stable,
                    origin=_origin(row.body["provenance"][0]),
                )
            )
    return kept


def _refused(found: list[Refusal], judged: list[Judged]) -> list[Refused]:
    """Every refusal; the same piece refused for the same reason in several sessions counts up."""
    grouped: dict[tuple[str, str, str], Refused] = {}
    for refusal in found:
        entry = Refused(
            name=refusal.name,
            stage="found",
            reason=refusal.reason,
            origin=_origin(refusal.provenance.to_json()),
        )
        known = grouped.setdefault((entry.stage, entry.name, entry.reason), entry)
        known.count += known is not entry
    refused = list(grouped.values())
    for one in judged:
        is_check = one.row.body["kind"] == "test" and one.proven.verdict == "pass"
        if one.moved is None and not is_check:
            refused.append(
                Refused(
                    name=one.row.body["name"],
                    stage="verified" if one.proven.verdict != "pass" else "promoted",
                    reason=f"{one.proven.verdict}: {'; '.join(one.reasons)[:600]}"
                    if one.proven.verdict != "pass"
                    else "; ".join(one.reasons),
                    origin=_origin(one.row.body["provenance"][0]),
                )
            )
    return refused


def _refused_before(context: Context, harvest: Harvest, judged: list[Judged]) -> list[Refused]:
    """What the sandbox refused in an earlier run and was found again in this one."""
    now = {one.row.stream for one in judged}
    streams = {version_stream(c.name, c.digest) for c in harvest.captured} - now
    with context.view() as view:
        rows = view.rows(streams)
    return [
        Refused(
            name=row.body["name"],
            stage="verified",
            reason=f"earlier: {row.body['reason']}",
            origin=_origin(row.body["provenance"][0]),
        )
        for row in rows.values()
        if row.state == "rejected"
    ]


def _origin(provenance: dict[str, Any]) -> Origin:
    return Origin(
        session=provenance["session"],
        source=provenance["source"],
        step=provenance["event"],
        author=provenance["author"],
        model=provenance["model"],
        how=provenance["how"],
    )


def _unread(files: list[FileTaken], not_read: Mapping[Path, str]) -> dict[str, int]:
    counts = Counter(not_read.values())
    counts.update(file.refused for file in files if file.refused)
    counts.update(
        "a line that does not parse (the rest was read)" for f in files for _ in f.problems
    )
    counts.update("a record over the size bound" for f in files for _ in f.left_out)
    return dict(counts)


def _tests(context: Context) -> dict[str, str]:
    """Every test of the space that counts, and for what."""
    with context.view() as view:
        rows = view.page("version", state="verified", limit=1000).rows
    return {
        row.body["name"]: counts_for(context, row) for row in rows if row.body["kind"] == "test"
    }


def _waiting(context: Context) -> int:
    with context.view() as view:
        return view.page("version", state="draft", limit=1).total
