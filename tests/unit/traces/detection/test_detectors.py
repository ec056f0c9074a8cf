"""Each detector on a run that has what it looks for, and on one that has not."""

from dataclasses import replace

import pytest

from lignin.domain.findings import Finding
from lignin.domain.traces import Trajectory
from lignin.traces.consensus import UNKNOWN
from lignin.traces.detector import Case, Seen, load_detectors
from lignin.traces.runs import run_of
from unit.traces.detection.made_runs import TASK, agent, booked, call, move, run, user

DETECTORS = {detector.name: detector for detector in load_detectors()}
LOOK = call("get_booking", "room 3", booking="B-1042")


def see(name: str, seen: Trajectory, *siblings: Trajectory, consent: bool = True) -> Seen:
    case = Case(
        run=run_of(seen),
        siblings=tuple(run_of(each) for each in siblings),
        belief=UNKNOWN,
        customs={"move_booking": frozenset(["get_booking"])},
        asks_consent=consent,
    )
    return DETECTORS[name].examine(case)


def found(name: str, seen: Trajectory, *siblings: Trajectory) -> list[tuple[str, int | None]]:
    return [(f.kind, f.step) for f in see(name, seen, *siblings).findings]


@pytest.mark.parametrize("name", DETECTORS)
def test_an_ordinary_run_has_no_findings(name: str) -> None:
    assert see(name, booked(7), booked(7), booked(7)).findings == ()


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_takes_a_run_of_any_shape(name: str) -> None:
    for odd in (run(), run(user("")), run(agent("", call(""))), run(agent("hello"))):
        see(name, odd, run())


def test_a_declared_outcome_is_reported() -> None:
    (finding,) = see("declared", booked(7, outcome="failure")).findings
    assert isinstance(finding, Finding)
    assert finding.probability == 1.0
    assert (finding.kind, "origin declares" in finding.evidence) == ("declared", True)
    assert see("declared", booked(7, outcome="unknown")).findings == ()


def test_an_outcome_that_was_told_later_is_not_laid_to_the_origin() -> None:
    told = replace(booked(7, outcome="failure"), outcome_told="Feedback says so.")
    (finding,) = see("declared", told).findings
    assert (finding.kind, finding.evidence) == ("feedback", "Feedback says so.")


def test_a_change_that_failed_for_good_is_found_with_its_step() -> None:
    assert found("errors", run(user(TASK), agent("", move(7, "Error: taken")))) == [("error", 2)]
    assert (
        found("errors", run(user(TASK), agent("", move(7, "Error: no")), agent("", move(8)))) == []
    )


def test_the_same_call_three_times_is_a_loop() -> None:
    turns = [agent("", LOOK)] * 3
    assert found("loops", run(user(TASK), *turns)) == [("loop", 4)]
    assert found("loops", run(user(TASK), *turns[:2])) == []


def test_an_id_that_nobody_named_contradicts() -> None:
    made_up = call("move_booking", booking="B-9999", room=7)
    assert found("contradictions", run(user(TASK), agent("", made_up))) == [("contradiction", 2)]
    known = [agent("", call("list_bookings", "B-9999 room 3")), agent("", made_up)]
    assert found("contradictions", run(user(TASK), *known)) == []


def test_a_change_without_consent_is_found_where_consent_is_the_custom() -> None:
    hasty = run(user(TASK), agent("", LOOK), user("Make it quick"), agent("", move(7)))
    assert found("preconditions", hasty) == [("precondition", 4)]
    assert see("preconditions", hasty, consent=False).findings == ()


def test_a_change_without_the_customary_look_up_is_found() -> None:
    blind = run(user(TASK), agent("Sure?"), user("Yes, go ahead"), agent("", move(7)))
    assert found("preconditions", blind) == [("precondition", 4)]


def test_work_handed_over_or_refused_is_abandoned() -> None:
    handed = run(user(TASK), agent("", call("transfer_to_human", summary="no")))
    assert found("abandoned", handed) == [("abandoned", 2)]
    refused = run(user(TASK), agent("I am unable to do that."), user("Oh."))
    assert found("abandoned", refused) == [("abandoned", 2)]


def test_the_users_correction_is_found_but_not_in_the_task_itself() -> None:
    assert found("corrections", run(user("This is wrong"), agent("Yes"))) == []
    wrong = run(user(TASK), agent("Done"), user("No, that's not right: I said room 7"))
    assert found("corrections", wrong) == [("correction", 3)]


def test_a_figure_that_the_others_told_and_this_run_did_not_is_missed() -> None:
    told = booked(7, said="The total is 412.50 now.")
    asked = [
        run(user(TASK), agent("", LOOK), user("What is the total?"), agent("It is 412.50."))
        for _ in range(3)
    ]
    silent = run(user(TASK), agent("", LOOK), user("What is the total?"), agent("It is moved."))
    assert found("answers", silent, *asked) == [("answer", 4)]
    assert found("answers", told, *asked) == []
    assert found("answers", silent, asked[0]) == []


@pytest.mark.parametrize(
    "observation",
    ["bash: mini: command not found", "Connection refused", "503 Service Unavailable"],
)
def test_broken_machinery_is_infrastructure_only_where_it_broke_nearly_all(
    observation: str,
) -> None:
    bad = [agent("", call("x", f"Error: {observation}", n=n)) for n in range(4)]
    assert found("infrastructure", run(user(TASK), *bad)) == [("infrastructure", 2)]
    good = [agent("", call("x", "fine", n=n)) for n in range(10, 14)]
    assert found("infrastructure", run(user(TASK), *bad, *good)) == []


def test_an_empty_run_is_infrastructure() -> None:
    assert found("infrastructure", run()) == [("infrastructure", None)]
    assert found("infrastructure", run(user(TASK))) == [("infrastructure", None)]


def test_a_run_of_twice_the_steps_is_waste() -> None:
    long = run(user(TASK), *[agent("", call("get_room", n=n)) for n in range(20)])
    assert found("waste", long, booked(7), booked(7)) == [("waste", None)]
    assert found("waste", long, booked(7)) == []
