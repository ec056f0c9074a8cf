"""Routines over the operations: induced of the practice desk's runs, proven elsewhere, promoted, called."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.domain.errors import GateFailedError
from lignin.domain.routines import Parameter, Reference, Routine, Use, parse_routine
from lignin.operations.artifact import call
from lignin.operations.artifact_models import ArtifactCall
from lignin.operations.context import Context
from lignin.operations.planning import serving
from lignin.operations.routine import RoutineInduce, RoutineShow, induce, show
from lignin.operations.routine_prove import RoutinePromote, RoutineProve, promote, prove
from lignin.operations.trace import TraceImport, import_
from lignin.practice.agents import REFERENCE_AGENT
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task

FAMILY = FAMILIES["return-refund"]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Context]:
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **home}, tmp_path)) as context:
        yield context


def practised(context: Context, worlds: int) -> None:
    """Take in runs of one family in so many worlds."""
    records = [
        run_record(run_task(make_task(FAMILY, world), REFERENCE_AGENT, 1), 0)
        for world in range(worlds)
    ]
    (context.cwd / "runs.jsonl").write_text(write_runs(records))
    import_(context, TraceImport(paths=["runs.jsonl"]))


def test_routine_is_proven_where_it_was_not_induced_then_promoted_and_called(
    opened: Context,
) -> None:
    practised(opened, 24)
    [first, *_] = induce(opened, RoutineInduce()).items
    with pytest.raises(GateFailedError, match="is not proven"):
        promote(opened, RoutinePromote(routine=first.routine))
    proved = prove(opened, RoutineProve(routine=first.routine))
    assert (proved.verdict, proved.reason) == ("pass", "")
    assert proved.uses >= 3
    assert proved.live_equal == proved.live_runs > 0
    assert promote(opened, RoutinePromote(routine=first.routine)).digest == proved.digest
    assert "proven" in [
        each["event"] for each in show(opened, RoutineShow(routine=first.routine)).history
    ]
    task = make_task(FAMILY, 500)
    named = {"email": task.facts["email"], "postcode": task.facts["postcode"]}
    given = {
        name: named.get(
            name, [task.facts["order_id"]] if name.endswith("s") else task.facts.get(name)
        )
        for name in first.parameters
    }
    if None not in given.values():
        answer = call(
            opened,
            ArtifactCall(name=proved.artifact, input=given, tools=f"desk:{task.seed}"),
        )
        assert answer.output["handed_over"] == ""


def test_few_runs_prove_nothing_and_say_so(opened: Context) -> None:
    practised(opened, 6)
    for each in induce(opened, RoutineInduce()).items:
        proved = prove(opened, RoutineProve(routine=each.routine))
        assert proved.verdict == "inconclusive"
        assert "held out" in proved.reason
        assert "take in more passing runs" in proved.reason
        assert proved.exit_code() == 10
        shown = show(opened, RoutineShow(routine=each.routine))
        assert (shown.proof, shown.why, shown.heads) == ("inconclusive", proved.reason, [])


def test_form_that_asks_for_more_is_proven_and_said_and_served_as_such(
    opened: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the runs that are not held out so few are taken that they do not show the condition."""
    practised(opened, 24)
    [first, *_] = induce(opened, RoutineInduce()).items
    routine = parse_routine(show(opened, RoutineShow(routine=first.routine)).content)
    asked = next(
        (number, name)
        for number, step in enumerate(routine.steps)
        for name, slot in step.arguments.items()
        if isinstance(slot, Reference)
    )
    loose = given(routine, *asked)
    monkeypatch.setattr("lignin.operations.routine_prove.form_of", lambda *_: loose)
    proved = prove(opened, RoutineProve(routine=first.routine))
    assert (proved.verdict, proved.reason) == ("pass", "")
    [told] = proved.form
    assert told.startswith(
        f"${asked[0] + 1} {routine.steps[asked[0]].tool}: {asked[1]} is given as"
    )
    promote(opened, RoutinePromote(routine=first.routine))
    shown = show(opened, RoutineShow(routine=first.routine))
    assert (shown.proof, shown.form, shown.heads) == ("proven", proved.form, ["main"])
    assert told in shown.to_text()
    with opened.view() as view:
        served = serving(opened, view, "main")
    assert [each.row.key for each in served.values()] == [first.routine]
    assert list(served) == [loose.routine_id] != [first.routine]


def given(routine: Routine, number: int, name: str) -> Routine:
    """The routine with a parameter in the place of what a step takes for itself."""
    step = routine.steps[number]
    loose = replace(step, arguments={**step.arguments, name: Use("asked_for")})
    return replace(
        routine,
        steps=(*routine.steps[:number], loose, *routine.steps[number + 1 :]),
        parameters=(*routine.parameters, Parameter(name="asked_for", type="str")),
    )
