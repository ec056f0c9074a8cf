"""Routines, and their programs run over a stand-in for the guest library."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from lignin.artifacts.routine_program import program_of
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Use,
)
from lignin.domain.support import Support

Call = Callable[[str, Mapping[str, Any]], Any]
ROUTINE = Routine(
    steps=(
        RoutineStep(tool="find_customer", arguments={"email": Use("email")}),
        RoutineStep(tool="get_order", arguments={"order_id": Reference(0, "[0].orders[1]")}),
        RoutineStep(
            tool="cancel_order",
            arguments={
                "order_id": Reference(0, "[0].orders[1]"),
                "why.text": Constant('no "longer"'),
                "why.by": Use("email"),
            },
            guards=(Guard(at=Reference(1, ".status"), value="pending"),),
        ),
        RoutineStep(
            tool="add_note",
            arguments={"order_id": Use("order_id"), "text": Item("texts")},
            is_repeated=True,
        ),
        RoutineStep(tool="close_case", arguments={"case": Use("case")}, is_optional=True),
    ),
    parameters=(
        Parameter(name="email", type="str", said=1.0, named=1.0),
        Parameter(name="order_id", type="str", among=Reference(0, "[*].orders[*]")),
        Parameter(name="texts", type="list[str]"),
        Parameter(name="case", type="int"),
    ),
    support=Support(occurrences=4, sessions=("a", "b"), tasks=2, models=("m\n'''x",)),
)


class ToolError(Exception):
    """As the guest library raises it."""


class Desk:
    """Answers calls and keeps them in order."""

    def __init__(self, status: str = "pending", refuses: str = "") -> None:
        self.made: list[tuple[str, Mapping[str, Any]]] = []
        self._status, self._refuses = status, refuses

    def __call__(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        if tool == self._refuses:
            raise ToolError("refused: no")
        self.made.append((tool, arguments))
        if tool == "find_customer":
            return [{"orders": ["O-1", "O-2"]}]
        return {"status": self._status}


def run(guest: ModuleType, desk: Desk, **given: Any) -> dict[str, Any]:
    program = program_of(ROUTINE, "settle order")
    guest.call = desk  # type: ignore[attr-defined]
    names: dict[str, Any] = {}
    exec(compile(program.source, "program", "exec"), names)
    made: dict[str, Any] = names[program.entry](**given)
    return made


def settled(guest: ModuleType, routine: Routine, answers: Mapping[str, Any], **given: Any) -> Any:
    """What a routine's program answers where each tool answers the same, and what it called."""
    made: list[tuple[str, Mapping[str, Any]]] = []

    def call(tool: str, arguments: Mapping[str, Any]) -> Any:
        if isinstance(answers[tool], Exception):
            raise answers[tool]
        made.append((tool, dict(arguments)))
        return answers[tool]

    guest.call = call  # type: ignore[attr-defined]
    names: dict[str, Any] = {}
    program = program_of(routine)
    exec(compile(program.source, "program", "exec"), names)
    return names[program.entry](**given), made


def chosen_from(place: Reference, kind: str = "str") -> Routine:
    """Lists the orders of somebody and cancels what has to be among them."""
    slot = Use("order_id")
    return Routine(
        steps=(
            RoutineStep(tool="list_orders", arguments={"email": Use("email")}, changes=False),
            RoutineStep(tool="cancel_order", arguments={"order_id": slot}),
        ),
        parameters=(
            Parameter(name="email", type="str"),
            Parameter(name="order_id", type=kind, among=place, checked=True),
        ),
    )


PAIRS = Routine(
    steps=(
        RoutineStep(tool="open_case", arguments={"why": Use("why")}),
        RoutineStep(
            tool="set_quantity",
            arguments={"sku": Item("skus"), "quantity": Item("quantities")},
            is_repeated=True,
        ),
        RoutineStep(
            tool="add_tag", arguments={"tag": Item("tags")}, is_repeated=True, is_optional=True
        ),
    ),
    parameters=(
        Parameter(name="why", type="str"),
        Parameter(name="skus", type="list[str]"),
        Parameter(name="quantities", type="list[int]"),
        Parameter(name="tags", type="list[str]"),
    ),
)
