"""A sandbox with brokers of its own sends nothing that was planted to a real host."""

from collections.abc import Mapping

import pytest

from lignin.domain.artifacts import Capabilities, File
from lignin.domain.codec import Json
from lignin.governance.broker import Broker
from lignin.governance.brokered import BrokeredSandbox
from lignin.ports.sandbox import (
    Command,
    Execution,
    Observed,
    RequestHandler,
    Surroundings,
)
from lignin.testing.fakes.sandbox import ScriptedSandbox

HTTP: Mapping[str, Json] = {"type": "http", "method": "GET", "url": "https://api.example.com/"}
CALL: Mapping[str, Json] = {"type": "call", "tool": "t", "arguments": {}}


class Asking(ScriptedSandbox):
    """Each run makes two requests and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(lambda _: Observed(status="exited", tier="ns"))
        self.answers: list[Mapping[str, Json]] = []

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        assert broker is not None
        self.answers = [broker(HTTP), broker(CALL)]
        return super().run(execution)


@pytest.mark.parametrize("is_planted", [True, False])
def test_among_planted_secrets_http_ends_in_the_sink_and_calls_in_the_binding(
    is_planted: bool,
) -> None:
    told: list[Mapping[str, Json]] = []

    def sink(request: Mapping[str, Json]) -> Mapping[str, Json]:
        told.append(request)
        return {"result": "the sink"}

    inner = Asking()
    brokered = BrokeredSandbox(inner, lambda: Broker(Capabilities(hosts=["api.example.com"])))
    home = {".netrc": File(content=b"x")} if is_planted else {}
    around = Surroundings(home=home)
    brokered.run(Execution(files={}, action=Command(argv=("true",)), surroundings=around), sink)
    http, call = inner.answers
    assert (http == {"result": "the sink"}) is is_planted
    assert call["error"] == "denied"
    assert told == ([HTTP, CALL] if is_planted else [])
