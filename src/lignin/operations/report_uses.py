"""Report of who used which artifact, over every path on which a use is seen."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from lignin.domain.counts import dollars, known_sum
from lignin.domain.errors import LigninError
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.domain.uses import ArtifactUse
from lignin.operations.context import Context
from lignin.operations.intake import load_trajectory
from lignin.operations.receiving import read_receipts
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.operations.telemetry import SOURCE
from lignin.operations.uses import version_behind
from lignin.ports.ledger import View, every_row
from lignin.traces.usage import Account, count_uses
from lignin.traces.view import told

MAX_RUNS = 5000
UNKNOWN = "unknown"


class ReportUses(Request):
    name: str | None = Field(None, description="only uses of this artifact")
    days: int = Field(30, ge=1, le=3650, description="only uses of the last so many days")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this row's key")


class UsesView(Response):
    key: str = Field(description="what names this row")
    version: str = Field(description="the artifact's name with the version's digest")
    client: str = Field(description="the client that used it")
    client_version: str = Field(description="the client's version, where an account says it")
    model: str = Field(description="the model that worked in it, where an account says it")
    uses: int = Field(description="how often; what several accounts tell counts once")
    sessions: int = Field(description="in so many sessions")
    failed: int = Field(description="calls that answered with an error, as far as we ran them")
    paths: dict[str, int] = Field(
        description="uses by the way they were seen; one may be seen by several"
    )
    input_tokens: int | None = Field(description="tokens given to the model in these uses")
    output_tokens: int | None = Field(description="tokens it gave")
    cost_microusd: int | None = Field(
        description="what it cost in micro-USD; none where nobody says"
    )
    last_at: str = Field(description="when it was last used")


class UsesListed(Listed):
    items: list[UsesView] = Field(description="this page, the most used first")
    uses: int = Field(description="all uses that were counted")
    left_out: int = Field(
        description="uses of names of which no version of the space can be told, or of no artifact"
    )

    def to_text(self) -> str:
        lines = [f"{self.uses} uses; {self.left_out} more of what no version here stands behind"]
        for each in self.items:
            client = " ".join(filter(None, (each.client, each.client_version, each.model)))
            cost = "" if each.cost_microusd is None else f"  {dollars(each.cost_microusd)}"
            lines.append(f"{each.uses:5}  {each.version[:40]}  {client}{cost}")
        return told(lines)


@operation("report.uses", effect="read", idempotent=True)
def uses(context: Context, request: ReportUses) -> UsesListed:
    """List how often each artifact was used, per client, its version and the model, with tokens and cost.

    From stored transcripts, telemetry and the calls that this store ran itself (command line, MCP,
    HTTP, SDK). A use that several of them tell counts once. A load of a skill, and each call, is a
    use; an offer in a listing is none. Costs are as far as a client says them.
    """
    since = context.clock.now() - timedelta(days=request.days)
    with context.view() as view:
        counted, left_out = resolved_uses(context, view, since=since)
    groups: dict[tuple[str, ...], list[ArtifactUse]] = defaultdict(list)
    for version, use in counted:
        if request.name is None or use.name == request.name:
            by = (use.client or UNKNOWN, use.client_version, use.model)
            groups[version, *by].append(use)
    found = [_row(key, own) for key, own in groups.items()]
    found.sort(key=lambda each: (-each.uses, each.key))
    keys = [each.key for each in found]
    start = keys.index(request.after) + 1 if request.after in keys else 0
    page = found[start : start + request.limit]
    is_end = start + request.limit >= len(found)
    return UsesListed(
        items=page,
        total=len(found),
        uses=sum(each.uses for each in found),
        left_out=left_out,
        next_after=None if is_end else page[-1].key,
        narrow="--name" if len(found) > len(page) else None,
    )


def resolved_uses(
    context: Context, view: View, *, since: datetime
) -> tuple[list[tuple[str, ArtifactUse]], int]:
    """Every use since a time with the version behind it, and how many have none."""
    rows = {row.key: row for row in _sessions(view)}
    accounts = [_account(context, view, row) for row in rows.values()]
    read = [each for each in accounts if each is not None]
    found = []
    left_out = 0
    for use in count_uses(read, read_receipts(view)):
        if datetime.fromisoformat(use.at) < since and use.at > "1970-01-02":
            continue
        version = version_behind(context, view, rows.get(use.run), use)
        if version:
            found.append((version, use))
        else:
            left_out += 1
    return found, left_out


def _sessions(view: View) -> Sequence[Row]:
    imported = [row for row in every_row(view, "session") if "source" in row.body]
    return imported[-MAX_RUNS:]


def _account(context: Context, view: View, row: Row) -> Account | None:
    try:
        run: Trajectory = load_trajectory(context, view, row.key)
    except LigninError:  # its records were purged
        return None
    return Account(key=row.key, run=run, is_telemetry=row.body["source"] == SOURCE)


def _row(key: tuple[str, ...], uses: Sequence[ArtifactUse]) -> UsesView:
    version, client, client_version, model = key
    return UsesView(
        key=" ".join(each or "-" for each in key),
        version=version,
        client=client,
        client_version=client_version,
        model=model,
        uses=len(uses),
        sessions=len({use.run for use in uses if use.run}),
        failed=sum(use.failed is True for use in uses),
        paths=dict(Counter(path for use in uses for path in use.paths)),
        input_tokens=known_sum(use.input_tokens for use in uses),
        output_tokens=known_sum(use.output_tokens for use in uses),
        cost_microusd=known_sum(use.cost_microusd for use in uses),
        last_at=max(use.at for use in uses),
    )
