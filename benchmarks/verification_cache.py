"""What an unchanged artifact's verification costs: the kept result against running its tests anew.

The same artifact, a function with eight examples, three ways: `pytest` over the same examples as a
process of its own, with no plugin but its own; the operation `artifact.verify` on the open store, as
the command line calls it; and the service's own question, the key of the tree and the result under it,
in an open view. Prints one JSON line per figure, in milliseconds with the ratio to pytest.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lignin.app import load_settings, open_context
from lignin.artifacts.proofs import load_tests
from lignin.artifacts.store import load_examples, load_tree, trusted_givers
from lignin.operations.artifact import verify
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture, ArtifactVerify
from lignin.operations.choice import find

ROUNDS = 15
CALLS = 40
BAR = 1000
SOURCE = 'def add(a: int, b: int) -> int:\n    """Add two integers."""\n    return a + b\n'
EXAMPLES = [{"arguments": {"a": n, "b": 2 * n}, "result": 3 * n} for n in range(8)]
TESTS = f"""import json
import pytest
from add import add

@pytest.mark.parametrize("example", json.loads('''{json.dumps(EXAMPLES)}'''))
def test_add(example):
    assert add(**example["arguments"]) == example["result"]
"""


def _timed(call: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) * 1000 / times


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "add.py").write_text(SOURCE)
        (project / "test_add.py").write_text(TESTS)
        settings = load_settings({**os.environ, "LIGNIN_HOME": f"{folder}/home"}, project)
        with open_context(settings) as context:
            capture(context, ArtifactCapture(path=f"{folder}/add.py", examples=EXAMPLES))
            assert verify(context, ArtifactVerify(name="add")).verdict == "pass"

            def pytest() -> None:
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
                quiet = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
                done = subprocess.run(
                    command, cwd=folder, env=quiet, capture_output=True, check=True
                )
                assert b"8 passed" in done.stdout

            def operation() -> None:
                assert verify(context, ArtifactVerify(name="add")).reused

            with context.view() as view:
                row = find(context, view, "add")
                verifier, digest = context.open_verifier(), row.body["digest"]
                tree = load_tree(view, digest)
                examples = load_examples(view, digest, trusted_givers(view, row))
                tests = load_tests(view, digest)

                def service() -> None:
                    key = verifier.key(tree, examples, {}, tests.values())  # hashes the tree
                    found = context.artifacts.cached(view, key)
                    assert found is not None and found["verdict"] == "pass"

                ways: dict[str, tuple[Callable[[], None], int]] = {
                    "pytest, a process": (pytest, 1),
                    "operation artifact.verify, result kept": (operation, CALLS),
                    "key of the tree and kept result, in an open view": (service, CALLS),
                }
                taken: dict[str, list[float]] = {name: [] for name in ways}
                for _ in range(ROUNDS):
                    for name, (call, times) in ways.items():
                        taken[name].append(_timed(call, times))
    reference = statistics.median(taken["pytest, a process"])
    for name, times in taken.items():
        p50 = statistics.median(times)
        is_peer = name.startswith("pytest")
        figure = {
            "subject": "verification cache",
            "figure": f"{name}, p50",
            "value": round(p50, 3),
            "unit": "ms",
            "baseline": round(reference, 1),
            "ratio": round(reference / p50, 1),
            "bar": "" if is_peer else f"at least {BAR}x cheaper than pytest",
            "met": None if is_peer else reference / p50 >= BAR,
            "note": f"least {min(times):.3f} ms, {ROUNDS} rounds, interleaved",
        }
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
