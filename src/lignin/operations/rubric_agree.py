"""Whether a judge agrees with people, whether a new rubric or judge does no less, and putting one in use."""

from typing import Any, Literal

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.codec import Json
from lignin.domain.counts import dollars, known_sum
from lignin.domain.errors import GateFailedError, InvalidRequestError
from lignin.domain.rubrics import Rubric, grader_of
from lignin.domain.states import Row
from lignin.evals.laws.agreement import (
    LEAST_GWET,
    LEAST_ITEMS,
    Agreement,
    among_people,
    compare_agreement,
    weigh_agreement,
    with_people,
)
from lignin.evals.laws.biases import TOLD, Bias, compare_bias
from lignin.evals.laws.covered import LEAST_COVERED
from lignin.evals.rubrics import Rubrics
from lignin.operations.context import Context
from lignin.operations.judgework import Asking, Judged, People, judge_all, load_labels
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.rubric import RubricRef, RubricShown, show
from lignin.operations.rubricwork import find_rubric, open_judge, rubric_of
from lignin.ports.judge import LIMIT_S, Judge
from lignin.traces.view import told

Outcome = Literal["pass", "fail", "inconclusive"]


class JudgeRequest(Request):
    judge: str = Field(
        description="who judges: a command line (in the sandbox), model:PROVIDER:MODEL, or "
        "python:MODULE:FUNCTION"
    )
    judge_model: str = Field(
        "", description="the judge's own model, where it does not say it: for self-preference"
    )
    unsandboxed_judge: bool = Field(
        False, description="run the judge as you, outside the sandbox: for `claude -p` and the like"
    )
    limit_s: float = Field(LIMIT_S, gt=0, le=3600, description="seconds for one verdict")
    parallel: int = Field(1, ge=1, le=64, description="at most so many verdicts at a time")
    least: int = Field(LEAST_ITEMS, ge=2, description="labelled runs below which nothing is said")


class RubricAgree(JudgeRequest):
    rubric: str = positional("NAME, the version in use, or NAME@DIGITS")
    biases: bool = Field(
        False,
        description="also measure what it goes by that it should not: about four times the cost",
    )


class RubricCompare(JudgeRequest):
    old: str = positional("the rubric that stands: NAME or NAME@DIGITS")
    new: str = positional("the one that is proposed; the same one to compare judges")
    new_judge: str = Field("", description="who judges by the new one; default: --judge")


class AgreementView(Response):
    rubric: str = Field(description="the rubric's name")
    version: str = Field(description="its version")
    judge: str = Field(description="the judge")
    grader: str = Field(description="what trials that are scored so have as their grader")
    outcome: Outcome = Field(
        description="pass, fail or inconclusive: whether it agrees with people"
    )
    reasons: list[str] = Field(description="every reason, in words")
    items: int = Field(description="labelled runs that it judged")
    missing: int = Field(description="labelled runs that it gave no verdict on")
    people: int = Field(description="how many people labelled")
    other_scale: int = Field(description="labels that are left out, being of another scale")
    with_people: dict[str, Json] = Field(description="judge and people: same, kappa, gwet")
    among_people: dict[str, Json] = Field(
        description="people and people, where several labelled a run: the most that can be asked"
    )
    biases: list[dict[str, Json]] = Field(description="what it goes by that it should not")
    paid: int = Field(description="times that the judge was asked now")
    paid_microusd: int | None = Field(None, description="what that cost, as far as it is known")

    def exit_code(self) -> int:
        return {"pass": 0, "fail": 6}.get(self.outcome, 10)

    def to_text(self) -> str:
        return told([f"{self.outcome}: {self.judge} by {self.rubric}", *_lines(self)])


class ComparedView(Response):
    outcome: Literal["accept", "reject", "undecided"] = Field(
        description="accept: it agrees with people no less, and is found to have no new bias"
    )
    reasons: list[str] = Field(description="every reason, in words")
    old: str = Field(description="version of the rubric that stands")
    new: str = Field(description="version that is proposed")
    old_grader: str = Field(description="rubric and judge that stand")
    new_grader: str = Field(description="rubric and judge that are proposed")
    items: int = Field(description="labelled runs that both judged")
    agreement: dict[str, Json] = Field(description="what the new one gains of agreement")
    kappa: dict[str, Json] = Field(description="what it gains of kappa")
    biases: list[dict[str, Json]] = Field(description="each bias, before and after")
    needs_human: bool = Field(True, description="a person decides, whatever comes out here")
    paid: int = Field(description="times that a judge was asked now")
    paid_microusd: int | None = Field(None, description="what that cost, as far as it is known")

    def exit_code(self) -> int:
        return {"accept": 0, "reject": 6}.get(self.outcome, 10)

    def to_text(self) -> str:
        lines = [self.outcome, *self.reasons, f"{self.items} labelled runs"]
        lines += [f"{name}: {_shown(each)}" for name, each in (("agreement gained", self.agreement), ("kappa gained", self.kappa))]  # fmt: skip
        lines.append(f"{_paid(self)}; a person decides (`lignin rubric adopt`)")
        return told(lines)


@operation("rubric.agree", effect="execute", idempotent=True, remote=False)
def agree(context: Context, request: RubricAgree) -> AgreementView:
    """Ask a judge about every run that people labelled, and tell how far it agrees with them.

    0 it agrees, 6 it does not, 10 too little is known. Beside it stands how far people agree with each
    other. Each verdict is paid once. With `--biases` also: whether the place, the length, its own model or
    a run that asks for it move the judge.
    """
    with context.view() as view:
        rubric = rubric_of(view, find_rubric(view, request.rubric))
        people = load_labels(view, rubric)
    asking = Asking(context, rubric, _judge(context, request, request.judge), request.parallel)
    _require_labels(people, rubric)
    judged = judge_all(asking, people.labelled, biases=request.biases, model=request.judge_model)
    done = _agreement_view(asking, people, judged, request.least)
    if request.least >= LEAST_ITEMS:  # with fewer it says nothing to others
        kept = done.model_dump(mode="json", exclude={"paid", "paid_microusd"})
        context.commit(Rubrics(context.ids).measure(context.scope, rubric.name, kept))
    return done


@operation("rubric.compare", effect="execute", idempotent=True, remote=False)
def compare(context: Context, request: RubricCompare) -> ComparedView:
    """Decide whether a new rubric, or judge, agrees with people's labels no less than the one that stands.

    Both judge the same labelled runs. The scores that they give are nothing; the difference of their agreement
    and their biases decide. 0 accepted, 6 rejected, 10 undecided. It moves nothing: a person does.
    """
    with context.view() as view:
        old_row, new_row = find_rubric(view, request.old), find_rubric(view, request.new)
        old, new = rubric_of(view, old_row), rubric_of(view, new_row)
        people = load_labels(view, old)
    judges = [
        _judge(context, request, each)
        for each in (request.judge, request.new_judge or request.judge)
    ]
    asked = [
        Asking(context, rubric, judge, request.parallel)
        for rubric, judge in zip((old, new), judges, strict=True)
    ]
    graders = [grader_of(each.rubric, each.judge.name, each.judge.digest) for each in asked]
    _require_comparable(old, new, graders)
    _require_labels(people, old)
    judged = [
        judge_all(each, people.labelled, biases=True, model=request.judge_model) for each in asked
    ]
    compared = _compared(request, people, old, judged)
    view_ = ComparedView(
        **compared,
        old=old_row.key,
        new=new_row.key,
        old_grader=graders[0],
        new_grader=graders[1],
        paid=sum(each.paid for each in asked),
        paid_microusd=known_sum(each.paid_microusd for each in asked),
    )
    if old_row.key != new_row.key:
        with context.view() as view:
            now = find_rubric(view, f"{new.name}@{new.digest}")
        kept = view_.model_dump(mode="json", exclude={"paid", "paid_microusd"})
        context.commit(Rubrics(context.ids).compare(context.scope, now, kept))
    return view_


@operation("rubric.adopt", effect="govern")
def adopt(context: Context, request: RubricRef) -> RubricShown:
    """Put a version of a rubric in use, as a person; it must agree with people no less than the one that is.

    Scores by the version before stay what they are, and never compare with scores by this one.
    """
    require_person(context.scope.actor, "puts a rubric in use")
    with context.view() as view:
        row = find_rubric(view, request.rubric)
        rows = view.page("rubric", parent=row.body["name"], state="in_use").rows
        current = rows[0] if rows else None
    if current is not None and current.key == row.key:
        return show(context, request)
    if current is not None:
        _require_accepted(row, current)
    context.commit(Rubrics(context.ids).adopt(context.scope, row, current))
    return show(context, RubricRef(rubric=f"{row.body['name']}@{row.key}"))


def _require_accepted(row: Row, current: Row) -> None:
    compared = row.body["compared"]
    name = row.body["name"]
    is_of_it = compared is not None and compared["old"] == current.key
    if not is_of_it or compared["outcome"] != "accept":
        said = f"comparing it came to {compared['outcome']}" if is_of_it else "it was not compared"
        raise GateFailedError(
            f"{name}@{row.key[7:19]} is not shown to agree with people no less: {said}",
            hint=f"`lignin rubric compare {name} {name}@{row.key[7:19]} --judge ...`",
        )


def _judge(context: Context, request: JudgeRequest, spec: str) -> Judge:
    unsandboxed = request.unsandboxed_judge
    return open_judge(context, spec, unsandboxed=unsandboxed, limit_s=request.limit_s)


def _require_labels(people: People, rubric: Rubric) -> None:
    if not people.labelled:
        raise InvalidRequestError(
            f"nobody labelled a run by {rubric.name}",
            hint=f"`lignin rubric items {rubric.name}`, then `lignin rubric label`",
        )


def _require_comparable(old: Rubric, new: Rubric, graders: list[str]) -> None:
    if graders[0] == graders[1]:
        raise InvalidRequestError(
            "both are the very same rubric and judge", hint="there is nothing to compare"
        )
    if old.name != new.name:
        raise InvalidRequestError(
            f"{old.name} and {new.name} are two rubrics", hint="versions of one are compared"
        )
    if old.scale != new.scale:
        raise InvalidRequestError(
            "their scales differ, so labels by the one say nothing of the other",
            hint="give the new one a name of its own, and have people label by it",
        )


def _agreement_view(asking: Asking, people: People, judged: Judged, least: int) -> AgreementView:
    rubric, seed = asking.rubric, f"{asking.rubric.digest} {asking.judge.digest}"
    known = [(p, e.places) for p, e in zip(judged.places, people.labelled, strict=True) if p is not None]  # fmt: skip
    found = weigh_agreement(
        with_people([p for p, _ in known], [e for _, e in known]), rubric.scores, seed=seed
    )
    ceiling = weigh_agreement(
        among_people([each.places for each in people.labelled]), rubric.scores, seed=seed
    )
    missing = len(judged.places) - len(known)
    outcome, reasons = _outcome(found, missing, least)
    reasons += [TOLD[each.kind] for each in judged.biases if each.found]
    reasons += [f"no verdict: {why[:200]}" for why in dict.fromkeys(asking.whys)][:3]
    return AgreementView(
        rubric=rubric.name,
        version=rubric.digest,
        judge=asking.judge.name,
        grader=grader_of(rubric, asking.judge.name, asking.judge.digest),
        outcome=outcome,
        reasons=reasons,
        items=len(known),
        missing=missing,
        people=len(people.by),
        other_scale=people.other_scale,
        with_people=found.to_json(),
        among_people=ceiling.to_json(),
        biases=[each.to_json() for each in judged.biases],
        paid=asking.paid,
        paid_microusd=asking.paid_microusd,
    )


def _outcome(found: Agreement, missing: int, least: int) -> tuple[Outcome, list[str]]:
    """Whether a judge agrees with people, beyond what chance would."""
    total = found.items + missing
    if found.items < least:
        return "inconclusive", [f"{found.items} labelled runs were judged, {least} are needed"]
    if found.items < LEAST_COVERED * total:
        return "inconclusive", [f"only {found.items} of {total} runs got a verdict"]
    gwet, kappa = found.gwet.interval, found.kappa.interval
    if gwet is None:
        return "inconclusive", ["how far it agrees cannot be known"]
    if gwet[1] < LEAST_GWET:
        return "fail", [f"its agreement is {gwet[0]:.2f} to {gwet[1]:.2f}, below {LEAST_GWET:g}"]
    if kappa is not None and kappa[1] <= 0:
        return "fail", ["it agrees with people no more than by chance"]
    if kappa is None or kappa[0] <= 0:
        return "inconclusive", ["nothing shows that it agrees more than by chance (kappa)"]
    if gwet[0] < LEAST_GWET:
        told = f"its agreement is {gwet[0]:.2f} to {gwet[1]:.2f}, {LEAST_GWET:g} is asked for"
        return "inconclusive", [told]
    return "pass", [f"it agrees with people: {gwet[0]:.2f} to {gwet[1]:.2f} (Gwet)"]


def _compared(
    request: RubricCompare, people: People, rubric: Rubric, judged: list[Judged]
) -> dict[str, Any]:
    both = [
        (old, new, each.places)
        for old, new, each in zip(judged[0].places, judged[1].places, people.labelled, strict=True)
        if old is not None and new is not None
    ]
    found = compare_agreement(
        [old for old, _, _ in both],
        [new for _, new, _ in both],
        [places for _, _, places in both],
        rubric.scores,
        seed=rubric.digest,
        least=request.least,
    )
    outcome, reasons = found.outcome, list(found.reasons)
    if len(both) < LEAST_COVERED * len(people.labelled):
        reasons.append(f"only {len(both)} of {len(people.labelled)} runs got verdicts of both")
        outcome = "undecided" if outcome == "accept" else outcome
    biases = []
    for old, new in zip(judged[0].biases, judged[1].biases, strict=True):
        how, told_ = compare_bias(old, new)
        biases.append(_both(old, new, how))
        if told_:
            reasons.append(told_)
        if how == "worse":
            outcome = "reject"
        elif how == "new" and outcome == "accept":
            outcome = "undecided"
    return {
        "outcome": outcome,
        "reasons": reasons,
        "items": found.items,
        "agreement": found.agreement.to_json(),
        "kappa": found.kappa.to_json(),
        "biases": biases,
    }


def _both(old: Bias, new: Bias, how: str) -> dict[str, Json]:
    return {"bias": new.kind, "is": how, "old": old.to_json(), "new": new.to_json()}


def _lines(done: AgreementView) -> list[str]:
    lines = [*done.reasons, f"{done.items} labelled runs judged, {done.missing} without a verdict"]
    for name, each in (("judge and people", done.with_people), ("people among themselves", done.among_people)):  # fmt: skip
        if each["items"]:
            told_ = ", ".join(f"{k} {_shown(each[k])}" for k in ("same", "kappa", "gwet"))
            lines.append(f"{name}: {told_} ({each['items']} runs)")
    for bias in done.biases:
        found = {True: "found", False: "not found", None: "not known"}[bias["found"]]
        lines.append(f"{bias['bias']}: {found} {_shown(bias['effect'])} {bias['why']}".rstrip())
    return [*lines, _paid(done)]


def _paid(done: AgreementView | ComparedView) -> str:
    cost = "" if done.paid_microusd is None else f", {dollars(done.paid_microusd)}"
    return f"{done.paid} verdicts asked for now{cost}"


def _shown(figure: dict[str, Json]) -> str:
    if figure["value"] is None:
        return "unknown"
    between = figure["interval"]
    return f"{figure['value']:.2f}" + (f" ({between[0]:.2f} to {between[1]:.2f})" if between else "")  # fmt: skip
