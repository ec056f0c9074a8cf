"""Jobs that run a workflow: one fixed body for all of them, which drives the version in its input.

The version is pinned when the job is opened: a run in flight ends on the version that it began with,
whatever is deployed meanwhile. No code of an artifact is ever imported here or known to an engine.
"""

from collections.abc import Callable, Mapping, Sequence

from lignin.artifacts.workflow.asks import told
from lignin.artifacts.workflow.contract import Ended
from lignin.artifacts.workflow.interpreter import Interpreter
from lignin.artifacts.workflow.keeping import load_missed, missed_change, taken_change
from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, GateFailedError, InvalidRequestError, UnavailableError
from lignin.domain.jobs import job_of_run
from lignin.operations.context import Context
from lignin.operations.flowwork import CLIENT, JobOutside, load_flow
from lignin.operations.jobkind import JobKind, Work, first_failed
from lignin.ports.engine import ONCE, PATIENT, Retry, Run, StepRecord

_MARKS = ("begun", "failed", "stopped", "moved")
_FIELDS = {"name": str, "digest": str, "arguments": dict, "tools": str, "head": str}


class WorkflowFailedError(GateFailedError):
    """A workflow ended by an error of its own; the fields say which, and what its handler answered."""

    code = "workflow_failed"


def parse_input(value: Json) -> Mapping[str, Json]:
    """Which version is run with what: {name, digest, arguments, tools, head}.

    Raises:
        InvalidRequestError: It names none.
    """
    takes = f"a workflow job takes {{{', '.join(_FIELDS)}}}"
    if not isinstance(value, dict):
        raise InvalidRequestError(f"{takes}, an object")
    if missing := [name for name in _FIELDS if name not in value]:
        raise InvalidRequestError(
            f"{takes}: {missing[0]!r} is missing",
            hint="`lignin artifact call NAME` opens one with all of them filled in",
        )
    if unknown := sorted(value.keys() - _FIELDS.keys()):
        raise InvalidRequestError(f"{takes}: {unknown[0]!r:.60} is none of them")
    for name, kind in _FIELDS.items():
        if not isinstance(value[name], kind):
            raise InvalidRequestError(f"a workflow job's {name} is no {kind.__name__}")
    return value


def _drive(work: Work) -> Json:
    given = parse_input(work.job.asked.input)
    flow, _, _, sandbox = load_flow(work.context, given["name"], given["digest"])
    outside = JobOutside(work, tools=given["tools"], head=given["head"])
    interpreter = Interpreter(sandbox, _CleanRun(work), outside, life=work.context.ids.new("try"))
    ended = interpreter.drive(flow, given["arguments"])
    flow = outside.load(ended.digest) if ended.digest != flow.digest else flow
    given_runs = [str(each["run"]) for each in interpreter.started["missed"]]

    def settle(context: Context) -> Json:
        use = {
            "name": flow.name,
            "client": CLIENT,
            "path": "job",
            "ok": ended.outcome == "success",
            "binding": given["tools"],
        }
        changes = [context.artifacts.used(context.scope, flow.digest, use)]
        if ended.error is not None:
            run, event = work.job.id, given["arguments"]  # one event, however often it is retried
            changes.append(
                missed_change(
                    context.scope, context.ids, flow, run=run, event=event, error=ended.error
                )
            )
        elif made_up := _made_up_by(context, flow.name, work.job.id, given_runs):
            changes.append(taken_change(context.scope, context.ids, flow, made_up))
        context.commit(*changes)
        return None

    work.step("settle", settle, PATIENT)
    return _told(flow.name, ended)


def _made_up_by(context: Context, name: str, job: str, given: Sequence[str]) -> list[str]:
    """The failed runs that a success makes up for: those that it was given, and its own earlier turns."""
    with context.view() as view:
        kept = [str(each["run"]) for each in load_missed(view, name)]
    return [run for run in kept if run in given or job_of_run(run)[0] == job]


def _told(name: str, ended: Ended) -> Json:
    """The output of a run that succeeded.

    Raises:
        DeniedError: The version was stopped.
        UnavailableError, WorkflowFailedError: It failed.
    """
    facts: dict[str, Json] = {"digest": ended.digest, "steps": ended.steps}
    if ended.error is None:
        return {**facts, "outcome": ended.outcome, "value": ended.value}
    said = f"{name}: {ended.error['code']}: {ended.error['message']}"
    if ended.outcome == "refused":
        raise DeniedError(said, hint="the version may take no further step", **facts)
    handled = "" if ended.handled is None else f"its handler answered {ended.handled!r:.300}"
    if ended.error["class"] in {"infrastructure", "timeout"}:
        raise UnavailableError(said, hint=handled, **facts)
    raise WorkflowFailedError(said, hint=handled, **facts)


class _CleanRun:
    """The run of a job, with what its steps give recorded without secrets."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._run: Run = work.run

    @property
    def id(self) -> str:
        return self._run.id

    @property
    def attempt(self) -> int:
        return self._run.attempt

    @property
    def step_key(self) -> str:
        return self._run.step_key

    def step(self, name: str, do: Callable[[], Json], retry: Retry = ONCE) -> Json:
        return self._run.step(name, lambda: self._work.without_secrets(do()), retry)

    def sleep(self, seconds: float) -> None:
        self._run.sleep(seconds)

    def wait(self, topic: str, timeout_s: float) -> Json | None:
        return self._run.wait(topic, timeout_s)

    def publish(self, key: str, value: Json) -> None:
        self._run.publish(key, value)

    def stopped(self) -> bool:
        return self._run.stopped()


def told_step(step: StepRecord) -> str:
    """What a recorded step is called: as the workflow calls it."""
    output = step.output
    if not isinstance(output, Mapping) or "ask" not in output:
        return step.name
    mark = next((word for word in _MARKS if word in output), "")
    return mark or told(output["ask"])


def retried_step(steps: Sequence[StepRecord]) -> int:
    """The step that a retry begins with: the one whose failure ended the code, with all its attempts.

    Where the code itself failed, or the version was stopped, it goes on there.
    """
    asked = [step for step in steps if isinstance(step.output, Mapping) and "ask" in step.output]
    ends = [at for at, step in enumerate(asked) if {"failed", "stopped"} & set(step.output)]
    if not ends:
        return first_failed(steps)
    at = ends[0]
    begin = asked[at].number
    last = asked[at - 1].output if at else {}
    if "error" not in last:
        return begin
    for step in reversed(asked[:at]):
        if step.output["ask"]["digest"] != last["ask"]["digest"]:
            break
        begin = step.number
    return begin


KIND = JobKind(
    name="workflow",
    summary="Run a version of a workflow, step by recorded step.",
    body=_drive,
    check=parse_input,
    told=told_step,
    retried=retried_step,
)
