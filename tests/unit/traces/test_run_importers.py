"""The SWE-agent and tau-bench importers, on runs written here."""

import json
from typing import Any

import pytest

from lignin.traces.importers import swe_agent, tau_bench


def traj(**more: Any) -> bytes:
    entry = {
        "action": "ls\n",
        "observation": "a.py",
        "thought": "look",
        "response": "look\n```ls```",
    }
    history = [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "demo", "is_demo": True},
        {"role": "user", "content": "task"},
        {"role": "assistant", "content": "x", "action": "ls\n"},
    ]
    state = {"state": '{"working_dir": "/repo"}'}
    info = {"exit_status": "submitted"}
    whole = {"trajectory": [{**entry, **state}], "history": history, "info": info}
    return json.dumps({**whole, **more}).encode()


def test_text_actions_become_shell_calls_with_observations() -> None:
    data = traj()
    assert swe_agent.sniff("x.traj", data) > 0
    trajectory, records = swe_agent.parse("x.traj", data).sessions[0]
    assert [(s.index, s.role, s.text) for s in trajectory.steps[:2]] == [
        (0, "system", "rules"),
        (0, "user", "task"),
    ]
    call = trajectory.steps[2].calls[0]
    assert (call.name, call.arguments, call.observation) == ("bash", {"command": "ls\n"}, "a.py")
    assert trajectory.steps[2].reasoning == "look"
    assert (trajectory.cwd, trajectory.session, trajectory.outcome) == ("/repo", "x", None)
    assert b"".join(r.content for r in records) == data


def test_function_calls_are_taken_from_the_history() -> None:
    function = {"name": "create", "arguments": '{"filename": "a.py"}'}
    action = {
        "role": "assistant",
        "action": "create a.py",
        "tool_calls": [{"id": "c", "function": function}],
    }
    entry = {"action": "create a.py", "observation": "made", "state": {"working_dir": "/w"}}
    data = traj(trajectory=[entry], history=[action])
    call = swe_agent.parse("x.traj", data).sessions[0][0].steps[0].calls[0]
    assert (call.call_id, call.name, call.arguments) == ("c", "create", {"filename": "a.py"})
    assert call.observation == "made"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("submitted", None),
        ("submitted (exit_cost)", None),
        ("exit_cost", "failure"),
        ("exit_environment_error", "infrastructure"),
        (None, None),
    ],
)
def test_exit_status_is_an_outcome_only_where_it_declares_one(status: Any, outcome: Any) -> None:
    data = traj(info={"exit_status": status})
    assert swe_agent.parse("x.traj", data).sessions[0][0].outcome == outcome


def test_the_instance_and_model_are_read_from_the_config_in_either_form() -> None:
    config = {"problem_statement": {"id": "repo-1"}, "agent": {"model": {"name": "model-c"}}}
    for form in (config, json.dumps(config)):
        trajectory = swe_agent.parse("x.traj", traj(replay_config=form)).sessions[0][0]
        assert (trajectory.task_id, trajectory.model) == ("repo-1", "model-c")


def test_a_cut_document_is_a_problem_and_keeps_its_bytes() -> None:
    trace = swe_agent.parse("x.traj", traj()[:-9])
    assert trace.problems[0].what.startswith("not JSON")
    assert trace.sessions[0][1][0].content == traj()[:-9]


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {**more, "type": "function", "function": {"name": name, "arguments": arguments}}


def run(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"task_id": 3, "trial": 0, "reward": 1.0, "info": {}, "traj": list(messages), **more}


def ask(*calls: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def jsonl(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_calls_and_observations_are_paired_by_id_and_indexed_as_the_origin_does() -> None:
    data = jsonl(
        run(
            {"role": "user", "content": "hi", "index": 5},
            ask(call("a", '{"x": 1}', id="1"), call("b", "{}", id="2"), index=6),
            {"role": "tool", "tool_call_id": "2", "content": "Error: no", "index": 7},
            {"role": "tool", "tool_call_id": "1", "content": "yes", "index": 8},
        )
    )
    trajectory = tau_bench.parse("base.jsonl", data).sessions[0][0]
    assert [step.index for step in trajectory.steps] == [5, 6, 7, 8]
    first, second = trajectory.steps[1].calls
    assert (first.arguments, first.observation, first.is_error) == ({"x": 1}, "yes", False)
    assert (second.observation, second.is_error) == ("Error: no", True)
    assert trajectory.steps[2].parent == 6
    assert (trajectory.task_id, trajectory.trial, trajectory.session) == (3, 0, "base#3.0")


def test_python_arguments_and_missing_ids_are_read_in_order() -> None:
    data = jsonl(
        run(
            ask(call("a", "{'x': ['1', \"it's\"], 'y': None}")),
            {"role": "tool", "name": "a", "content": "# var_1 = Error: gone"},
            ask(call("a", "no literal {")),
            {"role": "tool", "content": "# var_2 = ok"},
        )
    )
    steps = tau_bench.parse("x.jsonl", data).sessions[0][0].steps
    assert steps[0].calls[0].arguments == {"x": ["1", "it's"], "y": None}
    assert steps[0].calls[0].is_error is True
    assert steps[2].calls[0].arguments == {"input": "no literal {"}
    assert steps[2].calls[0].observation == "# var_2 = ok"


@pytest.mark.parametrize(
    ("observation", "is_error"),
    [
        ('# var_7 = "Error: non-pending order"', True),
        ("# var_7 = 'Error: gone'", True),
        ("Error: no", True),
        ('# var_7 = "No error"', False),
        ('{"Error": 1}', False),
    ],
)
def test_an_error_is_seen_behind_a_variable_and_a_quote(observation: str, is_error: bool) -> None:
    data = jsonl(run(ask(call("a", "{}")), {"role": "tool", "name": "a", "content": observation}))
    steps = tau_bench.parse("x.jsonl", data).sessions[0][0].steps
    assert steps[0].calls[0].is_error is is_error


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"reward": 1.0}, "success"),
        ({"reward": 0}, "failure"),
        ({"reward": None}, None),
        ({"info": {"error": "timeout"}}, "infrastructure"),
        ({"traj": []}, "infrastructure"),
    ],
)
def test_the_reward_is_the_outcome_and_a_crash_is_infrastructure(more: Any, outcome: Any) -> None:
    data = jsonl(run({"role": "user", "content": "hi"}, **more))
    assert tau_bench.parse("x.jsonl", data).sessions[0][0].outcome == outcome


def test_ids_keep_their_type_and_repeated_runs_get_names_of_their_own() -> None:
    runs = [run(task_id="7"), run(task_id=7), run(task_id=7)]
    sessions = tau_bench.parse("x.jsonl", jsonl(*runs)).sessions
    assert [t.task_id for t, _ in sessions] == ["7", 7, 7]
    assert len({t.session for t, _ in sessions}) == 3


def test_a_list_gives_every_run_its_own_bytes() -> None:
    data = json.dumps([run(), {"other": 1}, run(trial=1), 4], indent=1, ensure_ascii=False).encode()
    trace = tau_bench.parse("x.json", data)
    assert len(trace.sessions) == 2
    assert b"".join(r.content for _, own in trace.sessions for r in own) == data
    assert trace.skipped == {"object that is no run": 1}
    assert [p.line for p in trace.problems] == [4]
    cut = data[:-20] + "é".encode()[:1]
    trace = tau_bench.parse("x.json", cut)
    assert b"".join(r.content for _, own in trace.sessions for r in own) == cut
    assert trace.problems
