"""A shell command as a tool with arguments: `git commit -m {1}` is the tool, its words the slots.

Programs and flags are the tool's name, in the order they were written (`domain.commands` reads it).
Words are literal or kept as they stand; nothing is filled in or run. Pure.
"""

import re
from collections.abc import Sequence
from shlex import quote

from lignin.domain.codec import Json
from lignin.domain.traces import ToolCall
from lignin.traces.code.shell import Command, parse_shell
from lignin.traces.code.tools import Shell, read_actions

_WITH_VERBS = frozenset(
    [
        "apt",
        "apt-get",
        "brew",
        "cargo",
        "conda",
        "docker",
        "gh",
        "git",
        "go",
        "helm",
        "hg",
        "kubectl",
        "make",
        "npm",
        "npx",
        "pip",
        "pip3",
        "pnpm",
        "poetry",
        "svn",
        "systemctl",
        "terraform",
        "uv",
        "yarn",
    ]
)
_VERB = re.compile(r"[a-z][a-z-]*")
_SHELL_ARGUMENTS = ("command", "cmd", "action", "script")
_FOLDERS = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin"})
_BODIES = frozenset({"<<", "<<-"})
_MAX_COMMANDS = 8
_MAX_WORDS = 24


def as_command(call: ToolCall) -> tuple[str, dict[str, Json]] | None:
    """Return the programs that a call runs and its words by place; None where it is no shell call."""
    if not any(name in call.arguments for name in _SHELL_ARGUMENTS):
        return None
    actions = read_actions(call)
    if len(actions) != 1 or not isinstance(actions[0], Shell):
        return None
    script = parse_shell(actions[0].text)
    if not script.simple or not 0 < len(script.commands) <= _MAX_COMMANDS:
        return None
    label: list[str] = []
    words: list[str] = []
    for command in script.commands:
        if command.joined:
            label.append("&&" if command.joined in (";", "\n") else command.joined)
        _read(command, label, words)
    if not label or len(words) > _MAX_WORDS:
        return None
    return " ".join(label), {str(place): word for place, word in enumerate(words, start=1)}


def is_literal(call: ToolCall) -> bool:
    """True where a shell call says all that it does itself: nothing is filled in by the shell."""
    return all(
        command.is_literal
        for action in read_actions(call)
        if isinstance(action, Shell)
        for command in parse_shell(action.text).commands
    )


def _read(command: Command, label: list[str], words: list[str]) -> None:
    label.extend(f"{name}=" for name in command.assignments)
    texts = [word.text for word in command.words]
    if texts:
        _read_words(texts, label, words)
    for redirect in command.redirects:
        operator, target = redirect.operator, redirect.target.text
        if operator in _BODIES:
            operator, target = "<<<", target.removesuffix("\n")
        words.append(target)
        label.append(f"{redirect.fd}{operator} {{{len(words)}}}")


def _read_words(texts: Sequence[str], label: list[str], words: list[str]) -> None:
    program, *rest = texts
    folder, _, name = program.rpartition("/")
    program = name if folder in _FOLDERS and name else program
    label.append(quote(program))
    if program in _WITH_VERBS and rest and _VERB.fullmatch(rest[0]):
        label.append(rest.pop(0))
    for text in rest:
        flag, equals, value = text.partition("=")
        if text.startswith("--") and equals:
            words.append(value)
            label.append(f"{quote(flag)}={{{len(words)}}}")
        elif text.startswith("-") and len(text) > 1 and not text[1].isdigit():
            label.append(quote(text))
        else:
            words.append(text)
            label.append(f"{{{len(words)}}}")
