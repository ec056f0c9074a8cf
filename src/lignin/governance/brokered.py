"""A sandbox whose runs each get a broker of their own, and whose observations tell what it saw.

Owns the joining of the two. A run that asked what its binding does not know, what failed outside, or
what kept it waiting until its time was up, becomes `infrastructure`: no check may count it for or
against the artifact. A run among planted secrets has a broker that reaches nothing real.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from lignin.domain.codec import Digest, Json, digest_json
from lignin.governance.broker import BROKER_VERSION, Broker
from lignin.ports.broker import BrokerReport
from lignin.ports.sandbox import (
    Execution,
    Observed,
    RequestHandler,
    Sandbox,
    SandboxOver,
    Surroundings,
)


class BrokeredSandbox(SandboxOver):
    """The sandbox port over another sandbox.

    Args:
        inner: Makes the runs.
        open_broker: Makes the broker of one run; told whether the run is among planted secrets, and
            must then reach no host and no secret.
        binding_digest: Of what answers the tool calls; it decides what runs show.
        on_report: Told what each run's broker saw.
        patience_s: Added to each run's wall time, for what it waits outside.
        monotonic: The clock that the waiting is measured by.
    """

    def __init__(
        self,
        inner: Sandbox,
        open_broker: Callable[[bool], Broker],
        *,
        binding_digest: Digest | None = None,
        on_report: Callable[[BrokerReport], None] | None = None,
        patience_s: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(inner)
        self._open_broker = open_broker
        self._binding_digest = binding_digest
        self._on_report = on_report
        self._patience_s = patience_s
        self._monotonic = monotonic

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

        `broker` is asked first where the run has planted surroundings; what it answers with an error
        goes no further. In other runs it is not asked.
        """
        is_planted = execution.surroundings != Surroundings()
        own = self._open_broker(is_planted)
        first = broker if is_planted else None
        waited_s = 0.0

        def handle(request: Mapping[str, Json]) -> Mapping[str, Json]:
            nonlocal waited_s
            said = first(request) if first is not None else {}
            if "error" in said:
                return said
            began = self._monotonic()
            try:
                return own.handle(request)
            finally:
                waited_s += self._monotonic() - began

        wall_s = execution.limits.wall_s + self._patience_s
        longer = replace(execution, limits=replace(execution.limits, wall_s=wall_s))
        observed = self._inner.run(longer, handle)
        report = own.report()
        if observed.status == "timeout" and waited_s > wall_s / 2:
            why = f"the run waited {waited_s:.1f} s for what it asked outside"
            report = replace(report, outages=report.outages + 1, reasons=(*report.reasons, why))
        if self._on_report is not None:
            self._on_report(report)
        observed = replace(
            observed,
            effects=(*observed.effects, *report.effects),
            told=report.told,
            changes=report.changes,
            misses=report.misses,
        )
        if report.is_conclusive:
            return observed
        return replace(
            observed,
            status="infrastructure",
            returned=False,
            result=None,
            message=(
                f"{report.misses} requests without a known answer, {report.outages} that failed "
                f"outside: {'; '.join(report.reasons)}"
            ),
        )
