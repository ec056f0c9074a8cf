"""Routines as programs: proven on runs that they do not come from, and promoted."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from lignin.artifacts.folder import read_tree
from lignin.artifacts.routine_program import RoutineProgram, program_of
from lignin.artifacts.source.draft import artifact_name
from lignin.domain.artifacts import make_tree
from lignin.domain.errors import GateFailedError, InvalidRequestError
from lignin.domain.events import NewEvent
from lignin.domain.routines import Routine
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.artifact import capture
from lignin.operations.artifact import promote as promote_artifact
from lignin.operations.artifact_models import (
    ArtifactCapture,
    ArtifactPromote,
    CaptureView,
    Promoted,
)
from lignin.operations.context import Context
from lignin.operations.environments import environment_of, open_environment
from lignin.operations.exits import named_tools
from lignin.operations.intake import load_trajectory
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.routine_proof import (
    LEAST_USES,
    Live,
    contracts_of,
    hand_over,
    is_held_out,
    sample,
    try_live,
)
from lignin.operations.routinework import comes_of, passing_sessions
from lignin.ports.ledger import View, require_known
from lignin.ports.tools import ToolSpec
from lignin.traces.routines.service import read


class RoutineProve(Request):
    routine: str = positional("a routine's id, as `routine list` shows it")
    name: str = Field("", description="what to call the program; default: from its tools")
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
    program: str = Field(description="its source")

    def exit_code(self) -> int:
        return {"pass": 0, "fail": 6}.get(self.verdict, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A routine's program with what is to prove it."""

    routine: Routine
    program: RoutineProgram
    runs: tuple[Trajectory, ...]


@operation("routine.prove", effect="execute", idempotent=True)
def prove(context: Context, request: RoutineProve) -> Proved:
    """Write a routine as a program and prove it on runs that it does not come from.

    The routine must come out of two thirds of the runs alone; its uses in the others are the examples,
    replayed in the sandbox against what those runs saw, and tried live where the runs' environment can
    be had again. What is not proven is captured as a draft at most, and never promoted.
    """
    with context.view() as view:
        row = require_known(view, f"routine/{request.routine}")
        routine = read(view, row)
        runs = _held_out(context, view)
    if not comes_of(context, routine, lambda session: not is_held_out(session)):
        return _unproven(routine, "it does not come out of two thirds of the runs alone")
    try:
        program = _program(context, routine, request)
    except InvalidRequestError as error:
        return _unproven(routine, error.message)
    prepared = _Prepared(routine=routine, program=program, runs=tuple(runs))
    with tempfile.TemporaryDirectory(prefix="lignin-routine-") as folder:
        return _proved(context, row, prepared, _known(context, request.tools, runs), Path(folder))


def _program(context: Context, routine: Routine, request: RoutineProve) -> RoutineProgram:
    """The routine's program, by the name that it is given, else by one that no other routine has.

    Raises:
        InvalidRequestError: It cannot be written.
    """
    if request.name:
        return program_of(routine, request.name)
    with context.view() as view:
        mine = f"routine {routine.routine_id}"
        program = plain = program_of(routine)
        number = 1
        while _is_anothers(context, view, artifact_name(program.entry), mine):
            number += 1
            program = program_of(routine, f"{plain.entry}_{number}")
    return program


def _is_anothers(context: Context, view: View, artifact: str, task: str) -> bool:
    """True where an artifact of that name comes of something else."""
    if view.row(f"artifact/{artifact}") is None:
        return False
    versions = context.artifacts.versions(view, artifact, limit=1).rows
    told = (each for version in versions for each in version.body["provenance"])
    return all(each.get("task") != task for each in told)


def _proved(
    context: Context,
    row: Row,
    prepared: _Prepared,
    known: dict[str, ToolSpec],
    folder: Path,
) -> Proved:
    routine, program = prepared.routine, prepared.program
    specs = contracts_of(routine, prepared.runs, known)
    uses = sample(routine, program, prepared.runs, specs)
    if len(uses) < LEAST_USES:
        reason = f"{len(uses)} uses in runs that were held out; at least {LEAST_USES} are needed"
        return _unproven(routine, reason, uses=len(uses))
    handed = hand_over(folder, program.entry, program, specs, uses)
    live = try_live(context, routine, program, make_tree(read_tree(handed.folder)), prepared.runs)
    if live.equal < live.runs:
        reason = f"it left another state than the run in {live.runs - live.equal} of {live.runs}"
        return _unproven(routine, reason, uses=len(uses), live=live, verdict="fail")
    captured = capture(
        context,
        ArtifactCapture.model_validate(
            {
                "path": str(handed.folder),
                "name": artifact_name(program.entry),
                "examples": handed.examples,
                "recordings": str(handed.recording),
                "task": f"routine {routine.routine_id}",
            }
        ),
    )
    verdict = {"verified": "pass", "promoted": "pass", "rejected": "fail"}
    proved = Proved(
        routine=routine.routine_id,
        verdict=verdict.get(captured.state, "inconclusive"),
        reason="" if captured.state in ("verified", "promoted") else captured.reason,
        artifact=captured.name,
        digest=captured.digest,
        state=captured.state,
        uses=len(uses),
        live_runs=live.runs,
        live_equal=live.equal,
        why_not_live=live.why_not,
        program=program.source,
    )
    _note(context, row, captured, proved)
    return proved


def _note(context: Context, row: Row, captured: CaptureView, proved: Proved) -> None:
    """Keep on the routine which version it became, and how that was proven."""
    payload = {
        "artifact": captured.name,
        "version": captured.digest,
        "verdict": proved.verdict,
        "uses": proved.uses,
        "live_runs": proved.live_runs,
        "live_equal": proved.live_equal,
    }
    if row.body.get("proof") == payload:
        return
    event = NewEvent(
        stream=row.stream,
        type="routine.proven",
        payload=payload,
        event_id=context.ids.new("evt"),
    )
    context.commit(context.scope.change(events=(event,)))


@operation("routine.promote", effect="govern", idempotent=True)
def promote(context: Context, request: RoutinePromote) -> Promoted:
    """Put a routine's proven program into a harness head, if the gate accepts it."""
    with context.view() as view:
        row = require_known(view, f"routine/{request.routine}")
    proof = row.body.get("proof")
    if row.state != "induced" or not proof or proof["verdict"] != "pass":
        raise GateFailedError(
            f"{request.routine} is not proven",
            hint=f"`lignin routine prove {request.routine}` says what is missing",
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
        program="",
    )
