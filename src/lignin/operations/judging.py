"""What a version is worth, as the operations answer it: after a capture, a verification, a withdrawal.

Whatever changes the examples of a version has it judged anew: a proof is one on these examples.
"""

from collections.abc import Sequence

from lignin.artifacts.service import Captured
from lignin.artifacts.withdrawal import Withdrawal, withdraw_examples
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.artifact_models import (
    ArtifactCapture,
    ArtifactWithdraw,
    CaptureView,
    VerificationView,
    Withdrawn,
)
from lignin.operations.artifact_views import AFTER_REJECTION
from lignin.operations.choice import find
from lignin.operations.context import Context
from lignin.operations.handover import read_examples
from lignin.operations.lifecycle import verify_version
from lignin.ports.ledger import View


def verification_view(
    context: Context, row: Row, *, again: bool, tools: str = ""
) -> VerificationView:
    """Verify a version and say what came of it."""
    done = verify_version(context, row, again=again, tools=tools)
    return VerificationView(
        name=row.body["name"],
        digest=row.body["digest"],
        state=done.state,
        verdict=done.verdict,
        reasons=list(done.reasons),
        checks=[dict(check) for check in done.checks],
        tier=done.tier,
        runs=done.runs,
        reused=done.reused,
    )


def capture_view(
    context: Context, captured: Captured, examples: int, request: ArtifactCapture
) -> CaptureView:
    """What a capture came to, verified at once where that is asked for."""
    verification = None
    judged_anew = examples and captured.state in PROVEN  # on what was kept, where none is new
    if request.verify and (captured.state == "draft" or judged_anew):
        with context.view() as view:
            row = find(context, view, f"{captured.name}@{captured.digest}")
        verification = verification_view(context, row, again=False, tools=request.tools)
    state = verification.state if verification else captured.state
    reasons = verification.reasons if verification else [captured.reason]
    return CaptureView(
        name=captured.name,
        digest=captured.digest,
        how=captured.how,
        state=state,
        reason="; ".join(reasons) or "every check passed",
        remediation=AFTER_REJECTION if state == "rejected" else _how_to_mean(context, captured),
        keep_until=captured.keep_until,
        examples=examples,
        verification=verification,
    )


def _how_to_mean(context: Context, captured: Captured) -> str:
    """What names this version where the bare name means another; empty where it means this one."""
    with context.view() as view:
        row = find(context, view, f"{captured.name}@{captured.digest}")
        meant = find(context, view, captured.name, "promote")
    if row.state not in PROVEN or meant.stream == row.stream:
        return ""
    digest, other = row.body["digest"][7:19], meant.body["digest"][7:19]
    return f"{row.body['name']} alone means {other}, which is newer; this one is {row.body['name']}@{digest}"


def withdrawn_view(context: Context, request: ArtifactWithdraw) -> Withdrawn:
    """Take examples back, and judge anew what only they had rejected."""
    examples = read_examples(request.examples)
    only = None if request.examples is None else {example.digest for example in examples}

    def decide(view: View) -> tuple[tuple[Row, Withdrawal], Sequence[Change]]:
        row = find(context, view, request.name, "withdraw")
        done = withdraw_examples(
            view, context.scope, context.ids, row, only=only, now=context.ledger.now()
        )
        return (row, done), [done.change]

    row, done = context.decide_and_commit(decide)
    verification = None
    if done.reopened or (done.count and row.state in PROVEN):
        with context.view() as view:
            row = view.rows([row.stream])[row.stream]
        verification = verification_view(context, row, again=False, tools=request.tools)
    return Withdrawn(
        name=row.body["name"],
        digest=row.body["digest"],
        state=verification.state if verification else str(row.state),
        withdrawn=done.count,
        verification=verification,
    )
