"""The text of a routine's program: its name, its parameters, what a person would have written."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.artifacts.routine_program import program_of
from lignin.artifacts.routine_text import singular
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import (
    Constant,
    Item,
    Parameter,
    Pick,
    Reference,
    Routine,
    RoutineStep,
    Use,
)
from lignin.domain.support import Support
from unit.artifacts.routine_runs import PAIRS, ROUTINE, chosen_from


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
