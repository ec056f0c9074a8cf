"""Eval cases from the failures of the runs that were taken in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from lignin.domain.codec import Json, parse_json
from lignin.domain.states import Row
from lignin.evals.power import tell_basis
from lignin.evals.regressions import kept_cases
from lignin.evals.releases import sealed_cases
from lignin.operations.casework import make_cases
from lignin.operations.context import Context
from lignin.operations.filing import file_new
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.trialwork import require_open
from lignin.operations.weights import weigh
from lignin.ports.ledger import View, every_row, require_known
from lignin.traces.modes.report import NAMES
from lignin.traces.view import told

NAMED = 5


class TraceCases(Request):
    mode: str | None = Field(None, description="only of this failure mode")
    state: Literal["accepted", "merged", "withdrawn"] = Field(
        "accepted", description="accepted, merged into another, or withdrawn"
    )
    limit: int = Field(100, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this case")


class TraceCase(Request):
    case: str = positional("a case's id, as `trace cases` shows it")


class CaseRun(Response):
    session: str = Field(description="the session's id")
    source: str = Field(description="the file it came from")
    path: str = Field(description="that file with the folder it lay in")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")
    mode: str = Field(default="", description="the failure mode it stands in")


class CaseView(Response):
    case: str = Field(description="the case's id: stays when its checks are learned anew")
    state: str = Field(description="accepted, merged or withdrawn")
    kind: str = Field(description="live (an environment answers) or recorded (it can only refuse)")
    split: str = Field(description="shown or held_out; drawn at birth, nobody chooses")
    basis: str = Field(description="learned from declared passes, from consensus, or alone")
    task_id: str | int | None = Field(description="the task, where the file names one")
    modes: dict[str, int] = Field(description="failure modes it tests, with the runs of each")
    summary: str = Field(description="what it demands, in a line")
    faulty: list[CaseRun] = Field(description="failed runs that it was made from")
    references: list[CaseRun] = Field(description="runs that passed, which its checks come from")
    proof: dict[str, int] = Field(
        description="tries on failed and passing runs, and how many it told right"
    )
    stands_for: list[str] = Field(description="cases that stand behind it, as alike")
    into: str | None = Field(description="the case that it stands behind")
    share: float = Field(description="its share of all failures, sampling made up for")
    reason: str = Field(description="why it was withdrawn, or would be if it had not been fixed")
    why_recorded: str = Field(description="why it is not live, where it is recorded")
    fixed_by: list[str] = Field(
        description="decisions that showed it to be mended: it is guarded ever after, and not withdrawn "
        "before a person lets it go"
    )


class CasesListed(Listed):
    items: list[CaseView] = Field(description="this page of the list")
    states: dict[str, int] = Field(description="how many cases there are in each state")
    held_out: int = Field(description="accepted cases that are held out")
    basis: dict[str, int] = Field(
        description="what the checks of accepted cases rest on: declared, or, without an oracle, consensus "
        "or the failed run alone"
    )
    sealed: int = Field(
        0, description="cases that only a release opens; in no list, and not counted"
    )
    refused: dict[str, int] = Field(
        description="failed runs, or tasks, that made no case this time, by reason"
    )

    def to_text(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.states.items()) or "none"
        lines = [f"cases: {counts}; {self.held_out} of those accepted are held out"]
        if without := tell_basis(self.basis):
            lines.append(without)
        for each in self.items:
            lines += ["", *_lines(each)]
        if self.refused:
            lines.append("")
            lines += [f"no case {count} times: {reason}" for reason, count in self.refused.items()]
        if self.next_after:
            lines += ["", f"more: --after {self.next_after}"]
        return told(lines)


class CaseShown(CaseView):
    content: dict[str, Json] = Field(description="the case itself: environment, input, checks")
    history: list[dict[str, str]] = Field(description="what became of it, oldest first")

    def to_text(self) -> str:
        checks = self.content["checks"]
        lines = [*_lines(self), "", "asked:"]
        lines += [f"  {line}" for text in self.content["input"] for line in text.splitlines()]
        lines += ["", "checked:"]
        lines += [f"  {name}: {_brief(value)}" for name, value in checks.items() if value]
        lines += ["", "made from:"]
        for run in (*self.faulty, *self.references):
            how = run.mode or "passed"
            lines.append(
                f"  {run.session}  {run.source} task {run.task_id} trial {run.trial}: {how}"
            )
        lines += ["", *(f"  {each['at']}  {each['event']}" for each in self.history)]
        return told(lines)


def _brief(value: Json) -> str:
    told = ", ".join(_word(each) for each in value) if isinstance(value, list) else str(value)
    return told[:400]


def _word(each: Json) -> str:
    if not isinstance(each, dict):
        return str(each)
    given = ", ".join(f"{name}={value!r}" for name, value in each["arguments"].items())
    return f"{each['tool']}({given})"


def _lines(case: CaseView) -> list[str]:
    """What is told of a case to a person."""
    split = "held out" if case.split == "held_out" else "shown"
    lines = [f"{case.case}  task {case.task_id}: {case.summary} ({case.kind}, {split})"]
    lines.append(f"  {_proof(case)}")
    if case.why_recorded:
        lines.append(f"  recorded: {case.why_recorded}")
    lines.append("  modes: " + ", ".join(f"{mode} ({n})" for mode, n in case.modes.items()))
    if case.stands_for:
        lines.append(f"  stands for {len(case.stands_for)} more that are alike")
    if case.into:
        lines.append(f"  stands behind {case.into}")
    if case.fixed_by:
        lines.append(f"  fixed by {', '.join(case.fixed_by)}: kept until a person lets it go")
    if case.reason:
        held = "kept, though" if case.state == "accepted" else "withdrawn:"
        lines.append(f"  {held} {case.reason}")
    return lines


_BASES = {"declared": "passed", "consensus": "agree (nobody declared that they passed)"}


def _proof(case: CaseView) -> str:
    proof = case.proof
    if case.kind == "live":
        told = f"fails {proof['failed']} of {proof['faulty']} times on a failed run"
        return f"{told}, passes {proof['passed']} of {proof['passing']} on one of those that {_BASES[case.basis]}"
    told = f"fails on {proof['failed']} of {proof['faulty']} failed runs"
    if not proof["passing"]:
        return f"{told}; no run of the task passed"
    return f"{told}, passes on {proof['passed']} of {proof['passing']} that {_BASES[case.basis]}"


@operation("trace.cases", effect="write", idempotent=True)
def cases(context: Context, request: TraceCases) -> CasesListed:
    """Make executable eval cases of the failure modes, and list them.

    A case has an environment (live, or recorded calls), an input and checks that were learned from
    runs of the task that passed. It is kept only if it fails on the failed run and passes on those
    that passed; a live one 20 of 20 times. Only tasks with new runs are looked at again.
    """
    file_new(context)
    refused = make_cases(context)
    with context.view() as view:
        sealed = sealed_cases(view)
        rows = [row for row in every_row(view, "case") if row.key not in sealed]
        around = _around(context, view, rows)
        chosen = [
            row
            for row in rows
            if row.state == request.state
            and (request.mode is None or request.mode in _modes(row, around.split))
        ]
        names = [row.key for row in chosen]
        start = names.index(request.after) + 1 if request.after in names else 0
        page = chosen[start : start + request.limit]
        items = [CaseView(**_told(view, row, around, NAMED)) for row in page]
    is_end = start + request.limit >= len(chosen)
    return CasesListed(
        items=items,
        total=len(chosen),
        next_after=None if is_end else page[-1].key,
        states=dict(Counter(str(row.state) for row in rows)),
        sealed=len(sealed),
        held_out=sum(row.state == "accepted" and row.body["split"] == "held_out" for row in rows),
        basis=dict(Counter(row.body["basis"] for row in rows if row.state == "accepted")),
        refused=dict(refused),
    )


@operation("trace.case", effect="read", idempotent=True)
def case(context: Context, request: TraceCase) -> CaseShown:
    """Show one eval case whole: its environment, input, checks, evidence and history."""
    with context.view() as view:
        row = require_known(view, f"case/{request.case}")
        require_open(sealed_cases(view), [request.case])
        shown = _told(view, row, _around(context, view, list(every_row(view, "case"))))
        content = parse_json(view.blob(row.body["digest"]))
        history = [
            {"at": event.at, "event": event.type.partition(".")[2]}
            for event in view.events(row.stream)
        ]
    return CaseShown(**shown, content=content, history=history)


def cases_against(view: View, mode: str) -> tuple[list[tuple[str, str]], int]:
    """The shown cases of a failure mode with what each demands, and how many are held out."""
    split = frozenset(row.key for row in every_row(view, "mode", state="open") if row.parent)
    rows = [row for row in _open_rows(view) if mode in _modes(row, split)]
    shown = [row for row in rows if row.body["split"] == "shown"]
    return [(row.key, _summary(view, row)) for row in shown], len(rows) - len(shown)


def cases_of_mode(view: View, mode: str) -> list[str]:
    """All accepted cases of a failure mode, those that are held out too. Not for a proposer."""
    split = frozenset(row.key for row in every_row(view, "mode", state="open") if row.parent)
    return [row.key for row in _open_rows(view) if mode in _modes(row, split)]


def _open_rows(view: View) -> list[Row]:
    """The accepted cases without those that are sealed."""
    sealed = sealed_cases(view)
    return [row for row in every_row(view, "case", state="accepted") if row.key not in sealed]


def _modes(row: Row, split: frozenset[str]) -> dict[str, int]:
    counted = Counter(_mode(run, split) for run in row.body["faulty"])
    return dict(sorted(counted.items()))


def _mode(run: Mapping[str, str], split: frozenset[str]) -> str:
    """The mode that a failed run stands in: the fine one where that was split off."""
    return run["fine"] if run["fine"] in split else run["coarse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is told of a case beside its own row: modes on their own, doubles, weights."""

    split: frozenset[str]
    behind: Mapping[str, list[str]]
    weights: Mapping[str, float]
    fixed: Mapping[str, list[str]]


def _around(context: Context, view: View, rows: list[Row]) -> _Around:
    behind: dict[str, list[str]] = {}
    for row in rows:
        if row.state == "merged":
            behind.setdefault(row.body["into"], []).append(row.key)
    split = frozenset(row.key for row in every_row(view, "mode", state="open") if row.parent)
    fixed = {
        case: [by["decision"] for by in row.body["by"]] for case, row in kept_cases(view).items()
    }
    return _Around(split=split, behind=behind, weights=weigh(context, view, rows), fixed=fixed)


def _told(view: View, row: Row, around: _Around, most: int | None = None) -> dict[str, Any]:
    """What is told of a case, with at most so many of its runs."""
    body, split = row.body, around.split
    faulty = [
        {"session": run["session"], "mode": _mode(run, split)} for run in body["faulty"][:most]
    ]
    passing = [{"session": session, "mode": ""} for session in body["references"][:most]]
    runs = list(_runs(view, faulty))
    return {
        "case": row.key,
        "state": row.state,
        "kind": body["kind"],
        "split": body["split"],
        "basis": body["basis"],
        "task_id": runs[0].task_id if runs else None,
        "modes": _modes(row, split),
        "summary": _summary(view, row),
        "faulty": runs,
        "references": list(_runs(view, passing)),
        "proof": body["proof"],
        "stands_for": around.behind.get(row.key, []),
        "into": body["into"],
        "share": round(around.weights.get(row.key, 0.0), 4),
        "reason": body["reason"],
        "why_recorded": body.get("why_recorded", ""),
        "fixed_by": around.fixed.get(row.key, []),
    }


def _runs(view: View, named: list[dict[str, str]]) -> Iterator[CaseRun]:
    rows = view.rows([f"session/{each['session']}" for each in named])
    for each in named:
        row = rows.get(f"session/{each['session']}")
        if row is not None:
            yield CaseRun(
                session=row.key,
                source=row.body["source"],
                path=row.body.get("path", ""),
                task_id=row.body.get("task_id"),
                trial=row.body.get("trial"),
                mode=each["mode"],
            )


def _summary(view: View, row: Row) -> str:
    checks = parse_json(view.blob(row.body["digest"]))["checks"]
    told = [_SUMMARIES[name].format(_count(value)) for name, value in checks.items() if value]
    return ", ".join(told) or NAMES["undetermined"]


def _count(value: Json) -> int:
    return len(value) if isinstance(value, list) else int(value)


_SUMMARIES = {
    "end_states": "ends in {} right state(s)",
    "required": "{} change(s) required",
    "allowed": "{} more allowed",
    "closed_tools": "nothing else by {} tool(s)",
    "forbidden": "{} change(s) forbidden",
    "answers": "{} right answer(s)",
    "said": "{} figure(s) told",
    "unsaid": "{} figure(s) not told",
    "most_repeats": "no call over {} times",
    "must_work": "{} tool(s) must work in the end",
}
