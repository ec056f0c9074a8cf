"""The step that first made a run unrecoverable.

A run that changed something wrong went wrong where that change was decided: at the call, if the agent
made it on its own; at the user's request, if the user asked for it and agreed. Pure.
"""

import re

from lignin.domain.effects import Effect
from lignin.traces.consensus import Belief
from lignin.traces.effects import Made, unrepaired
from lignin.traces.runs import Run, values
from lignin.traces.talk import CONSENT, REFUSAL

_CONSENT_WORDS = 20
_DIGITS = re.compile(r"\d{3,}")


def first_divergence(run: Run, expected: frozenset[Effect]) -> tuple[int | None, str | None]:
    """Return the step and call of the first change that is not among those expected."""
    for made in run.writes:
        if not made.failed and made.effect not in expected:
            return made.step, made.call.call_id
    return None, None


def locate(run: Run, belief: Belief) -> int | None:
    """Return the step that first made a run unrecoverable; None for a run without steps.

    The earliest of: a change that the most probable runs did not make, a change that failed and was
    never done, the work handed over. Without any of them the first change, where there are no others
    to compare with; the first refusal; or the end.
    """
    if not run.trajectory.steps:
        return None
    expected = belief.expected
    candidates = [_of_failed(run, made) for made in _lost(run, expected)]
    done = [made for made in run.writes if not made.failed]
    if expected is not None:
        wrong = [made for made in done if made.effect not in expected]
        candidates += [_of_change(run, made, expected) for made in wrong[:1]]
    candidates += [made.step for made in run.made if made.kind == "hand over"][:1]
    if candidates:
        return min(candidates)
    if done and expected is None:
        return _of_change(run, done[0], None)
    return _of_nothing(run)


def _lost(run: Run, expected: frozenset[Effect] | None) -> list[Made]:
    """Failed changes after which the same tool never worked; where some of them were to be done,
    those only: the others were attempts that something else made up for."""
    lost = unrepaired(run.made)
    missing = {effect.tool for effect in (expected or frozenset()) - run.effects}
    return [made for made in lost if made.call.name in missing] or list(lost)


def _of_failed(run: Run, made: Made) -> int:
    """Where a change that failed for good went wrong: at an own change before it that stood in the
    way, if both had been asked for by then; where the agent first offered what could not be done;
    else where it was tried."""
    things = _things(made)
    for earlier in run.writes:
        if earlier.step >= made.step or earlier.failed or not things & _things(earlier):
            continue
        own_words = _words(made.call.name) - _words(earlier.call.name)
        asked = " ".join(step.text.lower() for step in run.users if step.index < earlier.step)
        if own_words and any(word in asked for word in own_words):
            return earlier.step
    verb = next(iter(re.findall(r"[a-z]+", made.call.name.lower())), "")
    for step in run.trajectory.steps:
        text = step.text.lower()
        offered = step.role == "assistant" and verb in text and not REFUSAL.search(text)
        if offered and step.index < made.step and any(thing in text for thing in things):
            return step.index
    return made.step


def _of_change(run: Run, made: Made, expected: frozenset[Effect] | None) -> int:
    """Where a wrong change was decided: at the call, where nobody else made such a change or the
    agent looked further before it; at the user's word, where it was done at once; at the request,
    where he then agreed to it."""
    before = [step for step in run.users if step.index < made.step]
    others = (expected or frozenset()) - run.effects
    replaced = expected is None or any(effect.tool == made.call.name for effect in others)
    if not replaced or len(before) < 2:
        return made.step
    word = before[-1]
    if _is_consent(word.text):
        requests = [step for step in before[1:] if not _is_consent(step.text)]
        named = [s for s in before[1:] if any(thing in s.text.lower() for thing in _things(made))]
        return (named or requests or [word])[-1].index
    since = [each for each in run.made if word.index < each.step < made.step]
    return made.step if any(each.kind == "read" for each in since) else word.index


def _of_nothing(run: Run) -> int:
    """Where a run without a wrong step went wrong: where it refused, else where it ended."""
    steps = run.trajectory.steps
    said = [step for step in steps if step.role == "assistant"]
    if run.effects or not said:
        return said[-1].index if said else steps[-1].index
    return next((step.index for step in said if REFUSAL.search(step.text)), steps[-1].index)


def _is_consent(text: str) -> bool:
    return bool(CONSENT.search(text)) and len(text.split()) <= _CONSENT_WORDS


def _things(made: Made) -> frozenset[str]:
    """Ids that a call names."""
    return frozenset(v for v in values(dict(made.call.arguments)) if _DIGITS.search(v))


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"[a-z]+", name.lower()) if len(word) > 3)
