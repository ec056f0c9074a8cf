"""SWE-agent trajectories: one JSON document per run.

One step per entry of `trajectory`: thought, call and observation; `Step.index` is the entry's
1-based place. What came before the first entry (system prompt, task) is read from `history` as
steps of index 0; demonstrations are left out. With the function-call parser the call keeps its
tool's name and arguments; in the text form it is the call `bash` of `{"command": action}`, and
SWE-agent's own commands (`open`, `edit`, `submit`) are words of that command.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from lignin.domain.traces import ImportedTrace, RawRecord, Role, Step, ToolCall, Trajectory
from lignin.traces.fields import (
    as_arguments,
    as_identity,
    as_list,
    as_microusd,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.hiding import HIDDEN, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.lines import read_document

_TRAJECTORY = re.compile(rb'"trajectory"\s*:\s*\[')
_ENTRY = re.compile(rb'"(?:observation|action|response)"\s*:')
_INFRASTRUCTURE = re.compile(r"exit_(?:error|environment_error|api)|early_exit")
_FAILURE = re.compile(r"exit_(?:cost|context|format|forfeit|total_execution_time|command_timeout)")
_ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def _object(value: Any) -> dict[str, Any]:
    """Return an object that stands plainly or as JSON text (both occur for state and config)."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return as_object(value)


def _outcome(status: str) -> Literal["failure", "infrastructure"] | None:
    # "submitted" says that a patch was handed in, not that it is right.
    if "submitted" in status:
        return None
    if _INFRASTRUCTURE.match(status):
        return "infrastructure"
    return "failure" if _FAILURE.match(status) else None


def _prompts(history: list[Any]) -> Iterator[Step]:
    for message in history:
        if not isinstance(message, dict) or message.get("is_demo") is True:
            continue
        role = _ROLES.get(as_text(message.get("role")), "user")
        if role in {"assistant", "tool"}:
            return
        yield Step(index=0, role=role, text=content_text(message.get("content")))


def _history_calls(history: list[Any], entries: list[Any]) -> list[list[Any]]:
    """Return the tool calls of each entry, which older files write in `history` only.

    Actions in `history` answer to entries in order; where their texts disagree (a retried or
    rewritten history), nothing is taken over from there on.
    """
    actions = [
        message
        for message in history
        if isinstance(message, dict)
        and message.get("is_demo") is not True
        and message.get("role") == "assistant"
    ]
    calls: list[list[Any]] = [[] for _ in entries]
    for place, (entry, message) in enumerate(zip(entries, actions, strict=False)):
        if as_text(as_object(entry).get("action")) != as_text(message.get("action")):
            break
        calls[place] = as_list(message.get("tool_calls"))
    return calls


def _calls(entry: dict[str, Any], declared: list[Any], index: int) -> tuple[ToolCall, ...]:
    observation = content_text(entry.get("observation"))
    declared = as_list(entry.get("tool_calls")) or declared
    calls = []
    for number, item in enumerate(each for each in declared if isinstance(each, dict)):
        function = as_object(item.get("function"))
        calls.append(
            ToolCall(
                call_id=as_text(item.get("id")) or f"entry-{index}-{number}",
                name=as_text(function.get("name")),
                arguments=as_arguments(function.get("arguments")),
                observation=observation if number == 0 else None,
            )
        )
    action = as_text(entry.get("action"))
    if not calls and action.strip():
        call = ToolCall(
            call_id=f"entry-{index}",
            name="bash",
            arguments={"command": action},
            observation=observation,
        )
        calls.append(call)
    return tuple(calls)


def _step(entry: dict[str, Any], declared: list[Any], index: int, model: str) -> Step:
    thought = as_text(entry.get("thought"))
    response = content_text(entry.get("response"))
    return Step(
        index=index,
        role="assistant",
        text=response or thought,
        reasoning=thought if thought.strip() and thought.strip() != response.strip() else "",
        calls=_calls(entry, declared, index),
        model=model,
        cost_microusd=as_microusd(entry.get("cost")),
        parent=index - 1 if index > 1 else None,
    )


def _working_dir(entries: list[dict[str, Any]]) -> str:
    states = (_object(entry.get("state")) for entry in entries)
    return next(filter(None, (as_text(state.get("working_dir")) for state in states)), "")


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return the run in a `.traj` file; see the module for what a step is."""
    document, problem = read_document(data)
    top = as_object(document)
    config = _object(top.get("replay_config"))
    task = as_identity(as_object(config.get("problem_statement")).get("id"))
    model = as_text(as_object(as_object(config.get("agent")).get("model")).get("name"))
    history = as_list(top.get("history"))
    entries = as_list(top.get("trajectory"))
    declared = _history_calls(history, entries)
    numbered = [(place, each) for place, each in enumerate(entries) if isinstance(each, dict)]
    steps = [_step(each, declared[place], place + 1, model) for place, each in numbered]
    stem = name.replace("\\", "/").rpartition("/")[2].removesuffix(".gz").removesuffix(".traj")
    trajectory = Trajectory(
        source=name,
        format="swe_agent",
        session=stem or "run",
        steps=(*_prompts(history), *steps),
        task_id=task if task is not None else stem or None,
        agent="swe-agent",
        model=model,
        cwd=_working_dir([each for _, each in numbered]),
        outcome=_outcome(as_text(as_object(top.get("info")).get("exit_status"))),
    )
    odd = len(entries) - len(numbered)
    return ImportedTrace(
        sessions=((trajectory, (RawRecord(content=data, line=1),) if data else ()),),
        problems=(problem,) if problem else (),
        skipped={"entry that is no object": odd} if odd else {},
    )


def sniff(_name: str, head: bytes) -> float:
    """Return 0.9 for a document with a `trajectory` of actions and observations, else 0."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return 0.0
    return 0.9 if _TRAJECTORY.search(head) and _ENTRY.search(head) else 0.0


_VERDICTS: Rule = dict.fromkeys(
    ("exit_status", "submission", "resolved", "score", "scores", "report", "test_results"), HIDDEN
)
hide = hider(
    {
        "info": _VERDICTS,
        "trajectory": {"*": {"info": _VERDICTS}},
        **_VERDICTS,
    }
)

IMPORTER = Importer(name="swe_agent", sniff=sniff, parse=parse, hide=hide)
