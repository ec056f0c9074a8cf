"""A file that is one document, written anew as its run goes on, is followed."""

import copy
import json
from typing import Any

import pytest

from corpora.traces import archive, inspect_members, mini, swe, tau2
from unit.operations.conftest import Desk


def swe_run(entries: int, **info: Any) -> bytes:
    run = swe()
    entry = run["trajectory"][0]
    run["trajectory"] = [{**entry, "action": f"ls {n}"} for n in range(entries)]
    run["info"] = info
    return json.dumps(run, indent=2).encode()


def mini_run(messages: int, **info: Any) -> bytes:
    run = mini()
    run["messages"] = run["messages"][:messages]
    run["info"] = {**run["info"], "exit_status": "", **info}
    return json.dumps(run).encode()


def tau2_run(messages: int) -> bytes:
    run = tau2()
    for each in run["simulations"]:
        each["messages"] = each["messages"][:messages]
    return json.dumps(run).encode()


def inspect_run(messages: int) -> bytes:
    members = copy.deepcopy(inspect_members())
    for name, member in members.items():
        if name.startswith("samples/"):
            member["messages"] = member["messages"][:messages]
            member["events"] = []
    return archive(members)


def take(desk: Desk, name: str, content: bytes) -> Any:
    path = desk.context.cwd / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (file,) = desk("trace.import", paths=[name]).files
    assert not file.refused
    return file


def sessions(desk: Desk) -> list[str]:
    return [each.session for each in desk("trace.list").items]


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("x.traj", [swe_run(1), swe_run(2), swe_run(4, exit_status="submitted")]),
        ("y.traj.json", [mini_run(2), mini_run(3), mini_run(6, exit_status="Submitted")]),
        ("t.json", [tau2_run(2), tau2_run(4), tau2_run(6)]),
        ("i.eval", [inspect_run(1), inspect_run(2), inspect_run(9)]),
    ],
)
def test_a_document_that_grows_stays_the_same_session(
    desk: Desk, name: str, states: list[bytes]
) -> None:
    take(desk, name, states[0])
    known = sessions(desk)
    steps = []
    for state in states:
        take(desk, name, state)
        assert sessions(desk) == known
        steps.append(desk("trace.show", session=known[0]).steps)
        assert take(desk, name, state).records == 0
    assert steps == sorted(set(steps))
    fresh = desk("trace.import", paths=[name], hide_outcome=True)
    assert fresh.new_sessions == len(known)
    with desk.context.view() as view:
        stored = b"".join(c or b"" for c in view.contents(f"record/{known[0]}"))
    if len(known) == 1:  # a file of one record: every state lies there whole
        assert stored == b"".join(states)
    assert desk.context.store.verify(desk.context.scope.space, lambda *_: None).faults == ()


def test_an_outcome_that_is_declared_later_is_told(desk: Desk) -> None:
    take(desk, "y.traj.json", mini_run(6))
    take(desk, "y.traj.json", mini_run(6, exit_status="Submitted"))
    (session,) = desk("trace.list").items
    assert session.records == 2
    with desk.context.view() as view:
        row = view.row(f"session/{session.session}")
    assert row is not None
    assert (row.body["begins"], row.body["taken"]) == (1, 1)


def test_another_run_of_the_same_file_name_is_another_session_and_followed_too(desk: Desk) -> None:
    take(desk, "a/x.traj", swe_run(2))
    take(desk, "b/x.traj", swe_run(3))
    first, second = sessions(desk)
    take(desk, "b/x.traj", swe_run(5))
    take(desk, "a/x.traj", swe_run(4))
    assert sorted(sessions(desk)) == sorted([first, second])
    steps = {each: desk("trace.show", session=each).steps for each in (first, second)}
    assert sorted(steps.values()) == [5, 6]  # the system's message, and 4 or 5 entries


def test_a_run_whose_past_was_changed_is_a_session_of_its_own(desk: Desk) -> None:
    take(desk, "x.traj", swe_run(2))
    other = json.loads(swe_run(3))
    other["trajectory"][0]["action"] = "rm -rf build"
    for _ in range(2):
        take(desk, "x.traj", json.dumps(other).encode())
        assert len(sessions(desk)) == 2
    take(desk, "x.traj", swe_run(2))
    assert len(sessions(desk)) == 2


def test_a_changed_record_is_seen_where_the_last_one_is_as_before(desk: Desk) -> None:
    first, second = ([{"n": 1, "text": text}, {"n": 2}] for text in ("one", "another"))
    for records in (first, second):
        lines = "".join(json.dumps({**claude_line(each), **each}) + "\n" for each in records)
        assert take(desk, "c.jsonl", lines.encode()).records == 2
    assert len(sessions(desk)) == 2


def claude_line(record: Any) -> Any:
    message = {"role": "user", "content": record.get("text", "the end")}
    common = {"type": "user", "sessionId": "s", "uuid": f"u{record['n']}", "version": "2"}
    return {**common, "timestamp": "2026-01-01T00:00:00Z", "message": message}


def test_a_run_that_grew_is_judged_anew(desk: Desk) -> None:
    take(desk, "x.traj", swe_run(2))
    (before,) = desk("trace.detect").items
    take(desk, "x.traj", swe_run(3, exit_status="submitted (exit_cost)"))
    with desk.context.view() as view:
        position = view.position
    (after,) = desk("trace.detect").items
    assert after.session == before.session
    with desk.context.view() as view:
        filed = [event.type for event in view.log(after=position)]
    assert "run.filed" in filed
