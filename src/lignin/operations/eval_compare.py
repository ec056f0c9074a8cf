"""What changed between two systems, case by case, the losses first."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.trials import trial_row
from lignin.evals.flips import Flip, find_flips
from lignin.evals.laws.gain import mean_gain
from lignin.evals.laws.table import parse_rows, parse_table
from lignin.evals.trials import told_apart, trials_of
from lignin.operations.context import Context
from lignin.operations.eval import find_system
from lignin.operations.gate import MAX_BYTES
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.subjects import open_subject
from lignin.operations.suites import options_of
from lignin.ports.system import LIMIT_S

_GRADER = "grader"
_DIGEST = re.compile("(sha256:)?[0-9a-f]{6,64}")


class EvalCompare(Request):
    before: str = positional("a system, as `eval list` shows it, or a file of its trials")
    after: str = positional("the other system, or a file of its trials")
    unsandboxed: bool = Field(
        False,
        description="both are named as `eval run --unsandboxed` takes them: their trials as they are now, which "
        "loads a function's module",
    )
    reads_path: list[str] = Field(
        default_factory=list, description="with --unsandboxed: as of the trials"
    )
    reads_variable: list[str] = Field(
        default_factory=list, description="with --unsandboxed: as of the trials"
    )
    limit_s: float = Field(
        LIMIT_S, gt=0, le=86_400, description="with --unsandboxed: as of the trials"
    )


class FlipView(Response):
    case: str = Field(description="the case")
    difference: float = Field(description="what its mean score gained, -1 to 1")
    interval: list[float] = Field(description="its 95 % interval, of this case by itself")
    before: float = Field(description="mean score before")
    after: float = Field(description="mean score after")
    trials: list[int] = Field(description="trials that tell something, before and after")
    clear: bool = Field(description="true where the interval leaves out 0")


class Compared(Response):
    items: list[FlipView] = Field(description="cases that differ: losses first, the worst first")
    lost: int = Field(description="cases that lost")
    gained: int = Field(description="cases that gained")
    same: int = Field(description="cases that came to the same")
    gain: float | None = Field(description="mean difference over the cases, -1 to 1")
    interval: list[float] | None = Field(description="its 95 % interval, by cases")
    only_before: list[str] = Field(description="cases that only the first was tried on")
    only_after: list[str] = Field(description="cases that only the second was tried on")
    faults: list[str] = Field(description="what keeps trials from being believed")

    def warnings(self) -> list[str]:
        return self.faults

    def to_text(self) -> str:
        lines = [f"{self.lost} lost, {self.gained} gained, {self.same} the same"]
        if self.gain is not None:
            told = f" ({self.interval[0]:+.1%} to {self.interval[1]:+.1%})" if self.interval else ""
            lines.append(f"all in all {self.gain:+.1%}{told}")
        lines += [_line(each) for each in self.items]
        for side, cases in (("first", self.only_before), ("second", self.only_after)):
            if cases:
                lines.append(f"only the {side} was tried on {', '.join(cases[:10])}")
        return "\n".join(lines)


@operation("eval.compare", effect="read", idempotent=True)
def compare(context: Context, request: EvalCompare) -> Compared:
    """Compare two systems by all their trials: cases that flipped come first, the worst before all.

    Contents of a case that are not the same are not compared: its name then has the first digits of its digest.
    Nor are scores of several graders (a rubric, a judge, each by its version): the name then tells the grader.
    For reading. What may be accepted `gate prove` and `gate decide` say.
    """
    both = [_rows(context, request, named) for named in (request.before, request.after)]
    if all("case_digest" in row for rows in both for row in rows):
        both = list(told_apart(*both))
    both = _by_graders(both)
    before, after = (parse_table(rows) for rows in both)
    flips = find_flips(before, after)
    if not flips:
        raise InvalidRequestError(
            "no case was tried on both", hint="`lignin eval run` tries a system on the cases"
        )
    gain, interval = mean_gain({each.case: [each.difference] for each in flips})
    return Compared(
        items=[_view(each) for each in flips if each.difference],
        lost=sum(each.difference < 0 for each in flips),
        gained=sum(each.difference > 0 for each in flips),
        same=sum(not each.difference for each in flips),
        gain=None if gain is None else round(gain, 4),
        interval=[round(each, 4) for each in interval] if interval else None,
        only_before=sorted(set(before.cases) - set(after.cases)),
        only_after=sorted(set(after.cases) - set(before.cases)),
        faults=[each.told for each in (*before.faults, *after.faults)],
    )


def _rows(context: Context, request: EvalCompare, named: str) -> Sequence[Mapping[str, Any]]:
    path = None if context.is_remote else context.path(named)
    if path is not None and path.is_file():
        if path.stat().st_size > MAX_BYTES:
            raise InvalidRequestError(f"{path} is larger than {MAX_BYTES // 2**20} MiB")
        return parse_rows(path.read_text(encoding="utf-8"), path.name)
    if request.unsandboxed and not _DIGEST.fullmatch(named):
        named = open_subject(context, named, **options_of(context, request)).digest
    with context.view() as view:
        rows: list[Mapping[str, Json]] = [
            trial_row(row.body) for row in trials_of(view, find_system(view, named).key)
        ]
    return rows


def _by_graders(sides: Sequence[Sequence[Mapping[str, Any]]]) -> list[Sequence[Mapping[str, Any]]]:
    """The rows, where a case that several graders scored, here or there, has the grader in its name."""
    graders: defaultdict[str, set[str]] = defaultdict(set)
    for row in chain(*sides):
        graders[str(row.get("case"))].add(str(row.get(_GRADER) or ""))
    return [
        [
            {**row, "case": f"{row['case']} by {row[_GRADER]}"}
            if row.get(_GRADER) and len(graders[str(row.get("case"))]) > 1
            else row
            for row in side
        ]
        for side in sides
    ]


def _view(flip: Flip) -> FlipView:
    return FlipView(
        case=flip.case,
        difference=round(flip.difference, 4),
        interval=[round(flip.low, 4), round(flip.high, 4)],
        before=round(flip.before, 4),
        after=round(flip.after, 4),
        trials=[flip.trials_before, flip.trials_after],
        clear=flip.is_clear,
    )


def _line(each: FlipView) -> str:
    told = "" if each.clear else ", not clear"
    return (
        f"  {each.case}  {each.before:.0%} of {each.trials[0]} -> {each.after:.0%} of "
        f"{each.trials[1]}: {each.difference:+.0%} ({each.interval[0]:+.0%} to "
        f"{each.interval[1]:+.0%}{told})"
    )
