"""Codex rollouts: JSONL of `{timestamp, type, payload}`, and the older bare items.

One step per message and per call; reasoning stands on the step it led to. `Step.index` is the
line number. Files without `session_meta` are named after the file. A shell output is what the
command printed; the head that the client writes above it (exit code, wall time) is read and
left out, and stays in the records.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lignin.domain.traces import ImportedTrace, Problem, RawRecord, Role, Step, ToolCall, Trajectory
from lignin.traces.fields import (
    as_arguments,
    as_bool,
    as_count,
    as_exit_code,
    as_list,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.importer import Importer
from lignin.traces.lines import read_head, read_lines

_ENVELOPES = frozenset(
    {"session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state"}
    | {"inter_agent_communication", "token_usage_record"}
)
_CALLS: dict[str, tuple[str, str]] = {
    "function_call": ("", "arguments"),
    "custom_tool_call": ("", "input"),
    "local_shell_call": ("local_shell", "action"),
    "web_search_call": ("web_search", "action"),
    "tool_search_call": ("tool_search", "arguments"),
}
_ITEMS = frozenset(
    {*_CALLS, "message", "reasoning", "agent_message"}
    | {"function_call_output", "custom_tool_call_output", "local_shell_call_output"}
    | {"tool_search_output"}
)
_HEAD = re.compile(
    r"(?:(?:Chunk ID|Wall time|Exit code|Original token count|Total output lines|Command)\b"
    r"[^\n]{0,2000}\n|Process (?:exited|running) [^\n]{0,200}\n){1,8}(?:Output:\n?)?"
)
_EXIT_CODE = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,9})\b", re.MULTILINE)
_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
_SIMULATED = "lignin-practice-desk"


@dataclass(slots=True)
class _Rollout:
    """A trajectory while it grows."""

    session: str
    steps: list[Step] = field(default_factory=list)
    calls: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasoning: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    model: str = ""
    first_model: str = ""
    cwd: str = ""
    originator: str = ""
    version: str = ""
    total_tokens: Any = None
    index: int = 0
    at: str | None = None

    def add(self, role: Role, text: str = "", call: ToolCall | None = None) -> None:
        reasoning = ""
        if role == "assistant":
            reasoning, self.reasoning = "\n".join(self.reasoning), []
        if call is not None:
            self.calls[call.call_id] = (len(self.steps), 0)
        self.steps.append(
            Step(
                index=self.index,
                role=role,
                text=text,
                reasoning=reasoning,
                calls=(call,) if call else (),
                at=self.at,
                model=self.model if role == "assistant" else "",
            )
        )

    def change_call(self, call_id: str, change: Callable[[ToolCall], ToolCall]) -> int | None:
        """Change a call and return the index of its step, None where there is no such call."""
        position, place = self.calls.get(call_id, (-1, 0))
        if position < 0:
            return None
        step = self.steps[position]
        calls = list(step.calls)
        calls[place] = change(calls[place])
        self.steps[position] = replace(step, calls=tuple(calls))
        return step.index


def _read_item(rollout: _Rollout, item: dict[str, Any]) -> None:
    kind = as_text(item.get("type"))
    if kind == "message":
        role = _ROLES.get(as_text(item.get("role")), "user")
        rollout.add(role, content_text(item.get("content")))
    elif kind == "reasoning":
        parts = (content_text(item.get("summary")), content_text(item.get("content")))
        rollout.reasoning += [part for part in parts if part]
    elif kind == "agent_message":
        rollout.add("user", content_text(item.get("content")))
    elif kind in _CALLS:
        _read_call(rollout, item, kind)
    elif kind.endswith("_output") and kind in _ITEMS:
        _read_output(rollout, item)
    else:
        rollout.skipped[f"response_item/{kind or 'no type'}"] += 1


def _read_call(rollout: _Rollout, item: dict[str, Any], kind: str) -> None:
    default_name, key = _CALLS[kind]
    call_id = as_text(item.get("call_id")) or as_text(item.get("id")) or f"line-{rollout.index}"
    given = item.get(key)
    # A custom tool takes free text, which may look like JSON and is none.
    is_text = kind == "custom_tool_call" and isinstance(given, str)
    call = ToolCall(
        call_id=call_id,
        name=_tool_name(item) or default_name,
        arguments={"input": as_text(given)} if is_text else as_arguments(given),
    )
    rollout.add("assistant", call=call)


def _tool_name(item: dict[str, Any]) -> str:
    """The tool's name; a tool of an MCP server stands in that server's namespace."""
    name, space = as_text(item.get("name")), as_text(item.get("namespace"))
    return f"{space}__{name}" if space.startswith("mcp__") and name else name


def _read_output(rollout: _Rollout, item: dict[str, Any]) -> None:
    given = item.get("output", item.get("tools"))
    observation, exit_code, is_error = _output(given)
    rollout.add("tool", observation)

    def with_output(call: ToolCall) -> ToolCall:
        known = call.exit_code if exit_code is None else exit_code
        failed = is_error if is_error is not None else call.is_error
        if failed is None and known is not None:
            failed = known != 0
        return replace(call, observation=observation, exit_code=known, is_error=failed)

    caller = rollout.change_call(as_text(item.get("call_id") or item.get("id")), with_output)
    rollout.steps[-1] = replace(rollout.steps[-1], parent=caller)


def _output(given: Any) -> tuple[str, int | None, bool | None]:
    """Return what was observed, the exit code and whether the call failed, as far as is said."""
    if isinstance(given, str) and given.startswith("{"):
        try:
            read = json.loads(given)
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, dict) and isinstance(read.get("output"), str):
            given = read
    if isinstance(given, dict):
        success = as_bool(given.get("success"))
        failed = None if success is None else not success
        code = as_exit_code(as_object(given.get("metadata")).get("exit_code"))
        if code is None:
            code = as_exit_code(given.get("exit_code"))
        for key in ("output", "content"):
            if key in given:
                observation, written = _without_head(content_text(given[key]))
                return observation, code if code is not None else written, failed
        return as_text(json.dumps(given, ensure_ascii=True)), code, failed
    observation, written = _without_head(content_text(given))
    return observation, written, None


def _without_head(text: str) -> tuple[str, int | None]:
    head = _HEAD.match(text)
    if head is None:
        return text, None
    written = _EXIT_CODE.search(head[0])
    return text[head.end() :], int(written[1]) if written else None


def _read_event(rollout: _Rollout, event: dict[str, Any]) -> None:
    """Read what only events say: tokens, and the end of a command. The rest repeats the items."""
    kind = as_text(event.get("type"))
    if kind == "token_count":
        _count_tokens(rollout, as_object(event.get("info")))
    elif kind in {"exec_command_end", "patch_apply_end", "item_completed"}:
        event = as_object(event.get("item")) if kind == "item_completed" else event
        code = as_exit_code(event.get("exit_code"))
        success = as_bool(event.get("success"))
        if success is None and as_text(event.get("status")) == "failed":
            success = False

        def ended(call: ToolCall) -> ToolCall:
            failed = code != 0 if code is not None else None if success is None else not success
            return replace(
                call,
                exit_code=call.exit_code if code is None else code,
                is_error=call.is_error if failed is None else failed,
            )

        rollout.change_call(as_text(event.get("call_id") or event.get("id")), ended)
    elif not kind:
        rollout.skipped["event_msg/no type"] += 1


def _count_tokens(rollout: _Rollout, info: dict[str, Any]) -> None:
    rollout.model = rollout.model or as_text(info.get("model"))
    rollout.first_model = rollout.first_model or rollout.model
    total = info.get("total_token_usage")
    # The same count is announced again when only limits changed.
    if not isinstance(total, dict) or total == rollout.total_tokens:
        return
    rollout.total_tokens = total
    last = as_object(info.get("last_token_usage"))
    for position in range(len(rollout.steps) - 1, -1, -1):
        step = rollout.steps[position]
        if step.role == "assistant":
            rollout.steps[position] = replace(
                step,
                input_tokens=_sum(step.input_tokens, as_count(last.get("input_tokens"))),
                output_tokens=_sum(step.output_tokens, as_count(last.get("output_tokens"))),
            )
            return


def _sum(known: int | None, more: int | None) -> int | None:
    return known if more is None else (known or 0) + more


def _read_meta(rollout: _Rollout, meta: dict[str, Any], *, first: bool) -> None:
    # A fork repeats its parent's meta after its own: the first one names the session.
    if first:
        rollout.session = as_text(meta.get("id")) or rollout.session
    rollout.cwd = rollout.cwd or as_text(meta.get("cwd"))
    rollout.originator = rollout.originator or as_text(meta.get("originator"))
    rollout.version = rollout.version or as_text(meta.get("cli_version"))


def _read_context(rollout: _Rollout, payload: dict[str, Any]) -> None:
    rollout.model = as_text(payload.get("model")) or rollout.model
    rollout.first_model = rollout.first_model or rollout.model
    rollout.cwd = rollout.cwd or as_text(payload.get("cwd"))


def _read_record(rollout: _Rollout, value: dict[str, Any], *, first_meta: bool) -> bool:
    """Read one record; return whether it was the session's meta."""
    rollout.at = as_text(value.get("timestamp")) or rollout.at
    kind = as_text(value.get("type"))
    payload = as_object(value.get("payload"))
    if kind == "session_meta" and payload:
        _read_meta(rollout, as_object(payload.get("meta")) or payload, first=first_meta)
        return True
    if not kind and isinstance(value.get("id"), str) and "timestamp" in value:
        _read_meta(rollout, value, first=first_meta)
        return True
    if kind == "turn_context":
        _read_context(rollout, payload)
    elif kind == "response_item":
        _read_item(rollout, payload)
    elif kind == "event_msg":
        _read_event(rollout, payload)
    elif kind == "compacted":
        rollout.add("system", as_text(payload.get("message")))
    elif kind == "inter_agent_communication":
        if text := content_text(payload.get("content")) or as_text(payload.get("message")):
            rollout.add("user", text)
    elif kind in _ITEMS:
        _read_item(rollout, value)
    elif kind not in _ENVELOPES and value.get("record_type") != "state":
        rollout.skipped[kind or "no type"] += 1
    return False


def _stem(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].partition(".jsonl")[0] or "session"


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return the session in a Codex rollout; see the module for what a step is."""
    rollout = _Rollout(_stem(name))
    records: list[RawRecord] = []
    problems: list[Problem] = []
    seen_meta = False
    for line in read_lines(data):
        records.append(line.record)
        if line.problem:
            problems.append(line.problem)
        if line.value is not None:
            rollout.index = line.record.line
            seen_meta |= _read_record(rollout, line.value, first_meta=not seen_meta)
    if rollout.reasoning:
        rollout.add("assistant")
    trajectory = Trajectory(
        source=name,
        format="codex",
        session=rollout.session,
        steps=tuple(rollout.steps),
        agent="codex",
        agent_version=rollout.version,
        model=rollout.first_model,
        cwd=rollout.cwd,
        simulated=rollout.originator == _SIMULATED,
    )
    return ImportedTrace(
        sessions=((trajectory, tuple(records)),),
        problems=tuple(problems),
        skipped=dict(rollout.skipped),
    )


def sniff(_name: str, head: bytes) -> float:
    """Return the share of a file's first records that look like a rollout's."""
    objects = read_head(head)
    known = sum(map(_is_ours, objects))
    if known:
        return known / len(objects)
    first = head.partition(b"\n")[0]
    return 0.5 if b'"session_meta"' in first and b'"payload"' in first and not objects else 0.0


def _is_ours(value: dict[str, Any]) -> bool:
    kind = as_text(value.get("type"))
    if isinstance(value.get("payload"), dict):
        return kind in _ENVELOPES
    if value.get("record_type") == "state":
        return True
    if kind == "message":
        return isinstance(value.get("role"), str) and bool(as_list(value.get("content")))
    if kind in _ITEMS:
        return True
    return not kind and {"id", "timestamp", "instructions"} <= value.keys()


IMPORTER = Importer(name="codex", sniff=sniff, parse=parse)
