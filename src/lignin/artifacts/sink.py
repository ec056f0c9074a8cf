"""Where the requests of a detonated artifact end: a host that is not there, behind the broker.

Answers HTTP for declared hosts as if there were one, denies every other, and keeps what was sent.
Nothing leaves. Tool calls are handed on to the binding, their arguments kept. Owns no judgement.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Json
from lignin.ports.sandbox import Effect, RequestHandler

MAX_REQUESTS = 200
PLACEHOLDERS = "lignin.placeholders"
_DENIED: Mapping[str, Json] = {"error": "Denied", "message": "no tool is bound to this run"}


class Sink:
    """The exit of one run. `requests` are those made, as they came.

    Args:
        capabilities: What the artifact declares.
        binding: Answers its tool calls.
    """

    def __init__(self, capabilities: Capabilities, binding: RequestHandler | None) -> None:
        self._capabilities = capabilities
        self._binding = binding
        self.requests: list[Mapping[str, Json]] = []
        self.effects: list[Effect] = []

    def handle(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Answer one request as the broker's port says."""
        if len(self.requests) == MAX_REQUESTS:
            return {"error": "Limited", "message": f"a run makes at most {MAX_REQUESTS} requests"}
        if request.get("tool") == PLACEHOLDERS:
            return {"result": {name: _placeholder(name) for name in self._capabilities.secrets}}
        self.requests.append(request)
        if request.get("type") == "http":
            return self._http(request)
        return self._binding(request) if self._binding is not None else _DENIED

    def _http(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        url = str(request.get("url", ""))
        if is_declared(self._capabilities, url):
            self.effects.append(Effect(kind="http", target=url[:300]))
            headers = {"content-type": "application/json"}
            return {"result": {"url": url, "status": 200, "headers": headers, "body": "{}"}}
        self.effects.append(Effect(kind="connect", target=url[:300]))
        return {"error": "Denied", "message": f"the host of {url:.120} is not declared"}


def is_declared(capabilities: Capabilities, url: str) -> bool:
    """True where a URL's scheme, host and port are those of a declared host."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        origins = {f"{host}:{port or 443}"} | ({host} if port in {None, 443} else set())
    elif parts.scheme == "http":
        origins = {f"http://{host}:{port or 80}"} | ({f"http://{host}"} if port is None else set())
    else:
        return False
    return bool(host) and not origins.isdisjoint(name.lower() for name in capabilities.hosts)


def _placeholder(name: str) -> str:
    return f"lignin-{hashlib.sha256(name.encode()).hexdigest()[:40]}"
