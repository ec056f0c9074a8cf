"""The answer of `lignin trace show`, and how it looks in a terminal."""

from itertools import islice

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.counts import dollars, known_sum
from lignin.domain.errors import NotFoundError
from lignin.domain.traces import Step, Trajectory
from lignin.operations.registry import Listed, Response
from lignin.traces.view import Row, clean, depths_of, has_failed, rows_of

WIDTH = 100
MAX_INDENT_LEVELS = 10
MAX_DETAIL_CHARS = 20_000
MAX_SAME_INDEX = 20
_ROLES = {"system": "sys", "user": "usr", "assistant": "agt", "tool": "res"}


class ShownStep(Response):
    step: int = Field(description="the step's index in the origin")
    last: int = Field(description="index of the last step in this row")
    position: int = Field(description="place of the row's first step; pass the last as `after`")
    steps: int = Field(description="how many steps the row stands for")
    depth: int = Field(description="depth among the spans")
    role: str = Field(description="system, user, assistant or tool")
    agent: str = Field(description="who spoke, where several agents did")
    summary: str = Field(description="the step in one line")
    error: bool = Field(description="something went wrong in it")
    tokens: int | None = Field(description="tokens in and out")
    cost_microusd: int | None = Field(description="cost in millionths of a dollar")
    duration_s: float | None = Field(description="seconds it took")


class ShownCall(Response):
    call_id: str = Field(description="the call's id in the origin")
    name: str = Field(description="the tool")
    requestor: str = Field(description="assistant or user")
    arguments: dict[str, Json] = Field(description="what it was called with")
    observation: str | None = Field(description="what came back")
    error: bool | None = Field(description="the tool failed, where the trace says")
    exit_status: int | None = Field(description="exit code, where there is one")


class StepDetail(Response):
    step: int = Field(description="the step's index in the origin")
    role: str = Field(description="system, user, assistant or tool")
    agent: str = Field(description="who spoke")
    label: str = Field(description="the span's name")
    at: str | None = Field(description="when it began")
    duration_s: float | None = Field(description="seconds it took")
    model: str = Field(description="the model")
    skill: str = Field(description="the skill that was at work")
    parent: int | None = Field(description="index of the step that asked for it")
    depth: int = Field(description="depth among the spans")
    input_tokens: int | None = Field(description="tokens given to the model")
    output_tokens: int | None = Field(description="tokens it gave")
    cost_microusd: int | None = Field(description="cost in millionths of a dollar")
    error: str = Field(description="what went wrong")
    reasoning: str = Field(description="what the model thought")
    text: str = Field(description="what was said")
    calls: list[ShownCall] = Field(description="the calls it made")


class TraceShown(Listed):
    session: str = Field(description="the session's id")
    source: str = Field(description="the file it came from")
    client: str = Field(description="format of the transcript")
    model: str = Field(description="the model")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")
    outcome: str | None = Field(description="how the run ended, as it was declared")
    label: str | None = Field(default=None, description="what feedback says it turned out to be")
    labelled_at: str | None = Field(default=None, description="when that came to be known")
    label_reason: str | None = Field(default=None, description="how it is known")
    steps: int = Field(description="steps in all")
    failed_steps: int = Field(description="steps in which something went wrong")
    deepest: int = Field(description="the greatest depth")
    tokens: int | None = Field(description="tokens in and out, of all steps")
    cost_microusd: int | None = Field(description="cost of all steps, in millionths of a dollar")
    items: list[ShownStep] = Field(description="this page of the rows")
    detail: list[StepDetail] = Field(default_factory=list, description="the steps asked for")

    def to_text(self) -> str:
        head = [f"{self.session}  {clean(self.source)}  {self.client} {clean(self.model)}".rstrip()]
        head.append(
            f"{self.steps} steps, {self.failed_steps} failed, depth {self.deepest}"
            + (f", {self.tokens} tokens" if self.tokens is not None else "")
            + (f", {dollars(self.cost_microusd)}" if self.cost_microusd is not None else "")
            + (f", outcome {self.outcome}" if self.outcome else "")
        )
        if self.label:
            told = f"found to be {self.label} ({self.labelled_at}): {self.label_reason or ''}"
            head.append(clean(told))
        if self.detail:
            return "\n".join([*head, *(line for each in self.detail for line in _detail(each))])
        lines = [*head, "", *map(_line, self.items)]
        if self.next_after:
            lines += ["", f"{len(self.items)} rows; go on with --after {self.next_after}"]
        return "\n".join(lines)


def shown(
    trajectory: Trajectory, session: str, *, after: int, limit: int, step: int | None
) -> TraceShown:
    """A page of a session's rows, or the steps of one index.

    Args:
        after: Steps to pass over.
        limit: At most so many rows.
        step: The index of the steps to show in full.

    Raises:
        NotFoundError: The session has no such step.
    """
    steps, depths = trajectory.steps, depths_of(trajectory)
    detail = [
        _in_full(each, depth)
        for each, depth in zip(steps, depths, strict=True)
        if step is not None and each.index == step
    ][:MAX_SAME_INDEX]
    if step is not None and not detail:
        raise NotFoundError(f"{session} has no step {step}", hint=f"`lignin trace show {session}`")
    rows = (row for row in rows_of(trajectory) if row.position > after)
    page = [] if detail else list(islice(rows, limit + 1))
    last = page[limit - 1] if len(page) > limit else None
    return TraceShown(
        session=session,
        source=trajectory.source,
        client=trajectory.format,
        model=trajectory.model,
        task_id=trajectory.task_id,
        trial=trajectory.trial,
        outcome=trajectory.outcome,
        steps=len(steps),
        failed_steps=sum(map(has_failed, steps)),
        deepest=max(depths, default=0),
        tokens=known_sum(n for each in steps for n in (each.input_tokens, each.output_tokens)),
        cost_microusd=known_sum(each.cost_microusd for each in steps),
        items=[_shown_row(row) for row in page[:limit]],
        detail=detail,
        total=len(steps),
        next_after=str(last.position + last.steps - 1) if last else None,
        narrow="--after, --limit, or --step N for one step in full" if last else None,
    )


def _shown_row(row: Row) -> ShownStep:
    return ShownStep(
        step=row.index,
        last=row.last,
        position=row.position,
        steps=row.steps,
        depth=row.depth,
        role=row.role,
        agent=row.agent,
        summary=row.summary,
        error=row.is_error,
        tokens=row.tokens,
        cost_microusd=row.cost_microusd,
        duration_s=row.duration_s,
    )


def _in_full(step: Step, depth: int) -> StepDetail:
    return StepDetail(
        step=step.index,
        role=step.role,
        agent=step.agent,
        label=step.label,
        at=step.at,
        duration_s=step.duration_s,
        model=step.model,
        skill=step.skill,
        parent=step.parent,
        depth=depth,
        input_tokens=step.input_tokens,
        output_tokens=step.output_tokens,
        cost_microusd=step.cost_microusd,
        error=_bounded(step.error),
        reasoning=_bounded(step.reasoning),
        text=_bounded(step.text),
        calls=[
            ShownCall(
                call_id=call.call_id,
                name=call.name,
                requestor=call.requestor,
                arguments=dict(call.arguments),
                observation=None if call.observation is None else _bounded(call.observation),
                error=call.is_error,
                exit_status=call.exit_code,
            )
            for call in step.calls
        ],
    )


def _bounded(text: str) -> str:
    if len(text) <= MAX_DETAIL_CHARS:
        return text
    return f"{text[:MAX_DETAIL_CHARS]}\n[{len(text) - MAX_DETAIL_CHARS} characters more]"


def _line(row: ShownStep) -> str:
    """A row as one line: mark, index, indent (a number beyond it), role, summary, then figures."""
    index = str(row.step) if row.steps == 1 else f"{row.step}-{row.last}"
    levels = min(row.depth, MAX_INDENT_LEVELS)
    indent = "  " * levels + (f"[{row.depth}] " if row.depth > MAX_INDENT_LEVELS else "")
    role = "..." if row.steps > 1 else _ROLES[row.role]
    agent = f"{row.agent}: " if row.agent else ""
    figures = _figures(row)
    left = f"{'!' if row.error else ' '}{index:>7} {indent}{role} {agent}"
    room = max(20, WIDTH - len(left) - len(figures) - 2)
    summary = row.summary if len(row.summary) <= room else f"{row.summary[: room - 1]}…"
    return f"{left}{summary:<{room}}  {figures}".rstrip() if figures else f"{left}{summary}"


def _figures(row: ShownStep) -> str:
    parts = []
    if row.duration_s is not None:
        parts.append(f"{row.duration_s:.1f}s" if row.duration_s >= 0.1 else "<0.1s")
    if row.tokens is not None:
        parts.append(f"{row.tokens}t")
    if row.cost_microusd:
        parts.append(dollars(row.cost_microusd))
    return " ".join(parts)


def _detail(step: StepDetail) -> list[str]:
    """A step in full; what it says is indented, so that it cannot pass for our own words."""
    fields = step.model_dump(exclude={"calls", "text", "reasoning", "error", "cost_microusd"})
    known = {name: value for name, value in fields.items() if value not in (None, "")}
    lines = ["", "  ".join(f"{name}: {clean(str(value))}" for name, value in known.items())]
    if step.cost_microusd is not None:
        lines.append(f"cost: {dollars(step.cost_microusd)}")
    for name in ("error", "reasoning", "text"):
        lines += _block(name, getattr(step, name))
    for call in step.calls:
        failed = "failed" if call.error else ""
        code = "" if call.exit_status is None else f"exit {call.exit_status}"
        who = "" if call.requestor == "assistant" else f"by the {call.requestor}"
        said = [f"call {clean(call.name)}", who, failed, code]
        lines.append("  ".join(part for part in said if part))
        for key, value in call.arguments.items():
            lines += _block(f"  {clean(key)}", value if isinstance(value, str) else str(value))
        lines += _block("  came back", call.observation or "")
    return lines


def _block(name: str, text: str) -> list[str]:
    if not text:
        return []
    inner = clean(text, keep_lines=True).split("\n")
    return [f"{name}:", *(f"    {line}" for line in inner)]
