"""Lays a statement of generated Python out over lines, as the formatter would. Pure.

Knows calls, displays and comprehensions, which is all that generated code has; a statement that has no
bracket stays as it is.
"""

from collections.abc import Iterable, Iterator
from textwrap import wrap

WIDTH = 100
_STEP = "    "
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_CLAUSES = (" for ", " if ")


def laid_out(statements: Iterable[str]) -> Iterator[str]:
    """Yield the lines of statements, each of which comes as one line."""
    for statement in statements:
        yield from _wrapped(statement)


def paragraph(text: str, indent: int = 0) -> list[str]:
    """Return the lines of a text within a docstring, the first without its indent."""
    before = " " * indent
    lines = wrap(
        text,
        WIDTH - indent,
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent="",
    )
    return [lines[0], *(before + line for line in lines[1:])] if lines else [""]


def _wrapped(line: str) -> Iterator[str]:
    text = line.lstrip(" ")
    indent = line[: len(line) - len(text)]
    span = _longest_brackets(text)
    if len(line) <= WIDTH or span is None:
        yield line
        return
    start, end = span
    body = text[start + 1 : end]
    yield indent + text[: start + 1]
    inner = indent + _STEP
    if len(inner) + len(body) <= WIDTH and not _is_display(text[start], body):
        yield inner + body
    elif len(items := _split(body, (", ",))) > 1:
        for item in items:
            yield from _wrapped(f"{inner}{item.strip()},")
    elif len(clauses := _split(body, _CLAUSES)) > 1:
        for clause in clauses:
            yield from _wrapped(inner + clause.strip())
    else:
        yield from _wrapped(inner + body)
    yield indent + text[end:]


def _is_display(opener: str, body: str) -> bool:
    """True for a list or mapping of several: each goes on a line of its own."""
    several = len(_split(body, (", ",))) > 1
    return opener != "(" and several and len(_split(body, _CLAUSES)) == 1


def _longest_brackets(text: str) -> tuple[int, int] | None:
    """The outermost pair of brackets with the most in it; None where there is none."""
    pairs = [(0, 0)]
    open_at: list[int] = []
    for place, char in _outside_strings(text):
        if char in _CLOSERS:
            open_at.append(place)
        elif char in _CLOSERS.values() and open_at:
            start = open_at.pop()
            pairs += [] if open_at else [(start, place)]
    longest = max(pairs, key=lambda pair: pair[1] - pair[0])
    return longest if longest[1] > longest[0] + 1 else None


def _split(text: str, marks: tuple[str, ...]) -> list[str]:
    """Split a text before the marks that stand in no bracket and no string; a comma stays behind."""
    cuts = [0]
    depth = 0
    for place, char in _outside_strings(text):
        if char in _CLOSERS:
            depth += 1
        elif char in _CLOSERS.values():
            depth -= 1
        elif depth == 0 and text.startswith(marks, place):
            cuts.append(place)
    pieces = [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    return [piece.removeprefix(", ") for piece in pieces]


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """The characters of a text that are in no string literal."""
    quote, place = "", 0
    while place < len(text):
        char = text[place]
        if quote and char == "\\":
            place += 1
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        elif not quote:
            yield place, char
        place += 1
