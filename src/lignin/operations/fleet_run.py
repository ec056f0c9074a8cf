"""Making a plan for a fleet by a planner, and running one."""

import tempfile
from pathlib import Path
from typing import Any

from pydantic import Field

from lignin.domain.errors import (
    GateFailedError,
    InvalidRequestError,
    LigninError,
    UnavailableError,
)
from lignin.domain.fleets import FleetPlan
from lignin.loops.fleets import Fleets, load_fleet
from lignin.loops.laws.fleet_digests import planner_prompt
from lignin.loops.laws.fleet_plans import parse_answer, parse_plan, require_plan
from lignin.operations.confining import confined
from lignin.operations.context import Context
from lignin.operations.fleet import read_plan_file, shown
from lignin.operations.fleet_models import FleetShown
from lignin.operations.fleetdrive import advance
from lignin.operations.fleetwork import Settings, worker_asked
from lignin.operations.registry import Request, operation, positional
from lignin.ports.worker import Worker
from lignin.ports.yard import Yard

FLEET_PREFIX = "flt_"


class FleetWalls(Request):
    unsandboxed: bool = Field(
        False,
        description="run agents and checks as you, outside the sandbox, with all that you may do",
    )
    network: bool = Field(
        False, description="run them behind walls that have a network, with what is shared"
    )
    share: list[str] = Field(
        default_factory=list,
        description="with --network: a file or folder of yours that they may read",
    )
    variable: list[str] = Field(
        default_factory=list, description="with --network: a variable of yours that they are given"
    )
    limit_s: float = Field(900.0, gt=0, le=86_400, description="seconds for one check, or one plan")


class FleetPlanned(FleetWalls):
    goal: str = positional("what is to be reached, in words, or @FILE")
    planner: str = Field(description="the planner as a command line; it is told the goal on stdin")
    repo: str = Field(".", description="the repository, or a folder in it")
    base: str = Field("HEAD", description="the commit to begin at")
    tries: int = Field(2, ge=1, le=5, description="so often it may plan, told what was wrong")


class FleetRun(FleetWalls):
    plan: str = positional("a plan's file, or the id of a fleet to begin or go on with")
    worker: str = Field("", description="the agents as a command line: 'claude -p'")
    repo: str = Field(".", description="the repository, or a folder in it")
    base: str = Field("HEAD", description="the commit to begin at")
    workers: int = Field(3, ge=1, le=64, description="at most so many agents at once")
    batch: int = Field(4, ge=1, le=32, description="at most so many results merged together")
    unreviewed: int | None = Field(
        None, ge=1, le=1000, description="so many unreviewed results may be open; default: measured"
    )
    simulated: bool = Field(False, description="the agents are scripted; what comes of it says so")


@operation("fleet.plan", effect="execute", remote=False)
def plan(context: Context, request: FleetPlanned) -> FleetShown:
    """Have a planner split a goal into pieces; its plan is checked, and kept as a fleet to run.

    The planner works in a tree of its own, which is thrown away; a plan that cannot be run is refused by
    name, and it is told what was wrong as often as `--tries` allows.
    """
    if context.dry_run:
        raise InvalidRequestError(
            "a dry run asks no planner", hint="`lignin fleet check` reads plans"
        )
    confined(context, request)
    goal = request.goal
    if goal.startswith("@"):
        goal = read_plan_file(context, goal[1:]).decode(errors="replace")
    folder = context.path(request.repo)
    repository = context.repositories().open(folder)
    base = repository.commit_of(request.base)
    settings = _settings(context, request, request.planner)
    worker = context.open_worker(worker_asked(context, settings))
    with tempfile.TemporaryDirectory(prefix="lignin-plan-") as place:
        yard = context.repositories().yard(folder, Path(place))
        with yard.held():
            made = _asked(worker, yard, base, goal, request)
    fleets = Fleets(context.ids)
    fleet, change = fleets.planned(
        context.scope, made, str(repository.folder), f"command:{worker.name}"[:200]
    )
    context.commit(change)
    with context.view() as view:
        return shown(context, view, load_fleet(view, fleet))


@operation("fleet.run", effect="execute", idempotent=True, remote=False)
def run(context: Context, request: FleetRun) -> FleetShown:
    """Run a plan: agents work on its pieces in trees of their own, and what holds is merged one by one.

    Begins a plan, or goes on with a fleet, however it was left; ends where nothing goes on without a person.
    Your working tree and branches are never touched: what comes out is one new branch, with its evidence.
    """
    if context.dry_run:
        raise InvalidRequestError("a dry run starts no agents", hint="`lignin fleet check PLAN`")
    confined(context, request)
    fleets = Fleets(context.ids)
    fleet = request.plan
    if not fleet.startswith(FLEET_PREFIX):
        made = require_plan(parse_plan(read_plan_file(context, request.plan)))
        fleet = _begin(context, request, made)
    with context.view() as view:
        now = load_fleet(view, fleet)
    if now.row.state == "planned":
        _require_worker(request, now.plan)
        repository = context.repositories().open(context.path(now.row.body["repository"]))
        settings = _settings(context, request, request.worker)
        base = repository.commit_of(request.base)
        context.commit(fleets.opened(context.scope, now.row, base, settings.to_json()))
    elif now.row.state == "open" and request.worker:
        settings = _settings(context, request, request.worker)
        context.commit(fleets.tuned(context.scope, now.row, settings.to_json()))
    elif now.row.state == "cancelled":
        raise InvalidRequestError(f"fleet {fleet} was cancelled", hint="run its plan as a new one")
    advance(context, fleet)
    with context.view() as view:
        return shown(context, view, load_fleet(view, fleet))


def _asked(worker: Worker, yard: Yard, base: str, goal: str, request: FleetPlanned) -> FleetPlan:
    """The planner's plan, asked anew with what was wrong.

    Raises:
        InvalidRequestError: Its last plan cannot be run.
        GateFailedError: It did not end well.
    """
    refused = ""
    for left in reversed(range(request.tries)):
        tree = yard.add(base, "plan")
        try:
            prompt = planner_prompt(goal, yard.paths(base), refused)
            ran = worker.run(tree, prompt, request.limit_s, lambda: False)
        finally:
            yard.remove(tree)
        if ran.ended == "infrastructure":
            raise UnavailableError(f"the planner could not be run: {ran.why}")
        try:
            if ran.ended != "done":
                raise GateFailedError(f"the planner: {ran.why}", hint="--planner")
            return require_plan(parse_plan(parse_answer(ran.said)))
        except LigninError as error:
            if not left:
                raise
            refused = error.message
    raise AssertionError("unreachable")


def _begin(context: Context, request: FleetRun, made: FleetPlan) -> str:
    """Keep a plan of a file as a fleet."""
    _require_worker(request, made)
    repository = context.repositories().open(context.path(request.repo))
    repository.commit_of(request.base)
    fleet, change = Fleets(context.ids).planned(
        context.scope, made, str(repository.folder), f"file:{request.plan}"[:200]
    )
    context.commit(change)
    return fleet


def _require_worker(request: FleetRun, made: FleetPlan) -> None:
    if not request.worker and any(each.kind == "isolated" for each in made.pieces):
        raise InvalidRequestError("no agent to run", hint="--worker 'claude -p', or any command")


def _settings(context: Context, request: FleetWalls, command: str) -> Settings:
    more: dict[str, Any] = {}
    if isinstance(request, FleetRun):
        more = {
            "workers": request.workers,
            "batch": request.batch,
            "unreviewed": request.unreviewed,
            "simulated": request.simulated,
        }
    return Settings(
        worker=command or "true",
        unsandboxed=request.unsandboxed,
        network=request.network,
        share=[str(context.path(each)) for each in request.share],
        variable=list(request.variable),
        folder=str(context.cwd),
        check_s=request.limit_s,
        **more,
    )
