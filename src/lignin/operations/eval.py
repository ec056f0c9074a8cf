"""Evaluation: try any system on cases, and compare what came of it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.states import Row
from lignin.domain.trials import MISSING, NOT_BELIEVED, TOLD, trial_row
from lignin.evals.laws.table import parse_rows
from lignin.evals.power import tell_basis
from lignin.evals.trials import standing, trials_of
from lignin.operations.context import Context
from lignin.operations.gate import named_cases
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.rubricwork import open_scorer
from lignin.operations.subjects import open_subject
from lignin.operations.trialwork import SuiteCase, stored_suite, told_case
from lignin.operations.tries import Tries, with_workers
from lignin.ports.ledger import View, every_row, not_known
from lignin.ports.system import LIMIT_S, System
from lignin.traces.view import told

MAX_BYTES = 64 * 2**20
TOGETHER = 16
TOGETHER_BY_WORKERS = 256
SAID_CHARS = 2000


class SuiteRequest(Request):
    case: list[str] = Field(
        default_factory=list,
        description="only these cases, comma-separated or @FILE; default: all that are accepted",
    )
    suite: str = Field(
        "",
        description="a file of your own cases instead, JSON lines of {case, input, ...}: the system "
        "itself says how each went",
    )
    rubric: str = Field(
        "", description="NAME or NAME@DIGITS: a judge scores the cases of --suite by this rubric"
    )
    judge: str = Field(
        "",
        description="who judges: a command line (in the sandbox), model:PROVIDER:MODEL, or "
        "python:MODULE:FUNCTION",
    )
    unsandboxed_judge: bool = Field(
        False, description="run the judge as you, outside the sandbox: for `claude -p` and the like"
    )
    unsandboxed: bool = Field(
        False, description="run the system as you, outside the sandbox, with all that you may do"
    )
    limit_s: float = Field(LIMIT_S, gt=0, le=86_400, description="seconds for one trial")
    parallel: int = Field(1, ge=1, le=64, description="at most so many trials at a time")
    workers: bool = Field(
        False,
        description="hand trials to the workers that live (`lignin worker`), as far as they can",
    )


class EvalRun(SuiteRequest):
    system: str = Field(
        description="a command line, artifact:NAME, python:MODULE:FUNCTION, or desk:NAME+FAULT "
        "(simulated)"
    )
    trials: int = Field(3, ge=1, le=1000, description="so many trials of each case are to stand")


class CaseScore(Response):
    case: str = Field(description="the case")
    trials: int = Field(description="trials that tell something")
    passed: float = Field(description="the sum of their scores")
    missing: int = Field(description="trials that tell nothing")
    kinds: dict[str, int] = Field(description="how many of each kind")


class SystemScore(Response):
    system: str = Field(description="digest of the system's content")
    name: str = Field(description="how it was named")
    simulated: bool = Field(description="true where nothing it does is evidence about real agents")
    cases: int = Field(description="cases it was tried on")
    trials: int = Field(description="trials that tell something")
    missing: int = Field(description="trials that tell nothing")
    mean: float | None = Field(description="mean score of the cases")
    not_believed: dict[str, int] = Field(
        description="trials in which it said what is not so, by kind"
    )


class TrialView(Response):
    number: int = Field(description="which trial, from 0; also its seed")
    kind: str = Field(description="how it went")
    score: float | None = Field(description="its score; none where it tells nothing")
    reasons: list[str] = Field(description="why, where it did not pass")
    said: str = Field(description="what the system wrote, its beginning")


class EvalDone(SystemScore):
    paid: int = Field(description="trials that were run this time")
    splits: dict[str, float] = Field(
        description="mean score of the cases that are shown, and of those that are held out"
    )
    basis: dict[str, int] = Field(
        description="what the checks of the cases rest on: declared, or, without an oracle, consensus, the "
        "failed run alone, or what the system itself told"
    )
    items: list[CaseScore] = Field(description="one entry a case")
    tries: list[TrialView] = Field(
        default_factory=list, description="each trial, where one case was asked for"
    )

    def exit_code(self) -> int:
        return 10 if self.trials == 0 else 0

    def to_text(self) -> str:
        return _told(self, self.items)


class EvalList(Request):
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this system")


class EvalListed(Listed):
    items: list[SystemScore] = Field(description="this page of the list")


class SystemRef(Request):
    system: str = positional("a system's digest, its first digits, or its name")


class EvalShow(SystemRef):
    case: str = Field("", description="only this case, with each trial: why, and what it said")


class TrialRows(Response):
    items: list[dict[str, Json]] = Field(description="{case, trial, score, ...}, one a trial")

    def to_text(self) -> str:
        return "\n".join(json.dumps(row) for row in self.items)


@operation("eval.run", effect="execute", idempotent=True)
def run(context: Context, request: EvalRun) -> EvalDone:
    """Try a system on the accepted cases until so many trials of each stand.

    Each trial is filed as soon as it is scored. What was tried before of the very same system, case and
    grader is not tried again, so after a crash the same command goes on. The case's checks judge, not
    the system.
    """
    context = with_workers(context, request.workers)
    system = open_subject(
        context, request.system, unsandboxed=request.unsandboxed, limit_s=request.limit_s
    )
    with context.view() as view:
        suite = load_suite(context, view, request)
    paid = top_up(context, system, suite, request.trials, request.parallel)
    wanted = {case.digest for case in suite}
    with context.view() as view:
        rows = [
            row.body for row in trials_of(view, system.digest) if row.body["case_digest"] in wanted
        ]
        items = _by_case(rows)
        return EvalDone(
            **_score(system.digest, system.name, rows, simulated=system.simulated),
            paid=paid,
            splits=_splits(view, items),
            basis=basis_of(view, [each.case for each in items]),
            items=items,
        )


@operation("eval.list", effect="read", idempotent=True)
def list_(context: Context, request: EvalList) -> EvalListed:
    """List the systems that were tried."""
    with context.view() as view:
        page = view.page("system", after=request.after, limit=request.limit)
        items = [_of_row(view, row) for row in page.rows]
    return EvalListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--after" if page.next_after else None,
    )


@operation("eval.show", effect="read", idempotent=True)
def show(context: Context, request: EvalShow) -> EvalDone:
    """Show how a system did on each case, over all its trials."""
    with context.view() as view:
        row = find_system(view, request.system)
        rows = [
            each.body
            for each in trials_of(view, row.key)
            if request.case in ("", each.body["case"])
        ]
        if not rows:
            raise not_known(view, f"case/{request.case}")
        tries = [_try(view, body) for body in rows] if request.case else []
        items = _by_case(rows)
        splits, basis = _splits(view, items), basis_of(view, [each.case for each in items])
    scored = _score(row.key, row.body["name"], rows, simulated=row.body["simulated"])
    tries.sort(key=lambda each: each.number)
    return EvalDone(**scored, paid=0, splits=splits, basis=basis, items=items, tries=tries)


@operation("eval.rows", effect="read", idempotent=True)
def rows_(context: Context, request: SystemRef) -> TrialRows:
    """Give a system's trials as rows that `gate decide` and `eval compare` read; a row a line as text."""
    with context.view() as view:
        row = find_system(view, request.system)
        return TrialRows(items=[trial_row(each.body) for each in trials_of(view, row.key)])


def load_suite(context: Context, view: View, request: SuiteRequest) -> list[SuiteCase]:
    """The cases that a request is about.

    Raises:
        InvalidRequestError: There are none.
        NotFoundError: A named one is not there.
    """
    if not request.suite:
        if request.rubric or request.judge:
            raise InvalidRequestError(
                "stored cases have checks, and those judge", hint="--rubric is for cases of --suite"
            )
        suite = stored_suite(view, named_cases(context, request.case))
    else:
        path = context.path(request.suite)
        if not path.is_file():
            raise NotFoundError(f"{path} is no file", hint="JSON lines of {case, input, ...}")
        if path.stat().st_size > MAX_BYTES:
            raise InvalidRequestError(f"{path} is larger than {MAX_BYTES // 2**20} MiB")
        suite = [told_case(row) for row in parse_rows(path.read_text("utf-8"), path.name)]
        if double := [n for n, k in Counter(case.name for case in suite).items() if k > 1]:
            raise InvalidRequestError(f"cases that are there twice: {', '.join(double[:10])}")
        if request.rubric or request.judge:
            scorer = open_scorer(
                context,
                view,
                request.rubric,
                request.judge,
                unsandboxed=request.unsandboxed_judge,
                limit_s=request.limit_s,
            )
            suite = [replace(case, scorer=scorer) for case in suite]
    if not suite:
        raise InvalidRequestError(
            "there are no cases", hint="`lignin trace cases` makes some; --suite brings your own"
        )
    return suite


def top_up(
    context: Context, system: System, suite: Sequence[SuiteCase], trials: int, parallel: int = 1
) -> int:
    """Try each case until so many trials of it stand; return how many were run."""
    with context.view() as view:
        known = standing(list(trials_of(view, system.digest)))
    wanted = []
    for case in suite:
        of = (case.digest, case.grader)
        lacking = trials - (known.banked[of].trials if of in known.banked else 0)
        first = known.following.get(of, 0)
        wanted += [(turn, case, first + turn) for turn in range(lacking)]
    wanted.sort(key=lambda each: each[0])
    tries = Tries(context, parallel)
    together = TOGETHER_BY_WORKERS if context.workers else TOGETHER
    for first in range(0, len(wanted), together):
        context.progress("trials", first, len(wanted))
        lot = wanted[first : first + together]
        tries.trials([(system, case, number) for _, case, number in lot])
    return tries.paid


def basis_of(view: View, cases: Iterable[str]) -> dict[str, int]:
    """How many cases rest on what: declared passes, consensus, the failed run alone, or the system's word."""
    names = list(cases)
    rows = view.rows([f"case/{name}" for name in names])
    found = Counter(
        str(row.body["basis"]) if (row := rows.get(f"case/{name}")) is not None else "told"
        for name in names
    )
    return dict(sorted(found.items()))


def find_system(view: View, named: str) -> Row:
    """A tried system by digest, its first digits, or its name where only one has it.

    Raises:
        NotFoundError: There is none.
        InvalidRequestError: There are several.
    """
    row = view.row(f"system/{named}")
    if row is not None:
        return row
    digits = named.removeprefix("sha256:")
    found = [
        each
        for each in every_row(view, "system")
        if each.body["name"] == named
        or (len(digits) >= 6 and each.key.startswith(f"sha256:{digits}"))
    ]
    if not found:
        raise not_known(view, f"system/{named}")
    if len(found) > 1:
        told = ", ".join(each.key[:19] for each in found[:10])
        raise InvalidRequestError(f"{named!r:.80} are several: {told}", hint="give the digest")
    return found[0]


def _of_row(view: View, row: Row) -> SystemScore:
    rows = [each.body for each in trials_of(view, row.key)]
    scored = _score(row.key, row.body["name"], rows, simulated=row.body["simulated"])
    return SystemScore(**scored)


def _score(
    digest: Digest, name: str, rows: Sequence[Mapping[str, Json]], *, simulated: bool
) -> dict[str, Any]:
    items = _by_case(rows)
    means = [each.passed / each.trials for each in items if each.trials]
    kinds = Counter(body["kind"] for body in rows if body["kind"] in NOT_BELIEVED)
    return {
        "system": digest,
        "name": name,
        "simulated": simulated,
        "cases": len(items),
        "trials": sum(each.trials for each in items),
        "missing": sum(each.missing for each in items),
        "mean": round(sum(means) / len(means), 4) if means else None,
        "not_believed": dict(kinds),
    }


def _try(view: View, body: Mapping[str, Json]) -> TrialView:
    detail = parse_json(view.blob(body["detail"]))
    return TrialView(
        number=body["number"],
        kind=body["kind"],
        score=body["score"],
        reasons=detail["reasons"],
        said=detail["said"][:SAID_CHARS],
    )


def _splits(view: View, items: Sequence[CaseScore]) -> dict[str, float]:
    """Mean scores by split; cases of the user's own have none."""
    rows = view.rows([f"case/{each.case}" for each in items])
    means: dict[str, list[float]] = {}
    for each in items:
        row = rows.get(f"case/{each.case}")
        if row is not None and each.trials:
            means.setdefault(row.body["split"], []).append(each.passed / each.trials)
    return {split: round(sum(each) / len(each), 4) for split, each in sorted(means.items())}


def _by_case(rows: Sequence[Mapping[str, Json]]) -> list[CaseScore]:
    found: dict[str, list[Mapping[str, Json]]] = {}
    for body in rows:
        found.setdefault(body["case"], []).append(body)
    scored = []
    for case, bodies in sorted(found.items()):
        known = [body for body in bodies if body["kind"] not in MISSING]
        scored.append(
            CaseScore(
                case=case,
                trials=len(known),
                passed=sum(float(body["score"]) for body in known),
                missing=len(bodies) - len(known),
                kinds=dict(Counter(body["kind"] for body in bodies)),
            )
        )
    return sorted(scored, key=lambda each: each.passed / each.trials if each.trials else -1)


def _told(done: EvalDone, items: Sequence[CaseScore]) -> str:
    mean = "nothing is known" if done.mean is None else f"{done.mean:.1%}"
    label = " (simulated)" if done.simulated else ""
    lines = [
        f"{done.name}{label}: {mean} over {done.cases} cases, {done.trials} trials, "
        f"{done.missing} missing, {done.paid} run now",
        f"  {done.system}",
    ]
    if len(done.splits) > 1:
        means = ", ".join(f"{name.replace('_', ' ')} {m:.1%}" for name, m in done.splits.items())
        lines.append(f"  {means}")
    if without := tell_basis(done.basis):
        lines.append(f"  {without}")
    lines += [f"  {count} times: {TOLD[kind]}" for kind, count in done.not_believed.items()]  # type: ignore[index]
    for each in items:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(each.kinds.items()))
        lines.append(f"  {each.case}  {each.passed:g} of {each.trials}  ({kinds})")
    for one in done.tries:
        lines.append(f"  trial {one.number}: {one.kind}")
        lines += [f"    {line}" for reason in one.reasons for line in reason.splitlines()]
    return told(lines)
