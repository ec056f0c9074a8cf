"""A sandbox whose runs end when nobody wants them any more: their job was cancelled, or taken over by another
worker. Owns the asking."""

from collections.abc import Callable
from dataclasses import replace

from lignin.domain.codec import Digest
from lignin.ports.sandbox import Capability, Execution, Observed, RequestHandler, Sandbox


class StoppableSandbox:
    """The sandbox port over another sandbox.

    Args:
        stop: Whether the runs are to end; an execution's own is asked besides.
    """

    def __init__(self, inner: Sandbox, stop: Callable[[], bool]) -> None:
        self._inner, self._stop = inner, stop

    @property
    def tier(self) -> str:
        """The inner sandbox's."""
        return self._inner.tier

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The inner sandbox's."""
        return self._inner.capabilities

    @property
    def policy_digest(self) -> Digest:
        """The inner sandbox's: a run that is ended is no evidence."""
        return self._inner.policy_digest

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once, as long as it is wanted."""
        own = execution.stop
        return self._inner.run(replace(execution, stop=lambda: own() or self._stop()), broker)

    def close(self) -> None:
        """Nothing: whoever made the inner sandbox ends it."""
