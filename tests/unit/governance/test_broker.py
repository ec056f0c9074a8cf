"""The broker over fakes: what is declared is answered, all else is denied and recorded."""

from typing import Any

import pytest

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import digest_json
from lignin.domain.errors import UnavailableError
from lignin.governance.broker import MAX_CALLS, Broker
from lignin.ports.broker import Hop, Reply, SecretValue
from lignin.ports.sandbox import Effect
from lignin.ports.tools import Observation, ToolSpec
from unit.governance.outside import DECLARED, PING, SECRET, Bound, Wire, ask, kinds


def test_declared_tool_is_answered_and_recorded_with_its_binding() -> None:
    broker = Broker(DECLARED, binding=Bound([Observation(result=3), Observation(error="no")]))
    assert ask(broker) == {"result": 3}
    assert ask(broker, call_id="2") == {"error": "no", "message": ""}
    report = broker.report()
    assert (report.binding, report.binding_digest) == ("fake", digest_json("fake"))
    assert (report.effects, report.hit_ratio) == ((Effect(kind="call", target="ping"),) * 2, 1.0)


@pytest.mark.parametrize(
    ("declared", "bound", "code", "effect"),
    [
        (Capabilities(), Bound([]), "denied", "denied"),
        (DECLARED, None, "unavailable", "unknown"),
        (Capabilities(tools={"ping": digest_json(1)}), Bound([]), "unavailable", "unknown"),
        (DECLARED, Bound([], tools={}), "unavailable", "unknown"),
    ],
    ids=["undeclared", "unbound", "another schema", "unknown to the binding"],
)
def test_tool_that_is_not_the_declared_one_is_not_called(
    declared: Capabilities, bound: Bound | None, code: str, effect: str
) -> None:
    broker = Broker(declared, binding=bound)
    assert ask(broker)["error"] == code
    assert kinds(broker) == [effect]
    assert broker.report().is_conclusive is (effect == "denied")  # what is undeclared is a fault


def test_call_without_an_answer_makes_the_run_inconclusive() -> None:
    broker = Broker(DECLARED, binding=Bound([None, Observation(result=1)]))
    assert ask(broker)["error"] == "not_recorded"
    ask(broker, call_id="2")
    report = broker.report()
    assert (report.is_conclusive, report.misses, report.hit_ratio) == (False, 1, 0.5)
    assert kinds(broker) == ["call", "unknown", "call"]


def test_calls_without_an_id_are_each_made() -> None:
    broker = Broker(DECLARED, binding=Bound([Observation(result=1), Observation(result=2)]))
    request = {"type": "call", "tool": "ping", "arguments": {}}
    assert [broker.handle(request) for _ in "12"] == [{"result": 1}, {"result": 2}]


def test_call_made_again_is_not_made_again() -> None:
    broker = Broker(DECLARED, binding=Bound([Observation(result=1)]))
    assert ask(broker) == ask(broker) == {"result": 1}
    assert ask(broker, other=1)["error"] == "conflict"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"type": "call"},
        {"type": "call", "tool": 1, "arguments": {}},
        {"type": "call", "tool": "ping", "arguments": []},
        {"type": ["call"]},
        {"type": "http"},
        {"type": "http", "url": 3},
        {"type": "http", "url": "https://a.test", "headers": []},
        {"type": "http", "url": "https://a.test", "headers": {"A": 1}},
        {"type": "http", "url": "https://a.test", "headers": {1: "A"}},
        {"type": "http", "url": "https://a.test", "method": ["GET"]},
        {"type": "http", "url": "https://a.test", "method": None},
        {"type": "http", "url": "https://a.test", "body": 1},
        {"type": "http", "url": "https://a.test", "body": "\ud800"},
        {"type": "http", "url": "https://a.test", "body_base64": "*"},
        {"type": "http", "url": "https://a.test", "body": "a", "body_base64": ""},
        {"type": "http", "url": "https://a.test", "verify": False},
        {"type": "model", "prompt": "hello"},
    ],
    ids=str,
)
def test_request_of_no_known_form_is_an_error_inside_and_reaches_nothing(
    request_: dict[str, Any],
) -> None:
    wire = Wire()
    answer = Broker(DECLARED, proxy=wire.proxy(), binding=Bound([])).handle(request_)
    assert (set(answer), wire.sent) == ({"error", "message"}, [])


def test_calls_and_requests_of_a_run_are_bounded() -> None:
    broker = Broker(DECLARED, binding=Bound([Observation()] * 2 * MAX_CALLS))
    codes = [ask(broker, call_id=str(n)).get("error") for n in range(MAX_CALLS + 1)]
    assert (codes[-2], codes[-1]) == (None, "limited")
    wire = Wire()
    broker = Broker(DECLARED, proxy=wire.proxy(requests=1))
    http = {"type": "http", "url": "https://a.test/"}
    assert [broker.handle(http).get("error") for _ in "12"] == [None, "limited"]
    wide = broker.handle({**http, "body": "x" * (1 << 21)})
    assert (wide["error"], len(wire.sent)) == ("limited", 1)


def test_fault_of_a_binding_tells_nothing_inside() -> None:
    broker = Broker(DECLARED, binding=Bound([ValueError(SECRET)]), proxy=Wire().proxy())
    assert ask(broker) == {"error": "broker_failed", "message": "the broker failed"}
    assert not broker.report().is_conclusive


@pytest.mark.parametrize("observation", [Observation(result=[SECRET]), Observation(error=SECRET)])
def test_credential_in_a_tools_answer_is_withheld(observation: Observation) -> None:
    broker = Broker(DECLARED, binding=Bound([observation]), proxy=Wire().proxy())
    assert ask(broker)["message"] == "the answer held a credential in pieces, so it is withheld"
    assert kinds(broker) == ["call", "incident"]


def test_report_says_what_was_told_what_may_have_changed_and_why_answers_are_missing() -> None:
    put = ToolSpec(name="put", description="", input={}, effect="write", idempotent=False)
    declared = Capabilities(tools={"ping": PING.digest, "put": put.digest}, hosts=["a.test"])
    answers = [Observation(result=1), Observation(error="not_found"), Observation(result=0), None]
    bound = Bound(answers, tools={"ping": PING, "put": put})
    wire = Wire()
    broker = Broker(declared, binding=bound, proxy=wire.proxy(declared))
    for number, tool in enumerate(["ping", "ping", "put", "ping"]):
        ask(broker, tool, call_id=str(number))
    for method in ("GET", "POST"):
        broker.handle({"type": "http", "method": method, "url": "https://a.test/"})
    report = broker.report()
    assert report.told[:3] == (
        f"ping {digest_json(1)}",
        "ping not_found",
        f"put {digest_json(0)}",
    )
    assert [each.split()[0] for each in report.told] == ["ping", "ping", "put", "http", "http"]
    assert (report.changes, report.misses) == (2, 1)
    assert report.reasons == ("the binding 'fake' does not know a call of ping",)


def test_request_that_a_recording_does_not_know_is_a_miss_and_no_outage() -> None:
    class Unknown(Wire):
        def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
            raise UnavailableError("no recorded reply", is_miss=True)

    broker = Broker(DECLARED, proxy=Unknown().proxy())
    broker.handle({"type": "http", "url": "https://a.test/"})
    report = broker.report()
    assert (report.misses, report.outages, report.is_conclusive) == (1, 0, False)


def test_a_crowd_of_answered_calls_hides_no_refusal() -> None:
    broker = Broker(DECLARED, binding=Bound([Observation()] * MAX_CALLS))
    for number in range(MAX_CALLS):
        ask(broker, call_id=str(number))
    broker.handle({"type": "http", "url": "https://evil.test/"})
    assert set(kinds(broker)) > {"call"}


def test_a_credential_that_a_tool_server_echoes_is_withheld_without_any_proxy() -> None:
    echoed = Observation(result={"more": f"key {SECRET}"})
    split = Observation(result=[SECRET[:13], "x"])
    broker = Broker(DECLARED, binding=Bound([echoed, split]), known=[SecretValue(SECRET)])
    for _ in range(2):
        answer = broker.handle({"type": "call", "tool": "ping", "arguments": {}})
        assert answer["error"] == "denied"
        assert SECRET[:13] not in str(answer)
    assert [effect.kind for effect in broker.report().effects].count("incident") == 2


def test_what_is_no_credential_of_the_server_goes_in() -> None:
    plain = Observation(result={"more": "key"})
    broker = Broker(DECLARED, binding=Bound([plain]), known=[SecretValue(SECRET)])
    assert broker.handle({"type": "call", "tool": "ping", "arguments": {}}) == {
        "result": {"more": "key"}
    }


@pytest.mark.parametrize("asked", ["mcp__box__ping", "box__ping", "box.ping", "ping"])
def test_clients_name_of_a_tool_is_answered_by_the_served_one(asked: str) -> None:
    bound = Bound([Observation(result=1)])
    broker = Broker(Capabilities(tools={asked: PING.digest}), binding=bound)
    assert ask(broker, asked) == {"result": 1}


def test_clients_name_leads_to_no_tool_of_another_contract() -> None:
    other = ToolSpec(name="ping", description="", input={}, effect="write", idempotent=True)
    bound = Bound([Observation(result=1)], tools={"ping": other})
    broker = Broker(Capabilities(tools={"mcp__box__ping": PING.digest}), binding=bound)
    answer = ask(broker, "mcp__box__ping")
    assert "not the declared one" in str(answer)
    undeclared = ask(broker, "ping", "2")
    assert "not declared" in str(undeclared)
    assert len(bound.answers) == 1
