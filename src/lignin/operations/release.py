"""Releases: what claims to be no worse are compared with, and the sealed cases that only they see."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.evals.laws.no_worse import LEAST_LEFT, MARGIN
from lignin.evals.releases import (
    LEAST_TRIALS,
    Cutting,
    Releases,
    last_release,
    line_of,
    sealed_cases,
)
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.releasework import tell_margin, tell_release, try_sealed
from lignin.operations.subjects import harness_files, open_subject
from lignin.operations.suites import SuiteRequest, load_suite, options_of
from lignin.operations.tries import top_up, with_workers
from lignin.ports.ledger import View, every_row, require_known
from lignin.ports.system import System

_ROUNDS = 3


class ReleaseCut(SuiteRequest):
    system: str = Field(description="the agent, as `eval run` takes it")
    head: str = Field("", description="the head whose revision it runs with; default: none")
    trials: int = Field(
        LEAST_TRIALS,
        ge=LEAST_TRIALS,
        le=1000,
        description="so many trials of each case are to stand",
    )


class ReleaseSeal(Request):
    share: float = Field(
        0.2, gt=0, lt=1, description="of the cases that were never drawn, so many are sealed"
    )


class ReleaseRef(Request):
    release: str = positional("a release's id, as `release list` shows it")


class ReleasesAsked(Request):
    head: str | None = Field(None, description="only of this head")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this release")


class Sealed(Response):
    sealed: int = Field(description="cases that are sealed, all in all")
    drawn: int = Field(description="cases that were drawn now")
    newly: int = Field(description="of these, sealed now")
    left: int = Field(description="accepted cases that are open to everybody")

    def to_text(self) -> str:
        return (
            f"{self.newly} of {self.drawn} cases sealed now, {self.sealed} in all; "
            f"{self.left} are open to everybody"
        )


class ReleaseView(Response):
    release: str = Field(description="the release's id")
    state: str = Field(description="begun or cut")
    stands: bool = Field(description="whether claims to be no worse are compared with it")
    line: str = Field(description="what it is a release of: a head, or no head")
    revision: str = Field(description="digest of the head's revision")
    system: str = Field(description="digest of the system's content")
    name: str = Field(description="how the system was named")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")
    by: str = Field(description="who began it")
    begun_at: str = Field(description="when it was begun")
    cut_at: str | None = Field(description="when it was cut")
    cases: int | None = Field(None, description="cases of its suite")
    trials: int | None = Field(None, description="trials that tell something")
    mean: float | None = Field(None, description="mean score of the cases")
    interval: list[float] | None = Field(None, description="its 95 % interval, by cases")
    margin_left: float | None = Field(
        None,
        description="what a claim to be no worse by 5 points may lose, less what these trials may be "
        "wrong by; at 1.25 points or less nothing can be shown",
    )
    sealed: dict[str, Any] | None = Field(
        None, description="cases, mean, interval; who opened them, when, for which release"
    )
    before: dict[str, Any] | None = Field(
        None, description="the release that stood until then, and both means on the cases of both"
    )


class ReleaseDone(ReleaseView):
    paid: int = Field(description="trials that were run this time")

    def warnings(self) -> list[str]:
        if self.margin_left is not None and self.margin_left <= LEAST_LEFT * MARGIN:
            return [
                "too few trials or cases to show that anything is no worse by 5 points: "
                "--trials N with more"
            ]
        return []

    def to_text(self) -> str:
        return "\n".join([*_told(self), f"{self.paid} trials run now"])


class ReleaseShown(ReleaseView):
    def to_text(self) -> str:
        return "\n".join(_told(self))


class ReleasesListed(Listed):
    items: list[ReleaseView] = Field(description="this page of the list")


@operation("release.seal", effect="govern")
def seal(context: Context, request: ReleaseSeal) -> Sealed:
    """Seal a share of the cases: no suite, decision, list or brief holds them, only `release cut`.

    Each accepted case is drawn once, by chance that nobody knows beforehand; one that is sealed stays so. At
    least one stays open.
    """
    require_person(context.scope.actor, "seals cases")

    def decide(view: View) -> tuple[list[str], Sequence[Any]]:
        accepted = [row.key for row in every_row(view, "case", state="accepted")]
        cases = [case for case in accepted if view.row(f"seal/{case}") is None]
        if not cases:
            return [], []
        others_open = bool(set(accepted) - set(cases) - sealed_cases(view))
        draw = Releases(context.ids).draw
        return cases, [draw(context.scope, cases, request.share, others_open=others_open)]

    with context.view() as view:
        before = sealed_cases(view)
    drawn = context.decide_and_commit(decide)
    with context.view() as view:
        sealed = sealed_cases(view)
        accepted = sum(row.key not in sealed for row in every_row(view, "case", state="accepted"))
    return Sealed(sealed=len(sealed), drawn=len(drawn), newly=len(sealed - before), left=accepted)


@operation("release.cut", effect="govern", idempotent=True)
def cut(context: Context, request: ReleaseCut) -> ReleaseDone:
    """Sweep the whole suite and make this what claims to be no worse are compared with.

    Every trial is filed as soon as it is scored: after a crash the same command goes on. The sealed
    cases are opened once for a system's content; who did so is on the record. Asked again, it answers.
    """
    require_person(context.scope.actor, "cuts a release")
    if request.case:
        raise InvalidRequestError(
            "a release is of the whole suite", hint="leave out --case; --suite brings your own"
        )
    context = with_workers(context, request.workers)
    system, revision = _system(context, request)
    with context.view() as view:
        suite = load_suite(context, view, request)
    cutting = Cutting(
        line=line_of(request.head),
        revision=revision,
        system=system.digest,
        name=system.name,
        simulated=system.simulated,
        cases=sorted((case.name, case.digest, case.grader) for case in suite),
        trials=request.trials,
    )
    row = _begun(context, cutting)
    paid = 0
    if row.state == "begun":
        for _ in range(_ROUNDS):  # what told nothing is tried again, under other numbers
            paid += top_up(context, system, suite, request.trials, request.parallel).paid
        if not request.suite:
            _open(context, row)
            paid += try_sealed(context, system, request.parallel)
        _file(context, row, system)
    with context.view() as view:
        return ReleaseDone(**_view(view, require_known(view, row.stream)), paid=paid)


@operation("release.list", effect="read", idempotent=True)
def list_(context: Context, request: ReleasesAsked) -> ReleasesListed:
    """List the releases."""
    with context.view() as view:
        page = view.page(
            "release",
            parent=None if request.head is None else line_of(request.head),
            after=request.after,
            limit=request.limit,
        )
        items = [ReleaseView(**_view(view, row)) for row in page.rows]
    return ReleasesListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--head, --after" if page.next_after else None,
    )


@operation("release.show", effect="read", idempotent=True)
def show(context: Context, request: ReleaseRef) -> ReleaseShown:
    """Show a release: what its suite and its sealed cases came to, and who opened these."""
    with context.view() as view:
        return ReleaseShown(**_view(view, require_known(view, f"release/{request.release}")))


def _system(context: Context, request: ReleaseCut) -> tuple[System, str]:
    """The agent with the revision of the head that it runs with."""
    options = options_of(context, request)
    if not request.head:
        return open_subject(context, request.system, **options), ""
    with context.view() as view:
        digest, revision = context.harness.stable(view, request.head)
        files = harness_files(context, view, revision)
    system = open_subject(context, request.system, harness=files, **options)
    return system, digest


def _begun(context: Context, cutting: Cutting) -> Row:
    """The release, begun where it never was."""
    stream, service = f"release/{cutting.release}", Releases(context.ids)

    def decide(view: View) -> tuple[None, Sequence[Any]]:
        if view.row(stream) is not None:
            return None, []
        return None, [service.begin(context.scope, cutting)]

    context.decide_and_commit(decide)
    with context.view() as view:
        return require_known(view, stream)


def _open(context: Context, row: Row) -> None:
    """Note who opens the sealed cases for this system, before any of them is tried; once only."""
    service, system = Releases(context.ids), row.body["system"]

    def decide(view: View) -> tuple[None, Sequence[Any]]:
        if view.row(f"opening/{system}") is not None:
            return None, []
        found = (view.row(f"case/{case}") for case in sorted(sealed_cases(view)))
        cases = [
            (each.key, each.body["digest"]) for each in found if each and each.state == "accepted"
        ]
        if not cases:
            return None, []
        return None, [service.open_sealed(context.scope, row.key, system, cases)]

    context.decide_and_commit(decide)


def _file(context: Context, row: Row, system: System) -> None:
    service = Releases(context.ids)
    with context.view() as view:
        told = tell_release(view, row, system.digest)
    short = [each for each in told["bank"] if each[3] < LEAST_TRIALS]
    if short:
        raise InvalidRequestError(
            f"{len(short)} cases have fewer than {LEAST_TRIALS} trials that tell anything",
            hint="`lignin eval show SYSTEM` says why; the same command goes on",
        )
    if told["not_believed"]:
        raise InvalidRequestError(
            f"trials of {', '.join(told['not_believed'][:5])} say what is not so: nothing is compared "
            "with such a release",
            hint="`lignin eval show SYSTEM --case CASE` says what",
        )

    def decide(view: View) -> tuple[None, Sequence[Any]]:
        now = require_known(view, row.stream)
        if now.state != "begun":
            return None, []
        return None, [service.cut(view, context.scope, now, told)]

    context.decide_and_commit(decide)


def _view(view: View, row: Row) -> dict[str, Any]:
    body = row.body
    told: Mapping[str, Json] = {}
    if body["result"]:
        told = parse_json(view.blob(body["result"]["told"]))
    last = last_release(view, body["line"])
    shown = ("cases", "trials", "mean", "interval", "margin_left", "sealed", "before")
    return {
        "release": row.key,
        "state": row.state,
        "stands": last is not None and last.key == row.key,
        **{name: body[name] for name in ("line", "revision", "system", "name", "simulated", "by")},
        "begun_at": body["begun_at"],
        "cut_at": body.get("cut_at"),
        **{name: told.get(name) for name in shown},
    }


def _told(each: ReleaseView) -> list[str]:
    label = " (simulated)" if each.simulated else ""
    stands = ", stands" if each.stands else ""
    lines = [f"{each.release}  {each.line}: {each.name}{label}, {each.state}{stands}"]
    if each.mean is None:
        return lines
    lines.append(
        f"suite: {_score(each.mean, each.interval)} over {each.cases} cases, {each.trials} trials"
    )
    if each.margin_left is not None:
        lines.append(tell_margin(each.margin_left))
    sealed = each.sealed
    if sealed:
        lines.append(
            f"sealed: {_score(sealed['mean'], sealed['interval'])} over {sealed['cases']} cases, opened by "
            f"{sealed['opened_by']} at {sealed['opened_at']} for {sealed['opened_for']}"
        )
    if each.before:
        lines.append(
            f"on the {each.before['cases']} cases of both {each.before['now']:.1%}, before "
            f"({each.before['release']}) {each.before['then']:.1%}"
        )
    return lines


def _score(mean: float, interval: Sequence[float] | None) -> str:
    return f"{mean:.1%}" + (f" ({interval[0]:.1%} to {interval[1]:.1%})" if interval else "")
