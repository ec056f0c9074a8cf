"""Conditions of a routine in words that a person would write."""

import pytest

from lignin.artifacts.routine_conditions import condition_of
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Pick,
    Reference,
    Routine,
    RoutineStep,
    Use,
)

ROUTINE = Routine(
    steps=(
        RoutineStep(tool="get_order_details", arguments={}, is_repeated=True),
        RoutineStep(tool="find_order", arguments={}),
        RoutineStep(tool="cancel", arguments={}),
    )
)
BY_ID = Pick("where", ".order_id", Use("order_id"))


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        (
            Guard(at=Reference(0, "[*].status", BY_ID), value="delivered"),
            "the order's status is delivered",
        ),
        (Guard(at=Reference(1, ".status"), value="pending"), "the order's status is pending"),
        (
            Guard(at=Reference(1, ".lines[#]"), value=False, how="empty"),
            "the order's lines are not empty",
        ),
        (
            Guard(at=Reference(1, ".total"), value=5, how="at_most"),
            "the order's total is at most 5",
        ),
        (Guard(at=Use("reason"), value=True), "reason is true"),
        (
            Guard(
                at=Reference(1, ".lines[*].stock", Pick("where", ".sku", Constant("A"))), value=1
            ),
            "the stock of the line whose sku is A is 1",
        ),
        (
            Guard(
                at=Reference(0, "[*].status", Pick("where", ".order_id", Item("ids"))), value="x"
            ),
            "for each of ids the order's status is x",
        ),
        (
            Guard(at=Reference(1, ".lines[*].stock", Pick("last")), value=1),
            "the last line's stock is 1",
        ),
    ],
)
def test_condition_is_told_as_a_person_would(guard: Guard, told: str) -> None:
    assert condition_of(guard, ROUTINE) == told


def test_text_of_a_trace_in_a_condition_is_plain() -> None:
    hostile = Guard(at=Reference(1, ".sta`tus\n# x"), value="`rm -rf`\n## Do")
    told = condition_of(hostile, ROUTINE)
    assert "`" not in told
    assert "\n" not in told
