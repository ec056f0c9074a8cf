"""Schedulers and spenders that race, as threads and as processes, on SQLite and on Postgres.

No tick is taken twice and none is lost; no budget is overspent.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.loop_racer import START
from lignin.adapters.store.ledger import SqlLedger
from lignin.app import SystemClock, SystemIds
from lignin.domain.loops import run_id
from lignin.loops.laws.ticks import occurrence_of, ticks_between
from lignin.ports.ledger import every_row
from unit.loops.loops import SPACE, WHOLE, Desk

ROOT = Path(__file__).parents[1]
LINE, ZONE = "*/20 * * * *", "Europe/Berlin"
PROCESSES = 3


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("fresh_postgres_url"))
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    ledger = SqlLedger(url, SystemClock())
    yield Desk(ledger, SystemIds()).found()
    ledger.close()


def race(url: str, what: str, size: int) -> list[str]:
    """What all threads of all processes got."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT.parent / "src")])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "faults.loop_racer", url, what, str(size), f"p{number}"],
            stdout=subprocess.PIPE,
            env=variables,
        )
        for number in range(PROCESSES)
    ]
    said = [racer.communicate(timeout=500)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * PROCESSES
    return [each for one in said for thread in json.loads(one) for each in thread]


def ticking(hours: int, desk: Desk, url: str, overlap: str) -> None:
    trigger = {"kind": "cron", "at": LINE, "zone": ZONE, "catch_up": "all", "overlap": overlap}
    desk.add({**WHOLE, "loop": "ticking", "trigger": trigger})
    taken = race(url, "schedule", hours)
    until = START.fromtimestamp(START.timestamp() + hours * 3600, START.tzinfo)
    wanted = [occurrence_of(tick) for tick in ticks_between(LINE, ZONE, START, until)]
    assert Counter(taken) == Counter(run_id("ticking", each) for each in wanted)
    with desk.ledger.view(SPACE) as view:
        rows = list(every_row(view, "looprun"))
        events = view.events("looplane/ticking", limit=10_000)
    assert len(rows) == len(wanted)
    entered = [event.payload["run"] for event in events if event.type == "looplane.entered"]
    assert len(entered) == len(set(entered)) == len(wanted)
    states = Counter(row.state for row in rows)
    first = {"skip": "skipped", "queue": "queued", "replace": "replaced"}[overlap]
    assert states == {"running": 1, first: len(wanted) - 1}


def test_nine_schedulers_take_each_tick_once(desk: Desk, url: str) -> None:
    ticking(4, desk, url, "replace")


@pytest.mark.slow
@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_nine_schedulers_take_each_tick_of_a_day_once(desk: Desk, url: str, overlap: str) -> None:
    ticking(24, desk, url, overlap)


def spent_in(desk: Desk, url: str, races: int) -> None:
    got = race(url, "spend", races)
    # Of 100, nine want 40 each: two get it, whoever crashes or settles.
    assert Counter(got) == {f"budget/race-{number}": 2 for number in range(races)}
    with desk.ledger.view(SPACE) as view:
        rows = list(every_row(view, "budget"))
    assert len(rows) == races
    for row in rows:
        held = sum(ticket["money_microusd"] for ticket in row.body["held"].values())
        assert held + row.body["spent"].get("money_microusd", 0) <= 100
        assert row.body["over"] == 0


def test_no_budget_is_overspent_by_nine_who_race(desk: Desk, url: str) -> None:
    spent_in(desk, url, 25)


@pytest.mark.slow
def test_no_budget_is_overspent_in_a_thousand_races(desk: Desk, url: str) -> None:
    spent_in(desk, url, 1000)
