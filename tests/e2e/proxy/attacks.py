"""The attacks as data: what the code inside asks, what the servers answer, how names resolve."""

import base64
import gzip
import html
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from e2e.proxy.servers import Reply, Seen, http
from e2e.proxy.world import World

Ask = Callable[[World], Mapping[str, Any]]
Replies = Callable[[World], Mapping[str, Reply]]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack. `incident` says that it must be recorded as one; `forbidden` what no server may see."""

    name: str
    ask: Ask = lambda world: world.legit()
    replies: Replies = lambda world: {}
    answers: Callable[[World], Mapping[str, list[tuple[str, ...]]]] = lambda world: {}
    forbidden: Callable[[Seen], bool] = lambda seen: False
    incident: bool = False


def _echo(make: Callable[[bytes], bytes], *headers: str) -> Replies:
    return lambda _: {"api": lambda seen: http(make(seen.token), *headers)}


def _raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


def _two_members(data: bytes) -> bytes:
    return gzip.compress(b"nothing here") + gzip.compress(data)


def _each(form: str) -> Callable[[bytes], bytes]:
    return lambda token: "".join(form.format(byte) for byte in token).encode()


def _every_other(form: str) -> Callable[[bytes], bytes]:
    return lambda token: "".join(
        form.format(byte) if at % 2 else chr(byte) for at, byte in enumerate(token)
    ).encode()


def _fold(data: bytes, width: int, by: bytes) -> bytes:
    return by.join(data[at : at + width] for at in range(0, len(data), width))


_BODIES: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": lambda t: b"you sent " + t,
    "twice and in json": lambda t: json.dumps({t.decode(): [t.decode()] * 2}).encode(),
    "upper case": bytes.upper,
    "lower case": bytes.lower,
    "swapped case": bytes.swapcase,
    "backwards": lambda t: t[::-1],
    "base64": base64.b64encode,
    "base64 at offset 1": lambda t: base64.b64encode(b"x" + t),
    "base64 at offset 2": lambda t: base64.b64encode(b"xy" + t),
    "base64 of a basic header": lambda t: base64.b64encode(b"Authorization: Basic u:" + t + b"\n"),
    "base64 for urls": lambda t: base64.urlsafe_b64encode(b"ab" + t),
    "base64 in lines": lambda t: _fold(base64.b64encode(b"abc" * 19 + t), 76, b"\r\n"),
    "base64 in short lines": lambda t: _fold(base64.b64encode(t), 20, b"\r\n"),
    "hexadecimal": lambda t: t.hex().encode(),
    "hexadecimal, upper": lambda t: t.hex().upper().encode(),
    "hexadecimal with colons": lambda t: t.hex(":").encode(),
    "percent": lambda t: quote(t, safe="").encode(),
    "percent, every sign": _each("%{:02X}"),
    "percent, twice": lambda t: quote(quote(t, safe=""), safe="").encode(),
    "percent, every sign twice": _each("%25{:02x}"),
    "json escapes": _each("\\u{:04x}"),
    "json escaped slash": lambda t: t.replace(b"/", b"\\/"),
    "python escapes": _each("\\x{:02x}"),
    "html entities": _each("&#{};"),
    "html entities, hexadecimal": _each("&#x{:x};"),
    "html escape": lambda t: html.escape(t.decode()).encode(),
    "utf-16": lambda t: t.decode().encode("utf-16"),
    "utf-16, big end first": lambda t: t.decode().encode("utf-16-be"),
    "utf-32": lambda t: t.decode().encode("utf-32"),
    "html entities, every other sign": _every_other("&#{};"),
    "json escapes, every other sign": _every_other("\\u{:04x}"),
    "percent, every other sign": _every_other("%{:02x}"),
    "backwards in words of five": lambda t: _fold(t[::-1], 5, b", "),
    "list of signs": lambda t: json.dumps(list(t.decode())).encode(),
    "list of codes": lambda t: json.dumps(list(t)).encode(),
    "cut after 20": lambda t: t[:20] + b"...",
    "cut before 16": lambda t: b"***" + t[16:],
    "in two lines": lambda t: t[:18] + b"\n" + t[18:],
    "in words of four": lambda t: _fold(t, 4, b" "),
    "between quotes": lambda t: _fold(t, 9, b'" + "'),
    "between zeros": lambda t: b"\0" * 9 + _fold(t, 1, b"\0"),
    "after 100 kB": lambda t: b"x" * 100_000 + t,
    "beside no utf-8": lambda t: b"\xff\xfe\xfd" + t,
}
_CODED: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip, odd case": ("X-GZip", gzip.compress),
    "gzip of base64": ("gzip", lambda t: gzip.compress(base64.b64encode(t))),
    "gzip in two members": ("gzip", _two_members),
    "deflate": ("deflate", zlib.compress),
    "deflate without a head": ("deflate", _raw_deflate),
    "gzip said to be deflate": ("deflate", gzip.compress),
    "gzip twice": ("gzip, gzip", lambda t: gzip.compress(gzip.compress(t))),
    "a coding nobody knows": ("br", lambda t: t),
    "gzip with a tail": ("gzip", lambda t: gzip.compress(b"x") + t),
}
_HEADERS: Mapping[str, Callable[[bytes], str]] = {
    "a header": lambda t: f"X-Echo: {t.decode()}",
    "a header's name": lambda t: f"X-{t.decode().replace('/', '').replace('=', '')}: 1",
    "a header in base64": lambda t: f"X-Echo: {base64.b64encode(t).decode()}",
    "a header in two": lambda t: f"X-A: {t[:18].decode()}\r\nX-A: {t[18:].decode()}",
    "a folded header": lambda t: f"X-A: {t[:18].decode()}\r\n {t[18:].decode()}",
    "a cookie": lambda t: f"Set-Cookie: session={t.decode()}; HttpOnly",
    "a challenge": lambda t: f'WWW-Authenticate: Bearer error="{t.decode()}"',
    "a location without redirect": lambda t: f"Location: /v1/?token={quote(t.decode())}",
    "a link": lambda t: f"Link: </v1/?t={quote(t.decode(), safe='')}>; rel=next",
}
_WHOLE: Mapping[str, Callable[[bytes], bytes]] = {
    "the reason phrase": lambda t: http(status=f"200 {t.decode()}"),
    "an error reply": lambda t: http(b"bad token " + t, status="401 Unauthorized"),
    "a reply without length": lambda t: b"HTTP/1.1 200 OK\r\n\r\n" + t,
    "a reply of HTTP/1.0": lambda t: b"HTTP/1.0 200 OK\r\n\r\n" + t,
    "chunks": lambda t: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (t[:18], t[18:]))
        + b"0\r\n\r\n"
    ),
    "a trailer": lambda t: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-T: "
        + t
        + b"\r\n\r\n"
    ),
    "an early hint": lambda t: b"HTTP/1.1 103 Early\r\nX-A: " + t + b"\r\n\r\n" + http(),
    "a status line that is none": lambda t: b"HTTP/" + t + b" 200 OK\r\n\r\n",
    "no HTTP at all": lambda t: t + b"\r\n\r\n",
    "a second reply behind the first": lambda t: http(b"x") + http(t),
}


def _answering(make: Callable[[bytes], bytes]) -> Replies:
    return lambda _: {"api": lambda seen: make(seen.token)}


ECHOES = (
    *(Attack(name=f"echo, {name}", replies=_echo(make)) for name, make in _BODIES.items()),
    *(
        Attack(name=f"echo, {name}", replies=_echo(make, f"Content-Encoding: {coding}"))
        for name, (coding, make) in _CODED.items()
    ),
    *(
        Attack(
            name=f"echo in {name}",
            replies=lambda _, make=make: {"api": lambda seen: http(b"{}", make(seen.token))},
        )
        for name, make in _HEADERS.items()
    ),
    *(Attack(name=f"echo in {name}", replies=_answering(make)) for name, make in _WHOLE.items()),
)


def _leads(
    where: Callable[[World, Seen], str], status: int = 302, **replies: Reply
) -> Callable[[World], Mapping[str, Reply]]:
    def make(world: World) -> Mapping[str, Reply]:
        def reply(seen: Seen) -> bytes:
            if not seen.line[1].startswith("/v1/items"):
                return http(b"arrived " + seen.head.encode())
            return http(b"", f"Location: {where(world, seen)}", status=f"{status} Found")

        return {"api": reply, **replies}

    return make


REDIRECTS = (
    Attack(name="redirect to another declared host", replies=_leads(lambda w, _: w.at("other"))),
    Attack(
        name="permanent redirect to another host", replies=_leads(lambda w, _: w.at("other"), 308)
    ),
    Attack(
        name="redirect to plain http",
        replies=_leads(lambda w, _: w.at("plain", "/?api.good.test", "http")),
    ),
    Attack(
        name="redirect to the same name in plain http",
        replies=_leads(lambda w, _: w.at("plain", scheme="http").replace("plain", "api")),
        forbidden=lambda seen: "://" not in seen.head and f"{seen.header('host')}".endswith(":80"),
    ),
    Attack(name="redirect inward", replies=_leads(lambda w, _: w.at("inner"))),
    Attack(
        name="redirect to an address",
        replies=_leads(lambda w, _: f"https://127.0.0.2:{w.servers['inner'].port}/?api.good.test"),
    ),
    Attack(
        name="redirect without scheme",
        replies=_leads(lambda w, _: f"//{w.host('other')}/v1/items"),
    ),
    Attack(
        name="redirect with the credential in its query",
        replies=_leads(lambda w, seen: w.at("other", f"/?t={quote(seen.token)}")),
        incident=True,
    ),
    Attack(
        name="redirect with the credential in its path, in base64",
        replies=_leads(
            lambda w, s: w.at("other", f"/{base64.urlsafe_b64encode(s.token).decode()}")
        ),
        incident=True,
    ),
    Attack(
        name="redirect out of the granted path", replies=_leads(lambda w, _: w.at("api", "/admin"))
    ),
    Attack(
        name="redirect out of the granted path by dots",
        replies=_leads(lambda w, _: "/v1/%2e%2e/admin"),
        forbidden=lambda seen: "%2e" in seen.head,
    ),
    Attack(
        name="redirect with a user name",
        replies=_leads(lambda w, _: f"https://api.good.test@{w.host('other')}/v1/"),
        forbidden=lambda seen: seen.header("host").startswith("other"),
    ),
    Attack(
        name="redirect to and fro",
        replies=lambda w: {
            "api": lambda seen: http(b"", f"Location: {w.at('other')}", status="302 Found"),
            "other": lambda seen: http(
                b"", f"Location: {w.at('api', '/v1/end')}", status="302 Found"
            ),
        },
    ),
    Attack(
        name="redirect of a fragment",
        replies=_leads(lambda w, _: f"https://{w.host('other')}/#@{w.host('api')}/v1/"),
    ),
    Attack(
        name="redirect by a backslash",
        replies=_leads(lambda w, _: f"https://{w.host('other')}\\@{w.host('api')}/v1/"),
    ),
)


def _asking(**more: Any) -> Ask:
    """A legitimate request with `{p}` for the placeholder in some fields."""

    def ask(world: World) -> Mapping[str, Any]:
        filled = json.loads(
            json.dumps(more)
            .replace("{p}", world.placeholder)
            .replace("{api}", world.host("api"))
            .replace("{other}", world.host("other"))
            .replace("{inner}", world.host("inner"))
            .replace("{plain}", world.host("plain"))
        )
        return {"method": "GET", "url": world.at("api"), "headers": {}, **filled}

    return ask


_GRANTED = {"Authorization": "Bearer {p}"}
MISPLACED = tuple(
    Attack(name=f"placeholder {name}", ask=_asking(**more), incident=True)
    for name, more in {
        "in the query": {"url": "https://{api}/v1/?t={p}"},
        "in the path": {"url": "https://{api}/v1/{p}"},
        "in the body": {"method": "POST", "body": "token={p}"},
        "in another header": {"headers": {"X-Token": "{p}"}},
        "in the cookie": {"headers": {"Cookie": "t={p}"}},
        "in a header's name": {"headers": {"X-{p}": "1"}},
        "twice": {"headers": {"Authorization": "Bearer {p}", "X-Copy": "Bearer {p}"}},
        "with more beside it": {"headers": {"Authorization": "Bearer {p}, Bearer {p}"}},
        "without its form": {"headers": {"Authorization": "{p}"}},
        "for another host": {"url": "https://{other}/v1/items", "headers": _GRANTED},
        "for an undeclared host": {"url": "http://{plain}/?api.good.test", "headers": _GRANTED},
        "for another method": {"method": "DELETE", "headers": _GRANTED},
        "for another path": {"url": "https://{api}/admin", "headers": _GRANTED},
        "for a path that only begins alike": {"url": "https://{api}/v1x/", "headers": _GRANTED},
        "for a path with two slashes": {"url": "https://{api}//v1/", "headers": _GRANTED},
        "for the path in other case": {"url": "https://{api}/V1/items", "headers": _GRANTED},
        "for the path in escapes": {"url": "https://{api}/%761/items", "headers": _GRANTED},
    }.items()
)
ESCAPED = Attack(
    name="placeholder in the query, escaped",
    ask=lambda w: {"url": w.at("api", "/v1/?t=") + w.placeholder.replace("l", "%6c", 1)},
    incident=True,
)

_CLIMBS = ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/%252e%252e/admin", "/v1/..%2fadmin"]
_CLIMBS += ["/v1/..;/admin", "/v1/..;x=1/admin", "/v1/%2e./admin", "/v1\\..\\admin"]
_CLIMBS += ["/v1/..%5cadmin", "/v1/%00/admin", "/v1/./admin", "/v1/%c0%ae%c0%ae/admin"]


def _spelling(seen: Seen) -> bool:
    """A request for a path that a server could take for another one, with the credential."""
    return "admin" in seen.line[1] and bool(seen.token)


CLIMBS = tuple(
    Attack(
        name=f"path {path}",
        ask=_asking(url="https://{api}" + path, headers=_GRANTED),
        forbidden=_spelling,
    )
    for path in _CLIMBS
)

_NOT_API = {
    "a user name": "https://{api}@{other}/v1/",
    "a user name and a password": "https://api.good.test:x@{other}/v1/",
    "a fragment": "https://{other}#@{api}/v1/",
    "a backslash": "https://{other}\\@{api}/v1/",
    "a query": "https://{other}?@{api}/v1/",
    "a line feed": "https://{other}/\n@{api}/v1/",
    "a tab": "ht\ttps://{other}/?{api}/v1/",
    "an address": "https://127.0.0.2:{iport}/v1/?api.good.test",
    "an address as a number": "https://2130706434:{iport}/v1/?api.good.test",
    "an address in hexadecimal": "https://0x7f000002:{iport}/v1/?api.good.test",
    "an address in octal": "https://0177.0.0.2:{iport}/v1/?api.good.test",
    "a short address": "https://127.2:{iport}/v1/?api.good.test",
    "plain http": "http://{plain}/v1/?api.good.test",
    "an undeclared port": "http://api.good.test:{pport}/v1/",
    "letters that look alike": "https://\u0430pi.good.test:{oport}/v1/?api.good.test",
    "wide dots": "https://other\u3002good\u3002test:{oport}/v1/?api.good.test",
    "wide letters": "https://\uff4fther.good.test:{oport}/v1/?api.good.test",
    "a soft hyphen": "https://ot\u00adher.good.test:{oport}/v1/?api.good.test",
    "a name below the declared one": "https://api.good.test.other.good.test:{oport}/v1/",
    "a private name": "https://{inner}/v1/",
}


def _elsewhere(url: str) -> Ask:
    def ask(world: World) -> Mapping[str, Any]:
        for name, server in world.servers.items():
            url_now = asked["url"].replace("{" + name[0] + "port}", str(server.port))
            asked["url"] = url_now.replace("{" + name + "}", world.host(name))
        return {**asked, "headers": {"Authorization": f"Bearer {world.placeholder}"}}

    asked: dict[str, Any] = {"method": "GET", "url": url}
    return ask


HOSTS = tuple(
    Attack(name=f"host hidden by {name}", ask=_elsewhere(url)) for name, url in _NOT_API.items()
)

_PRIVATE = "127.0.0.2"
RESOLVED = (
    Attack(
        name="a name that resolves inward",
        ask=lambda w: w.legit(url=f"https://api.good.test:{w.servers['inner'].port}/v1/"),
        answers=lambda w: {"api.good.test": [(_PRIVATE,)]},
    ),
    Attack(
        name="rebinding between check and connection",
        ask=lambda w: {"method": "GET", "url": w.at("inner")},
        answers=lambda w: {"inner.good.test": [("127.0.0.1",), (_PRIVATE,)]},
    ),
    Attack(
        name="rebinding between two hops",
        replies=_leads(lambda w, _: w.at("inner")),
        answers=lambda w: {"inner.good.test": [(_PRIVATE,)]},
    ),
    Attack(
        name="a good address beside a private one",
        ask=lambda w: {"method": "GET", "url": w.at("inner")},
        answers=lambda w: {"inner.good.test": [(_PRIVATE, "127.0.0.1")]},
    ),
    Attack(
        name="a private address written as v6",
        ask=lambda w: {"method": "GET", "url": w.at("inner")},
        answers=lambda w: {"inner.good.test": [(f"::ffff:{_PRIVATE}",)]},
    ),
)


def _says(*words: str) -> Callable[[Seen], bool]:
    return lambda seen: any(word in seen.raw.decode("latin-1").lower() for word in words)


HEADERS = tuple(
    Attack(name=f"header, {name}", ask=_asking(**more), forbidden=_says(*words))
    for name, (more, words) in {
        "line break in a value": (
            {"headers": {**_GRANTED, "X-A": "1\r\nX-Smuggled: 1"}},
            ["\r\nx-smuggled"],
        ),
        "line feed in a value": ({"headers": {"X-A": "1\nX-Smuggled: 1"}}, ["\nx-smuggled"]),
        "folded value": ({"headers": {"X-A": "1\r\n X-Smuggled: 1"}}, ["x-smuggled"]),
        "line break in a name": ({"headers": {"X-A: 1\r\nX-Smuggled": "1"}}, ["\r\nx-smuggled"]),
        "colon in a name": ({"headers": {"Host: evil\r\nX": "1"}}, ["host: evil"]),
        "line break in the method": (
            {"method": "GET / HTTP/1.1\r\nX-Smuggled: 1\r\nX:"},
            ["\r\nx-smuggled"],
        ),
        "line break in the url": (
            {"url": "https://{api}/v1/ HTTP/1.1\r\nX-Smuggled: 1\r\nX:"},
            ["\r\nx-smuggled"],
        ),
        "transfer-encoding": (
            {"headers": {"Transfer-Encoding": "chunked"}, "body": "0\r\n\r\nGET /admin HTTP/1.1"},
            ["transfer-encoding"],
        ),
        "transfer-encoding with a blank": (
            {"headers": {"Transfer-Encoding ": "chunked"}},
            ["transfer-encoding"],
        ),
        "transfer_encoding": ({"headers": {"Transfer_Encoding": "chunked"}}, ["transfer_encoding"]),
        "content-length": (
            {"headers": {"Content-Length": "3"}, "body": "abcGET /admin HTTP/1.1"},
            ["content-length: 3\r"],
        ),
        "host": ({"headers": {"Host": "evil.test"}}, ["host: evil"]),
        "connection names the credential": (
            {"headers": {**_GRANTED, "Connection": "Authorization"}},
            ["connection: authorization"],
        ),
        "upgrade": ({"headers": {"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"}}, ["h2c"]),
        "expect": ({"headers": {"Expect": "100-continue"}}, ["expect:"]),
        "trailer": ({"headers": {"Trailer": "X-T", "TE": "trailers"}}, ["trailer"]),
        "method override": (
            {"headers": {**_GRANTED, "X-HTTP-Method-Override": "DELETE"}},
            ["override"],
        ),
        "method_override": ({"headers": {"X_HTTP_Method_Override": "DELETE"}}, ["override"]),
        "path override": ({"headers": {**_GRANTED, "X-Original-URL": "/admin"}}, ["/admin"]),
        "path rewrite": ({"headers": {**_GRANTED, "X-Rewrite-Url": "/admin"}}, ["/admin"]),
        "forwarded host": ({"headers": {"X-Forwarded-Host": "evil.test"}}, ["evil"]),
        "forwarded": ({"headers": {"Forwarded": "host=evil.test"}}, ["evil"]),
        "proxy authorization": ({"headers": {"Proxy-Authorization": "x"}}, ["proxy-"]),
        "credential in pieces by range": (
            {"headers": {**_GRANTED, "Range": "bytes=0-5"}},
            ["range:"],
        ),
        "the same header twice": (
            {"headers": {**_GRANTED, "authorization": "Bearer mine"}},
            ["bearer mine"],
        ),
        "coding chosen by the code": ({"headers": {"Accept-Encoding": "br"}}, ["encoding: br"]),
        "CONNECT": ({"method": "CONNECT"}, ["connect "]),
        "TRACE": ({"method": "TRACE", "headers": _GRANTED}, ["trace "]),
        "method in lower case": ({"method": "trace"}, ["trace "]),
    }.items()
)

ATTACKS = (*ECHOES, *REDIRECTS, *MISPLACED, ESCAPED, *CLIMBS, *HOSTS, *RESOLVED, *HEADERS)
