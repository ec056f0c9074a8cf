"""Lignin's own form of a run, for agents and environments that no other format serves: JSON lines.

One object per run: `{"lignin_run": 1, "task_id", "trial", "session", "agent", "model", "outcome",
"simulated", "environment": {"name", "seed", "start_state", "tools": {name: digest}}, "tools": [...],
"messages": [...]}`; all but the first and the last may be missing. `tools` are definitions as a model
is given them; their annotations (`readOnlyHint`) decide what a call does. A message has the common chat form (`role`,
`content`, `tool_calls` with `id` and `function {name, arguments}`; a tool's answer has
`tool_call_id` and may have `is_error`); `Step.index` is its 1-based place. `outcome` is success,
failure, infrastructure, refused or unknown.
"""

import re
from typing import Any, cast, get_args

from lignin.domain.traces import (
    EnvironmentRef,
    ImportedTrace,
    Outcome,
    RawRecord,
    Step,
    Trajectory,
)
from lignin.traces.chat import ROLES, Chat, read_calls, read_usage, split_content
from lignin.traces.contracts import declared_effects
from lignin.traces.fields import (
    as_count,
    as_identity,
    as_list,
    as_microusd,
    as_object,
    as_text,
)
from lignin.traces.hiding import HIDDEN, hider
from lignin.traces.importer import Importer
from lignin.traces.units import file_stem, own_name, read_units

MARK = "lignin_run"
_MARKED = re.compile(rb'"lignin_run"\s*:\s*1\b')
_MESSAGES = re.compile(rb'"messages"\s*:\s*\[')
_OUTCOMES = frozenset(get_args(Outcome))


def _add(chat: Chat, message: dict[str, Any], index: int) -> None:
    role = ROLES.get(as_text(message.get("role")), "user")
    text, reasoning = split_content(message.get("content"))
    parent = None
    if role == "tool":
        flag = message.get("is_error")
        parent = chat.answer(
            as_text(message.get("tool_call_id")),
            text,
            name=as_text(message.get("name")),
            is_error=flag if isinstance(flag, bool) else None,
        )
    spoke = role == "assistant"
    tokens = read_usage(message.get("usage")) if spoke else (None, None)
    chat.add(
        Step(
            index=index,
            role=role,
            text=text,
            reasoning=reasoning or as_text(message.get("reasoning_content")),
            calls=read_calls(message.get("tool_calls"), index) if spoke else (),
            at=as_text(message.get("timestamp")) or None,
            model=as_text(message.get("model")) if spoke else "",
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cost_microusd=as_microusd(message.get("cost")) if spoke else None,
            parent=parent,
        )
    )


def _environment(value: Any) -> EnvironmentRef | None:
    given = as_object(value)
    name = as_text(given.get("name"))
    if not name:
        return None
    tools = as_object(given.get("tools"))
    return EnvironmentRef(
        name=name,
        seed=as_count(given.get("seed")),
        start_state=as_text(given.get("start_state")) or None,
        tools={tool: digest for tool, digest in tools.items() if isinstance(digest, str)},
    )


def _trajectory(name: str, value: dict[str, Any], taken: set[str]) -> Trajectory:
    chat = Chat()
    for place, message in enumerate(as_list(value.get("messages")), start=1):
        if isinstance(message, dict):
            _add(chat, message, place)
    task, trial = as_identity(value.get("task_id")), as_identity(value.get("trial"))
    wanted = as_text(value.get("session")) or f"{file_stem(name)}#{task}.{trial}"
    outcome = as_text(value.get("outcome"))
    return Trajectory(
        source=name,
        format=MARK,
        session=own_name(wanted, taken),
        steps=tuple(chat.steps),
        task_id=task,
        trial=trial,
        agent=as_text(value.get("agent")),
        model=as_text(value.get("model")),
        outcome=cast("Outcome", outcome) if outcome in _OUTCOMES else None,
        simulated=value.get("simulated") is True,
        tools=declared_effects(as_list(value.get("tools"))),
        environment=_environment(value.get("environment")),
    )


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per run; what is no run goes with the session before it."""
    sessions: list[tuple[Trajectory, list[RawRecord]]] = []
    early: list[RawRecord] = []
    skipped = 0
    taken: set[str] = set()
    lines = read_units(data)
    for line in lines:
        if line.value is None or MARK not in line.value:
            skipped += line.value is not None
            (sessions[-1][1] if sessions else early).append(line.record)
            continue
        sessions.append((_trajectory(name, line.value, taken), [*early, line.record]))
        early = []
    if early:
        empty = Trajectory(source=name, format=MARK, session=file_stem(name), steps=())
        sessions.append((empty, early))
    return ImportedTrace(
        sessions=tuple((trajectory, tuple(records)) for trajectory, records in sessions),
        problems=tuple(line.problem for line in lines if line.problem),
        skipped={"object that is no run": skipped} if skipped else {},
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds such runs."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if not _MARKED.search(head):
        return 0.0
    return 0.99 if _MESSAGES.search(head) else 0.7


hide = hider({"outcome": HIDDEN, "reward": HIDDEN, "score": HIDDEN})

IMPORTER = Importer(name=MARK, sniff=sniff, parse=parse, hide=hide)
