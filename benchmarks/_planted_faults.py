"""Failed runs of the practice desk whose fault is known, as trajectories."""

import random

from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.practice.agents import Agent
from lignin.practice.families import FAMILIES
from lignin.practice.faults import FAULTS
from lignin.practice.runner import PracticeRun, run_task
from lignin.practice.tasks import make_task

WORLDS = 5
"""So many give about 1,000 runs."""
SOUND = 4
SHARE = 0.7


def trajectory_of(run: PracticeRun, number: int) -> Trajectory:
    """Return a practice run as a trace would tell it."""
    steps = [Step(index=1, role="user", text=run.task.instruction)]
    for move in run.moves:
        call = ToolCall(
            call_id=f"c{move.index}",
            name=move.call.tool,
            arguments=dict(move.call.arguments),
            observation=move.observation.to_text(),
            is_error=move.observation.is_error,
        )
        index = len(steps) + 1
        steps.append(Step(index=index, role="assistant", text=move.words, calls=(call,)))
    steps.append(Step(index=len(steps) + 1, role="assistant", text=run.final_text))
    return Trajectory(
        source="practice",
        format="practice",
        session=str(number),
        steps=tuple(steps),
        task_id=run.task.task_id,
        trial=number,
    )


def planted_runs(
    seed: int, first_world: int = 0, worlds: int = WORLDS
) -> list[tuple[Trajectory, str | None]]:
    """Return runs of every task by sound and faulty agents, each with the fault that made it fail.

    Args:
        seed: Chooses which faults there are and how they err.
        first_world: Chooses the tasks; `worlds` is how many there are of each family.
    """
    rng = random.Random(seed)
    faulty = [Agent(name=kind, fault=kind) for kind, f in FAULTS.items() if f.leads_to == "failure"]
    sound = [Agent(name=f"sound-{number}") for number in range(SOUND)]
    found: list[tuple[Trajectory, str | None]] = []
    for family in FAMILIES.values():
        for world in range(first_world, first_world + worlds):
            task = make_task(family, world)
            for agent in [*sound, *(each for each in faulty if rng.random() < SHARE)]:
                run = run_task(task, agent, seed)
                failed = run.outcome.verdict == "failure" and run.planted is not None
                fault = run.planted.kind if failed and run.planted else None
                found.append((trajectory_of(run, len(found)), fault))
    return found
