"""Runs a scripted agent on a task: (task, agent, seed) gives one run, always the same.

Owns the outcome: the end state and the outputs are compared with the reference solution's. Nothing
about the agent enters that judgement.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lignin.domain.codec import Digest, Json
from lignin.ports.environment import Recording
from lignin.ports.tools import Observation
from lignin.practice.agents import Agent, calls_after, calls_before, words_for
from lignin.practice.desk import TOOL_SPECS, PracticeDesk
from lignin.practice.families import FAMILIES
from lignin.practice.faults import FAULTS, Detour, Fault, FaultKind, Moment
from lignin.practice.tasks import Call, StuckError, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One tool call of a run with what the agent said before and saw after. 0-based `index`."""

    index: int
    words: str
    call: Call
    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedFault:
    """A fault that did strike: its kind and the move it began at (the number of moves, where it
    struck the outputs alone)."""

    kind: FaultKind
    move: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeOutcome:
    """How a run ended. `wasted_calls` are reads repeated with no write in between."""

    verdict: Literal["success", "failure"]
    end_state: Digest
    state_matches: bool
    outputs_match: bool
    wasted_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a run in the common chat form."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    call: Call | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeRun:
    """One simulated run. `planted` is None where no fault struck; `recording` holds the calls as a
    recorded environment needs them."""

    task: Task
    agent: Agent
    seed: int
    moves: tuple[Move, ...]
    final_text: str
    outputs: Mapping[str, Json]
    outcome: PracticeOutcome
    planted: PlantedFault | None
    recording: Recording
    simulated: bool = True

    def messages(self) -> tuple[Message, ...]:
        """The run as messages: instruction, then each call and its observation, then the end."""
        result = [Message(role="user", text=self.task.instruction)]
        for move in self.moves:
            result.append(Message(role="assistant", text=move.words, call=move.call))
            result.append(Message(role="tool", text=move.observation.to_text()))
        return (*result, Message(role="assistant", text=self.final_text))


def run_task(task: Task, agent: Agent, seed: int) -> PracticeRun:
    """Return the run of an agent on a task.

    Args:
        task: As `make_task` made it.
        agent: Its fault strikes only where the task gives it an opening.
        seed: Chooses where a fault strikes and how it errs.
    """
    desk = PracticeDesk(task.seed)
    run = _Run(task=task, agent=agent, desk=desk, rng=_chance(task, agent, seed))
    outputs, final_text = run.play()
    end_state, recording = desk.state_digest(), desk.recording()
    desk.close()
    state_matches = end_state == task.end_state
    outputs_match = all(outputs.get(key) == value for key, value in task.outputs.items())
    return PracticeRun(
        task=task,
        agent=agent,
        seed=seed,
        moves=tuple(run.moves),
        final_text=final_text,
        outputs=outputs,
        outcome=PracticeOutcome(
            verdict="success" if state_matches and outputs_match else "failure",
            end_state=end_state,
            state_matches=state_matches,
            outputs_match=outputs_match,
            wasted_calls=_wasted(run.moves),
        ),
        planted=run.planted,
        recording=recording,
    )


def _chance(task: Task, agent: Agent, seed: int) -> random.Random:
    read = f"-{agent.reading.digest}" if agent.reading.passages else ""
    return random.Random(f"run-{task.task_id}-{agent.name}-{agent.fault}-{seed}{read}")  # noqa: S311


def _wasted(moves: list[Move]) -> int:
    seen: set[str] = set()
    wasted = 0
    for move in moves:
        if TOOL_SPECS[move.call.tool].effect == "write":
            seen.clear()
            continue
        key = json.dumps([move.call.tool, dict(move.call.arguments)], sort_keys=True)
        wasted += key in seen
        seen.add(key)
    return wasted


def _left_out(call: Call) -> Detour:
    """A call that an agent was told never to make: a change is left out, without a reading it stops."""
    if TOOL_SPECS[call.tool].effect == "write":
        return Detour(calls=(), feed=None, forged=Observation(result={"ok": True}))
    return Detour(calls=(), feed=None, stop=True, words="I was told not to look there, so I stop.")


@dataclass(slots=True)
class _Run:
    """One run while it goes on."""

    task: Task
    agent: Agent
    desk: PracticeDesk
    rng: random.Random
    moves: list[Move] = field(default_factory=list)
    planted: PlantedFault | None = None
    seen_ids: list[str] = field(default_factory=list)
    _strike_at: int = 0
    _openings: int = 0
    _knows: bool | None = None

    def play(self) -> tuple[dict[str, Json], str]:
        """Drive the solver to its end; return the outputs and the last words."""
        fault = self._fault()
        self.seen_ids += self.task.facts.get("orders", [])
        solver = FAMILIES[self.task.family].solve(self.task.facts)
        try:
            call = next(solver)
            while True:
                detour = self._detour(fault, call)
                observation = self._take(call, detour)
                if detour.stop:
                    solver.close()
                    return {}, detour.words or "I stop here."
                call = solver.send(observation)
        except StopIteration as stop:
            outputs: dict[str, Json] = stop.value
        except StuckError as stuck:
            return {}, f"I could not finish: {stuck}."
        return self._report(fault, outputs)

    def _fault(self) -> Fault | None:
        fault = None if self.agent.fault is None else FAULTS[self.agent.fault]
        if fault is None or not fault.applies(self.task):
            return None
        openings = sum(
            self._is_opening(fault, call) for call in self.task.writes if fault.trigger == "write"
        )
        if fault.kind == "gave_up_early" or openings == 0:
            openings = 1
        self._strike_at = self.rng.randrange(openings)
        if fault.trigger == "after_last_write":
            self._strike_at = sum(self._is_opening(fault, call) for call in self.task.writes) - 1
        return fault

    def _is_opening(self, fault: Fault, call: Call) -> bool:
        effect = TOOL_SPECS[call.tool].effect
        wanted = "read" if fault.trigger == "read" else "write"
        if fault.tools:
            return call.tool in fault.tools
        return effect == wanted and call.tool not in {"confirm_identity", "read_policy"}

    def _detour(self, fault: Fault | None, call: Call) -> Detour:
        straight = Detour(calls=(call,), words=words_for(self.agent, call))
        if call.tool in self.agent.avoids:
            return _left_out(call)
        if fault is None or fault.trigger == "outputs" or not self._is_opening(fault, call):
            return straight
        turn = self._openings
        self._openings += 1
        if (turn != self._strike_at and not fault.every) or self._knows_better(fault, call.tool):
            return straight
        if self.planted is None:
            self.planted = PlantedFault(kind=fault.kind, move=len(self.moves))
        moment = Moment(call=call, seen_ids=tuple(self.seen_ids), rng=self.rng)
        return fault.bend(moment)

    def _knows_better(self, fault: Fault, tool: str) -> bool:
        """Whether what it has read keeps its fault from striking; settled once a run."""
        if self._knows is None:
            left = self.agent.reading.left(fault.kind, tool)
            self._knows = left < 1 and self.rng.random() >= left
        return self._knows

    def _take(self, call: Call, detour: Detour) -> Observation:
        for extra in calls_before(self.agent, call, not self.moves):
            self._make(extra, words_for(self.agent, extra))
        observations = [self._make(each, detour.words) for each in detour.calls]
        if not detour.stop and observations and not observations[-1].is_error:
            for extra in calls_after(self.agent, call, TOOL_SPECS[call.tool].effect == "write"):
                self._make(extra, "")
        if detour.feed is not None and observations:
            return observations[detour.feed]
        return detour.forged or Observation(result={})

    def _make(self, call: Call, words: str) -> Observation:
        observation = self.desk.call(call.tool, call.arguments)
        self.moves.append(
            Move(index=len(self.moves), words=words, call=call, observation=observation)
        )
        if call.tool in {"list_orders", "find_customer"} and not observation.is_error:
            key = "order_id" if call.tool == "list_orders" else "customer_id"
            self.seen_ids += [row[key] for row in observation.result]
        return observation

    def _report(self, fault: Fault | None, outputs: dict[str, Json]) -> tuple[dict[str, Json], str]:
        if fault is not None and not self._knows_better(fault, ""):
            changed = fault.report(outputs)
            if changed != outputs and self.planted is None:
                self.planted = PlantedFault(kind=fault.kind, move=len(self.moves))
            outputs = changed
        return outputs, f"Done.\n\n{json.dumps(outputs, sort_keys=True)}"
