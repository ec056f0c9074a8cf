"""The text of a function that stands alone."""

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.interfaces.sdk.source import standing_alone

MODULE = '''
from __future__ import annotations

import math, os
from functools import cache, lru_cache
import lignin
from lignin import capture as keep
from .beside import other

RATE = 3
HALF: float = RATE / 2
print("loaded")


def helper(n: int) -> int:
    # the reason for it
    return n * RATE


@lignin.capture(task="x")
@lru_cache
@keep
def area(n: int) -> float:
    """Area."""
    return math.pi * helper(n)


def leaning(n: int) -> int:
    return other(n)


class Held:
    def inside(self) -> int:
        return 1
'''


def test_it_has_what_it_needs_and_nothing_else() -> None:
    text = standing_alone(MODULE, "area")
    assert text == (
        "from __future__ import annotations\nimport math\nfrom functools import lru_cache\n\n\n"
        "RATE = 3\n\n\n"
        "def helper(n: int) -> int:\n    # the reason for it\n    return n * RATE\n\n\n"
        '@lru_cache\ndef area(n: int) -> float:\n    """Area."""\n    return math.pi * helper(n)\n'
    )
    held: dict[str, object] = {}
    exec(text, held)
    assert "area" in held


@pytest.mark.parametrize(
    ("name", "told"),
    [("leaning", "a module beside its own"), ("inside", "top of its module"), ("gone", "top of")],
)
def test_what_cannot_stand_alone_is_refused_with_the_reason(name: str, told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told):
        standing_alone(MODULE, name)


def test_a_module_that_does_not_parse_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="does not parse"):
        standing_alone("def f(:", "f")


SAME_NAMES = """
import os
import lignin

people = os.environ.get("HOME")
total = lignin.search
print([rest for rest in (1, 2)])
for share in range(3):
    pass


class Left:
    cents = people


@lignin.capture
def per_head(total: int, people: int, *, Left: int = 0) -> int:
    share, rest = divmod(total, people)
    return share + max((share for share in [rest]), key=lambda os: os)
"""


def test_parameters_and_names_inside_are_none_of_the_module() -> None:
    assert standing_alone(SAME_NAMES, "per_head").startswith("def per_head(total")


READS = """
import json
from dataclasses import dataclass, field

LIMIT = 3
KEY = str
TABLE = {KEY(n): n for n in range(LIMIT)}
NOTES: list[str] = []


def seen(n):
    return n


@dataclass
class Sum:
    parts: list[int] = field(default_factory=list)
    LIMIT = LIMIT


def unseen():
    return json


def outer(n: int, limit: int = LIMIT) -> Sum:
    def inner(found=None):
        global NOTES
        NOTES = NOTES + [str(found)]
        return [seen(each) for each in TABLE]

    if (LIMIT := limit) and inner():
        return Sum([LIMIT])
    return Sum()
"""


def test_defaults_annotations_and_functions_inside_read_the_module() -> None:
    text = standing_alone(READS, "outer")
    held: dict[str, object] = {}
    exec(text, held)
    outer = held["outer"]
    assert callable(outer) and outer(2).parts == [3]
    assert held["NOTES"] == ["None"]
    assert "def unseen" not in text and "json" not in text
