"""The same calls against a store in this process and against a server."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lignin
from lignin.interfaces.sdk import aio
from lignin.interfaces.sdk.client import Client
from lignin.interfaces.sdk.transport import LocalStore, Server
from lignin.operations.artifact_models import CaptureView
from lignin.operations.report import NeedsListed
from lignin.operations.report_uses import UsesListed
from lignin.operations.trace import TraceListed
from unit.interfaces.serving import DOUBLE, Served


@pytest.fixture(scope="module")
def digest(local: Client) -> str:
    """A program that is proven."""
    return local.asking("artifact.capture", CaptureView, **DOUBLE).digest


def test_an_artifact_is_called_and_its_answer_checked(client: Client, digest: str) -> None:
    double = client.artifact(f"double@{digest}", returns=int)
    assert double(number=21) == 42
    with pytest.raises(lignin.CallFailedError, match="answered what is no") as caught:
        client.artifact(f"double@{digest}", returns=dict)(number=1)
    assert caught.value.hint


def test_a_search_finds_what_is_proven(client: Client, digest: str) -> None:
    assert [each.digest for each in client.search("double a number")] == [digest]


def test_errors_are_those_of_the_operation_with_their_hints(client: Client, digest: str) -> None:
    with pytest.raises(lignin.NotFoundError, match="no artifact 'nowhere'") as caught:
        client.artifact("nowhere")(number=1)
    assert "lignin artifact list" in caught.value.hint
    with pytest.raises(lignin.InvalidRequestError, match="does not fit double"):
        client.artifact(f"double@{digest}")(number="two")
    with pytest.raises(lignin.InvalidRequestError, match="limit"):
        client.search("x", limit=0)


def test_what_decides_what_others_are_served_is_not_for_a_program(client: Client) -> None:
    with pytest.raises(lignin.DeniedError, match="decides what others are served"):
        client.ask("artifact.promote", name="double")
    with pytest.raises(lignin.NotFoundError, match="no operation"):
        client.ask("artifact.nothing")


def test_a_session_is_written_down_and_read_as_a_run(client: Client, digest: str) -> None:
    with client.session(agent="desk", model="m-1", task="t-1") as session:
        session.message("user", "double 4, please")
        session.tool("get_number", {"id": 1}, {"number": 4})
        assert client.artifact(f"double@{digest}")(number=4) == 8
        session.outcome("success")
    told = session.feedback("failure", "it was to be tripled")
    assert (told.before, told.label) == ("success", "failure")
    assert told.artifacts == {f"double@{digest}": "direct call; the call pins it"}
    listed = client.asking("trace.list", TraceListed, client="lignin_sdk", limit=1000)
    assert [each.task_id for each in listed.items if each.session == session.id] == ["t-1"]


def test_what_no_session_knows_is_refused_at_once_with_what_is_known(client: Client) -> None:
    with client.session(agent="triage") as session:
        with pytest.raises(
            lignin.InvalidRequestError, match="no role of a session: 'banana'"
        ) as role:
            session.message("banana", "hi")  # type: ignore[arg-type]
        assert role.value.hint == "one of system, user, assistant, tool"
        with pytest.raises(
            lignin.InvalidRequestError, match="no outcome of a session: 'bogus'"
        ) as outcome:
            session.outcome("bogus")  # type: ignore[arg-type]
        assert "success, failure, infrastructure" in outcome.value.hint
        session.outcome("success")
    with pytest.raises(lignin.InvalidRequestError, match="outcome"):
        client.ask("session.end", session=session.id, outcome="bogus")


def test_a_session_left_by_an_exception_has_failed(client: Client) -> None:
    with pytest.raises(ZeroDivisionError), client.session() as session:
        _ = 1 / 0
    assert client.asking("session.show", _view(), session=session.id).facts["outcome"] == "failure"


def _view() -> type:
    from lignin.operations.session import SessionView

    return SessionView


def test_a_use_counts_for_the_sdk(client: Client, digest: str) -> None:
    pinned = client.artifact(f"double@{digest}")
    before = pinned.show().usage.get("by", {}).get("sdk/call", 0)
    pinned(number=1)
    assert pinned.show().usage["by"]["sdk/call"] == before + 1


def test_a_use_that_session_and_surface_both_saw_counts_once(client: Client, digest: str) -> None:
    def counted() -> tuple[int, set[str]]:
        listed = client.asking("report.uses", UsesListed)
        own = [each for each in listed.items if each.version == f"double@{digest}"]
        return sum(each.uses for each in own), {each.client for each in own}

    before, _ = counted()
    double = client.artifact(f"double@{digest}")
    with client.session(agent="me"):
        double(number=1)
        double(number=2)
    double(number=3)
    assert counted() == (before + 3, {"lignin_sdk"})


def test_the_awaited_form_does_the_same(client: Client, digest: str) -> None:
    async def work() -> int:
        async with aio.Session(client.session()) as session:
            await session.message("user", "three")
            double = aio.Artifact(client.artifact(f"double@{digest}", returns=int))
            found = await double(number=3)
        shown = await asyncio.to_thread(client.asking, "session.show", _view(), session=session.id)
        assert (shown.state, shown.records) == ("ended", 3)
        return found

    assert asyncio.run(work()) == 6


def test_a_caller_with_another_token_is_denied_with_where_to_find_it(store: Served) -> None:
    from lignin.interfaces.listening import serve_app

    with (
        serve_app(store.app, "127.0.0.1", 0) as url,
        pytest.raises(lignin.DeniedError, match="token") as caught,
    ):
        Client(Server(url, "another")).search("x")
    assert "LIGNIN_TOKEN" in caught.value.hint


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(lignin.UnavailableError, match="cannot be asked"):
        Client(Server("http://127.0.0.1:9", "")).search("x")


@pytest.mark.parametrize("url", ["ftp://x", "http://", "nowhere", "http://me:pass@host"])
def test_what_is_no_url_of_a_server_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(lignin.InvalidRequestError) as caught:
        Server(url, "")
    assert "pass@" not in caught.value.message


def test_the_token_follows_no_redirect() -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, RedirectResponse, Response
    from starlette.routing import Route

    from lignin.interfaces.listening import serve_app

    seen: list[str] = []

    async def answer(request: Request) -> Response:
        seen.append(request.url.path)
        if request.url.path == "/stolen":
            return PlainTextResponse("x")
        return RedirectResponse("/stolen")

    app = Starlette(routes=[Route("/{rest:path}", answer)])
    with serve_app(app, "127.0.0.1", 0) as url, pytest.raises(lignin.UnavailableError):
        Client(Server(url, "a-token")).search("x")
    assert seen == ["/api/v1/artifact/search"]


def test_a_store_is_opened_anew_after_it_was_closed(store: Served) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    from lignin.operations.context import Context

    opened: list[str] = []

    @contextmanager
    def open_context() -> Iterator[Context]:
        opened.append("opened")
        yield store.context
        opened.append("closed")

    with Client(LocalStore(open_context)) as client:
        assert opened == []
        client.ask("report.needs")
        client.ask("report.needs")
    assert opened == ["opened", "closed"]
    assert isinstance(client.ask("report.needs"), NeedsListed)
    assert opened == ["opened", "closed", "opened"]


def test_importing_it_loads_nothing_and_makes_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; known = set(sys.modules); import lignin; dir(lignin); "
        "print(sorted(name for name in set(sys.modules) - known if 'lignin' in name or name in "
        "('pydantic', 'sqlalchemy', 'anyio', 'asyncio', 'click')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LIGNIN_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['lignin']"
    assert not (tmp_path / "home").exists()


def test_every_name_of_the_package_is_typed() -> None:
    stub = Path(lignin.__file__).with_suffix(".pyi").read_text()
    names = [name for name in dir(lignin) if not name.startswith("_") and name.islower()]
    for name in ("capture", "artifact", "session", "search", "aio", "connect", "feedback"):
        assert name in names
        assert f" as {name}\n" in stub
    for name in lignin._PLACES:
        assert getattr(lignin, name) is not None
        assert f" as {name}\n" in stub


def test_a_name_that_is_not_there_is_told_as_python_tells_it() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lignin.nothing  # type: ignore[attr-defined]


def test_the_client_of_the_process_reads_its_surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIGNIN_URL", raising=False)
    monkeypatch.setenv("LIGNIN_HOME", str(tmp_path / "home"))
    assert lignin.search("anything") == []
    assert (tmp_path / "home" / "ledger.db").exists()
    monkeypatch.setenv("LIGNIN_URL", "http://127.0.0.1:9")
    with pytest.raises(lignin.UnavailableError):
        lignin.search("anything")
