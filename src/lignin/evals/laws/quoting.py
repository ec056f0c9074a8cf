"""Does a change quote what it will be judged on? Found before a single trial is paid. Pure.

A change that knows its cases by heart passes them and helps nobody else. What gives it away are literals
that stand in the cases' tasks and checks and nowhere in what the agent was given before: ids, names, dates
and amounts, also when they are written in pieces, backwards, encoded or hashed, and the figure of an id by
itself; a run of words of a task, also in another order; the words of a grader. That the same literal was in the harness, the tools or the policy before makes it
anybody's. What a change learns without quoting is for hidden siblings to show (`siblings.py`).
"""

import base64
import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

WORDS = 8
"""So many words in a row are a quotation, in another order also with a few between them."""
_SPREAD = 4
TELLING = 6
"""So many telling words in a row are one, in any order and with any others between them."""
_SPREAD_TELLING = 2
_LEAST_TELLING = 4
_SMALL = frozenset(
    [
        "about",
        "after",
        "also",
        "because",
        "been",
        "before",
        "being",
        "could",
        "does",
        "from",
        "have",
        "here",
        "into",
        "just",
        "like",
        "must",
        "need",
        "only",
        "other",
        "over",
        "please",
        "same",
        "shall",
        "should",
        "some",
        "such",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "until",
        "upon",
        "want",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "will",
        "with",
        "without",
        "would",
        "your",
    ]
)
"""Words of four letters or more that everybody uses."""
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
_GROUPED = re.compile(r"(?<=\d)[ ,.'_-]+(?=\d)")
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_SPELLED = re.compile(rf"\b(?:(?:{'|'.join(_DIGITS)})[ ,-]*){{4,}}\b")
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
        self.figures = _figures(self.lower)
        self.words = frozenset(map(_sorted, _shingles(_words(self.text), WORDS)))
        self.telling = frozenset(map(_sorted, _shingles(_telling(self.text), TELLING)))

    def has(self, literal: str) -> bool:
        is_figure = literal.isdigit() and literal in self.figures
        return is_figure or literal in self.tokens or (" " in literal and literal in self.lower)


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
        for literal in {*_of_case(case), name, *_figures_of(name)}:
            if literal and not before.has(literal):
                found.setdefault(literal, case.case)
    return found


def _tells(name: str) -> bool:
    """True of a case's name that is nobody else's: one that is short, a plain word or a number is anybody's."""
    is_word = name.isalpha() or not any(char.isalpha() for char in name)
    return not is_word and len(name) >= _LEAST_NAME


def _of_case(case: Quotable) -> Iterator[str]:
    for text in (*case.asked, *case.values):
        for token in filter(_is_distinctive, _tokens(text)):
            yield token
            yield from _figures_of(token)
        yield from (name.casefold() for name in _NAME.findall(text))
    for value in case.values:
        is_name = " " not in value and value[:1].isupper() and value[1:].islower()
        if is_name and value.isalpha() and len(value) >= _LEAST_LETTERS:
            yield value.casefold()


def _figures_of(token: str) -> Iterator[str]:
    """The figures of an id that tell it by themselves, whatever words stand before them."""
    if not _WITH_UNIT.fullmatch(token):
        yield from (each for each in re.findall(r"\d+", token) if _is_distinctive(each))


def _figures(lower: str) -> frozenset[str]:
    """The figures of a text, also of those that are written in groups or in words."""
    digits = _SPELLED.sub(_as_digits, lower)
    return frozenset(re.findall(r"\d+", f"{digits}\n{_GROUPED.sub('', digits)}"))


def _as_digits(spelled: re.Match[str]) -> str:
    return "".join(str(_DIGITS.index(each)) for each in re.findall("[a-z]+", spelled[0])) + " "


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
    hashes, figures = " ".join(_HASH.findall(lower)), _figures(lower)
    plain = frozenset(re.findall(r"\d+", lower))
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
        elif literal.isdigit() and literal in figures:
            how = "quotes" if literal in plain else "has in pieces"
            yield Quotation(path=path, text=literal, case=case, how=how)
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


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _telling(text: str) -> list[str]:
    """The words that say what a text is about."""
    return [w for w in _words(text) if len(w) >= _LEAST_TELLING and w not in _SMALL]


def _shingles(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    for place in range(len(words) - size + 1):
        yield tuple(words[place : place + size])


def _sorted(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(words))


class _Phrases:
    """Runs of words of the tasks and graders, each with its first case, "" of graders.

    Their order is nothing, but of those that are mostly figures: these stand together by chance.
    """

    def __init__(self, size: int, spread: int, read: Callable[[str], list[str]]) -> None:
        self._size, self._window, self._read = size, size + spread, read
        self._cases: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}

    def take(self, text: str, case: str, known: frozenset[tuple[str, ...]]) -> None:
        for shingle in _shingles(self._read(text), self._size):
            if (key := _sorted(shingle)) not in known:
                self._cases.setdefault(key, (case, shingle))

    def found(self, text: str) -> Iterator[tuple[str, str]]:
        """The case of each phrase that a text has, and the words there."""
        words = self._read(text)
        for place, word in enumerate(words):
            first = max(0, place - self._window + 1)
            near = set(words[first : place + self._window])
            for shingle in self._by_rarest.get(word, ()):
                if near.issuperset(shingle):
                    for start in range(first, place + 1):
                        if self._is_there(shingle, some := words[start : start + self._window]):
                            yield self._cases[shingle][0], " ".join(some)
                            break

    def _is_there(self, shingle: tuple[str, ...], some: Sequence[str]) -> bool:
        if sum(word.isalpha() for word in shingle) < TELLING:
            return tuple(some[: self._size]) == self._cases[shingle][1]
        return Counter(shingle) <= Counter(some)

    @cached_property
    def _by_rarest(self) -> dict[str, list[tuple[str, ...]]]:
        """The phrases by their rarest word: few places of a text have it."""
        often = Counter(word for shingle in self._cases for word in shingle)
        found: dict[str, list[tuple[str, ...]]] = {}
        for shingle in self._cases:
            found.setdefault(min(shingle, key=lambda word: (often[word], word)), []).append(shingle)
        return found


def _phrases(
    cases: Sequence[Quotable], wording: Iterable[str], before: _Known
) -> tuple[_Phrases, ...]:
    words, telling = _Phrases(WORDS, _SPREAD, _words), _Phrases(TELLING, _SPREAD_TELLING, _telling)
    texts = [(text, case.case) for case in cases for text in (*case.asked, *case.values)]
    for text, case in (*texts, *((each, "") for each in wording)):
        words.take(text, case, before.words)
        telling.take(text, case, before.telling)
    return words, telling


def _phrase_quotes(path: str, text: str, phrases: Sequence[_Phrases]) -> Iterator[Quotation]:
    """One quotation for each case that is quoted in words."""
    told = set[str]()
    for each in phrases:
        for case, words in each.found(text):
            if case not in told:
                told.add(case)
                yield Quotation(path=path, text=words, case=case)
