"""Killed with SIGKILL between the ledger and the far side, either way: nothing is lost, doubled or guessed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from architecture.sources import ROOT
from e2e.connectors.world import chat_grant, granted, post_grant, variables
from lignin.connectors.laws.deliveries import PATIENCE_S
from lignin.domain.errors import ConflictError
from lignin.testing.fakes.git_host import GitHostServer, git_host
from lignin.testing.fakes.hook_server import HookServer, hook_server
from lignin.testing.fakes.mail_server import mail_server
from unit.operations.conftest import Desk

PROGRAM = Path(__file__).with_name("killed.py")
PLACES = ["before", "after"]


class Later:
    """A clock that is ahead by as long as somebody is waited for."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=PATIENCE_S + 1)


def later(desk: Desk) -> Desk:
    return Desk(replace(desk.context, clock=Later()))


def kill(desk: Desk, place: str, operation: str, address: str = "", /, **request: Any) -> None:
    home = desk.context.home
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(home), place, operation, json.dumps(request)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            **variables(address),
            "LIGNIN_HOME": str(home),
            "HOME": str(desk.context.person_home),
            "LIGNIN_ACTOR": "user:tester",
        },
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.fixture
def host() -> Iterator[GitHostServer]:
    with git_host("github") as server:
        server.put_issue("the till is wrong", "agent")
        yield server


@pytest.fixture
def far() -> Iterator[HookServer]:
    with hook_server() as server:
        yield server


@pytest.mark.parametrize("place", PLACES)
def test_a_comment_is_there_once(desk: Desk, host: GitHostServer, place: str) -> None:
    forge = granted(desk, host.grant())
    asked = {"name": "forge", "ticket": "1", "body": "done"}
    kill(forge, place, "connector.send", **asked)
    assert len(host.comments) == (place == "after")
    with pytest.raises(ConflictError, match="somebody began"):
        forge("connector.send", **asked)
    done = later(forge)("connector.send", **asked)
    assert (done.state, done.repeated) == ("sent", place == "after")
    assert len(host.comments) == 1


@pytest.mark.parametrize("place", PLACES)
def test_of_a_chat_nobody_knows_and_it_says_so(desk: Desk, far: HookServer, place: str) -> None:
    room = granted(desk, chat_grant(far.address), far.address)
    asked = {"name": "room", "body": "done"}
    kill(room, place, "connector.send", far.address, **asked)
    for _ in range(2):
        told = later(room)("connector.send", **asked)
        assert (told.state, told.exit_code()) == ("unknown", 10)
    assert len(far.received) == (place == "after")


@pytest.mark.parametrize("place", PLACES)
def test_a_far_side_that_drops_doubles_has_it_once(desk: Desk, far: HookServer, place: str) -> None:
    far.drops = True
    given = granted(desk, post_grant(far.address, repeatable=True))
    asked = {"name": "far", "body": "done"}
    kill(given, place, "connector.send", **asked)
    assert later(given)("connector.send", **asked).state == "sent"
    assert len(far.received) == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_poll_that_was_killed_loses_nothing_and_takes_nothing_twice(
    desk: Desk, host: GitHostServer, place: str
) -> None:
    forge = granted(desk, host.grant())
    kill(forge, place, "connector.poll", name="forge")
    assert forge("message.list").total == 0
    assert len(forge("connector.poll", name="forge").new) == 1
    kill(forge, place, "connector.poll", name="forge")
    assert forge("connector.poll", name="forge").new == []
    assert forge("message.list").total == 1


@pytest.mark.parametrize("place", PLACES)
def test_mail_that_came_in_meanwhile_is_read_after_the_kill(desk: Desk, place: str) -> None:
    with mail_server() as server:
        box = granted(desk, server.grant())
        box("connector.poll", name="desk")
        server.put(b"Subject: one\r\n\r\none")
        kill(box, place, "connector.poll", name="desk")
        assert len(box("connector.poll", name="desk").new) == 1
