"""The program of a routine: what it calls, what it tells, where it hands over."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from lignin.artifacts.routine_program import program_of
from lignin.domain.routines import (
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Use,
)
from unit.artifacts.routine_runs import PAIRS, ROUTINE, Desk, ToolError, chosen_from, run, settled


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
    assert found["handed_over"] == "refused: no; 0 of 1 of texts were done; go on at x"


@pytest.mark.parametrize(
    ("path", "orders"),
    [
        ("[*].order_id", [{"order_id": "O-1"}, {"order_id": "O-2"}]),
        (".orders[*]", {"orders": ["O-1", "O-2"]}),
        (".orders.~", {"orders": {"O-1": {}, "O-2": {}}}),
        (".~", "You have O-1 and O-2."),
        ("[*].by.~", [{"by": {"O-1": {}}}, {"by": {"O-2": {}}}]),
    ],
)
def test_what_is_chosen_from_what_was_read_is_checked_before_anything_is_changed(
    guest: ModuleType, path: str, orders: Any
) -> None:
    routine = chosen_from(Reference(0, path))
    tools = {"list_orders": orders, "cancel_order": "ok"}
    found, made = settled(guest, routine, tools, email="a@b", order_id="O-2")
    assert (found["handed_over"], len(made)) == ("", 2)
    found, made = settled(guest, routine, tools, email="a@b", order_id="O-20218")
    assert found["handed_over"].startswith("cancel_order needs order_id to be among orders")
    assert [tool for tool, _ in made] == ["list_orders"]
    several = chosen_from(Reference(0, path), "list[str]")
    for ids, calls in ((["O-1", "O-2"], 2), ([], 2), (["O-1", "O-3"], 1)):
        found, made = settled(guest, several, tools, email="a@b", order_id=ids)
        assert len(made) == calls, found


def test_what_only_most_runs_showed_is_said_and_not_checked(guest: ModuleType) -> None:
    routine = chosen_from(Reference(0, "[*].order_id"))
    usual = replace(
        routine, parameters=tuple(replace(each, checked=False) for each in routine.parameters)
    )
    answers = {"list_orders": [], "cancel_order": "ok"}
    assert len(settled(guest, usual, answers, email="a@b", order_id="O-9")[1]) == 2
    assert "Usually one of orders[*].order_id" in program_of(usual).source
    assert "order_id: One of orders[*].order_id" in program_of(routine).source


OK = {"open_case": "c", "set_quantity": "ok", "add_tag": "ok"}


def test_lists_of_different_lengths_are_handed_over_before_anything_is_called(
    guest: ModuleType,
) -> None:
    found, made = settled(guest, PAIRS, OK, why="x", skus=["A"], quantities=[1, 2])
    assert found == {"done": {}, "handed_over": "skus and quantities have to be of one length"}
    assert made == []


def test_list_that_may_be_left_out_can_be_left_out(guest: ModuleType) -> None:
    found, made = settled(guest, PAIRS, OK, why="x", skus=["A"], quantities=[1])
    assert (found["handed_over"], found["done"]["tag"], len(made)) == ("", [], 2)


def test_list_that_is_done_in_part_is_told_so(guest: ModuleType) -> None:
    calls: list[Any] = []

    def call(tool: str, arguments: Mapping[str, Any]) -> Any:
        if arguments.get("sku") == "LI-9":
            raise ToolError("refused: sold out")
        calls.append(tool)
        return "ok"

    guest.call = call  # type: ignore[attr-defined]
    names: dict[str, Any] = {}
    program = program_of(PAIRS)
    exec(compile(program.source, "program", "exec"), names)
    found = names[program.entry](why="x", skus=["LI-1", "LI-9", "LI-2"], quantities=[1, 2, 3])
    assert found["done"] == {"case": "ok", "quantity": ["ok"]}
    assert found["handed_over"] == "refused: sold out; 1 of 3 of skus were done; go on at LI-9"


@pytest.mark.parametrize("error", [ValueError("frame"), RuntimeError("x"), AttributeError("y")])
def test_no_error_loses_what_was_done(guest: ModuleType, error: Exception) -> None:
    found, _ = settled(
        guest, PAIRS, {**OK, "set_quantity": error}, why="x", skus=["A"], quantities=[1]
    )
    assert found["done"] == {"case": "c", "quantity": []}
    assert found["handed_over"] == f"{error}; 0 of 1 of skus were done; go on at A"


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


OWNED = Routine(
    steps=(
        RoutineStep(tool="find_user", arguments={"mail": Use("mail")}),
        RoutineStep(tool="get_user", arguments={"user_id": Reference(0, "")}),
        RoutineStep(tool="get_order", arguments={"order_id": Item("order_ids")}, is_repeated=True),
        RoutineStep(
            tool="exchange",
            arguments={"item": Use("item"), "card": Reference(1, ".cards[0].id")},
            changes=True,
        ),
    ),
    parameters=(
        Parameter(name="mail", type="str"),
        Parameter(name="order_ids", type="list[str]", default=Reference(1, ".orders[*]")),
        Parameter(name="item", type="str", among=Reference(2, "[*].items[*]"), checked=True),
    ),
)
USER = {"orders": ["O-1"], "cards": [{"id": "c"}]}


@pytest.mark.parametrize(
    ("user", "order", "told"),
    [
        ({"name": "x"}, {}, "get_user returned nothing where orders was expected"),
        (USER, {"name": "x"}, "get_order returned nothing where items was expected"),
        (
            {**USER, "cards": [{}]},
            {"items": ["I-1"]},
            "get_user returned nothing where cards[0].id was expected",
        ),
    ],
)
def test_hand_over_names_the_step_and_the_field_that_was_missing(
    guest: ModuleType, user: Any, order: Any, told: str
) -> None:
    answers = {"find_user": "u", "get_user": user, "get_order": order, "exchange": "ok"}
    found, _ = settled(guest, OWNED, answers, mail="m", item="I-1")
    assert found["handed_over"] == told
    found, _ = settled(
        guest,
        OWNED,
        {**answers, "get_user": USER, "get_order": {"items": ["I-1"]}},
        mail="m",
        item="I-1",
    )
    assert found["handed_over"] == ""
