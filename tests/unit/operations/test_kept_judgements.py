"""A run is judged once: what is kept equals what judging everything again would say."""

import json
from typing import Any

from lignin.domain.findings import Finding, Judgement
from lignin.domain.states.blobs import named_blob, needed_blobs
from lignin.operations.detection import judge_stored
from lignin.operations.filing import file_new
from lignin.testing.changes import CountingIds
from lignin.traces.judgements import Judgements, load_judgement
from unit.operations.conftest import Desk
from unit.operations.test_detect_operations import record


def runs(tasks: range) -> list[Any]:
    """Per task four runs that agree, one that does something else, one that crashed."""
    made = []
    for task in tasks:
        made += [record(7, task=task, trial=n) for n in range(4)]
        made += [record(8, task=task, trial=4), {**record(7, task=task, trial=5), "traj": []}]
    return made


def taken(desk: Desk, name: str, records: list[Any], **more: Any) -> None:
    desk.write(name, "".join(json.dumps(each) + "\n" for each in records))
    desk("trace.import", paths=[name], **more)


def kept(desk: Desk) -> dict[str, Judgement]:
    with desk.context.view() as view:
        rows = view.page("judgement", limit=1000).rows
        return {row.key: load_judgement(view, row) for row in rows}


def judged_anew(desk: Desk) -> dict[str, Judgement]:
    return {run.session: run.judgement for run in judge_stored(desk.context)}


def test_what_is_kept_equals_judging_everything_however_it_arrived(desk: Desk) -> None:
    for number in range(4):
        taken(desk, f"part{number}.jsonl", runs(range(number, number + 2)))
        desk("trace.detect")
        assert kept(desk) == judged_anew(desk)
    taken(desk, "part0.jsonl", runs(range(2)), hide_outcome=True)
    session = desk("trace.detect", verdict="failure").items[0].session
    desk("trace.feedback", session=session, label="success", reason="the customer meant it")
    desk("trace.detect")
    assert kept(desk) == judged_anew(desk)
    assert kept(desk)[session].verdict == "success"


def test_of_a_store_larger_than_a_lot_the_verdicts_are_the_same(desk: Desk) -> None:
    taken(desk, "all.jsonl", runs(range(6)))
    file_new(desk.context, lot=12)
    taken(desk, "more.jsonl", runs(range(6, 7)))
    file_new(desk.context, lot=12)
    assert {each: judgement.verdict for each, judgement in kept(desk).items()} == {
        each: judgement.verdict for each, judgement in judged_anew(desk).items()
    }


def test_asking_again_judges_nothing_and_shares_the_pass_with_the_failure_modes(desk: Desk) -> None:
    taken(desk, "all.jsonl", runs(range(2)))
    first = desk("trace.detect")
    with desk.context.view() as view:
        position = view.position
    assert desk("trace.detect") == first
    assert desk("trace.modes").judged == first.total
    with desk.context.view() as view:
        assert view.position == position


def test_what_is_told_again_and_judged_as_before_adds_no_judgement(desk: Desk) -> None:
    taken(desk, "all.jsonl", runs(range(1)))
    session = desk("trace.detect", verdict="failure").items[0].session
    told = {"session": session, "label": "failure", "reason": "reverted"}
    for hour in (10, 11):
        desk("trace.feedback", **told, at=f"2020-03-02T{hour}:00:00Z")
        assert desk("trace.detect", verdict="failure").items[0].session == session
    with desk.context.view() as view:
        assert len(view.events(f"judgement/{session}")) == 2  # guessed, then known


def test_runs_filed_before_judgements_were_kept_are_judged(desk: Desk) -> None:
    taken(desk, "all.jsonl", runs(range(2)))
    with desk.context.view() as view:
        sessions = [row.key for row in view.page("session", limit=100).rows]
        position = view.position
    for session in sessions:  # as an older version left the store
        filed = {"task": "t", "verdict": "unknown", "mode": None, "signature": None, "error": None}
        filed |= {"coarse": None, "facts": {"group": session}}
        commit(desk, f"filing/{session}", "run.filed", filed)
    commit(desk, "miner/modes", "miner.advanced", {"position": position + len(sessions)})
    assert desk("trace.detect").total == len(sessions)


def commit(desk: Desk, stream: str, type_: str, payload: dict[str, Any]) -> None:
    from lignin.domain.events import NewEvent

    context = desk.context
    event = NewEvent(stream=stream, type=type_, payload=payload, event_id=context.ids.new("evt"))
    context.commit(context.scope.change(events=(event,)))


def test_pages_of_one_verdict_add_up(desk: Desk) -> None:
    taken(desk, "all.jsonl", runs(range(4)))
    every = [run.session for run in desk("trace.detect", verdict="failure").items]
    paged, after = [], None
    while True:
        page = desk("trace.detect", verdict="failure", limit=3, after=after)
        paged += [run.session for run in page.items]
        assert page.total == len(every)
        after = page.next_after
        if after is None:
            break
    assert paged == every
    some = desk("trace.detect", sessions=every[:2], limit=1)
    assert (some.total, some.next_after, some.verdicts) == (2, every[0], {"failure": 2})


def test_an_audit_looks_for_the_findings_that_judgements_name(desk: Desk) -> None:
    taken(desk, "all.jsonl", runs(range(1)))
    desk("trace.detect")
    with desk.context.view() as view:
        rows = view.page("judgement", limit=100).rows
        needed = dict(needed_blobs(rows))
        assert needed == {row.stream: row.body["findings"] for row in rows if row.body["findings"]}
        events = view.events(next(iter(needed)))
    assert [named_blob(event) for event in events] == [next(iter(needed.values()))]


def test_findings_that_hold_half_a_character_are_kept(desk: Desk) -> None:
    finding = Finding(kind="error", step=None, evidence="it said \ud800", probability=1.0)
    judgement = Judgement(verdict="failure", probability=1.0, step=2, findings=(finding,))
    context, service = desk.context, Judgements(CountingIds())
    with context.view() as view:
        changes = service.record(view, context.scope, {"ses_1": judgement})
    context.commit(*changes)
    (found,) = kept(desk).values()
    assert found.findings[0].evidence == "it said ?"
    with context.view() as view:
        assert service.record(view, context.scope, {"ses_1": judgement}) == ()
    assert context.store.verify(context.scope.space, lambda *_: None).faults == ()
