"""Requests of the OpenTelemetry protocol into records (OTLP 1.x over HTTP: protobuf and JSON).

Owns the two encodings, which of a request's items are taken, and the answer that says so. One item
(a span, a log record, a metric) becomes one JSON line with its resource and scope around it, in the
protocol's own JSON mapping, so that the importers of trace files read what was received. Refuses to
know what attributes mean, except the few that name a session. Every bound is here.

The protobuf messages are those of `opentelemetry-proto`, which is imported on first use.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec

from lignin.domain.errors import InvalidRequestError, LimitedError, UnavailableError
from lignin.traces.telemetry import SESSIONS

Signal = Literal["traces", "logs", "metrics"]
Encoding = Literal["json", "protobuf"]
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_ITEM_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
_MAX_SESSION_CHARS = 200
_SHAPE = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
_REJECTED = {
    "traces": "rejectedSpans",
    "logs": "rejectedLogRecords",
    "metrics": "rejectedDataPoints",
}
_WANTED = frozenset({*SESSIONS, "service.name"})
_DATA = frozenset({"gauge", "sum", "histogram", "exponentialHistogram", "summary"})
_OF_A_LOG = ("timeUnixNano", "observedTimeUnixNano", "body", "attributes", "eventName")
_encode = msgspec.json.Encoder().encode
_Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One item as it is kept: its session's name, its JSON with a line end, and who sent it."""

    session: str
    content: bytes
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a request held; `rejected` counts items not taken.

    `why` says what was wrong with those, and what else of the request was not read.
    """

    items: tuple[Arrived, ...]
    rejected: int = 0
    why: str = ""


def unpack(body: bytes, encoding: str) -> bytes:
    """Return a request's body without its compression.

    Raises:
        InvalidRequestError: The compression is none that is read here, or damaged.
        LimitedError: It is larger than `MAX_BODY_BYTES`, before or after.
    """
    if len(body) > MAX_BODY_BYTES:
        raise LimitedError(f"a body of {len(body)} bytes, at most {MAX_BODY_BYTES} are read")
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise InvalidRequestError(f"content encoding {encoding!r}", hint="send gzip or none")
    stream = zlib.decompressobj(wbits=47 if encoding == "gzip" else 15)
    try:
        content = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise InvalidRequestError(f"the body is no {encoding}: {error}") from error
    if len(content) > MAX_BODY_BYTES:
        raise LimitedError(
            f"a body of over {MAX_BODY_BYTES} bytes unpacked", hint="send less at once"
        )
    if not stream.eof:
        raise InvalidRequestError(f"the body is no whole {encoding}: its end is missing")
    return content


def read_request(signal: Signal, encoding: Encoding, body: bytes) -> Received:
    """Return the items of one export request.

    Raises:
        InvalidRequestError: The body is not such a request at all.
        UnavailableError: Protobuf came and the library for it is not installed.
    """
    items: list[tuple[bytes, str, str, str]] = []
    faults: Counter[str] = Counter()
    of_trace: dict[str, str] = {}
    whose: tuple[Any, str, str] = (None, "", "")  # the resource before, its session and service
    unread: set[str] = set()
    found = _from_json(signal, body, unread) if encoding == "json" else _from_protobuf(signal, body)
    for item in found:
        fault = _fault(signal, item)
        content = b"" if fault else _encode(item) + b"\n"
        if fault or len(content) > MAX_ITEM_BYTES:
            faults[fault or f"over {MAX_ITEM_BYTES} bytes"] += 1
            continue
        if item["resource"] is not whose[0]:
            texts = _texts((item["resource"] or {}).get("attributes"))
            whose = (item["resource"], _session(texts), texts.get("service.name", ""))
        session = _session(_texts(item.get("attributes"))) or whose[1]
        if not session and signal == "metrics":
            session = _of_points(item)
        trace = item.get("traceId") or ""
        if session and trace:
            of_trace.setdefault(trace, session)
        items.append((content, session, trace, whose[2]))
    arrived = []
    for content, session, trace, agent in items:
        name = session or of_trace.get(trace) or trace or f"{signal} of {agent or 'unknown'}"
        arrived.append(Arrived(session=name[:_MAX_SESSION_CHARS], content=content, agent=agent))
    why = [f"{count} with {fault}" for fault, count in sorted(faults.items())]
    if unread:
        why.append(f"not read: {_named(unread)}")
    return Received(items=tuple(arrived), rejected=faults.total(), why="; ".join(why))


def write_answer(signal: Signal, encoding: Encoding, rejected: int, why: str) -> bytes:
    """Return the answer to a request that was taken, in the request's encoding."""
    if encoding == "protobuf":
        made = _messages(signal)[1]()
        if rejected or why:
            name = _snake(_REJECTED[signal])
            setattr(made.partial_success, name, rejected)
            made.partial_success.error_message = why
        return bytes(made.SerializeToString())
    partial = {_REJECTED[signal]: str(rejected), "errorMessage": why}
    return _encode({"partialSuccess": partial} if rejected or why else {})


def write_refusal(encoding: Encoding, code: int, message: str) -> bytes:
    """Return the body of an answer that refuses a request: a `google.rpc.Status`."""
    if encoding == "json":
        return _encode({"code": code, "message": message})
    # Two fields, `code` 1 (varint) and `message` 2 (bytes): no message type is generated for it.
    text = message.encode()[:1000]
    return bytes([0x08, code]) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _from_json(signal: Signal, body: bytes, unread: set[str]) -> Iterator[_Item]:
    """The items of a JSON request; `unread` gets the names of what is not read of it."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"the body is not JSON: {error}") from error
    outer, middle, inner = _SHAPE[signal]
    if not isinstance(value, dict):
        raise _no_request(signal, "no object")
    empty = True
    for group in _inside(value, outer, unread):
        is_snake = _snake(outer) in value or _snake(middle) in group
        resource = _camelled(group.get("resource"))
        for scoped in _inside(group, middle, unread):
            scope = _camelled(scoped.get("scope"))
            for item in _inside(scoped, inner, unread, keep=True):
                empty = False
                if is_snake or any("_" in key for key in item):
                    item = _camelled(item)  # noqa: PLW2901
                yield {"resource": resource, "scope": scope, **item}
    if empty and unread:
        raise _no_request(signal, f"no list {outer!r} with items, but {_named(unread)}")


_BESIDE = frozenset({"resource", "scope", "schemaUrl", "schema_url"})


def _inside(holder: _Item, name: str, unread: set[str], *, keep: bool = False) -> Iterator[_Item]:
    """The objects of a member that is a list, under either of the names that the protocol's JSON has.

    Args:
        keep: What is no object comes as an empty one, to be rejected.
    """
    names = (name, _snake(name))
    unread.update(holder.keys() - _BESIDE - set(names))
    for key in dict.fromkeys(names):
        value = holder.get(key)
        if value is not None and not isinstance(value, list):
            unread.add(key)
        for each in value if isinstance(value, list) else ():
            if isinstance(each, dict):
                yield each
            elif keep:
                yield {}
            else:
                unread.add(key)


def _camelled(value: Any, depth: int = 0) -> Any:
    """A part of a message with its fields' other names; an attribute's key is no field's name."""
    if depth > 4 * MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {
            _camel(key) if "_" in key else key: _camelled(each, depth + 1)
            for key, each in value.items()
        }
    return [_camelled(each, depth + 1) for each in value] if isinstance(value, list) else value


def _named(names: set[str]) -> str:
    told = ", ".join(f"{name!r:.60}" for name in sorted(names)[:5])
    return f"{told} and {len(names) - 5} more" if len(names) > 5 else told


def _no_request(signal: Signal, what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the body is no OTLP request of {signal}: {what}",
        hint="each signal has an address of its own: /v1/traces, /v1/logs, /v1/metrics",
    )


def _fault(signal: Signal, item: _Item) -> str:
    """What is wrong with an item; empty where nothing is."""
    for name in ("resource", "scope"):
        if not isinstance(item.get(name) or {}, dict):
            return f"a {name} that is no object"
    if not isinstance(item.get("attributes") or [], list):
        return "attributes that are no list"
    if signal == "metrics":
        if not isinstance(item.get("name"), str) or not item["name"]:
            return "no name"
        return "" if item.keys() & _DATA else "no data"
    if signal == "logs" and not any(item.get(name) for name in _OF_A_LOG):
        return "nothing of a log record in it"
    wanted = (("traceId", 32), ("spanId", 16))
    for name, digits in wanted:
        value = item.get(name) or ""
        if signal == "logs" and not value:
            continue
        if not isinstance(value, str) or len(value) != digits or not _is_hex(value):
            return f"a {name} that is not {digits} hex digits"
    return ""


def _is_hex(value: str) -> bool:
    try:
        return bool(bytes.fromhex(value).strip(b"\0"))
    except ValueError:
        return False


def _session(texts: Mapping[str, str]) -> str:
    return next((texts[key] for key in SESSIONS if texts.get(key)), "")


def _texts(attributes: Any) -> dict[str, str]:
    """The attributes among `_WANTED` that are text."""
    found = {}
    for each in attributes if isinstance(attributes, list) else ():
        if isinstance(each, dict) and each.get("key") in _WANTED:
            value = each.get("value")
            text = value.get("stringValue") if isinstance(value, dict) else None
            if isinstance(text, str):
                found[each["key"]] = text
    return found


def _of_points(item: _Item) -> str:
    """The session that a metric's first data point names."""
    for value in item.values():
        points = value.get("dataPoints") if isinstance(value, dict) else None
        for point in points if isinstance(points, list) else ():
            if isinstance(point, dict) and (text := _session(_texts(point.get("attributes")))):
                return text
    return ""


def _messages(signal: Signal) -> tuple[Any, Any]:
    """The request and answer types of a signal."""
    try:
        if signal == "traces":
            from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as module

            return module.ExportTraceServiceRequest, module.ExportTraceServiceResponse
        if signal == "logs":
            from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs

            return logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    except ImportError as error:
        raise UnavailableError(
            f"protobuf is not read here: {error}", hint="pip install 'lignin[otlp]', or send JSON"
        ) from error
    return metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse


def _from_protobuf(signal: Signal, body: bytes) -> Iterator[_Item]:
    from google.protobuf.message import DecodeError

    request, _ = _messages(signal)
    try:
        message = request.FromString(body)
    except (DecodeError, RecursionError) as error:
        raise InvalidRequestError(f"the body is no OTLP {signal} request: {error}") from error
    outer, middle, inner = map(_snake, _SHAPE[signal])
    write = _WRITERS.get(signal, _message)
    empty = True
    for group in getattr(message, outer):
        resource = _message(group.resource)
        for scoped in getattr(group, middle):
            scope = _message(scoped.scope)
            for item in getattr(scoped, inner):
                empty = False
                yield {"resource": resource, "scope": scope, **write(item)}
    if empty:
        message.DiscardUnknownFields()
        if message.ByteSize() < len(body):
            raise _no_request(signal, "only fields that it does not have")


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _span(span: Any) -> _Item:
    """A span, written out field by field: the general way takes three times as long."""
    made: _Item = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _attributes(span.attributes),
    }
    if span.events:
        made["events"] = [_message(each) for each in span.events]
    if span.links:
        made["links"] = [_message(each) for each in span.links]
    if span.HasField("status"):
        made["status"] = _message(span.status)
    for name in ("trace_state", "flags", "dropped_attributes_count", "dropped_events_count"):
        if value := getattr(span, name):
            made[_camel(name)] = value
    return made


def _log(record: Any) -> _Item:
    made = _message(record)
    made.setdefault("attributes", [])
    return made


def _attributes(pairs: Iterable[Any]) -> list[_Item]:
    return [{"key": pair.key, "value": _any(pair.value)} for pair in pairs]


def _any(value: Any, depth: int = 0) -> _Item:
    which = value.WhichOneof("value")
    if which is None:
        return {}
    held = getattr(value, which)
    if which == "string_value":
        return {"stringValue": held}
    if which == "int_value":
        return {"intValue": str(held)}
    if depth > MAX_DEPTH:
        return {"stringValue": "[nested too deeply]"}
    if which == "array_value":
        return {"arrayValue": {"values": [_any(each, depth + 1) for each in held.values]}}
    if which == "kvlist_value":
        pairs = [{"key": each.key, "value": _any(each.value, depth + 1)} for each in held.values]
        return {"kvlistValue": {"values": pairs}}
    return {_camel(which): _scalar(held)}


_IDS = frozenset({"trace_id", "span_id", "parent_span_id"})


def _message(message: Any, depth: int = 0) -> _Item:
    """Any message in the protocol's JSON mapping: ids as hex, 64-bit numbers as text."""
    made: _Item = {}
    for field, value in message.ListFields():
        if field.message_type is None:
            name = field.name
            if name in _IDS:
                made[_camel(name)] = value.hex()
            elif isinstance(value, bytes | int | float | str | bool):
                made[_camel(name)] = _wide(field, value)
            else:
                made[_camel(name)] = [_wide(field, each) for each in value]
        elif field.message_type.name == "KeyValue":
            made[_camel(field.name)] = _attributes(value)
        elif field.message_type.name == "AnyValue":
            made[_camel(field.name)] = _any(value)
        elif depth > MAX_DEPTH:
            continue
        elif hasattr(value, "ListFields"):
            made[_camel(field.name)] = _message(value, depth + 1)
        else:
            made[_camel(field.name)] = [_message(each, depth + 1) for each in value]
    return made


_WIDE = frozenset({3, 4, 6, 16, 18})  # the 64-bit types of a field descriptor


def _wide(field: Any, value: Any) -> Any:
    return str(value) if field.type in _WIDE else _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    if isinstance(value, float) and value - value != 0:  # JSON has no such numbers
        return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, "NaN")
    return value


@cache
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


_WRITERS: Mapping[str, Callable[[Any], _Item]] = {"traces": _span, "logs": _log}
