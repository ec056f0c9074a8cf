"""A session of an agent, written down as it happens: what was said, which tools were called, how it ended.

Owns the form of its records, which the importer `lignin_sdk` reads: such a session is mined like an
imported one. While one is open in a task or thread, artifacts that are called and functions that are
captured there belong to it.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar, get_args

from lignin.domain.errors import InvalidRequestError, LigninError, UnavailableError
from lignin.domain.traces import Outcome
from lignin.interfaces.sdk.transport import CALLING, CLIENT
from lignin.operations.artifact_models import Called
from lignin.operations.session import SessionView
from lignin.operations.trace_feedback import FeedbackGiven

Role = Literal["system", "user", "assistant", "tool"]
Answer = TypeVar("Answer")
CALL_TOOL = "lignin.artifact.call"
MARK = "lignin_message"


class Asks(Protocol):
    """Asks an operation for an answer of a known type."""

    def __call__(self, name: str, answer: type[Answer], /, **values: Any) -> Answer: ...


class Session:
    """A session under way; `with` starts and ends it.

    Where the block is left by an exception and no outcome was said, it failed; by Lignin's own
    `UnavailableError`, the infrastructure did. Else it is unknown how it went.
    """

    def __init__(
        self,
        ask: Asks,
        *,
        agent: str = "",
        model: str = "",
        task: str = "",
        head: str | None = None,
    ) -> None:
        self._ask = ask
        self._about = {"agent": agent, "model": model, "task": task, "head": head}
        self._outcome: Outcome | None = None
        self._numbers = itertools.count(1)
        self._token: Token[Session | None] | None = None
        self._id = ""
        self._wrote: set[str] = set()

    @property
    def id(self) -> str:
        """The session's id.

        Raises:
            InvalidRequestError: It was not started.
        """
        if not self._id:
            raise InvalidRequestError("the session was not started", hint="with lignin.session():")
        return self._id

    def __enter__(self) -> Self:
        self.start()
        self.enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()
        self.finish(error)

    def start(self) -> None:
        """Start it, without making it the one that calls belong to."""
        about = {name: value for name, value in self._about.items() if value}
        view = self._ask("session.start", SessionView, client=CLIENT, messages=True, **about)
        self._id = view.session

    def enter(self) -> None:
        """Make it the one that calls in this task or thread belong to."""
        self._token = _CURRENT.set(self)

    def leave(self) -> None:
        """Give that up."""
        if self._token is not None:
            _CURRENT.reset(self._token)
            self._token = None

    def finish(self, error: BaseException | None = None) -> None:
        """End it with its outcome; where an exception is on its way, that one stays what is raised."""
        try:
            if self._outcome is None and isinstance(error, Exception):
                is_down = isinstance(error, UnavailableError)
                self._outcome = "infrastructure" if is_down else "failure"
                self.append(
                    {"role": "user", "content": f"the program raised {type(error).__name__}"}
                )
            self._ask(
                "session.end", SessionView, session=self.id, outcome=self._outcome or "unknown"
            )
        except LigninError:
            if error is None:
                raise

    def message(self, role: Role, text: str, **more: Any) -> None:
        """Note what was said.

        Args:
            more: Further members of the message, such as `model`, `usage` or `cost`.

        Raises:
            InvalidRequestError: There is no such role.
        """
        _require_known("role", role, get_args(Role))
        self.append({**more, "role": role, "content": text})

    def tool(
        self,
        name: str,
        arguments: Mapping[str, Any],
        result: Any = None,
        *,
        is_error: bool = False,
    ) -> None:
        """Note a tool call with its result."""
        self._note_call(self._next_call(), name, arguments, result, is_error=is_error)

    def _next_call(self) -> str:
        return f"{self.id}.{next(self._numbers)}"

    def _note_call(
        self, call_id: str, name: str, arguments: Mapping[str, Any], result: Any, *, is_error: bool
    ) -> None:
        function = {"name": name, "arguments": dict(arguments)}
        call = {"id": call_id, "type": "function", "function": function}
        told = {"role": "tool", "tool_call_id": call_id, "content": result, "is_error": is_error}
        self.append({"role": "assistant", "tool_calls": [call]}, told)

    def append(self, *messages: Mapping[str, Any]) -> None:
        """Note messages in the common chat form, as they are."""
        at = datetime.now(UTC).isoformat()
        events = [{MARK: 1, "timestamp": at, **message} for message in messages]
        self._ask("session.append", SessionView, session=self.id, events=events)

    def outcome(self, outcome: Outcome) -> None:
        """Say how it went; it is kept when the session ends.

        Raises:
            InvalidRequestError: There is no such outcome.
        """
        _require_known("outcome", outcome, get_args(Outcome))
        self._outcome = outcome

    def feedback(
        self, label: Literal["success", "failure", "infrastructure"], reason: str
    ) -> FeedbackGiven:
        """Say later what it turned out to be, such as a ticket that was reopened."""
        return self._ask(
            "trace.feedback", FeedbackGiven, session=self.id, label=label, reason=reason
        )

    def wrote(self, name: str) -> None:
        """Remember that a name was captured in it: it may be called here at once."""
        self._wrote.add(name)

    def chooses(self, name: str) -> str:
        """Its id, where it says which version of a name is called: it wrote one, or pins a revision."""
        is_own = name.partition("@")[0] in self._wrote
        return self.id if is_own or self._about["head"] else ""

    def noted(self, name: str, arguments: Mapping[str, Any], call: Callable[[], Called]) -> Called:
        """Make a call of an artifact and note it, with its error where it has no answer."""
        asked = {"name": name, "input": dict(arguments)}
        call_id = self._next_call()
        calling = CALLING.set((self.id, call_id))
        try:
            called = call()
        except LigninError as error:
            self._note_call(call_id, CALL_TOOL, asked, error.message, is_error=True)
            raise
        finally:
            CALLING.reset(calling)
        asked["name"] = f"{called.name}@{called.digest}"
        failed = called.error is not None
        result = f"{called.error}: {called.message}" if failed else called.output
        self._note_call(call_id, CALL_TOOL, asked, result, is_error=failed)
        return called


def _require_known(what: str, said: object, known: Sequence[str]) -> None:
    if said not in known:
        raise InvalidRequestError(
            f"no {what} of a session: {said!r:.80}", hint=f"one of {', '.join(known)}"
        )


_CURRENT: ContextVar[Session | None] = ContextVar("lignin_session", default=None)


def current() -> Session | None:
    """The session that calls in this task or thread belong to."""
    return _CURRENT.get()
