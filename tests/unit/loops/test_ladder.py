"""How far a loop may go: what it earned, what its file allows, what its gate was measured to catch."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.loops import LEVELS, Action, Autonomy, Level
from lignin.evals.laws.binomial import exact_interval
from lignin.loops.ladder import Ladder, standing_of
from lignin.loops.laws.ladder import (
    Ceiling,
    Incident,
    Power,
    ceiling_of,
    decide_fall,
    decide_rise,
    new_incidents,
    stand,
)
from lignin.loops.laws.parse import parse_loop
from lignin.testing.changes import CountingIds, TickingClock
from unit.loops.loops import SCOPE, SPACE, Desk
from unit.loops.test_parse import WHOLE

NOTES = {"note": Action(kind="command", run="true")}
AUTONOMY = Autonomy(start="draft", promote_after=3, classes=NOTES)
OPEN = Ceiling(level="automatic", why="measured")


def power(caught: int, of: int) -> Power:
    low, _ = exact_interval(caught, of) or (0.0, 1.0)
    return Power(caught=caught, of=of, low=low)


@pytest.mark.parametrize(
    ("gates", "level"),
    [
        ({}, "draft"),
        ({"": None}, "draft"),
        ({"main": None}, "draft"),
        ({"main": power(0, 0)}, "draft"),
        ({"main": power(2, 4)}, "draft"),
        ({"main": power(6, 6)}, "approve"),
        ({"main": power(16, 16)}, "approve"),
        ({"main": power(17, 17)}, "automatic"),
        ({"main": power(17, 17), "": None}, "draft"),
        ({"main": power(17, 17), "other": power(6, 6)}, "approve"),
    ],
)
def test_nothing_goes_further_than_its_weakest_gate_was_measured_to_catch(
    gates: dict[str, Power | None], level: str
) -> None:
    assert ceiling_of(gates).level == level


def row(state: Level, in_a_row: int = 0) -> dict[str, object]:
    return {"state": state, "in_a_row": in_a_row, "why": ""}


@pytest.mark.parametrize(
    ("earned", "most", "ceiling"), list(itertools.product(LEVELS, LEVELS[1:], LEVELS))
)
def test_the_lowest_of_the_three_counts(earned: Level, most: Level, ceiling: Level) -> None:
    autonomy = Autonomy(start="suggest", most=most, classes=NOTES)
    standing = stand(autonomy, "note", row(earned), Ceiling(level=ceiling, why="w"))
    places = [LEVELS.index(each) for each in (earned, most, ceiling)]
    assert LEVELS.index(standing.level) == min(places)
    assert standing.why


def test_a_class_that_the_file_does_not_name_is_suggested_only() -> None:
    assert stand(AUTONOMY, "other", row("automatic", 99), OPEN).level == "suggest"


def test_it_rises_one_level_after_the_run_of_decisions_and_no_further_than_allowed() -> None:
    def rise(earned: Level, in_a_row: int, ceiling: Ceiling = OPEN) -> Level | None:
        return decide_rise(
            AUTONOMY, stand(AUTONOMY, "note", row(earned, in_a_row), ceiling), ceiling
        )

    assert rise("draft", 2) is None
    assert rise("draft", 3) == "approve"
    assert rise("approve", 3) == "automatic"
    assert rise("automatic", 99) is None
    assert rise("draft", 99, Ceiling(level="draft", why="unmeasured")) is None


def test_an_incident_takes_back_what_was_earned_and_counts_once() -> None:
    assert decide_fall(AUTONOMY, "automatic") == "draft"
    assert decide_fall(AUTONOMY, "suggest") == "suggest"
    one, two = (Incident(id=name, change="note", told="t") for name in ("a", "b"))
    assert new_incidents([one, two, one], {"a"}) == [two]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/ledger.db", TickingClock())
    yield Desk(ledger, CountingIds()).found()
    ledger.close()


def test_decisions_and_incidents_move_a_loop_on_the_ledger(desk: Desk) -> None:
    classes = {"note": {"kind": "command", "run": "true"}}
    value = {**WHOLE, "autonomy": {"start": "draft", "promote_after": 2, "classes": classes}}
    loop, ladder = parse_loop(value), Ladder(desk.ids)

    def decide(item: str, *, unchanged: bool = True) -> None:
        desk.commit(
            lambda view: ladder.decided(
                view, SCOPE, loop, "note", OPEN, item=item, unchanged=unchanged
            )
        )

    def level() -> str:
        with desk.ledger.view(SPACE) as view:
            return standing_of(view, loop, "note", OPEN).level

    def incident(name: str) -> None:
        found = [Incident(id=name, change="note", told="it slid back")]
        desk.commit(lambda view: ladder.fallen(view, SCOPE, loop, found))

    seen = []
    for number in range(4):
        decide(f"inb_{number}")
        seen.append(level())
    assert seen == ["draft", "approve", "approve", "automatic"]
    incident("bks_1")
    assert level() == "draft"
    decide("inb_5")
    decide("inb_6")
    assert level() == "approve"
    incident("bks_1")  # known already
    assert level() == "approve"
    decide("inb_7")
    decide("inb_8", unchanged=False)
    decide("inb_9")
    assert level() == "approve"
    assert desk.body("autonomy/triage/note")["incidents"] == 1
