"""What a run did: its calls, which of them changed something, and whether they worked.

Knows no domain. Whether a call reads or writes is what the trace's own tool definitions declare; else
it is inferred from the verbs of the tool's name, and for a shell from the programs it runs; what is not
known to read counts as writing. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.effects import Effect, canonical
from lignin.domain.traces import Step, ToolCall, ToolEffect, Trajectory
from lignin.traces.code.shell import parse_shell

CallEffect = Literal["read", "write", "answer", "hand over"]
NOTHING_DECLARED: Mapping[str, ToolEffect] = {}

_READ_VERBS = frozenset(
    [
        "analyse",
        "analyze",
        "ask",
        "browse",
        "calculate",
        "cat",
        "check",
        "compute",
        "count",
        "describe",
        "explain",
        "fetch",
        "find",
        "get",
        "glob",
        "grep",
        "head",
        "inspect",
        "list",
        "load",
        "lookup",
        "ls",
        "open",
        "plan",
        "query",
        "read",
        "reason",
        "retrieve",
        "review",
        "scroll",
        "search",
        "show",
        "summarize",
        "tail",
        "thought",
        "think",
        "validate",
        "verify",
        "view",
        "wait",
    ]
)
_READ_NOUNS = frozenset(["calculator", "lookup", "read", "search", "view"])
_WRITE_VERBS = frozenset(
    [
        "add",
        "apply",
        "assign",
        "book",
        "buy",
        "cancel",
        "change",
        "charge",
        "commit",
        "copy",
        "create",
        "delete",
        "deploy",
        "disable",
        "edit",
        "enable",
        "exchange",
        "grant",
        "insert",
        "install",
        "modify",
        "move",
        "order",
        "patch",
        "pay",
        "post",
        "publish",
        "put",
        "refund",
        "register",
        "remove",
        "rename",
        "replace",
        "replay",
        "reset",
        "resume",
        "return",
        "run",
        "save",
        "schedule",
        "send",
        "set",
        "start",
        "stop",
        "submit",
        "suspend",
        "transfer",
        "update",
        "upload",
        "write",
    ]
)
_HAND_OVER = re.compile(r"transfer\w*_to_|escalat|hand_?(?:off|over)|human", re.IGNORECASE)
_ANSWERS = frozenset(["answer", "complete", "done", "final_answer", "finish", "submit"])
_SAYING = frozenset(["exit", "message_user", "reply", "respond", "say"])
_SHELLS = frozenset(
    [
        "bash",
        "execute_bash",
        "execute_command",
        "run_command",
        "run_shell",
        "sh",
        "shell",
        "terminal",
    ]
)
_SHELL_READERS = frozenset(
    [
        "awk",
        "basename",
        "cat",
        "cd",
        "date",
        "df",
        "diff",
        "dirname",
        "du",
        "echo",
        "env",
        "false",
        "file",
        "find",
        "grep",
        "head",
        "jq",
        "less",
        "ls",
        "printf",
        "ps",
        "pwd",
        "rg",
        "sed",
        "sort",
        "stat",
        "tail",
        "test",
        "tree",
        "true",
        "type",
        "uniq",
        "wc",
        "which",
        "whoami",
    ]
)
_ERROR = re.compile(
    r"""(?:# var_\d{1,6} = )?["'\[(<{]*\s{0,20}(?:error|exception|traceback|fatal|failed)\b""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A call as it was made: at which step, what for, and whether it worked."""

    step: int
    call: ToolCall
    kind: CallEffect
    failed: bool
    effect: Effect


def effect_of(call: ToolCall, tools: Mapping[str, ToolEffect] = NOTHING_DECLARED) -> CallEffect:
    """Return whether a call reads, changes something, gives the answer, or hands the work over.

    Args:
        tools: What the trace declares of its tools; it wins over what names tell.
    """
    name = call.name.rpartition("__")[2]
    if _HAND_OVER.search(name):
        return "hand over"
    if name.lower() in _ANSWERS:
        return "answer" if call.arguments else "read"
    if name.lower() in _SAYING:
        return "read"
    if declared := tools.get(call.name) or tools.get(name):
        return declared
    if name.lower() in _SHELLS:
        return _shell_effect(call.arguments)
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    if not words:
        return "write"
    if words[0] in _WRITE_VERBS:
        return "write"
    command = call.arguments.get("command")
    if isinstance(command, str) and command.lower() in _READ_VERBS:
        return "read"
    reads = words[0] in _READ_VERBS or words[-1] in _READ_NOUNS
    return "read" if reads and "and" not in words else "write"


def _shell_effect(arguments: Mapping[str, Json]) -> CallEffect:
    for name in ("command", "cmd", "input", "script", "code"):
        text = arguments.get(name)
        if isinstance(text, list):
            text = " ".join(str(word) for word in text)
        if not isinstance(text, str):
            continue
        script = parse_shell(text)
        reads = script.commands and all(
            command.words
            and command.words[0].text.rpartition("/")[2] in _SHELL_READERS
            and not any(
                word.text.startswith("-i") or word.text == "-delete" for word in command.words
            )
            and not any(
                ">" in redirect.operator and redirect.target.text != "/dev/null"
                for redirect in command.redirects
                if not redirect.target.text.isdigit()
            )
            for command in script.commands
        )
        return "read" if reads else "write"
    return "write"


def is_failed(call: ToolCall) -> bool:
    """True where a call came back with an error."""
    if call.is_error or call.exit_code:
        return True
    return call.is_error is None and bool(_ERROR.match(call.observation or ""))


def calls_of(trajectory: Trajectory) -> Iterator[Made]:
    """Yield the calls of the agent in order; those of a simulated user are not its own."""
    for step in trajectory.steps:
        for call in step.calls:
            if call.requestor == "assistant":
                yield _made(step, call, trajectory.tools)


def _made(step: Step, call: ToolCall, tools: Mapping[str, ToolEffect]) -> Made:
    return Made(
        step=step.index,
        call=call,
        kind=effect_of(call, tools),
        failed=is_failed(call),
        effect=Effect(call.name, canonical(dict(call.arguments))),
    )


def unrepaired(calls: Sequence[Made]) -> tuple[Made, ...]:
    """Return the failed changes after which the same tool never worked again."""
    worked = {made.call.name: number for number, made in enumerate(calls) if not made.failed}
    return tuple(
        made
        for number, made in enumerate(calls)
        if made.failed and made.kind == "write" and worked.get(made.call.name, -1) < number
    )
