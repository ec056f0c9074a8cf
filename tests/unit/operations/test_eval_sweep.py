"""Regression memory: what was fixed stays fixed, or the accept that broke it is named."""


import pytest

from unit.operations.conftest import Desk
from unit.operations.heads_with_fixes import Harnessed


@pytest.fixture
def slid(desk: Desk) -> tuple[Harnessed, str]:
    """A head of seven moves: three fixes, a bad one that only a person approved, three more."""
    made = Harnessed(desk)
    made.fix("first", "do c0.", "do c1.", target=["c0", "c1"])
    made.fix("second", "do c2.", "do c3.", target=["c2", "c3"])
    made.slip_in("manners", "be kind.")
    guilty = made.slip_in("haste", "skip c1.", "be quick.")
    made.slip_in("style", "be brief.")
    made.slip_in("tone", "be calm.")
    made.fix("third", "do c4.", target=["c4"])
    return made, guilty


def test_planted_backslide_is_found_named_and_rolled_back(slid: tuple[Harnessed, str]) -> None:
    made, guilty = slid
    swept = made.ask("eval.sweep")
    print(swept.to_text())
    assert (swept.state, swept.exit_code(), swept.broken) == ("backslides", 6, ["c1"])
    [found] = swept.backslides
    assert (found.state, found.accused, found.case) == ("named", guilty, "c1")
    print(made.desk("eval.backslides", check=True).to_text())
