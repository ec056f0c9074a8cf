"""Loops by their operations: added, run, looked at; what they find, act with and how far they may go."""

import json
import os
from typing import Any

import pytest

from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    IllegalTransitionError,
    InvalidRequestError,
    NotFoundError,
)
from lignin.loops.laws.parse import parse_loop
from lignin.loops.laws.reading import parse_file
from lignin.operations.loop_files import shipped
from lignin.ports.ledger import require_known
from unit.operations.conftest import OPERATIONS, Desk
from unit.operations.loop_desk import add, command, definition, run, script, titles


def test_a_run_that_finds_nothing_archives_itself(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    ran = run(desk)
    assert (ran.state, ran.items) == ("archived", [])
    assert desk("inbox.list", state=None).total == 0
    assert desk("loop.list").items[0].last == "archived"


def test_a_run_whose_gate_does_not_pass_says_why_nothing_of_it_landed(desk: Desk) -> None:
    found = {"title": "loosen it", "change": "threshold", "request": {"proposal": "prp_none"}}
    act = command(script(desk, "act.py", f"print(json.dumps({{'found': [{found}]}}))"))
    classes = {"threshold": {"kind": "operation", "name": "proposal.apply"}}
    gate = {"kind": "head", "head": "main"}
    add(desk, definition(act, gate=gate, autonomy={"classes": classes}))
    ran = run(desk)
    assert (ran.state, ran.items) == ("archived", [])
    assert ran.why.startswith("done: one pass; the gate did not pass: ")
    assert ran.why.endswith("it names no proposal on main")
    assert ran.why in desk("loop.history", name="triage").to_text()


def test_a_chain_whose_gate_cannot_say_ends_there_and_the_inbox_says_so(desk: Desk) -> None:
    check = {"kind": "skill", "name": "none-such", "with": {}}
    first = command(script(desk, "act.py", "print('made')"))
    last = command(script(desk, "last.py", "print('offered')"))
    stages = [
        {"name": "make", "action": first, "gate": {"kind": "checks", "checks": [check]}},
        {"name": "offer", "action": last, "gate": {"kind": "nothing"}},
    ]
    value = {**definition(first), "stages": stages}
    add(desk, {key: value[key] for key in value if key not in ("action", "gate")})
    ran = run(desk)
    assert ran.state == "landed"
    assert ran.why.startswith("done: one pass; the gate could not say: ")
    item = desk("inbox.show", item=ran.items[0])
    assert item.title == "a checker of its gate could not say, and the run ended there"
    assert "none-such" in item.evidence[0]


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
        settled = desk("inbox.settle", item=item, how="accept").items[0]
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
    assert desk("inbox.settle", item=item).items[0].applied is None


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


def test_the_audit_tells_a_weak_part_from_a_missing_one(desk: Desk) -> None:
    audited = desk("loop.audit", file=desk("loop.new", template="goal").path)
    assert (audited.scripts, audited.whole, audited.sound) == (1, 1, 0)
    assert {each.kind for each in audited.items} == {"weak"}
    assert audited.to_text().splitlines()[0] == (
        "1 of 1 have every part; in 1 of them something is weak"
    )
    value = definition(command("true"))
    value.pop("gate")
    lacking = desk("loop.audit", file=desk.write("a.json", json.dumps(value)))
    assert (lacking.whole, [each.kind for each in lacking.items]) == (0, ["missing"])
    refused = desk("loop.audit", file=desk.write("b.json", json.dumps({**value, "gate": 1})))
    assert (refused.whole, [each.kind for each in refused.items]) == (0, ["refused"])


def test_nobody_can_tell_a_run_on_the_ledger_by_its_foreign_text(desk: Desk) -> None:
    """Payloads hold names, digests and figures; what a program said lies in blobs."""
    add(desk, definition(command(script(desk, "act.py", "print('a secret sentence of theirs')"))))
    run(desk, given="a sentence of mine")
    with desk.context.view() as view:
        require_known(view, "loop/triage")
        told = json.dumps([event.payload for event in view.log(limit=1000)])
    assert "secret sentence" not in told
    assert "sentence of mine" not in told
