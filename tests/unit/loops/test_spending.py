"""How long an iteration may act, and what its attempts count as."""

from typing import Any

import pytest

from lignin.domain.loops import Amounts
from lignin.loops.laws.parse import parse_loop
from lignin.loops.laws.spending import counted, longest_checked_s, longest_s, spent_by
from unit.loops.loops import WHOLE


def loop(**action: Any) -> Any:
    check = {"kind": "command", "run": "check", "limit_s": 50}
    return parse_loop(
        {
            **{key: value for key, value in WHOLE.items() if key != "stages"},
            "action": {"kind": "command", "run": "act", **action},
            "gate": {"kind": "checks", "checks": [check]},
        }
    )


@pytest.mark.parametrize(
    ("action", "held", "acts", "whole"),
    [
        ({}, Amounts(tokens=5), 3600, 3650),
        ({"limit_s": 7200}, Amounts(tokens=5), 7200, 7250),
        ({"limit_s": 7200}, Amounts(time_s=60), 60, 110),
    ],
)
def test_an_iteration_without_a_time_of_its_own_is_bounded(
    action: dict[str, Any], held: Amounts, acts: float, whole: float
) -> None:
    assert longest_s(loop(**action), held) == acts
    assert longest_checked_s(loop(**action), held) == whole


@pytest.mark.parametrize(
    ("told", "is_done", "spent"),
    [
        (Amounts(tokens=3), True, {"tokens": 3, "money_microusd": 0}),
        (Amounts(tokens=3), False, {"tokens": 3, "money_microusd": 0}),
        (Amounts(), True, {"money_microusd": 0}),
        (Amounts(), False, {"tokens": 10, "money_microusd": 0}),
    ],
)
def test_what_an_attempt_did_not_tell(told: Amounts, is_done: bool, spent: dict[str, int]) -> None:
    assert counted(Amounts(tokens=10), told, is_done=is_done).to_json() == spent


def test_a_unit_that_an_act_did_not_tell_is_left_open_unless_more_is_known_than_was_held() -> None:
    held, acts = Amounts(tokens=10), [{"spent": {}}]
    assert spent_by(held, acts, [Amounts(tokens=4)], 2.0).to_json() == {"time_s": 2}
    over = spent_by(held, acts, [Amounts(tokens=11)], 2.0).to_json()
    assert over == {"time_s": 2, "tokens": 11}
