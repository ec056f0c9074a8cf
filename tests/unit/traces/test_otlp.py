"""OTLP requests: both encodings give the same records, and what is wrong is told."""

import base64
import gzip
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.traces import otlp
from lignin.traces.importers import otel_genai
from lignin.traces.otlp import Received, read_request, unpack, write_answer, write_refusal

TRACE, SPAN = bytes(range(16)), bytes(range(1, 9))


def spans(count: int = 1, session: str = "talk-1") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    attribute(group.resource.attributes, "service.name", "bot")
    scoped = group.scope_spans.add()
    scoped.scope.name = "tracer"
    for number in range(count):
        span = scoped.spans.add()
        span.trace_id, span.span_id = TRACE, number.to_bytes(8, "big", signed=False) or SPAN
        span.span_id = (number + 1).to_bytes(8, "big")
        span.name, span.kind = "chat some-model", 3
        span.start_time_unix_nano = 1_763_000_000_000_000_000 + number
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000
        attribute(span.attributes, "gen_ai.operation.name", "chat")
        if session:
            attribute(span.attributes, "session.id", session)
        counted = span.attributes.add(key="gen_ai.usage.input_tokens")
        counted.value.int_value = 2**40
    return request


def attribute(attributes: object, key: str, text: str) -> None:
    attributes.add(key=key).value.string_value = text  # type: ignore[attr-defined]


def as_json(request: ExportTraceServiceRequest) -> bytes:
    """The request as the protocol's JSON mapping has it: hex ids where protobuf's own has base64."""
    from google.protobuf.json_format import MessageToDict

    value = MessageToDict(request)
    for group in value["resourceSpans"]:
        for scoped in group["scopeSpans"]:
            for number, span in enumerate(scoped["spans"]):
                original = request.resource_spans[0].scope_spans[0].spans[number]
                span["traceId"], span["spanId"] = (
                    original.trace_id.hex(),
                    original.span_id.hex(),
                )
                span["kind"] = original.kind
    return json.dumps(value).encode()


def test_both_encodings_give_the_same_steps_under_the_named_session() -> None:
    request = spans(2)
    packed = read_request("traces", "protobuf", request.SerializeToString())
    plain = read_request("traces", "json", as_json(request))
    assert {item.session for item in (*packed.items, *plain.items)} == {"talk-1"}
    assert {item.agent for item in packed.items} == {"bot"}
    steps = []
    for received in (packed, plain):
        data = b"".join(item.content for item in received.items)
        trace = otel_genai.IMPORTER.parse("otlp.jsonl", data)
        assert not trace.problems
        assert not trace.skipped
        ((trajectory, _),) = trace.sessions
        assert trajectory.session == "talk-1"
        steps.append(trajectory.steps)
    assert steps[0] == steps[1]
    assert steps[0][0].input_tokens == 2**40


def test_an_item_without_a_session_joins_that_of_its_trace() -> None:
    request = spans(2, session="")
    first = request.resource_spans[0].scope_spans[0].spans[0]
    assert read_request("traces", "protobuf", request.SerializeToString()).items[0].session == (
        TRACE.hex()
    )
    attribute(first.attributes, "gen_ai.conversation.id", "talk-9")
    received = read_request("traces", "protobuf", request.SerializeToString())
    assert [item.session for item in received.items] == ["talk-9", "talk-9"]


def test_logs_keep_their_body_and_attributes() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = 1_763_000_000_000_000_000
    record.body.string_value = "claude_code.api_request"
    attribute(record.attributes, "session.id", "talk-2")
    attribute(record.attributes, "cost_usd", "0.25")
    (item,) = read_request("logs", "protobuf", request.SerializeToString()).items
    value = json.loads(item.content)
    assert (item.session, value["body"]) == (
        "talk-2",
        {"stringValue": "claude_code.api_request"},
    )
    assert value["timeUnixNano"] == "1763000000000000000"


def test_metrics_join_the_session_that_their_points_name() -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.name = "claude_code.token.usage"
    point = metric.sum.data_points.add()
    point.as_double = math.inf
    attribute(point.attributes, "session.id", "talk-3")
    (item,) = read_request("metrics", "protobuf", request.SerializeToString()).items
    assert item.session == "talk-3"
    assert json.loads(item.content)["sum"]["dataPoints"][0]["asDouble"] == "Infinity"


def test_items_that_cannot_be_kept_are_counted_and_the_rest_is_taken() -> None:
    request = spans(3)
    inside = request.resource_spans[0].scope_spans[0].spans
    inside[0].trace_id = b"short"
    inside[1].span_id = bytes(8)  # all zero is no id
    received = read_request("traces", "protobuf", request.SerializeToString())
    assert (len(received.items), received.rejected) == (1, 2)
    assert "1 with a spanId that is not 16 hex digits" in received.why
    answer = ExportTraceServiceResponse.FromString(
        write_answer("traces", "protobuf", received.rejected, received.why)
    )
    assert answer.partial_success.rejected_spans == 2
    assert json.loads(write_answer("traces", "json", 2, "why")) == {
        "partialSuccess": {"rejectedSpans": "2", "errorMessage": "why"}
    }
    assert write_answer("traces", "protobuf", 0, "") == b""
    assert write_answer("logs", "json", 0, "") == b"{}"


def test_one_item_that_is_too_large_does_not_cost_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(otlp, "MAX_ITEM_BYTES", 2_000)
    request = spans(2)
    attribute(request.resource_spans[0].scope_spans[0].spans[0].attributes, "big", "x" * 3_000)
    received = read_request("traces", "protobuf", request.SerializeToString())
    assert (len(received.items), received.rejected, received.why) == (
        1,
        1,
        "1 with over 2000 bytes",
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"resourceSpans": 3}', b"\xff\xfe", b"[" * 100_000]
)
def test_json_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="the body is"):
        read_request("traces", "json", body)


def test_protobuf_that_is_no_request_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no OTLP traces request"):
        read_request("traces", "protobuf", b"\xff" * 40)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "resource",
                        "scope",
                        "attributes",
                        "traceId",
                        "spanId",
                        "key",
                        "value",
                        "name",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=30,
    )
)
def test_no_json_makes_it_fail_otherwise(value: object) -> None:
    try:
        received = read_request("traces", "json", json.dumps(value).encode())
    except InvalidRequestError:
        return
    assert received.rejected >= 0


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(body: bytes) -> None:
    for signal in ("traces", "logs", "metrics"):
        try:
            read_request(signal, "protobuf", body)  # type: ignore[arg-type]
        except InvalidRequestError:
            continue


def test_compressed_bodies_are_unpacked_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unpack(gzip.compress(b"x" * 100), "gzip") == b"x" * 100
    assert unpack(b"plain", "") == b"plain"
    for body, encoding in ((b"no gzip", "gzip"), (gzip.compress(b"x")[:-4], "gzip"), (b"", "br")):
        with pytest.raises(InvalidRequestError):
            unpack(body, encoding)
    monkeypatch.setattr(otlp, "MAX_BODY_BYTES", 10_000)
    bomb = gzip.compress(bytes(5_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(LimitedError, match="unpacked"):
        unpack(bomb, "gzip")


def test_a_refusal_is_a_status_in_the_encoding_asked_in() -> None:
    assert json.loads(write_refusal("json", 3, "why")) == {"code": 3, "message": "why"}
    packed = write_refusal("protobuf", 3, "w" * 200)
    assert packed[:2] == b"\x08\x03"
    assert packed[2:5] == b"\x12\xc8\x01"
    assert packed.endswith(b"w" * 200)


def snake_json(signal: str, request: object) -> bytes:
    """A request as protobuf writers give it that keep the fields' own names, with ids in hex."""
    from google.protobuf.json_format import MessageToDict

    value = MessageToDict(request, preserving_proto_field_name=True)  # type: ignore[arg-type]
    if signal == "traces":
        for span in value["resource_spans"][0]["scope_spans"][0]["spans"]:
            span["trace_id"] = base64.b64decode(span["trace_id"]).hex()
            span["span_id"] = base64.b64decode(span["span_id"]).hex()
    return json.dumps(value).encode()


def one_log() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = "said"
    attribute(record.attributes, "session.id", "talk-2")
    return request


def one_metric() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.name, metric.unit = "tokens", "1"
    attribute(metric.sum.data_points.add(as_int=3).attributes, "session.id", "talk-3")
    return request


REQUESTS = {"traces": spans(2), "logs": one_log(), "metrics": one_metric()}


@pytest.mark.parametrize("signal", REQUESTS)
def test_the_fields_own_names_are_read_as_those_of_the_json_mapping(signal: Any) -> None:
    body = snake_json(signal, REQUESTS[signal])
    received = read_request(signal, "json", body)
    packed = read_request(signal, "protobuf", REQUESTS[signal].SerializeToString())
    assert [item.session for item in received.items] == [item.session for item in packed.items]
    assert b"_value" not in received.items[0].content
    assert (received.rejected, received.why) == (0, "")
    if signal == "traces":
        parsed = [
            otel_genai.IMPORTER.parse("otlp.jsonl", b"".join(item.content for item in each.items))
            for each in (received, packed)
        ]
        assert parsed[0].sessions[0][0].steps == parsed[1].sessions[0][0].steps


@pytest.mark.parametrize("sent", REQUESTS)
@pytest.mark.parametrize("signal", REQUESTS)
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_no_signal_is_taken_for_another(sent: str, signal: Any, encoding: Any) -> None:
    request = REQUESTS[sent]
    body = snake_json(sent, request) if encoding == "json" else request.SerializeToString()
    if sent == signal:
        assert read_request(signal, encoding, body).rejected == 0
        return
    try:
        received = read_request(signal, encoding, body)
    except InvalidRequestError as error:
        assert signal in error.message or "UTF-8" in error.message
    else:
        assert (received.items, received.rejected) == ((), len(SENT[sent]))
        assert received.why


SENT = {"traces": "ab", "logs": "a", "metrics": "a"}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"resourceLogs": []}, "'resourceLogs'"),
        ({"resourceSpans": {}}, "'resourceSpans'"),
        ({"resourceSpans": ["x"]}, "'resourceSpans'"),
        ({"resourceSpans": [{"spans": [{}]}]}, "'spans'"),
        ({"resourceSpans": [{"scopeSpans": [{"logRecords": [{}]}]}]}, "'logRecords'"),
        ({f"k{n}": 1 for n in range(9)}, "4 more"),
        ([], "no object"),
    ],
)
def test_a_body_with_nothing_of_the_signal_in_it_is_refused(value: Any, named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        read_request("traces", "json", json.dumps(value).encode())


def test_an_empty_request_is_taken_and_what_else_it_holds_is_named() -> None:
    for value in ({}, {"resourceSpans": []}, {"resource_spans": None}):
        assert read_request("traces", "json", json.dumps(value).encode()) == Received(items=())
    value = json.loads(as_json(spans()))
    value["resourceSpans"].append({"scopeLogs": [{}], "schemaUrl": "x"})
    received = read_request("traces", "json", json.dumps(value).encode())
    assert (len(received.items), received.why) == (1, "not read: 'scopeLogs'")
    answer = json.loads(write_answer("traces", "json", 0, received.why))
    assert answer["partialSuccess"]["errorMessage"] == "not read: 'scopeLogs'"
    told = ExportTraceServiceResponse.FromString(
        write_answer("traces", "protobuf", 0, received.why)
    )
    assert told.partial_success.error_message == received.why


def test_deep_nesting_under_the_fields_own_names_is_no_fault_of_ours() -> None:
    for depth in (50, 200, 5000):
        deep = '{"array_value":{"values":[' * depth + "]}}" * depth
        log = f'{{"body":{deep},"time_unix_nano":"1"}}'
        body = f'{{"resource_logs":[{{"scope_logs":[{{"log_records":[{log}]}}]}}]}}'
        try:
            received = read_request("logs", "json", body.encode())
        except InvalidRequestError:
            assert depth == 5000
        else:
            assert len(received.items) == 1
