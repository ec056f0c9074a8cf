"""Reports over what a space holds; each says what to do next."""

from collections import defaultdict

from pydantic import Field

from lignin.domain.errors import NotFoundError
from lignin.operations.calling import Call, read_calls
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.traces.templates import template_of
from lignin.traces.view import told

SHOWN = 3
UNMET = NotFoundError.code


class ReportNeeds(Request):
    least: int = Field(1, ge=1, description="only those that came up at least so often")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this need")


class NeedView(Response):
    need: str = Field(description="what was asked for, with its values replaced by their types")
    operation: str = Field(description="the operation that was asked")
    count: int = Field(description="how often")
    callers: int = Field(description="by how many different callers")
    outcomes: dict[str, int] = Field(description="how those calls ended, or with which error")
    asked: list[str] = Field(description=f"the latest {SHOWN} as they were said")
    rationales: list[str] = Field(description=f"why, the latest {SHOWN} that were said")
    last_at: str = Field(description="when it last came up")


class NeedsListed(Listed):
    items: list[NeedView] = Field(description="this page, those that came up most often first")
    calls: int = Field(description="calls that were looked at")

    def to_text(self) -> str:
        lines = [f"{self.total} needs that nothing served, in {self.calls} calls"]
        for each in self.items:
            lines.append(f"{each.count:4} by {each.callers}  {each.need}  ({each.operation})")
            lines += [f"       why: {why}" for why in each.rationales[:1]]
        return told(lines)


@operation("report.needs", effect="read", idempotent=True)
def needs(context: Context, request: ReportNeeds) -> NeedsListed:
    """List what agents looked for and did not get: searches and requests that nothing served.

    From the log of calls of the servers (`lignin mcp`, `lignin up --http`); what differs only in its
    values is one need. A call that was refused as denied, ill-formed or too much is none: it was not
    looked for in vain. The commonest needs are what to write, mine or promote next.
    """
    with context.view() as view:
        calls = list(read_calls(view))
    groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        if _is_unmet(call) and (call.asked or call.rationale):
            groups[call.operation, template_of(call.asked or call.rationale)].append(call)
    found = [
        _need(operation, template, each)
        for (operation, template), each in groups.items()
        if len(each) >= request.least
    ]
    found.sort(key=lambda each: (-each.count, each.need, each.operation))
    keys = [f"{each.operation} {each.need}" for each in found]
    start = keys.index(request.after) + 1 if request.after in keys else 0
    page = found[start : start + request.limit]
    is_end = start + request.limit >= len(found)
    return NeedsListed(
        items=page,
        total=len(found),
        calls=len(calls),
        next_after=None if is_end else keys[start + request.limit - 1],
        narrow="--least" if len(found) > len(page) else None,
    )


def _is_unmet(call: Call) -> bool:
    """True where nothing was there: nothing found, or what was named is not there or not served."""
    return call.outcome == "empty" or (call.outcome == "refused" and call.error == UNMET)


def _need(operation: str, template: str, calls: list[Call]) -> NeedView:
    ends: dict[str, int] = defaultdict(int)
    for call in calls:
        ends[call.error or call.outcome] += 1
    latest = calls[::-1]
    return NeedView(
        need=template,
        operation=operation,
        count=len(calls),
        callers=len({call.by for call in calls}),
        outcomes=dict(ends),
        asked=[call.asked for call in latest if call.asked][:SHOWN],
        rationales=[call.rationale for call in latest if call.rationale][:SHOWN],
        last_at=latest[0].at,
    )
