"""A decision as a page for whoever looks at the change: verdict first, then flips, numbers, cost."""

import html
import re
from collections.abc import Sequence

from pydantic import Field

from lignin.domain.codec import parse_json
from lignin.domain.errors import NotFoundError
from lignin.domain.evidence import GateOutcome
from lignin.domain.trials import trial_row
from lignin.evals.flips import Flip, find_flips
from lignin.evals.laws.table import Table, parse_table
from lignin.evals.trials import trials_of
from lignin.operations.context import Context
from lignin.operations.gate import told_of_missed
from lignin.operations.gate_prove import Decided, GateExplain, explain
from lignin.operations.registry import Request, Response, operation, positional
from lignin.ports.ledger import View, every_row, require_known

_MOST = 20
_TITLES = {"accept": "Accepted", "reject": "Rejected", "undecided": "Undecided"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|@~-])")


class GateReport(Request):
    decision: str = positional(
        "a decision's id, as `gate list` shows it; default: the last one reached", default=""
    )
    markdown: bool = Field(False, description="as Markdown, for the comment of a pull request")


class GateReported(Response):
    decision: str = Field(description="the decision's id")
    verdict: GateOutcome = Field(description="accept, reject or undecided")
    lost: list[str] = Field(description="cases whose mean score fell, the worst first")
    gained: list[str] = Field(description="cases whose mean score rose")
    text: str = Field(description="the page")

    def to_text(self) -> str:
        return self.text


@operation("gate.report", effect="read", idempotent=True)
def report(context: Context, request: GateReport) -> GateReported:
    """Tell a decision for a pull request: verdict, cases that flipped, numbers, cost, how to check it.

    `lignin gate report --markdown` prints the comment for the last decision.
    """
    with context.view() as view:
        name = request.decision or _last(view)
        flips = _flips(view, name)
    told = explain(context, GateExplain(decision=name, check=False))
    lost = [each for each in flips if each.difference < 0]
    gained = [each for each in flips if each.difference > 0]
    text = page(told, lost, gained, run_on_both=len(flips)) if request.markdown else told.to_text()
    return GateReported(
        decision=name,
        verdict=told.verdict,
        lost=[each.case for each in lost],
        gained=[each.case for each in gained],
        text=text,
    )


def _last(view: View) -> str:
    reached = [row for row in every_row(view, "decision") if row.body["result"] is not None]
    if not reached:
        raise NotFoundError("nothing was decided yet", hint="`lignin gate prove` decides a change")
    return max(reached, key=lambda row: (row.body["reached_at"], row.key)).key


def _flips(view: View, decision: str) -> Sequence[Flip]:
    """The cases of a decision by what both systems came to in all trials that are filed."""
    row = require_known(view, f"decision/{decision}")
    plan = parse_json(view.blob(row.body["plan"]))
    before, after = (
        _table(view, plan["systems"][arm], frozenset(plan["cases"]))
        for arm in ("incumbent", "candidate")
    )
    return find_flips(before, after)


def _table(view: View, system: str, cases: frozenset[str]) -> Table:
    rows = [trial_row(row.body) for row in trials_of(view, system)]
    return parse_table([row for row in rows if row["case"] in cases])


def page(told: Decided, lost: Sequence[Flip], gained: Sequence[Flip], *, run_on_both: int) -> str:
    """A decision as Markdown.

    Args:
        lost, gained: The cases that differ, the worst first.
        run_on_both: How many cases were tried on both systems; of others nothing is told.
    """
    label = " (simulated agents: no evidence about real ones)" if told.simulated else ""
    reasons = "; ".join(map(_plain, told.reasons))
    lines = [f"## {_TITLES[told.verdict]}: {reasons}{label}", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in _numbers(told))]
    lines += [*_table_of("Lost", lost), *_table_of("Gained", gained)]
    lines += ["", _compared(len(lost) + len(gained), run_on_both)]
    lines += [
        "",
        "<details><summary>How to check it</summary>",
        "",
        "```console",
        f"$ lignin gate explain {told.decision} --check",
        f"$ lignin gate recompute {told.decision}",
        "```",
        "",
        f"Incumbent {_code(told.incumbent)}, candidate {_code(told.candidate)}; decision {told.number} of "
        f"the campaign {_code(told.campaign)}.",
        "",
        "</details>",
    ]
    return "\n".join(lines)


def _compared(differing: int, run_on_both: int) -> str:
    if not run_on_both:
        return "No case was run on both: nothing is told of what differs."
    cases = "1 case" if run_on_both == 1 else f"{run_on_both} cases"
    return f"Of {cases} run on both, {differing or 'none'} differ{'' if differing > 1 else 's'}."


def _numbers(told: Decided) -> list[tuple[str, str]]:
    gain = "none measured" if told.gain is None else f"{told.gain:+.1%}"
    gain += told.told_interval().replace("(", "(95 % interval ", 1)
    rows = [
        ("claim", told.claim.replace("_", " ")),
        ("gain", f"{gain} over {told.pairs} pairs"),
        ("evidence", f"{told.evidence:.3g} of {told.needed:.3g} needed"),
        (
            "what works",
            f"{_guarded(told)}, {len(told.broken)} broken, {len(told.unclear)} unclear",
        ),
    ]
    rows += [("may be missed", _plain(each)) for each in told_of_missed(told)]
    if told.broken:
        rows.append(("broken", ", ".join(map(_code, told.broken[:_MOST]))))
    rows.append(
        ("trials", f"{told.trials}, {told.missing} missing, {told.bank_trials} of the bank before")
    )
    rows.append(("cost of a trial", _cost(told)))
    return [*rows, ("power of the suite", _plain(told.power_told))]


def _guarded(told: Decided) -> str:
    tried = told.guarded_tried  # decisions of before this was counted do not say
    return f"{told.guarded} guarded" + ("" if tried is None else f", {tried} tried")


def _cost(told: Decided) -> str:
    """What the trials tell of their cost, before and after."""
    parts = []
    for each in told.savings:
        before, after = each.get("before"), each.get("after")
        if isinstance(before, int | float) and isinstance(after, int | float):
            parts.append(_column(str(each["column"]), before, after))
    return "; ".join(parts) or "the trials tell none"


def _column(name: str, before: float, after: float) -> str:
    if name == "cost_microusd":
        return f"{before / 1e6:.4f} USD before, {after / 1e6:.4f} USD after"
    return f"{_plain(name)} {before:.4g} before, {after:.4g} after"


def _table_of(title: str, flips: Sequence[Flip]) -> list[str]:
    if not flips:
        return []
    rows = [
        f"| {_code(each.case)} | {each.before:.0%} of {each.trials_before} | "
        f"{each.after:.0%} of {each.trials_after} | {'' if each.is_clear else 'not clear'} |"
        for each in flips[:_MOST]
    ]
    more = f" (the first {_MOST})" if len(flips) > _MOST else ""
    head = ["| case | before | after | |", "|---|---|---|---|"]
    return ["", f"### {title}: {len(flips)}{more}", "", *head, *rows]


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is: no markup, no mention, one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _code(text: str) -> str:
    """Text as code in a table's cell, whatever it holds."""
    shown = " ".join(text.split()).replace("`", "'").replace("|", "\u00a6")
    return f"`{shown or ' '}`"
