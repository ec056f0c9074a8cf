"""Families of tasks: how many ways lead through each, and which are served program-first."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.counts import counted
from lignin.domain.plans import Plan, Slot
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.planning import Serving, look_at_families, names_of, serving
from lignin.operations.registry import Request, Response, operation
from lignin.operations.routinework import told_of, untold
from lignin.ports.ledger import View, every_row
from lignin.traces.routines.draw import name_of
from lignin.traces.routines.families import MOST, FamilyReport
from lignin.traces.routines.plan_service import file_plans, plan_id
from lignin.traces.routines.service import read
from lignin.traces.view import told

MOST_NAMED = 3


class RoutineFamilies(Request):
    head: str = Field(MAIN, description="the harness head whose promoted routines serve")


class FamilyView(Response):
    family: str = Field(
        description="stem of the tasks' names, else the tools that change something"
    )
    runs: int = Field(description="passing runs")
    paths: int = Field(description="different paths, rewritten with the routines that stand")
    branches_80: int = Field(description="alternatives where paths part, to cover 80 % of the runs")
    branches_90: int = Field(description="the same for 90 %")
    branches_all: int = Field(description="the same for all")
    verdict: str = Field(
        description="workflow (under 20 branches cover 90 %), agent, or too few runs to tell"
    )
    routines: list[str] = Field(description="what its paths are made of, by id")
    made_of: list[str] = Field(
        description="the same by the names of their programs, or their tools"
    )
    inside: float = Field(description="share of runs that end inside routines")
    covered: bool = Field(
        description="promoted routines lead from the request to the end: it has a plan"
    )
    plan: dict[str, Json] | None = Field(description="how it is served, where it is")
    why_not: str = Field(description="why there is no plan, where there is none")


class FamiliesView(Response):
    families: list[FamilyView] = Field(description="those with most runs first")
    plans: int = Field(description="how many have a plan")
    passed: int = Field(description="runs that passed, declared or judged: these are looked at")
    failed: int = Field(description="runs that failed, declared or surely judged")
    unknown: int = Field(description="runs with no known outcome: they are not looked at")

    def to_text(self) -> str:
        lines = untold(self.passed, self.failed, self.unknown)
        for each in self.families:
            lines += [
                f"{each.family}: {each.verdict}; {counted(each.runs, 'run')}, "
                f"{counted(each.paths, 'path')}; "
                f"{each.branches_80}, {each.branches_90}, {each.branches_all} branches cover 80 %, "
                f"90 %, all; {each.inside:.0%} of the runs end inside routines",
                *([f"  made of {told_few(each.made_of)}"] if each.made_of else []),
                f"  {_served(each)}",
            ]
        every = counted(len(self.families), "family")
        return told(
            [*lines, f"{self.plans} of {every} {'has' if self.plans == 1 else 'have'} a plan"]
        )


def told_few(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


@operation("routine.families", effect="read", idempotent=True)
def families(context: Context, request: RoutineFamilies) -> FamiliesView:
    """Show per family of tasks how many paths and branches cover its passing runs, and what serves it.

    A family is covered where the promoted routines lead from the request to its end: every call of the
    path is inside a use, and every parameter of every use is known before that use starts.
    """
    return _view(context, request.head, keep=False)


@operation("routine.plan", effect="govern", idempotent=True)
def plan(context: Context, request: RoutineFamilies) -> FamiliesView:
    """File how families are served program-first: request forms, routines with parameters, answers.

    A plan is mined from two thirds of the passing runs and has to hold on the others. A plan that its
    runs no longer bear out is withdrawn.
    """
    return _view(context, request.head, keep=True)


def _view(context: Context, head: str, *, keep: bool) -> FamiliesView:
    found = look_at_families(context, head)
    if keep:
        context.decide_and_commit(
            lambda view: (None, file_plans(context.ids, view, context.scope, found.plans))
        )
    with context.view() as view:
        served = serving(context, view, head)
        told = asdict(told_of(view))
        names = _names(view)
    plans = {each.family: each for each in found.plans}
    reasons = {each.family: _named(each.reason, served) for each in found.unplanned}
    return FamiliesView(
        families=[
            _family(
                report,
                plans.get(report.family),
                reasons.get(report.family, f"head {head!r} serves no routine"),
                names_of(served, [use.routine for use in plans[report.family].uses])
                if report.family in plans
                else [],
                [names.get(each, each) for each in report.routines],
            )
            for report in found.reports
        ],
        plans=len(plans),
        **told,
    )


def _names(view: View) -> dict[str, str]:
    """What a person calls each routine that stands: its proven program, else its tools."""
    return {
        row.key: (row.body.get("proof") or {}).get("artifact") or name_of(read(view, row))
        for row in every_row(view, "routine", state="induced")
    }


def _named(reason: str, served: Mapping[str, Serving]) -> str:
    """A reason with programs for the routines in it: the form that was proven has an id of its own."""
    for routine, each in served.items():
        reason = reason.replace(routine, str(each.version.body["name"]))
    return reason


def _family(
    report: FamilyReport,
    plan: Plan | None,
    why_not: str,
    programs: list[str],
    made_of: list[str],
) -> FamilyView:
    return FamilyView(
        family=report.family,
        runs=report.runs,
        paths=report.paths,
        branches_80=report.branches[0],
        branches_90=report.branches[1],
        branches_all=report.branches[2],
        verdict=report.verdict,
        routines=list(report.routines),
        made_of=made_of,
        inside=round(report.inside, 4),
        covered=plan is not None,
        plan=_plan(plan, programs) if plan else None,
        why_not="" if plan else why_not,
    )


def _plan(plan: Plan, programs: list[str]) -> dict[str, Any]:
    return {
        "plan": plan_id(plan),
        "programs": programs,
        "forms": [_form(form.parts) for form in plan.forms],
        "answers": plan.answer is not None,
        "support": plan.support,
        "proven": plan.proven,
        "content": plan.to_json(),
    }


def _form(parts: tuple[str | Slot, ...]) -> str:
    return " ".join(part if isinstance(part, str) else f"<{part.name}>" for part in parts)


def _served(family: FamilyView) -> str:
    if family.plan is None:
        though = ", though its runs end inside routines" if family.inside >= MOST else ""
        return f"served by an agent{though}: {family.why_not}"
    ends = "and answers" if family.plan["answers"] else "and leaves the answer to an agent"
    return f"served by {', then '.join(family.plan['programs'])} {ends}"
