"""The host's side of one run: bounded reading of what comes out, answers to what is asked.

Owns the frames of the guest's channel, the output bounds and the conversation with the broker.
Knows nothing about walls; both tiers use it. Nothing that arrives here is trusted: sizes are
checked before anything is kept, and a frame that makes no sense ends the channel, not the host.
"""

import os
import secrets
import select
import struct
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import LigninError
from lignin.ports.sandbox import OVERFLOW, Effect, RequestHandler

MAX_FRAME = 8 * 2**20
MAX_EFFECTS = 1100  # of one kind: more than an honest guest tells
MAX_KINDS = 40
REQUESTS = frozenset({"call", "model", "http"})
_CHUNK = 1 << 16
_ANSWER_TIMEOUT_S = 10.0
_DENIED: Mapping[str, Json] = {"error": "Denied", "message": "no tool is bound to this run"}
_FAILED: Mapping[str, Json] = {"error": "broker_failed", "message": "the broker failed"}
_ANSWER_FIELDS = ("result", "error", "message")


def new_key() -> str:
    """The secret of one run, by which the guest's own frames are known."""
    return secrets.token_hex(16)


def frame(value: Json) -> bytes:
    """One frame: four bytes of length, big-endian, then JSON."""
    import json

    raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return struct.pack(">I", len(raw)) + raw


class Channel(Protocol):
    """What a guest is heard and answered through: a socket, or letters that are carried."""

    def recv(self, size: int, /) -> bytes:
        """What has arrived; empty where nothing more will."""
        ...

    def sendall(self, raw: bytes, /) -> None:
        """Answer."""
        ...

    def settimeout(self, seconds: float | None, /) -> None:
        """Bound how long an answer may take to be taken."""
        ...


class Guest:
    """What one run says over its channel, and the answers it gets.

    `result` is the one result frame. `broken` says why the channel was given up, if it was: it
    takes the result with it. What the guest itself says carries `key`, drawn anew for each run and
    read by the guest before any other code runs; a frame without it is forged.
    """

    def __init__(self, channel: Channel, broker: RequestHandler | None, key: str) -> None:
        self.channel = channel
        self._key = key
        self.result: Mapping[str, Json] | None = None
        self.effects: dict[Effect, None] = {}
        self._counts: Counter[str] = Counter()
        self.broken = ""
        self._broker = broker
        self._buffer = bytearray()
        self._kinds: Mapping[str, Callable[[Mapping[str, Json]], None]] = {
            "result": self._take_result,
            "effects": self._take_effects,
        }

    def receive(self) -> bool:
        """Take what has arrived; False once the other side is done or the channel is broken."""
        try:
            part = self.channel.recv(_CHUNK)
        except OSError:
            part = b""
        if not part or self.broken:
            return False
        self._buffer += part
        while len(self._buffer) >= 4 and not self.broken:
            size = struct.unpack_from(">I", self._buffer)[0]
            if size > MAX_FRAME:
                self.broken = f"a frame of {size} bytes; at most {MAX_FRAME} are read"
            elif len(self._buffer) < 4 + size:
                return True
            else:
                raw = bytes(self._buffer[4 : 4 + size])
                del self._buffer[: 4 + size]
                self._take(raw)
        return not self.broken

    def _take(self, raw: bytes) -> None:
        try:
            message = parse_json(raw)
            if b"\\u" in raw:
                message = _well_formed(message)
            kind = message["type"]
            if kind in REQUESTS:
                self._answer(message)
            elif not secrets.compare_digest(str(message.get("key", "")), self._key):
                self.broken = f"a frame of type {kind!r} without the key of the run: forged"[:300]
            else:
                self._kinds[kind](message)
        except (LigninError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            self.broken = f"a frame that makes no sense: {type(error).__name__}: {error}"[:300]

    def _take_result(self, message: Mapping[str, Json]) -> None:
        if self.result is not None:
            self.broken = "a second result: the code forged one"
        self.result = {**message}

    def _take_effects(self, message: Mapping[str, Json]) -> None:
        for kind, target in message["effects"]:
            self._keep(Effect(kind=str(kind)[:40], target=str(target)[:400]))

    def _keep(self, effect: Effect) -> None:
        """Keep an effect, or that there were more of its kind: none crowds out another."""
        if effect in self.effects:
            return
        if effect.kind not in self._counts and len(self._counts) == MAX_KINDS:
            effect = Effect(kind=OVERFLOW, target="kinds")
        elif self._counts[effect.kind] == MAX_EFFECTS:
            effect = Effect(kind=OVERFLOW, target=effect.kind)
        else:
            self._counts[effect.kind] += 1
        self.effects.setdefault(effect)

    def _answer(self, message: Mapping[str, Json]) -> None:
        answer = _DENIED if self._broker is None else self._asked(self._broker, message)
        try:
            raw = frame({**answer, "call_id": message.get("call_id")})
        except (TypeError, ValueError, RecursionError):  # the broker's fault is not the guest's
            raw = frame({**_FAILED, "call_id": message.get("call_id")})
        if len(raw) - 4 > MAX_FRAME:
            raw = frame({"error": "AnswerTooLarge", "message": f"{len(raw)} bytes"})
        self.channel.settimeout(_ANSWER_TIMEOUT_S)
        self.channel.sendall(raw)

    def _asked(self, broker: RequestHandler, message: Mapping[str, Json]) -> Mapping[str, Json]:
        """What the broker answers, of its declared fields only.

        What it raises is told as a kind and in words of this file: an exception's own text may
        quote paths, addresses or credentials of the host.
        """
        try:
            answer = broker(message)
            return {name: answer[name] for name in _ANSWER_FIELDS if name in answer}
        except LigninError as error:
            return {"error": error.code, "message": "the broker refused this request"}
        except Exception:  # the broker's fault must not pass for the sandbox's
            return _FAILED


def _well_formed(value: Json) -> Json:
    """The value with every lone surrogate replaced by U+FFFD, which nothing later would store."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return value


class Output:
    """One of stdout and stderr, kept up to a bound."""

    def __init__(self, descriptor: int, bound: int) -> None:
        self.descriptor = descriptor
        self.bound = bound
        self.exceeded = False
        self._parts: list[bytes] = []
        self._size = 0

    def receive(self) -> bool:
        """Take what has arrived; False at the end."""
        part = os.read(self.descriptor, _CHUNK)
        if self._size + len(part) > self.bound:
            self.exceeded = True
            part = part[: self.bound - self._size]
            self._keep(part)
            return False
        self._keep(part)
        return bool(part)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        self._parts.append(part)

    @property
    def content(self) -> bytes:
        """What was written, cut at the bound."""
        return b"".join(self._parts)


Source = Callable[[], bool]


class Pump:
    """Reads several sources until each has ended.

    Args:
        sources: Descriptor to a function that takes what has arrived and says whether more may.
        on_tick: Called at least every `tick_s`; the pump stops where it returns False.
    """

    def __init__(
        self, sources: Mapping[int, Source], on_tick: Callable[[], bool], tick_s: float
    ) -> None:
        self._sources = dict(sources)
        self._on_tick = on_tick
        self._tick_s = tick_s
        self._poll = select.poll()
        for descriptor in self._sources:
            self._poll.register(descriptor, select.POLLIN)

    def run(self) -> None:
        """Read until every source has ended or `on_tick` says stop."""
        next_tick = time.monotonic() + self._tick_s
        while self._sources:
            for descriptor, _ in self._poll.poll(self._tick_s * 1000):
                if not self._sources[descriptor]():
                    self._poll.unregister(descriptor)
                    del self._sources[descriptor]
            if time.monotonic() >= next_tick or not self._sources:
                next_tick = time.monotonic() + self._tick_s
                if not self._on_tick():
                    return


def outcome(guest: Guest) -> dict[str, Any]:
    """The fields of an `Observed` that come from the guest."""
    said = guest.result or {}
    error, message = said.get("error"), said.get("message", "")
    if guest.broken:
        said = {}
        error, message = "BrokenChannel", guest.broken
    return {
        "returned": said.get("returned") is True,
        "result": said.get("result") if said.get("returned") is True else None,
        "error": None if error is None else str(error)[:200],
        "message": str(message)[:4000],
        "effects": tuple(guest.effects),
    }
