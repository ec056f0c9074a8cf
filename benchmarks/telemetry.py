"""Spans per second over OTLP/HTTP until they can be asked for, beside Arize Phoenix.

Both get the same requests, one after the other, over loopback: 512 spans of a language-model call each,
protobuf, about 1 KB a span. Ours is `lignin up --otlp` with everything on (redaction, the chain, fsync);
a span can be asked for when its request is answered, and the count is checked. Phoenix answers early and
writes later: its clock stops when its database holds all of them. Phoenix does more per span (cost,
annotations); it lives in a hash-locked environment of its own (`benchmarks/peers/phoenix`, made by
`make peers`). Without it only our own figure is told.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS = 512
OURS = (
    int(sys.argv[1]) if len(sys.argv) > 1 else 240
)  # so that asking how many there are weighs little
THEIRS = 4
BAR = 100
PEER = Path(__file__).resolve().parent / "peers" / "phoenix" / ".venv" / "bin" / "python"


def request_of(number: int) -> bytes:
    """One export request: a conversation of its own."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop-agent"
    spans = group.scope_spans.add().spans
    trace = os.urandom(16)
    for place in range(SPANS):
        span = spans.add(trace_id=trace, span_id=os.urandom(8), name="chat some-model", kind=3)
        span.start_time_unix_nano = 1_763_000_000_000_000_000 + number * 10**9 + place * 10**6
        span.end_time_unix_nano = span.start_time_unix_nano + 500_000
        asked = [{"role": "user", "parts": [{"type": "text", "content": f"order {place}? " * 12}]}]
        said = [{"role": "assistant", "parts": [{"type": "text", "content": "on its way " * 20}]}]
        for key, value in {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "some-model",
            "gen_ai.conversation.id": f"talk-{number}",
            "gen_ai.input.messages": json.dumps(asked),
            "gen_ai.output.messages": json.dumps(said),
        }.items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 120
    return bytes(request.SerializeToString())


def send(port: int, bodies: Sequence[bytes]) -> None:
    """Post the requests over one connection; every one must be taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {"content-type": "application/x-protobuf"}
    with contextlib.closing(connection):
        for body in bodies:
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status


def rate(port: int, bodies: Sequence[bytes], count: Callable[[], int]) -> float:
    """Spans per second from the first byte until `count` says that all are there."""
    wanted = len(bodies) * SPANS + count()
    started = time.perf_counter()
    send(port, bodies)
    while count() < wanted:
        time.sleep(0.05)
        assert time.perf_counter() - started < 600, "they did not arrive"
    return len(bodies) * SPANS / (time.perf_counter() - started)


@contextlib.contextmanager
def ours() -> Iterator[tuple[int, Callable[[], int]]]:
    """Our server on a free port, and how many records its store holds."""
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "lignin", "up", "--otlp", "127.0.0.1:0"],
            env={**os.environ, "LIGNIN_HOME": home},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        assert process.stderr is not None
        found = None
        while found is None:
            found = re.search(rb"127\.0\.0\.1:(\d+)", process.stderr.readline())

        def count() -> int:
            listed = subprocess.run(
                [sys.executable, "-m", "lignin", "trace", "list", "--limit", "1000", "--json"],
                env={**os.environ, "LIGNIN_HOME": home},
                capture_output=True,
                check=True,
            )
            return sum(each["records"] for each in json.loads(listed.stdout)["items"])

        try:
            yield int(found[1]), count
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


@contextlib.contextmanager
def phoenix() -> Iterator[tuple[int, Callable[[], int]]]:
    """Phoenix on a free port, and how many spans its database holds."""
    with tempfile.TemporaryDirectory() as home, socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        probe.close()
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "PHOENIX_WORKING_DIR": home,
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": "0",
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_DISABLE_AUTO_UPDATE": "true",
        }
        with (Path(home) / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(PEER), "-m", "phoenix.server.main", "serve"],
                env=variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

        def count() -> int:
            with contextlib.closing(sqlite3.connect(Path(home) / "phoenix.db", timeout=30)) as db:
                return int(db.execute("SELECT COUNT(*) FROM spans").fetchone()[0])

        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, (Path(home) / "log").read_text()[-2000:]
                time.sleep(0.2)
            yield port, count
        finally:
            process.terminate()
            process.wait()


def measure_peer() -> float:
    """Spans per second of Phoenix; its first request also sets things up and does not count."""
    with phoenix() as (port, count):
        send(port, [request_of(10_000)])
        while count() < SPANS:
            time.sleep(0.1)
        return rate(port, [request_of(20_000 + number) for number in range(THEIRS)], count)


def main() -> None:
    """Measure ours before and after the peer, and print the figure."""
    bodies = [request_of(number) for number in range(OURS)]
    with ours() as (port, count):
        first = rate(port, bodies[: OURS // 2], count)
        theirs = measure_peer() if PEER.exists() else None
        second = rate(port, bodies[OURS // 2 :], count)
    value = 2 / (1 / first + 1 / second)
    figure = {
        "subject": "telemetry",
        "figure": "spans per second over OTLP until they can be asked for",
        "value": round(value),
        "unit": "1/s",
        "baseline": round(theirs, 1) if theirs else None,
        "ratio": round(value / theirs, 1) if theirs else None,
        "bar": f"at least {BAR}x",
        "met": value / theirs >= BAR if theirs else None,
        "note": f"{'beside' if theirs else 'without'} Phoenix; {sum(map(len, bodies)) // OURS // SPANS} bytes a span, "
        f"{OURS * SPANS} of ours before and after {THEIRS * SPANS} of theirs",
    }
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
