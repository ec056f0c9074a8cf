"""Evaluation: try any system on cases, and compare what came of it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.counts import dollars, known_sum
from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.domain.trials import MISSING, NOT_BELIEVED, trial_row
from lignin.evals.laws.complete import OF_ROWS
from lignin.evals.power import tell_basis
from lignin.evals.trials import content_name, told_apart, trials_of
from lignin.evals.troubles import ENDED_WELL, Trouble, group_troubles, telling_line
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.subjects import open_subject
from lignin.operations.suites import SuiteRequest, basis_of, load_suite, options_of
from lignin.operations.tries import top_up, with_workers
from lignin.ports.ledger import View, every_row, not_known
from lignin.traces.view import told

SAID_CHARS = 2000


class EvalRun(SuiteRequest):
    system: str = Field(
        description="a command line, artifact:NAME, python:MODULE:FUNCTION, or desk:NAME+FAULT "
        "(simulated)"
    )
    trials: int = Field(3, ge=1, le=1000, description="so many trials of each case are to stand")


class CaseScore(Response):
    case: str = Field(description="the case")
    digest: str = Field("", description="of its content; another content is another case")
    grader: str = Field(
        "", description="what judged it; another one's scores are not added to these"
    )
    trials: int = Field(description="trials that tell something")
    passed: float = Field(description="the sum of their scores")
    missing: int = Field(description="trials that tell nothing")
    kinds: dict[str, int] = Field(description="how many of each kind")


class SystemScore(Response):
    system: str = Field(description="digest of the system's content")
    name: str = Field(description="how it was named")
    simulated: bool = Field(description="true where nothing it does is evidence about real agents")
    cases: int = Field(description="cases it was tried on, each content of one by itself")
    several: list[str] = Field(
        default_factory=list,
        description="names of cases of which several contents were tried, or by several graders",
    )
    trials: int = Field(description="trials that tell something")
    missing: int = Field(description="trials that tell nothing")
    mean: float | None = Field(description="mean score of the cases")
    cost_microusd: int | None = Field(
        None, description="what its trials cost, as far as they tell; none: none does"
    )
    judge_microusd: int | None = Field(
        None, description="what judging them by a rubric cost, as far as that is known"
    )
    not_believed: dict[str, int] = Field(
        description="trials in which it said what is not so, by kind"
    )


class TrialView(Response):
    number: int = Field(description="which trial, from 0; also its seed")
    digest: str = Field("", description="of the case's content")
    kind: str = Field(description="how it went")
    score: float | None = Field(description="its score; none where it tells nothing")
    reasons: list[str] = Field(description="why, where it did not pass")
    said: str = Field(description="what the system wrote, its beginning")


class WhyView(Response):
    kind: str = Field(description="how these trials went, as in `kinds`")
    cause: str = Field(
        description="missing_file, not_executable, time_limit, memory_limit, killed, failed, raised, "
        "too_much_said or outside; empty where it came to an end and its answer was bad"
    )
    told: str = Field(description="the same in words")
    count: int = Field(description="how many trials")
    cases: int = Field(description="of how many cases")
    line: str = Field(
        description="what most of them complain, in one line, secrets masked; foreign text"
    )


class EvalDone(SystemScore):
    paid: int = Field(description="trials that were run and filed this time")
    paid_microusd: int | None = Field(
        None, description="what these cost, their judge included, as far as they tell"
    )
    shared: int = Field(
        0,
        description="trials that were run, and that somebody else had filed by then: theirs stand",
    )
    why: list[WhyView] = Field(
        default_factory=list, description="why trials crashed, are missing, or could not be judged"
    )
    splits: dict[str, float] = Field(
        description="mean score of the cases that are shown, and of those that are held out"
    )
    basis: dict[str, int] = Field(
        description="what the checks of the cases rest on: declared, or, without an oracle, consensus, the "
        "failed run alone, relations between runs (metamorphic), agreement with another system "
        "(differential), or what the system itself told"
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
    system = open_subject(context, request.system, **options_of(context, request))
    with context.view() as view:
        suite = load_suite(context, view, request)
    done = top_up(context, system, suite, request.trials, request.parallel)
    wanted = {(case.digest, case.grader) for case in suite}
    with context.view() as view:
        rows = [
            row.body
            for row in trials_of(view, system.digest)
            if (row.body["case_digest"], row.body["grader"]) in wanted
        ]
        items = _by_case(rows)
        return EvalDone(
            **_score(system.digest, system.name, rows, simulated=system.simulated),
            paid=done.paid,
            paid_microusd=done.paid_microusd,
            shared=done.shared,
            why=_why(view, rows),
            splits=_splits(view, items),
            basis=basis_of(view, {case.name: case.grader for case in suite}),
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
        graders = {str(body["case"]): str(body["grader"]) for body in rows}
        splits, basis = _splits(view, items), basis_of(view, graders)
        why = _why(view, rows)
    scored = _score(row.key, row.body["name"], rows, simulated=row.body["simulated"])
    tries.sort(key=lambda each: each.number)
    return EvalDone(**scored, paid=0, why=why, splits=splits, basis=basis, items=items, tries=tries)


@operation("eval.rows", effect="read", idempotent=True)
def rows_(context: Context, request: SystemRef) -> TrialRows:
    """Give a system's trials as rows that `gate decide` and `eval compare` read; a row a line as text.

    Each says of how many rows it is, so that a part of them is not taken for the whole. A case of which
    several contents were tried has the first digits of its digest in its name.
    """
    with context.view() as view:
        row = find_system(view, request.system)
        [items] = told_apart(trial_row(each.body) for each in trials_of(view, row.key))
    return TrialRows(items=[{**each, OF_ROWS: len(items)} for each in items])


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
        "several": [name for name, n in Counter(each.case for each in items).items() if n > 1],
        "trials": sum(each.trials for each in items),
        "missing": sum(each.missing for each in items),
        "mean": round(sum(means) / len(means), 4) if means else None,
        "cost_microusd": known_sum(body["cost_microusd"] for body in rows),
        "judge_microusd": known_sum(body.get("judge_microusd") for body in rows),
        "not_believed": dict(kinds),
    }


def _try(view: View, body: Mapping[str, Json]) -> TrialView:
    detail = parse_json(view.blob(body["detail"]))
    return TrialView(
        number=body["number"],
        digest=body["case_digest"],
        kind=body["kind"],
        score=body["score"],
        reasons=detail["reasons"],
        said=detail["said"][:SAID_CHARS],
    )


def _why(view: View, rows: Sequence[Mapping[str, Json]]) -> list[WhyView]:
    """Why trials came to nothing; those of the same words are read once."""
    details: dict[Digest, Mapping[str, Json]] = {}
    found = []
    for body in rows:
        if body["kind"] in ENDED_WELL:
            continue
        key = body["detail"]
        if key not in details:
            details[key] = parse_json(view.blob(key))
        detail = details[key]
        # Trials of before were filed without a line of their own.
        line = detail.get("line") or telling_line(next(iter(detail["reasons"]), ""))
        found.append(
            Trouble(kind=body["kind"], cause=detail.get("cause", ""), case=body["case"], line=line)
        )
    return [
        WhyView(**{name: getattr(each, name) for name in WhyView.model_fields})
        for each in group_troubles(found)
    ]


def _splits(view: View, items: Sequence[CaseScore]) -> dict[str, float]:
    """Mean scores by split, of the cases as they are stored now; those of the user's own have none."""
    rows = view.rows([f"case/{each.case}" for each in items])
    means: dict[str, list[float]] = {}
    for each in items:
        row = rows.get(f"case/{each.case}")
        is_current = row is not None and row.body.get("digest", each.digest) == each.digest
        if row is not None and is_current and each.trials:
            means.setdefault(row.body["split"], []).append(each.passed / each.trials)
    return {split: round(sum(each) / len(each), 4) for split, each in sorted(means.items())}


def _by_case(rows: Sequence[Mapping[str, Json]]) -> list[CaseScore]:
    found: dict[tuple[str, Digest, str], list[Mapping[str, Json]]] = {}
    for body in rows:
        of = (body["case"], body["case_digest"], body["grader"])
        found.setdefault(of, []).append(body)
    scored = []
    for (case, digest, grader), bodies in sorted(found.items()):
        known = [body for body in bodies if body["kind"] not in MISSING]
        scored.append(
            CaseScore(
                case=case,
                digest=digest,
                grader=grader,
                trials=len(known),
                passed=sum(float(body["score"]) for body in known),
                missing=len(bodies) - len(known),
                kinds=dict(Counter(body["kind"] for body in bodies)),
            )
        )
    return sorted(scored, key=lambda each: each.passed / each.trials if each.trials else -1)


def tell_paid(paid: int, shared: int, microusd: int | None) -> str:
    """How many trials were run now, and for how much, in words."""
    cost = "" if microusd is None else f" for {dollars(microusd)}"
    more = f", and {shared} that somebody else had filed by then" if shared else ""
    return f"{paid} run now{cost}{more}"


def tell_cost(own: int | None, judge: int | None) -> str:
    """What trials cost, in words; nothing where nobody knows."""
    costs = (("the trials", own), ("judging them", judge))
    return ", ".join(f"{of} cost {dollars(cost)}" for of, cost in costs if cost is not None)


def _told(done: EvalDone, items: Sequence[CaseScore]) -> str:
    mean = "nothing is known" if done.mean is None else f"{done.mean:.1%}"
    label = " (simulated)" if done.simulated else ""
    lines = [
        f"{done.name}{label}: {mean} over {done.cases} cases, {done.trials} trials, "
        f"{done.missing} missing, {tell_paid(done.paid, done.shared, done.paid_microusd)}",
        f"  {done.system}",
    ]
    if cost := tell_cost(done.cost_microusd, done.judge_microusd):
        lines.append(f"  {cost}")
    if len(done.splits) > 1:
        means = ", ".join(f"{name.replace('_', ' ')} {m:.1%}" for name, m in done.splits.items())
        lines.append(f"  {means}")
    if done.several:
        lines.append(
            f"  tried with several contents or graders, told apart: {', '.join(done.several[:10])}"
        )
    if without := tell_basis(done.basis):
        lines.append(f"  {without}")
    for group in done.why:
        of = f"{group.count} {group.kind} (of {group.cases} cases)"
        lines.append(f"  {of}: {group.told}" + (f": {group.line}" if group.line else ""))
    for each in items:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(each.kinds.items()))
        name = each.case
        if name in done.several:
            name = f"{content_name(name, each.digest)} by {each.grader}"
        lines.append(f"  {name}  {each.passed:g} of {each.trials}  ({kinds})")
    for one in done.tries:
        of = f" of {one.digest[7:15]}" if done.several else ""
        lines.append(f"  trial {one.number}{of}: {one.kind}")
        lines += [f"    {line}" for reason in one.reasons for line in reason.splitlines()]
    return told(lines)
