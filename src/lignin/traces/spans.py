"""Spans into steps.

Owns the order (time), the parents, and the rule that a conversation which every model span repeats
is taken in once: of a span's input only those messages become steps that occur in it more often
than they were seen before. Refuses to know any vocabulary of attributes; importers read those.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from lignin.domain.traces import Role, Step, ToolCall
from lignin.traces.chat import Chat
from lignin.traces.fields import as_list, as_object, as_text

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Beyond this a number is no time that a clock of this century gives, in nanoseconds.
_MAX_NS = 10**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as a model was given it or gave it; `answers` is the call it is the result of."""

    role: Role
    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""
    is_error: bool | None = None

    def key(self) -> str:
        """Return what makes two messages the same one, repeated."""
        calls = [[call.name, json.dumps(call.arguments, sort_keys=True)] for call in self.calls]
        return json.dumps([self.role, self.text, calls, self.answers])


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span as an importer read it; `call` is the tool call that a tool span carried out."""

    span_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int | None = None
    kind: Literal["model", "tool", "other"] = "other"
    role: Role = "assistant"
    text: str = ""
    inputs: tuple[Message, ...] = ()
    outputs: tuple[Message, ...] = ()
    call: ToolCall | None = None
    agent: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_microusd: int | None = None
    error: str = ""
    skill: str = ""
    order: int = 0


@dataclass(slots=True)
class _Building:
    chat: Chat = field(default_factory=Chat)
    index_of: dict[str, int] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)

    def next(self) -> int:
        return len(self.chat.steps) + 1

    def add(self, step: Step) -> int:
        index = self.next()
        return self.chat.add(step if step.index == index else replace(step, index=index)).index


def steps_of(spans: Iterable[Span]) -> tuple[Step, ...]:
    """Return the steps of one trace's spans, at least one per span, in order of time."""
    spans = _unique(spans)
    depths = _depths(spans)
    building = _Building()
    for span in sorted(spans, key=lambda s: (s.start_ns, depths[s.span_id], s.order)):
        _read(building, span)
    return tuple(building.chat.steps)


def ids_below(spans: Iterable[tuple[str, str]], tops: Iterable[str]) -> frozenset[str]:
    """Return the ids of some spans and of all below them.

    Args:
        spans: Of each span its id and its parent's.
        tops: The ids to begin with.
    """
    children: dict[str, list[str]] = {}
    for span_id, parent_id in spans:
        children.setdefault(parent_id, []).append(span_id)
    found: set[str] = set()
    waiting = [top for top in tops if top]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += children.get(at, ())
    return frozenset(found)


def _unique(spans: Iterable[Span]) -> list[Span]:
    """Return the spans with ids that differ: the last of those that were sent again counts."""
    known: dict[str, Span] = {}
    for span in spans:
        named = span if span.span_id else replace(span, span_id=f"span-{span.order}")
        known[named.span_id] = named
    return list(known.values())


def _depths(spans: list[Span]) -> dict[str, int]:
    parents = {span.span_id: span.parent_id for span in spans}
    depths: dict[str, int] = {}
    for span in spans:
        path: list[str] = []
        at = span.span_id
        while at in parents and at not in depths and at not in path[-1:]:
            path.append(at)
            at = parents[at]
            if len(path) > len(parents):  # a cycle
                break
        depth = depths.get(at, -1)
        for each in reversed(path):
            depth += 1
            depths[each] = depth
    return depths


def _read(building: _Building, span: Span) -> None:
    parent = building.index_of.get(span.parent_id)
    step = Step(
        index=building.next(),
        role=span.role,
        text=span.text,
        at=_written(span.start_ns),
        model=span.model,
        input_tokens=span.input_tokens,
        output_tokens=span.output_tokens,
        cost_microusd=span.cost_microusd,
        parent=parent,
        agent=span.agent,
        label=span.name,
        error=span.error,
        duration_s=_seconds(span),
        skill=span.skill,
    )
    if span.kind == "model":
        building.index_of[span.span_id] = _read_model(building, span, step)
    elif span.kind == "tool" and span.call is not None:
        building.index_of[span.span_id] = _read_tool(building, span.call, step)
    else:
        building.index_of[span.span_id] = building.add(step)


def _read_model(building: _Building, span: Span, step: Step) -> int:
    here: Counter[str] = Counter()
    for message in span.inputs:
        key = message.key()
        here[key] += 1
        if here[key] <= building.seen[key]:
            continue
        asked = None
        if message.role == "tool":
            # The span of the tool itself, where there is one, came first and says more.
            if message.answers in building.answered:
                continue
            asked = building.chat.answer(message.answers, message.text, is_error=message.is_error)
        building.add(_said(message, step, asked if asked is not None else step.parent))
    outputs = span.outputs or (Message(role="assistant", text=span.text),)
    first = None
    for number, message in enumerate(outputs):
        here[message.key()] += 1
        full = replace(
            step,
            role=message.role,
            text=message.text,
            reasoning=message.reasoning,
            calls=message.calls,
        )
        index = building.add(full if number == 0 else _said(message, step, step.parent))
        first = index if first is None else first
    building.seen |= here
    return first or 0


def _said(message: Message, step: Step, parent: int | None) -> Step:
    return Step(
        index=0,
        role=message.role,
        text=message.text,
        reasoning=message.reasoning,
        calls=message.calls,
        at=step.at,
        parent=parent,
        agent=step.agent if message.role == "assistant" else "",
    )


def _read_tool(building: _Building, call: ToolCall, step: Step) -> int:
    """Add a tool's span: on the call that a model made, or as a call of its own."""
    known = building.chat.find(call.call_id, call.name)
    if known is None and call.call_id:
        known = _same_call(building.chat, call)
    if known is None:
        return building.add(replace(step, role="assistant", calls=(call,)))
    building.answered.add(known.call_id)
    building.chat.answer(
        known.call_id,
        call.observation or "",
        is_error=call.is_error,
        exit_code=call.exit_code,
    )
    return building.add(replace(step, role="tool", text=call.observation or ""))


def _same_call(chat: Chat, call: ToolCall) -> ToolCall | None:
    """The open call of that name and those arguments, where ids differ between spans."""
    known = chat.find("", call.name)
    return known if known is not None and known.arguments == call.arguments else None


def _written(start_ns: int) -> str | None:
    if not start_ns:
        return None
    whole = (_EPOCH + timedelta(seconds=start_ns // 1_000_000_000)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{start_ns % 1_000_000_000 // 1000:06d}Z"


def _seconds(span: Span) -> float | None:
    if span.end_ns is None or not span.start_ns or span.end_ns < span.start_ns:
        return None
    return (span.end_ns - span.start_ns) / 1e9


def as_time_ns(value: Any) -> int | None:
    """Return a time in nanoseconds since 1970: a number or digits of them, or ISO 8601 text."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= 20:
        value = int(value)
    if isinstance(value, float) and 0 < value < 1e11:
        value = int(value * 1_000_000_000)
    if type(value) is int:
        # Whole milliseconds and microseconds occur where a store has no nanoseconds.
        for factor, below in ((1_000_000, 10**14), (1000, 10**17), (1, _MAX_NS)):
            if 10**11 < value < below:
                return value * factor
        return None
    match = _STAMP.match(value[:64]) if isinstance(value, str) else None
    if match is None:
        return None
    zone = (match[4] or "Z").replace("Z", "+00:00")
    try:
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}")
    except ValueError:
        return None
    seconds = int((at - _EPOCH).total_seconds())
    return max(0, seconds * 1_000_000_000 + int((match[3] or "").ljust(9, "0")))


def as_parsed(value: Any) -> Any:
    """Return what JSON text holds, the value itself where it is no JSON text."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def plain_text(value: Any) -> str:
    """Return a value as text: text itself, anything else as JSON."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return as_text(value)
    try:
        return as_text(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return ""


def nest(flat: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the list of objects that attributes like `prefix.0.name` spell out.

    What is already a list (or JSON text of one) under `prefix` is returned as it is.
    """
    whole = as_parsed(flat.get(prefix))
    if isinstance(whole, list):
        return [as_object(each) for each in whole if isinstance(each, dict)]
    start = f"{prefix}."
    found: dict[int, dict[str, Any]] = {}
    for key, value in flat.items():
        if not key.startswith(start):
            continue
        number, _, name = key[len(start) :].partition(".")
        if number.isdecimal() and len(number) <= 6 and name:
            found.setdefault(int(number), {})[name] = value
    return [found[number] for number in sorted(found)]


def flatten(attributes: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Return attributes as one level with dotted names, whichever way they were written.

    Nested objects are spelled out; lists stay lists.
    """
    flat: dict[str, Any] = {}
    for key, value in as_object(attributes).items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < 12:
            flat.update(flatten(value, f"{name}.", depth + 1))
        else:
            flat[name] = value
    return flat


def read_key_values(attributes: Any) -> dict[str, Any]:
    """Return OTLP's list of `{key, value}` as an object; an object is returned as it is."""
    if isinstance(attributes, dict):
        return attributes
    return {
        as_text(each.get("key")): _any_value(each.get("value"))
        for each in as_list(attributes)
        if isinstance(each, dict)
    }


def _any_value(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, dict) or depth > 20:
        return value
    for name in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if name in value:
            return value[name]
    if "intValue" in value:
        given = value["intValue"]
        is_digits = isinstance(given, str) and re.fullmatch(r"-?\d{1,19}", given)
        return int(given) if is_digits else given
    if "arrayValue" in value:
        items = as_list(as_object(value["arrayValue"]).get("values"))
        return [_any_value(each, depth + 1) for each in items]
    if "kvlistValue" in value:
        items = as_list(as_object(value["kvlistValue"]).get("values"))
        named = [each for each in items if isinstance(each, dict)]
        return {as_text(e.get("key")): _any_value(e.get("value"), depth + 1) for e in named}
    return value if value else None
