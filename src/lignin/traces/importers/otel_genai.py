"""OpenTelemetry traces and logs of agents: OTLP JSON (documents or lines) and flat span JSON.

Reads the GenAI conventions with their older names, and the telemetry of Claude Code and Codex.
Model spans give the messages of their conversation once, tool spans the calls and their results,
all other spans stand without a message; of Codex's own internal spans only those that speak of a
model or tool are steps. Clients that send logs alone (Codex) give one step per event.
`Step.skill` is what the telemetry names as the skill at work.
"""

import re
from dataclasses import replace
from typing import Any

from lignin.domain.traces import ImportedTrace, Role, ToolCall
from lignin.traces.fields import as_arguments, as_count, as_exit_code, as_microusd, as_text
from lignin.traces.genai import event_message, input_messages, output_messages
from lignin.traces.hiding import HIDDEN, REST, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.spans import Message, Span, as_parsed, flatten, plain_text, read_key_values
from lignin.traces.telemetry import Record, parse_telemetry

_OTLP = re.compile(rb'"(?:resourceSpans|resourceLogs|resource_spans|resource_logs)"\s*:')
_SPEAKS = re.compile(rb'"gen_ai\.|claude_code\.|codex\.|"traceloop\.|"ai\.(?:prompt|response|tool)')
_FLAT = re.compile(rb'"(?:spanId|span_id|context\.span_id)"\s*:')
_MODEL_OPERATIONS = frozenset({"chat", "generate_content", "text_completion", "completion"})
# Current name first, then those it had before.
_NAMES = {
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "ai.model.id", "model"),
    "agent": ("gen_ai.agent.name", "agent.name", "traceloop.entity.name"),
    "skill": ("gen_ai.skill.name", "skill.name", "skill_name"),
    "tool": ("gen_ai.tool.name", "ai.toolCall.name", "tool_name"),
    "call": ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_use_id", "call_id"),
    "arguments": ("gen_ai.tool.call.arguments", "ai.toolCall.args", "tool_input", "arguments")
    + ("tool_parameters", "traceloop.entity.input", "full_command", "input"),
    "result": ("gen_ai.tool.call.result", "ai.toolCall.result", "traceloop.entity.output")
    + ("tool_output", "output", "result"),
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
    + ("ai.usage.promptTokens", "input_token_count"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
    + ("ai.usage.completionTokens", "output_token_count", "output_tokens"),
    "cost": ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "operation.cost", "cost_usd"),
}
# Claude Code counts what came from a cache apart from the rest.
_CLAUDE_INPUT = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
_EVALUATION = "gen_ai.evaluation."


def _count(value: Any) -> int | None:
    """Return a count; log attributes may be digits in text."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    return as_count(value)


def _tokens(record: Record) -> tuple[int | None, int | None]:
    known = _count(record.first(*_NAMES["input"]))
    if known is None:
        parts = [_count(record.attributes.get(name)) for name in _CLAUDE_INPUT]
        counts = [count for count in parts if count is not None]
        known = sum(counts) if counts else None
    return known, _count(record.first(*_NAMES["output"]))


def _cost(record: Record) -> int | None:
    value = record.first(*_NAMES["cost"])
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return as_microusd(value)


def _read(record: Record) -> Span | None:
    if record.name.startswith("gen_ai.evaluation"):
        return None
    input_tokens, output_tokens = _tokens(record)
    span = Span(
        span_id=record.span_id,
        parent_id=record.parent_id,
        name=record.name,
        start_ns=record.start_ns,
        end_ns=record.end_ns,
        role="system",
        agent=record.text(*_NAMES["agent"]),
        model=record.text(*_NAMES["model"]),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_microusd=_cost(record),
        error=record.error,
        skill=record.text(*_NAMES["skill"]),
        order=record.order,
    )
    return _read_log(record, span) if record.is_log else _read_span(record, span)


def _read_span(record: Record, span: Span) -> Span | None:
    operation = record.text(*_NAMES["operation"])
    kind = record.text("traceloop.span.kind")
    is_tool = operation == "execute_tool" or kind == "tool" or record.name == "claude_code.tool"
    if is_tool or (not operation and record.first("gen_ai.tool.name", "ai.toolCall.name")):
        return _tool(record, span)
    inputs = input_messages(record.attributes, record.events)
    outputs = output_messages(record.attributes, record.events)
    calls_model = operation in _MODEL_OPERATIONS or record.name == "claude_code.llm_request"
    # An agent's span repeats what the spans of its model calls say.
    is_around = operation in {"invoke_agent", "create_agent", "invoke_workflow"}
    if calls_model or ((inputs or outputs) and not is_around):
        return replace(span, kind="model", role="assistant", inputs=inputs, outputs=outputs)
    service = as_text(record.resource.get("service.name"))
    if service.startswith("codex") and not (operation or span.skill or span.model):
        return None
    if record.name == "claude_code.interaction":
        return replace(span, role="user", text=record.text("user_prompt", "prompt"))
    return replace(span, text="" if is_around else _entity_input(record))


def _entity_input(record: Record) -> str:
    return plain_text(record.first("traceloop.entity.input", "input.value"))


def _tool(record: Record, span: Span, error: str = "") -> Span:
    error = error or span.error
    succeeded = as_text(record.first("success")).lower() or record.first("success")
    failed = bool(error) or succeeded in ("false", False)
    observation = plain_text(record.first(*_NAMES["result"])) or _event_output(record)
    call = ToolCall(
        call_id=record.text(*_NAMES["call"]) or f"span-{record.span_id}",
        name=_tool_name(record) or record.name,
        arguments=as_arguments(as_parsed(record.first(*_NAMES["arguments"]))),
        observation=observation or error,
        is_error=failed,
        exit_code=as_exit_code(_count(record.first("exit_code", "process.exit.code"))),
    )
    return replace(span, kind="tool", role="tool", call=call, error=error)


def _tool_name(record: Record) -> str:
    """The tool's name; of an MCP server's tool as transcripts write it, `mcp__SERVER__TOOL`."""
    name = record.text(*_NAMES["tool"])
    if (space := record.text("tool_namespace")).startswith("mcp__"):  # Codex
        return f"{space}__{name}"
    if record.text("tool_name").startswith("mcp__"):  # Claude Code's spans
        return record.text("tool_name")
    if name == "mcp_tool":  # and its logs
        told = as_arguments(as_parsed(record.first("tool_parameters")))
        server, tool = told.get("mcp_server_name"), told.get("mcp_tool_name")
        return f"mcp__{server}__{tool}" if server and tool else name
    return name


def _event_output(record: Record) -> str:
    for name, attributes in record.events:
        if name in {"tool.output", "gen_ai.tool.output"}:
            return plain_text(attributes.get("output") or attributes.get("content"))
    return ""


def _read_log(record: Record, span: Span) -> Span | None:
    name = record.name.rpartition(".")[2] if _is_client(record) else record.name
    seconds = _count(record.first("duration_ms"))
    if seconds is not None:
        span = replace(span, end_ns=span.start_ns + seconds * 1_000_000)
    if message := event_message(record.name, record.attributes, record.body):
        is_choice = record.name == "gen_ai.choice"
        given: tuple[Message, ...] = () if is_choice else (message,)
        if message.role == "assistant" or not is_choice:
            return _said(span, message) if is_choice or given else None
    if record.name == "gen_ai.client.inference.operation.details":
        inputs = input_messages(record.attributes, ())
        outputs = output_messages(record.attributes, ())
        return replace(span, kind="model", role="assistant", inputs=inputs, outputs=outputs)
    error = record.text("error", "error.message")
    if name == "user_prompt":
        return replace(span, role="user", text=record.text("prompt"))
    if name == "tool_result":
        return _tool(record, span, error)
    if name in {"api_request", "sse_event", "assistant_response"}:
        says_nothing = span.input_tokens is None and not span.cost_microusd and not error
        if name == "sse_event" and says_nothing:
            return None
        text = record.text("response", "text")
        return replace(span, role="assistant", text=text, error=span.error or error)
    if not _is_client(record):
        return replace(span, text=plain_text(record.body))
    return replace(span, error=span.error or error)


def _is_client(record: Record) -> bool:
    service = as_text(record.resource.get("service.name"))
    return record.name.startswith(("claude_code.", "codex.")) or service.startswith(
        ("claude-code", "codex")
    )


def _said(span: Span, message: Message) -> Span:
    role: Role = message.role
    return replace(
        span,
        kind="model",
        role=role,
        outputs=(message,) if role == "assistant" else (),
        inputs=() if role == "assistant" else (message,),
    )


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per conversation or trace; see the module for what a step is."""
    return parse_telemetry(name, "otel_genai", data, _read)


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds spans or logs of an agent."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if _OTLP.search(head):
        return 0.9 if _SPEAKS.search(head) else 0.5
    return 0.85 if _FLAT.search(head) and _SPEAKS.search(head) else 0.0


def _attribute_rule(attribute: Any) -> Rule:
    key = as_text(attribute.get("key")) if isinstance(attribute, dict) else ""
    return {"value": HIDDEN} if key.startswith(_EVALUATION) else REST


def _attributes_rule(attributes: Any) -> Rule:
    if isinstance(attributes, list):
        return {"*": _attribute_rule}
    evaluation: Rule = {"evaluation": HIDDEN}
    return {f"{_EVALUATION}*": HIDDEN, "gen_ai": evaluation}


_EVENT: Rule = {"attributes": _attributes_rule}


def _event_rule(event: Any) -> Rule:
    name = as_text(event.get("name")) if isinstance(event, dict) else ""
    return {**_EVENT, "body": HIDDEN} if name.startswith("gen_ai.evaluation") else _EVENT


_STATUS: Rule = {
    "status": {"message": HIDDEN, "description": HIDDEN},
    "status_message": HIDDEN,
    "statusMessage": HIDDEN,
}
_ANSWERING_NAMES = (
    "gen_ai.tool.",
    "gen_ai.request.",
    "gen_ai.response.",
    "ai.toolCall",
    "ai.prompt",
)


def _is_answer(held: dict[str, Any]) -> bool:
    """True for a call of a model or a tool: what went wrong there is what it answered."""
    attributes = flatten(read_key_values(as_parsed(held.get("attributes"))))
    attributes |= {key.removeprefix("attributes."): held[key] for key in held}
    operation = next((attributes[name] for name in _NAMES["operation"] if name in attributes), "")
    if operation:
        return operation in _MODEL_OPERATIONS or operation == "execute_tool"
    return (
        attributes.get("traceloop.span.kind") == "tool"
        or held.get("name") in ("claude_code.tool", "claude_code.llm_request")
        or any(key.startswith(_ANSWERING_NAMES) for key in attributes)
    )


def _record_rule(record: Any) -> Rule:
    held = record if isinstance(record, dict) else {}
    is_verdict = b"gen_ai.evaluation" in str(held.get("eventName", held.get("name", ""))).encode()
    rule: dict[str, Any] = {
        "attributes": _attributes_rule,
        "events": {"*": _event_rule},
        f"attributes.{_EVALUATION}*": HIDDEN,
        **({"body": HIDDEN} if is_verdict else {}),
        **({} if _is_answer(held) else _STATUS),
    }
    return rule


def _top_rule(value: Any) -> Rule:
    each: Rule = {"*": _record_rule}
    scopes: Rule = {"*": {"spans": each, "logRecords": each, "log_records": each}}
    inner: Rule = {
        "*": dict.fromkeys(("scopeSpans", "scope_spans", "scopeLogs", "scope_logs"), scopes)
    }
    outer = dict.fromkeys(
        ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs"), inner
    )
    held = value if isinstance(value, dict) else {}
    if outer.keys() & held.keys():
        return outer
    if isinstance(held.get("data"), list) or isinstance(held.get("spans"), list):
        return {"data": each, "spans": each}
    return _record_rule(value)


# Here it says of a tool's answer whether it is an error.
hide = hider(_top_rule, kept=frozenset({"success"}))

IMPORTER = Importer(name="otel_genai", sniff=sniff, parse=parse, hide=hide)
