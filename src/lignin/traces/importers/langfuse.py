"""Langfuse exports: observations, traces and scores as JSON or JSONL, and single traces.

Reads the current enriched export (`observations_v2`, snake case), the older one, and the answers
of its interface (camel case, a trace with its `observations` inside). Generations give the
messages of their conversation once, tools the calls and their results, all other observations
stand without a message. Scores and evaluators are no part of a run: their records are kept.
"""

import re
from dataclasses import replace
from typing import Any

from lignin.domain.traces import ImportedTrace, ToolCall, Trajectory
from lignin.traces.chat import read_usage
from lignin.traces.fields import as_arguments, as_list, as_microusd, as_object, as_text
from lignin.traces.genai import input_messages
from lignin.traces.hiding import HIDDEN, REST, Hidden, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.spans import (
    Message,
    Span,
    as_parsed,
    as_time_ns,
    ids_below,
    plain_text,
    steps_of,
)
from lignin.traces.units import Unit, file_stem, read_units, share_out

_CONTAINERS = frozenset({"observations"})
_OBSERVATION = re.compile(
    rb'"(?:parentObservationId|parent_observation_id|usageDetails|usage_details'
    rb'|observations|calculatedTotalCost|provided_model_name|trace_name)"\s*:'
)
_TRACE = re.compile(rb'"(?:traceId|trace_id|sessionId|session_id|projectId|project_id)"\s*:')
_KINDS = re.compile(
    rb'"type"\s*:\s*"(?:GENERATION|SPAN|EVENT|TOOL|AGENT|CHAIN|RETRIEVER|EMBEDDING|GUARDRAIL)"'
)
_SCORE_MARKS = frozenset({"scoreId", "score_id", "dataType", "data_type", "string_value"})


def _get(value: dict[str, Any], name: str) -> Any:
    """Return a field in snake or in camel case."""
    if name in value:
        return value[name]
    head, *rest = name.split("_")
    return value.get(head + "".join(word.capitalize() for word in rest))


def _is_score(value: dict[str, Any]) -> bool:
    return (
        "value" in value
        and not value.get("type")
        and bool(_SCORE_MARKS & value.keys() or ("name" in value and "source" in value))
    )


def _is_observation(value: dict[str, Any]) -> bool:
    has_time = _get(value, "start_time") is not None
    return has_time and ("type" in value or _get(value, "trace_id") is not None)


def _is_trace(value: dict[str, Any]) -> bool:
    return "id" in value and ("timestamp" in value or "bookmarked" in value) and "input" in value


def _messages(given: Any, *, spoken: bool) -> tuple[Message, ...]:
    """Return what a generation was given or gave: chat messages, or anything else as text."""
    given = as_parsed(given)
    if isinstance(given, dict) and isinstance(given.get("messages"), list):
        given = given["messages"]
    if isinstance(given, dict) and "role" in given:
        given = [given]
    if isinstance(given, list) and given and all("role" in as_object(each) for each in given):
        return input_messages({"gen_ai.input.messages": given}, ())
    text = plain_text(as_object(given).get("content") if _is_message(given) else given)
    return (Message(role="assistant" if spoken else "user", text=text),) if text else ()


def _is_message(given: Any) -> bool:
    return isinstance(given, dict) and isinstance(given.get("content"), str)


def _read(value: dict[str, Any], order: int) -> Span:
    kind = as_text(value.get("type")).upper()
    details = _get(value, "usage_details") or value.get("usage")
    input_tokens, output_tokens = read_usage(as_parsed(details))
    cost = _get(value, "total_cost")
    cost = _get(value, "calculated_total_cost") if cost is None else cost
    failed = as_text(value.get("level")) == "ERROR"
    metadata = as_object(as_parsed(value.get("metadata")))
    span = Span(
        span_id=as_text(value.get("id")),
        parent_id=as_text(_get(value, "parent_observation_id")),
        name=as_text(value.get("name")),
        start_ns=as_time_ns(_get(value, "start_time")) or 0,
        end_ns=as_time_ns(_get(value, "end_time")),
        role="system",
        agent=as_text(value.get("name")) if kind == "AGENT" else "",
        model=as_text(_get(value, "provided_model_name")) or as_text(value.get("model")),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_microusd=as_microusd(cost),
        error=(as_text(_get(value, "status_message")) or "error") if failed else "",
        skill=as_text(metadata.get("skill.name")),
        order=order,
    )
    if kind == "GENERATION":
        inputs = _messages(value.get("input"), spoken=False)
        outputs = _messages(value.get("output"), spoken=True)
        return replace(span, kind="model", role="assistant", inputs=inputs, outputs=outputs)
    if kind == "TOOL":
        return replace(span, kind="tool", role="tool", call=_call(value, span))
    return replace(span, text=plain_text(value.get("input")))


def _call(value: dict[str, Any], span: Span) -> ToolCall:
    output = as_parsed(value.get("output"))
    held = as_object(output)
    text = plain_text(held.get("content") if "tool_call_id" in held else output)
    return ToolCall(
        call_id=as_text(held.get("tool_call_id")) or f"span-{span.span_id}",
        name=span.name,
        arguments=as_arguments(as_parsed(value.get("input"))),
        observation=text or span.error,
        is_error=bool(span.error),
    )


def _trace_of(unit: Unit, stem: str) -> str:
    value = as_object(unit.value)
    around = unit.around if _get(unit.around, "timestamp") is not None else {}
    return as_text(_get(value, "trace_id")) or as_text(around.get("id")) or stem


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per trace; see the module for what a step is."""
    units = read_units(data, _CONTAINERS)
    stem = file_stem(name) or "run"
    judging = _ids_judging(units)
    spans: dict[str, list[Span]] = {}
    named: list[tuple[Unit, str]] = []
    skipped = {"score": 0, "evaluator": 0, "object that is no observation": 0}
    for unit in units:
        value = unit.value
        if value is None:
            continue
        key = _trace_of(unit, stem)
        if _is_score(value):
            skipped["score"] += 1
        elif as_text(value.get("id")) in judging:
            skipped["evaluator"] += 1
        elif _is_observation(value):
            spans.setdefault(key, []).append(_read(value, unit.record.line))
            named.append((unit, key))
        elif _is_trace(value):
            key = as_text(value.get("id")) or key
            spans.setdefault(key, []).append(_root(value, unit.record.line))
            named.append((unit, key))
        else:
            skipped["object that is no observation"] += 1
    trajectories = [_trajectory(name, key, own) for key, own in spans.items()]
    counts = {what: count for what, count in skipped.items() if count}
    return share_out(
        name, "langfuse", units, named=named, trajectories=trajectories, skipped=counts
    )


def _root(value: dict[str, Any], order: int) -> Span:
    """A trace without its observations is a span around them."""
    return Span(
        span_id=f"trace-{as_text(value.get('id'))}",
        parent_id="",
        name=as_text(value.get("name")),
        start_ns=as_time_ns(value.get("timestamp")) or 0,
        role="user",
        text=plain_text(value.get("input")),
        order=order,
    )


def _trajectory(name: str, key: str, spans: list[Span]) -> Trajectory:
    return Trajectory(
        source=name,
        format="langfuse",
        session=key,
        steps=steps_of(spans),
        agent=next((span.agent for span in spans if span.agent), "langfuse"),
        model=next((span.model for span in spans if span.model), ""),
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file is an export of Langfuse."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if not (_OBSERVATION.search(head) and _TRACE.search(head)):
        return 0.0
    return 0.88 if _KINDS.search(head) or b'"calculatedTotalCost"' in head else 0.4


# What these say went wrong is what a tool or a model answered; of others it tells how it went.
_ANSWERING = frozenset({"GENERATION", "TOOL", "RETRIEVER", "EMBEDDING"})
_STATUS = ("status_message", "statusMessage")
_SCORED: Rule = dict.fromkeys(
    ("scores", "evaluation*", "expected_output", "expectedOutput", "is_correct", "tags"), HIDDEN
)


def _ids_judging(units: list[Unit]) -> frozenset[str]:
    """The ids of the evaluators' observations and of all below them: their model calls."""
    values = [as_object(unit.value) for unit in units]
    judges = [as_text(v.get("id")) for v in values if as_text(v.get("type")) == "EVALUATOR"]
    pairs = [(as_text(v.get("id")), as_text(_get(v, "parent_observation_id"))) for v in values]
    return ids_below(pairs, judges) if judges else frozenset()


def _rule(value: Any, judging: frozenset[str]) -> Rule:
    held = value if isinstance(value, dict) else {}
    if _is_score(held):
        verdict = ("value", "string_value", "stringValue", "comment", "long_string_value")
        return dict.fromkeys((*verdict, "longStringValue", "metadata"), HIDDEN)
    if as_text(held.get("id")) in judging:
        told = ("input", "output", "metadata", "status_message", "statusMessage", "tool_calls")
        return dict.fromkeys(told, HIDDEN)
    inner: Rule = REST
    if as_list(held.get("observations")):
        inner = {"*": lambda each: _rule(each, judging)}
    kind = as_text(held.get("type")).upper()
    said: Rule = {} if kind in _ANSWERING else dict.fromkeys(_STATUS, HIDDEN)
    return {**_SCORED, **said, "observations": inner}


def hide(data: bytes) -> Hidden:
    """Return an export without scores, expected outputs, and what evaluators and those below say."""
    judging = _ids_judging(read_units(data, _CONTAINERS))
    return hider(lambda value: _rule(value, judging))(data)


IMPORTER = Importer(name="langfuse", sniff=sniff, parse=parse, hide=hide)
