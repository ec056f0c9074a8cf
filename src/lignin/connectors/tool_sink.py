"""A tool server as a sink: a call of a tool is sent like any other posting, noted before and after.

Whoever asks names the tool; the broker holds to the pinned contract, and no answer that holds a credential
comes back. A call that changes nothing, or that the tool says may be repeated, is; any other is unknown
after a crash, since a server keeps no keys of ours.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, NotFoundError, UnavailableError
from lignin.domain.messages import Posting
from lignin.ports.connector import Certainty, Delivered
from lignin.ports.tools import ToolSpec

Handle = Callable[[Mapping[str, Json]], Mapping[str, Json]]
_SURELY_NOT = frozenset({"bad_arguments", "denied", "invalid_request", "limited"})


class ToolSink:
    """See `lignin.ports.connector.Sink`.

    Args:
        tools: The contracts of the tools that may be called.
        handle: The broker of this one exchange.
    """

    def __init__(self, tools: Mapping[str, ToolSpec], handle: Handle) -> None:
        self._tools = tools
        self._handle = handle

    def certainty(self, posting: Posting) -> Certainty:
        """What its contract says."""
        spec = self._spec(posting)
        return "repeatable" if spec.idempotent or spec.effect == "read" else "none"

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:  # noqa: ARG002 -- of the port
        """Nobody can look."""
        raise UnavailableError("a tool server does not say what it was asked before")

    def send(self, posting: Posting, key: str) -> Delivered:
        """Call the tool. What it refuses is an answer too, where it says so by its contract."""
        self._spec(posting)
        answer = self._handle(
            {
                "type": "call",
                "tool": posting.tool,
                "arguments": dict(posting.arguments),
                "call_id": key,
            }
        )
        error = answer.get("error")
        if error is None:
            return Delivered(reference=posting.tool, answer=answer.get("result"))
        message = str(answer.get("message"))
        if error == "tool_error":  # it may have come halfway; the words are its own
            return Delivered(reference=posting.tool, answer={"error": error, "message": message})
        if error in _SURELY_NOT:
            raise InvalidRequestError(f"{posting.tool}: {message}")
        raise UnavailableError(f"{posting.tool}: {message}", is_uncertain=True)

    def _spec(self, posting: Posting) -> ToolSpec:
        if posting.kind != "call":
            raise InvalidRequestError("a tool server is called: name the tool", hint="--tool NAME")
        if posting.tool not in self._tools:
            raise NotFoundError(
                f"there is no tool {posting.tool!r:.80}", hint="`lignin tool list SERVER`"
            )
        return self._tools[posting.tool]
