"""A sandbox with a broker of its own for each run: what it tells, and whose fault it is."""

from collections.abc import Mapping
from typing import Any

import pytest

from lignin.domain.codec import Json, digest_json
from lignin.governance.broker import Broker
from lignin.governance.brokered import BrokeredSandbox
from lignin.ports.broker import BrokerReport
from lignin.ports.sandbox import Execution, Limits, Observed, PythonCall, RequestHandler
from lignin.ports.tools import Observation
from unit.governance.outside import DECLARED, Bound


class OneCall:
    """A sandbox whose code makes one call and swallows what it hears."""

    tier, capabilities, policy_digest = "fake", frozenset[Any](), digest_json("fake")

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        assert broker is not None
        broker({"type": "call", "tool": "ping", "arguments": {}, "call_id": "1"})
        broker({"type": "call", "tool": "pong", "arguments": {}, "call_id": "2"})
        return Observed(status="exited", tier="fake", returned=True, result="all is well")

    def close(self) -> None:
        raise AssertionError("not its own to close")


@pytest.mark.parametrize(
    ("answer", "status", "result"),
    [(Observation(result=1), "exited", "all is well"), (None, "infrastructure", None)],
)
def test_brokered_run_tells_what_was_asked_and_never_passes_on_a_guess(
    answer: Observation | None, status: str, result: Json
) -> None:
    reports: list[BrokerReport] = []
    bound = Bound([answer, answer])
    sandbox = BrokeredSandbox(
        OneCall(),
        lambda _: Broker(DECLARED, binding=bound),
        binding_digest=bound.digest,
        on_report=reports.append,
    )
    execution = Execution(files={}, action=PythonCall(file="a", function="f", arguments={}))
    seen = [sandbox.run(execution), sandbox.run(execution)]
    assert [(each.status, each.result) for each in seen] == [(status, result)] * 2
    assert "denied" in {effect.kind for effect in seen[0].effects}
    assert (bound.begun, len(reports)) == (2, 2)
    assert sandbox.policy_digest != OneCall.policy_digest
    sandbox.close()


@pytest.mark.parametrize(
    ("wait_s", "status"), [(9.0, "infrastructure"), (1.0, "timeout")], ids=["outside", "its own"]
)
def test_time_that_runs_out_while_waiting_outside_is_not_the_codes_fault(
    wait_s: float, status: str
) -> None:
    now = [0.0]

    class Slow(Bound):
        def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
            now[0] += wait_s
            return Observation(result=1)

    class Inner:
        tier, capabilities, policy_digest = "ns", frozenset[Any](), digest_json("inner")

        def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
            assert execution.limits.wall_s == 10.0
            assert broker is not None
            broker({"type": "call", "tool": "ping", "arguments": {}})
            return Observed(status="timeout", tier="ns", wall_s=10.0)

        def close(self) -> None:
            pass

    brokered = BrokeredSandbox(
        Inner(),
        lambda _: Broker(DECLARED, binding=Slow([])),
        patience_s=7.0,
        monotonic=lambda: now[0],
    )
    action = PythonCall(file="a.py", function="f", arguments={})
    observed = brokered.run(Execution(files={}, action=action, limits=Limits(wall_s=3.0)))
    assert observed.status == status
