"""Runs as the detectors see them, and which runs are of the same task.

Runs with the same task id are siblings only where they also tell of the same things, for two files
may number different tasks alike. Pure.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.effects import Effect
from lignin.domain.traces import Step, Trajectory
from lignin.traces.effects import Made, calls_of
from lignin.traces.talk import final_answer, numbers_told

SAME_TASK = 0.22
"""Least share of words and values that two runs of one task have in common."""
_WORD = re.compile(r"[a-z0-9_#@.-]*\d[a-z0-9_#@.-]*|[^\W\d_]{4,}")
_LASTING = ("write", "answer")
_OPENING_CHARS = 80
_MAX_TEXT_CHARS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trajectory with what its calls came to.

    `effects` are the changes that worked and an answer given by a tool; where a run was asked once and
    changed nothing, its final answer. `words` are what the user said and the arguments named; `told` the numbers that the agent told, `answered` those that answered a
    question. `origin` is what runs of one kind share: their model and harness, as far as is known.
    """

    trajectory: Trajectory
    origin: str
    made: tuple[Made, ...]
    effects: frozenset[Effect]
    words: frozenset[str]
    told: frozenset[str]
    answered: frozenset[str]

    @property
    def users(self) -> tuple[Step, ...]:
        """What the user said, in order."""
        return tuple(step for step in self.trajectory.steps if step.role == "user" and step.text)

    @property
    def is_dialogue(self) -> bool:
        """True where a user answers, so that his words tell how it goes."""
        return len(self.users) > 1

    @property
    def writes(self) -> tuple[Made, ...]:
        """Calls meant to change something, those that failed too."""
        return tuple(made for made in self.made if made.kind == "write")

    @property
    def is_empty(self) -> bool:
        """True where the agent neither said nor did anything."""
        return not self.made and not any(
            step.role == "assistant" and step.text for step in self.trajectory.steps
        )


def runs_of(trajectories: Sequence[Trajectory]) -> tuple[Run, ...]:
    """Return trajectories with what their calls came to.

    Runs of one file are of one origin; where each run has a file of its own, those of one format,
    agent and model are.
    """
    files = Counter(file_of(trajectory) for trajectory in trajectories)
    return tuple(
        run_of(t, file_of(t) if files[file_of(t)] > 1 else f"{t.format}/{t.agent}/{t.model}")
        for t in trajectories
    )


def file_of(trajectory: Trajectory) -> str:
    """Return the file that a run came from: files of one name in two folders are two."""
    return trajectory.path or trajectory.source


def run_of(trajectory: Trajectory, origin: str = "") -> Run:
    """Return a trajectory with what its calls came to; its origin by default is its file."""
    made = tuple(calls_of(trajectory))
    said = " ".join(step.text for step in trajectory.steps if step.role == "user")
    words = set(_WORD.findall(said[:_MAX_TEXT_CHARS].lower()))
    for each in made:
        words.update(value for value in values(each.call.arguments) if 4 <= len(value) < 60)
    told, answered = numbers_told(trajectory)
    return Run(
        trajectory=trajectory,
        origin=origin or file_of(trajectory),
        made=made,
        effects=_effects(trajectory, made),
        words=frozenset(words),
        told=told,
        answered=answered,
    )


def _effects(trajectory: Trajectory, made: Sequence[Made]) -> frozenset[Effect]:
    lasting = frozenset(m.effect for m in made if m.kind in _LASTING and not m.failed)
    asked_once = sum(step.role == "user" and bool(step.text) for step in trajectory.steps) < 2
    answer = final_answer(trajectory) if asked_once and not lasting else ""
    return frozenset([Effect("answer", (("text", answer),))]) if answer else lasting


def values(value: Json) -> Iterator[str]:
    """Yield the leaves of a JSON value as lower-case text."""
    if isinstance(value, dict):
        for each in value.values():
            yield from values(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from values(each)
    elif value is not None:
        yield str(value).strip().lower()


def group_runs(runs: Sequence[Run]) -> tuple[tuple[int, ...], ...]:
    """Return the runs' places, those of one task together; a run without a task stands alone.

    Formats differ in whether an id is a number or text. Where the origin names no task, runs that begin with the same long request are of one task.
    """
    named: dict[object, list[int]] = defaultdict(list)
    for place, run in enumerate(runs):
        named[_name(run, place)].append(place)
    groups = [group for places in named.values() for group in _linked(runs, places)]
    return tuple(sorted(groups))


def _name(run: Run, place: int) -> object:
    task = run.trajectory.task_id
    if task is not None:
        return ("task", str(task))
    opening = _opening(run)
    return ("opening", opening) if opening else ("alone", place)


def _opening(run: Run) -> str:
    text = " ".join(run.users[0].text.lower().split()) if run.users else ""
    return text if len(text) >= _OPENING_CHARS else ""


def _linked(runs: Sequence[Run], places: Sequence[int]) -> list[tuple[int, ...]]:
    """Split the runs of one task id where they do not hang together."""
    groups: list[list[int]] = []
    for place in places:
        mine = [
            group
            for group in groups
            if any(_alike(runs[place], runs[other]) for other in group[:_COMPARED])
        ]
        groups = [group for group in groups if group not in mine]
        groups.append(sorted([place, *(each for group in mine for each in group)]))
    return [tuple(group) for group in groups]


_COMPARED = 20


def _alike(one: Run, other: Run) -> bool:
    if _opening(one) and _opening(one) == _opening(other):
        return True
    shared, union = len(one.words & other.words), len(one.words | other.words)
    return bool(union) and shared / union >= SAME_TASK
