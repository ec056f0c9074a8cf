"""Judging runs against recorded answers. Pure; shared by the checks of visible and held-out ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lignin.artifacts.answers import (
    answers_agree,
    expected_outcome,
    plain_error,
    schema_fault,
    told,
    values_agree,
)
from lignin.artifacts.breaks import RECORDED, Break, broken
from lignin.artifacts.check import ExampleRun, Observations, shown, shown_use
from lignin.domain.codec import Digest, digest_json
from lignin.domain.examples import Example

MAX_REASONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A run that did not answer as recorded, with the reason."""

    reason: str
    run: ExampleRun


def told_wrong(wrong: Sequence[Wrong], prefix: str = "") -> list[str]:
    """The reasons of runs that did not answer as recorded, at most `MAX_REASONS`."""
    return [f"{prefix}{each.reason}" for each in wrong[:MAX_REASONS]]


def wrong_breaks(wrong: Sequence[Wrong], *, is_call: bool, how: str = RECORDED) -> list[Break]:
    """Those runs as inputs that break the artifact."""
    return [
        broken(
            each.run.example,
            each.run.observed,
            is_call=is_call,
            fault=each.reason,
            expected=expected_outcome(each.run.example, is_call=is_call),
            how=how,
        )
        for each in wrong
    ]


def wrong_answers(observations: Observations, runs: Iterable[ExampleRun]) -> list[Wrong]:
    """Return each run that did not answer as recorded.

    An input that was recorded with two answers is no oracle: it is a doubt (`contradictions`).
    """
    disputes = find_disputes(observations.examples, is_call=observations.is_call)
    disputed = {dispute.use for dispute in disputes}
    return [
        Wrong(reason=reason, run=run)
        for run in runs
        if _use(run.example) not in disputed
        and (reason := _fault_of(observations, run)) is not None
    ]


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
        wanted = _answer_of(example, is_call=is_call)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Two records of one input with different answers, the earlier first."""

    first: Example
    second: Example
    is_call: bool

    @property
    def use(self) -> Digest:
        """Digest of the input."""
        return _use(self.first)

    def sides(self) -> tuple[dict[str, str], dict[str, str]]:
        """What each record answers, in words, and who gave it."""
        first, second = (
            {"answer": _answer_of(example, is_call=self.is_call), "by": example.origin}
            for example in (self.first, self.second)
        )
        return first, second

    def reason(self) -> str:
        """The dispute in words: the input, both answers and their givers."""
        first, second = self.sides()
        return (
            f"the records contradict each other for {shown_use(self.first)}: "
            f"{first['answer']} ({first['by']}) and {second['answer']} ({second['by']})"
        )


def find_disputes(examples: Iterable[Example], *, is_call: bool) -> list[Dispute]:
    """Return the first contradicting pair of records of every input that has one."""
    known: dict[Digest, Example] = {}
    found: dict[Digest, Dispute] = {}
    for example in examples:
        use = _use(example)
        earlier = known.setdefault(use, example)
        answers = [expected_outcome(each, is_call=is_call) for each in (earlier, example)]
        if not values_agree(*answers):
            found.setdefault(use, Dispute(first=earlier, second=example, is_call=is_call))
    return list(found.values())


def contradictions(observations: Observations) -> list[str]:
    """Return a doubt for each input that was recorded with two answers."""
    disputes = find_disputes(observations.examples, is_call=observations.is_call)
    return [dispute.reason() for dispute in disputes[:MAX_REASONS]]


def _use(example: Example) -> Digest:
    body = example.to_json()
    return digest_json([body["arguments"], body["argv"], body["stdin"], body["files"]])


def _answer_of(example: Example, *, is_call: bool) -> str:
    if is_call and example.error is not None:
        return f"error {plain_error(example.error)}"
    expected = expected_outcome(example, is_call=is_call)
    return shown(expected.get("result", expected) if is_call else expected)
