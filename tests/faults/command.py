"""Running the real command line, in this process or as one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lignin.interfaces.cli import run

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)

    @property
    def envelope(self) -> Mapping[str, Any]:
        """The one error envelope on stderr, checked for its form."""
        lines = [json.loads(line) for line in self.err.splitlines()]
        errors = [line for line in lines if "progress" not in line]
        assert len(errors) == 1, self.err
        assert {"error", "code", "remediation"} <= set(errors[0]) <= {
            "error", "code", "remediation", "fields",
        }  # fmt: skip
        assert "Traceback" not in self.err
        assert errors[0]["error"]
        return errors[0]


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A project, a data folder and the command line on them."""

    project: Path
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path) -> Answer:
        """Run in this process."""
        self.monkeypatch.setenv("LIGNIN_HOME", str(self.home))
        self.monkeypatch.chdir(self.project)
        self.capture.readouterr()
        code = run([str(argument) for argument in arguments])
        said = self.capture.readouterr()
        return Answer(code=code, out=said.out, err=said.err)

    def refused(self, code: int, *arguments: str | Path) -> Mapping[str, Any]:
        """Run, demand an exit code, and return the envelope."""
        answer = self(*arguments)
        assert answer.code == code, (answer.code, answer.err, answer.out)
        return answer.envelope

    def require_sound(self) -> None:
        """Demand that the store agrees with itself."""
        answer = self("store", "verify")
        assert answer.code == 0, answer.out
        assert answer.value["sound"]

    def spawn(
        self, *arguments: str, wrap: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run as a process of its own; `wrap` is a shell line in which `$@` is the command."""
        command = [sys.executable, "-m", "lignin", *arguments]
        if wrap:
            command = ["bash", "-c", wrap, "bash", *command]
        return subprocess.run(
            command, cwd=self.project, env=self.surroundings(environment), capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip

    def surroundings(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process of its own."""
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**known, "PYTHONPATH": str(SOURCE), "LIGNIN_HOME": str(self.home), **(more or {})}


def tree_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
