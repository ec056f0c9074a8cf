"""Judging a case by relations: its own run beside runs of related inputs, or of another system."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.cases import Attempt
from lignin.domain.codec import Json
from lignin.domain.judging import Judged
from lignin.domain.relations import Relation, judge_relation, judge_relations
from lignin.domain.traces import Trajectory
from lignin.evals.output import RUN, Output, read_output
from lignin.evals.watched import WatchedTools
from lignin.operations.context import Context
from lignin.ports.system import System, SystemRun
from lignin.traces.cases import attempt_of
from lignin.traces.importer import import_trace
from lignin.traces.runs import run_of

ONCE_MORE = 1_000_003
"""Added to a trial's seed where the very same is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """What relations came to: the verdict, or the run that kept them from being judged.

    Args:
        stopped: The case's own run, or that of a related input, which came to no end.
        told: The runs of the system itself, as it handed them in.
    """

    judged: Judged | None = None
    stopped: SystemRun | None = None
    told: tuple[Trajectory, ...] = ()


def account_of(context: Context, output: Output) -> Trajectory | None:
    """What a system says of its run; where it only said something, that."""
    record = output.run
    if not record:
        message = {"role": "assistant", "content": output.words}
        record = json.dumps({"lignin_run": 1, "messages": [message]}).encode()
    sessions = import_trace(context.load_importers(), "run.jsonl", record, form=RUN).sessions
    return sessions[0][0] if sessions and sessions[0][0].steps else None


def judge_related(
    context: Context,
    relations: Sequence[Relation],
    base: Trajectory,
    run: Callable[[Relation], SystemRun],
) -> Related:
    """Make the runs that relations ask for, and judge the case's own run beside them."""
    judged, told = [], [base]
    own = attempt_of(run_of(base))
    for relation in relations:
        made = run(relation)
        if made.ended != "done" and not relation.is_differential:
            return Related(stopped=made, told=tuple(told))
        other = account_of(context, read_output(made.said)) if made.ended == "done" else None
        if other is None:
            silent = "the other system" if relation.is_differential else "the related input"
            reason = f"{relation.name}: nothing came of {silent}"
            # What another system does not say tells nothing of this one.
            verdict: Judged = Judged(
                verdict="inconclusive" if relation.is_differential else "fail", reasons=(reason,)
            )
            judged.append(verdict)
            continue
        if not relation.is_differential:
            told.append(other)
        judged.append(judge_relation(relation, own, attempt_of(run_of(other))))
    return Related(judged=judge_relations(judged), told=tuple(told))


def runner(
    system: System, reference: System | None, task: Mapping[str, Json], number: int
) -> Callable[[Relation], SystemRun]:
    """Makes the run that a relation asks for, of a trial with a number."""

    def run(relation: Relation) -> SystemRun:
        if relation.is_differential:
            assert reference is not None  # a suite with such a case is not opened without one
            return reference.run(task, number, WatchedTools(None, {}))
        if relation.how == "repeated":
            return system.run(task, number + ONCE_MORE, WatchedTools(None, {}))
        return system.run({**task, "input": relation.input}, number, WatchedTools(None, {}))

    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Runs that were made elsewhere: of the system that is judged, and of the one that it is to agree with."""

    asked: Json
    runs: Sequence[Trajectory]
    reference: Sequence[Trajectory] = ()

    @property
    def own(self) -> list[Trajectory]:
        """Those of the case's own input."""
        return _of_input(self.runs, self.asked)

    def fellow(self, relation: Relation, number: int) -> Trajectory | None:
        """The run that the one with a number is judged beside: the first of an input beside the first of a
        related one, and so on."""
        if relation.how == "repeated":
            own = self.own
            return own[(number + 1) % len(own)] if len(own) > 1 else None
        if relation.is_differential:
            others = _of_input(self.reference, self.asked)
        else:
            others = _of_input(self.runs, relation.input)
        return others[number] if number < len(others) else None


def judge_told(relations: Sequence[Relation], told: Told) -> Iterator[tuple[Trajectory, Judged]]:
    """Judge each run of the case's own input beside those that its relations ask for; where one of these is
    not there, nothing tells."""
    for number, each in enumerate(told.own):
        came = attempt_of(run_of(each))
        judged = [_beside(relation, came, told.fellow(relation, number)) for relation in relations]
        yield each, judge_relations(judged)


def _beside(relation: Relation, own: Attempt, fellow: Trajectory | None) -> Judged:
    if fellow is None:
        return Judged(verdict="inconclusive", reasons=(f"{relation.name}: no such run is there",))
    return judge_relation(relation, own, attempt_of(run_of(fellow)))


def _of_input(runs: Sequence[Trajectory], asked: Json) -> list[Trajectory]:
    texts = _texts(asked)
    return [each for each in runs if _said(each)[: len(texts)] == texts]


def _said(run: Trajectory) -> list[str]:
    return [step.text.strip() for step in run.steps if step.role == "user" and step.text.strip()]


def _texts(asked: Json) -> list[str]:
    return [str(each).strip() for each in (asked if isinstance(asked, list) else [asked])]
