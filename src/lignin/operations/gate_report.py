"""A decision as a page for whoever looks at the change: verdict first, then flips, numbers, cost."""

import html
import re
from collections.abc import Sequence

from pydantic import Field

from lignin.domain.codec import parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.evidence import GateOutcome
from lignin.domain.trials import trial_row
from lignin.evals.flips import Flip, find_flips
from lignin.evals.laws.table import Table, parse_table
from lignin.evals.trials import trials_of
from lignin.operations.context import Context
from lignin.operations.gate import told_of_broken, told_of_missed
from lignin.operations.gate_prove import MAY_MISS, Decided, GateExplain, explain
from lignin.operations.gateruns import Standing, standing_decisions
from lignin.operations.registry import Request, Response, operation, positional
from lignin.ports.ledger import View, require_known

_MOST = 20
_BADNESS = ("reject", "none", "undecided", "accept", "same")
_TITLES = {"accept": "Accepted", "reject": "Rejected", "undecided": "Undecided"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|@~-])")


class GateReport(Request):
    decision: str = positional(
        "a decision's id, as `gate list` shows it; default: what the last gate in this folder came to, of what "
        "stands there now",
        default="",
    )
    markdown: bool = Field(False, description="as Markdown, for the comment of a pull request")


class GateReported(Response):
    decision: str = Field(description="the decision's id; empty: there is none of what stands now")
    verdict: GateOutcome | None = Field(
        description="accept, reject or undecided; none: nothing was decided of what stands now"
    )
    why: str = Field(default="", description="why nothing was decided")
    same: bool = Field(
        default=False, description="whether nothing changed, so that there is nothing to decide"
    )
    incumbent_system: str = Field(default="", description="digest of what stood")
    candidate_system: str = Field(default="", description="digest of what was proposed")
    beside: list[str] = Field(
        default_factory=list, description="what other gates of the same run came to"
    )
    lost: list[str] = Field(description="cases whose mean score fell, the worst first")
    gained: list[str] = Field(description="cases whose mean score rose")
    text: str = Field(description="the page")

    def exit_code(self) -> int:
        return 0 if self.verdict or self.same else 10

    def to_text(self) -> str:
        return self.text


@operation("gate.report", effect="read", idempotent=True)
def report(context: Context, request: GateReport) -> GateReported:
    """Tell a decision for a pull request: verdict, cases that flipped, numbers, cost, how to check it.

    `lignin gate report --markdown` prints the comment for what the last gate in this folder came to, the worst
    of the gates of one test run. Where no decision is about what stands there now, it says so and ends with 10.
    It decides nothing: of a rejected or undecided change it ends with 0 as well.
    """
    if request.decision:
        return _reported(context, request.decision, [], markdown=request.markdown)
    runs = _worst_first(context, _asked_here(context))
    worst, beside = runs[0], [_told_beside(context, each) for each in runs[1:]]
    if not worst.decision:
        return _undecided(worst, beside, markdown=request.markdown)
    return _reported(context, worst.decision, beside, markdown=request.markdown)


def _asked_here(context: Context) -> list[Standing]:
    """What the last run asked of the gate in the caller's folder.

    Raises:
        InvalidRequestError: The caller stands in no folder of this machine.
        NotFoundError: Nothing was asked there.
    """
    if context.is_remote:
        raise InvalidRequestError("which decision is to be told?", hint="gate.list shows them")
    found = standing_decisions(context)
    if not found:
        raise NotFoundError(
            f"no gate was asked in {context.cwd}",
            hint="`lignin gate prove` decides a change; `lignin gate report ID` tells any decision",
        )
    return found


def _worst_first(context: Context, found: Sequence[Standing]) -> list[Standing]:
    """What keeps a change out comes first."""
    return sorted(found, key=lambda each: _BADNESS.index(_come_to(context, each)))


def _come_to(context: Context, of: Standing) -> str:
    if not of.decision:
        return "same" if of.is_same else "none"
    with context.view() as view:
        return str(require_known(view, f"decision/{of.decision}").state)


def _told_beside(context: Context, of: Standing) -> str:
    come_to = {"same": f"nothing changed ({of.why})", "none": f"not decided ({of.why})"}
    state = _come_to(context, of)
    decision = f" ({of.decision})" if of.decision else ""
    return f"{of.asked}: {come_to.get(state, state)}{decision}"


def _undecided(of: Standing, beside: list[str], *, markdown: bool) -> GateReported:
    """What is told where no decision is about what stands now."""
    title = "Nothing changed" if of.is_same else "Not decided"
    if markdown:
        lines = [
            f"## {title}: {_plain(of.why)}",
            "",
            f"Asked of {_code(of.asked)}.",
            *_other(beside),
        ]
    else:
        lines = [f"{title}: {of.why}", f"asked of {of.asked}", *(f"beside it, {e}" for e in beside)]
    return GateReported(
        decision="",
        verdict=None,
        why=of.why,
        same=of.is_same,
        beside=beside,
        lost=[],
        gained=[],
        text="\n".join(lines),
    )


def _other(beside: Sequence[str]) -> list[str]:
    return (
        ["", "Other gates of the same run:", "", *(f"- {_plain(e)}" for e in beside)]
        if beside
        else []
    )


def _reported(context: Context, name: str, beside: list[str], *, markdown: bool) -> GateReported:
    with context.view() as view:
        flips = _flips(view, name)
        body = require_known(view, f"decision/{name}").body
    systems = str(body["incumbent_system"]), str(body["candidate_system"])
    told = explain(context, GateExplain(decision=name, check=False))
    lost = [each for each in flips if each.difference < 0]
    gained = [each for each in flips if each.difference > 0]
    if markdown:
        numbers = page(told, lost, gained, run_on_both=len(flips), systems=systems)
        text = "\n".join([numbers, *_other(beside)])
    else:
        lines = [f"of {systems[1]}, against {systems[0]}", *(f"beside it, {e}" for e in beside)]
        text = "\n".join([told.to_text(), *lines])
    return GateReported(
        decision=name,
        verdict=told.verdict,
        incumbent_system=systems[0],
        candidate_system=systems[1],
        beside=beside,
        lost=[each.case for each in lost],
        gained=[each.case for each in gained],
        text=text,
    )


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


def page(
    told: Decided,
    lost: Sequence[Flip],
    gained: Sequence[Flip],
    *,
    run_on_both: int,
    systems: tuple[str, str],
) -> str:
    """A decision as Markdown.

    Args:
        lost, gained: The cases that differ, the worst first.
        run_on_both: How many cases were tried on both systems; of others nothing is told.
        systems: The digests of incumbent and candidate.
    """
    label = " (simulated agents: no evidence about real ones)" if told.simulated else ""
    reasons = "; ".join(map(_plain, told.reasons))
    lines = [f"## {_TITLES[told.verdict]}: {reasons}{label}", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in _numbers(told))]
    lines += [*_table_of("Lost", lost), *_table_of("Gained", gained)]
    lines += ["", _compared(len(lost) + len(gained), run_on_both)]
    if told.claim == "no_regression":
        lines += ["", f"{_plain(MAY_MISS[0].upper() + MAY_MISS[1:])}."]
    lines += [
        "",
        f"It is about the content {_code(systems[1])}, tried against {_code(systems[0])}.",
    ]
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
            f"{_guarded(told)}, {told_of_broken(told)}, {len(told.unclear)} unclear",
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
