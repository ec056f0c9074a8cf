"""Splits shell text into commands without running anything.

Owns the lexer (which keeps every character) and the few structures the finder reads: words, where
they are literal, redirects, here-documents. It refuses to own expansion: a word or body that the
shell would fill in is marked as not literal. Compound syntax (loops, conditions, groups) is
recognised and marked, never interpreted. Bounded: linear in the text, nesting at most `MAX_NESTING`.
"""

import re
from dataclasses import dataclass
from typing import Literal

MAX_NESTING = 40
MAX_SHELL_CHARS = 2_000_000

TokenKind = Literal["word", "space", "operator", "redirect", "comment", "heredoc"]

_SPACE = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_REDIRECT = re.compile(r"(?:\d+|&)?(?:<<<|<<-?|<>|<&|<|>>|>&|>\||>)")
_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[;|&()\n]")
_PLAIN = re.compile(r"[^\s'\"\\$`;|&()<>]+")
_HEREDOC_START = re.compile(r"<<(-?)[ \t]*(\\?[\w.-]+|'[^'\n]*'|\"[^\"\n]*\")")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")
_RESERVED = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "in",
        "function",
        "select",
        "{",
        "}",
        "[[",
        "!",
        "time",
    ]
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of shell text exactly as written."""

    kind: TokenKind
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its quotes removed; not `literal` where the shell would have filled it in."""

    text: str
    literal: bool


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect. For a here-document `target` holds the body; for `<<<` the line without its end."""

    fd: str
    operator: str
    target: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A simple command and the operator in front of it (empty for the first)."""

    joined: str
    words: tuple[Word, ...]
    assignments: tuple[str, ...] = ()
    redirects: tuple[Redirect, ...] = ()

    @property
    def is_literal(self) -> bool:
        """True where no word or redirect target needs the shell to fill it in."""
        return all(word.literal for word in self.words) and all(
            redirect.target.literal for redirect in self.redirects
        )


@dataclass(frozen=True, slots=True)
class Script:
    """The commands of a text. `simple` is false where compound syntax decides what is run."""

    commands: tuple[Command, ...]
    simple: bool


def lex(text: str) -> tuple[tuple[Token, ...], bool]:
    """Cut shell text into tokens that, joined, are the text again.

    Returns:
        The tokens, and whether every quote, substitution and here-document was closed.
    """
    tokens: list[Token] = []
    waiting: list[tuple[str, bool]] = []
    place, closed, delimiter = 0, True, ""
    while place < len(text):
        kind, end, whole = _next_token(text, place)
        piece = text[place:end]
        tokens.append(Token(kind, piece))
        closed = closed and whole
        place = end
        if kind == "redirect" and piece.lstrip("0123456789&") in {"<<", "<<-"}:
            delimiter = piece
        elif kind == "word" and delimiter:
            waiting.append((unquote(piece).text, delimiter.endswith("-")))
            delimiter = ""
        elif piece == "\n":
            for mark, tabs in waiting:
                end, whole = _heredoc_end(text, place, mark, tabs)
                tokens += [Token("heredoc", text[place:end])] if end > place else []
                place, closed = end, closed and whole
            waiting = []
    return tuple(tokens), closed and not waiting


def _next_token(text: str, place: int) -> tuple[TokenKind, int, bool]:
    if match := _SPACE.match(text, place):
        return "space", match.end(), True
    if text[place] == "#":
        end = text.find("\n", place)
        return "comment", len(text) if end < 0 else end, True
    if match := _REDIRECT.match(text, place):
        return "redirect", match.end(), True
    if match := _OPERATOR.match(text, place):
        return "operator", match.end(), True
    end, whole = _word_end(text, place)
    return "word", max(end, place + 1), whole


def _heredoc_end(text: str, place: int, mark: str, tabs: bool) -> tuple[int, bool]:
    while place < len(text):
        end = text.find("\n", place)
        stop = len(text) if end < 0 else end + 1
        line = text[place:stop].rstrip("\r\n")
        place = stop
        if (line.lstrip("\t") if tabs else line) == mark:
            return place, True
    return place, False


def _word_end(text: str, place: int) -> tuple[int, bool]:
    while place < len(text):
        if match := _PLAIN.match(text, place):
            place = match.end()
            continue
        if text[place] in " \t\r\n;|&()<>":
            return place, True
        if text[place].isspace():  # a space the shell does not split at
            place += 1
            continue
        place, closed = _skip_quoted(text, place, 0)
        if not closed:
            return len(text), False
    return place, True


def _skip_quoted(text: str, place: int, depth: int) -> tuple[int, bool]:
    """Step over one quote, escape, substitution or plain `$`."""
    char = text[place]
    if depth > MAX_NESTING:
        return len(text), False
    if char == "\\":
        return min(place + 2, len(text)), place + 1 < len(text)
    if char in "'`":
        end = text.find(char, place + 1)
        return (end + 1, True) if end >= 0 else (len(text), False)
    if char == '"':
        return _skip_until(text, place + 1, '"', depth)
    if text.startswith("$(", place):
        return _skip_until(text, place + 2, ")", depth)
    if text.startswith("${", place):
        return _skip_until(text, place + 2, "}", depth)
    return place + 1, True


def _skip_until(text: str, place: int, closer: str, depth: int) -> tuple[int, bool]:
    while place < len(text):
        char = text[place]
        if char == closer:
            return place + 1, True
        if closer == ")" and (match := _HEREDOC_START.match(text, place)):
            line = text.find("\n", match.end())
            if line >= 0:
                mark = match[2].strip("'\"\\")
                place, _ = _heredoc_end(text, line + 1, mark, bool(match[1]))
                continue
        if closer == ")" and char == "(":
            place, closed = _skip_until(text, place + 1, ")", depth + 1)
        elif char in '\\`"$' or (char == "'" and closer == ")"):
            place, closed = _skip_quoted(text, place, depth + 1)
        else:
            place, closed = place + 1, True
        if not closed or depth > MAX_NESTING:
            return len(text), False
    return place, False


def unquote(raw: str) -> Word:
    """Remove the quotes of one word and say whether the shell would leave the rest alone."""
    out: list[str] = []
    place, literal = 0, not raw.startswith("~")
    while place < len(raw):
        char = raw[place]
        if char == "'":
            end = raw.find("'", place + 1)
            end = len(raw) if end < 0 else end
            out.append(raw[place + 1 : end])
            place = end + 1
        elif char == '"':
            end, _ = _skip_until(raw, place + 1, '"', 0)
            body, plain = fill_in(raw[place + 1 : max(end - 1, place + 1)], quote='"')
            out.append(body)
            literal = literal and plain
            place = end
        elif char == "\\":
            out.append(raw[place + 1 : place + 2].replace("\n", ""))
            place += 2
        else:
            literal = literal and char not in "$`*?["
            out.append(char)
            place += 1
    braces = re.search(r"(?<!\$)\{[^{}\s'\"]*(?:,|\.\.)[^{}\s'\"]*\}", raw)
    quoted = raw[:1] in "'\""
    return Word("".join(out), literal and (quoted or braces is None))


def fill_in(body: str, quote: str = "") -> tuple[str, bool]:
    """Undo the escapes of double-quoted or here-document text; false where a `$` is filled in."""
    plain = re.sub(r"\\(\n|[\\$`" + quote + "])", lambda m: "" if m[1] == "\n" else m[1], body)
    without = re.sub(r"\\.", "", body, flags=re.DOTALL)
    return plain, re.search(r"`|\$[\w({@*#?!$-]", without) is None


def parse_shell(text: str) -> Script:
    """Split shell text into its simple commands.

    A text that is too long, or whose quotes do not close, has no commands and is not simple.
    """
    if len(text) > MAX_SHELL_CHARS:
        return Script((), False)
    tokens, closed = lex(text)
    if not closed:
        return Script((), False)
    builder = _Builder([token.text for token in tokens if token.kind == "heredoc"])
    for token in tokens:
        builder.take(token)
    builder.finish("")
    return Script(tuple(builder.commands), builder.simple)


class _Builder:
    """Gathers tokens into commands."""

    def __init__(self, bodies: list[str]) -> None:
        self.commands: list[Command] = []
        self.simple = True
        self._bodies = bodies
        self._joined = ""
        self._words: list[Word] = []
        self._assignments: list[str] = []
        self._redirects: list[Redirect] = []
        self._open = ""

    def take(self, token: Token) -> None:
        if token.kind == "redirect":
            self._open = token.text
        elif token.kind == "word":
            self._word(token.text)
        elif token.kind == "operator":
            self.simple = self.simple and token.text not in {"(", ")", ";;"}
            self.finish(token.text)

    def _word(self, raw: str) -> None:
        if self._open:
            self._redirects.append(self._redirect(raw))
            self._open = ""
            return
        if not self._words:
            if match := _ASSIGNMENT.match(raw):
                self._assignments.append(match[1])
                return
            self.simple = self.simple and raw not in _RESERVED
        self._words.append(unquote(raw))

    def _redirect(self, raw: str) -> Redirect:
        operator = self._open.lstrip("0123456789&")
        fd = self._open[: len(self._open) - len(operator)]
        if operator not in {"<<", "<<-"}:
            return Redirect(fd, operator, unquote(raw))
        body = self._bodies.pop(0) if self._bodies else ""
        lines = body.splitlines(keepends=True)[:-1]
        if operator == "<<-":
            lines = [line.lstrip("\t") for line in lines]
        text = "".join(lines)
        if any(char in raw for char in "'\"\\"):
            return Redirect(fd, operator, Word(text, True))
        return Redirect(fd, operator, Word(*fill_in(text)))

    def finish(self, operator: str) -> None:
        if self._words or self._assignments or self._redirects:
            self.commands.append(
                Command(
                    joined=self._joined if self.commands else "",
                    words=tuple(self._words),
                    assignments=tuple(self._assignments),
                    redirects=tuple(self._redirects),
                )
            )
            self._joined = operator
        elif operator != "\n":
            self._joined = operator
        if operator == "&":
            self.simple = False
        self._words, self._assignments, self._redirects = [], [], []
        self._open = ""
