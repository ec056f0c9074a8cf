"""How long an agent waits for a search over MCP, beyond what the bare protocol takes.

`lignin mcp` on the standard streams, and `/mcp` over HTTP, on a store of 10,000 proven programs. One of
twenty searches, each asked before (so its ranking is cached), is asked in turn with a ping of the same
server, which does nothing but the protocol; the figure is the 95th percentile of the differences.
Everything is on: rationale kept and redacted, a commit with fsync for each call.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

from lignin.app import load_settings, open_context
from lignin.artifacts.nearest import outline_of, words_of
from lignin.domain.artifacts import File, make_tree
from lignin.domain.candidates import Provenance
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.packages import read_candidate

STORED = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
CALLS = 200
WARM = 20
BAR_MS = 50.0
WORDS = [
    "invoice",
    "order",
    "customer",
    "refund",
    "parse",
    "render",
    "split",
    "merge",
    "total",
    "currency",
    "date",
    "address",
    "parcel",
    "weight",
    "label",
    "barcode",
    "stock",
    "shelf",
    "supplier",
    "contract",
    "clause",
    "email",
    "reply",
    "header",
    "table",
    "column",
    "row",
    "filter",
    "sort",
    "group",
    "count",
    "average",
    "median",
    "window",
    "retry",
    "backoff",
    "token",
    "cache",
    "digest",
    "archive",
    "patch",
]


def program(number: int, random: Random) -> tuple[str, str]:
    """A small program's name and source, of words that others share."""
    words = random.sample(WORDS, 6)
    name = f"{words[0]}_{words[1]}_{number}"
    told = f"{words[2].title()} the {words[3]} of a {words[4]} by its {words[5]}."
    return name, f'def {name}(value: int) -> int:\n    """{told}"""\n    return value + {number}\n'


def fill(context: Context) -> None:
    """Store the programs as verified, with the outlines that a capture leaves."""
    from lignin.domain.events import NewEvent

    random = Random(7)
    for first in range(0, STORED, 100):
        changes = []
        with context.view() as view:
            for number in range(first, min(first + 100, STORED)):
                name, source = program(number, random)
                files = make_tree({f"{name}.py": File(content=source.encode())}).files
                candidate = read_candidate(
                    context, files, ArtifactCapture(name=name.replace("_", "-"))
                )
                provenance = Provenance(source="benchmark", author="user:bench", how="handed over")
                captured = context.artifacts.capture(
                    view, context.scope, _with(candidate, provenance), requested=False,
                    owner="user:bench", successor="space:home", now=context.ledger.now(),
                )  # fmt: skip
                assert captured.change is not None
                key = f"{captured.name}@{captured.digest}"
                tree = candidate.tree
                summary = context.load_kinds()["program"].summary(tree)
                outline = outline_of(tree, words_of(name, summary))
                payload = {"to": "verified", "reason": "benchmark", "check_set": "none"}
                events = (
                    NewEvent(stream=f"version/{key}", type="version.moved", payload=payload, event_id=context.ids.new("evt")),
                    NewEvent(stream=f"outline/{key}", type="outline.noted", payload=outline.to_json(), event_id=context.ids.new("evt")),
                )  # fmt: skip
                changes += [captured.change, context.scope.change(events=events)]
        context.ledger.commit(*changes)


def _with(candidate: Any, provenance: Provenance) -> Any:
    from dataclasses import replace

    return replace(candidate, provenance=provenance)


async def measure(transport: Any) -> tuple[list[float], list[float]]:
    """Milliseconds of searches and of pings, in turn."""
    random = Random(11)
    queries = [" ".join(random.sample(WORDS, 4)) for _ in range(20)]
    searches, pings = [], []
    # the era with a session has a ping; a request of the other era differs in nothing measured here
    async with Client(transport, mode="legacy") as client:
        for number in range(WARM + CALLS):
            started = time.perf_counter()
            await client.ping()
            pinged = time.perf_counter()
            asked = {"query": queries[number % len(queries)], "rationale": "a benchmark"}
            found = await client.call_tool("artifact_search", asked)
            ended = time.perf_counter()
            assert found.structured_content["items"]
            if number >= WARM:
                pings.append((pinged - started) * 1000)
                searches.append((ended - pinged) * 1000)
    return searches, pings


@contextmanager
def served(environment: dict[str, str]) -> Iterator[Any]:
    """An HTTP server on the store; yields the transport of a client."""
    started = subprocess.Popen(
        [sys.executable, "-m", "lignin", "up", "--http", "127.0.0.1:0"],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert started.stderr is not None
    try:
        address = ""
        while not address:
            line = started.stderr.readline().decode()
            assert line, "it ended without saying where it listens"
            found = re.search(r"serving HTTP at (http://[\w.:]+)", line)
            address = found[1] if found else ""
        token = (Path(environment["LIGNIN_HOME"]) / "http.token").read_text().strip()
        headers = {"authorization": f"Bearer {token}"}
        yield StreamableHttpTransport(f"{address}/mcp", headers=headers)
    finally:
        started.terminate()
        started.wait(timeout=30)


def tell(name: str, searches: list[float], pings: list[float]) -> None:
    """Print a figure."""
    over = sorted(search - ping for search, ping in zip(searches, pings, strict=True))
    p95 = over[int(len(over) * 0.95)]
    line = {
        "subject": "mcp_search",
        "figure": f"search over {name} beyond a ping, p95",
        "value": round(p95, 1),
        "unit": "ms",
        "baseline": round(sorted(pings)[int(len(pings) * 0.95)], 1),
        "ratio": None,
        "bar": f"at most {BAR_MS:g} ms",
        "met": p95 <= BAR_MS,
        "note": f"{STORED} programs, {CALLS} calls in turn; median {statistics.median(over):.1f} ms; "
        "the baseline is the ping's own p95",
    }
    print(json.dumps(line), flush=True)


def main() -> int:
    """Fill a store, then measure both transports."""
    with tempfile.TemporaryDirectory(prefix="lignin-bench-") as folder:
        environment = {**os.environ, "LIGNIN_HOME": folder}
        with open_context(load_settings(environment, Path(folder))) as context:
            started = time.perf_counter()
            fill(context)
            print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        stdio = StdioTransport(
            command=sys.executable, args=["-m", "lignin", "mcp"], env=environment
        )
        tell("the standard streams", *asyncio.run(measure(stdio)))
        with served(environment) as transport:
            tell("HTTP", *asyncio.run(measure(transport)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
