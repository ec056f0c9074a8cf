"""The Codex importer, on rollouts written here."""

import json
from typing import Any

import pytest

from lignin.traces.importers.codex import parse, sniff


def rollout(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def record(kind: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-01-01T00:00:00Z", "type": kind, "payload": payload}


def item(kind: str, **payload: Any) -> dict[str, Any]:
    return record("response_item", type=kind, **payload)


META = record("session_meta", id="c1", cwd="/project", originator="codex_cli_rs")
CONTEXT = record("turn_context", model="model-b", cwd="/project")


def shell(output: Any, **more: Any) -> bytes:
    arguments = json.dumps({"command": ["bash", "-lc", "ls"]})
    call = item("function_call", name="shell", call_id="k1", arguments=arguments)
    back = item("function_call_output", call_id="k1", output=output, **more)
    return rollout(META, CONTEXT, call, back)


def test_messages_reasoning_and_calls_become_steps() -> None:
    summary = [{"type": "summary_text", "text": "think"}]
    text = [{"type": "output_text", "text": "Working."}]
    patch = "*** Begin Patch\n*** End Patch"
    data = rollout(
        META,
        CONTEXT,
        item("message", role="developer", content=[{"type": "input_text", "text": "rules"}]),
        item("message", role="user", content=[{"type": "input_text", "text": "go"}]),
        item("reasoning", summary=summary, content=None, encrypted_content="x"),
        item("message", role="assistant", content=text),
        item("custom_tool_call", name="apply_patch", call_id="k2", input=patch),
        item(
            "custom_tool_call_output",
            call_id="k2",
            output='{"output":"ok","metadata":{"exit_code":0}}',
        ),
        item("web_search_call", action={"type": "search", "query": "q"}),
        item("local_shell_call", call_id="k3", action={"type": "exec", "command": ["pwd"]}),
    )
    trace = parse("r.jsonl", data)
    trajectory, records = trace.sessions[0]
    assert [(s.index, s.role) for s in trajectory.steps] == [
        (3, "system"),
        (4, "user"),
        (6, "assistant"),
        (7, "assistant"),
        (8, "tool"),
        (9, "assistant"),
        (10, "assistant"),
    ]
    assert trajectory.steps[2].reasoning == "think"
    patched = trajectory.steps[3].calls[0]
    assert (patched.arguments, patched.observation, patched.exit_code) == (
        {"input": patch},
        "ok",
        0,
    )
    assert trajectory.steps[5].calls[0].name == "web_search"
    assert trajectory.steps[6].calls[0].arguments["command"] == ["pwd"]
    assert (trajectory.session, trajectory.cwd, trajectory.model) == ("c1", "/project", "model-b")
    assert trajectory.steps[4].parent == 7
    assert b"".join(r.content for r in records) == data
    assert trace.skipped == {}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (json.dumps({"output": "a\n", "metadata": {"exit_code": 2}}), ("a\n", 2, True)),
        ("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nfine\n", ("fine\n", 0, False)),
        (
            "Chunk ID: f\nWall time: 0.0 seconds\nProcess exited with code 1\n"
            "Original token count: 3\nOutput:\nExit code: 0\n",
            ("Exit code: 0\n", 1, True),
        ),
        ("Wall time: 1.0 seconds\nProcess running with session ID 4\nOutput:\n", ("", None, None)),
        ("plain text", ("plain text", None, None)),
        ({"content": "denied", "success": False}, ("denied", None, True)),
        (
            [{"type": "input_text", "text": "a"}, {"type": "input_image"}],
            ("a\n[input_image]", None, None),
        ),
        ('{"rows": 3}', ('{"rows": 3}', None, None)),
    ],
)
def test_outputs_in_every_form_give_text_exit_code_and_error(output: Any, expected: Any) -> None:
    call = parse("r.jsonl", shell(output)).sessions[0][0].steps[0].calls[0]
    assert (call.observation, call.exit_code, call.is_error) == expected
    assert call.arguments == {"command": ["bash", "-lc", "ls"]}


def test_the_end_event_of_a_command_tells_its_exit_code() -> None:
    data = shell("out") + rollout(
        record("event_msg", type="exec_command_end", call_id="k1", exit_code=4)
    )
    call = parse("r.jsonl", data).sessions[0][0].steps[0].calls[0]
    assert (call.exit_code, call.is_error) == (4, True)


def test_tokens_are_counted_once_though_announced_twice() -> None:
    tokens = record(
        "event_msg",
        type="token_count",
        info={
            "last_token_usage": {"input_tokens": 7, "output_tokens": 3},
            "total_token_usage": {"input_tokens": 7},
        },
    )
    data = shell("out") + rollout(
        tokens, tokens, record("event_msg", type="token_count", info=None)
    )
    step = parse("r.jsonl", data).sessions[0][0].steps[0]
    assert (step.input_tokens, step.output_tokens) == (7, 3)


def test_an_older_file_of_bare_items_is_read_and_recognised() -> None:
    data = rollout(
        {"id": "old1", "timestamp": "2025-06-01T00:00:00Z", "instructions": None},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "function_call", "name": "shell", "call_id": "k", "arguments": '{"cmd": "ls"}'},
        {"type": "function_call_output", "call_id": "k", "output": "x"},
    )
    assert sniff("r.jsonl", data) == 1.0
    trajectory = parse("r.jsonl", data).sessions[0][0]
    assert trajectory.session == "old1"
    assert trajectory.steps[1].calls[0].arguments == {"cmd": "ls"}
    assert trajectory.steps[1].calls[0].observation == "x"


def test_a_file_without_meta_is_named_after_itself() -> None:
    assert parse("d/rollout-1.jsonl", rollout(CONTEXT)).sessions[0][0].session == "rollout-1"


def test_world_state_is_known_and_a_new_type_is_counted() -> None:
    data = rollout(
        META,
        record("world_state", files=[]),
        record("inter_agent_communication", content="hello"),
        record("compacted", message="so far"),
        record("teleport"),
        item("dream"),
    )
    trace = parse("r.jsonl", data)
    assert trace.skipped == {"teleport": 1, "response_item/dream": 1}
    assert [s.text for s in trace.sessions[0][0].steps] == ["hello", "so far"]


def test_the_practice_desk_is_marked_as_simulated() -> None:
    meta = record("session_meta", id="c1", originator="lignin-practice-desk")
    assert parse("r", rollout(meta)).sessions[0][0].simulated
    assert not parse("r", rollout(META)).sessions[0][0].simulated
