"""Making the calls of an attempt again: in a live environment, or against a case's recording.

Owns the shape of a case's recording for who answers from it. What is made again are the calls, never
an agent's words; those are taken over.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from lignin.domain.cases import Attempt, AttemptCall, Case
from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import UnavailableError
from lignin.ports.environment import Environment, EnvironmentKind, RecordedCall, Recording
from lignin.ports.tools import Observation, ToolSpec, result_of_text, served_name

RECORDED_ERROR = "tool_error"


class Answering(Protocol):
    """Tools that may not know the answer."""

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Call one tool; None where nothing is known."""
        ...


def replay_live(environment: Environment, attempt: Attempt) -> Attempt:
    """Return what an attempt's calls come to in an environment, from its start."""
    environment.reset()
    calls = []
    for call in attempt.calls:
        name = served_name(environment.tools, call.tool)
        observation = environment.call(name, call.arguments)
        spec = environment.tools.get(name)
        calls.append(
            replace(
                call,
                worked=not observation.is_error,
                changes=spec.effect == "write" if spec else call.changes,
                text=text_of(observation),
            )
        )
    return replace(attempt, calls=tuple(calls), end_state=environment.state_digest())


def replay_recorded(tools: Answering, attempt: Attempt) -> Attempt:
    """Return what an attempt's calls come to against a recording, from its start."""
    calls: list[AttemptCall] = []
    hits = 0
    for call in attempt.calls:
        observation = tools.call(call.tool, call.arguments)
        hits += observation is not None
        worked = None if observation is None else not observation.is_error
        calls.append(replace(call, worked=worked))
    ratio = hits / len(calls) if calls else 1.0
    return replace(attempt, calls=tuple(calls), hit_ratio=ratio)


def faithfulness(recorded: Attempt, again: Attempt) -> float:
    """Return the share of calls that came to the same when they were made again, 0 to 1.

    Where the trace tells what came back, that must be the same too.
    """
    pairs = list(zip(recorded.calls, again.calls, strict=True))
    alike = sum(
        one.worked == other.worked
        and (one.text is None or bool(one.worked is False) or _same(one.text, other.text))
        for one, other in pairs
    )
    return alike / len(pairs) if pairs else 1.0


def _same(one: str, other: str | None) -> bool:
    return other is not None and result_of_text(one) == result_of_text(other)


def text_of(observation: Observation) -> str:
    """Return what came back as an agent reads it: text as it is, all else as JSON."""
    if observation.error is None and isinstance(observation.result, str):
        return observation.result
    return observation.to_text()


def recording_of(case: Case) -> tuple[Recording, Mapping[str, ToolSpec]]:
    """Return a case's recording with the contracts it is answered by: any object is taken."""
    calls = tuple(
        RecordedCall(
            tool=call.tool,
            arguments=call.arguments,
            observation=_observation(call.text, failed=call.failed),
            state_version=call.state,
            next_version=call.next_state,
        )
        for call in case.recording
    )
    tools = {
        call.tool: ToolSpec(
            name=call.tool,
            description="",
            input={"type": "object"},
            effect="write" if call.tool in case.writes else "read",
            idempotent=call.tool not in case.writes,
            errors=(RECORDED_ERROR,),
        )
        for call in case.recording
    }
    return Recording(start_state=digest_json(list(case.input)), calls=calls), tools


class ServedEnvironment:
    """An environment made of a tool server that can be put back and tells its state.

    See `lignin.ports.environment.Environment`.

    Args:
        tools: What answers, and the contracts of all its tools.
        reset_tool, state_tool: Tools without arguments; no part of what an agent is given.
    """

    def __init__(
        self, answering: Answering, tools: Mapping[str, ToolSpec], reset_tool: str, state_tool: str
    ) -> None:
        self._answering = answering
        self._tools = {n: s for n, s in tools.items() if n not in (reset_tool, state_tool)}
        self._reset_tool, self._state_tool = reset_tool, state_tool
        self.reset()
        self._start = self.state_digest()

    @property
    def kind(self) -> EnvironmentKind:
        """Always `live`."""
        return "live"

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The server's tools but the two that it is kept by."""
        return self._tools

    @property
    def start_state(self) -> Digest:
        """Digest of the state it is put back to."""
        return self._start

    @property
    def seed(self) -> int:
        """Always 0: a server makes its own start state."""
        return 0

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        """Call one tool; one that is not there is refused."""
        if tool not in self._tools:
            return Observation(error="unknown_tool", message=f"there is no tool {tool}")
        found = self._answering.call(tool, arguments)
        return found or Observation(error="no_answer", message=f"{tool} gave no answer")

    def state_digest(self) -> Digest:
        """Digest of what the server tells of its state."""
        return digest_json(self._required(self._state_tool))

    def reset(self) -> None:
        """Put the server back to its start."""
        self._required(self._reset_tool)

    def _required(self, tool: str) -> Json:
        found = self._answering.call(tool, {})
        if found is None or found.is_error:
            told = found.message if found else "it gave no answer"
            raise UnavailableError(
                f"{tool} of the tool server failed: {told[:200]}",
                hint="its reset_tool and state_tool in your grants file take no arguments",
            )
        return found.result


def _observation(text: str, *, failed: bool) -> Observation:
    if failed:
        return Observation(error=RECORDED_ERROR, message=text)
    return Observation(result=result_of_text(text))
