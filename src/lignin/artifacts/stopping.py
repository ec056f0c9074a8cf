"""A sandbox whose runs end when nobody wants them any more: their job was cancelled, or taken over by another
worker. Owns the asking."""

from collections.abc import Callable
from dataclasses import replace

from lignin.ports.sandbox import Execution, Observed, RequestHandler, Sandbox, SandboxOver


class StoppableSandbox(SandboxOver):
    """The sandbox port over another sandbox; a run that is ended is no evidence.

    Args:
        stop: Whether the runs are to end; an execution's own is asked besides.
    """

    def __init__(self, inner: Sandbox, stop: Callable[[], bool]) -> None:
        super().__init__(inner)
        self._stop = stop

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once, as long as it is wanted."""
        own = execution.stop
        return self._inner.run(replace(execution, stop=lambda: own() or self._stop()), broker)
