"""What the operations on jobs take and answer."""

import json
from typing import Any, Literal

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.jobs import DEFAULT_QUEUE, MAX_PRIORITY
from lignin.operations.registry import Listed, Request, Response, positional
from lignin.traces.view import told

State = Literal["open", "succeeded", "failed", "cancelled", "dead"]


class JobRef(Request):
    job: str = positional("a job's id, as `job list` shows it")


class JobStart(Request):
    kind: str = positional("what kind of job: operation, trial, verify, replay, ...")
    input: Any = Field(
        description="what it works on: JSON, @FILE or -; of an operation {operation, request}"
    )
    queue: str = Field(DEFAULT_QUEUE, description="where it waits")
    need: list[str] = Field(
        default_factory=list,
        description="what a worker must have, such as client:codex or sandbox:net",
    )
    priority: int = Field(0, ge=0, le=MAX_PRIORITY, description="lower ones go first")
    key: str = Field("", description="jobs of one key never run at once")
    dedup: str = Field("", description="opens nothing while one of this name is open in the queue")
    source: str = Field("", description="who noticed what this is about; with --occurrence")
    occurrence: str = Field("", description="what was noticed: it opens at most one job, for good")
    start_at: str = Field("", description="not before this time, such as 2026-01-31T12:00:00Z")
    limit_microusd: int | None = Field(None, ge=0, description="most money that it may spend")
    limit_tokens: int | None = Field(None, ge=0, description="most tokens that it may spend")
    limit_s: float | None = Field(None, gt=0, description="seconds that it may run")


class JobList(Request):
    state: State | None = Field(None, description="only those in this state")
    part_of: str | None = Field(None, description="only parts of this, such as loop/nightly")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this job")


class JobShow(JobRef):
    after_step: int = Field(0, ge=0, description="only steps after this number")


class JobTail(JobRef):
    for_s: float | None = Field(None, gt=0, description="at most for so many seconds")


class JobStop(JobRef):
    reason: str = Field("cancelled by who asked", description="why")


class JobRetry(JobRef):
    reason: str = Field("asked for again", description="why")


class JobFork(JobRef):
    step: int = Field(1, ge=1, description="the first step that is made anew")
    input: Any = Field(None, description="in place of its input: JSON, @FILE or -")


class JobView(Response):
    job: str = Field(description="its id")
    kind: str = Field(description="what kind of job")
    state: State = Field(description="how it stands")
    run: str = Field("", description="how far the run of an open job is; empty: it has none yet")
    queue: str = Field(description="where it waits")
    needs: list[str] = Field(description="what a worker must have for it")
    part_of: str = Field(description="what it is part of")
    asked_by: str = Field(description="who asked for it")
    turn: int = Field(description="how often it was opened: one more with each retry")
    attempts: int = Field(description="how often its body was called in this turn")
    opened_at: str = Field(description="when it was asked for")
    ended_at: str = Field(description="when it ended")
    error: dict[str, str] | None = Field(description="why it did not succeed")


class JobsListed(Listed):
    items: list[JobView] = Field(description="this page of the list")


class StepView(Response):
    number: int = Field(description="which step; each attempt has a number of its own")
    name: str = Field(description="what it is called")
    kind: str = Field(description="step, sleep, wait or publish")
    attempt: int = Field(description="which attempt")
    output: Any = Field(description="what it gave, the beginning of what is long")
    error: dict[str, str] | None = Field(description="why it did not succeed")
    started_at: str = Field(description="when it began")
    ended_at: str = Field(description="when it ended")


class JobShown(JobView):
    input: Any = Field(description="what it works on")
    output: Any = Field(description="what came out, the beginning of what is long")
    versions: dict[str, str] = Field(description="what is pinned, by name")
    spent: dict[str, Any] = Field(description="money in micro-USD and tokens, as far as known")
    limits: dict[str, Any] = Field(description="what it may spend; none where it has no limit")
    run: str = Field("", description="how far its run is: queued, running, or its end; empty: none")
    worker: str = Field(description="the worker that has or had its run")
    waiting: str = Field(description="why nobody takes it, where nobody does")
    forks: list[str] = Field(description="jobs that were forked from it")
    steps: list[StepView] = Field(description="its steps as far as they are recorded")
    steps_note: str = Field("", description="why no steps are told, where that is so")

    def to_text(self) -> str:
        lines = [
            f"{self.job}  {self.kind}  {self.state}  (turn {self.turn}, {self.run or 'no run'})"
        ]
        lines += [f"  {text}" for text in (self.waiting, self.steps_note) if text]
        if self.error is not None:
            lines.append(f"  {self.error['code']}: {self.error['message']}")
            if self.error["hint"]:
                lines.append(f"    {self.error['hint']}")
        for step in self.steps:
            said = step.error["message"] if step.error else _line(_brief(step.output))
            lines.append(f"  {step.number:3} {step.name}  {step.started_at}  {said}")
        if self.output is not None:
            lines.append(f"  = {_line(self.output)}")
        return told(lines)


class JobOpened(Response):
    job: str = Field(description="its id")
    new: bool = Field(description="false where it was there already")


class JobFollowed(Response):
    """The end of a tail; what was told on the way is not told again."""

    job: str = Field(description="its id")
    state: State = Field(description="how it stands")
    told: int = Field(description="lines that were told")

    def is_streamed(self) -> bool:
        return True

    def exit_code(self) -> int:
        return 6 if self.state in ("failed", "dead") else 0


def cut(value: Json, most: int) -> Json:
    """A value, or where its text is longer than `most` the beginning of that."""
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= most else {"cut": True, "chars": len(text), "text": text[:most]}


def _brief(value: Json) -> Json:
    """What a step gave, without what was asked of it and without digests."""
    if not isinstance(value, dict):
        return value
    kept = {
        key: each
        for key, each in value.items()
        if key != "ask" and not (isinstance(each, str) and each.startswith("sha256:"))
    }
    return next(iter(kept.values())) if "ask" in value and len(kept) == 1 else kept


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]
