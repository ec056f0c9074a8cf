"""Spans, observations and log records of one small run, in the shape that each tracer writes."""

import json
from typing import Any

GOLD = "GOLD"
NS = 1_767_225_600_000_000_000


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
