"""Routines become programs that are proven on runs that they were not induced of."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.artifacts.folder import read_tree
from lignin.artifacts.routine_program import program_of
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import make_tree
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import Parameter, Reference, Routine, RoutineStep, Use
from lignin.domain.traces import Trajectory
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.routine_proof import (
    Live,
    Sampled,
    contracts_of,
    hand_over,
    is_held_out,
    sample,
    try_live,
)
from lignin.ports.sandbox import Observed
from lignin.practice.agents import REFERENCE_AGENT
from lignin.practice.desk import TOOL_SPECS
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task
from lignin.traces.importers.lignin_run import parse

IDENTIFY = Routine(
    steps=(
        RoutineStep(tool="find_customer", arguments={"email": Use("email")}),
        RoutineStep(
            tool="confirm_identity",
            arguments={
                "customer_id": Reference(0, "[0].customer_id"),
                "email": Use("email"),
                "postcode": Use("postcode"),
            },
        ),
        RoutineStep(tool="get_order", arguments={"order_id": Use("order_id")}),
    ),
    parameters=tuple(
        Parameter(name=name, type="str", said=1.0) for name in ("email", "postcode", "order_id")
    ),
)


def runs(*worlds: int) -> list[Trajectory]:
    """Runs of a family that begins by identifying who asks."""
    family = FAMILIES["return-refund"]
    records = [
        run_record(run_task(make_task(family, world), REFERENCE_AGENT, 1), 0) for world in worlds
    ]
    return [trajectory for trajectory, _ in parse("x", write_runs(records).encode()).sessions]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Context]:
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **home}, tmp_path)) as context:
        yield context


def proof(
    context: Context, folder: Path, uses: list[Sampled], routine: Routine = IDENTIFY
) -> tuple[str, str]:
    """How a capture of the routine's program with some uses ends."""
    program = program_of(routine)
    handed = hand_over(folder, "identify", program, contracts_of(routine, (), TOOL_SPECS), uses)
    request = ArtifactCapture(
        path=str(handed.folder),
        name="identify",
        examples=handed.examples,
        recordings=str(handed.recording),
    )
    captured = capture(context, request)
    return captured.state, captured.reason


def test_uses_in_other_runs_prove_the_program(opened: Context, tmp_path: Path) -> None:
    uses = sample(IDENTIFY, program_of(IDENTIFY), runs(*range(6)), TOOL_SPECS)
    assert len(uses) == 6
    assert set(uses[0].arguments) == {"email", "postcode", "order_id"}
    assert list(uses[0].done) == ["customer", "identity", "order"]
    assert proof(opened, tmp_path, uses) == ("verified", "every check passed")


def through_a_client(trajectory: Trajectory) -> Trajectory:
    """A run whose tools a client called by its own names of them."""
    steps = tuple(
        replace(step, calls=tuple(replace(c, name=f"mcp__desk__{c.name}") for c in step.calls))
        for step in trajectory.steps
    )
    return replace(trajectory, steps=steps)


def test_program_of_a_clients_names_of_tools_calls_the_served_ones(
    opened: Context, tmp_path: Path
) -> None:
    steps = tuple(replace(each, tool=f"mcp__desk__{each.tool}") for each in IDENTIFY.steps)
    routine = replace(IDENTIFY, steps=steps)
    specs = contracts_of(routine, (), TOOL_SPECS)
    program = program_of(routine)
    assert program.entry == "find_customer_confirm_identity_get_order"
    seen = [through_a_client(each) for each in runs(*range(6))]
    uses = sample(routine, program, seen, specs)
    assert len(uses) == 6
    assert proof(opened, tmp_path, uses, routine) == ("verified", "every check passed")
    with opened.view() as view:
        [row] = view.page("version").rows
        tree = load_tree(view, row.body["digest"])
    live = [through_a_client(each) for each in runs(20, 21)]
    assert try_live(opened, routine, program, tree, live) == Live(runs=2, equal=2)


def test_name_that_nothing_can_call_a_tool_by_is_refused_with_a_reason(tmp_path: Path) -> None:
    program = program_of(IDENTIFY)
    specs = {tool: replace(spec, name=f"{tool}\n\n# Ignore") for tool, spec in TOOL_SPECS.items()}
    with pytest.raises(InvalidRequestError, match="no program can call"):
        hand_over(tmp_path, program.entry, program, specs, [])


def test_program_leaves_the_state_that_the_run_left(opened: Context, tmp_path: Path) -> None:
    program = program_of(IDENTIFY)
    uses = sample(IDENTIFY, program, runs(*range(6)), TOOL_SPECS)
    proof(opened, tmp_path, uses)
    with opened.view() as view:
        [row] = view.page("version").rows
        tree = load_tree(view, row.body["digest"])
    live = try_live(opened, IDENTIFY, program, tree, runs(20, 21, 22))
    assert live == Live(runs=3, equal=3)
    elsewhere = [replace(each, environment=None) for each in runs(20)]
    assert try_live(opened, IDENTIFY, program, tree, elsewhere) == Live(
        why_not="the trace names no environment"
    )


def test_program_that_leaves_something_undone_does_not_leave_that_state(
    opened: Context, tmp_path: Path
) -> None:
    program = program_of(IDENTIFY)
    lazy = replace(
        program,
        source=re.sub(
            r'call\(\s*"confirm_identity",\s*\{', 'dict(tool="", given={', program.source
        ),
    )
    handed = hand_over(tmp_path, "lazy", lazy, contracts_of(IDENTIFY, (), TOOL_SPECS), ())
    request = ArtifactCapture(path=str(handed.folder), name="lazy", verify=False)
    capture(opened, request)
    with opened.view() as view:
        [row] = view.page("version").rows
        tree = load_tree(view, row.body["digest"])
    live = try_live(opened, IDENTIFY, program, tree, runs(20))
    assert (live.runs, live.equal) == (1, 0)


def test_program_that_comes_to_something_else_is_not_proven(
    opened: Context, tmp_path: Path
) -> None:
    uses = sample(IDENTIFY, program_of(IDENTIFY), runs(*range(6)), TOOL_SPECS)
    wrong = [
        Sampled(
            session=each.session,
            arguments=each.arguments,
            done={**each.done, "order": {"order_id": "O-0"}},
            calls=each.calls,
        )
        for each in uses
    ]
    assert proof(opened, tmp_path, wrong)[0] == "rejected"


def test_use_that_was_answered_otherwise_in_one_state_is_not_taken() -> None:
    first, second = runs(0), runs(0)
    steps = list(second[0].steps)
    for place, step in enumerate(steps):
        if step.calls and step.calls[0].name == "find_customer":
            told = replace(step.calls[0], observation='[{"customer_id": "C-1"}]')
            steps[place] = replace(step, calls=(told,))
    other = replace(second[0], steps=tuple(steps))
    assert len(sample(IDENTIFY, program_of(IDENTIFY), [*first, other], TOOL_SPECS)) == 1


def test_contract_of_a_tool_that_nobody_declares_is_what_runs_show() -> None:
    specs = contracts_of(IDENTIFY, runs(0), {})
    assert {name: spec.effect for name, spec in specs.items()} == {
        "find_customer": "read",
        "confirm_identity": "write",
        "get_order": "read",
    }


def test_about_a_third_of_the_runs_is_held_out() -> None:
    drawn = [is_held_out(f"ses_{number}") for number in range(2000)]
    assert 0.25 < sum(drawn) / len(drawn) < 0.35


class Broken:
    """A sandbox that never gets a run to its end."""

    tier = "none"

    def run(self, execution: Any, broker: Any = None) -> Observed:
        return Observed(status="infrastructure", tier=self.tier, message="no room")


def test_sandbox_outage_counts_for_nothing(opened: Context, tmp_path: Path) -> None:
    program = program_of(IDENTIFY)
    handed = hand_over(tmp_path, "identify", program, contracts_of(IDENTIFY, (), TOOL_SPECS), ())
    tree = make_tree(read_tree(handed.folder))
    broken = replace(opened, open_sandbox=lambda: Broken())  # type: ignore[arg-type, return-value]
    live = try_live(broken, IDENTIFY, program, tree, runs(20))
    assert live == Live(why_not="the program was not run to its end: no room")
