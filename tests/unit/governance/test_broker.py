"""The broker over fakes: what is declared is answered, all else is denied and recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import UnavailableError
from lignin.governance.broker import MAX_CALLS, PLACEHOLDERS, Broker
from lignin.governance.brokered import BrokeredSandbox
from lignin.governance.laws.grants import parse_grants
from lignin.governance.proxy import CredentialProxy, HttpLimits, Outside
from lignin.ports.broker import BrokerReport, Hop, Reply, SecretValue
from lignin.ports.sandbox import Effect, Execution, Limits, Observed, PythonCall, RequestHandler
from lignin.ports.tools import Observation, ToolSpec

SECRET = "tok-9f3Kq7Zx1LmWb4"
PING = ToolSpec(name="ping", description="", input={}, effect="read", idempotent=True)
DECLARED = Capabilities(tools={"ping": PING.digest}, hosts=["a.test"], secrets=["s"])
GRANTS = parse_grants('[secrets.s]\nvariable = "S"\nhosts = ["a.test"]\npaths = ["/"]\n')


@dataclass
class Bound:
    """A binding and its tools in one; `answers` in order, None for what it does not know."""

    answers: list[Observation | Exception | None]
    tools: Mapping[str, ToolSpec] = field(default_factory=lambda: {"ping": PING})
    name: str = "fake"
    digest: str = digest_json("fake")
    begun: int = 0

    def begin(self) -> "Bound":
        self.begun += 1
        return self

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


FINE = Reply(status=200, headers=(), body=b"fine")


@dataclass
class Wire:
    """A transport and vault that keep what they are sent."""

    replies: list[Reply] = field(default_factory=list)
    secret: str | None = SECRET
    addresses: tuple[str, ...] = ("8.8.8.8",)
    sent: list[Hop] = field(default_factory=list)
    now: float = 0.0

    def resolve(self, host: str, port: int, *, timeout_s: float) -> tuple[str, ...]:
        return self.addresses

    def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
        self.sent.append(hop)
        return self.replies.pop(0) if self.replies else FINE

    def read(self, *, variable: str, file: str) -> SecretValue:
        if self.secret is None:
            raise UnavailableError("the variable S is not set")
        return SecretValue(self.secret)

    def tick(self) -> float:
        self.now += 0.1
        return self.now

    def proxy(self, declared: Capabilities = DECLARED, **limits: Any) -> CredentialProxy:
        outside = Outside(transport=self, vault=self, monotonic=self.tick, entropy=bytes)
        return CredentialProxy(declared, GRANTS, outside, HttpLimits(**limits))


def ask(broker: Broker, tool: str = "ping", call_id: str = "1", **arguments: Json) -> Any:
    return broker.handle({"type": "call", "tool": tool, "arguments": arguments, "call_id": call_id})


def kinds(broker: Broker) -> list[str]:
    return [effect.kind for effect in broker.report().effects]


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


def test_host_that_does_not_answer_makes_the_run_inconclusive() -> None:
    class Down(Wire):
        def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
            raise UnavailableError("a.test gave no reply")

    broker = Broker(DECLARED, proxy=Down().proxy())
    assert broker.handle({"type": "http", "url": "https://a.test/"})["error"] == "unavailable"
    assert (broker.report().is_conclusive, kinds(broker)) == (False, ["http", "unknown"])


@pytest.mark.parametrize(
    ("declared", "code"), [(DECLARED, "unavailable"), (Capabilities(), "denied")]
)
def test_request_without_a_proxy_is_the_codes_fault_only_where_it_declares_no_host(
    declared: Capabilities, code: str
) -> None:
    broker = Broker(declared)
    assert broker.handle({"type": "http", "url": "https://a.test/"})["error"] == code
    assert broker.report().is_conclusive is (code == "denied")


def test_fault_of_the_transport_tells_nothing_inside() -> None:
    class Broken(Wire):
        def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
            raise UnavailableError(f"cannot send {hop.headers} {SECRET}")

    broker = Broker(DECLARED, proxy=Broken().proxy())
    answer = broker.handle({"type": "http", "url": "https://a.test/"})
    assert answer == {"error": "unavailable", "message": "withheld"}
    assert broker.report().reasons == ("withheld: it held a credential",)


@pytest.mark.parametrize("observation", [Observation(result=[SECRET]), Observation(error=SECRET)])
def test_credential_in_a_tools_answer_is_withheld(observation: Observation) -> None:
    broker = Broker(DECLARED, binding=Bound([observation]), proxy=Wire().proxy())
    assert ask(broker)["message"] == "the answer held a credential in pieces, so it is withheld"
    assert kinds(broker) == ["call", "incident"]


@pytest.mark.parametrize(
    ("declared", "secret"),
    [(Capabilities(secrets=["t"]), SECRET), (DECLARED, None), (DECLARED, "short")],
    ids=["no grant", "not there", "too short"],
)
def test_secret_that_is_not_available_has_no_placeholder(
    declared: Capabilities, secret: str | None
) -> None:
    broker = Broker(declared, proxy=Wire(secret=secret).proxy(declared))
    assert ask(broker, PLACEHOLDERS)["error"] == "unavailable"


def test_undeclared_secret_has_no_placeholder_though_it_is_granted() -> None:
    declared = Capabilities(hosts=["a.test"])
    broker = Broker(declared, proxy=Wire().proxy(declared))
    assert ask(broker, PLACEHOLDERS) == {"result": {}}


def test_granted_host_that_is_not_declared_is_denied() -> None:
    declared = Capabilities(secrets=["s"], hosts=["b.test", "*", "*.test", "https://a.test/x"])
    wire = Wire()
    broker = Broker(declared, proxy=wire.proxy(declared))
    word = ask(broker, PLACEHOLDERS)["result"]["s"]
    headers = {"Authorization": f"Bearer {word}"}
    answer = broker.handle({"type": "http", "url": "https://a.test/", "headers": headers})
    assert (answer["error"], wire.sent) == ("denied", [])


def test_two_runs_have_placeholders_of_their_own() -> None:
    wire = Wire()
    entropy = iter([b"a" * 16, b"b" * 16])
    outside = Outside(
        transport=wire, vault=wire, monotonic=wire.tick, entropy=lambda _: next(entropy)
    )
    first, second = (
        Broker(DECLARED, proxy=CredentialProxy(DECLARED, GRANTS, outside)) for _ in "12"
    )
    stolen = ask(first, PLACEHOLDERS)["result"]["s"]
    headers = {"Authorization": f"Bearer {stolen}"}
    answer = second.handle({"type": "http", "url": "https://a.test/", "headers": headers})
    assert (answer["error"], kinds(second), wire.sent) == ("denied", ["incident"], [])


def test_every_address_of_a_name_must_be_public() -> None:
    wire = Wire(addresses=("8.8.8.8", "10.0.0.1"))
    answer = Broker(DECLARED, proxy=wire.proxy()).handle({"type": "http", "url": "https://a.test"})
    assert (answer["error"], wire.sent) == ("denied", [])


def test_request_goes_to_the_address_that_was_checked() -> None:
    wire = Wire()
    Broker(DECLARED, proxy=wire.proxy()).handle({"type": "http", "url": "https://a.test/x?y"})
    assert [(hop.host, hop.address, hop.target) for hop in wire.sent] == [
        ("a.test", "8.8.8.8", "/x?y")
    ]
    assert "Bearer" not in repr(wire.sent)


def moved(location: str, status: int = 302) -> Reply:
    return Reply(status=status, headers=(("Location", location),), body=b"")


def fetch(wire: Wire, headers: dict[str, str] | None = None, **request: Any) -> Any:
    declared = DECLARED.model_copy(update={"hosts": ["a.test", "b.test"]})
    grants = parse_grants('[secrets.s]\nvariable = "S"\nhosts = ["a.test"]\npaths = ["/v1"]\n')
    outside = Outside(transport=wire, vault=wire, monotonic=wire.tick, entropy=bytes)
    broker = Broker(declared, proxy=CredentialProxy(declared, grants, outside))
    word = ask(broker, PLACEHOLDERS)["result"]["s"]
    filled = {name: value.replace("{}", word) for name, value in (headers or {}).items()}
    return broker.handle(
        {"type": "http", "url": "https://a.test/v1/x", "headers": filled, **request}
    )


GRANTED = {"Authorization": "Bearer {}"}


def test_cookies_of_a_server_are_kept_back() -> None:
    headers = (("Set-Cookie", "session=made-of-ours"), ("X-Kept", "1"), ("X-Kept", "2"))
    answer = fetch(Wire(replies=[Reply(status=200, headers=headers, body=b"")]), GRANTED)
    assert answer["result"]["headers"] == {"x-kept": "1, 2"}


@pytest.mark.parametrize(
    ("location", "carries"),
    [("/v1/y", True), ("/v2/y", False), ("https://a.test:444/v1/y", None), ("/v1x", False)],
)
def test_redirect_carries_the_credential_only_where_the_grant_goes(
    location: str, carries: bool | None
) -> None:
    wire = Wire(replies=[moved(location)])
    answer = fetch(wire, GRANTED)
    if carries is None:
        assert (answer["error"], len(wire.sent)) == ("denied", 1)
        return
    assert answer["result"]["status"] == 200
    assert (("Authorization", f"Bearer {SECRET}") in wire.sent[1].headers) is carries
    assert len(wire.sent[1].headers) == 1 + carries


def test_headers_of_the_codes_own_that_are_credentials_stay_with_their_host() -> None:
    own = {"Authorization": "Basic bWU6bWU=", "Cookie": "a=b", "X-Kept": "1"}
    wire = Wire(replies=[moved("https://b.test/"), moved("https://a.test/v1/z")])
    fetch(wire, own)
    names = [[name for name, _ in hop.headers] for hop in wire.sent]
    assert names == [["Host", *own], ["Host", "X-Kept"], ["Host", "X-Kept"]]


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", ("GET", b"")),
        (302, "POST", ("GET", b"")),
        (303, "PUT", ("GET", b"")),
        (307, "POST", ("POST", b"x")),
        (308, "PUT", ("PUT", b"x")),
        (302, "PUT", ("PUT", b"x")),
    ],
)
def test_redirect_changes_the_method_as_servers_mean_it(
    status: int, method: str, then: tuple[str, bytes]
) -> None:
    wire = Wire(replies=[moved("/v1/y", status)])
    fetch(wire, method=method, body="x")
    assert (wire.sent[1].method, wire.sent[1].body) == then


def test_redirects_are_bounded() -> None:
    wire = Wire(replies=[moved("/v1/y")] * 9)
    assert (fetch(wire)["error"], len(wire.sent)) == ("denied", 6)


def test_time_is_bounded_over_all_hops() -> None:
    class Slow(Wire):
        def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
            self.now += 6
            return super().send(hop, timeout_s=timeout_s, max_bytes=max_bytes)

    wire = Slow(replies=[moved("/v1/y")] * 9)
    assert (fetch(wire)["error"], len(wire.sent)) == ("unavailable", 2)


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


def test_why_a_secret_is_missing_is_said_to_the_host_and_not_inside() -> None:
    broker = Broker(DECLARED, proxy=Wire(secret=None).proxy())
    answer = ask(broker, PLACEHOLDERS)
    assert answer == {"error": "unavailable", "message": "the secret s is not available"}
    assert broker.report().reasons == ("the secret s is not available: the variable S is not set",)


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
