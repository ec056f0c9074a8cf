"""Fixed cases: what each may lose before it counts as broken, and letting one go."""

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.errors import ConflictError
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.evals.regressions import Regressions
from lignin.evals.service import Cases
from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation, positional
from lignin.ports.ledger import View, every_row, not_known


class EvalForget(Request):
    case: str = positional("the fixed case that is to be let go")
    reason: str = Field(min_length=1, max_length=2000, description="why it need not pass any more")


class Forgotten(Response):
    case: str = Field(description="the case")
    fixed_by: list[str] = Field(description="the decisions that had fixed it")
    withdrawn: bool = Field(
        description="whether it was withdrawn with it, for its runs no longer make it"
    )


class EvalKeep(Request):
    case: str = positional("the fixed case")
    margin: float = Field(
        gt=0,
        lt=1,
        description="the share of its rate that it may lose before that counts as broken",
    )


class Kept(Response):
    case: str = Field(description="the case")
    fixed_by: list[str] = Field(description="the decisions that had fixed it")
    margin: float = Field(description="the share of its rate that it may lose")
    before: float = Field(description="what it could lose until now")


@operation("eval.forget", effect="govern")
def forget(context: Context, request: EvalForget) -> Forgotten:
    """Let a fixed case go: it is guarded as any other from now on, and may be withdrawn. Only a person can."""
    require_person(context.scope.actor, "lets a fixed case go")

    def decide(view: View) -> tuple[Forgotten, list[Change]]:
        row = _kept(view, request.case)
        changes = [Regressions(context.ids).let_go(context.scope, row, request.reason)]
        case = view.row(f"case/{request.case}") if row.body["stored"] else None
        is_gone = case is not None and case.state == "accepted" and bool(case.body["reason"])
        if case is not None and is_gone:
            reason = f"{case.body['reason']}; let go: {request.reason}"
            changes.append(Cases(context.ids).withdraw(context.scope, case, reason))
        return Forgotten(case=request.case, fixed_by=_by(row), withdrawn=is_gone), changes

    return context.decide_and_commit(decide)


@operation("eval.keep", effect="govern", idempotent=True)
def keep(context: Context, request: EvalKeep) -> Kept:
    """Declare how much a fixed case may lose before that is a break; only a person may allow more."""

    def decide(view: View) -> tuple[Kept, list[Change]]:
        row = _kept(view, request.case)
        before = float(row.body["margin"])
        if request.margin > before:
            require_person(context.scope.actor, "allows a fixed case to lose more")
        told = Kept(case=request.case, fixed_by=_by(row), margin=request.margin, before=before)
        if request.margin == before:
            return told, []
        return told, [Regressions(context.ids).declare(context.scope, row, request.margin)]

    return context.decide_and_commit(decide)


def _kept(view: View, case: str) -> Row:
    """The fix of a case by its name.

    Raises:
        ConflictError: It was let go.
        NotFoundError: It was never fixed.
    """
    rows = [row for row in every_row(view, "fix") if row.body["case"] == case]
    for row in rows:
        if row.state == "kept":
            return row
    if rows:
        raise ConflictError(
            f"{case} was let go already: {rows[0].body['let_go']['reason']}",
            hint="a decision that mends it anew keeps it again",
        )
    raise not_known(view, f"fix/{case}")


def _by(row: Row) -> list[str]:
    return [each["decision"] for each in row.body["by"]]
