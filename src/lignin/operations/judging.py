"""What a version is worth, as the operations answer it: after a capture, a verification, a withdrawal.

Whatever changes the examples of a version has it judged anew: a proof is one on these examples.
"""

from collections.abc import Mapping, Sequence
from itertools import count

from lignin.artifacts.breaks import breaks_in
from lignin.artifacts.service import Captured
from lignin.artifacts.withdrawal import Withdrawal, withdraw_examples
from lignin.domain.codec import Json
from lignin.domain.events import Change
from lignin.domain.examples import Example
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.artifact_models import (
    ArtifactCapture,
    ArtifactWithdraw,
    BreakView,
    CaptureView,
    CaseToPass,
    VerificationView,
    Withdrawn,
)
from lignin.operations.artifact_views import AFTER_REJECTION
from lignin.operations.choice import WRITTEN, find
from lignin.operations.context import Context
from lignin.operations.handover import read_examples
from lignin.operations.lifecycle import last_report, verify_version
from lignin.operations.nearness import nearest_to
from lignin.operations.trace_cases import cases_against
from lignin.ports.ledger import View


def verification_view(
    context: Context, row: Row, *, again: bool, tools: str = ""
) -> VerificationView:
    """Verify a version and say what came of it."""
    name, steps = row.body["name"], count()

    def tell(step: str) -> None:
        context.progress(f"checking {name}: {step.replace('_', ' ')}", next(steps), None)

    done = verify_version(context, row, again=again, tools=tools, tell=tell)
    breaks = breaks_in(done.checks)
    return VerificationView(
        name=row.body["name"],
        digest=row.body["digest"],
        state=done.state,
        verdict=done.verdict,
        reasons=list(done.reasons),
        checks=[_without_breaks(check) for check in done.checks],
        breaks=[BreakView(**each) for each in breaks],
        tier=done.tier,
        runs=done.runs,
        reused=done.reused,
    )


def _without_breaks(check: Mapping[str, Json]) -> dict[str, Json]:
    measured = {name: value for name, value in check["measured"].items() if name != "breaks"}
    return {**check, "measured": measured}


def capture_view(
    context: Context, captured: Captured, examples: Sequence[Example], request: ArtifactCapture
) -> CaptureView:
    """What a capture came to, verified at once where that is asked for."""
    verification = None
    with context.view() as view:
        row = find(context, view, f"{captured.name}@{captured.digest}")
    judged_anew = examples and captured.state in PROVEN  # on what was kept, where none is new
    if request.verify and (captured.state == "draft" or judged_anew):
        verification = verification_view(context, row, again=False, tools=request.tools)
    state = verification.state if verification else captured.state
    reasons = verification.reasons if verification else [captured.reason]
    near = nearest_to(context, row, examples, tried=request.verify)
    cases, held_out = cases_of(context, request.mode)
    return CaptureView(
        name=captured.name,
        digest=captured.digest,
        how=captured.how,
        state=state,
        reason="; ".join(reasons) or "every check passed",
        remediation=AFTER_REJECTION if state == "rejected" else _how_to_mean(context, captured),
        keep_until=captured.keep_until,
        examples=len(examples),
        verification=verification,
        breaks=verification.breaks if verification else _known_breaks(context, row),
        nearest=list(near.items),
        instead=near.instead,
        call=_own_call(captured.name, state, row, request.session),
        cases=cases,
        held_out_cases=held_out,
    )


def _known_breaks(context: Context, row: Row) -> list[BreakView]:
    """What broke a version when it was last judged, where it was rejected for it."""
    if row.state != "rejected":
        return []
    return [BreakView(**each) for each in breaks_in(last_report(context, row.body["digest"]))]


def _own_call(name: str, state: str, row: Row, session: str) -> str:
    """How the session that wrote a version calls it before anybody else finds it."""
    is_run = row.body["kind"] in {"program", "script"} and state in WRITTEN
    return (
        f"lignin artifact call {name} --session {session} --input -" if session and is_run else ""
    )


def cases_of(context: Context, mode: str) -> tuple[list[CaseToPass], int]:
    """The shown eval cases of a failure mode, and how many are held out; none where none is named."""
    if not mode:
        return [], 0
    with context.view() as view:
        shown, held_out = cases_against(view, mode)
    told = [
        CaseToPass(case=case, summary=summary, judge=f"lignin trace judge {case} RUN-FILE")
        for case, summary in shown
    ]
    return told, held_out


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
