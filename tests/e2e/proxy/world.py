"""A credential, its grant, the servers around it, and what counts as a breach."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.proxy.naive import NaiveProxy
from e2e.proxy.oracle import holds
from e2e.proxy.servers import Reply, Seen, Server, client_context, http, serving
from lignin.adapters.broker.transport import HttpTransport
from lignin.adapters.broker.vault import UserVault
from lignin.domain.artifacts import Capabilities
from lignin.governance.broker import PLACEHOLDERS, Broker
from lignin.governance.laws.addresses import why_refused
from lignin.governance.laws.grants import parse_grants
from lignin.governance.proxy import CredentialProxy, HttpLimits, Outside

SECRET = "gSx7/Qp+2mZv9=Lk4tR8bN1wYc6Hd3Ae5Uj0"
OPEN = "127.0.0.1"
"""The one address that these tests excuse; `inner` listens on another, which is refused."""
LIMITS = HttpLimits(reply_bytes=1 << 18)
_SERVERS = {"api": (OPEN, True), "other": (OPEN, True), "plain": (OPEN, False)}


@dataclass
class World:
    """Servers by name. `hosts` are declared; the secret is granted for GET below /v1 of api."""

    servers: dict[str, Server]
    answers: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    placeholder: str = ""

    def at(self, name: str, path: str = "/v1/items", scheme: str = "https") -> str:
        return f"{scheme}://{self.host(name)}{path}"

    def host(self, name: str) -> str:
        return f"{name}.good.test:{self.servers[name].port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self.host("api"), self.host("other"), self.host("inner"))

    def lookup(self, host: str, port: int) -> tuple[str, ...]:
        """Answer as the test says, the last answer for ever; else by the server's name."""
        self.looked_up.append(host)
        planned = self.answers.get(host)
        if planned:
            return planned.pop(0) if len(planned) > 1 else planned[0]
        is_inner = host.startswith("inner") or not host.endswith(".test")
        return ("127.0.0.2",) if is_inner else (OPEN,)

    def legit(self, **more: Any) -> dict[str, Any]:
        """The request that the secret was granted for."""
        headers = {"Authorization": f"Bearer {self.placeholder}"}
        return {"method": "GET", "url": self.at("api"), "headers": headers, **more}

    def broker(self, limits: HttpLimits = LIMITS, vault: UserVault | None = None) -> Broker:
        """A broker over the real transport; its placeholder is `placeholder`."""
        grants = parse_grants(
            f'[secrets.forge]\nvariable = "FORGE_TOKEN"\nhosts = ["{self.host("api")}"]\n'
            'paths = ["/v1/"]\n'
        )
        capabilities = Capabilities(hosts=list(self.hosts), secrets=["forge"])
        outside = Outside(
            transport=HttpTransport(context=client_context(), lookup=self.lookup),
            vault=vault or UserVault({"FORGE_TOKEN": SECRET}, Path("/nonexistent")),
            monotonic=time.monotonic,
            entropy=secrets.token_bytes,
            why_refused=lambda a: "" if a == OPEN else why_refused(a),
        )
        broker = Broker(capabilities, proxy=CredentialProxy(capabilities, grants, outside, limits))
        answer = broker.handle({"type": "call", "tool": PLACEHOLDERS, "arguments": {}})
        self.placeholder = answer["result"]["forge"]
        return broker

    def naive(self) -> NaiveProxy:
        self.placeholder = "lignin-secret-" + "0" * 32
        return NaiveProxy(self.hosts, {self.placeholder: SECRET}, self.lookup)

    def clear(
        self, replies: Mapping[str, Reply], answers: Mapping[str, list[tuple[str, ...]]]
    ) -> None:
        self.looked_up.clear()
        self.answers = {name: list(planned) for name, planned in answers.items()}
        for name, server in self.servers.items():
            server.seen.clear()
            server.reply = replies.get(name, lambda _: http())

    def breaches(self, visible: bytes, forbidden: Callable[[Seen], bool]) -> list[str]:
        """Return in words what went wrong: a credential inside or astray, a host reached."""
        found = ["inside"] if holds(SECRET, visible) else []
        for name, server in self.servers.items():
            for seen in server.seen:
                if name in {"inner", "plain"}:
                    found.append(f"reached {name}")
                if holds(SECRET, _without_granted(name, seen)):
                    found.append(f"astray at {name}")
                if forbidden(seen):
                    found.append(f"smuggled to {name}")
        return found


def _without_granted(name: str, seen: Seen) -> bytes:
    """The request without the one place where the credential belongs."""
    lines = seen.head.split("\r\n")
    if name == "api" and lines[0].startswith("GET /v1/"):
        granted = f"Authorization: Bearer {SECRET}"
        if lines.count(granted) == 1:
            lines.remove(granted)
    return "\n".join(lines).encode("latin-1") + seen.raw.partition(b"\r\n\r\n")[2]


def visible(answer: Mapping[str, Any]) -> bytes:
    """All that the code inside gets of an answer, as bytes."""
    return json.dumps(answer, ensure_ascii=False).encode()


@contextmanager
def opened_world() -> Iterator[World]:
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serving(address, tls=tls))
            for name, (address, tls) in {**_SERVERS, "inner": ("127.0.0.2", True)}.items()
        }
        yield World(servers)
