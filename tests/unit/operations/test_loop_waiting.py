"""Loops that wait for people: approvals between stages, questions, items put off."""

from datetime import timedelta
from typing import Any

import pytest

from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
)
from lignin.domain.events import Actor
from lignin.operations.looplooking import tick
from unit.operations.conftest import Desk
from unit.operations.loop_desk import (
    add,
    business,
    command,
    definition,
    run,
    script,
    titles,
)


def stages(desk: Desk) -> dict[str, Any]:
    text = "print(json.dumps({'note': '%s', 'found': [{'title': '%s after ' + str(len(task['previous']))}]}))"
    plan = {
        "name": "plan",
        "action": command(script(desk, "plan.py", text % ("p", "plan"))),
        "gate": {"kind": "approval"},
    }
    build = {
        "name": "build",
        "action": command(script(desk, "build.py", text % ("b", "build"))),
        "gate": {"kind": "nothing"},
    }
    value = definition({})
    del value["action"], value["gate"]
    return {**value, "stages": [plan, build]}


def test_a_chain_waits_for_approval_between_stages_and_goes_on_with_it(desk: Desk) -> None:
    add(desk, stages(desk))
    ran = run(desk)
    assert ran.state == "waiting"
    asked = desk("inbox.show", item=ran.items[0])
    assert asked.kind == "approval"
    assert desk("inbox.settle", item=asked.item, how="accept").items[0].wakes == ran.run
    assert desk("loop.tick").drove == {ran.run: "landed"}
    assert sorted(titles(desk)) == ["build after 1", "plan after 0"]


def test_a_chain_whose_plan_is_dismissed_ends(desk: Desk) -> None:
    add(desk, stages(desk))
    ran = run(desk)
    desk("inbox.settle", item=ran.items[0], how="dismiss")
    desk("loop.tick")
    view = desk("loop.history", name="triage").items[0]
    assert (view.state, view.why.partition(":")[0]) == ("archived", "dismissed")


def test_a_loop_that_asks_waits_for_the_answer_and_acts_on_it(desk: Desk) -> None:
    add(desk, business(desk))
    ran = run(desk)
    assert ran.state == "waiting"
    assert titles(desk) == ["may I write to them?"]
    with pytest.raises(InvalidRequestError):
        desk("inbox.settle", item=ran.items[0], how="answer")
    desk("inbox.settle", item=ran.items[0], how="answer", say="yes, kindly")
    assert desk("loop.tick").drove == {ran.run: "archived"}
    assert desk("loop.history", name="triage").items[0].why.startswith("goal reached")


def test_a_loop_that_nobody_answers_ends_when_that_expires(desk: Desk) -> None:
    add(desk, business(desk))
    ran = run(desk)
    now = desk.context.ledger.now()
    tick(desk.context, now + timedelta(seconds=3500))
    assert desk("loop.history", name="triage").items[0].state == "waiting"
    tick(desk.context, now + timedelta(seconds=3700))
    assert desk("loop.tick").drove == {ran.run: "archived"}
    assert desk("inbox.show", item=ran.items[0]).state == "expired"
    assert desk("loop.history", name="triage").items[0].why.startswith("expired")


def test_a_snoozed_item_is_open_again_when_its_time_has_come(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", "print('look at this')"))))
    item = run(desk).items[0]
    desk("inbox.settle", item=item, how="snooze", hours=1)
    assert titles(desk) == []
    tick(desk.context, desk.context.ledger.now() + timedelta(hours=2))
    assert titles(desk) == ["look at this"]


def test_a_question_is_not_put_off_beyond_the_end_of_its_run(desk: Desk) -> None:
    add(desk, business(desk))  # expires after an hour
    item = run(desk).items[0]
    with pytest.raises(InvalidRequestError, match="expires at"):
        desk("inbox.settle", item=item, how="snooze", hours=2)
    before = desk("inbox.show", item=item).until
    snoozed = desk("inbox.settle", item=item, how="snooze", hours=0.5).items[0]
    assert (snoozed.state, snoozed.until < before) == ("snoozed", True)
    tick(desk.context, desk.context.ledger.now() + timedelta(minutes=40))
    assert desk("inbox.show", item=item).until == before


def test_only_a_person_settles(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", "print('look at this')"))))
    item = run(desk).items[0]
    person = desk.context.scope
    desk.context.scope = type(person)(space=person.space, actor=Actor(sub="agent:coder"))
    with pytest.raises(DeniedError):
        desk("inbox.settle", item=item)
    desk.context.scope = person
