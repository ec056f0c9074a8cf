"""The program of a routine: what it calls, what it tells, where it hands over."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lignin.artifacts.routine_program import program_of
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Support,
    Use,
)

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
        Parameter(name="email", type="str", said=1.0),
        Parameter(name="order_id", type="str", among=Reference(0, "[*].orders[*]")),
        Parameter(name="texts", type="list[str]"),
        Parameter(name="case", type="int"),
    ),
    support=Support(occurrences=4, sessions=("a", "b"), tasks=2, models=("m\n'''x",)),
)


class ToolError(Exception):
    """As the guest library raises it."""


@pytest.fixture
def guest() -> Iterator[ModuleType]:
    """A stand-in for the guest library; a test sets what its `call` answers."""
    module = ModuleType("lignin_guest")
    module.ToolError = ToolError  # type: ignore[attr-defined]
    before = sys.modules.get("lignin_guest")
    sys.modules["lignin_guest"] = module
    yield module
    del sys.modules["lignin_guest"]
    if before is not None:
        sys.modules["lignin_guest"] = before


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


def test_program_makes_the_routines_calls_with_its_parameters(guest: ModuleType) -> None:
    desk = Desk()
    found = run(guest, desk, email="a@b", order_id="O-9", texts=["x", "y"])
    assert found["handed_over"] == ""
    assert desk.made == [
        ("find_customer", {"email": "a@b"}),
        ("get_order", {"order_id": "O-2"}),
        ("cancel_order", {"order_id": "O-2", "why": {"text": 'no "longer"', "by": "a@b"}}),
        ("add_note", {"order_id": "O-9", "text": "x"}),
        ("add_note", {"order_id": "O-9", "text": "y"}),
    ]
    assert list(found["done"]) == ["customer", "order", "cancel_order", "note"]
    assert len(found["done"]["note"]) == 2


def test_optional_step_is_made_where_its_parameter_is_given(guest: ModuleType) -> None:
    desk = Desk()
    run(guest, desk, email="a@b", order_id="O-9", texts=[], case=7)
    assert desk.made[-1] == ("close_case", {"case": 7})


def test_failed_guard_hands_over_with_what_was_done_and_changes_nothing(guest: ModuleType) -> None:
    desk = Desk(status="shipped")
    found = run(guest, desk, email="a@b", order_id="O-9", texts=["x"])
    assert [tool for tool, _ in desk.made] == ["find_customer", "get_order"]
    assert found["handed_over"] == "cancel_order needs order.status to be pending"
    assert list(found["done"]) == ["customer", "order"]


def test_refusing_tool_hands_over_with_what_was_done(guest: ModuleType) -> None:
    found = run(guest, Desk(refuses="add_note"), email="a@b", order_id="O-9", texts=["x"])
    assert "cancel_order" in found["done"]
    assert found["handed_over"] == "ToolError: refused: no"


def test_interface_requires_what_every_use_needs() -> None:
    program = program_of(ROUTINE, "settle order")
    assert program.entry == "settle_order"
    assert program.interface.input["required"] == ["email", "order_id", "texts"]
    properties = program.interface.input["properties"]
    assert properties["texts"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Chosen by the caller.",
    }
    assert properties["case"] == {
        "type": "integer",
        "description": "Chosen by the caller; may be left out.",
    }


def test_text_of_a_trace_stays_text_in_the_program() -> None:
    nasty = Routine(
        steps=(
            RoutineStep(
                tool='x"); import os; ("',
                arguments={'a"]': Constant('"""\n\\'), "b": Use("import os\n")},
                guards=(),
            ),
        ),
        parameters=(Parameter(name="import os\n", type="str"),),
        support=Support(models=('"""\nimport os',)),
    )
    source = program_of(nasty).source
    assert "import os" not in source.replace("# ", "").split("call(", 1)[0].split('"""')[2]
    compile(source, "program", "exec")


def test_place_that_is_not_one_value_is_refused() -> None:
    vague = Routine(
        steps=(
            RoutineStep(tool="list", arguments={}),
            RoutineStep(tool="get", arguments={"id": Reference(0, "[*].id")}),
        )
    )
    with pytest.raises(InvalidRequestError, match="not one value"):
        program_of(vague)


def test_program_passes_the_linter_and_the_formatter(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(program_of(ROUTINE).source)
    ruff = str(Path(sys.executable).parent / "ruff")
    for words in (
        ["check", "--select=E,F,W,I,UP,B,C4,SIM,RUF,RET,N"],
        ["format", "--diff"],
    ):
        done = subprocess.run(
            [ruff, *words, "--isolated", "--line-length=100", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_default_name_is_what_the_last_change_does_without_server_or_client() -> None:
    def named(*tools: tuple[str, bool]) -> str:
        steps = tuple(RoutineStep(tool=tool, arguments={}, changes=c) for tool, c in tools)
        return program_of(Routine(steps=steps)).entry

    assert named(("get_order", False), ("cancel_order", True), ("log", False)) == "cancel_order"
    assert named(("a", False), ("mcp__shop__exchangeItems", True)) == "exchange_items"
    assert named(("list_all", False), ("get_one", False)) == "get_one"


def test_parameter_never_takes_the_place_of_what_the_program_calls(guest: ModuleType) -> None:
    """A postcode called `zip` beside a loop over two lists, and one called `len`."""
    slots = {"sku": Item("skus"), "count": Item("counts"), "zip": Use("zip"), "len": Use("len")}
    routine = Routine(
        steps=(RoutineStep(tool="ship", arguments=slots, is_repeated=True),),
        parameters=(
            Parameter(name="skus", type="list[str]"),
            Parameter(name="counts", type="list[int]"),
            Parameter(name="zip", type="str"),
            Parameter(name="len", type="int"),
        ),
    )
    program = program_of(routine)
    names: dict[str, Any] = {}
    desk = Desk()
    guest.call = desk  # type: ignore[attr-defined]
    exec(compile(program.source, "program", "exec"), names)
    given = {program.parameters["zip"]: "12345", program.parameters["len"]: 3}
    found = names[program.entry](skus=["a", "b"], counts=[1, 2], **given)
    assert found["handed_over"] == ""
    assert [made["sku"] for _, made in desk.made] == ["a", "b"]
    assert program_of(ROUTINE).parameters["email"] == "email"
