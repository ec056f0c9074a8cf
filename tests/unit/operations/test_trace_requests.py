"""Requests and corrections over the operation: heard once, told with evidence, nothing made of them."""

import json
from typing import Any

from unit.operations.conftest import Desk
from unit.operations.test_secrets import KEY


def record(desk: Desk, number: int, *lines: str | tuple[str, str], day: int) -> None:
    """A session as Claude Code writes it: what the person says, and (tool's command, answer)."""
    events: list[dict[str, Any]] = []
    facts = {"sessionId": f"session-{number}", "cwd": "/home/ada/x", "version": "1"}

    def add(kind: str, content: Any) -> None:
        at = f"2026-03-{day:02}T09:{len(events):02}:00+00:00"
        message = {"role": kind, "content": content, "model": "m"}
        events.append(
            {"type": kind, "uuid": str(len(events)), "timestamp": at, "message": message, **facts}
        )

    for line in lines:
        if isinstance(line, str):
            add("user", line)
            continue
        made = {"type": "tool_use", "id": f"t{len(events)}", "name": "Bash"}
        add("assistant", [{**made, "input": {"command": line[0]}}])
        add("user", [{"type": "tool_result", "tool_use_id": made["id"], "content": line[1]}])
    desk.write(f"runs/{number}.jsonl", "".join(json.dumps(each) + "\n" for each in events))


WORDS = ("no, use uv not pip", "don't use pip, use uv", "please use uv instead of pip")


def recorded(desk: Desk, first: int = 0) -> None:
    for number, text in enumerate(WORDS, start=first):
        add = (f"pip install lib{number}", "ok")
        other = (f"uv add lib{number}", "ok")
        record(desk, number, f"get the thing {number} running", add, text, other, day=2 + number)
    desk("trace.import", paths=["runs"])


def test_a_correction_is_told_with_its_evidence(desk: Desk) -> None:
    recorded(desk)
    listed = desk("trace.requests", kind="rule")
    [found] = listed.items
    assert (found.kind, found.sessions, found.count, found.days, found.people) == (
        "rule",
        3,
        3,
        3,
        1,
    )
    assert found.wording in WORDS
    assert {each.change for each in found.seen} == {"redone"}
    assert found.models == {"m": 3}
    assert listed.heard == 3
    assert found.wording in listed.to_text()


def test_what_was_heard_is_not_read_again_and_new_runs_join(desk: Desk) -> None:
    recorded(desk)
    first = desk("trace.requests")
    with desk.context.view() as view:
        at = view.position
    assert desk("trace.requests") == first
    with desk.context.view() as view:
        events = [event.stream for event in view.log(after=at)]
    assert [stream for stream in events if stream.startswith("heard/")] == []
    recorded(desk, first=3)
    found = desk("trace.requests", kind="rule").items[0]
    assert found.sessions == 6
    assert desk("trace.requests", least=7).items == []


def test_nothing_is_made_of_a_candidate(desk: Desk) -> None:
    recorded(desk)
    desk("trace.requests")
    assert desk("artifact.list").total == 0
    with desk.context.view() as view:
        kinds = {event.stream.partition("/")[0] for event in view.log(limit=1000)}
    assert kinds <= {"space", "session", "record", "heard", "miner"}


def test_secrets_in_what_was_said_stay_redacted(desk: Desk) -> None:
    for number in range(3):
        text = f"Deploy the nightly preview with {KEY} to staging"
        record(desk, number, text, ("make deploy", "ok"), day=2 + number)
    desk("trace.import", paths=["runs"])
    [found] = desk("trace.requests").items
    assert KEY not in found.model_dump_json()
    assert "[redacted:" in found.wording
