"""A routine that is another without steps that may be left out."""

from dataclasses import replace

import pytest

from lignin.domain.routines import Constant, Item, Reference, Routine, RoutineStep, Slot, Use
from lignin.traces.routines.within import is_within


def step(tool: str, changes: bool = True, **arguments: Slot) -> RoutineStep:
    return RoutineStep(tool=tool, arguments=arguments, changes=changes)


FIND = step("find", changes=False, name=Use("name"))
LOOK = replace(step("look", changes=False, item=Item("items")), is_repeated=True)
PAY = step("pay", owner=Reference(0, ".id"), kind=Constant("bill"))
THANK = step("thank", ticket=Reference(1, ".ticket"))


def test_steps_that_may_be_left_out_do_not_count_and_references_move() -> None:
    moved = replace(THANK, arguments={"ticket": Reference(2, ".ticket")})
    assert is_within(Routine(steps=(FIND, PAY, THANK)), Routine(steps=(FIND, LOOK, PAY, moved)))
    assert is_within(Routine(steps=(FIND, PAY)), Routine(steps=(FIND, PAY)))


@pytest.mark.parametrize(
    "other",
    [
        (FIND, THANK, PAY),
        (FIND, replace(LOOK, changes=True), PAY),
        (FIND, replace(PAY, arguments={**PAY.arguments, "kind": Constant("tip")})),
        (FIND,),
        (FIND, replace(PAY, is_repeated=True)),
    ],
)
def test_other_routine_is_another(other: tuple[RoutineStep, ...]) -> None:
    assert not is_within(Routine(steps=(FIND, PAY)), Routine(steps=other))


def test_step_that_another_refers_to_is_not_left_out() -> None:
    refers = step("pay", owner=Reference(1, "[0].id"))
    assert not is_within(Routine(steps=(FIND, refers)), Routine(steps=(FIND, LOOK, refers)))
