"""Calls that are made again: at the practice desk, and against a case's own recording."""

from collections.abc import Mapping

import pytest

from lignin.adapters.broker.recorded import RecordedBinding
from lignin.domain.cases import Attempt, AttemptCall, Case, CaseCall, CaseTool, Checks
from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError
from lignin.evals.replay import (
    ServedEnvironment,
    faithfulness,
    recording_of,
    replay_live,
    replay_recorded,
)
from lignin.ports.tools import Observation, ToolEffect, ToolSpec
from lignin.practice.agents import REFERENCE_AGENT
from lignin.practice.desk import PracticeDesk
from lignin.practice.families import FAMILIES
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task


def recorded(tool: str, key: int, text: str, state: int, then: int) -> CaseCall:
    return CaseCall(
        tool=tool, arguments={"key": key}, text=text, failed=False, state=state, next_state=then
    )


CASE = Case(
    input=("x",),
    checks=Checks(),
    recording=(
        recorded("put", 1, "done", 0, 1),
        recorded("put", 2, "done", 0, 2),
        recorded("get", 0, '{"is": 1}', 1, 1),
        recorded("get", 0, '{"is": 2}', 2, 2),
    ),
    tools={
        "put": CaseTool(changes=True, input={"type": "object"}),
        "get": CaseTool(changes=False, input={"type": "object"}),
    },
)


def calls(*named: tuple[str, int]) -> Attempt:
    return Attempt(
        calls=tuple(
            AttemptCall(tool=tool, arguments={"key": key}, worked=None, changes=tool == "put")
            for tool, key in named
        )
    )


def answers(*named: tuple[str, int]) -> list[object]:
    bound = RecordedBinding(*recording_of(CASE)).begin()
    found = [bound.call(tool, {"key": key}) for tool, key in named]
    return [None if each is None else each.result for each in found]


def test_recording_of_two_runs_answers_in_the_state_that_each_change_led_to() -> None:
    assert answers(("put", 1), ("get", 0)) == ["done", {"is": 1}]
    assert answers(("put", 2), ("get", 0)) == ["done", {"is": 2}]


def test_what_was_never_recorded_is_a_miss_and_counts_against_the_hits() -> None:
    bound = RecordedBinding(*recording_of(CASE)).begin()
    again = replay_recorded(bound, calls(("put", 1), ("get", 0), ("get", 5)))
    assert [each.worked for each in again.calls] == [True, True, None]
    assert again.hit_ratio == 2 / 3


def test_tool_that_the_recording_does_not_hold_is_a_miss() -> None:
    bound = RecordedBinding(*recording_of(CASE)).begin()
    again = replay_recorded(bound, calls(("get", 0), ("never_seen", 1)))
    assert [each.worked for each in again.calls] == [None, None]


def test_desk_comes_to_the_same_state_each_time() -> None:
    task = make_task(FAMILIES["cancel"], 3)
    run = run_task(task, REFERENCE_AGENT, 1)
    attempt = Attempt(
        calls=tuple(
            AttemptCall(
                tool=f"mcp__desk__{move.call.tool}",
                arguments=move.call.arguments,
                worked=None,
                changes=True,
            )
            for move in run.moves
        )
    )
    desk = PracticeDesk(task.seed)
    ends = {replay_live(desk, attempt).end_state for _ in range(3)}
    again = replay_live(desk, attempt)
    desk.close()
    assert ends == {task.end_state}
    assert [each.changes for each in again.calls].count(False) > 0  # the desk's contracts say so


class Shelf:
    """A tool server's tools: one changes, one tells all, one puts back."""

    def __init__(self, broken: str = "") -> None:
        self.held = 0
        self._broken = broken

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        if tool == self._broken:
            return Observation(error="tool_error", message="no")
        if tool == "reset":
            self.held = 0
        if tool == "put":
            self.held = arguments["value"]
        return Observation(result={"held": self.held})


def spec(name: str, effect: ToolEffect) -> ToolSpec:
    return ToolSpec(name=name, description="", input={}, effect=effect, idempotent=True)


SPECS = {
    "put": spec("put", "write"),
    "reset": spec("reset", "write"),
    "dump": spec("dump", "read"),
}


def test_served_environment_is_put_back_and_hides_what_it_is_kept_by() -> None:
    served = ServedEnvironment(Shelf(), SPECS, "reset", "dump")
    assert set(served.tools) == {"put"}
    served.call("put", {"value": 3})
    assert served.state_digest() != served.start_state
    served.reset()
    assert served.state_digest() == served.start_state
    assert served.call("reset", {}).error == "unknown_tool"


@pytest.mark.parametrize("broken", ["reset", "dump"])
def test_served_environment_that_cannot_be_put_back_or_read_is_no_environment(broken: str) -> None:
    with pytest.raises(UnavailableError, match=f"{broken} of the tool server failed"):
        ServedEnvironment(Shelf(broken), SPECS, "reset", "dump")


def test_calls_are_faithful_only_where_they_came_to_the_same() -> None:
    def attempt(text: str | None, *, worked: bool = True) -> Attempt:
        return Attempt(
            calls=(AttemptCall(tool="t", arguments={}, worked=worked, changes=True, text=text),)
        )

    assert faithfulness(attempt('{"a": 1}'), attempt('{"a":1}')) == 1.0
    assert faithfulness(attempt(None), attempt("x")) == 1.0
    assert faithfulness(attempt("x"), attempt("y")) == 0.0
    assert faithfulness(attempt("x"), attempt("x", worked=False)) == 0.0
    assert faithfulness(attempt("no", worked=False), attempt("otherwise no", worked=False)) == 1.0
