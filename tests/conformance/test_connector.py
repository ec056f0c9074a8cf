"""The fake and the real connectors, on stand-ins that speak the far sides' protocols, pass one suite."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from e2e.connectors.world import chat_grant, granted, opened, post_grant
from lignin.domain.messages import Posting
from lignin.ports.connector import Connector, Sink, Source
from lignin.testing.conformance.connector import SinkConformance, SourceConformance
from lignin.testing.fakes.connector import MemoryConnector
from lignin.testing.fakes.git_host import GitHostServer, Trouble, git_host
from lignin.testing.fakes.hook_server import HookServer, hook_server
from lignin.testing.fakes.mail_server import MailServer, mail_server
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import Desk, open_desk


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    made = ProcessSandbox()
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    with open_desk(tmp_path, sandbox) as made:
        yield made


def _source(connector: Connector) -> Source:
    assert connector.source is not None
    return connector.source


def _sink(connector: Connector) -> Sink:
    assert connector.sink is not None
    return connector.sink


@dataclass
class Memory:
    made: MemoryConnector = field(default_factory=MemoryConnector)
    posting: Posting = field(default_factory=lambda: Posting(kind="message", text="hello"))

    @property
    def source(self) -> Source:
        return self.made

    @property
    def sink(self) -> Sink:
        return self.made

    def put(self, text: str) -> None:
        self.made.texts.append(text)

    def arrived(self) -> int:
        return len(self.made.sent)

    def break_answer(self) -> None:
        self.made.breaks = "after"

    def refuse(self) -> None:
        self.made.breaks = "refuses"


@dataclass
class Host:
    server: GitHostServer
    connector: Connector
    posting: Posting
    as_comments: bool = False

    @property
    def source(self) -> Source:
        return _source(self.connector)

    @property
    def sink(self) -> Sink:
        return _sink(self.connector)

    def put(self, text: str) -> None:
        if self.as_comments:
            self.server.put_comment(1, text)
        else:
            self.server.put_issue(text, "agent")

    def arrived(self) -> int:
        return sum("dlv_" in each["body"] for each in [*self.server.issues, *self.server.comments])

    def break_answer(self) -> None:
        self.server.troubles.append(Trouble(after=True, cuts=True, method="POST"))

    def refuse(self) -> None:
        self.server.troubles.append(Trouble(status=422, method="POST"))


@dataclass
class Hook:
    server: HookServer
    connector: Connector
    posting: Posting

    @property
    def sink(self) -> Sink:
        return _sink(self.connector)

    def arrived(self) -> int:
        return len(self.server.received)

    def break_answer(self) -> None:
        self.server.statuses.append(0)

    def refuse(self) -> None:
        self.server.statuses.append(404)


@dataclass
class Box:
    server: MailServer
    connector: Connector
    posting: Posting

    @property
    def source(self) -> Source:
        return _source(self.connector)

    @property
    def sink(self) -> Sink:
        return _sink(self.connector)

    def put(self, text: str) -> None:
        raw = f"From: ada@acme.test\r\nSubject: news\r\n\r\n{text}\r\n"
        self.server.put(raw.encode())

    def arrived(self) -> int:
        return len(self.server.received)

    def break_answer(self) -> None:
        self.server.breaks = "after"

    def refuse(self) -> None:
        self.server.breaks = "refuses"


COMMENT = Posting(kind="comment", ticket="1", text="done")
TICKET = Posting(kind="open", subject="It leaks", text="See there.")


@pytest.fixture
def host(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Host]:
    dialect, posting, as_comments = request.param
    with git_host(dialect) as server:
        server.put_issue("the first")
        server.per_page = 4
        yield Host(server, opened(desk, server.grant(), "forge"), posting, as_comments)


FORGES = [
    pytest.param((dialect, posting, as_comments), id=f"{dialect}-{posting.kind}")
    for dialect in ("github", "gitea")
    for posting, as_comments in ((COMMENT, True), (TICKET, False))
]


@pytest.mark.parametrize("host", FORGES, indirect=True)
class TestGitHostSource(SourceConformance):
    @pytest.fixture
    def far(self, host: Host) -> Host:
        return host


@pytest.mark.parametrize("host", FORGES, indirect=True)
class TestGitHostSink(SinkConformance):
    @pytest.fixture
    def far(self, host: Host) -> Host:
        return host


class TestMemorySource(SourceConformance):
    @pytest.fixture
    def far(self) -> Memory:
        return Memory()


@pytest.mark.parametrize("knows", ["found", "repeatable", "none"])
class TestMemorySink(SinkConformance):
    @pytest.fixture
    def far(self, knows: str) -> Memory:
        return Memory(MemoryConnector(knows=knows))  # type: ignore[arg-type]


@pytest.fixture
def box(desk: Desk) -> Iterator[Box]:
    posting = Posting(kind="message", to=("bob@acme.test",), subject="News", text="hello")
    with mail_server() as server:
        yield Box(server, opened(desk, server.grant(), "desk"), posting)


class TestMailSource(SourceConformance):
    @pytest.fixture
    def far(self, box: Box) -> Box:
        return box


class TestMailSink(SinkConformance):
    @pytest.fixture
    def far(self, box: Box) -> Box:
        return box


@pytest.mark.parametrize("kind", ["chat", "post", "repeatable"])
class TestHookSink(SinkConformance):
    @pytest.fixture
    def far(self, desk: Desk, kind: str) -> Iterator[Hook]:
        posting = Posting(kind="message", text="hello")
        with hook_server() as server:
            if kind == "chat":
                made = opened(desk, chat_grant(server.address), "room", server.address)
            else:
                server.drops = kind == "repeatable"
                made = opened(desk, post_grant(server.address, repeatable=server.drops), "far")
            yield Hook(server, made, posting)


def test_the_grants_of_all_stand_ins_hold_no_credential(desk: Desk) -> None:
    with git_host() as forge, mail_server() as mail:
        text = forge.grant() + mail.grant() + chat_grant(forge.address)
        from e2e.connectors.world import SECRETS

        assert granted(desk, text).context
        assert not any(each in text for each in SECRETS)
