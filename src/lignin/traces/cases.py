"""What failed runs of a task make a case of: its input, its checks, its recording. Pure.

The checks are learned from the runs of the same task that passed and are kept as few as tell the
failed runs from them: what all of those changed, then what only a failed one did, then what was said.
A run that failed alone is only held against what is wrong in any task. Nothing here is proven:
whoever has a draft must see it fail on the failed run and pass on the passing ones.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.cases import (
    Attempt,
    AttemptCall,
    Basis,
    Case,
    CaseCall,
    CaseTool,
    Change,
    Checks,
)
from lignin.domain.codec import Json
from lignin.domain.effects import Effect, figures_in
from lignin.domain.judging import judge_attempt
from lignin.domain.modes import Signature
from lignin.traces.effects import Made
from lignin.traces.modes.manner import REPEATS
from lignin.traces.runs import Run
from lignin.traces.talk import final_answer

LEAST_AGREEING = 2
"""At least so many runs must agree where nobody declared that one passed."""
MAX_INPUT_CHARS = 200_000
MAX_CALLS = 5000
MAX_RECORDING_CHARS = 8 * 2**20
MAX_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A judged run of a task. `is_declared`: its outcome is known, not inferred."""

    session: str
    run: Run
    verdict: str
    signature: Signature | None
    is_declared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A case before it is proven.

    Args:
        faulty: Failed runs that its checks tell; `untold` those that they do not: what they did and said
            is what runs that passed did and said, as far as a trace shows.
        references: Runs that its checks were learned from.
        shape: Tools of the changes that the references have in common, sorted.
    """

    case: Case
    basis: Basis
    faulty: tuple[Sample, ...]
    untold: tuple[Sample, ...] = ()
    references: tuple[Sample, ...] = ()
    shape: tuple[str, ...] = ()


def draft_cases(group: Sequence[Sample]) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """Return the cases that the failed runs of one task make, and why others make none.

    What is right in one world need not be right in another: runs of a task in different environments,
    or told in different formats where none is named, are never held against each other.

    Args:
        group: All runs of the task, in the order of their sessions.
    """
    worlds: dict[tuple[object, ...], list[Sample]] = {}
    for each in group:
        worlds.setdefault(_world(each), []).append(each)
    made = [_drafts(each) for each in worlds.values()]
    return (
        tuple(draft for drafts, _ in made for draft in drafts),
        tuple(reason for _, reasons in made for reason in reasons),
    )


def _world(sample: Sample) -> tuple[object, ...]:
    trajectory = sample.run.trajectory
    where = trajectory.environment
    return (where.name, where.seed, where.start_state) if where else (trajectory.format,)


def _drafts(group: Sequence[Sample]) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    faulty = [each for each in group if each.verdict == "failure" and each.signature]
    if not faulty:
        return (), ()
    basis, references = _references(group)
    if basis is None:
        drafts = [_alone(each) for each in faulty]
        others = any(each.verdict == "success" for each in group)
        lone = "too few agree on what is right" if others else "no run of the task passed"
        reasons = [f"{lone}, and what went wrong is not wrong in every task"] * drafts.count(None)
        return tuple(draft for draft in drafts if draft), tuple(reasons)
    checks, told = _checks(faulty, references)
    draft = Draft(
        case=_case(references[0].run, checks, [*references, *told]),
        basis=basis,
        faulty=tuple(told),
        untold=tuple(each for each in faulty if each not in told),
        references=tuple(references),
        shape=tuple(sorted(effect.tool for effect in _common(references))),
    )
    return (draft,), ()


def attempt_of(run: Run) -> Attempt:
    """Return what a recorded run did, as an attempt."""
    return Attempt(
        calls=tuple(
            AttemptCall(
                tool=made.call.name,
                arguments=made.call.arguments,
                worked=not made.failed,
                changes=made.kind != "read",
                text=made.call.observation,
            )
            for made in run.made
        ),
        words=_words(run),
        answer=final_answer(run.trajectory),
    )


def _references(group: Sequence[Sample]) -> tuple[Basis | None, list[Sample]]:
    """The runs that the checks are learned from: declared to have passed, else those that agree."""
    passing = [each for each in group if each.verdict == "success" and not each.run.is_empty]
    declared = [each for each in passing if each.is_declared]
    if declared:
        return "declared", declared
    if not passing:
        return None, []
    came_to = Counter(each.run.effects for each in passing)
    most = max(came_to, key=lambda effects: (came_to[effects], repr(sorted(effects, key=repr))))
    agreeing = [each for each in passing if each.run.effects == most]
    if len(agreeing) < LEAST_AGREEING or not most:
        return None, []
    return "consensus", agreeing


def _checks(faulty: Sequence[Sample], references: Sequence[Sample]) -> tuple[Checks, list[Sample]]:
    """The fewest checks that tell failed runs from those that passed, and the runs they tell."""
    checks = _of_changes(references)
    told = []
    for each in faulty:
        if _is_told(each, checks):
            told.append(each)
            continue
        for harder in (_forbidding, _saying, _not_saying):
            more = harder(checks, each, references)
            if more and _is_told(each, more):
                checks = more
                told.append(each)
                break
    return checks, told


def _of_changes(references: Sequence[Sample]) -> Checks:
    known = _changes(references)
    common = _common(references)
    answers = {final_answer(each.run.trajectory) for each in references}
    is_answer = not known and "" not in answers
    return Checks(
        required=tuple(change for effect, change in known.items() if effect in common),
        allowed=tuple(change for effect, change in known.items() if effect not in common),
        closed_tools=frozenset(effect.tool for effect in known),
        answers=frozenset(answers) if is_answer else frozenset(),
    )


def _is_told(sample: Sample, checks: Checks) -> bool:
    """True where a failed run differs from what the checks want."""
    attempt = attempt_of(sample.run)
    return judge_attempt(Case(input=(), checks=checks), attempt).verdict == "fail"


def _forbidding(checks: Checks, faulty: Sample, references: Sequence[Sample]) -> Checks:
    known = _changes(references)
    extra = [change for effect, change in _changes([faulty]).items() if effect not in known]
    return replace(checks, forbidden=(*checks.forbidden, *extra))


def _saying(checks: Checks, faulty: Sample, references: Sequence[Sample]) -> Checks:
    common = frozenset.intersection(*(figures_in(_words(each.run)) for each in references))
    return replace(checks, said=checks.said | (common - figures_in(_words(faulty.run))))


def _not_saying(checks: Checks, faulty: Sample, references: Sequence[Sample]) -> Checks | None:
    """What only the failed run said; in a dialogue that may be anything."""
    if faulty.run.is_dialogue or len(references) < LEAST_AGREEING:
        return None
    known = frozenset[str]().union(
        *(figures_in(_words(each.run)) for each in references),
        *(figures_in(step.text) for step in faulty.run.users),
    )
    return replace(checks, unsaid=checks.unsaid | (figures_in(_words(faulty.run)) - known))


def _alone(sample: Sample) -> Draft | None:
    """A case from a failed run that has none to compare with: what is wrong in any task."""
    signature, run = sample.signature, sample.run
    assert signature is not None
    if signature.difference == "repetition":
        checks = Checks(most_repeats=REPEATS - 1)
    elif signature.difference == "unrecovered_error" and signature.tool:
        checks = Checks(must_work=frozenset([signature.tool]))
    elif signature.difference == "premature_handover":
        checks = Checks(
            closed_tools=frozenset(made.call.name for made in run.made if made.kind == "hand over")
        )
    else:
        return None
    return Draft(
        case=_case(run, checks, [sample]),
        basis="alone",
        faulty=(sample,),
    )


def _case(run: Run, checks: Checks, samples: Sequence[Sample]) -> Case:
    """A recorded case; whoever can open the environment makes a live one of it."""
    return Case(
        input=_input(run),
        instructions=_instructions(run),
        tools=_tools([made for each in samples for made in each.run.made]),
        checks=checks,
        recording=_recording([each.run for each in samples[:MAX_LISTED]]),
        known_way=tuple(_changes(samples[:1]).values()) if checks.closed_tools else (),
    )


def _instructions(run: Run) -> str:
    told = [step.text for step in run.trajectory.steps if step.role == "system" and step.text]
    return "\n\n".join(told)[:MAX_INPUT_CHARS]


def _tools(calls: Sequence[Made]) -> dict[str, CaseTool]:
    """The tools that runs called, as far as their calls show them."""
    names: dict[str, dict[str, Json]] = {}
    changing: set[str] = set()
    for made in calls:
        names.setdefault(made.call.name, {}).update({key: {} for key in made.call.arguments})
        if made.kind != "read":
            changing.add(made.call.name)
    return {
        name: CaseTool(changes=name in changing, input={"type": "object", "properties": arguments})
        for name, arguments in names.items()
    }


def _input(run: Run) -> tuple[str, ...]:
    left = MAX_INPUT_CHARS
    told = []
    for step in run.users:
        told.append(step.text[:left])
        left -= len(told[-1])
        if left <= 0:
            break
    return tuple(told)


def _recording(runs: Sequence[Run]) -> tuple[CaseCall, ...]:
    """The answered calls of some runs; a state is what was changed so far, in this order."""
    states: dict[tuple[Effect, ...], int] = {(): 0}
    calls: dict[tuple[int, Effect, str], CaseCall] = {}
    left = MAX_RECORDING_CHARS
    for run in runs:
        done: tuple[Effect, ...] = ()
        for made in run.made:
            if made.call.observation is None:
                continue
            state = states[done]
            if made.kind != "read" and not made.failed:
                done = (*done, made.effect)
                states.setdefault(done, len(states))
            call = _recorded(made, state, states[done])
            # What a change answers is told once, but whether it works must not be in doubt.
            key = (state, made.effect, call.text if made.kind == "read" else str(made.failed))
            if key in calls:
                continue
            left -= len(call.text) + len(repr(call.arguments))
            if left < 0 or len(calls) >= MAX_CALLS:
                return tuple(calls.values())
            calls[key] = call
    return tuple(calls.values())


def _recorded(made: Made, state: int, next_state: int) -> CaseCall:
    return CaseCall(
        tool=made.call.name,
        arguments=dict(made.call.arguments),
        text=made.call.observation or "",
        failed=made.failed,
        state=state,
        next_state=next_state,
    )


def _changes(samples: Sequence[Sample]) -> Mapping[Effect, Change]:
    """The changes that some runs made by tools, each as it was first written."""
    found: dict[Effect, Change] = {}
    for each in samples:
        for made in each.run.made:
            if made.kind in ("write", "answer") and not made.failed:
                change = Change(tool=made.call.name, arguments=dict(made.call.arguments))
                found.setdefault(made.effect, change)
    return found


def _common(samples: Sequence[Sample]) -> frozenset[Effect]:
    return frozenset.intersection(*(frozenset(_changes([each])) for each in samples))


def _words(run: Run) -> str:
    steps = run.trajectory.steps
    return "\n".join(step.text for step in steps if step.role == "assistant" and step.text)
