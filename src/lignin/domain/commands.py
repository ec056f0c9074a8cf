"""A shell command as the name of a tool: `git commit -m {1}`, its words being arguments by place.

Owns the form of such a name and how a command is written back from it. A word that a value goes into
is always quoted, so no value becomes shell syntax; what the name itself says is quoted where it has to
be, so that no flag reads as an operator or a place.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import Routine

_TOKEN = re.compile(r"(?:'[^']*'|\"'\"|[^\s'\"])+")
_PLACE = re.compile(r"(.*?=)?\{(\d+)\}")
_REDIRECT = re.compile(r"(?:\d+|&)?(?:<<<|<>|<&|<|>>|>&|>\||>)")
_SETTING = re.compile(r"[A-Za-z_]\w*=")
_OPERATORS = frozenset({"&&", "||", "|", "|&"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command: fixed text, or text with an argument's place behind it."""

    text: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One program of a command.

    Args:
        joined: The operator in front of it; empty for the first.
        words: The program and its words.
        redirects: What is redirected, and where to.
    """

    joined: str = ""
    words: tuple[Word, ...] = ()
    redirects: tuple[tuple[str, Word], ...] = ()

    @property
    def program(self) -> str:
        """What is run."""
        return self.words[0].text


def parse_command(tool: str) -> tuple[Part, ...]:
    """Read a command's name.

    Raises:
        InvalidRequestError: It sets a variable, or is not of this form.
    """
    parts: list[Part] = []
    joined, words, redirects, open_redirect = "", list[Word](), list[tuple[str, Word]](), ""

    def finish() -> None:
        if not words or words[0].place:
            raise InvalidRequestError(f"{tool!r} is no command that can be written again")
        parts.append(Part(joined=joined, words=tuple(words), redirects=tuple(redirects)))

    for raw in _TOKEN.findall(tool):
        if raw in _OPERATORS:
            finish()
            joined, words, redirects = raw, [], []
        elif open_redirect:
            redirects.append((open_redirect, _word(raw)))
            open_redirect = ""
        elif _REDIRECT.fullmatch(raw):
            open_redirect = raw
        elif not words and _SETTING.fullmatch(raw):
            raise InvalidRequestError(f"{tool!r} sets a variable to what its name does not tell")
        else:
            words.append(_word(raw))
    finish()
    return tuple(parts)


def _word(raw: str) -> Word:
    found = _PLACE.fullmatch(raw)
    if found:
        return Word(_unquoted(found[1] or ""), found[2])
    return Word(_unquoted(raw))


def _unquoted(raw: str) -> str:
    return "".join(shlex.split(raw))


def of_step(number: int, parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return a command whose places say which of several commands they are of: `2:1`."""

    def mine(word: Word) -> Word:
        return replace(word, place=f"{number}:{word.place}") if word.place else word

    return tuple(
        replace(
            part,
            words=tuple(map(mine, part.words)),
            redirects=tuple((kind, mine(target)) for kind, target in part.redirects),
        )
        for part in parts
    )


def is_plain(parts: Sequence[Part]) -> bool:
    """True where one program is run with words and nothing else, so that no shell is needed."""
    return len(parts) == 1 and not parts[0].redirects


def shell_text(parts: Sequence[Part], write: Callable[[Word], str]) -> str:
    """Return a command as a line for a shell; `write` says how a word stands in it."""
    pieces: list[str] = []
    for part in parts:
        pieces += [part.joined] if part.joined else []
        pieces += [write(word) for word in part.words]
        for operator, target in part.redirects:
            glued = operator.endswith("&")
            pieces += [operator + write(target)] if glued else [operator, write(target)]
    return " ".join(pieces)


def in_their_folders(
    commands: Sequence[tuple[Part, ...]],
) -> list[tuple[Part, ...] | None]:
    """Return commands as each can be run by itself: `cd` before it, where one came alone before.

    None stands for a command that only goes to a folder.

    Raises:
        InvalidRequestError: A `cd` within a longer command is followed by one without: whether it
            lasted is not told.
    """
    found: list[tuple[Part, ...] | None] = []
    lasting: tuple[Part, ...] = ()
    may_last = False
    for parts in commands:
        if all(part.program == "cd" and part.joined in ("", "&&") for part in parts):
            lasting = _joined(lasting, parts)
            found.append(None)
            continue
        goes = parts[0].program == "cd"
        if may_last and not goes:
            raise InvalidRequestError("whether a `cd` in a longer command lasted is not told")
        may_last = may_last or any(part.program == "cd" for part in parts)
        found.append(_joined(lasting, parts))
    return found


def _joined(first: tuple[Part, ...], then: tuple[Part, ...]) -> tuple[Part, ...]:
    return (*first, replace(then[0], joined="&&"), *then[1:]) if first else then


def argv_of(parts: Sequence[Part], fill: Callable[[str], str]) -> tuple[str, ...]:
    """Return what is started for a command: the program with its words, or `bash -c` with a line."""

    def whole(word: Word) -> str:
        return word.text + fill(word.place) if word.place else word.text

    if is_plain(parts):
        return tuple(whole(word) for word in parts[0].words)
    return "bash", "-c", shell_text(parts, lambda word: quoted(word, whole(word)))


def quoted(word: Word, text: str) -> str:
    """A word for a shell: `--name=value` has its value quoted, all else is quoted as one."""
    if word.place and word.text:
        return shlex.quote(word.text[:-1]) + "=" + shlex.quote(text[len(word.text) :])
    return shlex.quote(text)


def runs_shell(routine: Routine) -> bool:
    """True where every step of a routine is a shell command.

    Raises:
        InvalidRequestError: Some are and some are calls of tools, which no one program can do.
    """
    placed = [bool(step.arguments) and _is_placed(step.arguments) for step in routine.steps]
    other = [bool(step.arguments) and not _is_placed(step.arguments) for step in routine.steps]
    if any(placed) and any(other):
        raise InvalidRequestError("it has both shell commands and calls of tools")
    return any(placed)


def _is_placed(names: Iterable[str]) -> bool:
    return all(name.isdecimal() for name in names)
