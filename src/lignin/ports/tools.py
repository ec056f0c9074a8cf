"""Tools as an agent sees them: what each takes, whether it changes anything, what it answers.

A tool's digest covers everything that a caller relies on, so that a manifest can pin it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_json, parse_json
from lignin.domain.errors import CodecError

ToolEffect = Literal["read", "write"]
_PREFIX_END = re.compile(r"__|\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """The contract of one tool.

    Args:
        name: As called.
        description: For the agent; not part of the digest.
        input: JSON Schema of the arguments object.
        effect: `read` changes nothing; `write` may.
        idempotent: True where the same call made twice leaves what one call leaves.
        errors: Codes that are a proper answer to a call which cannot be granted.
    """

    name: str
    description: str
    input: Mapping[str, Json]
    effect: ToolEffect
    idempotent: bool
    errors: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest:
        """Digest of name, schema, effect, idempotency and errors."""
        return digest_json(
            {
                "name": self.name,
                "input": dict(self.input),
                "effect": self.effect,
                "idempotent": self.idempotent,
                "errors": sorted(self.errors),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a call brought back: a JSON `result`, or an error `code` with words."""

    result: Json = None
    error: str | None = None
    message: str = ""

    @property
    def is_error(self) -> bool:
        """True where the tool refused or failed."""
        return self.error is not None

    def to_text(self) -> str:
        """The observation as the agent reads it: canonical JSON."""
        if self.error is None:
            return canonical_bytes(self.result).decode()
        return canonical_bytes({"error": self.error, "message": self.message}).decode()


def served_name(served: Collection[str], name: str) -> str:
    """Return the name by which a tool is served that a client calls by a name of its own.

    Clients put their own prefix and the server's in front: `mcp__SERVER__TOOL`, `SERVER__TOOL`,
    `SERVER.TOOL`. A name that is served is meant as it is; one that nothing explains stays.
    """
    if name in served:
        return name
    ends = (name[mark.end() :] for mark in _PREFIX_END.finditer(name))
    return next((end for end in ends if end in served), name)


def result_of_text(text: str) -> Json:
    """Return what a tool that answers in text said: a JSON object or list as such, else the text."""
    try:
        value = parse_json(text)
    except CodecError:
        return text
    return value if isinstance(value, dict | list) else text


class Tools(Protocol):
    """Something whose tools can be called. A refused call is an observation, not an exception."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools by name."""
        ...

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        """Call one tool. An unknown tool or unfit arguments are an error observation."""
        ...
