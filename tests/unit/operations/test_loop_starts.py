"""What starts a loop: files, traces, a clock, messages; and what does not."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest

from lignin.domain.events import parse_time
from lignin.operations.looplooking import tick
from unit.operations.conftest import Desk
from unit.operations.loop_desk import add, command, definition, run, script, titles


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
