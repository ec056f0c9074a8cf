"""What families of tasks can be served program-first: which routines serve, what plans runs bear out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.artifacts.routine_program import RoutineProgram, program_of
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import Tree
from lignin.domain.errors import InvalidRequestError
from lignin.domain.plans import Plan
from lignin.domain.routines import Routine
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.heads import MAIN, version_of
from lignin.operations.intake import load_trajectory
from lignin.operations.routine_proof import is_held_out
from lignin.operations.routinework import judged
from lignin.ports.ledger import View, every_row
from lignin.traces.routines.cover import results_of
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.families import FamilyReport, families_of, report_families
from lignin.traces.routines.plan_replay import Told
from lignin.traces.routines.plans import Unplanned, mine_plan
from lignin.traces.routines.service import Routines, proven_form, standing

SERVED = frozenset({"promoted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A routine that a head serves, with the program and version that it is."""

    routine: Routine
    program: RoutineProgram
    row: Row
    version: Row
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What comes of looking at all passing runs."""

    reports: tuple[FamilyReport, ...]
    plans: tuple[Plan, ...]
    unplanned: tuple[Unplanned, ...]


def serving(context: Context, view: View, head: str) -> dict[str, Serving]:
    """The routines whose proven program stands in a head, in the form that was proven, by its id; none
    while there is no head yet.

    Raises:
        NotFoundError: Another head than the first one, which is not there.
    """
    if head == MAIN and view.row(f"head/{head}") is None:
        return {}
    slots = context.harness.resolve(view, context.harness.stable(view, head)[0])
    found: dict[str, Serving] = {}
    for row in every_row(view, "routine", state="induced"):
        proof = row.body.get("proof") or {"artifact": "", "version": ""}
        digest = slots.get(proof["artifact"])
        if not digest or digest != proof["version"]:
            continue
        version = version_of(view, proof["artifact"], digest)
        tree = load_tree(view, digest)
        if version.state in SERVED and tree.manifest.kind == "program":
            routine = proven_form(view, row)
            program = _program(routine, tree)
            if program is not None:
                found[routine.routine_id] = Serving(
                    routine=routine, program=program, row=row, version=version, tree=tree
                )
    return found


def _program(routine: Routine, tree: Tree) -> RoutineProgram | None:
    """A routine's program as its version names things; None where the two are not the same any more."""
    try:
        program = program_of(routine, (tree.manifest.entry or "").rpartition(":")[2])
    except InvalidRequestError:
        return None
    mine, other = program.interface.input, tree.manifest.interface.input
    return program if _takes(mine) == _takes(other) else None


def _takes(schema: Mapping[str, Any]) -> Any:
    """What an input schema takes, whatever it says of it."""
    if not isinstance(schema, Mapping):
        return schema
    return {name: _takes(each) for name, each in schema.items() if name != "description"}


def look_at_families(context: Context, head: str) -> Planned:
    """Look at all passing runs: how their families go, and which plans they bear out."""
    with context.view() as view:
        routines = standing(view)
        served = {name: each.routine for name, each in serving(context, view, head).items()}
        runs = _passing(context, view)
        reports = report_families(routines, runs)
        told = _told(context, view, runs) if served else []
    plans: list[Plan] = []
    unplanned: list[Unplanned] = []
    members = {
        family: {run.session for run in found} for family, found in families_of(runs).items()
    }
    for number, (family, sessions) in enumerate(members.items() if served else ()):
        context.progress("planning families", number, len(members))
        made = mine_plan(family, served, *_split(told, sessions))
        if isinstance(made, Plan):
            plans.append(made)
        else:
            unplanned.append(made)
    return Planned(reports=tuple(reports), plans=tuple(plans), unplanned=tuple(unplanned))


def _split(told: Sequence[Told], sessions: set[str]) -> tuple[list[Told], list[Told]]:
    """The runs that a family's plan is mined from, and all others."""
    mined: list[Told] = []
    others: list[Told] = []
    for each in told:
        session = each.run.session
        is_mined = session in sessions and not is_held_out(session)
        (mined if is_mined else others).append(each)
    return mined, others


def _passing(context: Context, view: View) -> list[Encoded]:
    kept = Routines(context.ids).kept(view, judged(view))
    return sorted((run for run in kept if run.passed), key=lambda run: run.session)


def _told(context: Context, view: View, runs: Sequence[Encoded]) -> list[Told]:
    return [_told_of(run, load_trajectory(context, view, run.session)) for run in runs]


def _told_of(run: Encoded, trajectory: Trajectory) -> Told:
    """A run with its request, where that is one message, and its last words."""
    asked = [step.text for step in trajectory.steps if step.role == "user"]
    last = trajectory.steps[-1] if trajectory.steps else None
    is_said = last is not None and last.role == "assistant" and not last.calls
    return Told(
        run=run,
        results=results_of(trajectory),
        request=asked[0] if len(asked) == 1 else "",
        answer=last.text if last is not None and is_said else "",
    )


def names_of(served: Mapping[str, Serving], routines: Sequence[str]) -> list[str]:
    """The artifacts of routines that are served, the others by their id."""
    return [served[name].version.body["name"] if name in served else name for name in routines]
