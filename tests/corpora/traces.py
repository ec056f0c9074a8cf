"""One small file per trace format, written here in the shape that its tool writes.

What tells the outcome holds the word `GOLD`, so that a test can look for it.
"""

import io
import json
import zipfile
from typing import Any

from corpora.spans import (
    GOLD,
    claude_logs,
    codex_logs,
    genai_spans,
    langfuse,
    langfuse_trace,
    openinference,
    otlp,
)


def jsonl(values: list[Any]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def tau() -> list[Any]:
    call = {"id": "1", "function": {"name": "f", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "user", "content": "hi", "index": 1},
        {"role": "assistant", "content": None, "tool_calls": [call], "index": 2},
        {"role": "tool", "tool_call_id": "1", "name": "f", "content": "Error: x", "index": 3},
    ]
    task = {"user_id": "u", "actions": [{"name": GOLD}], "outputs": [GOLD]}
    info = {"error": f"{GOLD}", "reward_info": {"reward": 1.0, "info": GOLD}, "task": task}
    return [
        {"task_id": 1, "trial": n, "reward": 1.0, "info": info, "traj": messages} for n in range(2)
    ]


def lignin_run() -> list[Any]:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    where = {"name": "practice-desk", "seed": 7, "start_state": "sha256:0", "tools": {"f": "d"}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "so", "tool_calls": [call], "model": "m", "cost": 0.5},
        {"role": "tool", "tool_call_id": "1", "content": "no such", "is_error": True},
        {"role": "assistant", "content": [{"type": "text", "text": "done"}]},
    ]
    run = {"lignin_run": 1, "task_id": "t", "agent": "a", "outcome": f"{GOLD}", "score": GOLD}
    return [{**run, "trial": n, "environment": where, "messages": messages} for n in range(2)]


def lignin_sdk() -> list[Any]:
    return [
        {"lignin_message": 1, **message, "score": GOLD} for message in lignin_run()[0]["messages"]
    ]


def tau2() -> dict[str, Any]:
    mine = {"id": "c1", "name": "find", "arguments": {"q": "x"}, "requestor": "assistant"}
    theirs = {"id": "c2", "name": "toggle", "arguments": {}, "requestor": "user"}
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    messages = [
        {"role": "assistant", "content": "Hi", "turn_idx": 0, "cost": 0.0, "usage": None},
        {"role": "user", "content": "Hello", "turn_idx": 1, "cost": 0.001, "usage": usage},
        {"role": "assistant", "content": None, "tool_calls": [mine], "turn_idx": 2, "cost": 0.01},
        {"role": "tool", "id": "c1", "content": "no such", "error": True, "requestor": "assistant"},
        {"role": "user", "content": None, "tool_calls": [theirs], "turn_idx": 4},
        {"role": "tool", "id": "c2", "content": "on", "error": False, "requestor": "user"},
    ]
    reward = {"reward": 1.0, "action_checks": [GOLD], "nl_assertions": [{"met": GOLD}]}
    return {
        "timestamp": "2026-01-01T00:00:00",
        "info": {"agent_info": {"llm": "model-a"}, "environment_info": {"domain_name": "d"}},
        "tasks": [{"id": "7", "user_scenario": {}, "evaluation_criteria": {"actions": [GOLD]}}],
        "simulations": [
            {"id": f"sim-{n}", "task_id": "7", "trial": n, "termination_reason": "user_stop"}
            | {"reward_info": {**reward, "reward": 1.0 - n}, "messages": messages}
            | {"review": {"summary": GOLD}, "info": {"note": GOLD}}
            for n in range(2)
        ],
        "simulation_index": [{"id": "sim-0", "task_id": "7", "trial": 0, "reward": GOLD}],
    }


def swe() -> dict[str, Any]:
    call = {"id": "c", "function": {"name": "create", "arguments": "{}"}}
    entry = {"action": "ls", "observation": "x", "response": "r", "thought": "t", "state": "{}"}
    return {
        "trajectory": [entry],
        "history": [
            {"role": "system", "content": "s"},
            {"role": "assistant", "action": "ls", "tool_calls": [call]},
        ],
        "info": {"exit_status": f"exit_cost {GOLD}", "submission": GOLD},
        "replay_config": {"problem_statement": {"id": "x"}, "agent": {"model": {"name": "m"}}},
    }


def mini() -> dict[str, Any]:
    response = {"model": "model-a", "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    action = {"command": "ls -l", "tool_call_id": "c1"}
    observed = {"raw_output": "a.py\n", "returncode": 1, "timestamp": 1.5}
    return {
        "info": {
            "model_stats": {"instance_cost": 0.2, "api_calls": 2},
            "mini_version": "2.0",
            "exit_status": f"LimitsExceeded{GOLD}",
            "submission": GOLD,
            "config": {"model": {"model_name": "model-a"}, "environment": {"cwd": "/repo"}},
        },
        "messages": [
            {"role": "system", "content": "You are helpful"},
            {"role": "user", "content": "Fix it"},
            {"role": "assistant", "content": "Look\n```bash\npwd\n```", "extra": {"cost": 0.1}},
            {"role": "user", "content": "<returncode>0</returncode>\n<output>\n/repo\n</output>"},
            {"role": "assistant", "content": "List", "extra": {"actions": [action], "cost": 0.1}}
            | {"extra": {"actions": [action], "cost": 0.1, "response": response}},
            {"role": "tool", "tool_call_id": "c1", "content": "ls said", "extra": observed},
            {"role": "exit", "content": GOLD, "extra": {"exit_status": GOLD, "submission": GOLD}},
        ],
        "instance_id": "repo__1",
        "trajectory_format": "mini-swe-agent-1.1",
    }


def magentic() -> list[Any]:
    messages = [
        {"role": "human", "content": "Find it"},
        {"role": "Orchestrator (thought)", "content": "Initial plan"},
        {"role": "Orchestrator (-> WebSurfer)", "content": "Please search"},
        {"role": "WebSurfer", "content": "I typed it"},
    ]
    labels = {"ground_truth": GOLD, "mistake_agent": GOLD, "mistake_step": GOLD}
    return [{"trajectory_id": f"run-{n}", "messages": messages, **labels} for n in range(2)]


def autogen() -> list[Any]:
    call = {"id": "c1", "name": "search", "arguments": '{"q": "x"}'}
    back = {"call_id": "c1", "name": "search", "content": "found", "is_error": False}
    usage = {"prompt_tokens": 4, "completion_tokens": 2}
    return [
        {"source": "user", "type": "TextMessage", "content": "Find it"},
        {"source": "WebSurfer", "type": "ToolCallRequestEvent", "content": [call]}
        | {"models_usage": usage, "created_at": "2026-01-01T00:00:00Z"},
        {"source": "WebSurfer", "type": "ToolCallExecutionEvent", "content": [back]},
        {"source": "WebSurfer", "type": "ThoughtEvent", "content": "hm"},
    ]


def inspect_sample(epoch: int = 1, identity: str | int = 1) -> dict[str, Any]:
    call = {"id": "c1", "function": "bash", "arguments": {"cmd": "ls"}, "type": "function"}
    thought = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "I look"}]
    output = {"model": "model-a", "choices": [{"message": {"id": "m1", "role": "assistant"}}]}
    return {
        "id": identity,
        "epoch": epoch,
        "input": "List the files",
        "target": GOLD,
        "messages": [
            {"role": "system", "content": "You are helpful"},
            {"role": "user", "content": "List the files"},
            {"role": "assistant", "id": "m1", "content": thought, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "function": "bash", "content": ""}
            | {"error": {"type": "timeout", "message": "attachment://" + "a" * 32}},
        ],
        "scores": {"match": {"value": "C", "explanation": GOLD}},
        "metadata": {"solution": GOLD},
        "attachments": {"a" * 32: "took too long", "b" * 32: GOLD},
        "events": [
            {"event": "sample_init", "sample": {"id": identity, "target": GOLD}},
            {
                "event": "model",
                "output": {**output, "usage": {"input_tokens": 7, "output_tokens": 3}},
            },
            {"event": "score", "score": {"value": GOLD}},
            {"event": "model", "input": [{"role": "user", "content": f"Grade it: {GOLD}"}]}
            | {"output": {"choices": [{"message": {"id": "g1", "content": GOLD}}]}},
            {"event": "info", "data": GOLD},
        ],
    }


def _inspect_spec() -> dict[str, Any]:
    return {"run_id": "r", "task": "list", "model": "model-a", "solver": "react"}


def inspect_json() -> dict[str, Any]:
    return {
        "version": 2,
        "status": "success",
        "eval": _inspect_spec(),
        "plan": {"steps": []},
        "results": {"scores": [{"name": GOLD}]},
        "samples": [inspect_sample(1), inspect_sample(2)],
        "reductions": [{"scorer": "match", "samples": [{"value": 1, "explanation": GOLD}]}],
    }


def inspect_members() -> dict[str, Any]:
    summary = {"id": 1, "epoch": 1, "target": GOLD, "scores": {"match": {"value": GOLD}}}
    return {
        "_journal/start.json": {"version": 2, "eval": _inspect_spec(), "plan": {}},
        "samples/1_epoch_1.json": inspect_sample(1),
        "samples/1_epoch_2.json": inspect_sample(2),
        "summaries.json": [summary],
        "reductions.json": [{"scorer": "match", "samples": [{"value": GOLD}]}],
        "header.json": {"eval": _inspect_spec(), "results": {"scores": [GOLD]}},
    }


def archive(members: dict[str, Any], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, value in members.items():
            packed.writestr(zipfile.ZipInfo(name), json.dumps(value, indent=2), method)
    return file.getvalue()


FILES: dict[str, tuple[str, str, Any]] = {
    "lignin_run": ("lignin_run", "runs.jsonl", lignin_run),
    "lignin_sdk": ("lignin_sdk", "session.jsonl", lignin_sdk),
    "tau_bench": ("tau_bench", "run.jsonl", tau),
    "tau_list": ("tau_bench", "run.json", tau),
    "tau2_bench": ("tau2_bench", "run.json", tau2),
    "swe_agent": ("swe_agent", "run.traj", swe),
    "mini_swe_agent": ("mini_swe_agent", "run.traj.json", mini),
    "magentic_one": ("magentic_one", "runs.jsonl", magentic),
    "autogen": ("magentic_one", "events.jsonl", autogen),
    "inspect_json": ("inspect", "run.json", inspect_json),
    "inspect_eval": ("inspect", "run.eval", inspect_members),
    "openinference": ("openinference", "spans.jsonl", openinference),
    "otlp": ("otel_genai", "spans.json", lambda: otlp(genai_spans("t1"), genai_spans("t2"))),
    "otlp_lines": ("otel_genai", "spans.jsonl", lambda: [otlp(genai_spans(t)) for t in ("a", "b")]),
    "claude_logs": ("otel_genai", "logs.jsonl", lambda: [claude_logs()]),
    "codex_logs": ("otel_genai", "logs.json", codex_logs),
    "langfuse": ("langfuse", "observations.jsonl", langfuse),
    "langfuse_trace": ("langfuse", "trace.json", langfuse_trace),
}
"""kind -> (importer, file name, what the file holds)"""


def written(kind: str, value: Any = None) -> bytes:
    """The bytes of a kind of file, of its own content or of another value."""
    _, name, make = FILES[kind]
    value = make() if value is None else value
    if name.endswith(".eval"):
        return archive(value if isinstance(value, dict) else {"samples/x.json": value})
    if name.endswith(".jsonl"):
        return jsonl(value if isinstance(value, list) else [value])
    return json.dumps(value, indent=1).encode()
