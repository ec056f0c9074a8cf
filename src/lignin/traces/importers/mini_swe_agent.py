"""mini-swe-agent trajectories: one document with `messages`, or the bare list of them.

One step per message; `Step.index` is its 1-based place. The command is read from the message's
declared actions or tool calls, in older files from the one shell block of its text; the message
after it is the observation, of which the return code is read. The `exit` message that tells how
the run ended is no step.
"""

import re
from typing import Any, Literal

from lignin.domain.traces import ImportedTrace, RawRecord, Step, ToolCall, Trajectory
from lignin.traces.chat import ROLES, Chat, read_calls, read_usage, split_content
from lignin.traces.fields import (
    as_exit_code,
    as_identity,
    as_list,
    as_microusd,
    as_object,
    as_text,
)
from lignin.traces.hiding import HIDDEN, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.lines import read_document
from lignin.traces.units import file_stem

_DOCUMENT = re.compile(rb'"(?:mini_version|trajectory_format|instance_cost)"\s*:')
_MESSAGES = re.compile(rb'"messages"\s*:\s*\[')
_BARE = re.compile(rb'^[\xef\xbb\xbf\s]*\[\s*\{\s*"role"\s*:')
_MARKS = (b"<returncode>", b"_SWE_AGENT_FINAL_OUTPUT", b"COMPLETE_TASK_AND_SUBMIT", b"Observation:")
_BLOCK = re.compile(r"```(?:mswea_bash_command|bash|sh)\s*\n(.*?)\n?```", re.DOTALL)
_RETURN_CODE = re.compile(r"<returncode>\s*(-?\d{1,9})\s*</returncode>")
_OUTPUT = re.compile(r"<output>\n?(.*)</output>", re.DOTALL)
_FAILURES = frozenset({"LimitsExceeded", "TimeExceeded", "RepeatedFormatError"})
_UNDECLARED = frozenset({"", "Submitted", "UserInterruption"})


def _outcome(status: str) -> Literal["failure", "infrastructure"] | None:
    # "Submitted" says that a patch was handed in, not that it is right.
    if status in _UNDECLARED:
        return None
    return "failure" if status in _FAILURES else "infrastructure"


def _calls(message: dict[str, Any], text: str, index: int) -> tuple[ToolCall, ...]:
    declared = read_calls(message.get("tool_calls"), index)
    if declared:
        return declared
    actions = as_list(as_object(message.get("extra")).get("actions"))
    commands = [
        (as_text(action.get("command")), as_text(action.get("tool_call_id")))
        for action in actions
        if isinstance(action, dict)
    ]
    if not actions:
        blocks = [block.strip() for block in _BLOCK.findall(text)]
        commands = [(blocks[0], "")] if len(blocks) == 1 else []
    return tuple(
        ToolCall(
            call_id=call_id or f"message-{index}-{number}",
            name="bash",
            arguments={"command": command},
        )
        for number, (command, call_id) in enumerate(commands)
    )


def _observe(chat: Chat, message: dict[str, Any], text: str) -> int | None:
    extra = as_object(message.get("extra"))
    code = as_exit_code(extra.get("returncode"))
    written = _RETURN_CODE.search(text)
    if code is None and written:
        code = int(written[1])
    output = _OUTPUT.search(text)
    raw = extra.get("raw_output")
    observation = as_text(raw) if isinstance(raw, str) else output[1] if output else text
    return chat.answer(
        as_text(message.get("tool_call_id")) or as_text(message.get("call_id")),
        observation,
        is_error=None if code is None else code != 0,
        exit_code=code,
    )


def _add(chat: Chat, message: dict[str, Any], index: int, model: str) -> None:
    role = ROLES.get(as_text(message.get("role")), "user")
    content = message.get("content")
    if message.get("type") == "function_call_output":
        role, content = "tool", message.get("output")
    if message.get("object") == "response":
        role, content = "assistant", [as_object(e) for e in as_list(message.get("output"))]
        content = [each.get("content") for each in content]
        content = [block for blocks in content for block in as_list(blocks)]
    text, reasoning = split_content(content)
    extra = as_object(message.get("extra"))
    is_answer = role == "tool" or (role == "user" and bool(chat.open_calls))
    parent = _observe(chat, message, text) if is_answer else None
    spoke = role == "assistant"
    response = as_object(extra.get("response"))
    tokens = read_usage(response.get("usage")) if spoke else (None, None)
    chat.add(
        Step(
            index=index,
            role="tool" if parent is not None else role,
            text=text,
            reasoning=reasoning or as_text(message.get("reasoning_content")),
            calls=_calls(message, text, index) if spoke else (),
            model=(as_text(response.get("model")) or model) if spoke else "",
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cost_microusd=as_microusd(extra.get("cost")) if spoke else None,
            parent=parent,
        )
    )


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return the run in a file; see the module for what a step is."""
    document, problem = read_document(data)
    top = as_object(document)
    info = as_object(top.get("info"))
    messages = document if isinstance(document, list) else as_list(top.get("messages"))
    config = as_object(info.get("config"))
    model = as_text(as_object(config.get("model")).get("model_name"))
    chat = Chat()
    for place, message in enumerate(messages, start=1):
        if isinstance(message, dict) and message.get("role") != "exit":
            _add(chat, message, place, model)
    task = as_identity(top.get("instance_id"))
    trajectory = Trajectory(
        source=name,
        format="mini_swe_agent",
        session=file_stem(name) or "run",
        steps=tuple(chat.steps),
        task_id=task if task is not None else file_stem(name) or None,
        agent="mini-swe-agent",
        model=model,
        cwd=as_text(as_object(config.get("environment")).get("cwd")),
        outcome=_outcome(as_text(info.get("exit_status"))),
    )
    odd = sum(not isinstance(message, dict) for message in messages)
    return ImportedTrace(
        sessions=((trajectory, (RawRecord(content=data, line=1),) if data else ()),),
        problems=(problem,) if problem else (),
        skipped={"message that is no object": odd} if odd else {},
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file is a mini-swe-agent trajectory."""
    if _BARE.match(head[:4096]):
        marked = any(mark in head for mark in _MARKS)
        return 0.7 if marked and (b"```bash" in head or b"mswea_bash_command" in head) else 0.0
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return 0.0
    if b'"mini-swe-agent' in head and b'"trajectory_format"' in head:
        return 0.95
    return 0.85 if _DOCUMENT.search(head) and _MESSAGES.search(head) else 0.0


_VERDICTS: Rule = dict.fromkeys(
    ("exit_status", "submission", "resolved", "exit_reason", "traceback", "exception_str"), HIDDEN
)


def _message_rule(message: Any) -> Rule:
    if isinstance(message, dict) and message.get("role") == "exit":
        return {"content": HIDDEN, "extra": HIDDEN}
    return {"extra": _VERDICTS}


_MESSAGE_LIST: Rule = {"*": _message_rule}
# The elements of a bare list get the rule of the whole: a message has no member of these names.
hide = hider({"info": _VERDICTS, "messages": _MESSAGE_LIST, **_VERDICTS, "extra": _VERDICTS})

IMPORTER = Importer(name="mini_swe_agent", sniff=sniff, parse=parse, hide=hide)
