"""Spans and log records, however a tool wrote them, and their sessions.

Owns the outer shapes: OTLP JSON (documents and lines, camel and snake case), the flat JSON of
OpenTelemetry's and Phoenix's exports, table exports with dotted columns. Refuses to know what
attributes mean; the importers of each vocabulary read those.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lignin.domain.traces import ImportedTrace, ToolEffect, Trajectory
from lignin.traces.contracts import declared_effects, definitions_of
from lignin.traces.fields import as_list, as_object, as_text
from lignin.traces.spans import (
    Span,
    as_parsed,
    as_time_ns,
    flatten,
    ids_below,
    read_key_values,
    steps_of,
)
from lignin.traces.units import Unit, file_stem, read_units, share_out

_CONTAINERS = frozenset(
    {"resourceSpans", "scopeSpans", "instrumentationLibrarySpans", "spans", "batches"}
    | {"resource_spans", "scope_spans", "resourceLogs", "scopeLogs", "logRecords"}
    | {"resource_logs", "scope_logs", "log_records"}
)
SESSIONS = ("session.id", "gen_ai.conversation.id", "conversation.id", "langfuse.session.id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One span or log record as its tool wrote it, its attributes with dotted names.

    `resource` is what stood around it. `text` is a log record's body where that is text, `body`
    where it is not.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int | None
    is_log: bool
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    error: str = ""
    body: Any = None
    order: int = 0

    def first(self, *names: str) -> Any:
        """Return the first attribute of these names that holds something."""
        attributes = self.attributes
        for name in names:
            if name in attributes and (value := attributes[name]) not in (None, ""):
                return value
        return None

    def text(self, *names: str) -> str:
        """Return the first attribute of these names as text, "" where there is none."""
        value = self.first(*names)
        return as_text(value) if isinstance(value, str) else "" if value is None else str(value)


Read = Callable[[Record], Span | None]


def read_records(data: bytes) -> tuple[list[Unit], list[tuple[Unit, Record]]]:
    """Return all units of a file, and those that are spans or log records, read."""
    units = read_units(data, _containers(data))
    return units, [(unit, record) for unit in units if (record := _record(unit)) is not None]


def ids_judging(records: Iterable[Record], is_judge: Callable[[Record], bool]) -> frozenset[str]:
    """Return the ids of the spans that judge the run, and of all below them: their model calls."""
    records = list(records)
    judges = [record.span_id for record in records if is_judge(record)]
    return ids_below([(r.span_id, r.parent_id) for r in records], judges) if judges else frozenset()


def parse_telemetry(
    name: str,
    form: str,
    data: bytes,
    read: Read,
    *,
    is_judge: Callable[[Record], bool] = lambda _record: False,
) -> ImportedTrace:
    """Return one session per conversation that the records name, else per trace.

    Args:
        read: A record as a span, None for one that is no step.
        is_judge: Tells a span that judges the run; it and all below it are no steps.
    """
    units, found = read_records(data)
    judging = ids_judging((record for _, record in found), is_judge)
    keys = _session_keys(name, found)
    spans: dict[str, list[Span]] = {key: [] for key in keys}
    agents: dict[str, str] = {}
    versions: dict[str, str] = {}
    tools: dict[str, Mapping[str, ToolEffect]] = {key: {} for key in keys}
    skipped: Counter[str] = Counter()
    for (_, record), key in zip(found, keys, strict=True):
        span = None if record.span_id in judging else read(record)
        if span is None:
            skipped[record.name or "record without a name"] += 1
            continue
        spans[key].append(span)
        if definitions := definitions_of(record.attributes):
            tools[key] = declared_effects(definitions, tools[key])
        agents[key] = agents.get(key) or as_text(record.resource.get("service.name"))
        versions[key] = versions.get(key) or as_text(record.resource.get("service.version"))
    strange = sum(unit.value is not None for unit in units) - len(found)
    if strange:
        skipped["object that is no span"] = strange
    trajectories = [
        replace(
            _trajectory(name, form, key, own, agents.get(key, "")),
            tools=tools[key],
            agent_version=versions.get(key, ""),
        )
        for key, own in spans.items()
    ]
    named = [(unit, key) for (unit, _), key in zip(found, keys, strict=True)]
    return share_out(
        name, form, units, named=named, trajectories=trajectories, skipped=dict(skipped)
    )


def _containers(data: bytes) -> frozenset[str]:
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    # A page of an interface's answer; elsewhere `data` is a name like any other.
    is_page = head.startswith(b"{") and head[1:].lstrip().startswith((b'"data"', b'"next_cursor"'))
    return _CONTAINERS | {"data"} if is_page else _CONTAINERS


def _trajectory(name: str, form: str, key: str, spans: Iterable[Span], agent: str) -> Trajectory:
    spans = list(spans)
    if any(span.kind == "model" and not span.span_id.startswith("log-") for span in spans):
        # Some clients tell of one model call twice: the span counts the tokens, the log the cost.
        spans = [_without_tokens(span) for span in spans]
    return Trajectory(
        source=name,
        format=form,
        session=key,
        steps=steps_of(spans),
        agent=agent or next((span.agent for span in spans if span.agent), ""),
        model=next((span.model for span in spans if span.model), ""),
    )


def _without_tokens(span: Span) -> Span:
    if not span.span_id.startswith("log-"):
        return span
    return replace(span, input_tokens=None, output_tokens=None)


def _session_keys(name: str, found: list[tuple[Unit, Record]]) -> list[str]:
    """Return each record's session: its own, else its trace's, else the one the file names.

    A record of OTLP that lost what stood around it, as the stored records of one session have,
    belongs to the session that the others name.
    """
    of_trace: dict[str, str] = {}
    for _, record in found:
        own = record.text(*SESSIONS) or _text_of(record.resource)
        if own and record.trace_id:
            of_trace.setdefault(record.trace_id, own)
    only = next(iter(of_trace.values()), "")
    keys = []
    for unit, record in found:
        key = record.text(*SESSIONS) or _text_of(record.resource)
        key = key or of_trace.get(record.trace_id, "")
        if not key and _is_otlp(unit) and not unit.around:
            key = only
        keys.append(key or record.trace_id or file_stem(name) or "run")
    return keys


def _text_of(resource: Mapping[str, Any]) -> str:
    return next((text for key in SESSIONS if (text := as_text(resource.get(key)))), "")


def _is_otlp(unit: Unit) -> bool:
    return isinstance(as_object(unit.value).get("attributes"), list)


def _record(unit: Unit) -> Record | None:
    value = unit.value
    if value is None:
        return None
    if any(key.startswith(("context.", "attributes.")) for key in value):
        value = _from_columns(value)
    context = as_object(as_parsed(value.get("context") or value.get("spanContext")))
    is_log = _is_log(value)
    span_id = _identity(value, context, "spanId", "span_id")
    if not span_id and not is_log:
        return None
    attributes = flatten(read_key_values(as_parsed(value.get("attributes"))))
    if kind := as_text(value.get("span_kind")):  # a column of its own in Phoenix's exports
        attributes.setdefault("span_kind", kind)
    resource = as_object(value.get("resource")) or as_object(unit.around.get("resource"))
    order = unit.record.line
    start = _time(value, "startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime")
    if is_log:
        start = start or _time(value, "timeUnixNano", "time_unix_nano", "timestamp")
        start = start or _time(value, "observedTimeUnixNano", "observed_time_unix_nano")
        start = start or as_time_ns(attributes.get("event.timestamp"))
    body = _body(value)
    name = as_text(value.get("name")) or as_text(value.get("eventName"))
    if is_log:
        # Codex's library names an event after its line of source and keeps its name beside.
        name = "" if name.startswith("event ") else name
        name = name or as_text(attributes.get("event.name")) or as_text(body)[:200]
    return Record(
        trace_id=_identity(value, context, "traceId", "trace_id"),
        span_id=f"log-{order}" if is_log else span_id,
        parent_id=span_id if is_log else _parent(value),
        name=name,
        start_ns=start or 0,
        end_ns=_time(value, "endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime"),
        is_log=is_log,
        attributes=attributes,
        resource=flatten(read_key_values(resource.get("attributes"))),
        events=tuple(_events(value)),
        error=_error(value, attributes),
        body=body,
        order=order,
    )


def _from_columns(value: dict[str, Any]) -> dict[str, Any]:
    """A row of a table export: `context.span_id`, `attributes.llm.model_name`."""
    attributes: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, each in value.items():
        prefix, _, name = key.partition(".")
        if prefix == "context":
            rest[name] = each
        elif prefix == "attributes" and name:
            if each is not None:
                attributes[name] = each
        else:
            rest[key] = each
    return {**rest, "attributes": {**as_object(rest.get("attributes")), **attributes}}


def _is_log(value: dict[str, Any]) -> bool:
    if {"startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime"} & value.keys():
        return False
    marks = {"timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "severityNumber"}
    return bool((marks | {"severity_number", "observed_time_unix_nano"}) & value.keys()) or (
        "body" in value and "attributes" in value
    )


def _identity(value: dict[str, Any], context: dict[str, Any], *names: str) -> str:
    for holder in (value, context):
        for name in names:
            if text := as_text(holder.get(name)):
                return text.removeprefix("0x")
    return ""


def _parent(value: dict[str, Any]) -> str:
    for name in ("parentSpanId", "parent_span_id", "parent_id", "parentId"):
        if text := as_text(value.get(name)):
            return text.removeprefix("0x")
    return ""


def _time(value: dict[str, Any], *names: str) -> int | None:
    times = (as_time_ns(value.get(name)) for name in names)
    return next((time for time in times if time), None)


def _body(value: dict[str, Any]) -> Any:
    body = value.get("body")
    if isinstance(body, dict):
        body = read_key_values([{"key": "body", "value": body}]).get("body")
    return as_parsed(body)


def _events(value: dict[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for event in as_list(as_parsed(value.get("events"))):
        if isinstance(event, dict):
            yield as_text(event.get("name")), flatten(read_key_values(event.get("attributes")))


def _error(value: dict[str, Any], attributes: Mapping[str, Any]) -> str:
    status = as_object(value.get("status"))
    given = status.get("code", status.get("status_code", value.get("status_code")))
    if given in (2, "ERROR", "STATUS_CODE_ERROR", "Error", "StatusCode.ERROR"):
        said = status.get("message") or status.get("description") or value.get("status_message")
        return as_text(said) or as_text(attributes.get("error.type")) or "error"
    return as_text(attributes.get("error.type"))
