"""A head with a program that is needed and one that is not, and claims about it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verifier
from lignin.domain.codec import parse_json
from lignin.ports.ledger import require_known
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk
from unit.operations.suites import own_suite

CASES = [f"c{number}" for number in range(12)]
READS = '''
def run(task, seed, tools):
    """Needs `double` on four cases; `twin` is of no use."""
    has_it = task["harness"].get("double/double.py") is not None
    return {"resolved": has_it or task["case"] not in ("c1", "c2", "c3", "c4")}
'''
AGENT: dict[str, Any] = {
    "system": "python:reads:run",
    "unsandboxed": True,
    "suite": "suite.jsonl",
}


@contextmanager
def opened(folder: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The operations on the store of a folder."""
    environment = {
        "LIGNIN_HOME": str(folder / "lignin"),
        "HOME": str(folder / "home"),
        "LIGNIN_ACTOR": "user:tester",
    }
    (folder / "work").mkdir(parents=True, exist_ok=True)
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())
    with open_context(load_settings(environment, folder / "work")) as context:
        yield Desk(replace(context, open_sandbox=lambda: sandbox, open_verifier=lambda: verifier))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, sandbox: ProcessSandbox) -> Path:
    """A head with a program that is needed and one that is not, an agent that reads them, a release."""
    folder = tmp_path_factory.mktemp("claims")
    with opened(folder / "bare", sandbox) as desk:
        desk("head.create", name="main")
        for name in ("double", "twin"):
            text = DOUBLE.replace("double", name)
            made = desk("artifact.capture", path=desk.write(f"{name}.py", text), examples=EXAMPLES)
            proposal = desk("proposal.create", put=[f"{name}@{made.digest}"]).proposal
            assert desk("proposal.decide", proposal=proposal).state == "accepted"
            desk("proposal.apply", proposal=proposal)
        desk.write("reads.py", READS)
        own_suite(desk, *CASES)
    shutil.copytree(folder / "bare", folder / "cut")
    with opened(folder / "cut", sandbox) as desk:
        released(desk)
    return folder


@pytest.fixture
def head(prepared: Path, tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The head, of which nothing was released."""
    shutil.copytree(prepared / "bare", tmp_path / "own")
    with opened(tmp_path / "own", sandbox) as desk:
        yield desk


@pytest.fixture
def cut(prepared: Path, tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The head with its release."""
    shutil.copytree(prepared / "cut", tmp_path / "own")
    with opened(tmp_path / "own", sandbox) as desk:
        yield desk


def released(desk: Desk, **more: Any) -> Any:
    return desk("release.cut", head="main", **{**AGENT, **more})


def removal(desk: Desk, slot: str, claim: str = "no_worse_and_cheaper", **more: Any) -> str:
    return str(desk("proposal.create", drop=[slot], claim=claim, **more).proposal)


def proven(desk: Desk, proposal: str, **more: Any) -> Any:
    return desk("gate.prove", proposal=proposal, **{**AGENT, **more})


def plan_of(desk: Desk, decision: str) -> Any:
    with desk.context.view() as view:
        return parse_json(view.blob(require_known(view, f"decision/{decision}").body["plan"]))
