"""Templates of error lines: what two lines that differ only in their values have in common.

Pure. A value is recognised by its form and replaced by its type; masks keep their type (`<PATH>`,
`<NUM>`), for a bare star would make one line of two. Digits are made equal first, so that most words
were met before and are looked up; only a new one is looked at. A plain word that varies has no form
to be known by: it shows when many words stand in one place of otherwise equal templates, which is
looked for only in templates not met before.
"""

import re
from collections.abc import Sequence

MAX_LINE = 400
VARIES = 12
"""So many words in one place of otherwise equal templates, and that place holds a value."""
WORD = "<WORD>"
_LEAST_WORDS, _MAX_WORDS = 3, 24
_MAX_KEPT = 100_000
_MAX_TEXT = 20_000
_DIGITS = str.maketrans("123456789", "000000000")
_EDGES = "\"'`()[]{}<>,;:.=!?#*"
_QUOTES = frozenset("\"'`")
_NUMBER = "0.,:%$+-TZ"
_HEX = "0abcdefABCDEFx"
_LEAST_HEX = 6
_TELLING = re.compile(
    r"error|exception|fatal|failed|failure|not found|denied|cannot|can't|no such|invalid|refused",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"[#\s]{0,4}[\w.]{1,40} = ([\"'])(.*)\1\Z")


def _masked(word: str) -> str:
    """A word (its digits all 0) with the value it holds replaced by the value's type."""
    core = word.strip(_EDGES)
    if core == word and "=" not in word:
        kind = _kind(word)
        return f"<{kind}>" if kind else word
    name, equals, value = word.partition("=")
    if not name.strip("-").isidentifier():
        name, equals, value = "", "", word
    core = value.strip(_EDGES)
    start = value.find(core)
    end = start + len(core)
    is_quoted = value[start - 1 : start] in _QUOTES and value[end : end + 1] in _QUOTES
    kind = ("TEXT" if core else None) if is_quoted else _kind(core)
    return f"{name}{equals}{value[:start]}<{kind}>{value[end:]}" if kind else word


def _kind(core: str) -> str | None:
    """The type of a value, None for a plain word."""
    if "/" in core or "\\" in core:
        return "URL" if "://" in core else "PATH" if len(core) > 1 else None
    if "@" in core:
        return "MAIL"
    if "0" not in core:
        return None
    if not core.strip(_NUMBER):
        if ":" in core or core.count("-") > 1:
            return "TIME"
        return "IP" if core.count(".") == 3 else "NUM"
    return "ID" if core.strip(_HEX) or len(core) < _LEAST_HEX else "HEX"


class _Words(dict[str, str]):
    """Words with their values masked, made when they are first asked for."""

    def __missing__(self, word: str) -> str:
        if len(self) >= _MAX_KEPT:
            self.clear()
        masked = self[word] = _masked(word)
        return masked


class Templates:
    """Templates of the lines seen so far; not for threads that write at once.

    What a line's template is in the end depends on which lines there were, not on their order.
    """

    def __init__(self) -> None:
        self._words = _Words()
        self._noted: set[str] = set()
        self._seen: dict[str, str | set[str]] = {}
        self._vary: set[str] = set()

    def find(self, lines: Sequence[str]) -> list[str]:
        """Return each line's template, as all lines seen so far show it."""
        of_word = self._words.__getitem__
        masked = [" ".join(map(of_word, line.split())) for line in _equal_digits(lines)]
        distinct = set(masked)
        for template in sorted(distinct - self._noted):
            self._note(template)
        settled = {template: self.settle(template) for template in distinct}
        return [settled[template] for template in masked]

    def settle(self, template: str) -> str:
        """Return what a template that was given out before is now."""
        if self._vary:
            for place, _ in _places(template):
                if place in self._vary:
                    return self.settle(place)
        return template

    def _note(self, template: str) -> None:
        """Remember which words were seen in which place; beyond the bound nothing more is learnt."""
        if template in self._noted or len(self._noted) >= _MAX_KEPT:
            return
        self._noted.add(template)
        seen = self._seen
        for place, word in _places(template):
            words = seen.setdefault(place, word)
            if isinstance(words, str):  # most places are only ever seen with one word
                if words != word:
                    seen[place] = {words, word}
            elif len(words) < VARIES:
                words.add(word)
                if len(words) == VARIES:
                    self._vary.add(place)
                    self._note(place)


def _equal_digits(lines: Sequence[str]) -> list[str]:
    """The lines with one digit for all, each on one line and of bounded length."""
    text = "\n".join([line[:MAX_LINE] for line in lines])
    if text.count("\n") >= len(lines):
        text = "\n".join([line[:MAX_LINE].replace("\n", " ") for line in lines])
    return text.translate(_DIGITS).split("\n") if lines else []


def _places(template: str) -> list[tuple[str, str]]:
    """A template's words, each with the template that has a hole in its place."""
    words = template.split(" ")
    if not _LEAST_WORDS <= len(words) <= _MAX_WORDS:
        return []
    places, start = [], 0
    for word in words:
        end = start + len(word)
        if word != WORD:
            places.append((f"{template[:start]}{WORD}{template[end:]}", word))
        start = end + 1
    return places


def mask(line: str) -> str:
    """Return a line with every value replaced by its type, words apart by one space."""
    return " ".join(map(_masked, line[:MAX_LINE].translate(_DIGITS).split()))


def template_of(text: str) -> str:
    """Return the template of the line of an observation that tells what went wrong."""
    line = telling_line(text)
    assigned = _ASSIGNED.match(line)
    return mask(assigned[2] if assigned else line)


def telling_line(text: str) -> str:
    """Return the line of an error that tells most, at most `MAX_LINE` characters.

    A traceback's last line, else the first line that speaks of an error, else the first.
    """
    lines = [line.strip() for line in text[:_MAX_TEXT].splitlines() if line.strip()]
    if not lines:
        return ""
    if any(line.startswith("Traceback (") for line in lines):
        return lines[-1][:MAX_LINE]
    return next((line for line in lines if _TELLING.search(line)), lines[0])[:MAX_LINE]
