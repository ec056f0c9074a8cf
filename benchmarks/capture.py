"""How long an agent waits for the answer to `artifact capture`, and for the search among a thousand.

Twenty small programs of the verification corpus are handed over one by one on an open store with all
their examples, as an agent does it in its loop: stored, proven in the sandbox, compared with what is
there. Then the search for the nearest alone, in a store of a thousand other programs, with nothing tried.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from corpora.artifacts import Specimen, load
from lignin.app import load_settings, open_context
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.nearness import nearest_to

PROGRAMS = 20
STORED = 1000
SEARCHES = 30
CAPTURE_BAR_S = 5.0
SEARCH_BAR_MS = 100.0
WORDS = [
    "invoice",
    "order",
    "customer",
    "refund",
    "parse",
    "render",
    "split",
    "merge",
    "date",
    "time",
    "token",
    "graph",
    "node",
    "edge",
    "path",
    "color",
    "image",
    "audio",
    "matrix",
    "vector",
    "queue",
    "stack",
    "cache",
    "retry",
    "header",
    "cookie",
    "user",
    "group",
    "role",
    "price",
    "tax",
    "ship",
]


def written(folder: Path, specimen: Specimen) -> str:
    """A specimen's files in a folder of its own."""
    for path, file in specimen.tree.files.items():
        place = folder / specimen.name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
    return str(folder / specimen.name)


def examples_of(specimen: Specimen) -> list[dict[str, Any]]:
    """Its examples as a caller writes them."""
    return [
        {"arguments": each.arguments, "result": each.result, "error": each.error}
        for each in specimen.examples
    ]


def invented(random: Random, number: int) -> str:
    """A small program that nobody needs."""
    first, second, third = random.sample(WORDS, 3)
    lines = [
        random.choice(
            [
                f"    out.append(({first}, {random.randint(0, 99)}))",
                f"    if len(out) > {random.randint(0, 9)}:\n        out.pop()",
                f"    out += [ch for ch in {first} if ch > {random.choice('abc')!r}]",
            ]
        )
        for _ in range(random.randint(2, 8))
    ]
    head = f"def {first}_{second}_{number}({first}: str) -> int:\n"
    doc = f'    """Makes the {second} of a {first} for a {third}."""\n    out = []\n'
    return head + doc + "\n".join(lines) + "\n    return len(out)\n"


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def tell(figure: str, value: float, unit: str, bar: float | None, note: str) -> None:
    """Print one figure."""
    print(
        json.dumps(
            {
                "subject": "capture",
                "figure": figure,
                "value": round(value, 2),
                "unit": unit,
                "baseline": None,
                "ratio": None,
                "bar": "" if bar is None else f"at most {bar:g} {unit}",
                "met": None if bar is None else value <= bar,
                "note": note,
            }
        ),
        flush=True,
    )


def captures(context: Context, folder: Path) -> list[float]:
    """Seconds of each hand-over; all of them must hold."""
    small = [each for each in load("open", "good") if each.tree.manifest.kind == "program"]
    taken = []
    for specimen in small[:PROGRAMS]:
        request = ArtifactCapture(
            path=written(folder, specimen),
            name=specimen.name.replace("_", "-"),
            examples=examples_of(specimen),
            session="S",
        )
        taken.append(timed(lambda request=request: capture(context, request)))  # type: ignore[misc]
    return taken


def searches(context: Context, folder: Path) -> tuple[list[float], int]:
    """Milliseconds of searches among many, and how many there are."""
    random = Random(1)
    digests: list[tuple[str, str]] = []
    for number in range(STORED):
        path = folder / f"made{number}.py"
        path.write_text(invented(random, number))
        found = capture(context, ArtifactCapture(path=str(path), verify=False))
        digests.append((found.name, found.digest))
        if number % 100 == 0:
            print(f"\r{number} of {STORED} stored", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    with context.view() as view:
        rows = [view.row(f"version/{name}@{digest}") for name, digest in digests[-SEARCHES:]]
        total = view.page("version", limit=1).total
    return [
        1000 * timed(lambda row=row: nearest_to(context, row, ())) for row in rows if row
    ], total  # type: ignore[misc]


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 are not above."""
    return sorted(values)[max(0, -(-95 * len(values) // 100) - 1)]


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "LIGNIN_HOME": f"{name}/home", "LIGNIN_ACTOR": "agent:bench"}
        settings = load_settings(environment, folder)
        with open_context(settings) as context:
            taken = captures(context, folder)
            note = f"{len(taken)} small programs, open store, sandbox tier {context.open_sandbox().tier}"
            tell("capture to answer, median", statistics.median(taken), "s", CAPTURE_BAR_S, note)
            tell("capture to answer, p95", p95(taken), "s", CAPTURE_BAR_S, note)
            found, total = searches(context, folder)
            note = f"{total} versions in the store, {len(found)} searches, nothing tried"
            tell(
                "search for the nearest, median",
                statistics.median(found),
                "ms",
                SEARCH_BAR_MS,
                note,
            )
            tell("search for the nearest, p95", p95(found), "ms", None, note)


if __name__ == "__main__":
    main()
