"""OpenInference spans: Phoenix exports (JSON, JSONL, table rows) and OTLP JSON.

Model spans give the messages of their conversation once, tool spans the calls and their results;
agents, chains, retrievers and the rest stand as spans without a message, with their input as
text. Evaluator spans, evaluations and annotations are no part of a run: their records are kept.
"""

import re
from dataclasses import replace
from typing import Any

from lignin.domain.traces import ImportedTrace, ToolCall
from lignin.traces.chat import ROLES
from lignin.traces.fields import (
    as_arguments,
    as_count,
    as_microusd,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.hiding import HIDDEN, REST, Hidden, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.spans import (
    Message,
    Span,
    as_parsed,
    flatten,
    nest,
    plain_text,
    read_key_values,
)
from lignin.traces.telemetry import Record, ids_judging, parse_telemetry, read_records

_KIND = "openinference.span.kind"
_MARK = re.compile(
    rb'"(?:attributes\.)?openinference\.span\.kind"|"openinference"\s*:'
    rb'|"span_kind"\s*:\s*"(?:LLM|TOOL|AGENT|CHAIN|RETRIEVER)"'
)
_VERDICTS = ("evaluation*", "annotation*", "trace.evaluation*", "trace.annotation*")
_VERDICT_PREFIXES = tuple(name.removesuffix("*") for name in _VERDICTS) + (
    "session.evaluation",
    "session.annotation",
    "eval.",
)


def _message(item: dict[str, Any]) -> Message:
    flat = flatten(item)
    role = ROLES.get(as_text(flat.get("message.role")), "user")
    content = flat.get("message.content")
    text = content_text(content)
    for part in nest(flat, "message.contents"):
        inner = flatten(part)
        text += as_text(inner.get("message_content.text"))
    calls = []
    for number, call in enumerate(nest(flat, "message.tool_calls")):
        inner = flatten(call)
        calls.append(
            ToolCall(
                call_id=as_text(inner.get("tool_call.id")) or f"call-{number}",
                name=as_text(inner.get("tool_call.function.name")),
                arguments=as_arguments(_arguments(inner)),
            )
        )
    answers = as_text(flat.get("message.tool_call_id"))
    return Message(role=role, text=text, calls=tuple(calls), answers=answers)


def _arguments(flat: dict[str, Any]) -> Any:
    name = "tool_call.function.arguments"
    if name in flat:
        return flat[name]
    start = f"{name}."
    return {key[len(start) :]: flat[key] for key in flat if key.startswith(start)}


def _kind(record: Record) -> str:
    return record.text(_KIND, "span_kind").upper()


def _is_judge(record: Record) -> bool:
    return _kind(record) == "EVALUATOR"


def _read(record: Record) -> Span | None:
    kind = _kind(record)
    if record.is_log:
        return None
    attributes = dict(record.attributes)
    span = Span(
        span_id=record.span_id,
        parent_id=record.parent_id,
        name=record.name,
        start_ns=record.start_ns,
        end_ns=record.end_ns,
        agent=record.text("agent.name", "graph.node.id"),
        error=record.error or _exception(record),
        order=record.order,
        role="system",
        text=plain_text(record.first("input.value")),
        model=record.text("llm.model_name", "embedding.model_name"),
        input_tokens=as_count(record.first("llm.token_count.prompt")),
        output_tokens=as_count(record.first("llm.token_count.completion")),
        cost_microusd=as_microusd(record.first("llm.cost.total")),
        skill=record.text("skill.name"),
    )
    if kind == "LLM":
        return _model(span, record, attributes)
    if kind == "TOOL":
        return _tool(span, record)
    return span


def _model(span: Span, record: Record, attributes: dict[str, Any]) -> Span:
    inputs = tuple(map(_message, nest(attributes, "llm.input_messages")))
    outputs = tuple(map(_message, nest(attributes, "llm.output_messages")))
    if not inputs:
        prompts = nest(attributes, "llm.prompts")
        said = plain_text(record.first("input.value", "llm.prompts"))
        texts = [as_text(flatten(each).get("prompt.text")) for each in prompts] or [said]
        inputs = tuple(Message(role="user", text=text) for text in texts if text)
    if not outputs:
        outputs = (Message(role="assistant", text=plain_text(record.first("output.value"))),)
    return replace(span, kind="model", role="assistant", text="", inputs=inputs, outputs=outputs)


def _tool(span: Span, record: Record) -> Span:
    given = record.first("tool.parameters", "input.value")
    start = "tool.parameters."
    spelled = {k[len(start) :]: v for k, v in record.attributes.items() if k.startswith(start)}
    call = ToolCall(
        call_id=record.text("tool_call.id", "tool.id") or f"span-{record.span_id}",
        name=record.text("tool.name") or record.name,
        arguments=as_arguments(spelled or as_parsed(given)),
        observation=plain_text(record.first("output.value")) or span.error,
        is_error=bool(span.error),
    )
    return replace(span, kind="tool", role="tool", text="", call=call)


def _exception(record: Record) -> str:
    for name, attributes in record.events:
        if name == "exception":
            return as_text(attributes.get("exception.message")) or "exception"
    return ""


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per conversation or trace; see the module for what a step is."""
    return parse_telemetry(name, "openinference", data, _read, is_judge=_is_judge)


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds OpenInference spans."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if not _MARK.search(head):
        return 0.0
    return 0.95 if b"span" in head and (b"trace_id" in head or b"traceId" in head) else 0.3


def _attribute_rule(attribute: Any) -> Rule:
    """The rule of one of OTLP's `{key, value}` pairs."""
    key = as_text(attribute.get("key")) if isinstance(attribute, dict) else ""
    return {"value": HIDDEN} if key.startswith(_VERDICT_PREFIXES) else REST


_NAMES: Rule = dict.fromkeys(
    (*_VERDICTS, "session.evaluation*", "session.annotation*", "eval.*", "tag.tags", "tags"), HIDDEN
)


def _attributes_rule(attributes: Any) -> Rule:
    return {"*": _attribute_rule} if isinstance(attributes, list) else _NESTED_NAMES


_NESTED_NAMES: Rule = {**_NAMES, "trace": _NAMES, "session": _NAMES, "eval": HIDDEN}


_STATUS: Rule = {"status": {"message": HIDDEN, "description": HIDDEN}, "status_message": HIDDEN}
_ANSWERING = frozenset({"LLM", "TOOL", "RETRIEVER", "EMBEDDING", "RERANKER"})


def _is_answer(span: dict[str, Any]) -> bool:
    """True for a call of a model or a tool: what went wrong there is what it answered."""
    attributes = flatten(read_key_values(as_parsed(span.get("attributes"))))
    kinds = (attributes.get(_KIND), span.get(f"attributes.{_KIND}"), span.get("span_kind"))
    return any(as_text(kind).upper() in _ANSWERING for kind in kinds)


def _span_rule(span: Any, judging: frozenset[str]) -> Rule:
    if not isinstance(span, dict):
        return REST
    context = as_object(as_parsed(span.get("context")))
    names = (span.get(name) for name in ("spanId", "span_id", "context.span_id"))
    known = next((each for each in (*names, context.get("span_id")) if each), "")
    if as_text(known).removeprefix("0x") in judging:
        return _JUDGED
    return {
        **({} if _is_answer(span) else _STATUS),
        "attributes": _attributes_rule,
        "annotations": HIDDEN,
        "evaluations": HIDDEN,
        "span_annotations": HIDDEN,
        "attributes.eval*": HIDDEN,
        "attributes.annotation*": HIDDEN,
        "attributes.trace.*": HIDDEN,
        "attributes.session.annotation*": HIDDEN,
        "attributes.session.evaluation*": HIDDEN,
        "eval.*": HIDDEN,
        "events": {"*": {"attributes": _attributes_rule}},
    }


# What is left of a span that judges, or stands below one that does: what kind of span it is.
_KEPT: Rule = {_KIND: {}, "openinference": {}, f"attributes.{_KIND}": {}}


def _judged_attribute(attribute: Any) -> Rule:
    is_kind = isinstance(attribute, dict) and attribute.get("key") == _KIND
    return {} if is_kind else {"value": HIDDEN}


def _judged_attributes(attributes: Any) -> Rule:
    return {"*": _judged_attribute} if isinstance(attributes, list) else {**_KEPT, "*": HIDDEN}


_JUDGED: Rule = {
    **_KEPT,
    "attributes": _judged_attributes,
    "attributes.*": HIDDEN,
    "events": HIDDEN,
    "status*": HIDDEN,
}


def _top_rule(value: Any, judging: frozenset[str]) -> Rule:
    def each(span: Any) -> Rule:
        return _span_rule(span, judging)

    if not isinstance(value, dict):
        return REST
    spans: Rule = {"*": each}
    scopes: Rule = {"*": {"spans": spans}}
    if "resourceSpans" in value or "resource_spans" in value:
        inner: Rule = {"*": {"scopeSpans": scopes, "scope_spans": scopes}}
        return {"resourceSpans": inner, "resource_spans": inner}
    if isinstance(value.get("data"), list):
        return {"data": spans}
    if isinstance(value.get("spans"), list):
        return {"spans": spans, "annotations": HIDDEN, "evaluations": HIDDEN}
    return each(value)


def hide(data: bytes) -> Hidden:
    """Return spans without evaluations, annotations, and what evaluators and those below say."""
    judging = ids_judging((record for _, record in read_records(data)[1]), _is_judge)
    return hider(lambda value: _top_rule(value, judging))(data)


IMPORTER = Importer(name="openinference", sniff=sniff, parse=parse, hide=hide)
