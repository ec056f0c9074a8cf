"""A language model behind an interface: messages and tools in, text or JSON out.

Five ends are kept apart: it answered; it would not (a refusal is no error and no answer); it is asked too
often or its account is empty; it, or the way to it, does not hold at the moment; it failed for good (a key
that is not taken, a broken or cut answer). Whoever asks decides what to do then: nothing is asked again here.
Conformance: `lignin.testing.conformance.model`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lignin.domain.codec import Json
from lignin.ports.tools import ToolSpec

ModelEnd = Literal["answered", "refused", "limited", "unavailable", "failed"]
ASK_LIMIT_S = 300.0
MAX_ANSWER_TOKENS = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAsked:
    """A call that the model wants made."""

    call: str
    tool: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `calls` are those of an answer; `call` says of a tool's result which call it answers."""

    by: Literal["user", "model", "tool"]
    text: str = ""
    calls: tuple[ToolAsked, ...] = ()
    call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked.

    Args:
        instructions: What it is told beforehand.
        tools: What it may ask to have called, by name.
        form: JSON Schema of an object: the answer is to be one that fits, in place of text.
        limit_s: Time for the answer, in seconds.
    """

    instructions: str
    messages: tuple[Message, ...]
    tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    form: Mapping[str, Json] | None = None
    limit_s: float = ASK_LIMIT_S
    most_tokens: int = MAX_ANSWER_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of asking.

    Args:
        value: The answer where a form was asked for; it fits that.
        why: Why it did not answer, in words without secrets.
        retry_after_s: How long it says to wait, where it is `limited` or `unavailable` and says so.
        model: Which model answered, as it calls itself.
        usage: Tokens by kind: `input_tokens`, `output_tokens`, and others where they are told.
        cost_microusd: By list prices, None where nobody knows one.
    """

    ended: ModelEnd
    text: str = ""
    value: Mapping[str, Json] | None = None
    calls: tuple[ToolAsked, ...] = ()
    why: str = ""
    retry_after_s: float | None = None
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    cost_microusd: int | None = None


class Model(Protocol):
    """Answers questions. Thread-safe; questions share nothing with each other."""

    @property
    def name(self) -> str:
        """What people call it: `PROVIDER:MODEL`."""
        ...

    def ask(self, question: Question) -> Answer:
        """Ask once. Never raises for what the model or the way to it does.

        Secrets in what is asked are masked before they leave.
        """
        ...
