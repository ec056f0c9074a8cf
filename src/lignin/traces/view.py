"""A trajectory as rows for a narrow screen.

Pure. Owns the depth of a step, the one line that stands for it, and the folding of what repeats.
Invariants: linear in the steps; every step is in exactly one row; a row's text holds no control
character, for a trace is data and must not reach into a terminal.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lignin.domain.traces import Role, Step, ToolCall, Trajectory

MAX_SUMMARY_CHARS = 160
MAX_PERIOD = 4
MIN_REPEATS = 3
_HEAD_CHARS = 400
# Control characters, and those that turn the direction of what follows.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_UNSAFE_BUT_LINES = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)
_DIGITS = re.compile(r"\d+|0x[0-9a-f]+|[0-9a-f]{8,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step, or a run of steps that repeat the rows before them.

    Args:
        index: The step's own index; of a fold, that of its first step.
        last: Index of the last step in the row.
        position: 1-based place of the first step among all steps.
        steps: How many steps the row stands for.
        repeats: 0 for a step; of a fold, how many times the rows before it come again.
        period: Of a fold, how many rows come again.
    """

    index: int
    last: int
    position: int
    steps: int = 1
    depth: int
    role: Role
    agent: str = ""
    summary: str
    is_error: bool = False
    tokens: int | None = None
    cost_microusd: int | None = None
    duration_s: float | None = None
    repeats: int = 0
    period: int = 0


def clean(text: str, *, keep_lines: bool = False) -> str:
    """Return text without what could steer a terminal."""
    return (_UNSAFE_BUT_LINES if keep_lines else _UNSAFE).sub(" ", text)


def told(lines: Iterable[str]) -> str:
    """Return lines as text; what foreign words bring along begins no line of its own."""
    return "\n".join(map(clean, lines))


def has_failed(step: Step) -> bool:
    """Tell whether a step says that something went wrong."""
    return bool(step.error) or any(call.is_error for call in step.calls)


def depths_of(trajectory: Trajectory) -> list[int]:
    """Return each step's depth: in the tree of spans; in a conversation 1 for a result, else 0."""
    if not any(step.duration_s is not None for step in trajectory.steps):
        return [int(step.role == "tool") for step in trajectory.steps]
    by_index: dict[int, int] = {}
    depths = []
    for step in trajectory.steps:
        known = by_index.get(step.parent) if step.parent is not None else None
        depth = 0 if known is None else known + 1
        by_index[step.index] = depth
        depths.append(depth)
    return depths


def rows_of(trajectory: Trajectory) -> Iterator[Row]:
    """Yield the rows of a trajectory; runs of at least three equal stretches are folded."""
    steps, depths = trajectory.steps, depths_of(trajectory)
    marks = [_mark(step, depth) for step, depth in zip(steps, depths, strict=True)]
    place = 0
    while place < len(steps):
        period, repeats = _repeat_at(marks, place)
        for number in range(place, place + period):
            yield _row(steps[number], depths[number], number)
        place += period
        if repeats > 1:
            end = place + period * (repeats - 1)
            yield _fold(steps[place:end], depths[place], place, period, repeats - 1)
            place = end


def _repeat_at(marks: Sequence[int], place: int) -> tuple[int, int]:
    """Return (period, how often it stands there) of the longest run at a place, else (1, 1)."""
    best = (1, 1)
    for period in range(1, MAX_PERIOD + 1):
        block = marks[place : place + period]
        if len(block) < period:
            break
        repeats = 1
        at = place + period
        while marks[at : at + period] == block:
            repeats += 1
            at += period
        if repeats >= MIN_REPEATS and period * repeats > best[0] * best[1]:
            best = (period, repeats)
    return best


def _mark(step: Step, depth: int) -> int:
    """What steps that repeat have in common: all but numbers and what came back."""
    said = "" if step.role == "tool" else _DIGITS.sub("0", step.text[:_HEAD_CHARS])
    calls = tuple((call.name, _DIGITS.sub("0", _arguments(call))) for call in step.calls)
    return hash((depth, step.role, step.agent, step.label, said, calls, has_failed(step)))


def _row(step: Step, depth: int, number: int) -> Row:
    return Row(
        index=step.index,
        last=step.index,
        position=number + 1,
        depth=depth,
        role=step.role,
        agent=clean(step.agent)[:40],
        summary=summary_of(step),
        is_error=has_failed(step),
        tokens=_tokens([step]),
        cost_microusd=step.cost_microusd,
        duration_s=step.duration_s,
    )


def _fold(steps: Sequence[Step], depth: int, number: int, period: int, repeats: int) -> Row:
    costs = [step.cost_microusd for step in steps if step.cost_microusd is not None]
    lasted = [step.duration_s for step in steps if step.duration_s is not None]
    what = "the row above" if period == 1 else f"the {period} rows above"
    return replace(
        _row(steps[0], depth, number),
        last=steps[-1].index,
        steps=len(steps),
        agent="",
        summary=f"{what}, {repeats} times more",
        is_error=any(map(has_failed, steps)),
        tokens=_tokens(steps),
        cost_microusd=sum(costs) if costs else None,
        duration_s=sum(lasted) if lasted else None,
        repeats=repeats,
        period=period,
    )


def _tokens(steps: Sequence[Step]) -> int | None:
    counts = [n for s in steps for n in (s.input_tokens, s.output_tokens) if n is not None]
    return sum(counts) if counts else None


def _arguments(call: ToolCall) -> str:
    values = list(call.arguments.values())
    if len(values) == 1 and isinstance(values[0], str):
        return values[0][:_HEAD_CHARS]
    short = {
        key: value[:_HEAD_CHARS] if isinstance(value, str) else value
        for key, value in call.arguments.items()
    }
    return json.dumps(short, ensure_ascii=False, default=str)[:_HEAD_CHARS] if short else ""


def summary_of(step: Step) -> str:
    """Return the one line that stands for a step: its name, calls, text and error."""
    parts = [step.label] if step.label else []
    parts += [f"{call.name}({_arguments(call)})" for call in step.calls[:8]]
    if len(step.calls) > 8:
        parts.append(f"and {len(step.calls) - 8} calls more")
    if step.error:
        parts.append(step.error[:_HEAD_CHARS])
    elif step.text.strip() and not (step.role == "assistant" and step.calls):
        parts.append(step.text.strip()[:_HEAD_CHARS])
    elif not step.calls and step.reasoning.strip():
        parts.append(f"({step.reasoning.strip()[:_HEAD_CHARS]})")
    line = " ".join(clean(" · ".join(part for part in parts if part)).split())
    return line if len(line) <= MAX_SUMMARY_CHARS else f"{line[: MAX_SUMMARY_CHARS - 1]}…"
