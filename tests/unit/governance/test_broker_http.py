"""The broker over a fake network: hosts, secrets, redirects and their bounds."""

import pytest

from lignin.domain.artifacts import Capabilities
from lignin.domain.errors import UnavailableError
from lignin.governance.broker import PLACEHOLDERS, Broker
from lignin.governance.proxy import CredentialProxy, Outside
from lignin.ports.broker import Hop, Reply
from unit.governance.outside import (
    DECLARED,
    GRANTED,
    GRANTS,
    SECRET,
    Wire,
    ask,
    fetch,
    kinds,
    moved,
)


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


def test_why_a_secret_is_missing_is_said_to_the_host_and_not_inside() -> None:
    broker = Broker(DECLARED, proxy=Wire(secret=None).proxy())
    answer = ask(broker, PLACEHOLDERS)
    assert answer == {"error": "unavailable", "message": "the secret s is not available"}
    assert broker.report().reasons == ("the secret s is not available: the variable S is not set",)
