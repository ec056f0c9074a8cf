"""Tasks at the desk: an instruction in natural words, the end state and outputs that solve it.

The expected end state comes from the writes a draft planned with full sight of the world, made on a
copy of it. Who solves the task sees only the instruction's facts and the tools, so the two are
derived independently.
"""

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lignin.domain.codec import Digest, Json
from lignin.domain.errors import IntegrityError
from lignin.ports.tools import Observation
from lignin.practice.desk import PracticeDesk

State: TypeAlias = Mapping[str, list[dict[str, Json]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call that an agent wants to make."""

    tool: str
    arguments: Mapping[str, Json]


Solver: TypeAlias = Generator[Call, Observation, dict[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a family makes of a world: the wording, its facts, the planned writes, the outputs."""

    instruction: str
    facts: Mapping[str, Json]
    writes: tuple[Call, ...]
    outputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of task: how to draft one, and the reference way to solve it.

    `solve` is a generator that yields calls, is sent observations, and returns the outputs.
    """

    name: str
    draft: Callable[[State, random.Random, str], Draft]
    solve: Callable[[Mapping[str, Json]], Solver]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. `seed` is its world's seed; `writes` the reference solution's effect."""

    task_id: str
    family: str
    seed: int
    instruction: str
    facts: Mapping[str, Json]
    writes: tuple[Call, ...]
    outputs: Mapping[str, Json]
    end_state: Digest


class StuckError(Exception):
    """A solver met an answer that it cannot work with."""


def write(tool: str, **arguments: Json) -> Call:
    """Return a call, in the order of its arguments."""
    return Call(tool=tool, arguments=arguments)


def ask(tool: str, **arguments: Json) -> Generator[Call, Observation, Json]:
    """Make a call inside a solver and return its result.

    Raises:
        StuckError: The tool refused.
    """
    observation = yield Call(tool=tool, arguments=arguments)
    if observation.is_error:
        raise StuckError(f"{tool}: {observation.message}")
    return observation.result


def make_task(family: Family, seed: int) -> Task:
    """Return the task of a family in a seed's world.

    Raises:
        IntegrityError: The family planned a write that the desk refuses; a fault of ours.
    """
    desk = PracticeDesk(seed)
    rng = random.Random(f"task-{family.name}-{seed}")  # noqa: S311
    draft = family.draft(desk.state(), rng, desk.today)
    for call in draft.writes:
        observation = desk.call(call.tool, call.arguments)
        if observation.is_error:
            raise IntegrityError(f"{family.name} {seed}: {call.tool}: {observation.message}")
    end_state = desk.state_digest()
    desk.close()
    return Task(
        task_id=f"{family.name}-{seed}",
        family=family.name,
        seed=seed,
        instruction=draft.instruction,
        facts=draft.facts,
        writes=draft.writes,
        outputs=draft.outputs,
        end_state=end_state,
    )
