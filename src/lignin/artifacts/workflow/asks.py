"""What workflow code asks of the outside, read from a frame of the sandbox. Pure; trusts nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.workflows import MAX_NAME_CHARS, MAX_VALUE_BYTES, MAX_WAIT_S

TOOL: Final = "lignin.workflow"
"""By this name the code's own requests are told from calls of tools; no manifest can declare it."""
Op = Literal["begin", "tool", "function", "sleep", "wait", "call", "agent", "get", "swap"]
OPS: Final[frozenset[str]] = frozenset(get_args(Op)) - {"begin"}
SHOWN_BYTES: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing that the code asks for.

    Args:
        name: What the step is called in histories.
        target: The tool, function (`file.py:name`), artifact, agent, topic or state.
        given: What goes with it.
    """

    op: Op
    name: str
    target: str
    given: Json

    @property
    def digest(self) -> Digest:
        """Digest of all of it; a replay must ask for the very same."""
        return digest_bytes(canonical_bytes([self.op, self.name, self.target, self.given]))

    def to_json(self) -> dict[str, Json]:
        """The ask as it is recorded: what was given is left out where it is long."""
        body: dict[str, Json] = {
            "op": self.op, "name": self.name, "target": self.target, "digest": self.digest,
        }  # fmt: skip
        if len(canonical_bytes(self.given)) <= SHOWN_BYTES:
            body["given"] = self.given
        return body

    def __str__(self) -> str:
        return told({"op": self.op, "name": self.name, "target": self.target})


def told(ask: Mapping[str, Json]) -> str:
    """Say in words what was asked for."""
    op, name, target = ask["op"], ask["name"], ask["target"]
    return f"{op} {name!r}" if name == target else f"{op} {name!r} ({target})"


def parse_ask(asked: Json) -> Ask:
    """Read one request of the code.

    Raises:
        InvalidRequestError: It is none.
        LimitedError: What goes with it is larger than `MAX_VALUE_BYTES`.
    """
    if not isinstance(asked, Mapping) or asked.get("op") not in OPS:
        raise InvalidRequestError("a workflow asks by step, sleep, call, agent, wait and state")
    op, name, target = asked["op"], _text(asked.get("name")), _text(asked.get("target"))
    given = asked.get("given")
    size = len(canonical_bytes(given))
    if size > MAX_VALUE_BYTES:
        raise LimitedError(
            f"the step {name!r} is given {size} bytes; at most {MAX_VALUE_BYTES} are taken"
        )
    if op in {"sleep", "wait"}:
        _require_span(given)
    elif op in {"tool", "function", "call"} and not isinstance(given, Mapping):
        raise InvalidRequestError(f"the step {name!r} takes arguments by name")
    return Ask(op=op, name=name, target=target, given=given)


def _text(text: Json) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= MAX_NAME_CHARS:
        raise InvalidRequestError(
            f"a step has a name of 1 to {MAX_NAME_CHARS} characters, not {text!r:.60}"
        )
    return text


def _require_span(seconds: Json) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidRequestError(f"{seconds!r:.60} is no number of seconds")
    if not 0 <= seconds <= MAX_WAIT_S:
        raise InvalidRequestError(f"{seconds} seconds: a wait is 0 to {MAX_WAIT_S:.0f} of them")
