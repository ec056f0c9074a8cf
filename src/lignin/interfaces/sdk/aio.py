"""The SDK for programs that await: the same names, the same arguments, the same answers.

Each call is that of the SDK itself, made on a thread; asyncio and trio both do. `@lignin.capture` needs no
other form: a function that is captured is called as ever.
"""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

from anyio.to_thread import run_sync

from lignin.interfaces.sdk import artifacts, client, sessions
from lignin.interfaces.sdk.captured import Captured
from lignin.operations.artifact_models import CaptureView

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """The same function, to be awaited; what belongs to the task goes along to the thread."""

    @wraps(function)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        return await run_sync(partial(function, *args, **kwargs))

    return asked


class Artifact(Generic[T]):
    """An artifact whose call is awaited."""

    def __init__(self, made: artifacts.Artifact[T]) -> None:
        self._made, self.name = made, made.name
        self.call = _awaited(made.call)
        self.show = _awaited(made.show)

    async def __call__(self, /, **arguments: Any) -> T:
        """Its answer to arguments by name.

        Raises:
            CallFailedError: It ended with an error, or answered something else than `returns`.
            LigninError: It was not called.
        """
        return await run_sync(partial(self._made, **arguments))

    async def pinned(self) -> "Artifact[T]":
        """The version that answers to the name now."""
        return Artifact(await run_sync(self._made.pinned))


class Session:
    """A session in an `async with` block."""

    def __init__(self, made: sessions.Session) -> None:
        self._made = made
        self.message = _awaited(made.message)
        self.tool = _awaited(made.tool)
        self.append = _awaited(made.append)
        self.feedback = _awaited(made.feedback)
        self.outcome = made.outcome

    @property
    def id(self) -> str:
        """The session's id."""
        return self._made.id

    async def __aenter__(self) -> Self:
        await run_sync(self._made.start)
        self._made.enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._made.leave()
        await run_sync(self._made.finish, error)


search = _awaited(client.search)
feedback = _awaited(client.feedback)


@overload
def artifact(name: str, *, head: str = ..., tools: str = ...) -> Artifact[Any]: ...
@overload
def artifact(name: str, *, returns: type[T], head: str = ..., tools: str = ...) -> Artifact[T]: ...


def artifact(
    name: str, *, returns: Any = None, head: str = "main", tools: str = ""
) -> Artifact[Any]:
    """An artifact as an awaited callable; see `Client.artifact`."""
    return Artifact(client.artifact(name, returns=returns, head=head, tools=tools))


def session(
    *, agent: str = "", model: str = "", task: str = "", head: str | None = None
) -> Session:
    """A session of an agent, to be used in an `async with` block; see `Client.session`."""
    return Session(client.session(agent=agent, model=model, task=task, head=head))


async def prove(function: Captured[..., Any]) -> CaptureView:
    """Hand a captured function over now, and hear whether it holds.

    Raises:
        LigninError: It was not taken.
    """
    return await run_sync(function.prove)
