"""Runs with planted routines: which calls are routine, which are noise, is known only here.

Each routine has 3 to 6 steps; an argument is a constant, a parameter of the routine, or what an
earlier step returned. Values of parameters, constants and noise come from one pool, so nothing in a
value tells what it is. Between uses, and with a given chance inside one, other calls are made, some
with values that were returned shortly before.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from lignin.domain.traces import Step, ToolCall, Trajectory

ROUTINES = 12
TOOLS = 30
RUNS = 400
USES = 5
"""Uses in a run, on average."""
POOL = 200

Planted = tuple[tuple[str, tuple[tuple[str, int | str], ...]], ...]
"""Per step the tool, and per argument `("constant", value)`, `("parameter", number)` or
`("reference", step)`."""


@dataclass(slots=True)
class _Run:
    calls: list[ToolCall]
    returned: list[str]


def plant(seed: int) -> tuple[tuple[Planted, ...], dict[str, int]]:
    """Return routines, and how many arguments each tool takes."""
    chance = random.Random(seed)
    tools = {f"tool_{_letters(number)}": chance.randint(1, 3) for number in range(TOOLS)}
    routines = []
    while len(routines) < ROUTINES:
        steps: list[tuple[str, tuple[tuple[str, int | str], ...]]] = []
        parameters = 0
        for number in range(chance.randint(3, 6)):
            tool = chance.choice(list(tools))
            slots: list[tuple[str, int | str]] = []
            for _ in range(tools[tool]):
                draw = chance.random()
                if draw < 0.3:
                    slots.append(("constant", f"v{chance.randrange(POOL)}"))
                elif draw < 0.65 and number:
                    slots.append(("reference", chance.randrange(number)))
                elif draw < 0.8 and parameters:
                    slots.append(("parameter", chance.randrange(parameters)))
                else:
                    slots.append(("parameter", parameters))
                    parameters += 1
            steps.append((tool, tuple(slots)))
        names = tuple(tool for tool, _ in steps)
        if names not in {tuple(tool for tool, _ in each) for each in routines}:
            routines.append(tuple(steps))
    return tuple(routines), tools


def make_runs(
    routines: Sequence[Planted], tools: dict[str, int], inner: float, seed: int, runs: int = RUNS
) -> list[Trajectory]:
    """Return runs that use the routines, with noise of which `inner` is the chance inside one."""
    chance = random.Random(seed)
    made = []
    for number in range(runs):
        run = _Run([], [])
        for _ in range(chance.randint(USES - 2, USES + 2)):
            for _ in range(chance.randint(0, 3)):
                _noise(run, tools, chance)
            _use(run, chance.choice(routines), tools, inner, chance)
        made.append(
            Trajectory(
                source="planted",
                format="planted",
                session=f"run-{seed}-{number:05}",
                task_id=number,
                outcome="success",
                steps=tuple(
                    Step(index=place, role="assistant", calls=(call,))
                    for place, call in enumerate(run.calls, start=1)
                ),
            )
        )
    return made


def _use(
    run: _Run, routine: Planted, tools: dict[str, int], inner: float, chance: random.Random
) -> None:
    values: dict[int, str] = {}
    returned: list[str] = []
    for number, (tool, slots) in enumerate(routine):
        if number and chance.random() < inner:
            _noise(run, tools, chance)
        arguments = []
        for kind, told in slots:
            if kind == "constant":
                arguments.append(str(told))
            elif kind == "reference":
                arguments.append(returned[int(told)])
            else:
                arguments.append(values.setdefault(int(told), f"v{chance.randrange(POOL)}"))
        returned.append(_call(run, tool, arguments, chance))


def _noise(run: _Run, tools: dict[str, int], chance: random.Random) -> None:
    tool = chance.choice(list(tools))
    arguments = []
    for _ in range(tools[tool]):
        recent = run.returned[-4:]
        back = recent and chance.random() < 0.3
        arguments.append(chance.choice(recent) if back else f"v{chance.randrange(POOL)}")
    _call(run, tool, arguments, chance)


def _call(run: _Run, tool: str, arguments: Sequence[str], chance: random.Random) -> str:
    value = f"o{chance.randrange(10**9)}"
    run.calls.append(
        ToolCall(
            call_id=str(len(run.calls)),
            name=tool,
            arguments={f"arg_{_letters(n)}": each for n, each in enumerate(arguments)},
            observation=json.dumps({"status": "ok", "result": {"id": value}}),
        )
    )
    run.returned.append(value)
    return value


def _letters(number: int) -> str:
    return chr(97 + number // 26) + chr(97 + number % 26) if number > 25 else chr(97 + number)
