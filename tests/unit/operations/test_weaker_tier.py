"""A program that was proven behind all walls says so where it runs behind fewer."""

from dataclasses import replace
from typing import Any

from lignin.ports.sandbox import Execution, Observed, RequestHandler, Sandbox


class Weaker:
    """A sandbox as it is where the stronger tier does not start."""

    tier = "landlock"

    def __init__(self, inner: Sandbox) -> None:
        self._inner = inner

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        return replace(self._inner.run(execution, broker), tier=self.tier)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_call_in_a_weaker_tier_than_the_proof_is_told(desk: Any) -> None:
    desk.double(promote=True)
    called = desk("artifact.call", name="double", input={"number": 5})
    assert (called.tier, called.proven_in, called.warnings()) == ("ns", "ns", [])
    weaker = Weaker(desk.context.open_sandbox())
    desk.context = replace(desk.context, open_sandbox=lambda: weaker)
    called = desk("artifact.call", name="double", input={"number": 5})
    assert (called.output, called.tier, called.proven_in) == (10, "landlock", "ns")
    (warning,) = called.warnings()
    assert "proven in the sandbox tier ns and ran in landlock" in warning
    assert "no memory, pid, tmpfs" in warning
