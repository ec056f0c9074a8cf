"""tau-bench results: JSONL, or one JSON list, of records with `task_id` and `traj`.

One trajectory per record. `Step.index` is the origin's 1-based message index: the message's own
`index` where it has one, else its place. Tool messages answer calls by id, and where ids are
missing by order. An observation keeps its text as it is, also a `# var_n = ` prefix; arguments
may be JSON or Python text. The outcome is the declared reward; a record that crashed
(`info.error`, or no messages) is `infrastructure`.
"""

import re
from collections import deque
from dataclasses import replace
from typing import Any, Literal

from lignin.domain.traces import ImportedTrace, RawRecord, Role, Step, ToolCall, Trajectory
from lignin.traces.fields import (
    as_arguments,
    as_count,
    as_identity,
    as_list,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.hiding import HIDDEN, hider
from lignin.traces.importer import Importer
from lignin.traces.units import own_name, read_units

_ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_TRAJ = re.compile(rb'"traj"\s*:\s*\[')
_TASK = re.compile(rb'"task_id"\s*:')
_REWARD = re.compile(rb'"reward"\s*:')
_ERROR = re.compile(r"""(?:# var_\d{1,6} = )?["']?\s{0,20}Error\b""", re.IGNORECASE)
_Outcome = Literal["success", "failure", "infrastructure"]


def _outcome(value: dict[str, Any], info: dict[str, Any]) -> _Outcome | None:
    if info.get("error") or not as_list(value.get("traj")):
        return "infrastructure"
    reward = value.get("reward")
    if not isinstance(reward, int | float):
        return None
    # Rewards are products of 0 and 1 in floating point.
    return "success" if 1 - 1e-6 < reward < 1 + 1e-6 else "failure"


def _call(item: Any, index: int, place: int) -> ToolCall:
    item = as_object(item)
    function = as_object(item.get("function")) or item
    return ToolCall(
        call_id=as_text(item.get("id")) or f"message-{index}-{place}",
        name=as_text(function.get("name")),
        arguments=as_arguments(function.get("arguments")),
    )


def _steps(messages: list[Any]) -> list[Step]:
    steps: list[Step] = []
    open_calls: deque[tuple[int, int]] = deque()
    for place, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            continue
        index = as_count(message.get("index")) or place
        role = _ROLES.get(as_text(message.get("role")), "user")
        parent = _answer(steps, open_calls, message) if role == "tool" else None
        calls = tuple(
            _call(item, index, number)
            for number, item in enumerate(as_list(message.get("tool_calls")))
            if isinstance(item, dict)
        )
        open_calls.extend((len(steps), number) for number in range(len(calls)))
        text = content_text(message.get("content"))
        reasoning = as_text(message.get("reasoning_content"))
        steps.append(
            Step(index=index, role=role, text=text, reasoning=reasoning, calls=calls, parent=parent)
        )
    return steps


def _answer(
    steps: list[Step], open_calls: deque[tuple[int, int]], message: dict[str, Any]
) -> int | None:
    """Put a tool message on its call and return the calling step's index.

    By id; without one, the oldest open call of that name; without a name, the oldest open call.
    """
    call_id, name = as_text(message.get("tool_call_id")), as_text(message.get("name"))
    for position, place in open_calls:
        call = steps[position].calls[place]
        if (call.call_id == call_id) if call_id else (not name or call.name == name):
            break
    else:
        return None
    open_calls.remove((position, place))
    text = content_text(message.get("content"))
    calls = list(steps[position].calls)
    calls[place] = replace(call, observation=text, is_error=bool(_ERROR.match(text)))
    steps[position] = replace(steps[position], calls=tuple(calls))
    return steps[position].index


def _trajectory(name: str, value: dict[str, Any], taken: set[str]) -> Trajectory:
    info = as_object(value.get("info"))
    task, trial = as_identity(value.get("task_id")), as_identity(value.get("trial"))
    session = own_name(f"{_stem(name)}#{task}.{trial}", taken)
    return Trajectory(
        source=name,
        format="tau_bench",
        session=session,
        steps=tuple(_steps(as_list(value.get("traj")))),
        task_id=task,
        trial=trial,
        agent="tau-bench",
        outcome=_outcome(value, info),
    )


def _stem(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].partition(".json")[0] or "run"


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per record; see the module for what a step is.

    What is no record (a broken or blank line) goes with the session before it.
    """
    lines = read_units(data)
    sessions: list[tuple[Trajectory, list[RawRecord]]] = []
    early: list[RawRecord] = []
    skipped = 0
    taken: set[str] = set()
    for line in lines:
        if line.value is None or not ({"traj", "task_id"} & line.value.keys()):
            skipped += line.value is not None
            (sessions[-1][1] if sessions else early).append(line.record)
            continue
        sessions.append((_trajectory(name, line.value, taken), [*early, line.record]))
        early = []
    if early:
        session = Trajectory(source=name, format="tau_bench", session=_stem(name), steps=())
        sessions.append((session, early))
    return ImportedTrace(
        sessions=tuple((trajectory, tuple(records)) for trajectory, records in sessions),
        problems=tuple(line.problem for line in lines if line.problem),
        skipped={"object that is no run": skipped} if skipped else {},
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds tau-bench records."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if not (_TRAJ.search(head) and _TASK.search(head)):
        return 0.0
    return 0.95 if _REWARD.search(head) else 0.6


hide = hider(
    {
        "reward": HIDDEN,
        "reward_info": HIDDEN,
        "info": {
            "reward_info": HIDDEN,
            "error": HIDDEN,
            "traceback": HIDDEN,
            "task": {"actions": HIDDEN, "outputs": HIDDEN},
        },
    }
)

IMPORTER = Importer(name="tau_bench", sniff=sniff, parse=parse, hide=hide)
