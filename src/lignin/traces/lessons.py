"""Lesson candidates: what failed and what then worked, within a run and between runs of a task.

Pure. A candidate says what was seen and where, and nothing of whether it holds: equal ones are
counted together, under an id that is the hash of what they say. Nothing is served because of one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.ids import derive_id
from lignin.domain.modes import Difference, Signature
from lignin.traces.effects import Made
from lignin.traces.runs import Run
from lignin.traces.templates import template_of

LeadsTo = Literal["other arguments", "another call first", "calling again", "another tool"]
_NEAR = 4
"""Within so many calls another tool that works counts as what was done instead."""
_LEAST_SHARED = 0.5
LEAST_VOTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where a lesson was seen: a session, and the steps that failed and that worked.

    Between runs the steps are None and `other` is a session of the task that did it right.
    """

    session: str
    failed_step: int | None = None
    worked_step: int | None = None
    other: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson candidate.

    Args:
        where: Within a run, or between runs of a task.
        tool: What failed, or where the failed runs differ.
        error: Template of the error; "" between runs.
        what: What then worked, or how the failed runs differ from those that did it right.
        names: The arguments that were changed, or the tools that were called.
    """

    where: Literal["within", "between"]
    tool: str
    error: str
    what: LeadsTo | Difference
    names: tuple[str, ...]
    seen: tuple[Sighting, ...]

    @property
    def lesson(self) -> str:
        """Id: the hash of what it says."""
        said: list[Json] = [self.where, self.tool, self.error, self.what, list(self.names)]
        return derive_id("les", said)

    @property
    def text(self) -> str:
        """The candidate as a sentence."""
        names = ", ".join(self.names)
        if self.where == "between":
            return _BETWEEN[self.what].format(tool=self.tool, names=names)  # type: ignore[index]
        return f"{self.tool} failed ({self.error}); {_WITHIN[self.what].format(names=names)}"  # type: ignore[index]


_WITHIN: dict[LeadsTo, str] = {
    "other arguments": "it worked with another value of {names}",
    "another call first": "it worked unchanged after {names}",
    "calling again": "it worked when called again",
    "another tool": "{names} worked instead",
}
_BETWEEN: dict[Difference, str] = {
    "wrong_arguments": "runs that failed called {tool} with other values of {names} than those that agree",
    "missing_action": "runs that failed left out {tool}",
    "extra_action": "runs that failed also called {tool}",
    "wrong_tool": "runs that failed called {tool}, which those that agree did not",
    "no_action": "runs that failed changed nothing; those that agree called {tool}",
    "premature_handover": "runs that failed handed over; those that agree called {tool}",
}


def recovered(session: str, run: Run) -> Iterator[Lesson]:
    """Yield what failed in a run and what then worked."""
    for place, made in enumerate(run.made):
        if made.failed and not _fails_again(run.made, place):
            lesson = _then(session, made, run.made[place + 1 :])
            if lesson:
                yield lesson


def _fails_again(made: Sequence[Made], place: int) -> bool:
    """True where the same tool's next call fails too: what worked is told of the last failure."""
    tool = made[place].call.name
    return next((each.failed for each in made[place + 1 :] if each.call.name == tool), False)


def _then(session: str, failed: Made, later: Sequence[Made]) -> Lesson | None:
    tool = failed.call.name
    worked = next((n for n, each in enumerate(later) if each.call.name == tool), None)
    what: LeadsTo
    if worked is None:
        found = next((each for each in later[:_NEAR] if _stands_for(each, failed)), None)
        if found is None:
            return None
        what, step = "another tool", found.step
        names: tuple[str, ...] = (found.call.name,)
    else:
        changed = _changed(failed, later[worked])
        between = tuple(dict.fromkeys(each.call.name for each in later[:worked] if not each.failed))
        what, names = ("other arguments", changed) if changed else ("another call first", between)
        if not names:
            what = "calling again"
        step = later[worked].step
    return Lesson(
        where="within",
        tool=tool,
        error=template_of(failed.call.observation or ""),
        what=what,
        names=names,
        seen=(Sighting(session=session, failed_step=failed.step, worked_step=step),),
    )


def _stands_for(other: Made, failed: Made) -> bool:
    """True for a call of another tool that worked, for the same purpose, with much of the same."""
    if other.failed or other.kind != failed.kind or other.kind == "hand over":
        return False
    mine = {repr(value) for _, value in failed.effect.arguments}
    theirs = {repr(value) for _, value in other.effect.arguments}
    return bool(mine) and len(mine & theirs) >= _LEAST_SHARED * len(mine)


def _changed(failed: Made, worked: Made) -> tuple[str, ...]:
    before, after = dict(failed.effect.arguments), dict(worked.effect.arguments)
    names = before.keys() | after.keys()
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))


def contrasted(session: str, signature: Signature, right: Sequence[str]) -> Lesson | None:
    """Return how a failed run differs from those of its task that did it right.

    Args:
        signature: Of the failed run; it must stand on `LEAST_VOTES` other runs.
        right: Sessions of the task that are taken to have succeeded; at least one.
    """
    if signature.votes < LEAST_VOTES or not right or signature.difference not in _BETWEEN:
        return None
    return Lesson(
        where="between",
        tool=signature.tool,
        error="",
        what=signature.difference,
        names=signature.arguments,
        seen=(Sighting(session=session, other=min(right)),),
    )


def counted(lessons: Iterable[Lesson]) -> list[Lesson]:
    """Return each lesson once with all its sightings: those of the most sessions first."""
    found: dict[str, list[Lesson]] = {}
    for each in lessons:
        found.setdefault(each.lesson, []).append(each)
    merged = [
        replace(same[0], seen=tuple(sighting for each in same for sighting in each.seen))
        for same in found.values()
    ]
    return sorted(merged, key=lambda each: (-len({s.session for s in each.seen}), each.lesson))
