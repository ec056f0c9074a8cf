"""The program of a routine: what it calls, what it tells, where it hands over."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lignin.artifacts.routine_program import program_of
from lignin.artifacts.routine_text import singular
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Parameter,
    Pick,
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
    assert found["handed_over"] == "refused: no; 0 of 1 of texts were done; go on at x"


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


@pytest.mark.parametrize("which", range(4))
def test_program_passes_the_linter_and_the_formatter(tmp_path: Path, which: int) -> None:
    long = chosen_from(Reference(0, ".orders[*].order_id"), "list[str]")
    routine = (ROUTINE, PAIRS, chosen_from(Reference(0, ".orders.~")), long)[which]
    path = tmp_path / "program.py"
    path.write_text(program_of(routine).source)
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


def test_default_name_is_what_is_changed_without_server_or_client() -> None:
    def named(*tools: tuple[str, bool]) -> str:
        steps = tuple(RoutineStep(tool=tool, arguments={}, changes=c) for tool, c in tools)
        return program_of(Routine(steps=steps)).entry

    assert named(("get_order", False), ("cancel_order", True), ("log", False)) == "cancel_order"
    assert named(("a", False), ("mcp__shop__exchangeItems", True)) == "exchange_items"
    assert named(("list_all", False), ("get_one", False)) == "get_one"


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


def test_name_covers_all_that_is_changed() -> None:
    def named(*tools: str) -> str:
        steps = tuple(RoutineStep(tool=tool, arguments={}) for tool in tools)
        return program_of(Routine(steps=steps)).entry

    assert named("cancel_order", "refund_order", "add_note") == "cancel_and_refund_order_add_note"
    assert named("ship_order", "ship_order") == "ship_order"
    long = [f"change_{'very_' * 3}long_thing_{number}" for number in range(5)]
    assert named(*long, "drop_all") == "change_and_drop"
    many = [f"verb{number}{'x' * 12}_thing" for number in range(9)]
    assert named(*many) == "make_9_changes"


def test_parameter_that_no_user_names_is_not_said_to_be_named_by_one() -> None:
    def told(said: float, named: float) -> str:
        step = RoutineStep(tool="a", arguments={"x": Use("x")})
        given = Parameter(name="x", type="str", said=said, named=named)
        source = program_of(Routine(steps=(step,), parameters=(given,))).source
        return source.partition("x: ")[2].partition("x: ")[2].partition("\n")[0]

    assert told(1.0, 1.0) == "Named by the user."
    assert told(1.0, 0.0) == "Looked up before, with another tool."
    assert told(0.6, 0.0) == "Looked up before, with another tool in 60% of the uses."
    assert told(0.5, 0.5) == "Named by the user in 50% of the uses."
    assert told(0.9, 0.5) == (
        "Named by the user in 50% of the uses, looked up before, with another tool, in 40%."
    )
    routine = chosen_from(Reference(0, "[*].order_id"))
    named = tuple(replace(each, said=1.0, named=1.0) for each in routine.parameters)
    source = program_of(replace(routine, parameters=named)).source
    assert "order_id: One of orders[*].order_id; named by the user." in source
    assert told(0.0, 0.0) == "Chosen by the caller."


def test_singular_is_a_word() -> None:
    for several, one in (
        ("quantities", "quantity"),
        ("order_ids", "order_id"),
        ("skus", "sku"),
        ("addresses", "address"),
        ("statuses", "status"),
        ("boxes", "box"),
        ("lines", "line"),
        ("status", "one_status"),
        ("address", "one_address"),
    ):
        assert singular(several) == one


def test_last_of_a_list_is_read_as_a_person_would() -> None:
    routine = Routine(
        steps=(
            RoutineStep(
                tool="get_order", arguments={"order_id": Item("order_ids")}, is_repeated=True
            ),
            RoutineStep(
                tool="get_note",
                arguments={"id": Reference(0, "[*].id", Pick("last"))},
                changes=False,
            ),
        ),
        parameters=(Parameter(name="order_ids", type="list[str]"),),
    )
    assert '{"id": order[-1]["id"]}' in program_of(routine).source


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


def test_program_holds_nothing_that_a_person_would_not_have_left() -> None:
    """No second check of what is a list already, no numbers in names, no two equal ways out."""
    whose = Reference(0, "[*].order_id")
    items = Reference(0, "[*].items[*].id")
    given = {"order_id": Item("order_ids"), "item_ids": Item("item_id_lists")}
    routine = Routine(
        steps=(
            RoutineStep(tool="list_orders", arguments={"zip": Use("zip")}),
            RoutineStep(
                tool="read_product",
                arguments={"id": Item("product_ids")},
                is_repeated=True,
                is_optional=True,
                changes=False,
            ),
            RoutineStep(tool="return_order", arguments=given, is_repeated=True),
        ),
        parameters=(
            Parameter(name="zip", type="str"),
            Parameter(name="product_ids", type="list[str]", among=items, checked=True),
            Parameter(name="item_id_lists", type="list[list[str]]", among=items, checked=True),
            Parameter(name="order_ids", type="list[str]", among=whose, checked=True),
        ),
    )
    program = program_of(routine)
    source = program.source
    assert "product_ids = product_ids or []" in source
    assert "product_ids is not None" not in source
    assert program.parameters["zip"] == "zip_code"
    assert "_2" not in source
    assert "for item_id in item_id_list" in source
    assert "of order_ids were done; go on at {order_id}" in source
    ends = re.findall(r"except .*\n *(return .*)", source)
    assert len(ends) == len(set(ends)) == 2


@pytest.mark.parametrize("name", ["zip", "len", "class", "filter", "done", "call"])
def test_parameter_is_called_the_same_whatever_else_is_in_the_program(name: str) -> None:
    def called(*more: RoutineStep) -> str:
        step = RoutineStep(tool="ship", arguments={name: Use(name)})
        parameters = (Parameter(name=name, type="str"), Parameter(name="skus", type="list[str]"))
        return program_of(Routine(steps=(step, *more), parameters=parameters)).parameters[name]

    looped = RoutineStep(tool="read", arguments={"sku": Item("skus")}, is_repeated=True)
    assert called() == called(looped) != name


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
