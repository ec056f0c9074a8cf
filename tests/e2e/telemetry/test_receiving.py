"""Telemetry over real HTTP from a real exporter, and who is not answered."""

import contextlib
import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

SPAN = {
    "traceId": "ab" * 16,
    "spanId": "cd" * 8,
    "name": "chat",
    "startTimeUnixNano": "1763000000000000000",
}


def lignin(home: Path, *words: str, **variables: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "lignin", *words, "--json"],
        env={**os.environ, "LIGNIN_HOME": str(home), **variables},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("home")
    started = subprocess.Popen(
        [sys.executable, "-m", "lignin", "up", "--otlp", "127.0.0.1:0"],
        env={**os.environ, "LIGNIN_HOME": str(home)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert started.stderr is not None
    address = ""
    while not address:
        line = started.stderr.readline().decode()
        assert line, "it ended without saying where it listens"
        found = re.search(r"telemetry in at (http://[\w.:]+)", line)
        address = found[1] if found else ""
    yield address, home
    started.send_signal(signal.SIGTERM)
    assert started.wait(timeout=30) == 0
    started.stderr.close()


def post(address: str, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, body, {"content-type": "application/json", **named})
    with contextlib.closing(connection):
        answer = connection.getresponse()
        return answer.status, answer.read()


def one_span(**attributes: str) -> bytes:
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    span = {**SPAN, "attributes": pairs}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def test_a_real_exporters_spans_become_a_session_that_can_be_read(
    server: tuple[str, Path],
) -> None:
    address, home = server
    provider = TracerProvider(resource=Resource.create({"service.name": "shop-agent"}))
    exporter = OTLPSpanExporter(endpoint=f"{address}/v1/traces", compression=None)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    facts = {"gen_ai.conversation.id": "order-77", "gen_ai.operation.name": "chat"}
    with tracer.start_as_current_span("invoke_agent shop", attributes=facts):
        said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "where is it"}]}])
        model = {**facts, "gen_ai.request.model": "m-1", "gen_ai.input.messages": said}
        with tracer.start_as_current_span("chat m-1", attributes=model):
            pass
        tool = {**facts, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find_order"}
        with tracer.start_as_current_span("execute_tool find_order", attributes=tool):
            pass
    provider.shutdown()
    listed = lignin(home, "trace", "list")["items"]
    assert isinstance(listed, list)
    (session,) = [each for each in listed if each["records"] == 3]
    assert session["client"] == "otel_genai"
    shown = json.dumps(lignin(home, "trace", "show", session["session"]))
    assert "find_order" in shown
    assert "where is it" in shown


def test_a_real_exporters_logs_and_metrics_are_taken(server: tuple[str, Path]) -> None:
    address, home = server
    provider = LoggerProvider(resource=Resource.create({"service.name": "shop-agent"}))
    exporter = OTLPLogExporter(endpoint=f"{address}/v1/logs", compression=Compression.Gzip)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    facts = {"session.id": "logged-1", "gen_ai.operation.name": "chat"}
    provider.get_logger("test").emit(LogRecord(body="order 77 is late", attributes=facts))
    provider.shutdown()
    sent = OTLPMetricExporter(endpoint=f"{address}/v1/metrics")
    reader = PeriodicExportingMetricReader(sent)
    meters = MeterProvider(metric_readers=[reader])
    meters.get_meter("test").create_counter("calls").add(1)
    assert reader.force_flush()
    meters.shutdown()
    assert "order 77 is late" in json.dumps(
        [lignin(home, "trace", "show", str(each["session"])) for each in sessions(home)[-3:]]
    )


def test_secrets_are_gone_before_anything_is_stored(server: tuple[str, Path]) -> None:
    address, home = server
    secret = "sk-ant-api03-" + "Q7" * 46 + "AA"
    body = gzip.compress(one_span(**{"session.id": "leaky", "prompt": f"use {secret} now"}))
    assert post(address, "/v1/traces", body, content_encoding="gzip") == (200, b"{}")
    for file in home.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_what_cannot_be_kept_is_told_in_the_answer(server: tuple[str, Path]) -> None:
    address, _ = server
    bad = json.loads(one_span())
    bad["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"name": "no ids"})
    status, answer = post(address, "/v1/traces", json.dumps(bad).encode())
    assert (status, json.loads(answer)["partialSuccess"]["rejectedSpans"]) == (200, "1")


def test_a_request_that_is_sent_again_adds_nothing(server: tuple[str, Path]) -> None:
    address, home = server
    body = one_span(**{"session.id": "sent-again"})
    known = {each["session"] for each in sessions(home)}
    assert [post(address, "/v1/traces", body) for _ in range(3)] == [(200, b"{}")] * 3
    assert [each["records"] for each in sessions(home) if each["session"] not in known] == [1]


def sessions(home: Path) -> list[dict[str, object]]:
    listed = lignin(home, "trace", "list")["items"]
    assert isinstance(listed, list)
    return listed


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (one_span().replace(b"resourceSpans", b"resourceLogs"), {}, 400),
        (b"not gzip", {"content_encoding": "gzip"}, 400),
        (one_span(), {"content_type": "text/plain"}, 415),
        (one_span(), {"host": "rebound.example"}, 403),
        (one_span(), {"origin": "https://page.example"}, 403),
    ],
)
def test_what_is_wrong_or_comes_from_elsewhere_is_refused(
    server: tuple[str, Path], body: bytes, headers: dict[str, str], status: int
) -> None:
    address, _ = server
    answered, said = post(address, "/v1/traces", body, **headers)
    assert answered == status, said
    assert json.loads(said)["message"]


def test_an_address_that_others_reach_needs_a_token(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lignin", "up", "--otlp", "0.0.0.0:0"],
        env={**os.environ, "LIGNIN_HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 4
    assert b"LIGNIN_OTLP_TOKEN" in done.stderr


def test_with_a_token_only_who_shows_it_is_answered(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "lignin", "up", "--otlp", "127.0.0.1:0"],
        env={**os.environ, "LIGNIN_HOME": str(tmp_path), "LIGNIN_OTLP_TOKEN": "let-me-in"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert started.stderr is not None
        found = None
        while found is None:
            found = re.search(rb"at (http://[\w.:]+)", started.stderr.readline())
        address = found[1].decode()
        assert post(address, "/v1/traces", one_span())[0] == 403
        assert post(address, "/v1/traces", one_span(), authorization="Bearer wrong")[0] == 403
        assert post(address, "/v1/traces", one_span(), authorization="Bearer let-me-in")[0] == 200
    finally:
        started.send_signal(signal.SIGTERM)
        started.communicate(timeout=30)
