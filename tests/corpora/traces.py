"""One small file per trace format, written here in the shape that its tool writes.

What tells the outcome holds the word `GOLD`, so that a test can look for it.
"""

import io
import json
import zipfile
from typing import Any

GOLD = "GOLD"
NS = 1_767_225_600_000_000_000


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


def _at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02d}.000000+00:00"


def openinference(trace: str = "t1") -> list[Any]:
    def span(identity: str, parent: str | None, kind: str, second: int, **rest: Any) -> Any:
        attributes = {"openinference.span.kind": kind, **rest}
        return {
            "name": f"{kind.lower()} {identity}",
            "context": {"trace_id": trace, "span_id": identity},
            "parent_id": parent,
            "start_time": _at(second),
            "end_time": _at(second + 1),
            "status_code": "OK",
            "attributes": attributes,
            "events": [],
        }

    asked = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "List the files",
    }
    call = "llm.output_messages.0.message.tool_calls.0.tool_call."
    answered = {
        "llm.input_messages.1.message.role": "assistant",
        "llm.input_messages.1.message.tool_calls.0.tool_call.id": "c1",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "ls",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"p": "."}',
        "llm.input_messages.2.message.role": "tool",
        "llm.input_messages.2.message.tool_call_id": "c1",
        "llm.input_messages.2.message.content": "a.py",
    }
    first = {
        "llm.output_messages.0.message.role": "assistant",
        f"{call}id": "c1",
        f"{call}function.name": "ls",
        f"{call}function.arguments": '{"p": "."}',
        "llm.model_name": "model-a",
        "llm.token_count.prompt": 7,
        "llm.token_count.completion": 2,
        "llm.cost.total": 0.01,
    }
    last = {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "There is a.py",
    }
    tool = {"tool.name": "ls", "input.value": '{"p": "."}', "output.value": "a.py"}
    return [
        span("s1", None, "AGENT", 0, **{"agent.name": "lister", "input.value": "List the files"}),
        span("s2", "s1", "LLM", 1, **asked, **first),
        span("s3", "s1", "TOOL", 3, **tool, **{"tool_call.id": "c1"}),
        span("s4", "s1", "LLM", 5, **asked, **answered, **last),
        span("s5", "s1", "EVALUATOR", 7, **{"output.value": GOLD, "eval.label": GOLD}),
        span("j1", "s5", "LLM", 7, **{"input.value": "Grade it", "output.value": GOLD}),
        span("s6", None, "CHAIN", 8, **{"evaluation.label": GOLD, "annotations.0.label": GOLD}),
    ]


def attribute(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, float):
        return {"key": key, "value": {"doubleValue": value}}
    return {"key": key, "value": {"stringValue": value}}


def genai_span(
    identity: str, parent: str, name: str, second: int, /, trace: str = "t1", **rest: Any
) -> dict[str, Any]:
    names = {key.replace("__", "."): value for key, value in rest.items()}
    start = NS + second * 10**9
    return {
        "traceId": trace,
        "spanId": identity,
        "parentSpanId": parent,
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5 * 10**8),
        "attributes": [attribute(key, value) for key, value in names.items()],
        "status": {},
    }


def genai_spans(trace: str = "t1") -> list[Any]:
    def said(role: str, *parts: Any) -> dict[str, Any]:
        return {"role": role, "parts": list(parts)}

    call = {"type": "tool_call", "id": "c1", "name": "ls", "arguments": {"p": "."}}
    back = {"type": "tool_call_response", "id": "c1", "response": "a.py"}
    ask = said("user", {"type": "text", "content": "List the files"})
    asked = json.dumps([ask])
    made = json.dumps([said("assistant", call)])
    again = json.dumps([ask, said("assistant", call), said("tool", back)])
    end = json.dumps([said("assistant", {"type": "text", "content": "There is a.py"})])
    agent = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "lister"}
    chat = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "model-a"}
    tool = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": "ls"}
    more = {"gen_ai__tool__call__id": "c1", "gen_ai__tool__call__result": "a.py"}
    names = ("gen_ai__input__messages", "gen_ai__output__messages")
    usage = {"gen_ai__usage__input_tokens": 7, "gen_ai__usage__completion_tokens": 2}
    spans = [
        genai_span("s1", "", "invoke_agent lister", 0, trace, **agent),
        genai_span(
            "s2",
            "s1",
            "chat",
            1,
            trace,
            **chat,
            **dict(zip(names, (asked, made), strict=True)),
            **usage,
        ),
        genai_span("s3", "s1", "execute_tool ls", 2, trace, **tool, **more),
        genai_span(
            "s4", "s1", "chat", 3, trace, **chat, **dict(zip(names, (again, end), strict=True))
        ),
    ]
    evaluation = {"gen_ai__evaluation__name": "q", "gen_ai__evaluation__score__label": GOLD}
    return [*spans, genai_span("s5", "s1", "evaluate", 4, trace, **evaluation)]


def otlp(*traces: list[Any], service: str = "desk") -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [attribute("service.name", service)]},
                "scopeSpans": [{"scope": {"name": "tracer"}, "spans": spans}],
            }
            for spans in traces
        ]
    }


def otlp_logs(service: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [
        {
            "timeUnixNano": str(NS + number * 10**9),
            "body": {"stringValue": record["event.name"]},
            "attributes": [attribute(key, value) for key, value in record.items()],
        }
        for number, record in enumerate(records)
    ]
    resource = {"attributes": [attribute("service.name", service)]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": rows}]}]}


def claude_logs() -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"event.name": "claude_code.user_prompt", "prompt": "List the files"},
        {"event.name": "claude_code.skill_activated", "skill.name": "lister"},
        {"event.name": "claude_code.api_request", "model": "model-a", "cost_usd": "0.02"}
        | {"input_tokens": "5", "cache_read_tokens": "10", "output_tokens": "3"}
        | {"skill.name": "lister"},
        {"event.name": "claude_code.tool_result", "tool_name": "Bash", "success": "false"}
        | {"duration_ms": "250", "tool_parameters": '{"command": "ls"}', "error": "no ls"},
    ]
    return otlp_logs("claude-code", [{"session.id": "ses-1", **row} for row in rows])


def codex_logs() -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"event.name": "codex.user_prompt", "prompt": "List the files"},
        {"event.name": "codex.sse_event", "event.kind": "response.created"},
        {"event.name": "codex.sse_event", "input_token_count": 9, "output_token_count": 4},
        {"event.name": "codex.tool_result", "tool_name": "shell", "call_id": "c1"}
        | {"arguments": '{"command": ["ls"]}', "output": "a.py", "success": "true"},
    ]
    return otlp_logs("codex_cli_rs", [{"conversation.id": "con-1", **row} for row in rows])


def langfuse(trace: str = "t1") -> list[Any]:
    def row(identity: str, parent: str | None, kind: str, second: int, **rest: Any) -> Any:
        return {
            "id": identity,
            "trace_id": trace,
            "parent_observation_id": parent,
            "type": kind,
            "name": f"{kind.lower()} {identity}",
            "start_time": f"2026-01-01 00:00:{second:02d}.000000",
            "end_time": f"2026-01-01 00:00:{second + 1:02d}.500000",
            "level": "DEFAULT",
            "trace_name": "listing",
            **rest,
        }

    ask = {"role": "user", "content": "List the files"}
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"p": "."}'}}
    made = {"role": "assistant", "content": None, "tool_calls": [call]}
    back = {"role": "tool", "tool_call_id": "c1", "content": "a.py"}
    usage = {"usage_details": {"input": 7, "output": 2}, "total_cost": 0.01}
    return [
        row("o1", None, "AGENT", 0, input="List the files"),
        row("o2", "o1", "GENERATION", 1, input=json.dumps([ask]), output=json.dumps(made))
        | {"provided_model_name": "model-a", **usage},
        row("o3", "o1", "TOOL", 3, name="ls", input='{"p": "."}', output="a.py"),
        row("o4", "o1", "GENERATION", 5, input=json.dumps([ask, made, back]))
        | {"output": json.dumps({"role": "assistant", "content": "There is a.py"})},
        row("o5", "o1", "EVALUATOR", 7, input="x", output=GOLD),
        row("j1", "o5", "GENERATION", 7, input="Grade it", output=GOLD),
        {"id": "sc", "trace_id": trace, "name": "q", "source": "API", "data_type": "NUMERIC"}
        | {"value": GOLD, "comment": GOLD},
    ]


def langfuse_trace() -> dict[str, Any]:
    def camel(name: str) -> str:
        head, *rest = name.split("_")
        return head + "".join(word.capitalize() for word in rest)

    rows = [{camel(key): each for key, each in row.items()} for row in langfuse()[:4]]
    return {
        "id": "t1",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "projectId": "p",
        "name": "listing",
        "input": "List the files",
        "observations": rows,
        "scores": [{"name": "q", "value": GOLD}],
    }


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
