"""Does a change quote what it will be judged on? Found before a single trial is paid. Pure.

A change that knows its cases by heart passes them and helps nobody else. What gives it away are literals
that stand in the cases' tasks and checks and nowhere in what the agent was given before: ids, names, dates
and amounts, also when they are written in pieces, backwards, encoded or hashed; a run of words of a task;
the words of a grader. That the same literal was in the harness, the tools or the policy before makes it
anybody's. What a change learns without quoting is for hidden siblings to show (`siblings.py`).
"""

import base64
import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

WORDS = 8
"""So many words in a row are a quotation."""
_LEAST_SQUEEZED = 5
_LEAST_SQUEEZED_FIGURE = 8
_LEAST_DIGITS = 3
_LEAST_FIGURE = 5
_LEAST_LETTERS = 4
_LEAST_NAME = 5
_TOKEN = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[#$€£]?\w+(?:[-_.:/]\w+)*")
_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)+\b")
_WITH_UNIT = re.compile(r"\d{1,3}(?:[-_. ]?[a-z]+)+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_SQUEEZE = re.compile(r"[^a-z0-9]+")
_HASH_CHARS = 12
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){5,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{7,}={0,2}")
_HASH = re.compile(r"[0-9a-f]{12,}")
GRADING = (
    "end_states",
    "closed_tools",
    "most_repeats",
    "must_work",
    "must_pass",
    "known_way",
    "held_out",
    "hit_ratio",
    "lignin.case",
    "lignin.task",
    "forged_score",
)
"""Words that only who judges uses; `cas_` ids are found as literals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotable:
    """A case as far as it can be quoted.

    Args:
        asked: What the user says.
        values: What its checks look for, and what its recorded calls were given: texts and figures.
    """

    case: str
    asked: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """A place where a change quotes: `text` as it stands in the case, `case` "" for a grader's words."""

    path: str
    text: str
    case: str
    how: str = "quotes"


def find_quotations(
    added: Mapping[str, str],
    known: Iterable[str],
    cases: Sequence[Quotable],
    wording: Iterable[str] = (),
) -> tuple[Quotation, ...]:
    """Return where a change quotes cases or graders; nothing where it may be tried.

    Args:
        added: The changed files' new texts, by path.
        known: Texts that the agent was given before: instructions, tools, the files as they were.
        wording: What graders say: rubrics, expected answers.
    """
    before = _Known(known)
    literals = _literals(cases, before)
    phrases = _phrases(cases, wording, before)
    found: list[Quotation] = []
    for path, text in sorted(added.items()):
        found += _literal_quotes(path, text, literals)
        found += _phrase_quotes(path, text, phrases)
        found += [
            Quotation(path=path, text=word, case="", how="speaks of")
            for word in GRADING
            if word in text and word not in before.text
        ]
    return tuple(found)


class _Known:
    """What was there before, in the forms that are asked for."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.text = "\n".join(dict.fromkeys(texts))
        self.lower = self.text.casefold()
        self.tokens = frozenset(_tokens(self.text))
        self.squeezed = _SQUEEZE.sub("", self.lower)
        self.shingles = frozenset(_shingles(self.text))

    def has(self, literal: str) -> bool:
        return literal in self.tokens or (" " in literal and literal in self.lower)


def _tokens(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(text):
        bare = token.casefold().strip("#$€£.:-_/")
        if bare:
            yield bare


def _literals(cases: Sequence[Quotable], before: _Known) -> dict[str, str]:
    """The literals of the cases, each with the first case that has it."""
    found: dict[str, str] = {}
    for case in cases:
        name = case.case.casefold() if _tells(case.case) else ""
        for literal in {*_of_case(case), name}:
            if literal and not before.has(literal):
                found.setdefault(literal, case.case)
    return found


def _tells(name: str) -> bool:
    """True of a case's name that is nobody else's: one that is short, a plain word or a number is anybody's."""
    is_word = name.isalpha() or not any(char.isalpha() for char in name)
    return not is_word and len(name) >= _LEAST_NAME


def _of_case(case: Quotable) -> Iterator[str]:
    for text in (*case.asked, *case.values):
        yield from filter(_is_distinctive, _tokens(text))
        yield from (name.casefold() for name in _NAME.findall(text))
    for value in case.values:
        is_name = " " not in value and value[:1].isupper() and value[1:].islower()
        if is_name and value.isalpha() and len(value) >= _LEAST_LETTERS:
            yield value.casefold()


def _is_distinctive(token: str) -> bool:
    """True of what nobody writes by chance: an id, a date, an amount with its cents, an address."""
    if "@" in token:
        return True
    digits = sum(char.isdigit() for char in token)
    if digits < _LEAST_DIGITS or _WITH_UNIT.fullmatch(token) or _YEAR.fullmatch(token):
        return False
    return not token.isdigit() or len(token.strip("0")) >= _LEAST_FIGURE


def _literal_quotes(path: str, text: str, literals: Mapping[str, str]) -> Iterator[Quotation]:
    tokens, lower = frozenset(_tokens(text)), text.casefold()
    squeezed = _SQUEEZE.sub("", lower)
    backwards, decoded = squeezed[::-1], "\n".join(_decoded(text)).casefold()
    hashes = " ".join(_HASH.findall(lower))
    for literal, case in sorted(literals.items()):
        if literal in tokens or (" " in literal and _stands_in(literal, lower)):
            yield Quotation(path=path, text=literal, case=case)
            continue
        bare = _SQUEEZE.sub("", literal)
        least = _LEAST_SQUEEZED_FIGURE if bare.isdigit() else _LEAST_SQUEEZED
        is_long = len(bare) >= least and (not bare.isalpha() or "@" in literal)
        if is_long and bare in squeezed:
            yield Quotation(path=path, text=literal, case=case, how="has in pieces")
        elif is_long and bare in backwards:
            yield Quotation(path=path, text=literal, case=case, how="has backwards")
        elif is_long and literal in decoded:
            yield Quotation(path=path, text=literal, case=case, how="has encoded")
        elif hashes and any(each in hashes for each in _hashed(literal)):
            yield Quotation(path=path, text=literal, case=case, how="has hashed")


def _stands_in(literal: str, lower: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(literal)}(?!\w)", lower) is not None


def _decoded(text: str) -> Iterator[str]:
    """What runs of hexadecimal and base64 come to, as far as they come to anything."""
    for run in _HEX.findall(text):
        yield bytes.fromhex(run).decode(errors="replace")
    for run in _BASE64.findall(text):
        bare = run.rstrip("=")
        with contextlib.suppress(ValueError):
            yield base64.b64decode(bare + "=" * (-len(bare) % 4)).decode()


def _hashed(literal: str) -> Iterator[str]:
    for written in {literal, literal.upper(), f"#{literal}", f"#{literal.upper()}"}:
        for name in ("md5", "sha1", "sha256"):
            made = hashlib.new(name, written.encode(), usedforsecurity=False)
            yield made.hexdigest()[:_HASH_CHARS]


def _shingles(text: str) -> Iterator[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    for place in range(len(words) - WORDS + 1):
        yield tuple(words[place : place + WORDS])


def _phrases(
    cases: Sequence[Quotable], wording: Iterable[str], before: _Known
) -> dict[tuple[str, ...], str]:
    """Runs of words of the tasks and graders, each with its first case, "" of graders."""
    found: dict[tuple[str, ...], str] = {}
    texts = [(text, case.case) for case in cases for text in (*case.asked, *case.values)]
    for text, case in (*texts, *((each, "") for each in wording)):
        for shingle in _shingles(text):
            if shingle not in before.shingles:
                found.setdefault(shingle, case)
    return found


def _phrase_quotes(
    path: str, text: str, phrases: Mapping[tuple[str, ...], str]
) -> Iterator[Quotation]:
    """One quotation for each case that is quoted in words."""
    told = set[str]()
    for shingle in _shingles(text):
        case = phrases.get(shingle)
        if case is not None and case not in told:
            told.add(case)
            yield Quotation(path=path, text=" ".join(shingle), case=case)
