"""What suites were measured to catch: the record that decisions state. `eval power` measures it."""

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.eval_power import PowerMeasured, PowerView, power_items, power_view
from lignin.operations.powerwork import what_differs
from lignin.operations.registry import Listed, Request, operation, positional
from lignin.ports.ledger import require_known


class PowersAsked(Request):
    head: str | None = Field(None, description="only with this head")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this one")


class PowersListed(Listed):
    items: list[PowerView] = Field(description="this page of the list")


class PowerRef(Request):
    power: str = positional("a measurement's id, as `power list` shows it")
    check: bool = Field(False, description="come to it again from the trials on record")


@operation("power.list", effect="read", idempotent=True)
def list_(context: Context, request: PowersAsked) -> PowersListed:
    """List what was measured of the suites, and is stated by the decisions on them."""
    with context.view() as view:
        page = view.page("power", parent=request.head, after=request.after, limit=request.limit)
        items = [PowerView(**power_view(view, row)) for row in page.rows]
    return PowersListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--head, --after" if page.next_after else None,
    )


@operation("power.show", effect="read", idempotent=True)
def show(context: Context, request: PowerRef) -> PowerMeasured:
    """Show what a suite was measured to catch, fault by fault; `--check` comes to it again. Runs nothing."""
    with context.view() as view:
        row = require_known(view, f"power/{request.power}")
        differs = what_differs(view, row) if request.check else []
        items = power_items(view, row)
        return PowerMeasured(**power_view(view, row), paid=0, items=items, differs=differs)
