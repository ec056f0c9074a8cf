"""The transport against servers that drip, flood, lie and break off: bounded, and pinned."""

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from e2e.proxy.servers import AUTHORITY, Reply, Seen, client_context, http
from e2e.proxy.world import LIMITS, World, opened_world
from lignin.adapters.broker.transport import HttpTransport, make_context
from lignin.domain.errors import UnavailableError
from lignin.ports.broker import Hop, Scheme


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened_world() as opened:
        yield opened


QUICK = replace(LIMITS, wall_s=0.8)
PATIENT = replace(LIMITS, wall_s=20.0)  # a loaded machine may be many times slower


def _drip(before: bytes) -> Reply:
    def reply(_: Seen) -> Iterator[bytes]:
        yield before
        for _number in range(600):
            time.sleep(0.05)
            yield b"x"

    return reply


def _flood(before: bytes, part: bytes) -> Reply:
    def reply(_: Seen) -> Iterator[bytes]:
        yield before
        for _number in range(2000):
            yield part

    return reply


SLOW_OR_LARGE: dict[str, tuple[Reply, str]] = {
    "status line that drips": (_drip(b"HTTP/1.1 200 "), "unavailable"),
    "header that drips": (_drip(b"HTTP/1.1 200 OK\r\nX-A: "), "unavailable"),
    "body that drips": (_drip(b"HTTP/1.1 200 OK\r\n\r\n"), "unavailable"),
    "body with a length that drips": (
        _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
        "unavailable",
    ),
    "chunks that drip": (
        _drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e7\r\n"),
        "unavailable",
    ),
    "body without end": (_flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096), "limited"),
    "body with a length beyond the bound": (lambda _: http(b"x" * (1 << 19)), "limited"),
    "gzip bomb": (
        lambda _: http(gzip.compress(bytes(64 << 20)), "Content-Encoding: gzip"),
        "limited",
    ),
    "headers without end": (_flood(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"), "unavailable"),
    "header without end": (_flood(b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * 4096), "unavailable"),
    "body that breaks off": (
        lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        "unavailable",
    ),
    "no reply": (lambda _: b"", "unavailable"),
    "length that is none": (
        lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\nTransfer-Encoding: x\r\n\r\n",
        "fine",
    ),
}


@pytest.mark.parametrize("name", SLOW_OR_LARGE)
def test_reply_is_bounded_in_time_and_size(world: World, name: str) -> None:
    reply, code = SLOW_OR_LARGE[name]
    world.clear({"api": reply}, {})
    started = time.monotonic()
    limits = QUICK if "drips" in name else PATIENT
    answer = world.broker(limits).handle({"type": "http", **world.legit()})
    assert answer.get("error", "fine") == code, answer
    assert time.monotonic() - started < limits.wall_s + 10.0


def _hop(world: World, server: str, **changes: object) -> Hop:
    fields: dict[str, object] = {
        "scheme": "https",
        "host": f"{server}.good.test",
        "port": world.servers[server].port,
        "address": "127.0.0.1",
        "method": "GET",
        "target": "/",
        "headers": (("Host", "x"),),
        "body": b"",
    }
    return Hop(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("context", "changes"),
    [
        (make_context, {}),
        (client_context, {"host": "elsewhere.test"}),
        (client_context, {"host": "sub.api.good.test"}),
        (client_context, {"server": "plain"}),
    ],
    ids=["unknown authority", "another host's", "a name below", "no TLS at all"],
)
def test_certificate_must_be_the_hosts(
    world: World, context: Callable[[], ssl.SSLContext], changes: dict[str, str]
) -> None:
    world.clear({}, {})
    hop = _hop(world, changes.get("server", "api"))
    hop = replace(hop, host=changes.get("host", hop.host))
    with pytest.raises(UnavailableError):
        HttpTransport(context=context()).send(hop, timeout_s=0.5, max_bytes=99)
    assert [seen for one in world.servers.values() for seen in one.seen if b"GET" in seen.raw] == []


def test_connection_is_pinned_whatever_the_name_resolves_to(world: World) -> None:
    world.clear({}, {})
    asked: list[str] = []

    def lookup(host: str, _: int) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.2",)

    transport = HttpTransport(context=client_context(), lookup=lookup)
    reply = transport.send(_hop(world, "api"), timeout_s=2, max_bytes=99)
    assert (reply.status, asked) == (200, [])


def test_no_setting_of_the_environment_is_followed(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.clear({}, {})
    log, authority = tmp_path / "keys", tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(authority))
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, world.at("plain", "", "http"))
    transport = HttpTransport(context=make_context())
    assert transport.send(_hop(world, "api"), timeout_s=2, max_bytes=99).status == 200
    assert not log.exists() and world.servers["plain"].seen == []
    ssl.create_default_context()  # the control: this one does write
    assert log.exists()


def test_resolver_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang(_: str, __: int) -> tuple[str, ...]:
        released.wait(60)
        return ("8.8.8.8",)

    started = time.monotonic()
    with pytest.raises(UnavailableError):
        HttpTransport(lookup=hang).resolve("a.test", 443, timeout_s=0.1)
    assert time.monotonic() - started < 30
    released.set()


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_closed_port_is_unavailable_and_a_silent_one_too(world: World, scheme: Scheme) -> None:
    transport = HttpTransport(context=client_context())
    with pytest.raises(UnavailableError):
        transport.send(_hop(world, "api", port=1, scheme=scheme), timeout_s=2, max_bytes=9)
    world.clear({name: _drip(b"") for name in world.servers}, {})
    server = "api" if scheme == "https" else "plain"
    with pytest.raises(UnavailableError, match="in time"):
        transport.send(_hop(world, server, scheme=scheme), timeout_s=0.3, max_bytes=9)
