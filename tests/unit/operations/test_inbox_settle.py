"""Settling several items of the inbox at once: each by itself, with an answer for each."""

import pytest

from lignin.domain.errors import NotFoundError
from unit.operations.conftest import Desk
from unit.operations.loop_desk import add, command, definition, run, script


def _found(desk: Desk, count: int) -> list[str]:
    text = f"print(json.dumps({{'found': [{{'key': str(n), 'title': f'F{{n}}'}} for n in range({count})]}}))"
    add(desk, definition(command(script(desk, "act.py", text))))
    return list(run(desk).items)


def test_several_items_are_settled_in_one_go(desk: Desk) -> None:
    items = _found(desk, 10)
    told = desk("inbox.settle", item=items, how="dismiss", say="known")
    assert (told.settled, told.refused, told.exit_code()) == (10, 0, 0)
    assert [each.item for each in told.items] == items
    assert {each.state for each in told.items} == {"dismissed"}
    assert desk("inbox.list").total == 0


def test_one_that_cannot_be_settled_stands_as_it_did_and_the_others_are_settled(desk: Desk) -> None:
    one, two, three = _found(desk, 3)
    desk("inbox.settle", item=two, how="dismiss")
    told = desk("inbox.settle", item=[one, two, "inb_absent", three], how="accept")
    assert (told.settled, told.refused, told.exit_code()) == (2, 2, 8)
    assert [each.state for each in told.items] == ["accepted", "dismissed", "", "accepted"]
    assert [each.code for each in told.items] == ["", "illegal_transition", "not_found", ""]
    assert "inb_absent" in told.items[2].error
    assert f"{two}  not settled: " in told.to_text()


def test_an_item_named_twice_is_settled_once(desk: Desk) -> None:
    one, two = _found(desk, 2)
    told = desk("inbox.settle", item=[one, two, one], how="dismiss")
    assert [each.item for each in told.items] == [one, two]
    assert (told.settled, told.refused) == (2, 0)


def test_a_single_item_that_cannot_be_settled_is_the_commands_error(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="inb_absent"):
        desk("inbox.settle", item=["inb_absent"])
