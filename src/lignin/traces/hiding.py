"""What tells how a run ended, out of a file before anything of it is stored.

Owns the removal of named members from JSON, each value replaced by `null` and every other byte
kept: those that a format's rule names, and those named for outcomes wherever else they stand, but
for what the agent, its tools and its users said. Refuses to keep what it cannot read: a broken line is left out, and so is the rest of a
broken document, for nobody can say what it tells. A second pass changes nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from types import MappingProxyType
from typing import Any, Final

from lignin.traces.lines import JsonText

HIDDEN: Final = None
Rule = Mapping[str, "Rule | Callable[[Any], Rule | None] | None"]
"""Member names (`*` and `?` as in file names; every element of a list is `*`) to what becomes of
them: `HIDDEN`, the rule for what is inside, or a function from the value to either. Of members that
a rule does not name, those named for outcomes are hidden. Under an empty rule all stays."""
REST: Final[Rule] = MappingProxyType({"": HIDDEN})
"""The rule that names no member."""

_OUTCOME = re.compile(
    r"(?:^|_)(?:rewards?|scores?|grades?|graded|success(?:ful|es)?|succeeded|pass(?:ed|es)?"
    r"|resolved|correct(?:ness|ly)?|incorrect|expected|ground_?truth|gold(?:en)?|labels?|verdicts?"
    r"|outcomes?|ratings?|evaluations?|judge?ments?|accuracy)(?:_|$)"
)
_SPOKEN = frozenset(
    (
        *(
            "content",
            "contents",
            "text",
            "input",
            "inputs",
            "output",
            "outputs",
            "prompt",
            "prompts",
        ),
        *("completion", "choices", "response", "reasoning", "reasoning_content", "thought"),
        *("tool_calls", "tool_call", "function", "function_call", "arguments", "args", "kwargs"),
        *(
            "parameters",
            "action",
            "actions",
            "observation",
            "result",
            "raw_output",
            "body",
            "state",
        ),
        *("tools", "functions", "llm", "tool", "message", "gen_ai", "retrieval", "embedding"),
        *("reranker", "document", "documents", "exception", "tool_parameters", "query"),
    )
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PAIR = re.compile(r'\{\s*"(?:key|value)"\s*:')


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """Bytes without what was to be hidden, and how many values that were."""

    content: bytes
    count: int


@lru_cache(4096)
def names_outcome(name: str) -> bool:
    """True for the name of a member that tells how a run ended: `final_reward`, `eval.isCorrect`."""
    words = _CAMEL.sub("_", name).replace(".", "_").replace("-", "_").replace(" ", "_").lower()
    return _OUTCOME.search(words) is not None or name.startswith("eval.")


@lru_cache(4096)
def is_spoken(name: str) -> bool:
    """True for the name of a member that holds what was said, called or answered."""
    return name.removeprefix("attributes.").partition(".")[0] in _SPOKEN


_decoder = json.JSONDecoder(parse_constant=str)
_blank = re.compile(r"[ \t\r\n]*")
_comma = re.compile(r"[ \t\r\n,]*")
_Cut = tuple[int, int]


def hider(
    rule: Rule | Callable[[Any], Rule | None], kept: frozenset[str] = frozenset()
) -> Callable[[bytes], Hidden]:
    """Return the function that hides what a rule names in JSONL, a document or a list of objects.

    Args:
        rule: That of one object; it holds for each line and for each element of a list.
        kept: Names that elsewhere tell outcomes, and in this format something else.
    """

    def hide(data: bytes) -> Hidden:
        text = JsonText(data.decode(errors="surrogateescape"))
        content, count = _Hiding(text, kept).hidden(rule)
        return Hidden(content=content.encode(errors="surrogateescape"), count=count)

    return hide


@dataclass(frozen=True, slots=True)
class _Hiding:
    """A text on the way; a rule that is not there is `REST`."""

    text: str
    kept: frozenset[str]

    def hidden(self, rule: Any) -> tuple[str, int]:
        """The text without what is to be hidden, and how many values that were."""
        text = self.text
        parts: list[str] = []
        position = count = 0
        while position < len(text):
            start = _blank.match(text, position).end()  # type: ignore[union-attr]
            if text.startswith("\ufeff", start):
                start += 1
            parts.append(text[position:start])
            if start >= len(text):
                break
            line_end = text.find("\n", start) + 1 or len(text)
            cuts: list[_Cut] = []
            try:
                end = self._value(start, {"*": rule} if text[start] == "[" else rule, cuts)
            except (ValueError, RecursionError, StopIteration, IndexError) as error:
                broken_at = getattr(error, "pos", len(text))
                if broken_at > line_end or isinstance(error, RecursionError):
                    break
                position = line_end
                continue
            parts += _without(text, start, end, cuts)
            count += len(cuts)
            position = end
        return "".join(parts), count

    def _value(self, start: int, rule: Any, cuts: list[_Cut]) -> int:
        """Note what to cut from the value at a place; return where it ends."""
        text = self.text
        if callable(rule):
            value, _ = _decoder.raw_decode(text, start)
            rule = rule(value)
            if rule is HIDDEN:
                return _cut(text, start, cuts)
        if rule and text[start] == '"':
            return self._told_in_text(start, cuts)
        if rule is REST and _PAIR.match(text, start):
            rule = self._pair_rule(start)
        if not rule or text[start] not in "{[":
            return _decoder.raw_decode(text, start)[1]
        position = start + 1
        is_object = text[start] == "{"
        while True:
            position = _comma.match(text, position).end()  # type: ignore[union-attr]
            if text[position : position + 1] in ("}", "]"):
                return position + 1
            inner = rule.get("*", REST)
            if is_object:
                key, position = _key(text, position)
                inner = self._rule_for(key, rule)
            if inner is HIDDEN:
                position = _cut(text, position, cuts)
            else:
                position = self._value(position, inner, cuts)

    def _rule_for(self, key: str, rule: Rule) -> Any:
        if rule is REST:
            return self._rule_by_name(key)
        if key in rule:
            return rule[key]
        named = (inner for name, inner in rule.items() if _matches(key, name))
        return next(named, self._rule_by_name(key))

    def _rule_by_name(self, key: str) -> Any:
        if is_spoken(key) or key in self.kept:
            return {}
        return HIDDEN if names_outcome(key) else REST

    def _pair_rule(self, start: int) -> Rule:
        """The rule of one of telemetry's `{key, value}` pairs; another object keeps to `REST`."""
        pair, _ = _decoder.raw_decode(self.text, start)
        if set(pair) != {"key", "value"} or not isinstance(pair["key"], str):
            return REST
        return {"key": {}, "value": self._rule_by_name(pair["key"])}

    def _told_in_text(self, start: int, cuts: list[_Cut]) -> int:
        """Cut a text that is itself JSON with a member named for an outcome."""
        value: str
        end: int
        value, end = scanstring(self.text, start + 1)
        if not value.lstrip().startswith(("{", "[")):
            return end
        try:
            inner, _ = _decoder.raw_decode(value.lstrip())
        except (ValueError, RecursionError):
            return end
        if self._tells(inner):
            cuts.append((start, end))
        return end

    def _tells(self, value: Any) -> bool:
        if isinstance(value, list):
            return any(map(self._tells, value))
        if not isinstance(value, dict):
            return False
        rules = ((self._rule_by_name(key), each) for key, each in value.items())
        return any(
            each is not None if rule is HIDDEN else rule is REST and self._tells(each)
            for rule, each in rules
        )


def _without(text: str, start: int, end: int, cuts: list[_Cut]) -> list[str]:
    parts = []
    for cut_start, cut_end in cuts:
        parts += [text[start:cut_start], "null"]
        start = cut_end
    return [*parts, text[start:end]]


def _key(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        raise json.JSONDecodeError("no key", text, position)
    key, position = scanstring(text, position + 1)
    position = _blank.match(text, position).end()  # type: ignore[union-attr]
    if text[position : position + 1] != ":":
        raise json.JSONDecodeError("no value", text, position)
    return key, _blank.match(text, position + 1).end()  # type: ignore[union-attr]


def _matches(key: str, name: str) -> bool:
    return ("*" in name or "?" in name) and fnmatchcase(key, name)


def _cut(text: str, start: int, cuts: list[_Cut]) -> int:
    value, end = _decoder.raw_decode(text, start)
    if value is not None:
        cuts.append((start, end))
    return end
