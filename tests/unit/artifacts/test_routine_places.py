"""What a program takes of a list: the element that a condition picks, all of it, or a hand-over."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from lignin.artifacts.routine_program import program_of
from lignin.domain.routines import (
    Constant,
    Each,
    Guard,
    Item,
    Parameter,
    Pick,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
    parameters_in,
    parse_reference,
)

LINES = [
    {"sku": "A", "line": 1, "price": 7, "options": {"power source": "USB"}, "open": True},
    {"sku": "B", "line": 2, "price": 3, "options": {"power source": "AC"}, "open": False},
    {"sku": "C", "line": 3, "price": 9, "options": {"power source": "AC"}, "open": False},
]
ORDER = {
    "lines": LINES,
    "wish": {"sku": "C"},
    "ways": {"pay_1": {"kind": "card", "fee": 2}, "pay_2": {"kind": "bill", "fee": 1}},
    "one": [{"id": "X"}],
    "none": [],
    "tags": ["t1", "t2"],
}


class ToolError(Exception):
    """As the guest library raises it."""


@pytest.fixture
def guest() -> Iterator[ModuleType]:
    """A stand-in for the guest library."""
    module = ModuleType("lignin_guest")
    module.ToolError = ToolError  # type: ignore[attr-defined]
    before = sys.modules.get("lignin_guest")
    sys.modules["lignin_guest"] = module
    yield module
    del sys.modules["lignin_guest"]
    if before is not None:
        sys.modules["lignin_guest"] = before


def of(slots: Mapping[str, Slot], repeated: bool = False) -> Routine:
    """A routine that reads an order, or each of some, and does one thing with what it read."""
    read = RoutineStep(
        tool="get_order",
        arguments={"order": Item("orders") if repeated else Use("order")},
        is_repeated=repeated,
    )
    over = any(isinstance(each, Each | Item) for each in slots.values())
    do = RoutineStep(tool="do_it", arguments=slots, is_repeated=over)
    told = {"order": "str", "orders": "list[str]", "sku": "str", "skus": "list[str]"}
    used = {n for step in (read, do) for s in step.arguments.values() for n in parameters_in(s)}
    parameters = tuple(Parameter(name=name, type=told[name]) for name in sorted(used))
    return Routine(steps=(read, do), parameters=parameters)


def done(guest: ModuleType, routine: Routine, **given: Any) -> tuple[list[Any], str]:
    """What was done with what was read, and why it was handed over."""
    made: list[Any] = []

    def call(tool: str, arguments: Mapping[str, Any]) -> Any:
        if tool == "do_it":
            made.append(dict(arguments))
        return ORDER | {"order": arguments.get("order")}

    guest.call = call  # type: ignore[attr-defined]
    program = program_of(routine)
    names: dict[str, Any] = {}
    exec(compile(program.source, "program", "exec"), names)
    answer = names[program.entry](**given)
    return made, answer["handed_over"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('$1.lines[*]{sku == "B"}.line', 2),
        ("$1.lines[*]{sku == sku}.line", 3),
        ("$1.lines[*]{sku == $1.wish.sku}.line", 3),
        ('$1.lines[*]{options.power source == "USB"}.line', 1),
        ("$1.lines[*]{open == true}.sku", "A"),
        ("$1.lines[*]{last}.line", 3),
        ("$1.lines[*]{min price}.line", 2),
        ("$1.lines[*]{max price}.line", 3),
        ("$1.one[*]{only}.id", "X"),
        ('$1.ways.~{kind == "bill"}', "pay_2"),
        ("$1.ways.~{min fee}", "pay_2"),
        ("$1.ways.~{last}", "pay_2"),
        ('$1.ways.*{kind == "card"}.fee', 2),
        ("$1.tags[*]{last}", "t2"),
    ],
)
def test_program_takes_the_element_that_is_meant(guest: ModuleType, text: str, value: Any) -> None:
    given = {"sku": "C"} if "== sku" in text else {}
    slots: dict[str, Slot] = {"what": parse_reference(text)}
    if given:
        slots["sku"] = Use("sku")
    made, why = done(guest, of(slots), order="O-1", **given)
    assert (made, why) == ([{"what": value, **given}], "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('$1.lines[*]{sku == "Z"}.line', "do_it needs one of get_order.lines by sku, not 0"),
        (
            '$1.lines[*]{options.power source == "AC"}.line',
            "do_it needs one of get_order.lines by options.power source, not 2",
        ),
        ("$1.lines[*]{only}.line", "do_it needs one of get_order.lines, not 3"),
        ("$1.none[*]{last}.line", "get_order returned nothing where none.line was expected"),
        ("$1.none[*]{min price}.line", "get_order returned nothing where none.price was expected"),
        (
            '$1.lines[*]{color == "red"}.line',
            "get_order returned nothing where lines.color was expected",
        ),
    ],
)
def test_program_hands_over_where_none_or_several_are_meant(
    guest: ModuleType, text: str, why: str
) -> None:
    assert done(guest, of({"what": parse_reference(text)}), order="O-1") == ([], why)


def test_program_does_it_for_all_that_are_meant(guest: ModuleType) -> None:
    every = of({"sku": Each(Reference(0, ".lines[*].sku"))})
    assert done(guest, every, order="O-1") == ([{"sku": "A"}, {"sku": "B"}, {"sku": "C"}], "")
    shut = of({"sku": Each(parse_reference("$1.lines[*]{open == false}.sku"))})
    assert done(guest, shut, order="O-1") == ([{"sku": "B"}, {"sku": "C"}], "")
    names = of({"way": Each(Reference(0, ".ways.~"))})
    assert done(guest, names, order="O-1") == ([{"way": "pay_1"}, {"way": "pay_2"}], "")
    assert done(guest, of({"x": Each(Reference(0, ".none[*].x"))}), order="O-1") == ([], "")


def test_list_that_is_not_given_is_all_there_is(guest: ModuleType) -> None:
    routine = of({"sku": Item("skus")})
    for path, every in ((".lines[*].sku", ["A", "B", "C"]), (".tags[*]", ["t1", "t2"])):
        lists = replace(routine.parameters[1], default=Reference(0, path))
        filled = replace(routine, parameters=(routine.parameters[0], lists))
        made, why = done(guest, filled, order="O-1")
        assert ([each["sku"] for each in made], why) == (every, "")
        assert done(guest, filled, order="O-1", skus=["Z"]) == ([{"sku": "Z"}], "")
        assert done(guest, filled, order="O-1", skus=[]) == ([], "")
        program = program_of(filled)
        assert program.interface.input["required"] == ["order"]
        assert "all of them where it is left out" in program.source


def test_program_goes_over_the_lists_of_a_repeated_step(guest: ModuleType) -> None:
    routine = of({"sku": Each(Reference(0, "[*].lines[*].sku"))}, repeated=True)
    made, _ = done(guest, routine, orders=["O-1", "O-2"])
    assert [each["sku"] for each in made] == ["A", "B", "C", "A", "B", "C"]
    last = of({"order": parse_reference("$1[*]{last}.order")}, repeated=True)
    assert done(guest, last, orders=["O-1", "O-2"]) == ([{"order": "O-2"}], "")


def test_program_chooses_by_the_item_of_the_same_call(guest: ModuleType) -> None:
    by = parse_reference("$1.lines[*]{sku == each of skus}.line")
    routine = of({"sku": Item("skus"), "line": by})
    made, why = done(guest, routine, order="O-1", skus=["C", "A", "Z"])
    assert made == [{"sku": "C", "line": 3}, {"sku": "A", "line": 1}]
    asked = "do_it needs one of get_order.lines by sku, not 0"
    assert why == f"{asked}; 2 of 3 of skus were done; go on at Z"


@pytest.mark.parametrize(
    ("guard", "needs"),
    [
        (Guard(at=Reference(0, ".wish.sku"), value="C"), ""),
        (Guard(at=Reference(0, ".wish.sku"), value="D"), "get_order.wish.sku to be D"),
        (Guard(at=Reference(0, ".one[0].id"), how="among", value=["X", "Y"]), ""),
        (
            Guard(at=Reference(0, ".wish.sku"), how="among", value=["X", "Y"]),
            "get_order.wish.sku to be X or Y",
        ),
        (Guard(at=parse_reference('$1.lines[*]{sku == "C"}.price'), how="at_most", value=9), ""),
        (
            Guard(at=parse_reference('$1.lines[*]{sku == "C"}.price'), how="at_most", value=8.5),
            "get_order.lines.price to be at most 8.5",
        ),
        (
            Guard(at=parse_reference('$1.lines[*]{sku == "C"}.open'), value=True),
            "get_order.lines.open to be True",
        ),
        (Guard(at=Reference(0, ".none"), how="empty", value=True), ""),
        (
            Guard(at=Reference(0, ".none"), how="empty", value=False),
            "get_order.none to be not empty",
        ),
        (Guard(at=Reference(0, ".tags"), how="empty", value=True), "get_order.tags to be empty"),
        (Guard(at=Use("sku"), how="at_least", value=7), ""),
        (Guard(at=Use("sku"), how="at_least", value=8), "sku to be at least 8"),
    ],
)
def test_program_hands_over_where_a_guard_fails(
    guest: ModuleType, guard: Guard, needs: str
) -> None:
    read, do = of({"sku": Use("sku"), "order": Use("order")}).steps
    routine = replace(
        of({"sku": Use("sku"), "order": Use("order")}), steps=(read, replace(do, guards=(guard,)))
    )
    made, why = done(guest, routine, order="O-1", sku=7)
    assert (bool(made), why) == ((False, f"do_it needs {needs}") if needs else (True, ""))


def test_guard_on_what_each_call_is_about_is_asked_before_each(guest: ModuleType) -> None:
    at = parse_reference("$1.lines[*]{sku == each of skus}.open")
    routine = of({"sku": Item("skus")})
    guarded = replace(routine.steps[1], guards=(Guard(at=at, value=False),))
    routine = replace(routine, steps=(routine.steps[0], guarded))
    made, why = done(guest, routine, order="O-1", skus=["B", "C", "A"])
    assert made == [{"sku": "B"}, {"sku": "C"}]
    asked = "do_it needs get_order.lines.open to be False"
    assert why == f"{asked}; 2 of 3 of skus were done; go on at A"


def test_what_is_picked_twice_is_looked_for_once() -> None:
    place = parse_reference('$1.lines[*]{sku == "B"}.line')
    source = program_of(of({"from": place, "to": place})).source
    assert source.count("matching_lines = [line[") == 1


def test_text_of_a_trace_in_a_condition_stays_text(guest: ModuleType) -> None:
    pick = Pick("where", '."{0}"', Constant('") or print("'))
    picked = Reference(0, ".lines[*].line", pick)
    made, why = done(guest, of({"what": picked}), order="O-1")
    assert made == []
    assert why == "get_order returned nothing where lines.??0?? was expected"
