"""What loops spend: every attempt and every checker counts, and nobody is given what is gone."""

import json
from typing import Any

from lignin.ports.ledger import require_known
from unit.operations.conftest import Desk
from unit.operations.loop_desk import add, command, counting, definition, run, script

RETRY = {"do": "retry", "retries": 4}


def booked(desk: Desk, run_id: str) -> dict[str, Any]:
    with desk.context.view() as view:
        return dict(require_known(view, f"budget/{run_id}").body["spent"])


def failing(desk: Desk, tells: str, fails: int) -> tuple[dict[str, Any], Any]:
    """An action that fails some times first, tells each time what it spent, and notes its limits."""
    place = desk.context.cwd / "limits"
    text = f"""
p = pathlib.Path({str(place)!r})
before = p.read_text().splitlines() if p.exists() else []
p.write_text('\\n'.join([*before, json.dumps(task['limits'])]))
print({tells})
sys.exit(len(before) < {fails})
"""
    value = definition(command(script(desk, "act.py", text)), on_failure=RETRY)
    return {**value, "stop": {"budget": {"tokens": 100}}}, place


def test_each_attempt_is_given_what_is_left_and_all_of_them_count(desk: Desk) -> None:
    value, place = failing(desk, "json.dumps({'spent': {'tokens': 30}})", 2)
    add(desk, value)
    ran = run(desk)
    assert ran.state == "archived"
    limits = [json.loads(line)["tokens"] for line in place.read_text().splitlines()]
    assert limits == [100, 70, 40]
    assert booked(desk, ran.run)["tokens"] == 90
    assert desk("loop.history", name="triage").items[0].spent["tokens"] == 90


def test_attempts_end_when_nothing_is_left(desk: Desk) -> None:
    value, place = failing(desk, "json.dumps({'spent': {'tokens': 60}})", 9)
    add(desk, value)
    ran = run(desk)
    assert ran.state == "failed"
    assert len(place.read_text().splitlines()) == 2
    assert booked(desk, ran.run)["tokens"] == 120


def test_an_attempt_that_failed_and_told_nothing_counts_as_all_that_it_was_given(
    desk: Desk,
) -> None:
    value, place = failing(desk, "''", 1)
    add(desk, value)
    ran = run(desk)
    assert ran.state == "failed"
    assert len(place.read_text().splitlines()) == 1
    assert booked(desk, ran.run)["tokens"] == 100


def test_what_checks_and_the_goals_checker_tell_counts(desk: Desk) -> None:
    value = counting(desk, until=1, spent=10)
    say = "print(json.dumps({'verdict': 'pass', 'spent': {'tokens': %d}}))"
    value["gate"] = {"kind": "checks", "checks": [command(script(desk, "check.py", say % 7))]}
    value["stop"]["goal"] = command(script(desk, "goal.py", say % 5))
    add(desk, value)
    ran = run(desk)
    assert ran.why.startswith("goal reached")
    assert booked(desk, ran.run)["tokens"] == 22
    assert desk("loop.history", name="triage").items[0].spent["tokens"] == 22


def test_what_comes_on_a_day_that_is_spent_is_kept_and_told_once(desk: Desk) -> None:
    place = desk.context.cwd / "missed"
    text = f"pathlib.Path({str(place)!r}).write_text(json.dumps(task['memory']['missed']))"
    value = definition(command(script(desk, "act.py", text)))
    stop = {"budget": {"tokens": 60}, "daily": {"tokens": 60}}
    add(desk, {**value, "stop": stop})
    assert run(desk, given="first").state == "archived"
    late = [run(desk, given=given) for given in ("second", "third")]
    assert [(ran.state, ran.why.partition(":")[0]) for ran in late] == [("failed", "budget")] * 2
    (item,) = desk("inbox.list", state="open").items
    assert "nothing left to spend" in item.title
    add(desk, {**value, "stop": {"budget": {"tokens": 60}}})
    assert run(desk, given="fourth").state == "archived"
    assert json.loads(place.read_text()) == ["second", "third"]
