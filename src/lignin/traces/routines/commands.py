"""A shell command as a tool with arguments: `git commit -m {1}` is the tool, its words the slots.

Programs and flags are the tool's name, in the order they were written. Words are literal or kept as
they stand; nothing is filled in or run. Pure.
"""

import re

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


def _read(command: Command, label: list[str], words: list[str]) -> None:
    texts = [word.text for word in command.words]
    if not texts:
        label.append("=".join([*command.assignments, ""]))
        return
    label.append(texts[0].rpartition("/")[2])
    rest = texts[1:]
    if label[-1] in _WITH_VERBS and rest and _VERB.fullmatch(rest[0]):
        label.append(rest.pop(0))
    for text in rest:
        flag, equals, value = text.partition("=")
        if text.startswith("--") and equals:
            words.append(value)
            label.append(f"{flag}={{{len(words)}}}")
        elif text.startswith("-") and len(text) > 1 and not text[1].isdigit():
            label.append(text)
        else:
            words.append(text)
            label.append(f"{{{len(words)}}}")
    for redirect in command.redirects:
        words.append(redirect.target.text)
        label.append(f"{redirect.fd}{redirect.operator} {{{len(words)}}}")
