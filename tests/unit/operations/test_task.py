"""A task is begun once, shown while it is unfinished, and settled and closed by a person."""

from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.domain.events import Actor
from lignin.governance.continued import ALREADY_DONE, UNKNOWN, JournalledTools
from lignin.operations.taskwork import (
    Asked,
    LedgerJournal,
    begin_task,
    going_on,
    note,
)
from lignin.ports.broker import BoundTools
from lignin.ports.tools import Observation, ToolSpec
from unit.operations.conftest import Desk

ASKED = Asked(request="Please pay O-1", tools="shop", head="main")
SPEC = ToolSpec(name="pay", description="", input={}, effect="write", idempotent=False)


class Shop:
    """Books a payment; its answer to `lost` ones is an error that no contract names."""

    def __init__(self) -> None:
        self.tools = {"pay": SPEC}
        self.booked: list[Json] = []

    def call(self, tool: str, arguments: Any) -> Observation:
        self.booked.append(dict(arguments))
        if arguments.get("lost"):
            return Observation(error="tool_error", message="gateway timeout after booking")
        return Observation(result={"booked": len(self.booked)})


def begin(desk: Desk, asked: Asked = ASKED, *, again: bool = False) -> tuple[str, bool]:
    return begin_task(desk.context, asked, {"plan": "pln_a", "programs": ["pay-it"]}, again=again)


def program(desk: Desk, task: str, shop: Shop) -> JournalledTools:
    return JournalledTools(shop, LedgerJournal(desk.context, task), lambda _made: "")


def ended(desk: Desk, task: str, how: str) -> None:
    payload: dict[str, Json] = {"ended": how, "routine": "", "why": ""}
    note(desk.context, f"task/{task}", "task.ended", payload)


def test_equal_request_is_not_begun_anew_while_the_first_is_unfinished(desk: Desk) -> None:
    task, is_new = begin(desk)
    assert is_new
    assert begin(desk) == (task, False)
    assert begin(desk, replace(ASKED, request="  please pay o-1")) == (task, False)
    for other in ({"request": "Please pay O-2"}, {"tools": "other"}, {"head": "other"}):
        assert begin(desk, replace(ASKED, **other))[1]
    again, is_new = begin(desk, again=True)
    assert is_new and again != task


@pytest.mark.parametrize(
    ("how", "changed", "is_new"),
    [("done", True, True), ("handed_over", True, False), ("handed_over", False, True)],
)
def test_task_stays_unfinished_where_it_was_handed_over_after_a_change(
    desk: Desk, how: str, changed: bool, is_new: bool
) -> None:
    task, _ = begin(desk)
    if changed:
        program(desk, task, Shop()).call("pay", {"n": 1})
    ended(desk, task, how)
    assert desk("task.list").total == (not is_new)
    assert begin(desk)[1] is is_new


def test_of_two_processes_at_once_one_begins(desk: Desk) -> None:
    begun: list[tuple[str, bool]] = []
    ledger = desk.context.ledger

    class Meanwhile:
        """Another process begins the same between this one's look and its commit."""

        def commit(self, *changes: Any) -> Any:
            if not begun:
                begun.append(begin(desk))
            return ledger.commit(*changes)

        def __getattr__(self, name: str) -> Any:
            return getattr(ledger, name)

    late = Desk(replace(desk.context, ledger=Meanwhile()))  # type: ignore[arg-type]
    task, is_new = begin(late)
    assert begun == [(task, True)]
    assert not is_new
    assert desk("task.list").total == 1


class Bound:
    """A binding whose every run has the same tools."""

    name = "shop"
    digest = "sha256:" + "0" * 64

    def __init__(self, tools: BoundTools) -> None:
        self._tools = tools

    def begin(self) -> BoundTools:
        return self._tools


def continued(desk: Desk, task: str, tools: BoundTools) -> BoundTools:
    """The tools that a call has which goes on with a task."""
    through = going_on(desk.context, task)
    assert through is not None
    return through(Bound(tools)).begin()


def test_change_is_made_once_however_many_go_on(desk: Desk) -> None:
    task, _ = begin(desk)
    shop = Shop()
    program(desk, task, shop).call("pay", {"n": 1})
    for _ in range(3):
        for n in (1, 2):
            answer = continued(desk, task, shop).call("pay", {"n": n})
            assert answer is not None and answer.result == {"booked": n}
    assert answer is not None and answer.message == ALREADY_DONE
    assert shop.booked == [{"n": 1}, {"n": 2}]
    shown = desk("task.show", task=task)
    assert [(each["number"], each["tool"]) for each in shown.done] == [(1, "pay"), (2, "pay")]


def test_who_began_makes_no_change_after_somebody_went_on(desk: Desk) -> None:
    task, _ = begin(desk)
    shop = Shop()
    begun = program(desk, task, shop)
    continued(desk, task, shop).call("pay", {"n": 1})
    held = begun.call("pay", {"n": 1})
    assert held is not None and held.error == "guard"
    assert shop.booked == [{"n": 1}]


@pytest.mark.parametrize("was_made", [True, False])
def test_what_nobody_knows_waits_until_a_person_settles_it(desk: Desk, was_made: bool) -> None:
    task, _ = begin(desk)
    shop = Shop()
    lost = {"n": 1, "lost": True}
    program(desk, task, shop).call("pay", lost)
    for _ in range(2):
        answer = continued(desk, task, shop).call("pay", lost)
        assert answer is not None and answer.error == UNKNOWN
    shown = desk("task.show", task=task)
    assert shown.done[0]["unknown"] is True
    assert any("task settle" in line for line in shown.next)
    settled = desk("task.settle", task=task, made=was_made, not_made=not was_made)
    assert "unknown" not in settled.done[0]
    assert "a person" in str(settled.done[0])
    answer = continued(desk, task, shop).call("pay", lost)
    assert answer is not None
    assert (answer.message == ALREADY_DONE) is was_made
    assert len(shop.booked) == (1 if was_made else 2)


def test_only_a_person_settles_or_closes(desk: Desk) -> None:
    task, _ = begin(desk)
    program(desk, task, Shop()).call("pay", {"lost": True})
    scope = replace(desk.context.scope, actor=Actor(sub="agent:a"))
    agent = Desk(replace(desk.context, scope=scope))
    with pytest.raises(DeniedError, match="only a person"):
        agent("task.settle", task=task, not_made=True)
    with pytest.raises(DeniedError, match="only a person"):
        agent("task.close", task=task)
    assert desk("task.show", task=task).done[0]["unknown"] is True


def test_settling_asks_which_and_how(desk: Desk) -> None:
    task, _ = begin(desk)
    with pytest.raises(InvalidRequestError, match="of every change"):
        desk("task.settle", task=task, made=True)
    for n in (1, 2):
        program_of = continued(desk, task, Shop())
        program_of.call("pay", {"lost": True, "n": n})
    with pytest.raises(InvalidRequestError, match="these are unknown: 1, 2"):
        desk("task.settle", task=task, made=True)
    with pytest.raises(InvalidRequestError, match="--made or --not-made"):
        desk("task.settle", task=task, number=1)
    settled = desk("task.settle", task=task, number=2, made=True)
    assert [each.get("unknown", False) for each in settled.done] == [True, False]


def test_closed_task_is_finished_and_stays_so(desk: Desk) -> None:
    task, _ = begin(desk)
    assert desk("task.close", task=task, reason="done by hand").state == "closed"
    ended(desk, task, "handed_over")
    shown = desk("task.close", task=task)
    assert (shown.state, shown.is_unfinished, shown.next) == ("closed", False, [])
    assert desk("task.list").total == 0
    (listed,) = desk("task.list", every=True).items
    assert (listed.task, listed.request) == (task, "Please pay O-1")
    assert begin(desk)[1]


def test_tasks_are_told_in_words(desk: Desk) -> None:
    assert desk("task.list").to_text() == "no task is unfinished"
    task, _ = begin(desk)
    program(desk, task, Shop()).call("pay", {"lost": True})
    text = desk("task.list").to_text()
    assert "1. pay {'lost': True}: nobody knows whether it took effect" in text
    assert f"lignin task settle {task} --made|--not-made" in text
    assert (
        f"  1. `lignin artifact call pay-it --input @given.json --tools shop --task {task}`" in text
    )
    assert "go on, with what the request says" in text
    asked = Asked(request="Please pay and ship O-2", tools="", head="main")
    two, _ = begin_task(
        desk.context, asked, {"plan": "p", "programs": ["pay-it", "ship-it"]}, again=False
    )
    shown = desk("task.show", task=two)
    assert any(line.startswith("go on, in this order") for line in shown.next)
    [first, second] = [line for line in shown.next if "artifact call" in line]
    assert first.startswith("  1. `lignin artifact call pay-it ")
    assert second.startswith("  2. `lignin artifact call ship-it ")
