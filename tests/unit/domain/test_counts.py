"""Counts in words."""

import pytest

from lignin.domain.counts import counted


@pytest.mark.parametrize(
    ("number", "what", "told"),
    [
        (1, "use", "1 use"),
        (0, "use", "0 uses"),
        (2, "branch", "2 branches"),
        (3, "family", "3 families"),
        (2, "passing run", "2 passing runs"),
    ],
)
def test_one_is_singular_and_others_are_several(number: int, what: str, told: str) -> None:
    assert counted(number, what) == told
