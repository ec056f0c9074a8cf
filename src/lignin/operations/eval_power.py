"""How much a suite catches: faults planted into what works, and accepted fixes undone."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json, parse_json
from lignin.domain.states import Row
from lignin.evals.power import tell_basis
from lignin.evals.sweeping import parse_inspection
from lignin.operations.context import Context
from lignin.operations.planting import Subject
from lignin.operations.powerwork import Wanted, in_words, measure, want
from lignin.operations.registry import Response, operation
from lignin.operations.suites import SuiteRequest, basis_of, load_suite, options_of
from lignin.operations.tries import with_workers
from lignin.ports.ledger import View

MOST = 24
_SHOWN = 20


class EvalPower(SuiteRequest):
    system: str = Field(description="a system that works, as `eval run` takes it")
    head: str = Field(
        "",
        description="the harness it runs with: its accepted changes are undone, its slots altered",
    )
    most: int = Field(
        MOST,
        ge=0,
        le=1000,
        description="plant at most so many faults; all fixes are undone besides",
    )
    alter: bool = Field(
        False,
        description="alter texts and files also where it runs unsandboxed: what is altered may do "
        "anything that you may do",
    )
    again: bool = Field(False, description="measure anew what was measured")


class FaultView(Response):
    kind: str = Field(description="what kind of fault")
    about: str = Field(description="which one")
    outcome: str = Field(description="caught, missed, or unclear: more trials would be needed")
    broken: list[str] = Field(description="cases, or modes, that showed it")
    trials: int = Field(description="trials that the guard asked for")


class PowerView(Response):
    power: str = Field(description="the measurement's id")
    state: str = Field(description="open or measured")
    system: str = Field(description="digest of the system that works")
    name: str = Field(description="how it was named")
    head: str = Field(description="the head, where there is one")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")
    cases: int = Field(description="cases of the suite")
    basis: dict[str, int] = Field(description="what the cases' checks rest on")
    reverted_fixes: dict[str, Any] = Field(
        description="accepted fixes undone: caught, of, and the exact 95 % interval of the share"
    )
    planted: dict[str, Any] = Field(description="planted faults likewise, with each kind")
    left_out: int = Field(description="faults that could have been planted beside these")
    measured_at: str = Field(description="when; empty while it is open")
    trials: int = Field(description="trials that it took, those that stood before included")
    differs: list[str] = Field(
        default_factory=list, description="what does not follow from the trials on record"
    )

    def exit_code(self) -> int:
        return 9 if self.differs else 0

    def to_text(self) -> str:
        return "\n".join(_told(self))


class PowerMeasured(PowerView):
    paid: int = Field(description="trials that were run this time")
    items: list[FaultView] = Field(description="one entry a fault, the missed ones first")

    def to_text(self) -> str:
        lines = _told(self)
        for each in [one for one in self.items if one.outcome != "caught"][:_SHOWN]:
            lines.append(f"  {each.outcome}: {each.kind}: {each.about}")
        return "\n".join([*lines, f"{self.trials} trials, {self.paid} run now"])


@operation("eval.power", effect="execute", idempotent=True)
def power(context: Context, request: EvalPower) -> PowerMeasured:
    """Measure what a suite catches: plant faults into a system that works, and undo accepted fixes.

    The guard of the gate looks at each as at any proposal. Trials that stand are not run again; after a
    crash the same command goes on. What was measured is stated by every decision on the suite.
    """
    context = with_workers(context, request.workers)
    subject = Subject(
        spec=request.system,
        head=request.head,
        options=options_of(context, request),
        may_alter=request.alter or not request.unsandboxed,
    )
    base, planted, left = want(context, subject, request.most)
    with context.view() as view:
        suite = load_suite(context, view, request)
    wanted = Wanted(head=request.head, base=base, planted=planted, suite=suite, left_out=left)
    row, paid = measure(context, wanted, again=request.again, parallel=request.parallel)
    with context.view() as view:
        return PowerMeasured(**power_view(view, row), paid=paid, items=power_items(view, row))


def _graders(plan: Mapping[str, Any]) -> dict[str, str]:
    """What judges the cases that were looked at, by case."""
    looked = (parse_inspection(look["inspection"]).cases for look in plan["looks"])
    return {name: case.grader for cases in looked for name, case in cases.items()}


def power_view(view: View, row: Row) -> dict[str, Any]:
    """What is told of a measurement."""
    plan = parse_json(view.blob(row.body["plan"]))
    told: Mapping[str, Json] = {}
    if row.body["result"]:
        told = parse_json(view.blob(row.body["result"]["told"]))
    return {
        "power": row.key,
        "state": row.state,
        "system": row.body["system"],
        "name": row.body["name"],
        "head": row.body["head"],
        "simulated": row.body["simulated"],
        "cases": len(plan["cases"]),
        "basis": basis_of(view, {**dict.fromkeys(plan["cases"], ""), **_graders(plan)}),
        "reverted_fixes": told.get("reverted_fixes", {}),
        "planted": told.get("planted", {}),
        "left_out": plan["left_out"],
        "measured_at": row.body.get("reached_at", ""),
        "trials": told.get("trials", 0),
    }


def power_items(view: View, row: Row) -> list[FaultView]:
    """Its faults, those that were not caught first."""
    if row.body["result"] is None:
        return []
    items = parse_json(view.blob(row.body["result"]["told"]))["items"]
    order = {"missed": 0, "unclear": 1, "caught": 2}
    return sorted((FaultView(**each) for each in items), key=lambda each: order[each.outcome])


def _told(view: PowerView) -> list[str]:
    label = " (simulated)" if view.simulated else ""
    head = f" with head {view.head}" if view.head else ""
    lines = [f"{view.power}: {view.name}{label}{head}, {view.cases} cases"]
    if view.state == "open":
        return [*lines, "not measured to its end: the same `lignin eval power` goes on"]
    lines.append(in_words(view.model_dump()))
    for kind, share in view.planted["kinds"].items():
        lines.append(f"  {kind.replace('_', ' ')}: {share['caught']} of {share['of']}")
    if view.left_out:
        lines.append(f"  {view.left_out} more could be planted: --most")
    if told := tell_basis(view.basis):
        lines.append(told)
    return [*lines, *(f"differs from the record: {each}" for each in view.differs)]
