"""Pure modules take clock, chance and data as arguments; a planted breach of each kind is found."""

import ast
import sys

import pytest

from architecture.purity import find_impurities, is_pure_place
from architecture.sources import PACKAGE, python_files, shown

PURE = [path for path in python_files("src") if is_pure_place(path.relative_to(PACKAGE))]
DOMAIN_MAY_IMPORT = sys.stdlib_module_names | {"pydantic", "rfc8785"}


def test_the_domain_is_among_the_pure_modules() -> None:
    assert PACKAGE / "domain" / "codec.py" in PURE


def test_pure_modules_reach_for_nothing_outside() -> None:
    found = [
        f"{shown(path)}:{fault}" for path in PURE for fault in find_impurities(path.read_text())
    ]
    assert found == []


def test_the_domain_imports_only_the_standard_library_pydantic_rfc8785_and_itself() -> None:
    strangers = []
    for path in python_files("src"):
        if path.relative_to(PACKAGE).parts[0] != "domain":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            strangers += [
                f"{shown(path)}:{module}"
                for module in modules
                if module.split(".")[0] not in DOMAIN_MAY_IMPORT
                and not f"{module}.".startswith("lignin.domain.")
            ]
    assert strangers == []


@pytest.mark.parametrize(
    "planted",
    [
        "x = open('a')",
        "def f():\n    import os\n    return os.getcwd()",
        "from os import path",
        "import importlib",
        "import urllib.request",
        "from urllib import request",
        "import time as t",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime as d\nx = d.datetime.now(d.UTC)",
        "from datetime import date as day\nx = map(day.today, ())",
        "import random\nx = random.random()",
        "import random\nx = random.Random()",
        "from random import choice\nx = choice([1])",
        "from uuid import uuid4\nx = uuid4()",
        "from pathlib import Path\nx = Path('a')",
        "def f(place):\n    return place.read_text()",
        "import sys\nsys.stdout.write('a')",
        "print('a')",
        "import gzip\nx = gzip.open('a')",
    ],
)
def test_a_planted_breach_is_found(planted: str) -> None:
    assert len(find_impurities(planted)) >= 1


@pytest.mark.parametrize(
    "harmless",
    [
        "def f(input):\n    return input",
        "from datetime import datetime\ndef f(now: datetime) -> str:\n    return now.isoformat()",
        "import random\ndef f(seed: int) -> float:\n    return random.Random(seed).random()",
        "from pathlib import PurePosixPath\nx = PurePosixPath('a').suffix",
        "import gzip, io\nx = gzip.decompress(b'')\ny = io.BytesIO()",
        "from urllib.parse import quote\nx = quote('a')",
        "import uuid\nx = uuid.UUID(int=1)",
        "import sys\nx = sys.stdlib_module_names",
        "def f(clock):\n    return clock.now()",
    ],
)
def test_what_is_harmless_is_left_alone(harmless: str) -> None:
    assert find_impurities(harmless) == []
