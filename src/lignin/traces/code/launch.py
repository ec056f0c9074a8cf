"""Reads one simple command: does it run a program, and which words, input and code go to it?"""

import re
from dataclasses import dataclass
from typing import Literal

from lignin.traces.code.shell import Command, Word

Language = Literal["python", "shell"]

_PYTHON = re.compile(r"python(?:[23](?:\.\d+)?)?\Z")
_SHELL = frozenset(["bash", "sh", "dash", "zsh"])
_HARMLESS = frozenset(
    [
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "PYTHONIOENCODING",
        "PYTHONWARNINGS",
        "LANG",
        "LC_ALL",
        "VIRTUAL_ENV",
        "PATH",
        "NO_COLOR",
    ]
)
_PYTHON_TAKES_WORD = frozenset(["-X", "-W"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A program about to be run: a file (`path`), a module, or code given in place (`code`).

    `exact` is false where something about the run is unknown: a word the shell fills in, an
    environment variable set for it, output sent elsewhere, tracing switched on.
    """

    language: Language
    path: str = ""
    code: str | None = None
    how: Literal["file", "inline", "heredoc"] = "file"
    literal_code: bool = True
    argv: tuple[str, ...] = ()
    exact: bool = True


def read_launch(command: Command) -> Launch | None:
    """Return what a command runs, or None where it runs no Python or shell code."""
    words, known = _without_wrappers(command)
    if not words:
        return None
    known = known and not _is_diverted(command)
    name = words[0].text.rsplit("/", 1)[-1]
    if _PYTHON.match(name):
        return _python(words[1:], command, known)
    if name in _SHELL:
        return _shell(words[1:], command, known)
    if "/" in words[0].text and words[0].literal:
        return _file("python" if words[0].text.endswith(".py") else "shell", words, known)
    return None


def _without_wrappers(command: Command) -> tuple[tuple[Word, ...], bool]:
    """Drop `env A=b`, `timeout 5`, `command` in front; say whether the environment is unchanged."""
    words = command.words
    known = all(name in _HARMLESS for name in command.assignments)
    while words:
        if words[0].text == "timeout" and len(words) > 2:
            words = words[2:]
        elif words[0].text == "command":
            words = words[1:]
        elif words[0].text == "env" and len(words) > 1:
            words = words[1:]
            while words and "=" in words[0].text:
                known = known and words[0].text.split("=", 1)[0] in _HARMLESS
                words = words[1:]
        else:
            break
    return words, known


def _is_diverted(command: Command) -> bool:
    """True where standard output does not reach the observation."""
    return any(
        (redirect.operator in {">", ">>", ">|"} and redirect.fd in {"", "1", "&"})
        or (redirect.operator == ">&" and redirect.fd in {"", "1"})
        or redirect.operator == "<>"
        for redirect in command.redirects
    )


def _file(language: Language, words: tuple[Word, ...], known: bool) -> Launch | None:
    if not words or not words[0].literal:
        return None
    return Launch(
        language=language,
        path=words[0].text,
        argv=tuple(word.text for word in words[1:]),
        exact=known and all(word.literal for word in words),
    )


def _python(words: tuple[Word, ...], command: Command, known: bool) -> Launch | None:
    while words and words[0].text.startswith("-") and words[0].text != "-":
        flag = words[0].text
        if flag == "-m" and len(words) > 1:
            module = Word(words[1].text.replace(".", "/") + ".py", words[1].literal)
            return _file("python", (module, *words[2:]), known)
        if flag == "-c" and len(words) > 1:
            return _in_place("python", "inline", words[1], words[2:], known)
        words = words[2:] if flag in _PYTHON_TAKES_WORD else words[1:]
    if words and words[0].text != "-":
        return _file("python", words, known)
    body = _body(command)
    return _in_place("python", "heredoc", body, words[1:], known) if body else None


def _shell(words: tuple[Word, ...], command: Command, known: bool) -> Launch | None:
    reads_input = False
    while words and words[0].text.startswith("-"):
        flag = words[0].text
        known = known and "x" not in flag and "v" not in flag
        if flag.endswith("c") and len(words) > 1:
            return _in_place("shell", "inline", words[1], words[3:], known)
        reads_input = reads_input or flag in {"-s", "-"}
        words = words[1:]
        if reads_input:
            break
    if words and not reads_input:
        return _file("shell", words, known)
    body = _body(command)
    return _in_place("shell", "heredoc", body, words, known) if body else None


def _in_place(
    language: Language,
    how: Literal["inline", "heredoc"],
    code: Word,
    rest: tuple[Word, ...],
    known: bool,
) -> Launch:
    return Launch(
        language=language,
        code=code.text,
        literal_code=code.literal,
        how=how,
        argv=tuple(word.text for word in rest),
        exact=known and code.literal and all(word.literal for word in rest),
    )


def _body(command: Command) -> Word | None:
    return next((r.target for r in command.redirects if r.operator in {"<<", "<<-", "<<<"}), None)
