"""Lignin's own form of a run, for agents and environments that no other format serves: JSON lines.

One object per run: `{"lignin_run": 1, "task_id", "trial", "session", "agent", "model", "outcome",
"simulated", "environment": {"name", "seed", "start_state", "tools": {name: digest}}, "tools": [...],
"messages": [...]}`; all but the first and the last may be missing. `tools` are definitions as a model
is given them; their annotations (`readOnlyHint`) decide what a call does. A message has the common chat form (`role`,
`content`, `tool_calls` with `id` and `function {name, arguments}`; a tool's answer has
`tool_call_id` and may have `is_error`); `Step.index` is its 1-based place. `outcome` is success,
failure, infrastructure, refused or unknown. A record of another version, or without messages, is
no run: it is kept and told as a problem, as is a member that holds what it cannot hold.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, cast, get_args

from lignin.domain.traces import (
    EnvironmentRef,
    ImportedTrace,
    Outcome,
    Problem,
    RawRecord,
    Trajectory,
)
from lignin.traces.chat import Chat, add_message
from lignin.traces.contracts import declared_effects
from lignin.traces.fields import (
    as_count,
    as_identity,
    as_list,
    as_object,
    as_text,
)
from lignin.traces.hiding import HIDDEN, hider
from lignin.traces.importer import Importer
from lignin.traces.units import file_stem, own_name, read_units

MARK = "lignin_run"
VERSION = 1
_MARKED = re.compile(rb'"lignin_run"\s*:(\s*1\b)?')
_WORD = re.compile(r"[A-Za-z _-]{1,20}")
_MESSAGES = re.compile(rb'"messages"\s*:\s*\[')
_OUTCOMES = frozenset(get_args(Outcome))


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
            add_message(chat, message, place)
    task, trial = as_identity(value.get("task_id")), as_identity(value.get("trial"))
    wanted = as_text(value.get("session")) or f"{file_stem(name)}#{task}.{trial}"
    outcome = value.get("outcome")
    return Trajectory(
        source=name,
        format=MARK,
        session=own_name(wanted, taken),
        steps=tuple(chat.steps),
        task_id=task,
        trial=trial,
        agent=as_text(value.get("agent")),
        model=as_text(value.get("model")),
        outcome=cast("Outcome", outcome) if _is_outcome(outcome) else None,
        simulated=value.get("simulated") is True,
        tools=declared_effects(as_list(value.get("tools"))),
        environment=_environment(value.get("environment")),
    )


def _why_no_run(value: dict[str, Any]) -> str:
    """Return why a record that is marked as a run is none; empty where it is one."""
    version = value.get(MARK)
    if type(version) is not int or version != VERSION:
        return f"`{MARK}` is {_shown(version)}: this Lignin reads version {VERSION}"
    if "messages" not in value:
        return "a run has no `messages`: give them as a list of objects"
    messages = value["messages"]
    if not any(isinstance(each, dict) for each in as_list(messages)):
        return f"`messages` is {_shown(messages)}: expected a list of at least one object"
    return ""


def _faults(value: dict[str, Any]) -> Iterator[str]:
    """Yield what of a run was passed over, and what should stand there."""
    if not _is_outcome(outcome := value.get("outcome")) and outcome is not None:
        told = ", ".join(get_args(Outcome))
        yield f"`outcome` is {_shown(outcome)} and was passed over: expected one of {told}"
    for name in ("task_id", "trial"):
        given = value.get(name)
        if given is not None and as_identity(given) is None:
            yield f"`{name}` is {_shown(given)} and was passed over: expected text or a whole number"
    odd = sum(not isinstance(each, dict) for each in value["messages"])
    if odd:
        yield f"{odd} of `messages` were passed over: expected objects with a `role`"


def _is_outcome(value: Any) -> bool:
    return isinstance(value, str) and value in _OUTCOMES


def _shown(value: Any) -> str:
    """A wrong value in a few words; what may hold a secret is told by its kind only."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)[:20]
    if isinstance(value, str):
        return f'"{value}"' if _WORD.fullmatch(value) else f"text of {len(value)} characters"
    return f"a list of {len(value)}" if isinstance(value, list) else "an object"


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per run; what is no run goes with the session before it."""
    sessions: list[tuple[Trajectory, list[RawRecord]]] = []
    early: list[RawRecord] = []
    problems: list[Problem] = []
    skipped = 0
    taken: set[str] = set()
    for line in read_units(data):
        value, number = line.value, line.record.line
        if line.problem:
            problems.append(line.problem)
        is_marked = value is not None and MARK in value
        skipped += value is not None and not is_marked
        why = _why_no_run(value) if value is not None and is_marked else ""
        if why:
            problems.append(Problem(line=number, what=f"{why}; the record is kept, it is no run"))
        if value is None or not is_marked or why:
            (sessions[-1][1] if sessions else early).append(line.record)
            continue
        problems += (Problem(line=number, what=what) for what in _faults(value))
        sessions.append((_trajectory(name, value, taken), [*early, line.record]))
        early = []
    if early:
        empty = Trajectory(source=name, format=MARK, session=file_stem(name), steps=())
        sessions.append((empty, early))
    return ImportedTrace(
        sessions=tuple((trajectory, tuple(records)) for trajectory, records in sessions),
        problems=tuple(problems),
        skipped={"object that is no run": skipped} if skipped else {},
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds such runs."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0.0
    if not (marked := _MARKED.search(head)):
        return 0.0
    return 0.99 if marked[1] and _MESSAGES.search(head) else 0.7


hide = hider({"outcome": HIDDEN, "reward": HIDDEN, "score": HIDDEN, "metadata": HIDDEN})

IMPORTER = Importer(name=MARK, sniff=sniff, parse=parse, hide=hide)
