"""Routines as programs: proven on runs that they do not come from, and promoted."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from lignin.artifacts.folder import read_tree
from lignin.artifacts.routine_about import about_program, about_script
from lignin.artifacts.routine_program import program_of
from lignin.artifacts.routine_script import script_of
from lignin.artifacts.routine_text import names_of
from lignin.artifacts.script_data import UnsafeError
from lignin.artifacts.script_names import script_names
from lignin.artifacts.source.draft import artifact_name
from lignin.domain.artifacts import make_tree
from lignin.domain.codec import Json, digest_bytes
from lignin.domain.commands import runs_shell
from lignin.domain.counts import counted
from lignin.domain.errors import GateFailedError, InvalidRequestError
from lignin.domain.events import Blob, Change, NewEvent
from lignin.domain.examples import Example
from lignin.domain.routines import Routine
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.artifact import promote as promote_artifact
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import (
    ArtifactCapture,
    ArtifactPromote,
    Promoted,
)
from lignin.operations.context import Context
from lignin.operations.environments import environment_of, open_environment
from lignin.operations.exits import named_tools
from lignin.operations.intake import load_trajectory
from lignin.operations.off_heads import take_off_refuted, told_open
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.routine_names import free_name
from lignin.operations.routine_proof import (
    LEAST_USES,
    Handed,
    Live,
    contracts_of,
    hand_over,
    is_held_out,
    sample,
    try_live,
    unwritable,
)
from lignin.operations.routine_script_proof import (
    commonest,
    hand_over_script,
    is_taken,
    shell_examples,
    shell_uses,
)
from lignin.operations.routinework import form_of, kept_runs, passing_sessions
from lignin.ports.ledger import View, require_known
from lignin.ports.tools import ToolSpec
from lignin.traces.routines.encode import encode
from lignin.traces.routines.form import differences
from lignin.traces.routines.hindered import hindered
from lignin.traces.routines.refine import MOST_ROUNDS, Trial, after, against, guarded_by, poisoned
from lignin.traces.routines.service import proven_form, read

_MOST_SEEN = 12
_MORE = (
    "take in more passing runs that do this (`lignin trace import`), then induce and prove again"
)


class RoutineProve(Request):
    routine: str = positional("a routine's id, as `routine list` shows it")
    name: str = Field("", description="what to call it; default: what its last change does")
    tools: str = Field("", description="whose contracts: desk, desk:SEED or a server")


class RoutinePromote(Request):
    routine: str = positional("a routine's id, as `routine list` shows it")
    head: str = Field("main", description="the harness head to move")
    approve: bool = Field(False, description="as the human who approves what asks for authority")


class Proved(Response):
    routine: str = Field(description="the routine's id")
    verdict: str = Field(description="pass, fail or inconclusive")
    reason: str = Field(description="why, where it did not pass")
    artifact: str = Field(description="the program's name; empty where none was captured")
    digest: str = Field(description="the program's version")
    state: str = Field(description="where that stands in its life")
    uses: int = Field(description="uses in held-out runs that it was proven by")
    live_runs: int = Field(description="of those, tried again in the run's own environment")
    live_equal: int = Field(description="of those, left the state that the run left")
    why_not_live: str = Field(description="why none was tried there, where none was")
    files: list[str] = Field(description="the artifact's files")
    program: str = Field(description="its source")
    form: list[str] = Field(
        description="where what was proven, the form that the runs that are not held out show, is "
        "another than the routine; empty where it is the same"
    )
    tried: list[str] = Field(
        description="what spoke against it as it was, and what was tried instead"
    )
    proposals: list[str] = Field(
        default_factory=list,
        description="open proposals to take its program off a head, where it is refused",
    )

    def exit_code(self) -> int:
        return {"pass": 0, "fail": 6}.get(self.verdict, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A routine with what is to prove it.

    `mined` is what it was before it was refined, `tried` what spoke against it so far; `name` is what the
    caller calls it; `runs` are held out, `seen` is of those that it comes from. `form` says where the form
    that is proven is another than what was mined.
    """

    routine: Routine
    mined: Routine
    name: str
    runs: tuple[Trajectory, ...]
    seen: tuple[Trajectory, ...]
    form: Sequence[str] = ()
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A routine's program or script on the disk, and what is known of it before it is captured.

    `besides` says which uses are no examples.
    """

    name: str
    source: str
    handed: Handed
    live: Live
    besides: str = ""


@operation("routine.prove", effect="execute", idempotent=True)
def prove(context: Context, request: RoutineProve) -> Proved:
    """Write a routine as a program, or one of shell commands as a script, and prove it on other runs.

    What is proven is the routine's steps as two thirds of the runs alone show them, which may ask for more
    than the routine does, and says so; its uses in the others are the examples, replayed in the sandbox against what those runs saw, and tried live where the runs' environment can
    be had again. What is not proven is captured as a draft at most, and never promoted.

    What the held-out runs speak against is refined and tried again, at most three times: a constant that
    they contradict is given, a guard that they contradict goes, and where some uses come to something
    else a condition that tells them from the others is asked. Where a refused routine's program stands
    on a head, a proposal to take it off is opened; it moves nothing.
    """
    with context.view() as view:
        row = require_known(view, f"routine/{request.routine}")
        routine = read(view, row)
        prepared = _Prepared(
            routine=routine,
            mined=routine,
            name=request.name,
            runs=tuple(_held_out(context, view)),
            seen=tuple(_seen(context, view, routine)),
        )
    every = kept_runs(context)
    if spoiled := poisoned(routine, every):
        return _noted(context, row, prepared, _unproven(routine, spoiled.reason, verdict="fail"))
    held_out = [run for run in every if is_held_out(run.session)]
    others = [run for run in every if not is_held_out(run.session)]
    form = form_of(routine, others)
    if form is None:
        why = unwritable(routine)
        short = f"too few of the runs that are not held out make its steps; {_MORE}"
        verdict = "fail" if why else "inconclusive"
        unproven = _unproven(routine, why or short, verdict=verdict)
        return _noted(context, row, prepared, unproven)
    prepared = replace(prepared, routine=guarded_by(form, others), form=differences(routine, form))
    reason = ""
    for _ in range(MOST_ROUNDS + 1):
        ruling = against(prepared.routine, held_out, every)
        if ruling is None:
            proved, trials = _tried(context, prepared, request.tools)
            if all(each.is_equal for each in trials):
                return _noted(context, row, prepared, proved)
            ruling = after(prepared.routine, trials)
        reason = ruling.reason
        said = f"{reason}; tried again: {ruling.change}" if ruling.change else reason
        prepared = replace(prepared, tried=(*prepared.tried, said))
        if ruling.refined is None:
            break
        prepared = replace(prepared, routine=ruling.refined)
    return _noted(context, row, prepared, _unproven(routine, reason, verdict="fail"))


def _tried(context: Context, prepared: _Prepared, tools: str) -> tuple[Proved, tuple[Trial, ...]]:
    """Prove a routine as it is now, and say which uses were tried live."""
    routine = prepared.routine
    if why := unwritable(routine):
        return _unproven(prepared.mined, why, verdict="fail"), ()
    with tempfile.TemporaryDirectory(prefix="lignin-routine-") as folder:
        try:
            if runs_shell(routine):
                written = _as_script(context, prepared, Path(folder))
            else:
                written = _as_program(context, prepared, tools, Path(folder))
        except UnsafeError as error:
            return _unproven(prepared.mined, f"unsafe: {error.message}", verdict="fail"), ()
        except InvalidRequestError as error:
            return _unproven(prepared.mined, error.message), ()
        uses, live = len(written.handed.examples), written.live
        if uses < LEAST_USES:
            stands = hindered(
                routine, (encode(run, passed=True) for run in prepared.runs)
            ).in_words()
            reason = f"{counted(uses, 'use')} in runs that were held out; at least {LEAST_USES} are needed"
            reason += f"{written.besides}; {stands or _MORE}"
            return _unproven(prepared.mined, reason, uses=uses), ()
        if live.equal < live.runs:
            return _unproven(prepared.mined, "", uses=uses, live=live), live.trials
        return _captured(context, prepared, written), live.trials


def _as_program(context: Context, prepared: _Prepared, tools: str, folder: Path) -> _Written:
    """Write a routine of tool calls; where there are uses enough it is tried live."""
    routine, runs = prepared.routine, prepared.runs
    program = program_of(
        routine,
        free_name(
            context, prepared.name, prepared.mined.routine_id, prepared.routine, names_of(routine)
        ),
    )
    specs = contracts_of(routine, runs, _known(context, tools, runs))
    uses = sample(routine, program, runs, specs)
    shown = [
        Example(arguments=each.arguments, result=each.answer)
        for each in sample(routine, program, prepared.seen, specs)
    ]
    about = about_program(routine, program, shown).to_file()
    handed = hand_over(folder, program.entry, program, specs, uses, about=about)
    live = Live()
    if len(uses) >= LEAST_USES:
        live = try_live(context, routine, program, make_tree(read_tree(handed.folder)), runs)
    return _Written(name=program.entry, source=program.source, handed=handed, live=live)


def _as_script(context: Context, prepared: _Prepared, folder: Path) -> _Written:
    """Write a routine of shell commands; what those change cannot be put back, so it is not tried live."""
    routine = prepared.routine
    seen = list(shell_uses(routine, prepared.seen))
    script = script_of(
        routine,
        free_name(
            context,
            prepared.name,
            prepared.mined.routine_id,
            prepared.routine,
            script_names(routine),
        ),
        commonest(seen),
    )
    about = about_script(routine, script, shell_examples(script, seen)).to_file()
    uses = list(shell_uses(routine, prepared.runs))
    examples = shell_examples(script, uses)
    untold = sum(not use.answers for use in uses)
    barred = sum(bool(use.answers) and not is_taken(script, use) for use in uses)
    besides = f"; {untold} more, of which it cannot be told what was run" if untold else ""
    besides += f"; {barred} more, with a value that the script refuses" if barred else ""
    handed = hand_over_script(folder, script.name, script, examples, about)
    return _Written(
        name=script.name,
        source=script.source,
        handed=handed,
        live=Live(why_not="no environment gives back what shell commands found"),
        besides=besides,
    )


def _captured(context: Context, prepared: _Prepared, written: _Written) -> Proved:
    handed, live, routine = written.handed, written.live, prepared.mined
    captured = capture(
        context,
        ArtifactCapture.model_validate(
            {
                "path": str(handed.folder),
                "name": artifact_name(written.name),
                "examples": handed.examples,
                "recordings": str(handed.recording or ""),
                "task": f"routine {routine.routine_id}",
            }
        ),
    )
    verdict = {"verified": "pass", "promoted": "pass", "rejected": "fail"}
    return Proved(
        routine=routine.routine_id,
        verdict=verdict.get(captured.state, "inconclusive"),
        reason="" if captured.state in ("verified", "promoted") else captured.reason,
        artifact=captured.name,
        digest=captured.digest,
        state=captured.state,
        uses=len(handed.examples),
        live_runs=live.runs,
        live_equal=live.equal,
        why_not_live=live.why_not,
        files=sorted(read_tree(handed.folder)),
        program=written.source,
        form=[],
        tried=[],
    )


def _noted(context: Context, row: Row, prepared: _Prepared, proved: Proved) -> Proved:
    """What came of proving, kept on the routine: which version it became, in which form, how that was
    proven. What is refused is noted too, so that nothing serves it anew, and where its program stands on
    a head its removal is proposed; what is inconclusive takes the place of no proof.
    """
    form, tried = list(prepared.form), list(prepared.tried)
    proved = proved.model_copy(update={"form": form, "tried": tried})
    content = json.dumps(prepared.routine.to_json(), ensure_ascii=False).encode()
    digest = digest_bytes(content)

    def decide(view: View) -> tuple[list[str], list[Change]]:
        known = require_known(view, row.stream)
        before = known.body.get("proof") or {}
        is_shown = before.get("verdict", "inconclusive") != "inconclusive"
        if proved.verdict == "inconclusive" and is_shown:
            return [], []
        kept: dict[str, Json] = {}
        changes: list[Change] = []
        if proved.verdict == "fail":
            reason = f"{row.key} is {proved.reason}"
            kept, changes = take_off_refuted(context, view, known, reason)
        payload = {**_proof(proved, digest), **kept}
        if before != payload:
            changes.append(_proven(context, row, payload, content))
        return kept.get("proposals", []), changes

    proposals = context.decide_and_commit(decide)
    if not proposals:
        return proved
    told = proved.reason + told_open(proposals)
    return proved.model_copy(update={"proposals": proposals, "reason": told})


def _proof(proved: Proved, form: str) -> dict[str, Json]:
    return {
        "artifact": proved.artifact,
        "version": proved.digest,
        "verdict": proved.verdict,
        "reason": proved.reason,
        "uses": proved.uses,
        "live_runs": proved.live_runs,
        "live_equal": proved.live_equal,
        "form": form,
        "differs": list(proved.form),
        "tried": list(proved.tried),
    }


def _proven(context: Context, row: Row, payload: dict[str, Json], content: bytes) -> Change:
    event = NewEvent(
        stream=row.stream,
        type="routine.proven",
        payload=payload,
        event_id=context.ids.new("evt"),
    )
    blob = Blob(stream=row.stream, digest=payload["form"], content=content)
    return context.scope.change(events=(event,), blobs=(blob,))


@operation("routine.promote", effect="govern", idempotent=True)
def promote(context: Context, request: RoutinePromote) -> Promoted:
    """Put a routine's proven program into a harness head, if the gate accepts it."""
    with context.view() as view:
        row = require_known(view, f"routine/{request.routine}")
        form = proven_form(view, row)
    proof = row.body.get("proof")
    if row.state != "induced" or not proof or proof["verdict"] != "pass":
        raise GateFailedError(
            f"{request.routine} is not proven",
            hint=f"`lignin routine prove {request.routine}` says what is missing",
        )
    if why := unwritable(form):
        raise GateFailedError(
            f"{request.routine} is {why}",
            hint=f"`lignin routine prove {request.routine}` refuses it, and takes it off where it serves",
        )
    name = f"{proof['artifact']}@{proof['version']}"
    asked = {"name": name, "head": request.head, "approve": request.approve}
    return promote_artifact(context, ArtifactPromote.model_validate(asked))


def _held_out(context: Context, view: View) -> list[Trajectory]:
    """The passing runs that no routine is proven to come from."""
    return [
        load_trajectory(context, view, session)
        for session in passing_sessions(view)
        if is_held_out(session)
    ]


def _seen(context: Context, view: View, routine: Routine) -> list[Trajectory]:
    """A few of the runs that the routine comes from, for examples that may be shown."""
    sessions = [each for each in routine.support.sessions if not is_held_out(each)]
    return [load_trajectory(context, view, session) for session in sessions[:_MOST_SEEN]]


def _known(context: Context, tools: str, runs: Sequence[Trajectory]) -> dict[str, ToolSpec]:
    """Contracts that are known: of what the caller names, else of where the runs happened."""
    if tools:
        return dict(named_tools(context, tools))
    for run in runs:
        with open_environment(context, environment_of(run)) as opened:
            if not isinstance(opened, str):
                return dict(opened.tools)
    return {}


def _unproven(
    routine: Routine,
    reason: str,
    *,
    uses: int = 0,
    live: Live | None = None,
    verdict: str = "inconclusive",
) -> Proved:
    return Proved(
        routine=routine.routine_id,
        verdict=verdict,
        reason=reason,
        artifact="",
        digest="",
        state="",
        uses=uses,
        live_runs=live.runs if live else 0,
        live_equal=live.equal if live else 0,
        why_not_live=live.why_not if live else "",
        files=[],
        program="",
        form=[],
        tried=[],
    )
