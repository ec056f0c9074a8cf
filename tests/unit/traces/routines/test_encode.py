"""Dataflow: where the value of an argument had been seen before."""

import json
import time

import pytest

from lignin.traces.routines.encode import encode
from lignin.traces.routines.values import general, has_data_keys, leaves, parse_result
from unit.traces.routines.desk import call, run, visit


def test_argument_is_traced_to_the_result_it_came_from() -> None:
    calls = encode(run("a", visit(7)), True).calls
    assert calls[1].sources == (((0, ".owner_id"),),)
    assert calls[2].sources == (((1, ".machines[0]"),),)


def test_calls_over_one_list_stand_together() -> None:
    line = encode(run("a", visit(7, 3)), True).line
    assert [len(group) for group in line] == [1, 1, 3, 1]


def test_calls_in_a_row_that_go_over_no_list_stay_apart() -> None:
    calls = [call("weigh", {"part": f"part {n}"}, {"grams": n}) for n in (4, 5)]
    assert [len(group) for group in encode(run("a", calls), True).line] == [1, 1]


def test_failed_calls_and_thoughts_are_no_steps() -> None:
    calls = [
        call("get_owner", {"owner_id": "x"}, "Error: no such owner"),
        call("think", {"thought": "who may it be"}, ""),
        call("get_owner", {"owner_id": "y"}, {"owner_id": "y"}),
    ]
    coded = encode(run("a", calls), True)
    assert len(coded.calls) == 3
    assert [group[0].place for group in coded.line] == [2]


def test_calls_made_at_once_do_not_know_of_each_other() -> None:
    trajectory = run("a", [call("list_parts", {}, ["p1", "p2"])])
    second = trajectory.steps[0]
    both = (second.calls[0], call("get_part", {"part": "p1"}))
    step = type(second)(index=2, role="assistant", calls=both)
    coded = encode(type(trajectory)(**{**_fields(trajectory), "steps": (step,)}), True)
    assert coded.calls[1].sources == ((),)


def _fields(trajectory: object) -> dict[str, object]:
    return {name: getattr(trajectory, name) for name in ("source", "format", "session", "steps")}


def test_what_the_user_said_is_known() -> None:
    coded = encode(run("a", visit(3), said="I am OWNER_3@example.org"), True)
    assert coded.calls[0].said == (True,)
    assert coded.calls[1].said == (True,)
    assert coded.calls[2].said == (False,)


def test_list_argument_is_traced_to_one_list() -> None:
    result = {"parts": [{"id": "p1", "price": 1}, {"id": "p2", "price": 2}]}
    calls = [call("list_parts", {}, result), call("order_parts", {"ids": ["p2", "p1"]})]
    assert encode(run("a", calls), True).calls[1].sources == (((0, ".parts[*].id"),),)


def test_nested_arguments_are_opened() -> None:
    coded = encode(run("a", [call("move", {"to": {"city": "Ulm", "zip": "89073"}})]), True)
    assert coded.calls[0].names == ("to.city", "to.zip")


def test_keys_that_are_data_give_one_path() -> None:
    found = dict(leaves({"cards": {"card_123456": {"bank": "A"}, "card_777888": {"bank": "B"}}}))
    assert found == {".cards.~": "card_777888", ".cards.*.bank": "B"}
    assert has_data_keys({"Air pump": 1})
    assert not has_data_keys({"address1": 1, "first_name": 2})
    assert general(".a[3].b[0]") == ".a[*].b[*]"


def test_results_are_read_as_json_or_python_or_text() -> None:
    assert parse_result('{"a": [1]}') == {"a": [1]}
    assert parse_result("# var_3 = {'a': None}") == {"a": None}
    assert parse_result("{not json") == "{not json"
    assert parse_result("[" * 100_000) == "[" * 100_000


def test_small_number_comes_only_from_what_has_its_name() -> None:
    result = {"lines": [{"line": 2, "stock": 2}]}
    calls = [
        call("get_order", {"order_id": "R-1"}, result),
        call("change", {"line": 2, "quantity": 2}),
    ]
    assert encode(run("a", calls), True).calls[1].sources == (((0, ".lines[0].line"),), ())


@pytest.mark.parametrize(
    "text",
    [
        "-" * 200_000,
        "/" * 200_000 + " ",
        json.dumps({"a" * 100_000 + "!": {}, "b" * 50_000 + "-" * 40_000: 1}),
        '{"a":' * 50_000,
        "(" * 100_000,
        "# " + "a" * 200_000,
    ],
)
def test_hostile_result_is_read_in_bounds(text: str) -> None:
    calls = [call("fetch", {"page": text[:1000]}, text), call("keep", {"text": text})]
    start = time.process_time()
    encode(run("a", calls), True)
    assert time.process_time() - start < 2
