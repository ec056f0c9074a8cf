"""A sandbox whose runs each get a broker of their own, and whose observations tell what it saw.

Owns the joining of the two. A run that asked what its binding does not know, or what
failed outside, becomes `infrastructure`: no check may count it for or against the artifact.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from lignin.domain.codec import Digest, Json, digest_json
from lignin.governance.broker import BROKER_VERSION, Broker
from lignin.ports.broker import BrokerReport
from lignin.ports.sandbox import (
    Capability,
    Execution,
    Observed,
    RequestHandler,
    Sandbox,
    Surroundings,
)


class BrokeredSandbox:
    """The sandbox port over another sandbox.

    Args:
        inner: Makes the runs.
        open_broker: Makes the broker of one run.
        binding_digest: Of what answers the tool calls; it decides what runs show.
        on_report: Told what each run's broker saw.
    """

    def __init__(
        self,
        inner: Sandbox,
        open_broker: Callable[[], Broker],
        *,
        binding_digest: Digest | None = None,
        on_report: Callable[[BrokerReport], None] | None = None,
    ) -> None:
        self._inner = inner
        self._open_broker = open_broker
        self._binding_digest = binding_digest
        self._on_report = on_report

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
        """The inner sandbox's, with broker and binding."""
        return digest_json([self._inner.policy_digest, BROKER_VERSION, self._binding_digest])

    def run(
        self,
        execution: Execution,
        broker: RequestHandler | None = None,
    ) -> Observed:
        """Run once with a fresh broker.

        `broker` is heard only where the run has planted surroundings: it is told every request and
        answers those for HTTP itself, since nothing that is planted may reach a real host.
        """
        own = self._open_broker()
        is_planted = execution.surroundings != Surroundings()

        def handle(request: Mapping[str, Json]) -> Mapping[str, Json]:
            if not is_planted or broker is None:
                return own.handle(request)
            told = broker(request)
            return told if request.get("type") == "http" else own.handle(request)

        observed = self._inner.run(execution, handle)
        report = own.report()
        if self._on_report is not None:
            self._on_report(report)
        observed = replace(observed, effects=(*observed.effects, *report.effects))
        if report.is_conclusive:
            return observed
        return replace(
            observed,
            status="infrastructure",
            returned=False,
            result=None,
            message=(
                f"{report.misses} tool calls that the binding {report.binding!r} does not know, "
                f"{report.outages} requests that failed outside"
            ),
        )

    def close(self) -> None:
        """Nothing: whoever made the inner sandbox ends it."""
