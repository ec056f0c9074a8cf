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
