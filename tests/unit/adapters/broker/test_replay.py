"""Recorded replies: found whole, never guessed, and nothing is sent."""

import pytest

from lignin.adapters.broker.replay import EMPTY, ReplayTransport
from lignin.domain.errors import UnavailableError
from lignin.governance.laws.addresses import why_refused
from lignin.ports.broker import Exchange, Hop


def exchange(url: str, reply: bytes, method: str = "GET", body: bytes = b"") -> Exchange:
    return Exchange(method=method, url=url, body=body, status=200, headers=(), reply=reply)


def hop(target: str, method: str = "GET", body: bytes = b"", port: int = 443) -> Hop:
    return Hop(
        scheme="https",
        host="a.test",
        port=port,
        address="8.8.8.8",
        method=method,
        target=target,
        headers=(),
        body=body,
    )


KNOWN = ReplayTransport(
    [
        exchange("https://a.test/x?q=1", b"one"),
        exchange("https://a.test:8443/x", b"port"),
        exchange("https://a.test/post", b"two", "POST", b"body"),
        exchange("https://a.test/twice", b"a"),
        exchange("https://a.test/twice", b"b"),
    ]
)


def test_recorded_request_gets_its_reply() -> None:
    assert KNOWN.send(hop("/x?q=1"), timeout_s=1, max_bytes=9).body == b"one"
    assert KNOWN.send(hop("/x", port=8443), timeout_s=1, max_bytes=9).body == b"port"
    assert KNOWN.send(hop("/post", "POST", b"body"), timeout_s=1, max_bytes=9).body == b"two"


@pytest.mark.parametrize(
    "asked",
    [hop("/x"), hop("/x?q=1", "HEAD"), hop("/post", "POST", b"other"), hop("/twice")],
    ids=["another query", "another method", "another body", "two replies"],
)
def test_request_that_is_not_recorded_has_no_reply(asked: Hop) -> None:
    with pytest.raises(UnavailableError):
        KNOWN.send(asked, timeout_s=1, max_bytes=9)


def test_a_sink_answers_whatever_is_not_recorded_and_what_is_as_it_was() -> None:
    sink = ReplayTransport([exchange("https://a.test/x", b"one")], otherwise=EMPTY)
    assert sink.send(hop("/x"), timeout_s=1, max_bytes=9).body == b"one"
    assert sink.send(hop("/y", "POST", b"z"), timeout_s=1, max_bytes=9) == EMPTY


def test_every_host_has_an_address_that_the_rules_let_pass() -> None:
    assert why_refused(KNOWN.resolve("a.test", 443, timeout_s=1)[0]) == ""
