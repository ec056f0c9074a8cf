"""Drafts of what was mined from runs, without a model: the proposer `mined`.

A lesson becomes a text in a slot of its own, in several wordings; a relation that held in every passing run
becomes a rule; a verified routine becomes its skill. Mining does not know which of them helps: most do
not, and some are wrong beyond the runs that they come from. The gate says which.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.domain.artifacts import File
from lignin.domain.modes import Signature
from lignin.ports.proposer import Brief, Draft, Proposed
from lignin.traces.lessons import Lesson
from lignin.traces.modes.report import NAMES
from lignin.traces.runs import Run, values

NAME = "mined"
PREDICTED = 0.3
MOST_LESSONS = 4
MOST_RECOVERIES = 3
MOST_ROUTINES = 4
_LEAST_RUNS = 2
_LONGEST_NAME = 64
_MAX_VALUE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the passing runs took an argument from: a field of what another tool had answered.

    `runs` counts them; it was so in every one.
    """

    tool: str
    argument: str
    answered_by: str
    key: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was mined of the runs that a proposer may see.

    Args:
        signatures: Of the failed runs of the mode.
        lessons: How they differ from passing ones, those of most runs first.
        recoveries: What failed within any run, and what then worked.
        sources: Where passing runs take the arguments from that the failed ones got wrong.
        routines: The files of verified routines, by name.
    """

    signatures: Sequence[Signature] = ()
    lessons: Sequence[Lesson] = ()
    recoveries: Sequence[Lesson] = ()
    sources: Sequence[Source] = ()
    routines: Mapping[str, Mapping[str, File]] = field(default_factory=dict)


class Mined:
    """See `lignin.ports.proposer.Proposer`."""

    name = NAME

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Propose the next alternative that was not tried and is of no kind to be avoided."""
        tried = {each.hypothesis for each in brief.tried}
        left = [
            draft
            for draft in self._alternatives(brief)
            if draft.hypothesis not in tried and draft.kind not in brief.avoid
        ]
        place = max(0, number - len(tried))
        if place >= len(left):
            return Proposed(ended="nothing", why="nothing more was mined for this mode")
        return Proposed(ended="drafted", draft=left[place])

    def _alternatives(self, brief: Brief) -> Iterator[Draft]:
        found = self._evidence
        for lesson in found.lessons[:MOST_LESSONS]:
            yield from _of_lesson(lesson)
        for source in found.sources:
            yield _text("source", f"take-{source.tool}-{source.argument}", _source_rule(source))
        yield from _reminders(found.signatures)
        for lesson in found.recoveries[:MOST_RECOVERIES]:
            yield _text("recovery", f"after-{lesson.tool}-{lesson.what}", _recovery_rule(lesson))
        for name, files in list(found.routines.items())[:MOST_ROUTINES]:
            if not any(path.startswith(f"{name}/") for path in brief.files):
                yield Draft(
                    kind="routine",
                    hypothesis=f"the verified routine {name} does it the way of passing runs",
                    files={f"{name}/{path}": file for path, file in files.items()},
                    predicted=PREDICTED,
                )


_RULES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "wrong_arguments": (
        ("ban", "Do not call `{tool}`."),
        (
            "rule",
            "Before you call `{tool}`, check the value of {names} against what you were told.",
        ),
    ),
    "missing_action": (
        ("rule", "Make sure that `{tool}` was called before you end; never leave it out."),
    ),
    "extra_action": (
        ("ban", "Do not call `{tool}`."),
        (
            "rule",
            "Call `{tool}` once and no more than what was asked for; look whether it was done.",
        ),
    ),
    "wrong_tool": (
        ("ban", "Do not call `{tool}`."),
        ("rule", "Make each change with its own tool, rather than with `{tool}`."),
    ),
    "no_action": (
        ("rule", "Do not give up: go on until `{tool}` was called."),
        ("once", "Do not make the same call again and again; go on to `{tool}`."),
    ),
    "premature_handover": (
        ("rule", "Do not hand over to a person where `{tool}` can still be called."),
    ),
}
"""Wordings of a lesson, by how the failed runs differ; the lesson itself comes first."""
_REMINDERS: Mapping[str, str] = {
    "left_unsaid": "In your answer tell every figure that was asked for, and leave nothing out.",
    "said_otherwise": "In your answer tell each figure exactly as it was seen.",
    "other_unit": "Amounts are whole cents and never euros: pass them on as they are.",
    "of_another": "Change only the order that was asked for: compare its order number first.",
    "refused": "Read what an error says, correct the call, and try again.",
    "repeated": "Do not make the same call again and again.",
    "twice": "Look whether a change was made already: never make it twice.",
    "gave_up": "Do not give up: keep going until it is done, or say what is in the way.",
    "step_skipped": "Always do what has to come first before anything is changed.",
}
"""What is commonly said against a manner of failing, whatever the runs."""


def _of_lesson(lesson: Lesson) -> Iterator[Draft]:
    slot = "-".join([lesson.tool, *lesson.names][:3])
    text = lesson.text
    yield _text("lesson", f"lesson-{slot}", f"{text[:1].upper()}{text[1:]}.")
    for kind, rule in _RULES.get(lesson.what, ()):
        names = ", ".join(f"`{name}`" for name in lesson.names) or "its arguments"
        yield _text(kind, f"{kind}-{slot}", rule.format(tool=lesson.tool, names=names))


def _reminders(signatures: Sequence[Signature]) -> Iterator[Draft]:
    manners = dict.fromkeys(each.manner for each in signatures)
    for manner in manners:
        if manner in _REMINDERS:
            yield _text("reminder", f"remember-{manner}", _REMINDERS[manner])


def _source_rule(source: Source) -> str:
    return (
        f"Take `{source.argument}` of `{source.tool}` from `{source.key}` of what "
        f"`{source.answered_by}` answered: so it was in all {source.runs} runs that passed."
    )


def _recovery_rule(lesson: Lesson) -> str:
    return f"When {lesson.text}."


def _text(kind: str, slot: str, said: str) -> Draft:
    """A draft of one sentence as a skill of its own."""
    name = re.sub(r"[^a-z0-9]+", "-", slot.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    content = f'---\nname: {name}\ndescription: "Mined from runs; read before you act."\n---\n\n- {said}\n'
    return Draft(
        kind=kind,
        hypothesis=said,
        files={f"{name}/SKILL.md": File(content=content.encode())},
        predicted=PREDICTED,
    )


def words_of(signature: Signature) -> str:
    """What a failed run did wrong, in words."""
    told = NAMES[signature.difference]
    where = signature.tool
    if signature.arguments:
        where = f"{where} ({', '.join(signature.arguments)})"
    return f"{told}: {where}" if where else told


def find_sources(passing: Sequence[Run], signatures: Sequence[Signature]) -> list[Source]:
    """Return where every passing run took the arguments from that failed runs got wrong."""
    wanted = dict.fromkeys(
        (each.tool, name)
        for each in signatures
        if each.difference == "wrong_arguments"
        for name in each.arguments
    )
    found = []
    for tool, argument in wanted:
        seen = [places for run in passing for places in _places(run, tool, argument)]
        if len(seen) >= _LEAST_RUNS:
            common = set.intersection(*seen)
            found += [
                Source(tool=tool, argument=argument, answered_by=by, key=key, runs=len(seen))
                for by, key in sorted(common)
            ]
    return found


def _places(run: Run, tool: str, argument: str) -> Iterator[set[tuple[str, str]]]:
    """For each call of a tool the fields, of what was answered before, that held its argument."""
    answered: list[tuple[str, str, str]] = []
    for made in run.made:
        if made.call.name == tool and argument in made.call.arguments and not made.failed:
            value = "".join(values(made.call.arguments[argument]))
            if 0 < len(value) <= _MAX_VALUE:
                yield {(by, key) for by, key, held in answered if held == value}
        answered += _fields(made.call.name, made.call.observation or "")


def _fields(tool: str, observation: str) -> Iterator[tuple[str, str, str]]:
    try:
        pending = [("", json.loads(observation))]
    except (ValueError, RecursionError):
        return
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            pending += [(str(name), each) for name, each in value.items()]
        elif isinstance(value, list):
            pending += [(key, each) for each in value]
        elif key and value is not None:
            yield tool, key, str(value).strip().lower()
