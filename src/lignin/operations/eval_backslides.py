"""What was fixed and slid back, and how often that is beside what the guard promises."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json, parse_json
from lignin.domain.states import Row
from lignin.evals.laws.binomial import exact_interval
from lignin.evals.laws.watch import Care
from lignin.evals.trials import UnfiledError
from lignin.operations.bisecting import search_again, tell_found
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.operations.regressing import told_of, way_back_of
from lignin.ports.ledger import View, every_row


class BackslideView(Response):
    backslide: str = Field(description="its id")
    state: str = Field(
        description="suspected, open (searched for), named, unexplained, or refuted by trials"
    )
    case: str = Field(description="the case that was fixed and fails again")
    head: str = Field(description="the head")
    source: str = Field(description="who saw it: sweep, feedback, canary or person")
    fixed_by: str = Field(description="the decision that had fixed it")
    accused: str = Field(
        description="the accept that did it: a proposal; empty where none is named"
    )
    likely: float | None = Field(description="how likely it is that one, 0 to 1")
    rollback: str = Field(description="the proposal to go back behind it")
    rollback_state: str = Field(description="its state, or of what took its place; applied: done")
    rollback_by: str = Field(
        "", description="the proposal that took its place, such as a rollback by hand"
    )
    trials: int = Field(description="trials of old revisions that the search took")
    why: str = Field(description="the same in words")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")


class BackslidesAsked(Request):
    head: str | None = Field(None, description="only of this head")
    state: str | None = Field(None, description="suspected, open, named, unexplained or refuted")
    check: bool = Field(False, description="come to each search again from the trials on record")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this one")


class BackslidesListed(Listed):
    items: list[BackslideView] = Field(description="this page of the list")
    measured: dict[str, Any] = Field(
        description="backslides named, of how many times that an accept came after a fix that a sweep "
        "looked at since, with the share and its exact 95 % interval: guarded (trials let the accept "
        "through) and unguarded (a person did)"
    )
    promised: dict[str, Any] = Field(
        description="what the guard promises of each accept that breaks a guarded case: it is let go "
        "with less than this probability"
    )
    differs: list[str] = Field(
        default_factory=list, description="searches that do not follow from the trials on record"
    )

    def exit_code(self) -> int:
        return 9 if self.differs else 0

    def to_text(self) -> str:
        lines = _rates(self.measured, self.promised)
        for each in self.items:
            lines += ["", *tell_backslide(each)]
        lines += [f"differs from the record: {each}" for each in self.differs]
        return "\n".join(
            [*lines, *([f"more: --after {self.next_after}"] if self.next_after else [])]
        )


@operation("eval.backslides", effect="read", idempotent=True)
def backslides(context: Context, request: BackslidesAsked) -> BackslidesListed:
    """List what was fixed and slid back, and how often that is beside what the guard promises."""
    with context.view() as view:
        page = view.page(
            "backslide",
            parent=request.head,
            state=request.state,
            after=request.after,
            limit=request.limit,
        )
        differs = [d for row in page.rows for d in _differs(view, row)] if request.check else []
        return BackslidesListed(
            items=[backslide_view(view, row) for row in page.rows],
            total=page.total,
            next_after=page.next_after,
            narrow="--head, --state, --after" if page.next_after else None,
            measured=_measured(view, request.head),
            promised={"missed": Care().missed, "of": "accepts that break a guarded case"},
            differs=differs,
        )


def backslide_view(view: View, row: Row) -> BackslideView:
    """What is told of a backslide."""
    body, told = row.body, told_of(view, row)
    at = told.get("revision")
    proposed, way_back = told.get("rollback", ""), way_back_of(view, row)
    return BackslideView(
        backslide=row.key,
        state=str(row.state),
        case=body["case"],
        head=body["head"],
        source=body["source"],
        fixed_by=body["decision"],
        accused=told.get("accused", ""),
        likely=None if at is None else told["likely"][at],
        rollback=proposed,
        rollback_state=str(way_back.state) if way_back else "",
        rollback_by=way_back.key if way_back and way_back.key != proposed else "",
        trials=told.get("trials", 0),
        why=told.get("why") or body["why"],
        simulated=bool(body.get("simulated")),
    )


def tell_backslide(each: BackslideView) -> list[str]:
    """A backslide in lines for a person."""
    label = " (simulated)" if each.simulated else ""
    lines = [f"{each.backslide}: {each.case} on head {each.head}, {each.state}{label}"]
    lines.append(f"  {each.why}" if each.why else f"  fixed by {each.fixed_by}")
    if each.rollback:
        by = f" by {each.rollback_by}" if each.rollback_by else ""
        lines.append(f"  rollback proposed: {each.rollback} ({each.rollback_state}{by})")
    return lines


def _differs(view: View, row: Row) -> list[str]:
    told = told_of(view, row)
    if row.state not in ("named", "unexplained") or not told:
        return []
    try:
        again = tell_found(*search_again(view, row))
    except UnfiledError as error:
        return [f"{row.key}: the trial {error} was never filed"]
    return [f"{row.key}: {name}" for name in again if again[name] != told.get(name)]


def _measured(view: View, head: str | None) -> dict[str, Any]:
    """Backslides that a search named, of the times that an accept came after a fix that was looked at."""
    exposed: dict[tuple[str, str, str], tuple[int, int]] = {}
    for row in every_row(view, "sweep"):
        if row.body["result"] is None or head not in (None, row.body["head"]):
            continue
        told: Mapping[str, Json] = parse_json(view.blob(row.body["result"]["told"]))
        for fix, decision, guarded, others in told["exposed"]:
            key = (row.body["head"], fix, decision)
            before = exposed.get(key, (0, 0))
            exposed[key] = (max(before[0], guarded), max(before[1], others))
    named: set[tuple[str, str, bool]] = set()
    for row in every_row(view, "backslide", state="named"):
        if head in (None, row.body["head"]):
            told = told_of(view, row)
            named.add((row.body["fix"], told["accused"], told["guarded"]))
    counted = list(exposed.values())
    return {
        "guarded": _share(sum(each for *_, each in named), sum(each for each, _ in counted)),
        "unguarded": _share(sum(not each for *_, each in named), sum(each for _, each in counted)),
    }


def _share(named: int, count: int) -> dict[str, Any]:
    between = exact_interval(named, count) if named <= count else None
    return {
        "named": named,
        "of": count,
        "rate": round(named / count, 4) if count else None,
        "interval": [round(bound, 4) for bound in between] if between else None,
    }


def _rates(measured: Mapping[str, Any], promised: Mapping[str, Any]) -> list[str]:
    """The measured rates beside the promised one."""
    lines = []
    for kind, who in (("guarded", "by trials"), ("unguarded", "without trials")):
        each = measured[kind]
        told = f"{each['named']} of {each['of']} times that an accept {who} came after a fix"
        if each["interval"] is not None:
            low, high = each["interval"]
            told += f": {each['rate']:.1%} ({low:.1%} to {high:.1%})"
        lines.append(f"slid back {told}")
    lines.append(
        f"promised: of accepts by trials that break a guarded case under {promised['missed']:.0%} get "
        "through; without trials nothing is"
    )
    return lines
