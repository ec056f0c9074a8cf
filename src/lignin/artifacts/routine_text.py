"""Words of a routine in a program's source: names, literals, where it comes from. Pure.

What comes from a trace is data: it stands in a source as a literal, or stripped to plain signs.
"""

import re
from collections.abc import Sequence

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import Reference, Routine

WORD = re.compile(r"[A-Za-z0-9]+")
_PLACE = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def places_of(reference: Reference) -> list[str | int]:
    """Return the keys and indexes that lead to a reference's value.

    Raises:
        InvalidRequestError: It is not one value.
    """
    steps = _PLACE.findall(reference.path)
    whole = "".join(f".{name}" if name else f"[{index}]" for name, index in steps)
    if whole != reference.path or set("*~") & set(reference.path):
        raise InvalidRequestError(
            f"{reference} is not one value, so no program can hand it on",
            hint="make it a parameter",
        )
    return [name or int(index) for name, index in steps]


def tool_words(tool: str) -> str:
    """A tool's own name in words, without the client's and the server's in front of it."""
    own = re.split(r"__|\.", tool)[-1] or tool
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", own).replace("_", " ").lower()


def names_of(routine: Routine) -> tuple[str, ...]:
    """Names for a routine, the plainest first: what its last change does; with what it begins by; its
    own."""
    changing = [step.tool for step in routine.steps if step.changes]
    last = tool_words((changing or list(routine.tools))[-1])
    first = tool_words(routine.tools[0])
    return (
        identifier(last, "routine"),
        identifier(f"{first} then {last}", "routine"),
        identifier(f"{last} {routine.routine_id[-6:]}", "routine"),
    )


def headline(routine: Routine) -> str:
    """What a routine was mined from, in a sentence."""
    support = routine.support
    return (
        f"Mined from {support.occurrences} uses in {len(support.sessions)} runs of {support.tasks} tasks"
        f"{_of(support.models)}."
    )


def _of(models: Sequence[str]) -> str:
    named = [plain(model) for model in models if model]
    return f" by {', '.join(named)}" if named else ""


def identifier(text: str, otherwise: str) -> str:
    """Return a Python name made of a text's words."""
    made = "_".join(word.lower() for word in WORD.findall(text))[:60].strip("_") or otherwise
    return made if not made[0].isdigit() else f"{otherwise}_{made}"


def unique(name: str, used: set[str]) -> str:
    """Return a name that is not used yet, and use it."""
    made, number = name, 2
    while made in used:
        made, number = f"{name}_{number}", number + 1
    used.add(made)
    return made


def literal(value: Json) -> str:
    """A JSON value as Python, strings in the quotes that need the fewest escapes."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    return repr(value)


def _text(value: str) -> str:
    quote = "'" if value.count('"') > value.count("'") else '"'
    escapes = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", quote: f"\\{quote}"}
    return quote + "".join(escapes.get(char) or _sign(char) for char in value) + quote


def _sign(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def shown(value: Json) -> str:
    """A value in a few plain signs."""
    return plain(str(value))[:60]


def plain(text: str) -> str:
    """Text that can stand in a docstring or an f-string."""
    return re.sub(r"[^\w ./:@#+-]", "?", text)[:80]
