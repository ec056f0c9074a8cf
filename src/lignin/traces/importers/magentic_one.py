"""Magentic-One and AutoGen runs: JSONL or one document, several agents in one conversation.

Reads runs with a list of messages (`messages` or `history`), and the event logs of AutoGen's
AgentChat, one message per line. One step per message; `Step.index` is its 1-based place, `agent`
who spoke, `label` what the log says beside the name (`thought`, `-> WebSurfer`, an event's type).
"""

import re
from typing import Any

from lignin.domain.traces import ImportedTrace, Role, Step, ToolCall, Trajectory
from lignin.traces.chat import Chat, read_calls, read_usage
from lignin.traces.fields import (
    as_bool,
    as_identity,
    as_list,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.hiding import HIDDEN, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.units import Unit, file_stem, read_units, share_out

_SPEAKER = re.compile(r"([^()]{1,200}?)\s*(?:\(([^()]{0,200})\))?\s*$")
_PEOPLE = frozenset({"human", "user", "user_proxy", "userproxy"})
_RUN = re.compile(rb'"(?:trajectory_id|question_ID|mistake_agent|history|stop_reason)"\s*:')
_TEAM = re.compile(rb'"(?:role|source|name)"\s*:\s*"(?:\w*Orchestrator|WebSurfer|FileSurfer)\b')
_EVENT = re.compile(
    rb'"type"\s*:\s*"(?:TextMessage|MultiModalMessage|ToolCallRequestEvent|ToolCallExecutionEvent'
    rb"|ToolCallSummaryMessage|ThoughtEvent|HandoffMessage|StopMessage|OrchestrationEvent"
    rb'|WebSurferEvent|FileSurferEvent|AgentEvent|LLMCall|LLMCallEvent|SelectSpeakerEvent)"'
)


def _speaker(message: dict[str, Any]) -> tuple[Role, str, str]:
    """Return (role, agent, label) of a message."""
    said = as_text(message.get("name")) or as_text(message.get("source"))
    said = said or as_text(message.get("role"))
    match = _SPEAKER.match(said[:500])
    agent, label = (match[1], match[2] or "") if match else (said[:200], "")
    role: Role = "assistant"
    if agent.lower() in _PEOPLE or agent.lower().startswith("user ("):
        role = "user"
    elif message.get("role") in ("system", "tool"):
        role = message["role"]
    return role, agent, label or as_text(message.get("type"))


def _add(chat: Chat, message: dict[str, Any], index: int) -> None:
    role, agent, label = _speaker(message)
    content = message.get("content", message.get("message"))
    kind = as_text(message.get("type"))
    calls: tuple[ToolCall, ...] = read_calls(message.get("tool_calls"), index)
    text, reasoning, parent = content_text(content), "", None
    if kind == "ToolCallRequestEvent":
        calls, text = read_calls(content, index), ""
    elif kind == "ToolCallExecutionEvent":
        role = "tool"
        for result in map(as_object, as_list(content)):
            parent = chat.answer(
                as_text(result.get("call_id")),
                content_text(result.get("content")),
                name=as_text(result.get("name")),
                is_error=as_bool(result.get("is_error")),
            )
    elif kind == "ThoughtEvent":
        text, reasoning = "", text
    usage = read_usage(message.get("models_usage"))
    if usage == (None, None):
        usage = read_usage(message)
    chat.add(
        Step(
            index=index,
            role=role,
            text=text,
            reasoning=reasoning,
            calls=calls,
            at=as_text(message.get("timestamp") or message.get("created_at")) or None,
            input_tokens=usage[0],
            output_tokens=usage[1],
            parent=parent,
            agent=agent,
            label=label,
        )
    )


def _messages(value: dict[str, Any]) -> list[Any] | None:
    """Return the messages of a run, None where the object is no run."""
    for key in ("messages", "history", "trajectory", "chat_history"):
        if isinstance(value.get(key), list):
            return as_list(value[key])
    return None


def _trajectory(
    name: str, session: str, messages: list[Any], value: dict[str, Any] | None = None
) -> Trajectory:
    chat = Chat()
    for place, message in enumerate(messages, start=1):
        if isinstance(message, dict):
            _add(chat, message, place)
    value = value or {}
    names = ("task_id", "question_ID", "instance_id", "trajectory_id")
    tasks = (as_identity(value.get(key)) for key in names)
    return Trajectory(
        source=name,
        format="magentic_one",
        session=session,
        steps=tuple(chat.steps),
        task_id=next((task for task in tasks if task is not None), None),
        trial=as_identity(value.get("trial")),
        agent="magentic-one",
        model=as_text(value.get("model")),
    )


def _session(name: str, value: dict[str, Any], taken: dict[str, Any]) -> str:
    names = ("trajectory_id", "question_ID", "instance_id", "task_id", "id")
    known = (as_identity(value.get(key)) for key in names)
    base = session = str(next((each for each in known if each is not None), "")) or file_stem(name)
    session = base = base or "run"
    number = 1
    while session in taken:
        number += 1
        session = f"{base}~{number}"
    return session


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return the runs in a file; see the module for what a step is."""
    units = read_units(data)
    runs: dict[str, Trajectory] = {}
    named: list[tuple[Unit, str]] = []
    events: list[tuple[Unit, dict[str, Any]]] = []
    skipped = 0
    for unit in units:
        if unit.value is None:
            continue
        messages = _messages(unit.value)
        if messages is not None:
            session = _session(name, unit.value, runs)
            runs[session] = _trajectory(name, session, messages, unit.value)
            named.append((unit, session))
        elif {"source", "content", "message"} & unit.value.keys():
            events.append((unit, unit.value))
        else:
            skipped += 1
    if events:
        session = _session(name, {}, runs)
        runs[session] = _trajectory(name, session, [value for _, value in events])
        named += [(unit, session) for unit, _ in events]
    counts = {"object that is no run": skipped} if skipped else {}
    return share_out(
        name, "magentic_one", units, named=named, trajectories=runs.values(), skipped=counts
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds runs of several agents."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if _TEAM.search(head):
        return 0.8 if _RUN.search(head) or _EVENT.search(head) else 0.4
    if _EVENT.search(head) and b'"source"' in head:
        return 0.75
    return 0.6 if b'"mistake_agent"' in head and b'"history"' in head else 0.0


_LABELS: Rule = dict.fromkeys(
    ("ground_truth", "groundtruth", "is_correct*", "mistake_*", "failures", "root_cause")
    + ("failure_summary", "failure_category", "reward", "score", "scores", "success", "correct")
    + ("answer", "expected_answer", "gold*", "label", "labels"),
    HIDDEN,
)
hide = hider(_LABELS)

IMPORTER = Importer(name="magentic_one", sniff=sniff, parse=parse, hide=hide)
