"""An artifact as a callable. It runs in the sandbox of whoever has the store, never in this process."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from lignin.domain.errors import CallFailedError
from lignin.interfaces.sdk.sessions import Asks, current
from lignin.interfaces.sdk.transport import Transport
from lignin.operations.artifact_models import ArtifactView, Called

T = TypeVar("T")
Answer = TypeVar("Answer")


def asking(transport: Transport) -> Asks:
    """What asks a transport, and holds the answer to its type."""

    def ask(name: str, answer: type[Answer], /, **values: Any) -> Answer:
        found = transport.ask(name, values)
        assert isinstance(found, answer)
        return found

    return ask


class Artifact(Generic[T]):
    """A proven program, script or workflow. Calling it gives what it answers.

    Args:
        name: NAME, which is what the head serves, or NAME@DIGEST.
        returns: What the answer is; it is checked, and read into it.
        head: The head whose version is called.
        tools: What answers its tools: desk, desk:SEED or a server.
    """

    def __init__(
        self,
        ask: Asks,
        name: str,
        *,
        returns: type[T] | None = None,
        head: str = "main",
        tools: str = "",
    ) -> None:
        self.name = name
        self._ask, self._head, self._tools = ask, head, tools
        self._returns: TypeAdapter[T] | None = None if returns is None else TypeAdapter(returns)
        self._type = returns

    def __repr__(self) -> str:
        return f"<lignin artifact {self.name}>"

    def __call__(self, /, **arguments: Any) -> T:
        """Its answer to arguments by name; a script takes `argv`, `stdin` and `files`.

        Raises:
            CallFailedError: It ended with an error, or answered something else than `returns`.
            LigninError: It was not called.
        """
        called = self.call(arguments)
        if called.error is not None:
            raise CallFailedError(
                f"{called.name} ended with {called.error}: {called.message}",
                hint=f"`lignin artifact show {called.name}` has its interface",
                artifact=f"{called.name}@{called.digest}",
                error=called.error,
            )
        if self._returns is None:
            output: T = called.output
            return output
        try:
            return self._returns.validate_python(called.output)
        except ValidationError as error:
            raise CallFailedError(
                f"{called.name} answered what is no {self._type}: {error.errors()[0]['msg']}",
                hint="pass the `returns` that its interface says",
                artifact=f"{called.name}@{called.digest}",
            ) from error

    def call(self, arguments: Mapping[str, Any]) -> Called:
        """The whole answer: the version that answered, its error, how long it took.

        In a session it is noted there; what was captured in it, or its pinned revision, comes first.

        Raises:
            LigninError: It was not called.
        """
        session = current()
        if session is None:
            return self._made(arguments, "")
        chooses = session.chooses(self.name)
        return session.noted(self.name, arguments, lambda: self._made(arguments, chooses))

    def _made(self, arguments: Mapping[str, Any], session: str) -> Called:
        return self._ask(
            "artifact.call",
            Called,
            name=self.name,
            input=dict(arguments),
            head=self._head,
            session=session,
            tools=self._tools,
        )

    def show(self) -> ArtifactView:
        """Everything about it: interface, state, evidence, provenance."""
        return self._ask("artifact.show", ArtifactView, name=self.name)

    def pinned(self) -> "Artifact[T]":
        """The version that answers to the name now, whatever the head serves later."""
        shown = self.show()
        return Artifact(
            self._ask,
            f"{shown.name}@{shown.digest}",
            returns=self._type,
            head=self._head,
            tools=self._tools,
        )
