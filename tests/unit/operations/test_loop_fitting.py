"""What a loop's file says that cannot work is refused when it is added, by its place, with what to do."""

import json
from typing import Any

import pytest

from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, NotFoundError
from unit.operations.conftest import Desk
from unit.operations.loop_desk import add, command, definition, run, script

GRANTS = """
[connectors.desk]
kind = "mail"
address = "loop@acme.example"
smtp = "mail.acme.example:465"
receivers = ["@acme.example"]

[connectors.forge]
kind = "github"
url = "https://api.github.com"
repository = "acme/shop"
label = "agent"
states = ["todo", "doing"]
file = "KEY"

[connectors.hook]
kind = "hook"
form = "github"
file = "KEY"
"""
MAIL = {"to": ["ann@acme.example"], "subject": "s", "body": "b"}


def _send(connector: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "send", "connector": connector, "with": request}


def _operation(name: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "operation", "name": name, "with": request}


@pytest.fixture
def granted(desk: Desk) -> Desk:
    key = desk.context.cwd / "key"
    key.write_text("whsec_c2VjcmV0")
    key.chmod(0o600)
    grants = desk.context.home / "grants.toml"
    grants.write_text(GRANTS.replace("KEY", str(key)))
    grants.chmod(0o600)
    return desk


WRONG = [
    (_operation("trace.list", {"limt": 5}), "action.with.limt", "is it 'limit'"),
    (_operation("trace.list", {"limt": "$given.limit"}), "action.with.limt", "is it 'limit'"),
    (_operation("trace.list", {"limit": "many"}), "action.with.limit", "lignin schema trace.list"),
    (_operation("trace.list", {"limit": -5}), "action.with.limit", "lignin schema trace.list"),
    (_operation("trace.show", {}), "action.with.", "lignin schema trace.show"),
    (_operation("trace.list", {"after": "$gvien.text"}), "action.with.after", "$given"),
    (_operation("trace.list", {"after": "${stages.fix.note}"}), "action.with.after", "none"),
    (_operation("trace.list", {"after": "$context.nope"}), "action.with.after", "spaces"),
    (_send("desk", {**MAIL, "to": "x"}), "action.with", "receivers"),
    (_send("desk", {**MAIL, "sbuject": "q"}), "action.with.sbuject", "is it 'subject'"),
    (_send("desk", {**MAIL, "to": ["ann@evil.example"]}), "action.with", "receivers"),
    (_send("desk", {"to": ["ann@acme.example"], "body": "$goal"}), "action.with", "subject"),
    (_send("desk", {"ticket": "7", "body": "b"}), "action.with", "to, subject"),
    (_send("forge", {"ticket": "$given.ticket", "state": "gone"}), "action.with", "todo, doing"),
    (_send("hook", {"body": "b"}), "action.with", "connector list"),
]


@pytest.mark.parametrize(("action", "place", "hint"), WRONG)
def test_arguments_that_cannot_work_are_refused_by_their_place(
    granted: Desk, action: dict[str, Any], place: str, hint: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        add(granted, definition(action))
    assert refused.value.message.startswith(place)
    assert hint in refused.value.hint
    assert granted("loop.list").items == []


def test_an_operation_that_there_is_not_is_refused_by_its_place(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match=r"^action: no operation 'trace\.lst'") as refused:
        add(desk, definition(_operation("trace.lst", {})))
    assert "is it 'trace.list'?" in refused.value.hint
    with pytest.raises(DeniedError, match=r"^action: a loop may not use 'proposal\.apply'"):
        add(desk, definition(_operation("proposal.apply", {})))


FINE = [
    _send("desk", MAIL),
    _send("desk", {**MAIL, "to": "ann@acme.example"}),
    _send("desk", {"to": ["ann@acme.example"], "subject": "${given.subject}", "body": "$goal"}),
    _send("desk", {**MAIL, "to": "$given.receivers"}),
    _send("forge", {"ticket": "$given.ticket", "state": "doing"}),
    _send("forge", {"branch": "b", "base": "main", "commit": "$given.commit", "subject": "s"}),
    _send("elsewhere", {"body": "b"}),
    _operation("trace.list", {"limit": "$given.limit"}),
    _operation("trace.list", {"after": "costs $five and ${HOME}"}),
]


@pytest.mark.parametrize("action", FINE)
def test_what_a_run_fills_in_is_left_to_the_run(granted: Desk, action: dict[str, Any]) -> None:
    assert add(granted, definition(action)).state == "active"


def test_what_a_query_asks_for_must_fit_too(desk: Desk) -> None:
    act = command(script(desk, "act.py", ""))
    query = {"name": "spaces", "operation": "trace.list", "with": {"limit": "$given.limit"}}
    with pytest.raises(InvalidRequestError, match=r"^context\[0\]\.with\.limit: "):
        add(desk, definition(act, context=[query]))


def test_a_class_of_change_may_leave_to_the_finding_what_it_needs(desk: Desk) -> None:
    act = command(script(desk, "act.py", ""))
    classes = {"better": _operation("proposal.apply", {})}
    assert add(desk, definition(act, autonomy={"classes": classes})).state == "active"
    classes = {"better": _operation("proposal.apply", {"proposl": "x"})}
    with pytest.raises(InvalidRequestError, match=r"^autonomy\.classes\.better\.with\.proposl: "):
        add(desk, definition(act, autonomy={"classes": classes}))


def test_a_second_loop_of_one_name_does_not_take_the_first_ones_place_unsaid(desk: Desk) -> None:
    first = definition(command(script(desk, "act.py", "print('one')")))
    add(desk, first)
    other = {**first, "action": command(script(desk, "other.py", "print('two')"))}
    file = desk.write("other.json", json.dumps(other))
    with pytest.raises(ConflictError, match=r"a loop 'triage' is there, from .*loop\.json") as told:
        desk("loop.add", file=file)
    assert "--replace" in told.value.hint
    assert desk("loop.show", name="triage").definition == first
    assert desk("loop.add", file=file, replace=True).definition == other


def test_a_loop_is_changed_by_its_own_file_and_its_file_may_be_moved(desk: Desk) -> None:
    first = definition(command(script(desk, "act.py", "print('one')")))
    add(desk, first)
    changed = {**first, "goal": "tidy"}
    assert add(desk, changed).definition == changed
    moved = desk.write("moved.json", json.dumps(changed))
    assert desk("loop.add", file=moved).state == "active"
    desk("loop.remove", name="triage")
    assert desk("loop.add", file=desk.write("new.json", json.dumps(first))).state == "active"
    assert run(desk).state == "landed"
