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


def test_the_list_says_why_a_run_failed_and_the_item_what_to_do_next(desk: Desk) -> None:
    act = script(
        desk, "act.py", "sys.exit('Traceback\\n  a frame\\nOSError: no route to the shop')"
    )
    add(desk, definition(command(act)))
    item = run(desk).items[0]
    said = "a run of triage failed: act: exit 1: OSError: no route to the shop"
    assert said in desk("inbox.list").to_text()
    shown = desk("inbox.show", item=item)
    assert shown.proposed.startswith("mend what failed, then `lignin loop run triage`")


def test_a_failure_that_paused_its_loop_says_how_it_goes_on(desk: Desk) -> None:
    act = command(script(desk, "act.py", "sys.exit(1)"))
    add(desk, definition(act, on_failure={"do": "pause"}))
    item = run(desk).items[0]
    assert "`lignin loop resume triage`" in desk("inbox.show", item=item).proposed


def test_a_title_of_several_lines_is_one_line_of_the_list(desk: Desk) -> None:
    found = {"key": "a", "title": "one\ntwo"}
    add(
        desk,
        definition(command(script(desk, "act.py", f"print(json.dumps({{'found': [{found}]}}))"))),
    )
    (item,) = run(desk).items
    assert desk("inbox.list").to_text() == f"{item}  triage: one two"
