"""Speed of reading, redacting, taking in and showing synthetic traces; one JSON line per figure.

The baseline reads the same bytes with plain `json.loads` per line and keeps nothing. The last
figure is `lignin trace import` as a person calls it, redaction and store included, on a file of
100 MB (or of the size given) in which one tool result of 50 shows a token on each line.

    python benchmarks/traces.py [megabytes]
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lignin.traces.importer import import_trace, load_importers
from lignin.traces.redact import redact

_WORDS = [
    "the",
    "order",
    "file",
    "token",
    "returned",
    "a",
    "list",
    "of",
    "paths",
    "under",
    "src",
    "and",
    "key",
    "value",
    "pairs",
]


def synthetic_session(size_bytes: int, seed: int = 7) -> bytes:
    """Return a session of about that size: prose, shell calls, results of 0.2 to 8 kB."""
    rng = random.Random(seed)
    lines, size, number = [], 0, 0
    while size < size_bytes:
        number += 1
        for record in _turn(rng, number):
            line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
            lines.append(line)
            size += len(line)
    return b"".join(lines)


def _turn(rng: random.Random, number: int) -> list[dict[str, object]]:
    common = {
        "sessionId": "0b9d3c1e-synthetic",
        "cwd": "/home/user/project",
        "version": "2.1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "isSidechain": False,
        "gitBranch": "main",
        "userType": "external",
    }
    usage = {"input_tokens": 9, "cache_read_input_tokens": 9000, "output_tokens": number % 900}
    prose = " ".join(rng.choices(_WORDS, k=rng.randint(20, 120)))
    # Made of parts, so that no scanner takes this file for a leak.
    shown = f"token gh{'p_'}{rng.getrandbits(160):040x}"[:46] if number % 50 == 0 else ""
    output = "\n".join(
        f"{rng.getrandbits(160):040x} src/module_{rng.randint(0, 99)}.py: {prose[:60]} {shown}"
        for _ in range(rng.randint(2, 80))
    )
    base = {"id": f"msg_{number}", "role": "assistant", "model": "model-a", "usage": usage}
    call = {
        "type": "tool_use",
        "id": f"toolu_{number}",
        "name": "Bash",
        "input": {"command": "git log", "description": prose[:40]},
    }
    result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": output}
    ids = [f"{number}-{part}" for part in "abc"]
    return [
        {**common, "type": "assistant", "uuid": ids[0], "parentUuid": f"{number - 1}-c"}
        | {"message": {**base, "content": [{"type": "text", "text": prose}]}},
        {**common, "type": "assistant", "uuid": ids[1], "parentUuid": ids[0]}
        | {"message": {**base, "content": [call]}},
        {**common, "type": "user", "uuid": ids[2], "parentUuid": ids[1]}
        | {"message": {"role": "user", "content": [result]}}
        | {"toolUseResult": {"stdout": output, "stderr": "", "interrupted": False}},
    ]


def _best_s(work: Callable[[], object], runs: int = 3) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _import_s(data: bytes) -> tuple[float, int]:
    """Take a file in through the command line; return the seconds and the secrets replaced."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "session.jsonl")
        file.write_bytes(data)
        environment = {**os.environ, "LIGNIN_HOME": str(Path(folder, "home"))}
        command = [sys.executable, "-m", "lignin", "trace", "import", str(file), "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        taken_s = time.perf_counter() - start
    return taken_s, sum(json.loads(done.stdout)["redacted"].values())


def _report_import(megabytes: int) -> None:
    data = synthetic_session(megabytes * 1_000_000)
    size = len(data) / 1e6
    baseline_s = _best_s(lambda: [json.loads(line) and None for line in data.splitlines()], runs=1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken_s, secrets = _import_s(data)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    value = round(size / taken_s, 1)
    report = {
        "subject": "traces",
        "figure": "trace import, redaction on, into a store",
        "value": value,
        "unit": "MB/s",
        "baseline": round(size / baseline_s, 1),
        "ratio": round(baseline_s / taken_s, 3),
        "bar": "10 MB/s",
        "met": value >= 10,
        "note": f"the whole command, {size:.0f} MB of Claude Code JSONL, {secrets} secrets replaced, "
        f"{size / cpu_s:.1f} MB per second of processor",
    }
    print(json.dumps(report), flush=True)


def synthetic_spans(count: int, levels: int) -> bytes:
    """Return one trace as OTLP lines of 500 spans: branches of that many levels."""
    start_ns = 1_767_225_600_000_000_000
    lines, spans = [], []
    for number in range(count):
        depth = number % levels
        attributes = [{"key": "gen_ai.agent.name", "value": {"stringValue": f"a{depth % 7}"}}]
        span = {
            "traceId": "t",
            "spanId": f"s{number}",
            "parentSpanId": f"s{number - 1}" if depth else "",
            "name": f"work {'abcdefghij'[number * 7 % 10]}",
            "startTimeUnixNano": str(start_ns + number * 1000),
            "endTimeUnixNano": str(start_ns + number * 2000 + 1),
            "attributes": attributes,
        }
        spans.append(span)
        if len(spans) == 500 or number == count - 1:
            scopes = [{"scope": {"name": "desk"}, "spans": spans}]
            lines.append(json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": scopes}]}))
            spans = []
    return "\n".join(lines).encode() + b"\n"


def _report_view(count: int = 50_000, levels: int = 130) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spans.jsonl")
        file.write_bytes(synthetic_spans(count, levels))
        environment = {**os.environ, "LIGNIN_HOME": str(Path(folder, "home"))}
        lignin = [sys.executable, "-m", "lignin", "trace"]

        def run(*words: str) -> tuple[float, str]:
            start = time.perf_counter()
            done = subprocess.run(
                [*lignin, *words], env=environment, capture_output=True, check=True, text=True
            )
            return time.perf_counter() - start, done.stdout

        import_s, _ = run("import", str(file), "--json")
        session = json.loads(run("list", "--json")[1])["items"][0]["session"]
        show_s, text = run("show", session, "--text", "--after", str(count // 2))
    report = {
        "subject": "traces",
        "figure": f"trace show, a page of {count} spans on {levels} levels",
        "value": round(show_s, 2),
        "unit": "s",
        "baseline": round(import_s, 2),
        "ratio": round(show_s / import_s, 3),
        "bar": "",
        "met": None,
        "note": f"the whole command, {len(text)} characters shown; against taking the spans in",
    }
    print(json.dumps(report), flush=True)


def main() -> None:
    """Measure and print."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    data = synthetic_session(megabytes * 1_000_000)
    size = len(data) / 1e6
    importers = load_importers()
    lines = data.splitlines()
    trace = import_trace(importers, "session.jsonl", data)
    key = b"k" * 32
    baseline_s = _best_s(lambda: [json.loads(line) and None for line in lines])
    parse_s = _best_s(lambda: import_trace(importers, "session.jsonl", data))
    redact_s = _best_s(lambda: [redact(line, key) and None for line in lines])
    spans = sum(sum(redact(line, key).counts.values()) for line in lines)
    note = f"against plain json.loads of each line; {size:.0f} MB of Claude Code JSONL, one session"
    for figure, taken_s, more in (
        ("import, redaction off", parse_s, f"{len(trace.sessions[0][0].steps)} steps"),
        ("redaction alone", redact_s, f"{spans} secrets replaced"),
    ):
        report = {
            "subject": "traces",
            "figure": figure,
            "value": round(size / taken_s, 1),
            "unit": "MB/s",
            "baseline": round(size / baseline_s, 1),
            "ratio": round(baseline_s / taken_s, 3),
            "bar": "",
            "met": None,
            "note": f"{note}, {more}",
        }
        print(json.dumps(report), flush=True)
    _report_import(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    _report_view()


if __name__ == "__main__":
    main()
