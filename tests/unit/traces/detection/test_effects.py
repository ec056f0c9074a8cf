"""What a call does, told without knowing the domain."""

import pytest

from lignin.domain.effects import canonical
from lignin.domain.traces import ToolCall, ToolEffect
from lignin.traces.effects import effect_of, is_failed, unrepaired
from lignin.traces.runs import run_of
from unit.traces.detection.made_runs import agent, call, move, run, user


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("get_order", {}, "read"),
        ("mcp__desk__list_rooms", {}, "read"),
        ("WebSearch", {}, "read"),
        ("Read", {}, "read"),
        ("cancel_order", {}, "write"),
        ("find_and_replace", {}, "write"),
        ("frobnicate", {}, "write"),
        ("", {}, "write"),
        ("bash", {"command": "cd src && grep -rn foo . | head"}, "read"),
        ("bash", {"command": "ls 2>/dev/null"}, "read"),
        ("bash", {"command": "cat a > b"}, "write"),
        ("bash", {"command": "sed -i s/a/b/ x"}, "write"),
        ("bash", {"command": "find . -delete"}, "write"),
        ("bash", {"command": "rm -rf build"}, "write"),
        ("bash", {"command": "echo 'unclosed"}, "write"),
        ("bash", {}, "write"),
        ("str_replace_editor", {"command": "view", "path": "a"}, "read"),
        ("str_replace_editor", {"command": "create", "path": "a"}, "write"),
        ("transfer_to_human_agents", {}, "hand over"),
        ("transfer_money", {}, "write"),
        ("submit", {"answer": "12"}, "answer"),
        ("respond", {"content": "hello"}, "read"),
    ],
)
def test_what_a_call_does_is_told_by_its_name_and_arguments(
    name: str, arguments: dict[str, str], kind: str
) -> None:
    assert effect_of(ToolCall(call_id="1", name=name, arguments=arguments)) == kind


@pytest.mark.parametrize(
    ("name", "declared", "kind"),
    [
        ("update_view", "read", "read"),
        ("mcp__desk__update_view", "read", "read"),
        ("get_and_lock", "write", "write"),
        ("check_in", "write", "write"),
        ("transfer_to_human_agents", "write", "hand over"),
        ("respond", "write", "read"),
    ],
)
def test_what_a_trace_declares_of_a_tool_wins_over_its_name(
    name: str, declared: ToolEffect, kind: str
) -> None:
    made = ToolCall(call_id="1", name=name, arguments={})
    assert effect_of(made, {name.rpartition("__")[2]: declared}) == kind


def test_equal_arguments_are_equal_however_they_are_written() -> None:
    plain = canonical({"ids": ["B", "a"], "n": 2, "who": "Ann "})
    assert plain == canonical({"who": "ann", "ids": "['a', 'b']", "n": 2.0})
    assert plain == canonical({"who": "ann", "ids": '["b", "a"]', "n": 2})
    assert plain != canonical({"who": "ann", "ids": ["a", "b", "b"], "n": 2})


@pytest.mark.parametrize("text", ["[" * 5000, "{'a': " * 3000, '"', "('x' " * 2000])
def test_text_that_only_looks_nested_stays_text(text: str) -> None:
    assert canonical(text) == text.strip().lower()


def test_an_observation_that_begins_with_an_error_failed_where_the_trace_is_silent() -> None:
    def silent(observation: str, **more: int) -> ToolCall:
        return ToolCall(call_id="1", name="x", arguments={}, observation=observation, **more)

    assert is_failed(silent('"Error: no such room"'))
    assert is_failed(silent("Traceback (most recent call last):"))
    assert is_failed(silent("fine", exit_code=2))
    assert not is_failed(silent("No errors"))
    assert not is_failed(silent("room 7"))


def test_the_calls_of_a_simulated_user_are_not_the_agents() -> None:
    own = ToolCall(call_id="1", name="reset_phone", arguments={}, requestor="user")
    assert run_of(run(agent("", own))).effects == frozenset()


def test_only_a_change_that_never_worked_is_unrepaired() -> None:
    tried = run(user("go"), agent("", move(7, "Error: taken")), agent("", move(8)))
    assert unrepaired(run_of(tried).made) == ()
    lost = run_of(run(user("go"), agent("", move(7, "Error: taken")), agent("", call("get_room"))))
    assert [made.step for made in unrepaired(lost.made)] == [2]
