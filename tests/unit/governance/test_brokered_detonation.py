"""A run among planted secrets is heard first, and has a broker that reaches nothing real."""

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
def test_a_run_among_planted_secrets_has_a_broker_of_its_own_and_an_ear_before_it(
    is_planted: bool,
) -> None:
    told: list[Mapping[str, Json]] = []
    opened: list[bool] = []

    def hear(request: Mapping[str, Json]) -> Mapping[str, Json]:
        told.append(request)
        return {"error": "denied"} if request is CALL else {"result": None}

    def open_broker(planted: bool) -> Broker:
        opened.append(planted)
        return Broker(Capabilities(tools={"t": "d"}))

    inner = Asking()
    brokered = BrokeredSandbox(inner, open_broker)
    home = {".netrc": File(content=b"x")} if is_planted else {}
    around = Surroundings(home=home)
    execution = Execution(files={}, action=Command(argv=("true",)), surroundings=around)
    observed = brokered.run(execution, hear)
    http, call = inner.answers
    assert opened == [is_planted]
    assert told == ([HTTP, CALL] if is_planted else [])
    assert http["error"] == "denied"
    assert http["message"] == "no host is declared"
    assert (call == {"error": "denied"}) is is_planted
    # What the ear holds back never comes to the broker, which would have called it an outage.
    assert ("unknown" in {each.kind for each in observed.effects}) is not is_planted
