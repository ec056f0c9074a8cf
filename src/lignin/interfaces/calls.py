"""Running an operation for a caller of a server: one context, a bounded pool, progress, an end.

Owns nothing of a protocol. Everything below is synchronous, so each call takes a thread of a bounded
pool; who comes when too many wait is told to come again. A call that is cancelled stops where it next
tells its progress, between two commits; what was acknowledged is kept.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from anyio.to_thread import run_sync

from lignin.domain.errors import LimitedError, UnavailableError
from lignin.domain.events import Actor
from lignin.interfaces.errors import explain_fault
from lignin.operations.context import Caller, Context, Progress
from lignin.operations.registry import Operation, Response

MAX_AT_ONCE = 8
MAX_WAITING = 64

OpenContext = Callable[[], AbstractContextManager[Context]]


@dataclass(slots=True)
class Call:
    """One call under way: who asks, what is told meanwhile, whether it was cancelled."""

    actor: Actor | None = None
    dry_run: bool = False
    caller: Caller | None = None
    listener: Progress | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Tell the caller how far it is; stop here where it was cancelled.

        Raises:
            UnavailableError: It was cancelled.
        """
        if self.cancelled.is_set():
            raise UnavailableError("the call was cancelled", hint="what was done so far is kept")
        if self.listener is not None:
            self.listener(what, done, total)


class Calls:
    """Runs operations for callers of a server.

    Args:
        context: The server's own context.
        open_copy: Opens a context on a throw-away copy of the store.
    """

    def __init__(self, context: Context, open_copy: OpenContext) -> None:
        self.context = context
        self._open_copy = open_copy
        self._limiter: anyio.CapacityLimiter | None = None
        self._inside = 0

    async def run(self, operation: Operation, request: Any, call: Call) -> Response:
        """The operation's answer.

        Raises:
            LigninError: What the operation says; nothing else leaves.
            LimitedError: Too many calls wait.
        """
        found: Response = await self.apart(lambda: self.run_here(operation, request, call))
        return found

    async def apart(self, work: Callable[[], Any]) -> Any:
        """Do something synchronous on a thread of the pool.

        Raises:
            LimitedError: Too many wait.
        """
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(MAX_AT_ONCE)
        if self._inside >= MAX_WAITING:
            raise LimitedError("too many calls at once", hint="try again in a second")
        self._inside += 1
        try:
            return await run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1

    def run_here(self, operation: Operation, request: Any, call: Call) -> Response:
        """The same, on this thread."""
        try:
            if not call.dry_run:
                return self._run(self.context, operation, request, call)
            with self._open_copy() as copy:
                return self._run(copy, operation, request, call)
        except Exception as error:
            raise explain_fault(error) from error

    def context_of(self, call: Call) -> Context:
        """The server's context as a caller has it."""
        return self._for(self.context, call)

    def _run(self, context: Context, operation: Operation, request: Any, call: Call) -> Response:
        found: Response = operation.run(self._for(context, call), request)
        return found

    def _for(self, context: Context, call: Call) -> Context:
        scope = replace(context.scope, actor=call.actor) if call.actor else context.scope
        caller = call.caller or Caller(surface="http")
        return replace(context, scope=scope, progress=call.progress, is_remote=True, caller=caller)
