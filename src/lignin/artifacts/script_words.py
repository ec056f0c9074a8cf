"""What the words of well-known commands are called: `git commit -m` takes a message. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.commands import Part, Word

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


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a word stands: what it is called, and what it is."""

    name: str = ""
    what: str = ""


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
    return Standing(name, what)


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


def about(parts: Sequence[Part], word: Word) -> str:
    """The program with its verb whose word, or redirect, it is."""
    mine = (part for part in parts if any(each is word for each in placed((part,))))
    return heading(next(mine, parts[0]))


def reads_as_option(parts: Sequence[Part], word: Word) -> bool:
    """True where a value stands as a word of its own, so that a dash in front would mean something."""
    return not word.text and any(each is word for part in parts for each in part.words)
