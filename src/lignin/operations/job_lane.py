"""Lanes: one for each queue and set of needs, with bounds over all workers."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.jobs.laws.fitting import Able, why_waiting
from lignin.jobs.service import Jobs, open_jobs
from lignin.operations.context import Context
from lignin.operations.presence import alive
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import every_row

_RATE = re.compile(r"(\d{1,9})/(\d{1,6}(?:\.\d{1,3})?)?(s|m|h)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class JobLanes(Request):
    pass


class JobLane(Request):
    lane: str = positional("a lane, as `job lanes` shows it")
    concurrency: int | None = Field(
        None, ge=0, description="at most so many jobs at once over all workers; 0: no bound"
    )
    rate: str | None = Field(
        None, description="at most so many begin in a time, such as 4/s or 100/5m; none: no bound"
    )
    pause: bool = Field(False, description="begin no further job; those that run go on")
    resume: bool = Field(False, description="begin jobs again")


class LaneView(Response):
    lane: str = Field(description="its name: the queue, and after each + what a worker must have")
    open: int = Field(description="jobs that are open in it")
    paused: bool = Field(description="whether no job of it begins")
    concurrency: int | None = Field(description="most jobs at once over all workers")
    rate: str = Field(description="how many begin in a time; empty for no bound")
    waiting: str = Field(description="why nobody takes its jobs, where nobody does")


class LanesListed(Listed):
    items: list[LaneView] = Field(description="every lane")


@operation("job.lanes", effect="read", idempotent=True)
def lanes(context: Context, request: JobLanes) -> LanesListed:  # noqa: ARG001
    """List the lanes that jobs wait in, with their bounds, and why nobody takes one where nobody does."""
    context.open_engine()
    with context.view() as view:
        counted = Counter(job.lane for job in open_jobs(view))
        bounds = {row.key: row for row in every_row(view, "lane")}
        able = alive(context, view)
    names = sorted({*counted, *bounds})
    items = [_view(name, bounds.get(name), counted[name], able) for name in names]
    return LanesListed(items=items, total=len(items))


@operation("job.lane", effect="execute", idempotent=True)
def lane(context: Context, request: JobLane) -> LaneView:
    """Bound a lane, pause it, or let it go on; every worker keeps to it within seconds."""
    if request.pause and request.resume:
        raise InvalidRequestError("--pause and --resume at once")
    facts: dict[str, Any] = {}
    if request.concurrency is not None:
        facts["concurrency"] = request.concurrency or None
    if request.rate is not None:
        facts["rate"] = _parsed(request.rate)
    if request.pause or request.resume:
        facts["paused"] = request.pause

    context.commit(Jobs(context.ids).set_lane(context.scope, request.lane, facts))
    found = {each.lane: each for each in lanes(context, JobLanes()).items}
    return found[request.lane]


def _parsed(rate: str) -> dict[str, float] | None:
    if rate == "none":
        return None
    match = _RATE.fullmatch(rate)
    if match is None or int(match[1]) == 0 or float(match[2] or 1) == 0:
        raise InvalidRequestError(f"{rate!r:.40} is no rate", hint="such as 4/s, 100/5m or none")
    return {"count": int(match[1]), "period_s": float(match[2] or 1) * _UNITS[match[3]]}


def _view(name: str, row: Row | None, count: int, able: Sequence[Able]) -> LaneView:
    body: Mapping[str, Any] = row.body if row else {}
    rate = body.get("rate")
    return LaneView(
        lane=name,
        open=count,
        paused=row is not None and row.state == "paused",
        concurrency=body.get("concurrency"),
        rate=f"{rate['count']}/{rate['period_s']:g}s" if rate else "",
        waiting=why_waiting(name, able),
    )
