"""What the words of well-known commands are called, and which of them are code. Pure.

Owns two tables: names for a person (`git commit -m` takes a message), and the words by which a
program runs other code, where no value of a caller may stand.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.commands import Part, Word
from lignin.domain.errors import InvalidRequestError

LINES = r"[0-9]*,?[0-9$]+p"
PLAIN = r"[A-Za-z0-9_./-]+"
_PATTERNS: Mapping[str, tuple[str, str]] = {"sed": ("-n", LINES), "make": ("", PLAIN)}
"""Programs whose words are code, and what words of theirs are none; the first with which flag."""

_NAMED: Mapping[str, tuple[str, str]] = {
    "grep 1": ("pattern", "what to look for"),
    "rg 1": ("pattern", "what to look for"),
    "cd 1": ("folder", "the folder to work in"),
    "find 1": ("folder", "the folder to search"),
    "find -name": ("name", "the name to look for"),
    "git commit -m": ("message", "the commit's message"),
    "git checkout 1": ("branch", "what to check out"),
    "git checkout -b": ("branch", "the new branch"),
    "git switch 1": ("branch", "the branch to switch to"),
    "git push 2": ("branch", "the branch to push"),
    "git init 1": ("repository", "the folder of the repository"),
    "cp 1": ("source", "what to copy"),
    "cp 2": ("target", "where to copy it to"),
    "mv 1": ("source", "what to move"),
    "mv 2": ("target", "where to move it to"),
    "cat 1": ("path", "the file to read"),
    "git add 1": ("path", "what to add"),
    "rm 1": ("path", "what to remove"),
    "ls 1": ("folder", "the folder to list"),
    "touch 1": ("path", "the file to make"),
    "head 1": ("path", "the file to read"),
    "tail 1": ("path", "the file to read"),
    "echo 1": ("text", "what to say"),
    "python 1": ("script", "the script to run"),
    "python3 1": ("script", "the script to run"),
    "python -m": ("module", "the module to run"),
    "pytest 1": ("tests", "the tests to run"),
    "git diff 1": ("path", "what to compare"),
    "git push 1": ("remote", "where to push to"),
    "mkdir 1": ("folder", "the folder to make"),
    "mkdir -p": ("folder", "the folder to make"),
    "pip install 1": ("package", "the package to install"),
    "sed 1": ("lines", "which lines, as in 1,20p"),
    "make 1": ("target", "what to make"),
}
_INTERPRETERS = frozenset(
    [
        "sh",
        "bash",
        "dash",
        "zsh",
        "ksh",
        "fish",
        "python",
        "python3",
        "perl",
        "ruby",
        "node",
        "php",
        "git",
        "rsync",
        "tar",
    ]
)
_SHELLS = frozenset(
    ["sh", "bash", "dash", "zsh", "ksh", "fish", "python", "python3", "perl", "ruby", "node", "php"]
)
_WRAPPERS = frozenset(
    [
        "eval",
        "exec",
        "source",
        ".",
        "ssh",
        "xargs",
        "env",
        "sudo",
        "su",
        "nohup",
        "time",
        "timeout",
        "watch",
        "parallel",
        "nice",
    ]
)
_PROGRAM_FIRST = frozenset(["awk", "gawk", "mawk", "ed", "ex", "vi", "vim"])
_RUNNING = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_CODE_FLAG = re.compile(r"-[a-zA-Z]*[ceE]|--(?:eval|execute|print|run)")
_CODE_OPTION = re.compile(
    r"--[\w-]*(?:exec|command|program|action|eval|rsh|pack|pager|shell)[\w-]*="
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a word stands: what it is called, what it is, and the form it must have (or none)."""

    name: str = ""
    what: str = ""
    pattern: str = ""


def heading(part: Part) -> str:
    """A part's program with its verb, as a person speaks of it."""
    words = part.words
    verb = words[1].text if len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1].text) else ""
    name = words[0].text.rpartition("/")[2]
    return f"{name} {verb}" if verb and not words[1].place else name


def standing(part: Part, word: Word) -> Standing:
    """Return what a word with a place is to its program."""
    title = heading(part)
    number, flag = 0, ""
    for each in part.words[1:]:
        number += bool(each.place) and not each.text
        if each is word:
            break
        flag = "" if each.place else each.text
    option = word.text.strip("-=").replace("-", "_")
    if option:
        return Standing(option, f"the value of {word.text[:-1]}")
    key = f"{title} {flag}" if f"{title} {flag}" in _NAMED else f"{title} {number}"
    name, what = _NAMED.get(key, ("", f"what `{title}` is given"))
    needs, pattern = _PATTERNS.get(part.program, ("", ""))
    texts = {each.text for each in part.words}
    strict = (
        bool(pattern) and (number == 1 or part.program != "sed") and (not needs or needs in texts)
    )
    return Standing(name, what, pattern if strict else "")


def require_no_code(parts: Sequence[Part], varying: Collection[str]) -> None:
    """Raise where a value that varies would be run as code by a program of a command.

    Args:
        varying: The places whose values are not fixed.

    Raises:
        InvalidRequestError: Which program would run it.
    """
    for number, part in enumerate(parts):
        name = part.program.rpartition("/")[2]
        mine = [word for word in part.words if word.place in varying]
        piped = part.joined.startswith("|") and any(
            word.place in varying for other in parts[:number] for word in _all(other)
        )
        told = any(target.place in varying for kind, target in part.redirects if kind == "<<<")
        first = next((word for word in part.words if word.place and not word.text), None)
        flags = zip(part.words, part.words[1:], strict=False)
        if (
            (name in _WRAPPERS and mine)
            or (name in _SHELLS and (piped or told))
            or (name in _PROGRAM_FIRST and first in mine)
            or (name == "sed" and first in mine and not standing(part, first).pattern)
            or (name == "find" and _follows(part, _RUNNING, mine))
            or any(_CODE_OPTION.match(word.text) for word in mine)
            or any(
                name in _INTERPRETERS and _CODE_FLAG.fullmatch(flag.text) and word in mine
                for flag, word in flags
            )
        ):
            raise InvalidRequestError(f"`{name}` would run as code what varies between uses")


def _follows(part: Part, flags: Collection[str], mine: Sequence[Word]) -> bool:
    """True where a varying word stands behind one of some flags."""
    places = [number for number, word in enumerate(part.words) if word.text in flags]
    return bool(places) and any(word in mine for word in part.words[places[0] :])


def _all(part: Part) -> tuple[Word, ...]:
    return (*part.words, *(target for _, target in part.redirects))


def placed(parts: Sequence[Part] | None) -> list[Word]:
    """The words of a command that arguments go into, redirects included."""
    return [
        word
        for part in parts or ()
        for word in (*part.words, *(target for _, target in part.redirects))
        if word.place
    ]


def stands_as(parts: Sequence[Part] | None, word: Word) -> Standing:
    for part in parts or ():
        if any(each is word for each in part.words):
            return standing(part, word)
        for kind, target in part.redirects:
            if target is word:
                is_text = kind == "<<<"
                return Standing(
                    "content" if is_text else "file", "the text" if is_text else "the file"
                )
    return Standing()


def reads_as_option(parts: Sequence[Part], word: Word) -> bool:
    """True where a value stands as a word of its own, so that a dash in front would mean something."""
    return not word.text and any(each is word for part in parts for each in part.words)
