"""Cases: what an agent is asked, where, and what tells right from wrong afterwards.

A case is executable by whoever can open its environment or replay its recording, and knows nothing
of who made it. Its JSON form (`case_document`) is complete. Source: decision record 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lignin.domain.codec import Json
from lignin.domain.effects import Effect, effect_of_call
from lignin.domain.traces import EnvironmentRef

FORMAT = "lignin.case/1"
Basis = Literal["declared", "consensus", "alone"]
"""What the checks were learned from: runs that are known to have passed, runs that agree with each
other, or the faulty run alone."""
Split = Literal["shown", "held_out"]
CheckVerdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A call that changes something, as it was written."""

    tool: str
    arguments: Mapping[str, Json]

    @property
    def effect(self) -> Effect:
        """The change in the form that compares."""
        return effect_of_call(self.tool, self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What an attempt is judged by; what is empty or None is not looked at.

    Args:
        end_states: Digests of the states that are right to end in; of live cases.
        required: Changes that must have been made.
        allowed: Changes that may be made by `closed_tools`; any other change by them is forbidden.
        forbidden: Changes that must not be made.
        answers: Final answers that are right, in comparable form.
        said: Figures that it must tell; `unsaid` those that it must not.
        most_repeats: How often one call may be made.
        must_work: Tools whose last call must not have failed.
    """

    end_states: frozenset[str] = frozenset()
    required: tuple[Change, ...] = ()
    allowed: tuple[Change, ...] = ()
    closed_tools: frozenset[str] = frozenset()
    forbidden: tuple[Change, ...] = ()
    answers: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()
    unsaid: frozenset[str] = frozenset()
    most_repeats: int | None = None
    must_work: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Json]:
        return {
            "end_states": sorted(self.end_states),
            "required": _told(self.required),
            "allowed": _told(self.allowed),
            "closed_tools": sorted(self.closed_tools),
            "forbidden": _told(self.forbidden),
            "answers": sorted(self.answers),
            "said": sorted(self.said),
            "unsaid": sorted(self.unsaid),
            "most_repeats": self.most_repeats,
            "must_work": sorted(self.must_work),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCall:
    """A recorded call with its answer.

    `state` numbers the state it was made in, `next_state` the one it left, both from 0, the start.
    """

    tool: str
    arguments: Mapping[str, Json]
    text: str
    failed: bool
    state: int
    next_state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTool:
    """A tool that an agent is given.

    `changes`: it may change something. `input` is the JSON Schema of its arguments: of a live
    environment its contract, of a recorded one no more than the names that were seen.
    """

    changes: bool
    input: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One executable case.

    Args:
        input: What the user says, in order; the first is the task.
        instructions: What the agent was told beforehand, "" where the trace does not say.
        tools: What it is given, by name.
        environment: The live environment it needs; None for a recorded case.
        recording: The calls that a recorded case is answered from.
        known_way: The changes by which a run that passed came to a right end. Not checked.
    """

    input: tuple[str, ...]
    checks: Checks
    instructions: str = ""
    tools: Mapping[str, CaseTool] = field(default_factory=dict)
    environment: EnvironmentRef | None = None
    recording: tuple[CaseCall, ...] = ()
    known_way: tuple[Change, ...] = ()

    @property
    def writes(self) -> frozenset[str]:
        """The tools that may change something."""
        return frozenset(name for name, tool in self.tools.items() if tool.changes)

    @property
    def kind(self) -> Literal["live", "recorded"]:
        """A live case may accept a change, a recorded one only refuse it."""
        return "live" if self.environment else "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCall:
    """A call of an attempt.

    `worked` is None where nobody knows, `changes` whether it may change something, `text` what came
    back, None where that is not known; no check looks at it.
    """

    tool: str
    arguments: Mapping[str, Json]
    worked: bool | None
    changes: bool
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What an agent did with a case.

    Args:
        words: What it said; `answer` its final answer in comparable form, "" without one.
        end_state: Digest of the state it left; None where nothing tells.
        hit_ratio: Share of its calls that the recording answered, 0 to 1; None in a live one.
    """

    calls: tuple[AttemptCall, ...]
    words: str = ""
    answer: str = ""
    end_state: str | None = None
    hit_ratio: float | None = None


def case_document(case: Case) -> dict[str, Json]:
    """Return a case as JSON, complete."""
    where = case.environment
    return {
        "format": FORMAT,
        "kind": case.kind,
        "instructions": case.instructions,
        "input": list(case.input),
        "tools": {
            name: {"changes": tool.changes, "input": dict(tool.input)}
            for name, tool in sorted(case.tools.items())
        },
        "environment": where
        and {
            "name": where.name,
            "seed": where.seed,
            "start_state": where.start_state,
            "tools": dict(where.tools),
        },
        "checks": case.checks.to_json(),
        "recording": [
            {
                "tool": call.tool,
                "arguments": dict(call.arguments),
                "text": call.text,
                "failed": call.failed,
                "state": call.state,
                "next_state": call.next_state,
            }
            for call in case.recording
        ],
        "known_way": _told(case.known_way),
    }


def parse_case(document: Mapping[str, Any]) -> Case:
    """Read a case back from its JSON."""
    where, checks = document["environment"], document["checks"]
    return Case(
        input=tuple(document["input"]),
        instructions=document["instructions"],
        tools={name: CaseTool(**tool) for name, tool in document["tools"].items()},
        environment=EnvironmentRef(**where) if where else None,
        checks=Checks(
            end_states=frozenset(checks["end_states"]),
            required=_changes(checks["required"]),
            allowed=_changes(checks["allowed"]),
            closed_tools=frozenset(checks["closed_tools"]),
            forbidden=_changes(checks["forbidden"]),
            answers=frozenset(checks["answers"]),
            said=frozenset(checks["said"]),
            unsaid=frozenset(checks["unsaid"]),
            most_repeats=checks["most_repeats"],
            must_work=frozenset(checks["must_work"]),
        ),
        recording=tuple(CaseCall(**call) for call in document["recording"]),
        known_way=_changes(document["known_way"]),
    )


def _told(changes: tuple[Change, ...]) -> list[Json]:
    return [{"tool": each.tool, "arguments": dict(each.arguments)} for each in changes]


def _changes(given: Any) -> tuple[Change, ...]:
    return tuple(Change(tool=each["tool"], arguments=each["arguments"]) for each in given)
