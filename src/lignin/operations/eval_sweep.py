"""Regression memory: sweeps over what was fixed, what slid back, and how often that is."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import ConflictError
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.evals.laws.binomial import exact_interval
from lignin.evals.laws.guard import Care
from lignin.evals.regressions import Regressions
from lignin.evals.service import Cases
from lignin.operations.bisecting import search_again, search_log, tell_found
from lignin.operations.context import Context
from lignin.operations.eval import SuiteRequest, load_suite
from lignin.operations.inspecting import UnfiledError, of_case, stands
from lignin.operations.planting import Subject
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.regressing import told_of
from lignin.operations.sweepwork import (
    Sweeping,
    find,
    open_sweep,
    prepare,
    reach_sweep,
    unsearched,
)
from lignin.ports.ledger import View, every_row, not_known, require_known

TRIALS = 3
_SHOWN = 20


class EvalSweep(SuiteRequest):
    system: str = Field(description="the agent, as `eval run` takes it")
    head: str = Field(
        "", description="the head that it runs with: what was fixed there is looked at again"
    )
    rotate: bool = Field(
        False,
        description="one case of each failure mode, another one each time, and all of a mode in doubt",
    )
    trials: int = Field(
        TRIALS, ge=1, le=1000, description="so many trials are to stand of what was never fixed"
    )


class Flakiness(Response):
    case: str = Field(description="the case")
    trials: int = Field(description="trials of this very system that tell something")
    rate: float = Field(description="share of them that it passed")
    interval: list[float] = Field(description="its exact 95 % interval")
    flaky: bool = Field(description="whether it passed some and failed some")
    fixed: bool = Field(description="whether it was fixed on this head")


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
    rollback_state: str = Field(description="that proposal's state; applied once it was done")
    trials: int = Field(description="trials of old revisions that the search took")
    why: str = Field(description="the same in words")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")


class Swept(Response):
    sweep: str = Field(description="the sweep's id")
    state: str = Field(description="clear, backslides or unclear")
    system: str = Field(description="digest of the system")
    name: str = Field(description="how it was named")
    head: str = Field(description="the head, where there is one")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")
    rotate: bool = Field(description="whether one case stood for its mode")
    cases: int = Field(description="cases of the suite")
    tried: int = Field(description="how many of them were tried")
    fixed: int = Field(description="of the suite, cases that were fixed on the head")
    broken: list[str] = Field(description="of these, those that fail again")
    unclear: list[str] = Field(description="of these, those where more trials are needed to say")
    backslides: list[BackslideView] = Field(
        description="what slid back, with the accept that did it"
    )
    items: list[Flakiness] = Field(description="each case that was tried, the worst first")
    paid: int = Field(description="trials that were run this time, those of old revisions included")

    def exit_code(self) -> int:
        return {"clear": 0, "backslides": 6}.get(self.state, 10)

    def to_text(self) -> str:
        label = " (simulated)" if self.simulated else ""
        with_head = f" with head {self.head}" if self.head else ""
        flaky = [each for each in self.items if each.flaky]
        lines = [
            f"{self.state}: {self.name}{label}{with_head}",
            f"{self.tried} of {self.cases} cases tried, {self.paid} trials run now",
            f"{self.fixed} were fixed, {len(self.broken)} fail again, {len(self.unclear)} unclear",
        ]
        if not self.head:
            lines.append("without --head nobody can say what was fixed")
        for each in self.backslides:
            lines += ["", *_lines(each)]
        if flaky:
            lines += ["", f"{len(flaky)} are flaky, and stay in the suite:"]
        for one in flaky[:_SHOWN]:
            low, high = one.interval
            lines.append(f"  {one.case}  {one.rate:.0%} of {one.trials} ({low:.0%} to {high:.0%})")
        return "\n".join(lines)


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
            lines += ["", *_lines(each)]
        lines += [f"differs from the record: {each}" for each in self.differs]
        return "\n".join(
            [*lines, *([f"more: --after {self.next_after}"] if self.next_after else [])]
        )


class EvalForget(Request):
    case: str = positional("the fixed case that is to be let go")
    reason: str = Field(min_length=1, max_length=2000, description="why it need not pass any more")


class Forgotten(Response):
    case: str = Field(description="the case")
    fixed_by: list[str] = Field(description="the decisions that had fixed it")
    withdrawn: bool = Field(
        description="whether it was withdrawn with it, for its runs no longer make it"
    )


class EvalKeep(Request):
    case: str = positional("the fixed case")
    margin: float = Field(
        gt=0,
        lt=1,
        description="the share of its rate that it may lose before that counts as broken",
    )


class Kept(Response):
    case: str = Field(description="the case")
    fixed_by: list[str] = Field(description="the decisions that had fixed it")
    margin: float = Field(description="the share of its rate that it may lose")
    before: float = Field(description="what it could lose until now")


@operation("eval.sweep", effect="execute", idempotent=True)
def sweep(context: Context, request: EvalSweep) -> Swept:
    """Look again at everything that was fixed on a head, and find out what broke it.

    What fails again is searched for in the head's log by trials of old revisions, the accept that did it is
    named and a rollback proposed; a person decides it. The other cases are tried too, and their flakiness
    told. Trials are filed as they are made: after a crash the same command goes on. 0 clear, 6 backslides,
    10 unclear.
    """
    options = {"unsandboxed": request.unsandboxed, "limit_s": request.limit_s}
    subject = Subject(spec=request.system, head=request.head, options=options)
    with context.view() as view:
        if request.head:
            require_known(view, f"head/{request.head}")
        suite = load_suite(context, view, request)
    sweeping = prepare(
        context,
        subject,
        suite,
        rotate=request.rotate,
        trials=request.trials,
        parallel=request.parallel,
    )
    row, paid = find(context, sweeping), 0
    if row is None:
        row, paid = open_sweep(context, sweeping)
    if row.state == "open":
        paid += reach_sweep(context, sweeping, row)
    with context.view() as view:
        left = unsearched(view, row)
    for each in left:
        case = sweeping.suite[each.body["case"]]
        paid += search_log(context, subject, each, case, request.parallel)
    with context.view() as view:
        return _swept(view, require_known(view, row.stream), sweeping, paid)


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
            items=[_view(view, row) for row in page.rows],
            total=page.total,
            next_after=page.next_after,
            narrow="--head, --state, --after" if page.next_after else None,
            measured=_measured(view, request.head),
            promised={"missed": Care().missed, "of": "accepts that break a guarded case"},
            differs=differs,
        )


@operation("eval.forget", effect="govern")
def forget(context: Context, request: EvalForget) -> Forgotten:
    """Let a fixed case go: it is guarded as any other from now on, and may be withdrawn. Only a person can."""
    require_person(context.scope.actor, "lets a fixed case go")

    def decide(view: View) -> tuple[Forgotten, list[Change]]:
        row = _kept(view, request.case)
        changes = [Regressions(context.ids).let_go(context.scope, row, request.reason)]
        case = view.row(f"case/{request.case}") if row.body["stored"] else None
        is_gone = case is not None and case.state == "accepted" and bool(case.body["reason"])
        if case is not None and is_gone:
            reason = f"{case.body['reason']}; let go: {request.reason}"
            changes.append(Cases(context.ids).withdraw(context.scope, case, reason))
        return Forgotten(case=request.case, fixed_by=_by(row), withdrawn=is_gone), changes

    return context.decide_and_commit(decide)


@operation("eval.keep", effect="govern", idempotent=True)
def keep(context: Context, request: EvalKeep) -> Kept:
    """Declare how much a fixed case may lose before that is a break; only a person may allow more."""

    def decide(view: View) -> tuple[Kept, list[Change]]:
        row = _kept(view, request.case)
        before = float(row.body["margin"])
        if request.margin > before:
            require_person(context.scope.actor, "allows a fixed case to lose more")
        told = Kept(case=request.case, fixed_by=_by(row), margin=request.margin, before=before)
        if request.margin == before:
            return told, []
        return told, [Regressions(context.ids).declare(context.scope, row, request.margin)]

    return context.decide_and_commit(decide)


def _kept(view: View, case: str) -> Row:
    """The fix of a case by its name.

    Raises:
        ConflictError: It was let go.
        NotFoundError: It was never fixed.
    """
    rows = [row for row in every_row(view, "fix") if row.body["case"] == case]
    for row in rows:
        if row.state == "kept":
            return row
    if rows:
        raise ConflictError(
            f"{case} was let go already: {rows[0].body['let_go']['reason']}",
            hint="a decision that mends it anew keeps it again",
        )
    raise not_known(view, f"fix/{case}")


def _by(row: Row) -> list[str]:
    return [each["decision"] for each in row.body["by"]]


def _swept(view: View, row: Row, sweeping: Sweeping, paid: int) -> Swept:
    told = parse_json(view.blob(row.body["result"]["told"]))
    slid = [
        _view(view, each)
        for each in every_row(view, "backslide")
        if each.body.get("sweep") == row.key
        or (each.body["head"] == row.body["head"] and each.body["case"] in told["broken"]
            and each.body["revision"] == _stable(view, row))
    ]  # fmt: skip
    items = [
        item for name in told["tried"] if (item := _flakiness(view, sweeping, name)) is not None
    ]
    return Swept(
        sweep=row.key,
        state=str(row.state),
        system=row.body["system"],
        name=row.body["name"],
        head=row.body["head"],
        simulated=row.body["simulated"],
        rotate=row.body["rotate"],
        cases=row.body["cases"],
        tried=len(told["tried"]),
        fixed=told["fixed"],
        broken=told["broken"],
        unclear=told["unclear"],
        backslides=slid,
        items=sorted(items, key=lambda item: (item.rate, item.case)),
        paid=paid,
    )


def _stable(view: View, row: Row) -> str:
    head = view.row(f"head/{row.body['head']}")
    return str(head.body["stable"]) if head else ""


def _flakiness(view: View, sweeping: Sweeping, name: str) -> Flakiness | None:
    banked, _ = of_case(stands(view, sweeping.base.digest), sweeping.suite[name])
    between = exact_interval(round(banked.scored), banked.trials)
    if between is None:
        return None
    return Flakiness(
        case=name,
        trials=banked.trials,
        rate=round(banked.scored / banked.trials, 4),
        interval=[round(bound, 4) for bound in between],
        flaky=0 < banked.scored < banked.trials,
        fixed=name in sweeping.fixes,
    )


def _view(view: View, row: Row) -> BackslideView:
    body, told = row.body, told_of(view, row)
    at = told.get("revision")
    proposal = view.row(f"proposal/{told['rollback']}") if told.get("rollback") else None
    return BackslideView(
        backslide=row.key,
        state=str(row.state),
        case=body["case"],
        head=body["head"],
        source=body["source"],
        fixed_by=body["decision"],
        accused=told.get("accused", ""),
        likely=None if at is None else told["likely"][at],
        rollback=told.get("rollback", ""),
        rollback_state=str(proposal.state) if proposal else "",
        trials=told.get("trials", 0),
        why=told.get("why") or body["why"],
        simulated=bool(body.get("simulated")),
    )


def _lines(each: BackslideView) -> list[str]:
    label = " (simulated)" if each.simulated else ""
    lines = [f"{each.backslide}: {each.case} on head {each.head}, {each.state}{label}"]
    lines.append(f"  {each.why}" if each.why else f"  fixed by {each.fixed_by}")
    if each.rollback:
        lines.append(f"  rollback proposed: {each.rollback} ({each.rollback_state})")
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
