"""Making the calls of an attempt again: in a live environment, or against a case's recording.

Owns the shape of a case's recording for who answers from it. What is made again are the calls, never
an agent's words; those are taken over.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from lignin.domain.cases import Attempt, AttemptCall, Case
from lignin.domain.codec import Json, digest_json
from lignin.ports.environment import Environment, RecordedCall, Recording
from lignin.ports.tools import Observation, ToolSpec, result_of_text

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
        name = name_in(environment.tools, call.tool)
        observation = environment.call(name, call.arguments)
        spec = environment.tools.get(name)
        changes = spec.effect == "write" if spec else call.changes
        calls.append(replace(call, worked=not observation.is_error, changes=changes))
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


def name_in(tools: Mapping[str, ToolSpec], name: str) -> str:
    """Return an environment's name of a tool that a client may call by a prefixed one."""
    return name if name in tools else name.rpartition("__")[2]


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


def _observation(text: str, *, failed: bool) -> Observation:
    if failed:
        return Observation(error=RECORDED_ERROR, message=text)
    return Observation(result=result_of_text(text))
