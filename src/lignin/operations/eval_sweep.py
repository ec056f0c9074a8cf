"""Sweeps: what was fixed is looked at again, and what broke it is found."""

from collections.abc import Sequence

from pydantic import Field

from lignin.domain.codec import parse_json
from lignin.domain.states import Row
from lignin.evals.laws.binomial import exact_interval
from lignin.operations.bisecting import search_log
from lignin.operations.context import Context
from lignin.operations.eval_backslides import BackslideView, backslide_view, tell_backslide
from lignin.operations.inspecting import of_case, stands
from lignin.operations.planting import Subject
from lignin.operations.registry import Response, operation
from lignin.operations.regressing import Fix, standing_backslides
from lignin.operations.suites import SuiteRequest, load_suite, options_of
from lignin.operations.sweepwork import (
    Sweeping,
    find,
    open_sweep,
    prepare,
    reach_sweep,
    unsearched,
)
from lignin.operations.tries import with_workers
from lignin.ports.ledger import View, every_row, require_known

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
    slid: bool = Field(
        False, description="whether it was fixed and slid back: then it is not flaky"
    )


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
        description="what slid back and is not mended, found now or before, with the accept that did it"
    )
    known: list[str] = Field(
        default_factory=list,
        description="of these, the ids of those that an earlier sweep found: nothing is proposed again",
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
            lines += ["", *tell_backslide(each)]
            if each.backslide in self.known:
                lines.append("  found by an earlier sweep, and still open")
        if flaky:
            lines += ["", f"{len(flaky)} are flaky, and stay in the suite:"]
        for one in flaky[:_SHOWN]:
            low, high = one.interval
            lines.append(f"  {one.case}  {one.rate:.0%} of {one.trials} ({low:.0%} to {high:.0%})")
        return "\n".join(lines)


@operation("eval.sweep", effect="execute", idempotent=True)
def sweep(context: Context, request: EvalSweep) -> Swept:
    """Look again at everything that was fixed on a head, and find out what broke it.

    What fails again is searched for in the head's log by trials of old revisions, the accept that did it is
    named and a rollback proposed; a person decides it. The other cases are tried too, and their flakiness
    told. Trials are filed as they are made: after a crash the same command goes on. 0 clear, 6 backslides,
    10 unclear.
    """
    context = with_workers(context, request.workers)
    options = options_of(context, request)
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


def _swept(view: View, row: Row, sweeping: Sweeping, paid: int) -> Swept:
    told = parse_json(view.blob(row.body["result"]["told"]))
    slid = _slid_back(view, row, told["broken"], list(sweeping.fixes.values()))
    gone = {*told["broken"], *(each.body["case"] for each in slid)}
    items = [
        item
        for name in told["tried"]
        if (item := _flakiness(view, sweeping, name, has_slid=name in gone)) is not None
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
        backslides=[backslide_view(view, each) for each in slid],
        known=[each.key for each in slid if each.body["sweep"] != row.key],
        items=sorted(items, key=lambda item: (item.rate, item.case)),
        paid=paid,
    )


def _slid_back(view: View, row: Row, broken: Sequence[str], fixes: Sequence[Fix]) -> list[Row]:
    """The backslides that this system shows, and those of the head that are not mended since."""
    head, system = row.body["head"], row.body["system"]
    if not head:
        return []
    standing = standing_backslides(view, head, fixes, row.body["name"])
    shown = {
        each.key: each
        for each in every_row(view, "backslide")
        if each.body["case"] in broken
        and each.body["head"] == head
        and each.body.get("system") == system
    }
    found = {**shown, **{each.key: each for each in standing.values()}}
    return [found[key] for key in sorted(found)]


def _flakiness(view: View, sweeping: Sweeping, name: str, *, has_slid: bool) -> Flakiness | None:
    banked, _ = of_case(stands(view, sweeping.base.digest), sweeping.suite[name])
    between = exact_interval(round(banked.scored), banked.trials)
    if between is None:
        return None
    return Flakiness(
        case=name,
        trials=banked.trials,
        rate=round(banked.scored / banked.trials, 4),
        interval=[round(bound, 4) for bound in between],
        flaky=0 < banked.scored < banked.trials and not has_slid,
        slid=has_slid,
        fixed=name in sweeping.fixes,
    )
