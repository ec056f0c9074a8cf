"""What a broker reaches in tests: a binding that answers in order, a transport and vault that keep what they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import UnavailableError
from lignin.governance.broker import PLACEHOLDERS, Broker
from lignin.governance.laws.grants import parse_grants
from lignin.governance.proxy import CredentialProxy, HttpLimits, Outside
from lignin.ports.broker import Hop, Reply, SecretValue
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
