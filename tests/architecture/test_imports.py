"""The floors hold, and the contracts of `pyproject.toml` bite on a planted breach of each."""

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from architecture.sources import PACKAGE, ROOT, python_files, shown

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)


def lint(source: Path) -> tuple[int, str]:
    """Run import-linter with the project's contracts on the package below a source folder."""
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def plant(source: Path, files: dict[str, str]) -> None:
    """Write a small package with the modules that every contract needs, and some more."""
    needed = ["domain", "ports", "artifacts", "adapters", "testing"]
    texts = {f"{name}/__init__.py": "" for name in needed} | {"__init__.py": ""} | files
    for name, text in texts.items():
        path = source / "lignin" / name
        for folder in path.relative_to(source).parents:
            (source / folder).mkdir(parents=True, exist_ok=True)
            if folder != Path():
                (source / folder / "__init__.py").touch()
        path.write_text(text)


def test_every_contract_is_kept() -> None:
    status, report = lint(PACKAGE.parent)
    assert status == 0, report


def test_no_contract_ignores_an_import() -> None:
    assert [contract["name"] for contract in CONTRACTS if "ignore_imports" in contract] == []


def test_type_only_imports_count() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert settings["exclude_type_checking_imports"] is False


def test_a_planted_package_without_a_breach_passes(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "app.py": "import lignin.adapters.store.rows, lignin.artifacts.service",
            "artifacts/service.py": "import lignin.ports.ledger",
            "adapters/store/rows.py": "import lignin.ports.ledger, lignin.adapters.store.tables",
            "adapters/store/tables.py": "import os",
            "ports/ledger.py": "import lignin.domain",
            "testing/fakes.py": "import lignin.testing.builders",
            "testing/builders.py": "",
            "interfaces/cli.py": "import lignin.app",
        },
    )
    status, report = lint(tmp_path)
    assert status == 0, report


@pytest.mark.parametrize(
    ("contract", "files"),
    [
        ("Imports go down the floors", {"domain/up.py": "import lignin.ports"}),
        (
            "Imports go down the floors",
            {
                "artifacts/a.py": "def late():\n    import lignin.traces.b",
                "traces/b.py": "",
            },
        ),
        (
            "Imports go down the floors",
            {
                "artifacts/a.py": "from typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n    import lignin.operations.b",
                "operations/b.py": "",
            },
        ),
        ("Imports go down the floors", {"helpers/a.py": ""}),
        (
            "Only the composition root knows the adapters",
            {"artifacts/a.py": "import lignin.adapters.store", "adapters/store/rows.py": ""},
        ),
        (
            "Adapters are strangers to each other",
            {
                "adapters/store/rows.py": "import lignin.adapters.broker.wire",
                "adapters/broker/wire.py": "",
            },
        ),
        (
            "The test kit stays out of production",
            {"artifacts/a.py": "from lignin.testing import fakes", "testing/fakes.py": ""},
        ),
        (
            "Domain knows nothing but the standard library, pydantic and rfc8785",
            {"domain/a.py": "import yaml"},
        ),
        (
            "Pure modules import nothing that reaches outside",
            {"artifacts/checks/a.py": "import lignin.ports.b", "ports/b.py": "import socket"},
        ),
    ],
)
def test_a_planted_breach_breaks_its_contract(
    tmp_path: Path, contract: str, files: dict[str, str]
) -> None:
    plant(tmp_path, files)
    status, report = lint(tmp_path)
    assert status == 1, report
    assert f"{contract} BROKEN" in report


def missing(text: str) -> list[str]:
    """What a file would import of the package that is not there."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lignin"
        for alias in node.names
        if not exists(node.module or "", alias.name)
    ]


def exists(module: str, name: str) -> bool:
    """Whether a module has a name, or a package a module of that name."""
    found = importlib.import_module(module)
    return hasattr(found, name) or (
        hasattr(found, "__path__") and importlib.util.find_spec(f"{module}.{name}") is not None
    )


def test_what_tests_and_benchmarks_import_exists() -> None:
    """Also where they are too slow to be run before every commit."""
    found = {
        shown(path): names
        for path in python_files("tests", "tools", "benchmarks")
        if "corpora" not in path.parts and (names := missing(path.read_text()))
    }
    assert found == {}


def test_a_planted_missing_name_is_found() -> None:
    assert missing("from lignin.domain import codec, kodec") == ["lignin.domain.kodec"]
    assert missing("from lignin.domain.codec import a_name") == ["lignin.domain.codec.a_name"]
