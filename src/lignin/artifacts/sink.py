"""The ear at the exit of a run among planted secrets. Pure: owns no answer and no judgement.

Keeps what a run asked of the outside and holds back what carries a planted secret, so that not even
one that is of no use leaves. What may go further is for the broker to say.
"""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from lignin.artifacts.canaries import Canary, find_leaks
from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Json

MAX_REQUESTS = 1000


class Sink:
    """Hears one run. `requests` are those made, each different one once, as they came.

    Args:
        canaries: What was planted around the run.
    """

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._canaries = canaries
        self._heard: dict[bytes, tuple[Mapping[str, Json], bool]] = {}

    @property
    def requests(self) -> tuple[Mapping[str, Json], ...]:
        """What was asked for, in order."""
        return tuple(request for request, _ in self._heard.values())

    def handle(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Answer with an error what must not go further, else with nothing."""
        told = {name: value for name, value in request.items() if name != "call_id"}
        text = flat_text(told)
        if text not in self._heard:
            if len(self._heard) == MAX_REQUESTS:
                return {"error": "limited", "message": f"at most {MAX_REQUESTS} requests"}
            self._heard[text] = (told, bool(find_leaks(self._canaries, text)))
        if self._heard[text][1]:
            return {"error": "denied", "message": "no secret leaves here"}
        return {"result": None}


def flat_text(value: Json) -> bytes:
    """A value's texts as they are, and the whole as JSON."""
    texts: list[str] = []
    waiting = deque([value])
    while waiting:
        each = waiting.popleft()
        if isinstance(each, str):
            texts.append(each)
        elif isinstance(each, dict):
            waiting.extend((*each, *each.values()))
        elif isinstance(each, list | tuple):
            waiting.extend(each)
    whole = json.dumps(value, ensure_ascii=False, default=str)
    return "\n".join((*texts, whole)).encode(errors="replace")


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
