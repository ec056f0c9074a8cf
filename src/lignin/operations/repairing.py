"""Runs of a durable skill made again with other thresholds, and what that says of them.

A run is made again in a rehearsal, where nothing is real: what it was given, its signals, state and the
answers of agents and tools are those that were recorded. One that asks for what is not on record says nothing.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.artifacts.plan import plan_run, split_entry
from lignin.artifacts.source.thresholds import read_thresholds, with_thresholds
from lignin.artifacts.workflow.rehearsal import RehearsalSandbox
from lignin.domain.artifacts import File
from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import NotFoundError
from lignin.domain.examples import Example
from lignin.domain.jobs import Job
from lignin.jobs.service import load_job
from lignin.loops.laws.thresholds import Span, Values
from lignin.operations.context import Context
from lignin.operations.flowwork import load_flow
from lignin.operations.reviewing import Skill, alert_form, is_alert
from lignin.ports.engine import StepRecord
from lignin.ports.sandbox import Observed

MOST_RUNS = 200
"""The newest judged runs, each made again for every value that is tried."""
MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A judged run as it was recorded.

    Args:
        should: What it should have done, `alert` or `quiet`.
        value: What it answered.
        given: What it found: time, seed, signals, state, agents' answers.
        tools: What tools answered, in order, by tool and arguments.
    """

    job: str
    should: str
    arguments: Mapping[str, Json]
    value: Json
    given: Mapping[str, Json]
    tools: Mapping[bytes, Sequence[Mapping[str, Json]]]


class Bench:
    """Makes judged runs of a version again with other thresholds.

    Raises:
        DeniedError, NotFoundError, UnavailableError: The version cannot be run.
        InvalidRequestError: A threshold is no number of its file any more.
    """

    def __init__(self, context: Context, skill: Skill) -> None:
        self.flow, _, _, sandbox = load_flow(context, skill.name, skill.version)
        self._sandbox = RehearsalSandbox(sandbox)
        self.file, _ = split_entry(self.flow.manifest)
        self._text = self.flow.files[self.file].content.decode()
        self._form = alert_form(self.flow.manifest)
        self._seen: dict[tuple[bytes, str], Observed | None] = {}
        terms = self.flow.terms.thresholds
        self.now = read_thresholds(self._text, terms)
        self.spans = {
            name: Span(low=span.low, high=span.high, now=self.now[name])
            for name, span in terms.items()
        }

    def moved(self, values: Values) -> File:
        """The entry's file with other thresholds."""
        before = self.flow.files[self.file]
        return File(content=with_thresholds(self._text, values).encode(), mode=before.mode)

    def is_faithful(self, run: Recorded) -> bool:
        """Whether a run, made again as it was, answers as it did."""
        seen = self._again(run, self.now)
        return seen is not None and seen.returned and seen.result == run.value

    def is_right(self, run: Recorded, values: Values) -> bool:
        """Whether a run does with these thresholds what it should have done."""
        seen = self._again(run, values)
        if seen is None or not seen.returned:
            return False
        return is_alert(self._form, seen.result) is (run.should == "alert")

    def examples(self, runs: Sequence[Recorded], values: Values) -> Iterator[Mapping[str, Json]]:
        """Judged runs that came out right and answer the same with these thresholds, as examples."""
        for run in runs:
            seen = self._again(run, values)
            if self.is_right(run, values) and seen is not None and seen.result == run.value:
                use = Example(arguments=run.arguments, given=run.given, result=run.value)
                yield use.to_json()

    def _again(self, run: Recorded, values: Values) -> Observed | None:
        """What a run comes to; None where it asked for what is not on record."""
        key = canonical_bytes(dict(values)), run.job
        if key not in self._seen:
            files = {**self.flow.files, self.file: self.moved(values)}
            use = Example(arguments=run.arguments, given=run.given)
            answers = _Answers(run.tools)
            seen = self._sandbox.run(plan_run(self.flow.manifest, files, use), answers)
            self._seen[key] = None if answers.missed or seen.misses else seen
        return self._seen[key]


@dataclass(slots=True)
class _Answers:
    """A broker that knows what was answered, once for each time that it was."""

    recorded: Mapping[bytes, Sequence[Mapping[str, Json]]]
    missed: bool = False
    _left: dict[bytes, deque[Mapping[str, Json]]] = field(default_factory=dict)

    def __call__(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        key = canonical_bytes([request.get("tool"), request.get("arguments")])
        left = self._left.setdefault(key, deque(self.recorded.get(key, ())))
        if left:
            return left.popleft()
        self.missed = True
        return {"error": "not_recorded", "message": "the run made no such call then"}


def judged_runs(context: Context, skill: Skill) -> tuple[list[Recorded], int]:
    """The judged runs of a version that can be made again, the newest last, and how many cannot."""
    judged = [
        run
        for run in skill.runs
        if run.version == skill.version and not run.failure and run.truth is not None
    ][-MOST_RUNS:]
    found = list[Recorded]()
    for run in judged:
        with context.view() as view:
            job = load_job(view, run.job)
            answer = parse_json(view.blob(job.output)) if job.output else None
        recorded = _recorded(context, job, str(run.truth), answer)
        if recorded is not None:
            found.append(recorded)
    return found, len(judged) - len(found)


def _recorded(context: Context, job: Job, should: str, answer: Json) -> Recorded | None:
    try:
        steps = context.open_engine().steps(job.run)
    except NotFoundError:  # forgotten
        return None
    made = [step.output for step in steps if _is_ask(step)]
    if answer is None or not made or "value" not in made[0]:
        return None
    tools = defaultdict[bytes, list[Mapping[str, Json]]](list)
    state: dict[str, Json] = {}
    agents = list[Json]()
    for record in made[1:]:
        ask = record["ask"]
        if ask["op"] == "tool":
            if "given" not in ask:
                return None  # too long to be kept
            tools[canonical_bytes([ask["target"], ask["given"]])].append(_said(record))
        elif ask["op"] == "get" and "value" in record:
            state.setdefault(ask["target"], record["value"]["value"])
        elif ask["op"] == "agent" and "value" in record:
            agents.append(record["value"])
    began = made[0]
    given = {
        "now": began["at"],
        "seed": began["value"]["seed"],
        "missed": began["value"]["missed"],
        "signals": _signals(steps),
        "state": state,
        "agents": agents,
    }
    return Recorded(
        job=job.id,
        should=should,
        arguments=job.asked.input["arguments"],
        value=answer["value"],
        given={name: value for name, value in given.items() if value not in ([], {})},
        tools=tools,
    )


def _is_ask(step: StepRecord) -> bool:
    return (
        step.kind == "step"
        and isinstance(step.output, Mapping)
        and "ask" in step.output
        and "begun" not in step.output
    )


def _said(record: Mapping[str, Json]) -> Mapping[str, Json]:
    """A recorded answer of a tool, as a broker says it."""
    if "error" in record:
        return {"error": record["error"]["code"], "message": record["error"]["message"]}
    return {"result": record.get("value")}


def _signals(steps: Sequence[StepRecord]) -> dict[str, Json]:
    found = defaultdict[str, list[Json]](list)
    for step in steps:
        if step.kind == "wait" and step.output is not None:
            found[step.name].append(step.output)
    return dict(found)
