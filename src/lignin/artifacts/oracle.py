"""Judging runs against recorded answers. Pure; shared by the checks of visible and held-out ones."""

from collections.abc import Iterable

from lignin.artifacts.answers import (
    answers_agree,
    expected_outcome,
    plain_error,
    schema_fault,
    told,
    values_agree,
)
from lignin.artifacts.check import ExampleRun, Observations, shown, shown_use
from lignin.domain.artifacts import Example
from lignin.domain.codec import Json, digest_json

MAX_REASONS = 5


def wrong_answers(observations: Observations, runs: Iterable[ExampleRun]) -> list[str]:
    """Return a reason for each run that did not answer as recorded, at most `MAX_REASONS`."""
    reasons = []
    for run in runs:
        reason = _fault_of(observations, run)
        if reason is not None:
            reasons.append(reason)
        if len(reasons) == MAX_REASONS:
            break
    return reasons


def _fault_of(observations: Observations, run: ExampleRun) -> str | None:
    example, observed, is_call = run.example, run.observed, observations.is_call
    if observed.status == "infrastructure":
        return None
    where = f"for {shown_use(example)}"
    if observed.status != "exited":
        return f"{told(observed, is_call=is_call)} {where}"
    if not answers_agree(example, observed, is_call=is_call):
        if observed.error is None and declares_variation(observations):
            return _schema_reason(observations, run)  # `determinism` asks whether it varies
        expected = expected_outcome(example, is_call=is_call)
        wanted = shown(expected.get("result", expected) if is_call else expected)
        if is_call and example.error is not None:
            wanted = f"error {plain_error(example.error)}"
        return f"expected {wanted}, got {told(observed, is_call=is_call)} {where}"
    return _schema_reason(observations, run)


def _schema_reason(observations: Observations, run: ExampleRun) -> str | None:
    if not observations.is_call or not run.observed.returned:
        return None
    fault = schema_fault(observations.manifest.interface.output, run.observed.result)
    if fault is None:
        return None
    return (
        f"the answer {shown(run.observed.result)} does not fit the output schema "
        f"({shown(fault.message)}) for {shown_use(run.example)}"
    )


def declares_variation(observations: Observations) -> bool:
    """True where clock or randomness are declared: an answer that varies was never an oracle."""
    capabilities = observations.manifest.capabilities
    return capabilities.clock or capabilities.randomness


def contradictions(observations: Observations) -> list[str]:
    """Return a doubt for each input that was recorded with two answers."""
    known: dict[str, tuple[Example, Json]] = {}
    doubts = []
    for example in observations.examples:
        body = example.to_json()
        use = digest_json([body["arguments"], body["argv"], body["stdin"], body["files"]])
        answer = expected_outcome(example, is_call=observations.is_call)
        _, earlier = known.setdefault(use, (example, answer))
        if not values_agree(earlier, answer):
            doubts.append(f"the records contradict each other for {shown_use(example)}")
    return doubts[:MAX_REASONS]
