"""Words of a routine in a program's source: names, literals, where it comes from. Pure.

What comes from a trace is data: it stands in a source as a literal, or stripped to plain signs.
"""

import builtins
import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.counts import counted
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


MAX_NAME_CHARS = 60
_MEANT = frozenset([*dir(builtins), *keyword.kwlist])


def names_of(routine: Routine) -> tuple[str, ...]:
    """Names for a routine, the plainest first: all that it changes; with what it begins by; its own."""
    changing = [step.tool for step in routine.steps if step.changes]
    told = _done([tool_words(tool) for tool in dict.fromkeys(changing or routine.tools[-1:])])
    first = tool_words(routine.tools[0])
    mine = routine.routine_id[-6:]
    if is_loop(routine):
        told = f"{told} for each"
    longer = f"{first} then {told}"
    return (
        identifier(told, "routine"),
        *([identifier(longer, "routine")] if len(routine.steps) > 1 and len(longer) <= 60 else []),
        identifier(f"{told[: MAX_NAME_CHARS - len(mine) - 1]} {mine}", "routine"),
    )


def is_loop(routine: Routine) -> bool:
    """True where a routine is one tool, called for each of a list."""
    return len(routine.steps) == 1 and routine.steps[0].is_repeated


def by_what_differs(name: str, mine: Sequence[str], others: Sequence[str]) -> str:
    """A name that tells a routine from one of the same name by what only it takes; empty where that is
    nothing or too long."""
    for own in (each for each in mine if each not in others):
        longer = identifier(f"{name} by {own}"[: MAX_NAME_CHARS + 1], "routine")
        if len(f"{name}_by_{own}") <= MAX_NAME_CHARS:
            return longer
    return ""


def _done(changes: Sequence[str]) -> str:
    """What is done, said in one: `cancel and refund order add note`; where that is too long, in verbs."""
    groups: list[tuple[list[str], str]] = []
    for change in changes:
        verb, _, thing = change.partition(" ")
        if groups and thing and groups[-1][1] == thing:
            groups[-1][0].append(verb)
        else:
            groups.append(([verb], thing))
    told = " ".join(f"{' and '.join(verbs)} {thing}".strip() for verbs, thing in groups)
    if len(told) <= MAX_NAME_CHARS:
        return told
    verbs = list(dict.fromkeys(verb for verbs, _ in groups for verb in verbs))
    shorter = " and ".join(verbs)
    if len(shorter) <= MAX_NAME_CHARS:
        return shorter
    return f"make {len(changes)} changes"


_NOT_SEVERAL = ("ss", "atus", "onus", "ius", "is")


def singular(name: str) -> str:
    """One of what a name says there are several of."""
    outer, _, word = name.rpartition("_")
    if outer and word == "list":
        return outer
    if len(word) > 3 and word.endswith("ies"):
        return f"{name[:-3]}y"
    if word.endswith(("sses", "uses", "ises", "xes", "ches", "shes")):
        return name[:-2]
    if len(word) > 1 and word.endswith("s") and not word.endswith(_NOT_SEVERAL):
        return name[:-1]
    return f"one_{name}"


def plural(name: str) -> str:
    """Several of what a name says there is one of."""
    name = name.removeprefix("one_").removeprefix("each_")
    if singular(name) != f"one_{name}":
        return name
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return f"{name[:-1]}ies"
    return name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s")


def headline(routine: Routine) -> str:
    """What a routine was mined from, in a sentence."""
    support = routine.support
    return (
        f"Mined from {counted(support.occurrences, 'use')} in {counted(len(support.sessions), 'run')} of "
        f"{counted(support.tasks, 'task')}{_of(support.models)}."
    )


def _of(models: Sequence[str]) -> str:
    named = [plain(model) for model in models if model]
    return f" by {', '.join(named)}" if named else ""


def identifier(text: str, otherwise: str) -> str:
    """Return a Python name made of a text's words."""
    made = (
        "_".join(word.lower() for word in WORD.findall(text))[:MAX_NAME_CHARS].strip("_")
        or otherwise
    )
    return made if not made[0].isdigit() else f"{otherwise}_{made}"


def unique(name: str, used: set[str]) -> str:
    """Return a name that is not used yet, and use it."""
    made, number = name, 2
    while made in used:
        made, number = f"{name}_{number}", number + 1
    used.add(made)
    return made


def another(name: str, used: set[str], before: str = "each") -> str:
    """Return a name that is not used yet, with a word in front rather than a number behind, and use it."""
    bare = name.removeprefix("one_")
    return unique(name if name not in used else f"{before}_{bare}", used)


def apart(name: str) -> str:
    """A name that takes no builtin's or keyword's place, whatever else is in the program."""
    if name == "zip":
        return "zip_code"
    return f"{name}_value" if name in _MEANT else name


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


def nested(given: Mapping[str, str]) -> dict[str, Any]:
    """Arguments by their names, those of an object within (`address.city`) in objects again."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        inner = made
        *outer, last = name.split(".")
        for each in outer:
            inner = inner.setdefault(each, {})
        inner[last] = value
    return made


def displayed(value: Any) -> str:
    """Source text, or an object of it."""
    if isinstance(value, str):
        return value
    return f"{{{', '.join(f'{literal(name)}: {displayed(each)}' for name, each in value.items())}}}"
