"""What tells how a run ended, out of a file before anything of it is stored.

Owns the removal of named members from JSON, each value replaced by `null` and every other byte
kept. Refuses to keep what it cannot read: a broken line is left out, and so is the rest of a
broken document, for nobody can say what it tells. A second pass changes nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from lignin.traces.lines import JsonText

HIDDEN: Final = None
Rule = Mapping[str, "Rule | Callable[[Any], Rule | None] | None"]
"""Member names (`*` and `?` as in file names; every element of a list is `*`) to what becomes of
them: `HIDDEN`, the rule for what is inside, or a function from the value to either."""

_decoder = json.JSONDecoder(parse_constant=str)
_blank = re.compile(r"[ \t\r\n]*")
_comma = re.compile(r"[ \t\r\n,]*")
_Cut = tuple[int, int]


def hider(rule: Rule | Callable[[Any], Rule | None]) -> Callable[[bytes], bytes]:
    """Return the function that hides what a rule names in JSONL, a document or a list of objects.

    The rule is that of one object; it holds for each line and for each element of a list.
    """

    def hide(data: bytes) -> bytes:
        text = JsonText(data.decode(errors="surrogateescape"))
        return _hidden(text, rule).encode(errors="surrogateescape")

    return hide


def _hidden(text: str, rule: Any) -> str:
    kept: list[str] = []
    position = 0
    while position < len(text):
        start = _blank.match(text, position).end()  # type: ignore[union-attr]
        if text.startswith("\ufeff", start):
            start += 1
        kept.append(text[position:start])
        if start >= len(text):
            break
        line_end = text.find("\n", start) + 1 or len(text)
        cuts: list[_Cut] = []
        try:
            end = _value(text, start, _for_each(text, start, rule), cuts)
        except (ValueError, RecursionError, StopIteration, IndexError) as error:
            broken_at = getattr(error, "pos", len(text))
            if broken_at > line_end or isinstance(error, RecursionError):
                break
            position = line_end
            continue
        kept += _without(text, start, end, cuts)
        position = end
    return "".join(kept)


def _for_each(text: str, start: int, rule: Any) -> Any:
    return {"*": rule} if text[start] == "[" else rule


def _without(text: str, start: int, end: int, cuts: list[_Cut]) -> list[str]:
    parts = []
    for cut_start, cut_end in cuts:
        parts += [text[start:cut_start], "null"]
        start = cut_end
    return [*parts, text[start:end]]


def _value(text: str, start: int, rule: Any, cuts: list[_Cut]) -> int:
    """Note what to cut from the value at a place; return where it ends."""
    if callable(rule):
        value, _ = _decoder.raw_decode(text, start)
        rule = rule(value)
        if rule is HIDDEN:
            return _cut(text, start, cuts)
    if not rule or text[start] not in "{[":
        return _decoder.raw_decode(text, start)[1]
    position = start + 1
    is_object = text[start] == "{"
    while True:
        position = _comma.match(text, position).end()  # type: ignore[union-attr]
        if text[position : position + 1] in ("}", "]"):
            return position + 1
        key = "*"
        if is_object:
            key, position = _key(text, position)
        inner = _rule_for(key, rule) if is_object else rule.get("*", {})
        if inner is HIDDEN:
            position = _cut(text, position, cuts)
        else:
            position = _value(text, position, inner, cuts)


def _key(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        raise json.JSONDecodeError("no key", text, position)
    key, position = scanstring(text, position + 1)
    position = _blank.match(text, position).end()  # type: ignore[union-attr]
    if text[position : position + 1] != ":":
        raise json.JSONDecodeError("no value", text, position)
    return key, _blank.match(text, position + 1).end()  # type: ignore[union-attr]


def _rule_for(key: str, rule: Rule) -> Any:
    if key in rule:
        return rule[key]
    return next((inner for name, inner in rule.items() if _matches(key, name)), {})


def _matches(key: str, name: str) -> bool:
    return ("*" in name or "?" in name) and fnmatchcase(key, name)


def _cut(text: str, start: int, cuts: list[_Cut]) -> int:
    value, end = _decoder.raw_decode(text, start)
    if value is not None:
        cuts.append((start, end))
    return end
