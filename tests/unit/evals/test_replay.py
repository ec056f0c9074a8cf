"""Calls that are made again: at the practice desk, and against a case's own recording."""

from lignin.adapters.broker.recorded import RecordedBinding
from lignin.domain.cases import Attempt, AttemptCall, Case, CaseCall, Checks
from lignin.evals.replay import recording_of, replay_live, replay_recorded
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
    writes=frozenset({"put"}),
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
