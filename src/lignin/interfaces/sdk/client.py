"""What a program asks Lignin for: artifacts, searches, sessions, feedback.

The names of the module ask the client of this process, which reads its surroundings when it is first used:
`LIGNIN_URL` and `LIGNIN_TOKEN` name a server, else it is the store that the command line uses.
"""

import atexit
import os
import threading
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from lignin.domain.errors import InvalidRequestError
from lignin.interfaces.sdk.artifacts import Artifact, asking
from lignin.interfaces.sdk.sessions import Session
from lignin.interfaces.sdk.transport import LocalStore, Server, Transport
from lignin.operations.artifact_search import Found, FoundListed
from lignin.operations.registry import Response
from lignin.operations.trace_feedback import FeedbackGiven

T = TypeVar("T")
MOST = 10


class Client:
    """Asks one store, here or at a server. Any number of threads may share it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.asking = asking(transport)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store; it is opened again where it is asked again."""
        self._transport.close()

    @overload
    def artifact(self, name: str, *, head: str = ..., tools: str = ...) -> Artifact[Any]: ...
    @overload
    def artifact(
        self, name: str, *, returns: type[T], head: str = ..., tools: str = ...
    ) -> Artifact[T]: ...

    def artifact(
        self, name: str, *, returns: Any = None, head: str = "main", tools: str = ""
    ) -> Artifact[Any]:
        """An artifact as a callable; nothing is asked before it is called.

        Args:
            name: NAME, which is what the head serves, or NAME@DIGEST.
            returns: What its answer is, such as `list[int]` or a pydantic model; it is checked.
            tools: What answers its tools: desk, desk:SEED or a server.
        """
        return Artifact(self.asking, name, returns=returns, head=head, tools=tools)

    def search(self, query: str, *, limit: int = MOST) -> list[Found]:
        """Proven artifacts by what they do, the best first.

        Args:
            query: What is to be done, in plain words.
        """
        return self.asking("artifact.search", FoundListed, query=query, limit=limit).items

    def session(
        self, *, agent: str = "", model: str = "", task: str = "", head: str | None = None
    ) -> Session:
        """A session of an agent, to be used in a `with` block.

        Args:
            agent: Who works in it.
            task: What its task is called; runs of one task are compared.
            head: Pin this head's stable revision: its versions answer, whatever is served later.
        """
        return Session(self.asking, agent=agent, model=model, task=task, head=head)

    def feedback(
        self, session: str, label: Literal["success", "failure", "infrastructure"], reason: str
    ) -> FeedbackGiven:
        """Say what a session that has ended turned out to be."""
        return self.asking(
            "trace.feedback", FeedbackGiven, session=session, label=label, reason=reason
        )

    def ask(self, name: str, /, **values: Any) -> Response:
        """Any operation by its name, such as `report.needs`; `lignin schema NAME` says what it takes.

        Raises:
            DeniedError: It decides what others are served: that takes a person.
            LigninError: What the operation says.
        """
        return self._transport.ask(name, values)


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    space: str | None = None,
    home: str | os.PathLike[str] | None = None,
) -> Client:
    """A client of a server, or of a store on this machine.

    Args:
        url: A server; default: `LIGNIN_URL`, and without that the store of this machine.
        token: The server's; default: `LIGNIN_TOKEN`.
        space: Of the store of this machine: the space to work in.
        home: Of the store of this machine: the data folder, as `LIGNIN_HOME`.

    Raises:
        InvalidRequestError: It is no URL, or a space is named of a server, which has its own.
    """
    url = url if url is not None or home is not None else os.environ.get("LIGNIN_URL")
    if url and space:
        raise InvalidRequestError(
            "a server has one space", hint="start it with LIGNIN_SPACE in its environment"
        )
    if url:
        return Client(Server(url, os.environ.get("LIGNIN_TOKEN", "") if token is None else token))
    environment = dict(os.environ)
    if home is not None:
        environment = {k: v for k, v in environment.items() if k != "LIGNIN_STORE"}
        environment["LIGNIN_HOME"] = os.fspath(home)
    from lignin.app import load_settings, open_context

    settings = load_settings(environment, Path.cwd(), space=space)
    return Client(LocalStore(lambda: open_context(settings)))


_LOCK = threading.Lock()
_CLIENTS: dict[tuple[str | None, ...], Client] = {}
_NAMES = (
    "LIGNIN_URL",
    "LIGNIN_TOKEN",
    "LIGNIN_HOME",
    "LIGNIN_STORE",
    "LIGNIN_SPACE",
    "LIGNIN_ACTOR",
)


def default_client() -> Client:
    """The client of this process; another one where the environment says something else by now."""
    key = tuple(os.environ.get(name) for name in _NAMES)
    with _LOCK:
        if key not in _CLIENTS:
            _CLIENTS[key] = connect()
            atexit.register(_CLIENTS[key].close)
        return _CLIENTS[key]


@overload
def artifact(name: str, *, head: str = ..., tools: str = ...) -> Artifact[Any]: ...
@overload
def artifact(name: str, *, returns: type[T], head: str = ..., tools: str = ...) -> Artifact[T]: ...


def artifact(
    name: str, *, returns: Any = None, head: str = "main", tools: str = ""
) -> Artifact[Any]:
    """An artifact as a callable; see `Client.artifact`."""
    return default_client().artifact(name, returns=returns, head=head, tools=tools)


def search(query: str, *, limit: int = MOST) -> list[Found]:
    """Proven artifacts by what they do, the best first; see `Client.search`."""
    return default_client().search(query, limit=limit)


def session(
    *, agent: str = "", model: str = "", task: str = "", head: str | None = None
) -> Session:
    """A session of an agent, to be used in a `with` block; see `Client.session`."""
    return default_client().session(agent=agent, model=model, task=task, head=head)


def feedback(
    session: str, label: Literal["success", "failure", "infrastructure"], reason: str
) -> FeedbackGiven:
    """Say what a session that has ended turned out to be."""
    return default_client().feedback(session, label, reason)
