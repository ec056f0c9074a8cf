"""Untrusted JSON values read as what they should be.

Owns the tolerant readings that importers share. Invariants: nothing here raises; what comes out
has a canonical form (no lone surrogate, no integer beyond 2**53, bounded nesting), so that a
trajectory can always be stored.
"""

import ast
import json
import math
from collections.abc import Mapping
from typing import Any

from lignin.domain.codec import MAX_DEPTH, MAX_INTEGER, Json

_MAX_LITERAL_CHARS = 1_000_000
# Room for what a trajectory is wrapped in when it is stored.
_DEPTH = MAX_DEPTH // 2


def as_text(value: Any) -> str:
    """Return a string as UTF-8 can carry it, "" for anything else."""
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value
    return value.encode(errors="replace").decode() if _has_surrogate(value) else value


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def as_object(value: Any) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a JSON list, an empty one for anything else."""
    return value if isinstance(value, list) else []


def as_count(value: Any) -> int | None:
    """Return a count within 0..2**53, None for anything else."""
    if type(value) is int and 0 <= value <= MAX_INTEGER:
        return value
    return None


def as_exit_code(value: Any) -> int | None:
    """Return an exit status within 32 bits, None for anything else."""
    if type(value) is int and abs(value) < 2**31:
        return value
    return None


def as_microusd(value: Any) -> int | None:
    """Return dollars as whole micro-dollars, None for anything that is no amount."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e9:
        return None
    return round(value * 1_000_000)


def as_identity(value: Any) -> str | int | None:
    """Return an origin's own id in its own type: text or a whole number."""
    if type(value) is int:
        return value if abs(value) <= MAX_INTEGER else str(value)
    return as_text(value) if isinstance(value, str) else None


def as_bool(value: Any) -> bool | None:
    """Return a boolean, None for anything else."""
    return value if isinstance(value, bool) else None


def content_text(content: Any) -> str:
    """Return the text of message content: a string, or a list of strings and text blocks.

    Blocks that hold no text (images, documents) stand as `[<type>]`.
    """
    if isinstance(content, str):
        return as_text(content)
    if isinstance(content, dict):
        content = [content]
    return "\n".join(part for part in map(_block_text, as_list(content)) if part)


def _block_text(block: Any) -> str:
    if isinstance(block, str):
        return as_text(block)
    if not isinstance(block, dict):
        return ""
    if isinstance(block.get("text"), str):
        return as_text(block["text"])
    if isinstance(block.get("content"), str):
        return as_text(block["content"])
    kind = as_text(block.get("type"))
    return f"[{kind}]" if kind else ""


def as_json(value: Any, depth: int = 0) -> Json:
    """Return a value as canonical JSON can carry it.

    Integers beyond 2**53 and what is no JSON become text; nesting beyond the bound becomes the
    text of what lies there.
    """
    if isinstance(value, str):
        return as_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else _digits(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= _DEPTH:
        return f"[{type(value).__name__} nested too deeply]"
    if isinstance(value, dict):
        return {as_text(str(key)): as_json(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each, depth + 1) for each in value]
    return as_text(repr(value))


def _digits(value: int) -> str:
    # `str` refuses integers of over 4300 digits, `hex` has no such bound.
    return str(value) if value.bit_length() < 10_000 else hex(value)


def as_arguments(value: Any) -> Mapping[str, Json]:
    """Return a call's arguments as an object.

    Takes an object, JSON text or the text of a Python literal. What is none of these, or no
    object, is kept under the key `input`.
    """
    if isinstance(value, str):
        value = _literal(value)
    if isinstance(value, dict):
        read = as_json(value)
        return read if isinstance(read, dict) else {}
    return {} if value is None else {"input": as_json(value)}


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not text.lstrip().startswith("{") or len(text) > _MAX_LITERAL_CHARS:
        return text
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text
