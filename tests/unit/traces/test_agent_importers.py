"""The tau2-bench, mini-swe-agent, Magentic-One and Inspect importers, on files written here."""

import json
import zipfile
from typing import Any

import pytest
import zstandard

from corpora.traces import (
    archive,
    autogen,
    inspect_members,
    inspect_sample,
    jsonl,
    magentic,
    mini,
    tau2,
    written,
)
from lignin.domain.traces import Trajectory
from lignin.traces import archive as archives
from lignin.traces.importers import inspect, magentic_one, mini_swe_agent, tau2_bench


def first(trace: Any) -> Trajectory:
    trajectory: Trajectory = trace.sessions[0][0]
    return trajectory


def test_each_simulation_is_a_run_and_the_user_calls_tools_too() -> None:
    trace = tau2_bench.parse("run.json", written("tau2_bench"))
    runs = [trajectory for trajectory, _ in trace.sessions]
    assert [(r.session, r.task_id, r.trial, r.outcome) for r in runs] == [
        ("sim-0", "7", 0, "success"),
        ("sim-1", "7", 1, "failure"),
    ]
    assert runs[0].model == "model-a"
    steps = runs[0].steps
    assert [step.index for step in steps] == [1, 2, 3, 4, 5, 6]
    (mine,), (theirs,) = steps[2].calls, steps[4].calls
    assert (mine.requestor, mine.observation, mine.is_error) == ("assistant", "no such", True)
    assert (theirs.requestor, theirs.observation, theirs.is_error) == ("user", "on", False)
    assert (steps[3].parent, steps[5].parent) == (3, 5)
    assert (steps[1].input_tokens, steps[1].output_tokens, steps[1].cost_microusd) == (5, 2, 1000)


def test_several_results_in_one_tool_message_find_their_calls() -> None:
    value = tau2()
    value["simulations"] = value["simulations"][:1]
    calls = [{"id": name, "name": name, "arguments": {}} for name in "ab"]
    results = [{"id": name, "content": f"for {name}", "error": False} for name in "ba"]
    value["simulations"][0]["messages"] = [
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_messages": results},
    ]
    steps = first(tau2_bench.parse("x.json", json.dumps(value).encode())).steps
    assert [call.observation for call in steps[0].calls] == ["for a", "for b"]
    assert steps[1].text == "for b\nfor a"


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"termination_reason": "infrastructure_error"}, "infrastructure"),
        ({"reward_info": None}, None),
        ({"reward_info": {"reward": 0.5}}, "failure"),
    ],
)
def test_a_broken_simulation_is_infrastructure_and_no_reward_is_no_outcome(
    more: dict[str, Any], outcome: str | None
) -> None:
    simulation = {**tau2()["simulations"][0], **more}
    assert first(tau2_bench.parse("x.jsonl", jsonl([simulation]))).outcome == outcome


def test_commands_come_from_actions_or_from_the_one_shell_block() -> None:
    run = first(mini_swe_agent.parse("run.traj.json", written("mini_swe_agent")))
    assert (run.task_id, run.model, run.cwd) == ("repo__1", "model-a", "/repo")
    assert run.outcome == "infrastructure"
    assert [step.role for step in run.steps][2:] == ["assistant", "tool", "assistant", "tool"]
    (block,), (action,) = run.steps[2].calls, run.steps[4].calls
    assert (block.arguments, block.observation, block.exit_code) == (
        {"command": "pwd"},
        "/repo\n",
        0,
    )
    assert (action.call_id, action.observation, action.exit_code) == ("c1", "a.py\n", 1)
    assert action.is_error is True
    assert (run.steps[4].input_tokens, run.steps[4].cost_microusd) == (9, 100_000)


def test_a_bare_list_of_messages_is_a_run() -> None:
    data = json.dumps(mini()["messages"][:4]).encode()
    assert mini_swe_agent.sniff("x.json", data) > 0
    assert (
        mini_swe_agent.sniff("x.json", json.dumps([{"role": "user", "content": "x"}]).encode()) == 0
    )
    run = first(mini_swe_agent.parse("x.traj.json", data))
    assert [call.name for step in run.steps for call in step.calls] == ["bash"]
    assert run.outcome is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("Submitted", None),
        ("LimitsExceeded", "failure"),
        ("RuntimeError", "infrastructure"),
        ("", None),
    ],
)
def test_handing_in_a_patch_is_no_success(status: str, outcome: str | None) -> None:
    document = {**mini(), "info": {"exit_status": status}}
    assert first(mini_swe_agent.parse("x", json.dumps(document).encode())).outcome == outcome


def test_the_speaker_of_each_step_is_kept() -> None:
    trace = magentic_one.parse("runs.jsonl", jsonl(magentic()))
    assert [t.session for t, _ in trace.sessions] == ["run-0", "run-1"]
    assert [(s.index, s.role, s.agent, s.label) for s in first(trace).steps] == [
        (1, "user", "human", ""),
        (2, "assistant", "Orchestrator", "thought"),
        (3, "assistant", "Orchestrator", "-> WebSurfer"),
        (4, "assistant", "WebSurfer", ""),
    ]


def test_events_of_one_log_are_one_run_with_calls_and_thoughts() -> None:
    run = first(magentic_one.parse("events.jsonl", jsonl(autogen())))
    assert [step.agent for step in run.steps] == ["user", "WebSurfer", "WebSurfer", "WebSurfer"]
    (call,) = run.steps[1].calls
    assert (call.name, call.arguments, call.observation) == ("search", {"q": "x"}, "found")
    assert (run.steps[2].role, run.steps[2].parent, run.steps[3].reasoning) == ("tool", 2, "hm")
    assert run.steps[1].input_tokens == 4


def test_a_sample_of_an_archive_is_a_run_of_its_epoch() -> None:
    trace = inspect.parse("run.eval", written("inspect_eval"))
    runs = [trajectory for trajectory, _ in trace.sessions]
    assert [(r.task_id, r.trial, r.outcome, r.model, r.agent) for r in runs] == [
        (1, 1, "success", "model-a", "react"),
        (1, 2, "success", "model-a", "react"),
    ]
    step = runs[0].steps[2]
    (call,) = step.calls
    assert (step.text, step.reasoning, step.input_tokens) == ("I look", "hm", 7)
    assert (call.observation, call.is_error) == ("took too long", True)


def test_every_member_of_an_archive_becomes_a_line_of_its_own() -> None:
    members = {**inspect_members(), "notes.txt": "free"}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        lines = archives.unpack_lines(archive(members, method)).splitlines()
        held = {(line := json.loads(each))["eval_member"]: line["json"] for each in lines}
        assert held == members
    trace = inspect.parse("run.eval", archive(members))
    records = sorted((r for _, own in trace.sessions for r in own), key=lambda r: r.line)
    assert b"".join(r.content for r in records) == archives.unpack_lines(archive(members))


def test_the_json_log_gives_the_same_steps_as_the_archive() -> None:
    log = inspect.parse("run.json", written("inspect_json"))
    packed = inspect.parse("run.eval", written("inspect_eval"))
    assert [t.steps for t, _ in log.sessions] == [t.steps for t, _ in packed.sessions]
    assert first(log).model == "model-a"


def test_an_archive_that_was_cut_off_gives_the_samples_it_has() -> None:
    data = written("inspect_eval")
    trace = inspect.parse("run.eval", data[: data.rindex(b"PK\x03\x04") + 20])
    assert len(trace.sessions) == 2
    assert trace.skipped == {"member that cannot be unpacked": 1}


def test_a_member_over_the_bound_is_kept_packed() -> None:
    data = archive({"samples/1.json": "x" * 100_000})
    (line,) = archives.unpack_lines(data, max_member_bytes=1000).splitlines()
    held = json.loads(line)
    assert "over 1000 bytes" in held["unreadable"]
    assert len(held["base64"]) < 2000


def test_a_bomb_of_many_members_stops_at_the_bound_of_all() -> None:
    data = archive({f"samples/{n}.json": "x" * 10_000 for n in range(50)})
    unpacked = archives.unpack_lines(data, max_unpacked_bytes=100_000)
    assert len(unpacked) < 120_000
    assert len(unpacked.splitlines()) == 50


def test_members_packed_with_zstandard_are_read() -> None:
    content = json.dumps(inspect_sample()).encode()
    packed = zstandard.ZstdCompressor().compress(content)
    data = bytearray(archive({"samples/1_epoch_1.json": 0}, zipfile.ZIP_STORED))
    name = b"samples/1_epoch_1.json"
    head = data[:8] + (93).to_bytes(2, "little") + data[10:18]
    sizes = len(packed).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    local = bytes(head) + sizes + bytes(data[26:30]) + name + packed
    assert first(inspect.parse("x.eval", local)).task_id == 1


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"scores": {"a": {"value": 1}, "b": {"value": "I"}}}, "failure"),
        ({"scores": {"a": {"value": 0.5}}}, "failure"),
        ({"scores": {"a": {"value": 7}}}, None),
        ({"scores": {"a": {"value": {"x": 1}}}}, None),
        ({"scores": None, "limit": {"type": "token", "limit": 5}}, "failure"),
        ({"scores": None}, None),
        ({"error": {"message": "boom"}}, "infrastructure"),
    ],
)
def test_scores_errors_and_limits_make_the_outcome(more: Any, outcome: str | None) -> None:
    value = {"samples/a_epoch_1.json": {**inspect_sample(identity="a"), **more}}
    run = first(inspect.parse("x.eval", archive(value)))
    assert (run.task_id, run.outcome) == ("a", outcome)
