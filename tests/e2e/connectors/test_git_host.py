"""A tracker as trigger, state and inbox, and what a git host may do wrong."""

import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.connectors.world import granted
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from lignin.testing.fakes.git_host import (
    ACCOUNT,
    REPOSITORY,
    TOKEN,
    Dialect,
    GitHostServer,
    Trouble,
    git_host,
)
from unit.operations.conftest import Desk


@pytest.fixture(params=["github", "gitea"])
def host(request: pytest.FixtureRequest) -> Iterator[GitHostServer]:
    dialect: Dialect = request.param
    with git_host(dialect) as server:
        yield server


@pytest.fixture
def forge(desk: Desk, host: GitHostServer) -> Desk:
    return granted(desk, host.grant())


@pytest.fixture
def hub(desk: Desk) -> Iterator[tuple[Desk, GitHostServer]]:
    with git_host("github") as server:
        yield granted(desk, server.grant()), server


def test_it_says_who_we_are_there(forge: Desk) -> None:
    found = forge("connector.test", name="forge")
    assert (found.account, "can be read" in found.told) == (ACCOUNT, True)


def test_an_issue_comes_in_by_its_label_and_once(forge: Desk, host: GitHostServer) -> None:
    host.put_issue("not for agents")
    host.put_issue("the till is wrong", "agent", text="by 3 cents", by="ada")
    first = forge("connector.poll", name="forge")
    assert (len(first.new), first.known) == (1, 0)
    shown = forge("message.show", message=first.new[0])
    assert (shown.subject, shown.text, shown.author, shown.ticket) == (
        "the till is wrong",
        "by 3 cents",
        "ada",
        "2",
    )
    assert (shown.kind, shown.taint, shown.labels) == ("issue", "outside", ["agent"])
    assert forge("connector.poll", name="forge").new == []
    assert forge("message.list").total == 1


def test_a_ticket_that_is_put_back_comes_in_again(forge: Desk, host: GitHostServer) -> None:
    number = host.put_issue("the till is wrong", "agent")
    assert len(forge("connector.poll", name="forge").new) == 1
    host.put_comment(number, "I looked at it", by="ada")
    again = forge("connector.poll", name="forge").new
    assert [forge("message.show", message=each).kind for each in again] == ["comment"]
    host.drop_label(number, "agent")
    forge("connector.poll", name="forge")
    host.put_label(number, "agent")
    anew = forge("connector.poll", name="forge").new
    assert [forge("message.show", message=each).kind for each in anew] == ["issue"]


def test_our_own_comments_are_no_news_but_who_copies_their_mark_is_heard(
    forge: Desk, host: GitHostServer
) -> None:
    number = host.put_issue("the till is wrong", "agent")
    forge("connector.poll", name="forge")
    forge("connector.send", name="forge", ticket=str(number), body="working on it")
    mark = host.comments[0]["body"]
    host.put_comment(number, mark, by="mallory")
    found = [
        forge("message.show", message=each) for each in forge("connector.poll", name="forge").new
    ]
    assert [(each.kind, each.author) for each in found] == [("comment", "mallory")]


def test_a_mark_that_somebody_else_copied_does_not_count_as_sent(
    hub: tuple[Desk, GitHostServer],
) -> None:
    desk, host = hub
    number = host.put_issue("a", "agent")
    host.troubles.append(Trouble(cuts=True, method="POST"))
    lost = desk("connector.send", name="forge", ticket=str(number), body="done")
    assert (lost.state, lost.exit_code()) == ("unknown", 10)
    host.put_comment(number, f"<!-- lignin:{lost.delivery} -->", by="mallory")
    done = desk("connector.send", name="forge", ticket=str(number), body="done")
    assert (done.state, done.repeated, done.attempts) == ("sent", False, 2)
    assert [each["user"]["login"] for each in host.comments] == ["mallory", ACCOUNT]


def test_the_same_comment_is_sent_once_whatever_happens(forge: Desk, host: GitHostServer) -> None:
    number = host.put_issue("a", "agent")
    host.troubles.append(Trouble(after=True, cuts=True, method="POST"))
    lost = forge("connector.send", name="forge", ticket=str(number), body="done")
    assert lost.state == "unknown"
    for _ in range(2):
        told = forge("connector.send", name="forge", ticket=str(number), body="done")
        assert (told.state, told.repeated) == ("sent", True)
    assert len(host.comments) == 1


@pytest.mark.parametrize("after", [True, False])
def test_an_error_of_the_host_is_uncertain_and_looked_after(
    hub: tuple[Desk, GitHostServer], after: bool
) -> None:
    desk, host = hub
    host.troubles.append(Trouble(status=502, after=after, method="POST"))
    first = desk("connector.send", name="forge", subject="It leaks", body="see")
    assert first.state == "unknown"
    second = desk("connector.send", name="forge", subject="It leaks", body="see")
    assert (second.state, second.repeated) == ("sent", after)
    assert [each["title"] for each in host.issues] == ["It leaks"]


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("state", ["doing", "closed"])
def test_a_state_that_the_host_failed_to_set_is_to_be_set_again(
    hub: tuple[Desk, GitHostServer], after: bool, state: str
) -> None:
    desk, host = hub
    asked = {"name": "forge", "ticket": str(host.put_issue("a", "agent")), "state": state}
    method = "PATCH" if state == "closed" else "POST"
    host.troubles.append(Trouble(status=500, after=after, method=method))
    with pytest.raises(UnavailableError, match="status 500") as caught:
        desk("connector.send", **asked, key="one")
    assert "no harm" in caught.value.hint
    done = desk("connector.send", **asked, key="one")
    assert (done.state, done.attempts) == ("sent", 2)
    assert desk("connector.read", name="forge", ticket=asked["ticket"]).state == state
    assert desk("connector.sent", state="unknown").total == 0


def test_what_was_refused_may_be_sent_again(hub: tuple[Desk, GitHostServer]) -> None:
    desk, host = hub
    host.troubles.append(Trouble(status=422, method="POST"))
    with pytest.raises(InvalidRequestError, match="422"):
        desk("connector.send", name="forge", subject="It leaks", body="see")
    assert desk("connector.sent", state="refused").total == 1
    assert desk("connector.send", name="forge", subject="It leaks", body="see").attempts == 2


def test_a_key_is_for_one_posting(hub: tuple[Desk, GitHostServer]) -> None:
    desk, host = hub
    host.put_issue("a")
    desk("connector.send", name="forge", ticket="1", body="one", key="k")
    with pytest.raises(ConflictError, match="something else"):
        desk("connector.send", name="forge", ticket="1", body="two", key="k")
    desk("connector.send", name="forge", ticket="1", body="one", key="other")
    assert len(host.comments) == 2


def test_a_state_is_set_with_one_label_and_can_be_set_back(
    forge: Desk, host: GitHostServer
) -> None:
    number = str(host.put_issue("a", "agent", "todo"))
    for state in ("doing", "todo", "doing"):
        forge("connector.send", name="forge", ticket=number, state=state)
        read = forge("connector.read", name="forge", ticket=number)
        assert (read.state, sorted(read.labels)) == (state, sorted(["agent", state]))
    forge("connector.send", name="forge", ticket=number, state="closed")
    assert forge("connector.read", name="forge", ticket=number).state == "closed"
    with pytest.raises(InvalidRequestError, match="no state"):
        forge("connector.send", name="forge", ticket=number, state="agent")


def test_the_state_of_checks_is_read(hub: tuple[Desk, GitHostServer]) -> None:
    desk, host = hub

    def checks() -> str:
        return str(desk("connector.read", name="forge", commit="a" * 40).checks)

    assert checks() == "none"
    host.statuses = [{"state": "success"}]
    assert checks() == "pass"
    host.runs = [{"status": "in_progress", "conclusion": None}]
    assert checks() == "pending"
    host.runs = [{"status": "completed", "conclusion": "timed_out"}, {"status": "queued"}]
    assert checks() == "fail"


def test_pages_are_read_to_their_end_on_our_own_path(forge: Desk, host: GitHostServer) -> None:
    host.per_page = 7
    for number in range(40):
        host.put_issue(f"issue {number}", "agent")
    new: list[str] = []
    while True:
        done = forge("connector.poll", name="forge", limit=10)
        new += done.new
        if not done.more:
            break
    assert len(set(new)) == 40
    assert not [path for _, path, _, _ in host.asked if "/repositories/" in path]


def test_an_issue_that_moves_while_pages_are_read_is_not_missed(
    hub: tuple[Desk, GitHostServer],
) -> None:
    desk, host = hub
    host.per_page = 5
    for number in range(20):
        host.put_issue(f"issue {number}", "agent")
    seen: set[str] = set()
    for turn in range(12):
        if turn < 4:  # one of an earlier page moves behind all others, between two polls
            host.put_comment(turn * 4 + 1, "moved")
        for each in desk("connector.poll", name="forge", limit=5).new:
            shown = desk("message.show", message=each)
            if shown.kind == "issue":
                seen.add(shown.ticket)
    assert seen == {str(number) for number in range(1, 21)}


def test_nothing_new_is_asked_by_its_tag(hub: tuple[Desk, GitHostServer]) -> None:
    desk, host = hub
    host.put_issue("a", "agent")
    for _ in range(3):
        desk("connector.poll", name="forge")
    before = len(host.answered)
    desk("connector.poll", name="forge")
    assert set(host.answered[before:]) == {304}


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, (("Retry-After", "30"),), 30),
        (403, (("Retry-After", "90"),), 90),
        (403, (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "RESET")), 600),
        (429, (("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),), 86400),
        (429, (("Retry-After", "never"),), 60),
        (429, (("Retry-After", "999999999"),), 86400),
        (429, (), 60),
    ],
)
def test_a_limit_of_rate_says_when_to_come_again(
    hub: tuple[Desk, GitHostServer],
    status: int,
    headers: tuple[tuple[str, str], ...],
    wait_s: int,
) -> None:
    desk, host = hub
    reset = str(int(datetime.now(UTC).timestamp()) + 600)
    told = tuple((name, reset if value == "RESET" else value) for name, value in headers)
    host.troubles.append(Trouble(status=status, headers=told))
    with pytest.raises(LimitedError) as caught:
        desk("connector.poll", name="forge")
    at = datetime.fromisoformat(caught.value.fields["retry_at"])
    assert abs((at - datetime.now(UTC)).total_seconds() - wait_s) < 30
    assert desk("connector.poll", name="forge").known == 0


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble(status=401), DeniedError),
        (Trouble(status=403), DeniedError),
        (Trouble(status=404), NotFoundError),
        (Trouble(status=500), UnavailableError),
        (Trouble(cuts=True), UnavailableError),
        (Trouble(status=302, headers=(("Location", "http://evil.test/"),)), DeniedError),
        (Trouble(status=200, body=b"<html>"), UnavailableError),
        (Trouble(status=200, body=b"[" * 100_000), UnavailableError),
        (Trouble(status=200, body=b'{"no": "list"}'), UnavailableError),
        (Trouble(status=200, body=b'[{"id": 1, "number": 1}]'), UnavailableError),
        (Trouble(status=200, body=b"[" + b" " * 5 * 2**20 + b"]"), UnavailableError),
        (Trouble(status=200, body=b"\xff\xfe"), DeniedError),
    ],
)
def test_a_poll_that_fails_loses_nothing(
    hub: tuple[Desk, GitHostServer], trouble: Trouble, error: type[LigninError]
) -> None:
    desk, host = hub
    host.put_issue("a", "agent")
    host.troubles.append(trouble)
    with pytest.raises(error) as caught:
        desk("connector.poll", name="forge")
    assert TOKEN not in f"{caught.value} {caught.value.hint} {caught.value.fields}"
    assert len(desk("connector.poll", name="forge").new) == 1


def test_a_credential_that_the_host_echoes_is_in_no_error_and_no_message(desk: Desk) -> None:
    with git_host("github") as host:
        given = granted(desk, host.grant(repository="acme/other"))
        with pytest.raises(LigninError) as caught:
            given("connector.poll", name="forge")
        assert TOKEN not in f"{caught.value} {caught.value.hint} {caught.value.fields}"
        echoing = granted(desk, host.grant())
        host.put_issue(f"you sent {TOKEN}", "agent", text=f"again: {TOKEN}")
        (new,) = echoing("connector.poll", name="forge").new
        shown = echoing("message.show", message=new)
        assert TOKEN not in f"{shown.subject} {shown.text}"
    raw = b"".join(path.read_bytes() for path in desk.context.home.rglob("*") if path.is_file())
    assert TOKEN.encode() not in raw


def test_the_credential_goes_nowhere_but_below_the_repository(
    hub: tuple[Desk, GitHostServer],
) -> None:
    desk, host = hub
    host.put_issue("a", "agent")
    desk("connector.poll", name="forge")
    desk("connector.send", name="forge", ticket="1", body="b")
    paths = {path.partition("?")[0] for _, path, headers, _ in host.asked}
    assert all(path == "/user" or path.startswith(f"/repos/{REPOSITORY}/") for path in paths)
    assert not any(TOKEN in path for _, path, _, _ in host.asked)


def test_a_private_address_is_refused_where_it_was_not_granted(
    desk: Desk,
) -> None:
    text = (
        '[connectors.forge]\nkind = "github"\nurl = "https://localhost:1"\n'
        f'repository = "{REPOSITORY}"\nlabel = "agent"\nvariable = "FORGE_TOKEN"\n'
    )
    with pytest.raises(DeniedError, match="not of the public internet"):
        granted(desk, text)("connector.poll", name="forge")


def test_somebody_who_is_at_it_is_not_raced(hub: tuple[Desk, GitHostServer]) -> None:
    desk, host = hub
    host.put_issue("a")
    seen: list[str] = []

    host.troubles.append(Trouble(cuts=True, method="POST"))
    desk("connector.send", name="forge", ticket="1", body="x")
    errors: list[Exception] = []

    def send() -> None:
        try:
            seen.append(desk("connector.send", name="forge", ticket="1", body="x").state)
        except ConflictError as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(host.comments) == 1
    assert len(seen) + len(errors) == 4


@pytest.fixture
def repositories(tmp_path: Path) -> tuple[Path, Path]:
    """A bare repository at the far side, and one here with two commits."""
    far, here = tmp_path / "far.git", tmp_path / "work" / "here"

    def git(*words: str, cwd: Path = here) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@acme.test")
        subprocess.run(["git", *who, *words], cwd=cwd, check=True, capture_output=True)

    here.mkdir(parents=True)
    git("init", "-q", "--bare", str(far), cwd=tmp_path)
    git("config", "http.receivepack", "true", cwd=far)
    git("init", "-q")
    for name in ("one", "two"):
        (here / name).write_text(name)
        git("add", ".")
        git("commit", "-qm", name)
    return far, here


@pytest.mark.parametrize("dialect", ["github", "gitea"])
def test_a_branch_is_pushed_and_asked_to_be_pulled_once(
    desk: Desk, dialect: Dialect, repositories: tuple[Path, Path], tmp_path: Path
) -> None:
    far, here = repositories
    hook = here / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    with (here / ".git/config").open("a") as settings:  # an agent may have written this
        settings.write(
            '[url "http://localhost:1/"]\n\tinsteadOf = http://localhost\n[http]\n\tproxy = localhost:1\n'
            '[credential]\n\thelper = "!touch helped"\n[core]\n\tsshCommand = touch ran\n'
        )
    asked = {"subject": "Mend the till", "body": "by 3 cents", "branch": "lignin/till"}
    asked |= {"base": "main", "folder": str(here)}
    with git_host(dialect, far) as host:
        given = granted(desk, host.grant())
        host.troubles.append(Trouble(after=True, cuts=True, method="POST", path="/pulls"))
        lost = given("connector.send", name="forge", **asked)
        assert lost.state == "unknown"
        done = given("connector.send", name="forge", **asked)
        assert (done.state, done.repeated, done.reference) == ("sent", True, "700")
        assert len(host.pulls) == 1
        other = {**asked, "commit": "HEAD~1", "subject": "Another"}
        with pytest.raises(ConflictError, match="holds something else"):
            given("connector.send", name="forge", **other)
    there = subprocess.run(
        ["git", "-C", str(far), "log", "--format=%s", "lignin/till"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.split() == ["two", "one"]
    assert not list(tmp_path.rglob("ran")) + list(tmp_path.rglob("helped"))


def test_a_push_that_is_not_let_in_says_so_without_the_credential(
    desk: Desk, repositories: tuple[Path, Path]
) -> None:
    _, here = repositories
    asked = {"subject": "a", "branch": "lignin/a", "base": "main", "folder": str(here)}
    with git_host("github") as host:  # it serves no repository
        given = granted(desk, host.grant())
        with pytest.raises(DeniedError) as caught:
            given("connector.send", name="forge", **asked)
        assert TOKEN not in f"{caught.value} {caught.value.hint}"
        with pytest.raises(DeniedError, match="only branches lignin/"):
            given("connector.send", name="forge", **{**asked, "branch": "main"})
        assert host.pulls == []


def test_a_secret_in_what_the_far_side_says_of_a_delivery_is_not_kept(
    hub: tuple[Desk, GitHostServer],
) -> None:
    desk, host = hub
    body = b'{"number": 5, "html_url": "https://x.test/ghp_0123456789abcdefghijklmnopqrstuvwxyz"}'
    host.troubles.append(Trouble(status=201, body=body, method="POST"))
    done = desk("connector.send", name="forge", subject="It leaks", body="see")
    assert done.reference == "5"
    assert "ghp_0123456789" not in done.link
