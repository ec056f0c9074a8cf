"""Loops by their operations: added, run, looked at, answered; what they find and how far they may go."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    IllegalTransitionError,
    InvalidRequestError,
    NotFoundError,
)
from lignin.domain.events import Actor, parse_time
from lignin.loops.laws.parse import parse_loop
from lignin.loops.laws.reading import parse_file
from lignin.operations.loop_files import shipped
from lignin.operations.looplooking import tick
from lignin.ports.ledger import require_known
from unit.operations.conftest import OPERATIONS, Desk

PYTHON = sys.executable
PRELUDE = "import json, sys, pathlib\ntask = json.load(sys.stdin)\n"


def script(desk: Desk, name: str, text: str) -> str:
    """A program of the user's that reads its task from stdin; returns the words that run it."""
    desk.write(name, PRELUDE + text)
    return f"{PYTHON} {desk.context.cwd / name}"


def command(run: str) -> dict[str, Any]:
    return {"kind": "command", "run": run, "unsandboxed": True}


def definition(action: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "loop": "triage",
        "trigger": {"kind": "message", "overlap": "queue"},
        "context": [{"name": "spaces", "operation": "space.list"}],
        "action": action,
        "gate": {"kind": "nothing"},
        "stop": {"budget": {"time_s": 600}},
        **changed,
    }


def add(desk: Desk, value: Mapping[str, Any]) -> Any:
    return desk("loop.add", file=desk.write("loop.json", json.dumps(value)))


def run(desk: Desk, **request: Any) -> Any:
    return desk("loop.run", name="triage", **request)


def titles(desk: Desk, state: str = "open") -> list[str]:
    return [item.title for item in desk("inbox.list", state=state).items]


def test_a_run_that_finds_nothing_archives_itself(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    ran = run(desk)
    assert (ran.state, ran.items) == ("archived", [])
    assert desk("inbox.list", state=None).total == 0
    assert desk("loop.list").items[0].last == "archived"


def test_a_run_that_finds_something_lands_with_evidence(desk: Desk) -> None:
    found = {"title": "a test is flaky", "evidence": ["3 of 10 failed"], "proposed": "mark it"}
    add(
        desk,
        definition(command(script(desk, "act.py", f"print(json.dumps({{'found': [{found}]}}))"))),
    )
    ran = run(desk)
    assert ran.state == "landed"
    item = desk("inbox.show", item=ran.items[0])
    assert (item.title, item.evidence, item.kind) == (found["title"], found["evidence"], "finding")
    run(desk)
    assert desk("inbox.show", item=item.item).seen == 2
    assert desk("inbox.list").total == 1


def test_what_was_dismissed_stays_so_and_what_passed_and_comes_back_is_open_again(
    desk: Desk,
) -> None:
    text = "print(json.dumps({'found': [{'key': 'a', 'title': 'A'}, {'key': 'b', 'title': 'B'}]}))"
    add(desk, definition(command(script(desk, "act.py", text))))
    run(desk)
    one, two = sorted(desk("inbox.list").items, key=lambda item: item.title)
    desk("inbox.settle", item=one.item, how="dismiss", say="not ours")
    desk("inbox.settle", item=two.item, how="accept")
    run(desk)
    assert titles(desk) == ["B"]
    with pytest.raises(IllegalTransitionError):
        desk("inbox.settle", item=one.item)


def test_the_next_run_is_told_what_is_open_what_passed_and_what_was_tried(desk: Desk) -> None:
    text = """
pathlib.Path('seen.json').write_text(json.dumps(task))
out = pathlib.Path(%r)
out.write_text(json.dumps(task))
print(json.dumps({'found': [{'key': 'a', 'title': 'A'}], 'note': 'looked at a'}))
"""
    place = desk.context.cwd / "told.json"
    add(desk, definition(command(script(desk, "act.py", text % str(place)))))
    run(desk)
    first = json.loads(place.read_text())
    assert first["memory"]["tried"] == first["memory"]["open"] == []
    assert first["context"]["spaces"]["items"]
    run(desk)
    memory = json.loads(place.read_text())["memory"]
    assert [each["title"] for each in memory["open"]] == ["A"]
    assert memory["tried"][0]["note"] == "looked at a"
    desk("inbox.settle", item=desk("inbox.list").items[0].item, how="accept")
    run(desk)
    assert [e["title"] for e in json.loads(place.read_text())["memory"]["passed"]] == ["A"]


CLOSED = {
    "shape": "closed",
    "goal": "count to three",
    "stop": {"iterations": 6, "no_progress": 2, "budget": {"time_s": 600, "tokens": 1000}},
}


def counting(desk: Desk, *, until: int, step: int = 1, spent: int = 10) -> dict[str, Any]:
    """A loop that counts in a file, and a checker of its own that looks at the result."""
    counter = desk.context.cwd / "count"
    act = f"""
p = pathlib.Path({str(counter)!r})
n = int(p.read_text() if p.exists() else 0) + {step}
p.write_text(str(n))
print(json.dumps({{'progress': n, 'spent': {{'tokens': {spent}}}}}))
"""
    judge = f"sys.exit(0 if json.loads(task['result'])['progress'] >= {until} else 1)"
    closed = {
        **CLOSED,
        "stop": {**CLOSED["stop"], "goal": command(script(desk, "judge.py", judge))},
    }  # type: ignore[dict-item]
    return definition(command(script(desk, "act.py", act)), **closed)


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
    assert desk("inbox.settle", item=asked.item, how="accept").wakes == ran.run
    assert desk("loop.tick").drove == {ran.run: "landed"}
    assert sorted(titles(desk)) == ["build after 1", "plan after 0"]


def test_a_chain_whose_plan_is_dismissed_ends(desk: Desk) -> None:
    add(desk, stages(desk))
    ran = run(desk)
    desk("inbox.settle", item=ran.items[0], how="dismiss")
    desk("loop.tick")
    view = desk("loop.history", name="triage").items[0]
    assert (view.state, view.why.partition(":")[0]) == ("archived", "dismissed")


def business(desk: Desk) -> dict[str, Any]:
    act = """
if task['heard'] is None:
    print(json.dumps({'ask': 'may I write to them?', 'note': 'drafted'}))
else:
    print(json.dumps({'progress': task['heard']['said'], 'note': 'sent'}))
"""
    judge = "sys.exit('sent' not in task['result'])"
    closed = {**CLOSED, "goal": "they answered"}
    closed["stop"] = {
        **CLOSED["stop"],
        "goal": command(script(desk, "judge.py", judge)),
        "expires_s": 3600,
    }  # type: ignore[dict-item]
    return definition(command(script(desk, "act.py", act)), **closed)


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
    snoozed = desk("inbox.settle", item=item, how="snooze", hours=0.5)
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


def test_new_files_start_a_loop_and_old_ones_do_not(desk: Desk) -> None:
    folder = desk.context.cwd / "in"
    folder.mkdir()
    old = parse_time("2026-01-01T00:00:00.000000Z").timestamp()

    def put(name: str) -> None:
        path = folder / name
        path.write_text(name)
        os.utime(path, (old, old))

    put("before.txt")
    place = desk.context.cwd / "told.json"
    text = f"pathlib.Path({str(place)!r}).write_text(json.dumps(task['given']))"
    trigger = {"kind": "files", "path": "in", "pattern": "*.txt"}
    add(desk, definition(command(script(desk, "act.py", text)), trigger=trigger))
    assert desk("loop.tick").taken == {}
    put("one.txt")
    put("two.md")
    (folder / "fresh.txt").write_text("still being written")
    assert list(desk("loop.tick").drove.values()) == ["archived"]
    assert json.loads(place.read_text()) == {"count": 1, "files": [str(folder / "one.txt")]}
    assert desk("loop.tick").taken == {}


def test_new_traces_start_a_loop(desk: Desk) -> None:
    trigger = {"kind": "traces", "least": 2}
    add(
        desk,
        definition(
            command(script(desk, "act.py", "print(len(task['given']['sessions']))")),
            trigger=trigger,
        ),
    )
    desk("session.start")
    assert desk("loop.tick").taken == {}
    desk("session.start")
    assert desk("loop.tick").taken == {"triage": ["start"]}
    assert titles(desk) == ["2"]
    assert desk("loop.tick").taken == {}


def test_a_cron_line_starts_a_loop_when_it_is_due(desk: Desk) -> None:
    trigger = {"kind": "cron", "at": "*/5 * * * *", "catch_up": "last", "overlap": "queue"}
    add(desk, definition(command(script(desk, "act.py", "")), trigger=trigger))
    assert desk("loop.list").items[0].next_at
    now = desk.context.ledger.now()
    assert tick(desk.context, now + timedelta(minutes=17)).taken == {"triage": ["start"]}
    assert tick(desk.context, now + timedelta(minutes=17)).taken == {}
    assert list(desk("loop.tick").drove.values()) == ["archived"]


def test_a_source_that_is_not_there_is_told_and_stops_no_other_loop(desk: Desk) -> None:
    act = command(script(desk, "act.py", ""))
    add(desk, {**definition(act, trigger={"kind": "files", "path": "nowhere"}), "loop": "broken"})
    add(desk, {**definition(act, trigger={"kind": "traces"}), "loop": "sound"})
    desk("session.start")
    ticked = desk("loop.tick")
    assert list(ticked.taken) == ["sound"]
    assert list(ticked.faults) == ["broken"]
    assert ticked.exit_code() == 5


def test_the_same_message_again_starts_nothing(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    first = run(desk, given={"issue": 7}, id="delivery-1")
    again = run(desk, given={"issue": 7}, id="delivery-1")
    assert (first.decided, again.decided, again.run) == ("start", "known", first.run)
    assert desk("loop.history", name="triage").total == 1


@pytest.mark.parametrize("first", [{}, {"given": {"issue": 7}}])
def test_an_id_starts_one_run_whatever_comes_with_it(desk: Desk, first: dict[str, Any]) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    one = run(desk, id="once", **first)
    again = [run(desk, id="once"), run(desk, id="once", given={"issue": 8})]
    assert {each.run for each in again} == {one.run}
    assert [one.decided, *(each.decided for each in again)] == ["start", "known", "known"]
    assert desk("loop.history", name="triage").total == 1


def test_a_loop_uses_no_operation_that_governs_and_none_about_loops(desk: Desk) -> None:
    for name in ("head.rollback", "loop.run", "inbox.settle", "up"):
        with pytest.raises(DeniedError):
            add(desk, definition({"kind": "operation", "name": name}))
    with pytest.raises(DeniedError):
        add(desk, definition(command("true"), context=[{"name": "a", "operation": "trace.import"}]))
    with pytest.raises(NotFoundError):
        add(desk, definition({"kind": "operation", "name": "moon.land"}))
    assert desk("loop.list").total == 0


def test_removing_a_loop_keeps_its_history(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    run(desk)
    desk("loop.remove", name="triage", why="done with it")
    assert desk("loop.history", name="triage").total == 1
    with pytest.raises(NotFoundError):
        run(desk)
    add(desk, definition(command(script(desk, "act.py", ""))))
    assert run(desk).state == "archived"


def test_every_shipped_loop_is_whole_and_what_it_names_is_there(desk: Desk) -> None:
    known = shipped()
    assert {
        "goal",
        "chain",
        "business",
        "intake",
        "mine",
        "induce",
        "improve",
        "sweep",
        "weekly",
        "repair",
    } == set(known)
    for name, text in known.items():
        loop = parse_loop(parse_file(text.encode()))
        written = desk("loop.new", template=name, to=f"{name}.toml")
        assert desk("loop.add", file=written.path).name == loop.name
        asked = {query.operation: query.request for query in loop.context}
        asked |= {
            s.action.name: s.action.request for s in loop.stages if s.action.kind == "operation"
        }
        for operation, request in asked.items():
            OPERATIONS[operation].request.model_validate(dict(request))
    with pytest.raises(ConflictError):
        desk("loop.new", template="goal", to="goal.toml")


def test_the_built_in_loops_that_need_no_agent_run_as_they_are(desk: Desk) -> None:
    for name in ("mine", "induce", "weekly"):
        desk("loop.add", file=desk("loop.new", template=name).path)
        assert desk("loop.run", name=name).state in ("archived", "landed")


def test_a_skill_acts_by_the_version_that_is_served(desk: Desk) -> None:
    desk.double(promote=True)
    skill = {"kind": "skill", "name": "double", "with": {"number": "$given"}}
    add(desk, definition(skill))
    assert run(desk, given=21).state == "landed"
    assert titles(desk) == ["42"]
    assert run(desk, given="no number").state == "failed"


def test_a_tool_of_a_server_acts_through_the_broker(desk: Desk) -> None:
    name = desk("tool.list", tools="desk").items[0].name
    add(desk, definition({"kind": "tool", "server": "desk", "name": name}))
    assert run(desk).state in ("landed", "failed")  # as the tool answers without arguments
    add(desk, definition({"kind": "tool", "server": "desk", "name": "no_such_tool"}))
    assert run(desk).state == "failed"
    add(desk, definition({"kind": "tool", "server": "nowhere", "name": name}))
    ran = run(desk)
    assert ran.state == "failed"
    told = [desk("inbox.show", item=item).evidence[0] for item in ran.items]
    assert any("no tool server" in each for each in told)


def test_secrets_that_a_run_says_are_not_kept(desk: Desk) -> None:
    secret = "AKIA" + "QRSTUVWXYZABCDEF"
    add(desk, definition(command(script(desk, "act.py", "print('key', task['given'])"))))
    ran = run(desk, given=secret)
    item = desk("inbox.show", item=ran.items[0])
    assert secret not in item.title + item.evidence[0]
    assert "[redacted:" in item.title
    desk("inbox.settle", item=item.item, how="answer", say=f"use {secret}")
    assert secret not in desk("inbox.show", item=item.item).said


# autonomy


def with_class(desk: Desk, promote_after: int = 2) -> dict[str, Any]:
    text = """
print(json.dumps({'found': [
    {'key': str(n), 'title': f'note {n}', 'change': 'note', 'request': {'weakness': 'w', 'name': 'other'}}
    for n in range(6)
]}))
"""
    place = desk.context.cwd / "applied"
    applies = f"pathlib.Path({str(place)!r}).open('a').write(task['change']['key'] + ' ')"
    classes = {"note": command(script(desk, "apply.py", applies))}
    autonomy = {"start": "draft", "promote_after": promote_after, "classes": classes}
    return definition(command(script(desk, "act.py", text)), autonomy=autonomy)


def test_without_a_measured_gate_nothing_goes_beyond_draft(desk: Desk) -> None:
    add(desk, with_class(desk))
    for item in run(desk).items[:4]:
        settled = desk("inbox.settle", item=item, how="accept")
        assert settled.applied is None
    standing = desk("loop.autonomy", name="triage").items[0]
    assert (standing.level, standing.earned, standing.in_a_row) == ("draft", "draft", 4)
    assert any("no measured power" in why for why in standing.why)
    assert not (desk.context.cwd / "applied").exists()


def test_a_change_of_no_class_is_suggested_only(desk: Desk) -> None:
    value = with_class(desk)
    value["autonomy"]["classes"] = {}
    add(desk, value)
    item = run(desk).items[0]
    assert desk("inbox.show", item=item).level == "suggest"
    assert desk("inbox.settle", item=item).applied is None


def test_a_dismissal_or_a_changed_acceptance_begins_the_count_anew(desk: Desk) -> None:
    add(desk, with_class(desk))
    items = run(desk).items
    desk("inbox.settle", item=items[0])
    assert desk("loop.autonomy", name="triage").items[0].in_a_row == 1
    desk("inbox.settle", item=items[1], changed=True)
    assert desk("loop.autonomy", name="triage").items[0].in_a_row == 0
    desk("inbox.settle", item=items[2])
    desk("inbox.settle", item=items[3], how="dismiss")
    assert desk("loop.autonomy", name="triage").items[0].in_a_row == 0


@pytest.mark.parametrize("operation", ["loop.add", "loop.audit"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_plain_file_is_no_loop(desk: Desk, operation: str, kind: str) -> None:
    place = desk.context.cwd / "loop.toml"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()
    with pytest.raises(InvalidRequestError, match="no plain file"):
        desk(operation, file="loop.toml")


def test_the_audit_of_a_file_reads_scripts_and_loops(desk: Desk) -> None:
    text = "[[scripts]]\nname = 'nightly'\naction = 'claude -p fix.md'\ntouches = 'production'\n"
    audited = desk("loop.audit", file=desk.write("scripts.toml", text))
    assert (audited.scripts, audited.sound, audited.exit_code()) == (1, 0, 6)
    assert audited.items[0].part in ("gate", "stop")
    value = definition(command("true"))
    assert desk("loop.audit", file=desk.write("a.json", json.dumps(value))).items
    with pytest.raises(InvalidRequestError):
        desk("loop.audit", file=desk.write("b.toml", "a = 1"))


def test_nobody_can_tell_a_run_on_the_ledger_by_its_foreign_text(desk: Desk) -> None:
    """Payloads hold names, digests and figures; what a program said lies in blobs."""
    add(desk, definition(command(script(desk, "act.py", "print('a secret sentence of theirs')"))))
    run(desk, given="a sentence of mine")
    with desk.context.view() as view:
        require_known(view, "loop/triage")
        told = json.dumps([event.payload for event in view.log(limit=1000)])
    assert "secret sentence" not in told
    assert "sentence of mine" not in told


def test_only_plain_files_are_handed_over_and_what_is_none_is_named(desk: Desk) -> None:
    inbox = desk.context.cwd / "in"
    inbox.mkdir()
    secret = desk.context.cwd.parent / "secret.txt"
    secret.write_text("not yours")
    handed = f"pathlib.Path({str(desk.context.cwd / 'handed.json')!r})"
    text = f"{handed}.write_text(json.dumps(task['given']))"
    value = definition(command(script(desk, "act.py", text)))
    add(desk, {**value, "trigger": {"kind": "files", "path": "in"}})
    os.mkfifo(inbox / "pipe")
    (inbox / "link").symlink_to(secret)
    (inbox / "folder").symlink_to(secret.parent)
    (inbox / "gone").symlink_to("nowhere")
    (inbox / os.fsdecode(b"no\xfftext")).write_text("x")
    (inbox / "a.txt").write_text("a")
    for path in (inbox / "a.txt", inbox / os.fsdecode(b"no\xfftext")):
        os.utime(path, (1, 1))
    assert desk("loop.tick").taken == {"triage": ["start"]}
    given = json.loads((desk.context.cwd / "handed.json").read_text())
    assert given["files"] == [str(inbox / "a.txt")]
    assert {each.rpartition("/")[2] for each in given["passed_over"]} == {
        "pipe: a pipe, a socket or a device",
        "link: a link",
        "gone: a link",
        "no\\udcfftext: its name is no text",
    }
    assert str(secret) not in json.dumps(given)


@pytest.mark.parametrize("path", ["pipe", "device"])
def test_a_files_trigger_on_what_is_no_file_is_a_fault_of_that_loop_alone(
    desk: Desk, path: str
) -> None:
    os.mkfifo(desk.context.cwd / "pipe")
    (desk.context.cwd / "device").symlink_to("/dev/null")
    value = definition(command(script(desk, "act.py", "")))
    add(desk, {**value, "trigger": {"kind": "files", "path": path}})
    assert "neither a file nor a folder" in tick(desk.context).faults["triage"]
