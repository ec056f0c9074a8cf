"""A tool server as an action: by its contract, through the broker, once."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.adapters.broker.exits import UserExits
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from unit.operations.conftest import Desk

pytest.importorskip("mcp")
PROGRAM = Path(__file__).parents[1] / "exits" / "stock_server.py"
WORD = "stock-credential-5f2e8c1a7b"


@pytest.fixture
def stock(desk: Desk, tmp_path: Path) -> Iterator[tuple[Desk, Path]]:
    changes = tmp_path / "changes"
    grants = desk.context.home / "grants.toml"
    grants.write_text(
        f"[servers.stock]\ncommand = ['{sys.executable}', '{PROGRAM}', '{changes}']\n"
        "variables = ['STOCK_TOKEN']\n"
    )
    grants.chmod(0o600)
    exits = UserExits({**os.environ, "STOCK_TOKEN": WORD}, desk.context.person_home, grants)
    try:
        yield Desk(replace(desk.context, open_exits=lambda: exits)), changes
    finally:
        exits.close()


def test_a_call_is_made_and_its_answer_kept(stock: tuple[Desk, Path]) -> None:
    desk, changes = stock
    done = desk("connector.send", name="server:stock", tool="take", input='{"item": "nut"}')
    assert (done.state, done.answer) == ("sent", {"result": "taken"})
    again = desk("connector.send", name="server:stock", tool="take", input='{"item": "nut"}')
    assert (again.repeated, again.answer) == (True, {"result": "taken"})
    assert changes.read_text().split() == ["nut"]
    other = desk(
        "connector.send", name="server:stock", tool="take", input='{"item": "nut"}', key="2"
    )
    assert not other.repeated
    assert changes.read_text().split() == ["nut", "nut"]


def test_a_read_is_made_anew_each_time(stock: tuple[Desk, Path]) -> None:
    desk, _ = stock
    for left in (9, 8):
        done = desk("connector.send", name="server:stock", tool="count", input='{"item": "nut"}')
        assert done.answer == {"item": "nut", "count": left}
        desk("connector.send", name="server:stock", tool="take", input='{"item": "nut"}')


def test_what_a_tool_refuses_is_an_answer(stock: tuple[Desk, Path]) -> None:
    desk, _ = stock
    done = desk("connector.send", name="server:stock", tool="count", input='{"item": "moon"}')
    assert done.answer["error"] == "tool_error"


def test_an_answer_that_holds_a_credential_does_not_come_back(stock: tuple[Desk, Path]) -> None:
    desk, _ = stock
    with pytest.raises((DeniedError, InvalidRequestError)) as caught:
        desk("connector.send", name="server:stock", tool="count", input='{"item": "token"}')
    assert WORD not in f"{caught.value} {caught.value.hint}"
    raw = b"".join(each.read_bytes() for each in desk.context.home.glob("ledger*"))
    assert WORD.encode() not in raw


@pytest.mark.parametrize("given", ["[]", "{", '"x"'])
def test_arguments_are_an_object(stock: tuple[Desk, Path], given: str) -> None:
    with pytest.raises(InvalidRequestError):
        stock[0]("connector.send", name="server:stock", tool="count", input=given)


def test_only_what_the_server_has_is_called_and_nothing_in_a_dry_run(
    stock: tuple[Desk, Path],
) -> None:
    desk, changes = stock
    with pytest.raises(NotFoundError):
        desk("connector.send", name="server:stock", tool="absent")
    with pytest.raises(InvalidRequestError):
        desk("connector.send", name="server:stock", body="hello")
    dry = Desk(replace(desk.context, dry_run=True))
    dry("connector.send", name="server:stock", tool="take", input='{"item": "nut"}')
    assert not changes.exists()
    assert "4 tools" in desk("connector.test", name="server:stock").told
