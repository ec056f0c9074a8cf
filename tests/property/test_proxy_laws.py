"""Whatever the code asks and the servers answer, a credential goes to its one place and never in."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.proxy.oracle import holds
from lignin.domain.artifacts import Capabilities
from lignin.domain.errors import DeniedError
from lignin.governance.broker import PLACEHOLDERS, Broker
from lignin.governance.laws.addresses import why_refused
from lignin.governance.laws.grants import parse_grants
from lignin.governance.laws.urls import parse_url
from lignin.governance.proxy import CredentialProxy, Outside
from lignin.ports.broker import Hop, Reply, SecretValue

SECRET = "tok-9f3Kq7Zx1LmWb4/Yu8+Hs2Dv6"
DECLARED = Capabilities(hosts=["a.test", "b.test:8443", "http://c.test"], secrets=["s"])
GRANTS = parse_grants('[secrets.s]\nvariable = "S"\nhosts = ["a.test"]\npaths = ["/v1/"]\n')
GRANTED = ("Authorization", f"Bearer {SECRET}")

PIECES = [
    "https://",
    "http://",
    "HTTPS://",
    "//",
    "/",
    "a.test",
    "b.test",
    ":8443",
    ":443",
    "c.test",
]
PIECES += [
    "evil.test",
    "@",
    "#",
    "?",
    "\\",
    "v1",
    "/v1/",
    "..",
    "%2e",
    "%2f",
    ";",
    ".",
    "%25",
    "PH",
]
PIECES += ["127.0.0.1", "[::1]", ":", " ", "\r\n", "\t", "а.test", "％", "x=1", "&", "%00", "//v1/"]
urls = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=5).map(lambda p: "https://a.test/v1/" + "".join(p)),
)
good = st.sampled_from(["https://a.test/v1/x", "https://a.test/v1/y?z=1", "https://b.test:8443/"])
names = st.sampled_from(
    [
        "Authorization",
        "authorization",
        "X-A",
        "Cookie",
        "Host",
        "Range",
        "X-PH",
        "Transfer-Encoding",
    ]
)
values = st.sampled_from(
    ["Bearer PH", "PH", "Bearer PH ", "Bearer x", "bearer PH", "PHPH", "1\r\nX: PH", "chunked", ""]
)
bodies = st.sampled_from(["", "", "", "x", "token=PH"])


@dataclass
class Wire:
    """Answers each hop in turn, and shows every server what it could echo."""

    replies: list[Reply]
    addresses: tuple[str, ...]
    sent: list[Hop] = field(default_factory=list)

    def resolve(self, host: str, port: int, *, timeout_s: float) -> tuple[str, ...]:
        return self.addresses

    def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
        self.sent.append(hop)
        return self.replies.pop(0) if self.replies else Reply(status=200, headers=(), body=b"")

    def read(self, *, variable: str, file: str) -> SecretValue:
        return SecretValue(SECRET)


def _filled(text: str, word: str) -> str:
    return text.replace("PH", word).replace("SECRET", quote(SECRET))


locations = st.one_of(good, urls, st.just("https://b.test:8443/?t=SECRET"), st.just("/v1/next"))
moves = st.tuples(st.sampled_from([301, 302, 303, 307, 308]), locations)
echoes = st.sampled_from(
    [SECRET.encode(), SECRET.encode()[::-1], SECRET.encode().hex().encode(), quote(SECRET).encode()]
)


@settings(max_examples=500)
@given(
    url=st.one_of(good, good, urls),
    method=st.sampled_from(["GET", "GET", "GET", "POST", "DELETE", "TRACE"]),
    headers=st.one_of(
        st.just({"Authorization": "Bearer PH"}), st.dictionaries(names, values, max_size=3)
    ),
    body=bodies,
    chain=st.lists(moves, max_size=4),
    echo=echoes,
    address=st.sampled_from(["8.8.8.8", "1.1.1.1", "2606:4700::1", "10.0.0.1"]),
)
def test_credential_goes_to_its_one_place_and_never_in(
    url: str,
    method: str,
    headers: dict[str, str],
    body: str,
    chain: list[tuple[int, str]],
    echo: bytes,
    address: str,
) -> None:
    end = Reply(status=200, headers=(("X-Echo", echo.decode()),), body=b"<" + echo + b">")
    wire = Wire([], (address,))
    outside = Outside(
        transport=wire, vault=wire, monotonic=lambda: 0.0, entropy=lambda size: bytes(size)
    )
    broker = Broker(DECLARED, proxy=CredentialProxy(DECLARED, GRANTS, outside))
    asked = {"type": "call", "tool": PLACEHOLDERS, "arguments": {}}
    word = broker.handle(asked)["result"]["s"]
    wire.replies = [
        Reply(status=status, headers=(("Location", _filled(where, word)),), body=b"")
        for status, where in chain
    ] + [end]
    request: dict[str, Any] = {
        "type": "http",
        "url": _filled(url, word),
        "method": method,
        "headers": {_filled(name, word): _filled(value, word) for name, value in headers.items()},
        "body": _filled(body, word),
    }
    answer = broker.handle(request)
    for hop in wire.sent:
        assert why_refused(hop.address) == ""
        assert (hop.scheme, hop.host, hop.port) in {
            ("https", "a.test", 443),
            ("https", "b.test", 8443),
            ("http", "c.test", 80),
        }
        rest = [(name, value) for name, value in hop.headers if (name.title(), value) != GRANTED]
        if len(rest) != len(hop.headers):
            assert (hop.host, hop.method) == ("a.test", "GET")
            assert hop.target.startswith("/v1/") or hop.target.partition("?")[0] == "/v1"
        assert not holds(SECRET, repr((hop.target, rest, hop.body)).encode())
        assert word not in repr((hop.target, hop.headers, hop.body)).lower()
    assert not holds(SECRET, repr((answer, broker.report())).encode())


@settings(max_examples=500)
@given(urls)
def test_accepted_url_reads_the_same_to_another_parser(text: str) -> None:
    try:
        url = parse_url(text)
    except DeniedError:
        return
    other = urlsplit(text)
    assert (other.username, other.password) == (None, None)
    assert other.scheme == url.origin.scheme
    assert (other.hostname or "").removesuffix(".") == url.origin.host
    assert (other.port or {"https": 443, "http": 80}[other.scheme]) == url.origin.port
    assert (other.path or "/") == url.path
    assert ".." not in unquote(unquote(unquote(url.path))).split("/")
    assert parse_url(str(url)) == url
