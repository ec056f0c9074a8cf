"""tau2-bench results: one document with `simulations`, or simulations as JSONL or one per file.

One trajectory per simulation. `Step.index` is the message's 1-based place. The simulated user may
hold tools of its own: such calls have the requestor `user`. The outcome is the declared reward; a
simulation that the environment broke (`termination_reason`) is `infrastructure`. What the user
simulator cost stands on the user's steps.
"""

import re
from typing import Any, Literal

from lignin.domain.traces import ImportedTrace, Step, Trajectory
from lignin.traces.chat import ROLES, Chat, read_calls, read_usage, split_content
from lignin.traces.fields import (
    as_bool,
    as_identity,
    as_list,
    as_microusd,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.hiding import HIDDEN, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.units import file_stem, own_name, read_units, share_out

_CONTAINERS = frozenset({"simulations"})
_SIMULATIONS = re.compile(rb'"simulations"\s*:\s*[\[{]')
_OURS = re.compile(rb'"(?:termination_reason|agent_info|user_scenario|reward_info)"\s*:')
_TASK = re.compile(rb'"task_id"\s*:')
_BROKEN = frozenset({"infrastructure_error", "unexpected_error", "user_error"})
_Outcome = Literal["success", "failure", "infrastructure"]


def _outcome(value: dict[str, Any]) -> _Outcome | None:
    if as_text(value.get("termination_reason")) in _BROKEN:
        return "infrastructure"
    reward = as_object(value.get("reward_info")).get("reward")
    if not isinstance(reward, int | float):
        return None
    return "success" if 1 - 1e-6 < reward < 1 + 1e-6 else "failure"


def _add(chat: Chat, message: dict[str, Any], index: int) -> None:
    role = ROLES.get(as_text(message.get("role")), "user")
    text, reasoning = split_content(message.get("content"))
    parent = None
    if role == "tool":
        for each in map(as_object, as_list(message.get("tool_messages")) or [message]):
            parent = chat.answer(
                as_text(each.get("id")),
                content_text(each.get("content")),
                is_error=as_bool(each.get("error")),
            )
            if each is not message:
                text = "\n".join(filter(None, (text, content_text(each.get("content")))))
    input_tokens, output_tokens = read_usage(message.get("usage"))
    chat.add(
        Step(
            index=index,
            role=role,
            text=text,
            reasoning=reasoning or as_text(message.get("reasoning")),
            calls=read_calls(message.get("tool_calls"), index),
            at=as_text(message.get("timestamp")) or None,
            model=as_text(as_object(message.get("raw_data")).get("model")),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost_microusd=as_microusd(message.get("cost")),
            parent=parent,
        )
    )


def _trajectory(
    name: str, value: dict[str, Any], around: dict[str, Any], taken: set[str]
) -> Trajectory:
    chat = Chat()
    for place, message in enumerate(as_list(value.get("messages")), start=1):
        if isinstance(message, dict):
            _add(chat, message, place)
    task, trial = as_identity(value.get("task_id")), as_identity(value.get("trial"))
    session = own_name(as_text(value.get("id")) or f"{file_stem(name)}#{task}.{trial}", taken)
    return Trajectory(
        source=name,
        format="tau2_bench",
        session=session,
        steps=tuple(chat.steps),
        task_id=task,
        trial=trial,
        agent="tau2-bench",
        model=as_text(as_object(as_object(around.get("info")).get("agent_info")).get("llm")),
        outcome=_outcome(value),
    )


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per simulation; see the module for what a step is."""
    units = read_units(data, _CONTAINERS)
    trajectories, named = [], []
    taken: set[str] = set()
    skipped = 0
    for unit in units:
        if unit.value is None:
            continue
        if not {"messages", "task_id"} <= unit.value.keys():
            skipped += 1
            continue
        trajectory = _trajectory(name, unit.value, unit.around, taken)
        trajectories.append(trajectory)
        named.append((unit, trajectory.session))
    counts = {"object that is no simulation": skipped} if skipped else {}
    return share_out(
        name, "tau2_bench", units, named=named, trajectories=trajectories, skipped=counts
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds tau2-bench simulations."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")) or not _OURS.search(head):
        return 0.0
    if _SIMULATIONS.search(head):
        return 0.97
    # A file of tasks over the size of the head stands before the simulations.
    if b'"user_scenario"' in head and b'"agent_info"' in head:
        return 0.9
    return 0.93 if _TASK.search(head) and b'"termination_reason"' in head else 0.0


_SIMULATION: Rule = dict.fromkeys(
    (
        "reward_info",
        "reward",
        "termination_reason",
        "review",
        "user_only_review",
        "auth_classification",
    )
    + ("hallucination_check", "info"),
    HIDDEN,
)


def _rule(value: Any) -> Rule:
    if isinstance(value, dict) and "messages" in value:
        return {**_SIMULATION, "task": {"evaluation_criteria": HIDDEN}}
    return {
        "simulations": {"*": _SIMULATION},
        "simulation_index": HIDDEN,
        "tasks": {"*": {"evaluation_criteria": HIDDEN}},
    }


hide = hider(_rule)

IMPORTER = Importer(name="tau2_bench", sniff=sniff, parse=parse, hide=hide)
