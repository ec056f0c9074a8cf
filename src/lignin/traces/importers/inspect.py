"""Inspect AI logs: `.eval` archives and `.json` documents.

One trajectory per sample and epoch: the sample's id is the task, the epoch the trial.
`Step.index` is the message's 1-based place in the sample's conversation; tokens and cost are those
of the model call that gave the message. The outcome is what the scorers agree on (1, true or `C`
is success; 0, false, `I`, `N`, `P` and what lies between is failure; any other value says
nothing); a sample that an error halted is `infrastructure`, one that a limit halted unscored is a
failure. An archive's records are its members, one line each, as `lignin.traces.archive` says.
"""

import json
import re
from typing import Any, Literal

from lignin.domain.traces import ImportedTrace, Step, Trajectory
from lignin.traces.archive import is_archive, unpack_lines
from lignin.traces.chat import ROLES, Chat, read_calls, read_usage, split_content
from lignin.traces.fields import as_identity, as_list, as_microusd, as_object, as_text
from lignin.traces.hiding import HIDDEN, Hidden, Rule, hider
from lignin.traces.importer import Importer
from lignin.traces.units import Unit, file_stem, own_name, read_units, share_out

_CONTAINERS = frozenset({"samples"})
_ATTACHMENT = re.compile(r"attachment://([0-9a-f]{16,64})")
_MEMBER_NAMES = (b"_journal/", b"samples/", b"header.json", b"start.json")
_LOG = (b'"eval"', b'"run_id"', b'"plan"')
_Outcome = Literal["success", "failure", "infrastructure"]


def _score(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"C": True, "I": False, "N": False, "P": False}.get(value.strip().upper()[:2])
    if isinstance(value, int | float) and 0 <= value <= 1:
        return value == 1
    return None


def _outcome(sample: dict[str, Any]) -> _Outcome | None:
    if sample.get("error"):
        return "infrastructure"
    scores = [as_object(score).get("value") for score in as_object(sample.get("scores")).values()]
    verdicts = [verdict for verdict in map(_score, scores) if verdict is not None]
    if verdicts:
        return "success" if all(verdicts) else "failure"
    return "failure" if sample.get("limit") and not scores else None


def _calls_by_message(sample: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the output of each model call by the id of the message it gave."""
    outputs: dict[str, dict[str, Any]] = {}
    for event in as_list(sample.get("events")):
        if not isinstance(event, dict) or event.get("event") != "model":
            continue
        output = as_object(event.get("output"))
        for choice in as_list(output.get("choices")):
            message = as_object(as_object(choice).get("message"))
            if identity := as_text(message.get("id")):
                outputs.setdefault(identity, output)
    return outputs


def _text(text: str, attachments: dict[str, Any]) -> str:
    if "attachment://" not in text:
        return text
    return _ATTACHMENT.sub(lambda m: as_text(attachments.get(m[1])) or m[0], text)


def _add(
    chat: Chat,
    message: dict[str, Any],
    index: int,
    outputs: dict[str, dict[str, Any]],
    attachments: dict[str, Any],
) -> None:
    role = ROLES.get(as_text(message.get("role")), "user")
    text, reasoning = split_content(message.get("content"))
    text = _text(text, attachments)
    parent = None
    if role == "tool":
        error = as_object(message.get("error"))
        failed = _text(as_text(error.get("message")), attachments)
        parent = chat.answer(
            as_text(message.get("tool_call_id")),
            text or failed,
            name=as_text(message.get("function")),
            is_error=bool(error),
        )
    output = outputs.get(as_text(message.get("id")), {}) if role == "assistant" else {}
    usage = as_object(output.get("usage"))
    input_tokens, output_tokens = read_usage(usage)
    chat.add(
        Step(
            index=index,
            role=role,
            text=text,
            reasoning=_text(reasoning, attachments),
            calls=read_calls(message.get("tool_calls"), index),
            model=as_text(message.get("model")) or as_text(output.get("model")),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost_microusd=as_microusd(usage.get("total_cost")),
            parent=parent,
        )
    )


def _trajectory(
    name: str, sample: dict[str, Any], spec: dict[str, Any], taken: set[str]
) -> Trajectory:
    chat = Chat()
    outputs, attachments = _calls_by_message(sample), as_object(sample.get("attachments"))
    for place, message in enumerate(as_list(sample.get("messages")), start=1):
        if isinstance(message, dict):
            _add(chat, message, place, outputs, attachments)
    task, trial = as_identity(sample.get("id")), as_identity(sample.get("epoch"))
    session = own_name(as_text(sample.get("uuid")) or f"{file_stem(name)}#{task}.{trial}", taken)
    return Trajectory(
        source=name,
        format="inspect",
        session=session,
        steps=tuple(chat.steps),
        task_id=task,
        trial=trial,
        agent=as_text(spec.get("solver")) or "inspect",
        model=as_text(spec.get("model"))
        or next((step.model for step in chat.steps if step.model), ""),
        outcome=_outcome(sample),
    )


def _sample(unit: Unit) -> dict[str, Any] | None:
    value = as_object(unit.value)
    if "eval_member" in value:
        value = as_object(value.get("json"))
    is_sample = isinstance(value.get("messages"), list) and {"id", "epoch"} <= value.keys()
    return value if is_sample else None


def _spec(units: list[Unit]) -> dict[str, Any]:
    """Return what was evaluated, from wherever the log says it first."""
    for unit in units:
        value = as_object(unit.value)
        for holder in (as_object(value.get("json")), unit.around, value):
            if spec := as_object(holder.get("eval")):
                return spec
    return {}


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return one session per sample and epoch; see the module for what a step is."""
    units = read_units(unpack_lines(data) if is_archive(data) else data, _CONTAINERS)
    spec = _spec(units)
    trajectories, named = [], []
    taken: set[str] = set()
    for unit in units:
        if (sample := _sample(unit)) is not None:
            trajectory = _trajectory(name, sample, spec, taken)
            trajectories.append(trajectory)
            named.append((unit, trajectory.session))
    unreadable = sum("unreadable" in as_object(unit.value) for unit in units)
    counts = {"member that cannot be unpacked": unreadable} if unreadable else {}
    return share_out(name, "inspect", units, named=named, trajectories=trajectories, skipped=counts)


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file is an Inspect log."""
    if is_archive(head):
        return 0.95 if any(name in head for name in _MEMBER_NAMES) else 0.0
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b'{"eval_member":'):
        return 1.0
    return 0.95 if head.startswith(b"{") and all(mark in head for mark in _LOG) else 0.0


# Of a model call only what it counted: a grader's calls stand among them and say the verdict.
_MESSAGE: Rule = {"id": {}, "role": {}, "*": HIDDEN}
_CHOICES: Rule = {"*": {"message": _MESSAGE, "*": HIDDEN}}
_MODEL_EVENT: Rule = {
    "event": {},
    "output": {"model": {}, "usage": {}, "choices": _CHOICES, "*": HIDDEN},
    "*": HIDDEN,
}


def _event_rule(event: Any) -> Rule | None:
    return _MODEL_EVENT if as_object(event).get("event") == "model" else HIDDEN


# What a dataset knows of a sample (its metadata) often holds the solution.
_SAMPLE: Rule = dict.fromkeys(
    ("scores", "score", "target", "error", "error_retries", "limit", "store", "metadata")
    + ("invalidation", "value", "answer", "explanation", "completed", "retries")
    + ("events_data", "timelines"),
    HIDDEN,
)
_LOG_RULE: Rule = {"results": HIDDEN, "reductions": HIDDEN, "error": HIDDEN}


def _sample_rule(value: Any) -> Rule:
    """The rule of a sample: of its attachments only those that its conversation shows stay."""
    messages = as_list(as_object(value).get("messages"))
    shown = _ATTACHMENT.findall(json.dumps(messages)) if messages else []
    attachments: Rule = {**{name: {} for name in shown}, "*": HIDDEN}
    return {**_SAMPLE, "events": {"*": _event_rule}, "attachments": attachments}


def _member_rule(value: Any) -> Rule:
    if isinstance(value, list):
        return {"*": {**_SAMPLE, "samples": HIDDEN}}
    return {**_sample_rule(value), **_LOG_RULE}


def _line_rule(value: Any) -> Rule:
    if isinstance(value, dict) and "eval_member" in value:
        return {"json": _member_rule, "text": HIDDEN, "base64": HIDDEN}
    return {**_sample_rule(value), **_LOG_RULE, "samples": {"*": _sample_rule}}


_hide_lines = hider(_line_rule)


def hide(data: bytes) -> Hidden:
    """Return a log without scores, targets, results, errors, limits and dataset metadata.

    Of its events only the token counts of model calls stay: graders' own calls are among them.
    """
    return _hide_lines(unpack_lines(data) if is_archive(data) else data)


IMPORTER = Importer(name="inspect", sniff=sniff, parse=parse, hide=hide)
