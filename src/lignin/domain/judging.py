"""Whether an attempt at a case is right. Pure.

A check that cannot be looked at makes the verdict inconclusive, never a pass. A recorded case
abstains where its recording did not answer enough of the calls. Source: decision record 5.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lignin.domain.cases import Attempt, Case, CheckVerdict
from lignin.domain.effects import Effect, effect_of_call, figures_in

LEAST_HITS = 0.9
_SHOWN_CHARS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict with every reason; a pass has none."""

    verdict: CheckVerdict
    reasons: tuple[str, ...] = ()


def judge_attempt(case: Case, attempt: Attempt) -> Judged:
    """Return whether an attempt passes the checks of a case."""
    if attempt.hit_ratio is not None and attempt.hit_ratio < LEAST_HITS:
        told = (
            f"the recording answered {attempt.hit_ratio:.0%} of the calls, under {LEAST_HITS:.0%}"
        )
        return Judged(verdict="inconclusive", reasons=(told,))
    faults = (
        *_changes(case, attempt),
        *_state(case, attempt),
        *_words(case, attempt),
        *_course(case, attempt),
    )
    if unknown := _in_doubt(case, attempt):
        return Judged(verdict="inconclusive", reasons=(unknown,))
    if faults:
        return Judged(verdict="fail", reasons=faults)
    if case.checks.end_states and attempt.end_state is None:
        return Judged(verdict="inconclusive", reasons=("nothing tells the state it ended in",))
    return Judged(verdict="pass")


def _in_doubt(case: Case, attempt: Attempt) -> str:
    """What a check asks for that was tried, with nobody knowing whether it worked; "" if nothing."""
    unknown = {
        effect_of_call(call.tool, call.arguments)
        for call in attempt.calls
        if call.worked is None and call.changes
    }
    asked = next((each for each in case.checks.required if each.effect in unknown), None)
    return f"nothing tells whether it worked: {_shown(asked.effect)}" if asked else ""


def _state(case: Case, attempt: Attempt) -> Iterator[str]:
    right = case.checks.end_states
    if right and attempt.end_state is not None and attempt.end_state not in right:
        yield "it ends in another state"


def _changes(case: Case, attempt: Attempt) -> Iterator[str]:
    checks = case.checks
    made = dict.fromkeys(
        effect_of_call(call.tool, call.arguments)
        for call in attempt.calls
        if call.worked and call.changes
    )
    for change in checks.required:
        if change.effect not in made:
            yield f"left out: {_shown(change.effect)}"
    allowed = {change.effect for change in (*checks.required, *checks.allowed)}
    forbidden = {change.effect for change in checks.forbidden}
    for effect in made:
        is_closed = effect.tool in checks.closed_tools and effect not in allowed
        if is_closed or effect in forbidden:
            yield f"forbidden: {_shown(effect)}"


def _words(case: Case, attempt: Attempt) -> Iterator[str]:
    checks = case.checks
    said = figures_in(attempt.words)
    if missing := sorted(checks.said - said):
        yield f"not said: {', '.join(missing)[:_SHOWN_CHARS]}"
    if wrong := sorted(checks.unsaid & said):
        yield f"said, and not so: {', '.join(wrong)[:_SHOWN_CHARS]}"
    if checks.answers and attempt.answer not in checks.answers:
        yield f"another answer: {attempt.answer[:_SHOWN_CHARS] or 'none'}"


def _course(case: Case, attempt: Attempt) -> Iterator[str]:
    checks = case.checks
    last = {call.tool: call.worked for call in attempt.calls}
    for tool in sorted(checks.must_work):
        if last.get(tool, True) is False:
            yield f"{tool} did not work in the end"
    if checks.most_repeats is not None:
        counted = Counter(effect_of_call(call.tool, call.arguments) for call in attempt.calls)
        for effect, count in counted.items():
            if count > checks.most_repeats:
                yield f"{count} times over: {_shown(effect)}"


def _shown(effect: Effect) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in effect.arguments)
    return f"{effect.tool}({given})"[:_SHOWN_CHARS]
