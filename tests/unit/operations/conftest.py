"""A caller's context on a real SQLite store in an empty folder, with a sandbox that runs vetted code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verifier
from lignin.operations.context import Context
from lignin.operations.registry import load_operations
from lignin.testing.fakes.sandbox import ProcessSandbox

OPERATIONS = load_operations()
DOUBLE = '''def double(number: int) -> int:
    """Doubles a number."""
    return number * 2
'''
EXAMPLES = [{"arguments": {"number": n}, "result": 2 * n} for n in (1, 3, 4, 7, 11, 20)]


class Desk:
    """Calls operations by name, as every surface does."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __call__(self, name: str, /, **request: Any) -> Any:
        operation = OPERATIONS[name]
        return operation.run(self.context, operation.request(**request))

    def write(self, name: str, text: str) -> str:
        """A file in the caller's folder; returns its name."""
        path = self.context.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def double(self, *, promote: bool = False) -> Any:
        """Capture a proven program named `double`, in the head where asked."""
        captured = self("artifact.capture", path=self.write("double.py", DOUBLE), examples=EXAMPLES)
        if promote:
            self("artifact.promote", name="double")
        return captured


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    """One for all tests: its warm interpreters hold nothing between runs."""
    made = ProcessSandbox()
    yield made
    made.close()


@contextmanager
def open_desk(folder: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The operations on a store in a folder, an old one where there is one."""
    environment: Mapping[str, str] = {
        "LIGNIN_HOME": str(folder / "lignin"),
        "HOME": str(folder / "home"),
        "LIGNIN_ACTOR": "user:tester",
    }
    (folder / "work").mkdir(exist_ok=True)
    settings = load_settings(environment, folder / "work")
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())
    with open_context(settings) as context:
        yield Desk(replace(context, open_sandbox=lambda: sandbox, open_verifier=lambda: verifier))


@pytest.fixture
def desk(tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The operations on a store of their own."""
    with open_desk(tmp_path, sandbox) as made:
        yield made
