"""Where a loop stops: its checker, its rounds, its budgets, its gate, its failures."""

import json

import pytest

from unit.operations.conftest import Desk
from unit.operations.loop_desk import add, command, counting, definition, run, script


def test_a_closed_loop_goes_on_until_a_separate_checker_says_so(desk: Desk) -> None:
    add(desk, counting(desk, until=3))
    ran = run(desk)
    assert ran.why.startswith("goal reached")
    view = desk("loop.history", name="triage").items[0]
    assert (view.iterations, view.spent["tokens"]) == (3, 30)


@pytest.mark.parametrize(
    ("changed", "why", "made"),
    [
        ({"until": 99}, "iterations", 6),
        ({"until": 99, "step": 0}, "no progress", 3),
        ({"until": 99, "spent": 400}, "budget", 3),
    ],
)
def test_a_loop_that_does_not_get_there_is_stopped(
    desk: Desk, changed: dict[str, int], why: str, made: int
) -> None:
    add(desk, counting(desk, **changed))
    assert run(desk).why.startswith(why)
    assert desk("loop.history", name="triage").items[0].iterations == made


def test_a_goal_that_was_not_reached_lies_in_the_inbox_with_what_was_tried_and_is_open(
    desk: Desk,
) -> None:
    value = counting(desk, until=99)
    judge = "print(json.dumps({'verdict': 'fail', 'note': '96 are missing'}))"
    value["stop"]["goal"] = command(script(desk, "judge.py", judge))
    add(desk, value)
    ran = run(desk)
    assert ran.state == "landed"
    item = desk("inbox.show", item=ran.items[0])
    assert item.title == "stopped without reaching its goal: 6 iterations, the most it may make"
    assert item.evidence[0] == "open: count to three"
    assert item.evidence[1:] == [f"iteration {n}: goal: 96 are missing" for n in range(1, 7)]
    assert "stop.iterations" in item.proposed
    assert (run(desk).state, desk("inbox.list").total) == ("landed", 1)
    for number in (1, 2):  # what somebody delivered has a goal of its own each time
        run(desk, given=number)
    assert desk("inbox.list").total == 3


def test_a_days_budget_holds_over_all_runs(desk: Desk) -> None:
    value = counting(desk, until=1, step=1, spent=60)
    value["stop"]["budget"] = {"tokens": 60}
    value["stop"]["iterations"] = 1
    value["stop"]["daily"] = {"tokens": 130}
    add(desk, value)
    whys = [run(desk).why.partition(":")[0] for _ in range(4)]
    assert whys[:2] == ["goal reached", "goal reached"]
    shown = desk("loop.show", name="triage").budget_today
    assert shown["taken"]["tokens"] <= 130
    assert whys[3] == "budget"


def test_what_a_gate_refuses_lands_nowhere(desk: Desk) -> None:
    act = command(script(desk, "act.py", "print(json.dumps({'found': [{'title': 'bad'}]}))"))
    check = command(script(desk, "check.py", "sys.exit('bad' in task['result'])"))
    add(desk, definition(act, gate={"kind": "checks", "checks": [check]}))
    assert run(desk).state == "archived"
    assert desk("inbox.list").total == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sys.exit(3)", "exit 3"),
        ("print(json.dumps({'found': 'much'}))", "found: is no list"),
        ("print(json.dumps({'ask': 7}))", "ask: is no text"),
    ],
)
def test_a_run_that_fails_says_why_in_the_inbox(desk: Desk, text: str, told: str) -> None:
    add(desk, definition(command(script(desk, "act.py", text))))
    ran = run(desk)
    assert (ran.state, ran.exit_code()) == ("failed", 6)
    assert told in desk("inbox.show", item=ran.items[0]).evidence[0]


def test_what_is_understood_of_an_answer_is_filed_and_what_is_not_is_told(desk: Desk) -> None:
    found = [{"title": "a", "level": 3}, {"titel": "b"}, "c", {"title": "d"}, {"title": "d"}]
    answer = {"found": found, "done": True, "note": 7, "spent": {"tokens": "many"}}
    add(desk, definition(command(script(desk, "act.py", f"print(json.dumps({answer!r}))"))))
    ran = run(desk)
    assert ran.state == "landed"
    shown = {item.title: item for item in (desk("inbox.show", item=each) for each in ran.items)}
    told = shown.pop(
        "a part of an answer was not understood: found[0].level: is no part of a finding"
    )
    assert list(shown) == ["a", "d"] or list(shown) == ["d", "a"]
    assert told.evidence[1:-1] == [
        "found[1].title: is missing",
        "found[2]: is no table",
        "found[4]: its key is that of another one: d",
        "note: is no text but 7",
        "spent.tokens: is 'many'",
        "done: is no part of an answer",
    ]
    assert '"titel"' in told.evidence[-1]
    run(desk)
    assert desk("inbox.list").total == 3


def test_a_failed_message_is_kept_for_the_run_that_comes_through(desk: Desk) -> None:
    place = desk.context.cwd / "told.json"
    text = f"""
pathlib.Path({str(place)!r}).write_text(json.dumps(task))
sys.exit(task['given'] == 'bad')
"""
    add(desk, definition(command(script(desk, "act.py", text))))
    assert run(desk, given="bad").state == "failed"
    assert run(desk, given="good").state == "archived"
    assert json.loads(place.read_text())["memory"]["missed"] == ["bad"]
    run(desk, given="more")
    assert json.loads(place.read_text())["memory"]["missed"] == []


def test_a_loop_that_fails_pauses_where_it_says_so(desk: Desk) -> None:
    value = definition(command(script(desk, "act.py", "sys.exit(1)")))
    add(desk, {**value, "on_failure": {"do": "pause"}})
    run(desk)
    assert desk("loop.show", name="triage").state == "paused"
    assert run(desk).decided == "skip"


def test_what_fails_is_tried_again_as_often_as_the_loop_says(desk: Desk) -> None:
    place = desk.context.cwd / "tries"
    text = f"""
p = pathlib.Path({str(place)!r})
n = int(p.read_text() if p.exists() else 0) + 1
p.write_text(str(n))
sys.exit(n < 3)
"""
    value = definition(command(script(desk, "act.py", text)))
    add(desk, {**value, "on_failure": {"do": "retry", "retries": 2}})
    assert run(desk).state == "archived"
    assert place.read_text() == "3"


def test_a_goal_judged_by_an_agent_in_prose_is_not_reached(desk: Desk) -> None:
    value = counting(desk, until=99)
    judge = command(script(desk, "judge.py", "print('This is not right.')"))
    value["stop"]["goal"] = {**judge, "kind": "agent"}
    add(desk, value)
    assert not run(desk).why.startswith("goal reached")
