"""Programs that are made to stop at random places, and scripted agents that go on from the beginning."""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import UnavailableError
from lignin.domain.plans import Plan
from lignin.governance.continued import UNKNOWN, ContinuedTools, Hold, JournalledTools
from lignin.operations.planning import Serving
from lignin.operations.program_first import Ending, follow, hold_of
from lignin.ports.broker import BoundTools
from lignin.ports.journal import Made
from lignin.ports.tools import Observation, ToolSpec
from lignin.practice.desk import PracticeDesk
from lignin.practice.families import FAMILIES
from lignin.practice.tasks import Call, StuckError, Task
from lignin.testing.fakes.journal import MemoryJournal

MODES = (
    "refused",
    "failed with an error",
    "failed before the effect",
    "failed after the effect",
    "crashed before the effect",
    "crashed after the effect",
    "guard",
    "world changed",
)


GOING_ON = (
    "refused",
    "failed with an error",
    "failed after the effect",
    "crashed before the effect",
    "crashed after the effect",
    "came to its end",
)
"""How whoever goes on fares before the last one does: each starts from the beginning."""


class Crash(BaseException):
    """The process of the program ends here."""


class Faulty:
    """A desk at which something goes wrong at one call. See `lignin.ports.broker.BoundTools`."""

    def __init__(self, desk: PracticeDesk, mode: str, at: int, meddle: Callable[[], None]) -> None:
        self._desk, self._mode, self._at, self._meddle = desk, mode, at, meddle
        self._calls = 0

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return self._desk.tools

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        self._calls += 1
        if self._calls != self._at:
            return self._desk.call(tool, arguments)
        if self._mode == "refused":
            return Observation(error="bad_arguments", message="not like this")
        if self._mode == "failed with an error":
            self._desk.call(tool, arguments)
            return Observation(error="internal", message="line 7")
        if self._mode == "world changed":
            self._meddle()
        if self._mode.endswith("before the effect"):
            raise self._end()
        observation = self._desk.call(tool, arguments)
        if self._mode.endswith("after the effect"):
            raise self._end()
        return observation

    def _end(self) -> BaseException:
        return Crash() if self._mode.startswith("crashed") else UnavailableError("no answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """How a task went whose program was made to stop.

    `repeated` are changes made again that are not harmless by their contract, `harmless` those that are.
    `went_on`: how each went that went on before the last one.
    `finished`: the agent came to its end; `is_right`: with the state that it leaves without a program.
    """

    mode: str
    went_on: tuple[str, ...]
    handed_over: bool
    finished: bool
    for_a_person: bool
    repeated: int
    harmless: int
    is_right: bool
    made: int


def programs(served: Mapping[str, Serving]) -> dict[str, Callable[..., Any]]:
    """Return the proven programs as functions of this process that take `call` first."""

    def load(serving: Serving) -> Callable[..., Any]:
        name = serving.program.entry
        code = compile(serving.tree.files[f"{name}.py"].content, name, "exec")

        def run(call: Callable[..., Json], arguments: Mapping[str, Json]) -> Any:
            guest: Any = ModuleType("lignin_guest")
            guest.ToolError, guest.call = ToolError, call
            before = sys.modules.get("lignin_guest")
            sys.modules["lignin_guest"] = guest
            space: dict[str, Any] = {}
            try:
                exec(code, space)
            finally:
                if before is None:
                    del sys.modules["lignin_guest"]
            return space[name](**arguments)

        return run

    return {routine: load(each) for routine, each in served.items()}


class ToolError(Exception):
    """As the sandbox's guest raises it."""


def run_here(
    plan: Plan,
    values: Mapping[str, Json],
    served: Mapping[str, Serving],
    loaded: Mapping[str, Callable[..., Any]],
    tools: JournalledTools,
) -> Ending:
    """Follow a plan in this process: a proven program of our own needs no wall to be timed."""

    def call(tool: str, arguments: Mapping[str, Json]) -> Json:
        observation = tools.call(tool, arguments)
        if observation is None or observation.is_error:
            error = observation.error if observation else "none"
            raise ToolError(f"{error}: {observation.message if observation else ''}")
        return observation.result

    def perform(routine: str, arguments: Mapping[str, Json]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = loaded[routine](call, arguments)
        return answer

    return follow(plan, values, served, perform)


def hand_over(
    plan: Plan,
    values: Mapping[str, Json],
    task: Task,
    served: Mapping[str, Serving],
    loaded: Mapping[str, Callable[..., Any]],
    rng: random.Random,
) -> HandOver:
    """Stop a program at a random call and let the reference agent do the task from its beginning."""
    mode = rng.choice(MODES)
    desk = PracticeDesk(task.seed)
    meddle = _meddling(task, rng)
    faulty = Faulty(desk, mode, rng.randrange(1, 8), lambda: meddle(desk))
    journal = MemoryJournal()
    hold = hold_of(plan)
    if mode == "guard":
        hold = _held_at(rng.randrange(1, 4), hold)
    tools = JournalledTools(faulty, journal, hold)
    try:
        handed_over = run_here(plan, values, served, loaded, tools).how == "handed_over"
    except Crash:
        handed_over = True
    made = len(journal.made())
    went_on = tuple(_going_on(task, desk, journal, rng) for _ in range(rng.randrange(3)))
    finished, for_a_person = go_on(task, ContinuedTools(desk, MemoryJournal(journal)))[:2]
    again = [call for call in _repeated(desk) if call not in _alone(task)[1]]
    harmless = sum(desk.tools[tool].idempotent for tool, _ in again)
    states = {_alone(task)[0]}
    if mode == "world changed":
        states.add(_alone(task, meddle)[0])
    is_right = desk.state_digest() in states
    desk.close()
    return HandOver(
        mode=mode,
        went_on=went_on,
        handed_over=handed_over,
        finished=finished,
        for_a_person=for_a_person,
        repeated=len(again) - harmless,
        harmless=harmless,
        is_right=is_right,
        made=made,
    )


def _going_on(task: Task, desk: PracticeDesk, journal: MemoryJournal, rng: random.Random) -> str:
    """Let the agent go on from the beginning until something stops it; return what that was meant to be."""
    mode = rng.choice(GOING_ON)
    at = 0 if mode == GOING_ON[-1] else rng.randrange(1, 8)
    faulty = Faulty(desk, mode, at, lambda: None)
    with suppress(Crash, UnavailableError):
        go_on(task, ContinuedTools(faulty, MemoryJournal(journal)))
    return mode


def go_on(task: Task, tools: BoundTools) -> tuple[bool, bool, Mapping[str, Json], int]:
    """Let the reference agent do a task from its beginning.

    Returns:
        Whether it came to its end, whether it stopped for a person to decide, its outputs, its calls.
    """
    solver = FAMILIES[task.family].solve(task.facts)
    calls, observation = 0, None
    try:
        call: Call = next(solver)
        while True:
            calls += 1
            observation = tools.call(call.tool, call.arguments)
            if observation is None or observation.error == UNKNOWN:
                return False, True, {}, calls
            call = solver.send(observation)
    except StopIteration as stop:
        outputs: Mapping[str, Json] = stop.value
        return True, False, outputs, calls
    except StuckError:
        return False, False, {}, calls


def _alone(
    task: Task, before: Callable[[PracticeDesk], None] = lambda _desk: None
) -> tuple[str, list[tuple[str, str]]]:
    """What the agent leaves without a program, and what it repeats by itself."""
    desk = PracticeDesk(task.seed)
    before(desk)
    go_on(task, ContinuedTools(desk, MemoryJournal()))
    state, repeated = desk.state_digest(), _repeated(desk)
    desk.close()
    return state, repeated


def _repeated(desk: PracticeDesk) -> list[tuple[str, str]]:
    """Changes that took effect and equal an earlier one that did, by the desk's own log."""
    made = Counter(
        (call.tool, digest_json(dict(call.arguments)))
        for call in desk.recording().calls
        if desk.tools[call.tool].effect == "write" and not call.observation.is_error
    )
    return [call for call, count in made.items() for _ in range(count - 1)]


def _held_at(change: int, hold: Hold) -> Hold:
    """A guard that fails before so many changes were made."""

    def held(made: Iterable[Made]) -> str:
        known = list(made)
        if sum(each.changes for each in known) + 1 >= change:
            return "a guard that fails"
        return hold(known)

    return held


def _meddling(task: Task, rng: random.Random) -> Callable[[PracticeDesk], None]:
    """Somebody else changes what the task is about."""
    order = str(task.facts["order_id"])
    calls = (
        ("cancel_order", {"order_id": order, "reason": "found cheaper"}),
        ("ship_order", {"order_id": order, "carrier": "parcel"}),
        ("apply_discount", {"order_id": order, "percent": 1}),
    )
    tool, arguments = rng.choice(calls)

    def meddle(desk: PracticeDesk) -> None:
        desk.call(tool, arguments)

    return meddle
