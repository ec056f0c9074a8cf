"""Trying a system on cases: the suite, and one try with its score.

Whatever the system says of itself, a case that has checks is judged by them: by the calls that were seen,
or by its own account of them made again where the case happens.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from lignin.domain.cases import Attempt, AttemptCall, Case, parse_case
from lignin.domain.codec import Digest, Json, digest_json, parse_json
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.domain.judging import Judged, judge_attempt
from lignin.domain.relations import Relation, grader_of, parse_relations
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.domain.trials import Scored, TrialKey, TrialKind
from lignin.evals.footprint import effects_of, slots_of, tools_of
from lignin.evals.output import Output, read_output
from lignin.evals.releases import sealed_cases
from lignin.evals.replay import (
    Answering,
    faithfulness,
    recording_of,
    replay_live,
    replay_recorded,
)
from lignin.evals.seen import seen_run
from lignin.evals.trials import CHECKS, TOLD
from lignin.evals.watched import WatchedTools
from lignin.operations.casework import LEAST_FAITHFUL
from lignin.operations.context import Context
from lignin.operations.environments import open_environment
from lignin.operations.relating import account_of, judge_related, runner
from lignin.operations.rubricwork import ByRubric
from lignin.ports.environment import Environment
from lignin.ports.ledger import View, every_row, require_known
from lignin.ports.system import System, SystemRun
from lignin.ports.tools import ToolSpec, served_name
from lignin.traces.cases import attempt_of
from lignin.traces.runs import run_of

TASK_FORMAT = "lignin.task/1"
TRIES = 3
"""So often a trial is tried whose surroundings do not hold, before it is missing."""
_FORBIDDEN = "forbidden: "


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteCase:
    """A case as it is tried; `content` is None where it has no checks.

    `kind` is "told" then: the system tells the score, or where there is a `scorer` a judge does, or the
    `relations` between its runs do, one of which may be to those of a `reference`. Only a recorded one may
    never accept a change.
    """

    name: str
    digest: Digest
    task: Mapping[str, Json]
    kind: Literal["live", "recorded", "told"]
    content: Case | None = None
    mode: str = ""
    split: str = "shown"
    scorer: ByRubric | None = None
    relations: tuple[Relation, ...] = ()
    reference: System | None = None

    @property
    def grader(self) -> str:
        if self.scorer is not None:
            return self.scorer.grader
        if self.relations:
            return grader_of(self.relations, self.reference.digest if self.reference else "")
        return CHECKS if self.content is not None else TOLD

    @property
    def named_content(self) -> str:
        """What tells it from others in a decision's id: its content, and who judges it."""
        is_own = self.scorer is None and self.reference is None
        return self.digest if is_own else f"{self.digest} {self.grader}"

    def key(self, system: Digest, number: int) -> TrialKey:
        """The key of a system's trial of it."""
        return TrialKey(system=system, case=self.digest, grader=self.grader, number=number)


def stored_suite(view: View, named: Sequence[str] = ()) -> list[SuiteCase]:
    """The accepted cases, or those that are named; none that is sealed.

    Raises:
        InvalidRequestError: A named one was withdrawn, or is sealed.
        NotFoundError: A named one is not there.
    """
    sealed = sealed_cases(view)
    if not named:
        rows = [row for row in every_row(view, "case", state="accepted") if row.key not in sealed]
        return [_stored(view, row) for row in rows]
    require_open(sealed, named)
    rows = [require_known(view, f"case/{name}") for name in dict.fromkeys(named)]
    if gone := [row.key for row in rows if row.state == "withdrawn"]:
        raise InvalidRequestError(f"withdrawn: {', '.join(gone)}", hint="`lignin trace cases`")
    return [_stored(view, row) for row in rows]


def require_open(sealed: Collection[str], named: Sequence[str]) -> None:
    """Raise where a case is for releases alone.

    Raises:
        InvalidRequestError: It is sealed.
    """
    if shut := [name for name in named if name in sealed]:
        raise InvalidRequestError(
            f"sealed: {', '.join(shut[:10])}", hint="only `lignin release cut` opens sealed cases"
        )


def _stored(view: View, row: Row) -> SuiteCase:
    faulty = row.body["faulty"]
    mode = str(faulty[0]["fine"]) if faulty else ""
    return suite_case(view, row.key, row.body["digest"], mode, row.body["split"])


def suite_case(
    view: View, name: str, digest: Digest, mode: str = "", split: str = "shown"
) -> SuiteCase:
    """A case by the digest of its content, whatever became of it since."""
    content = parse_case(parse_json(view.blob(digest)))
    where = content.environment
    task: dict[str, Json] = {
        "format": TASK_FORMAT,
        "instructions": content.instructions,
        "input": list(content.input),
        "tools": {
            tool: {"changes": each.changes, "input": dict(each.input)}
            for tool, each in sorted(content.tools.items())
        },
        "environment": where
        and {"name": where.name, "seed": where.seed, "start_state": where.start_state},
    }
    return SuiteCase(
        name=name,
        digest=digest,
        task=task,
        kind=content.kind,
        content=content,
        mode=mode,
        split=split,
    )


def told_case(row: Mapping[str, Json]) -> SuiteCase:
    """A case of the user's own benchmark: all that its row says is the task.

    Raises:
        InvalidRequestError: It has no name, or declares a relation that is none.
    """
    name = row.get("case")
    if not isinstance(name, str) or not name:
        raise InvalidRequestError("a case without a name", hint="rows of {case, input, mode?}")
    task = {"format": TASK_FORMAT, **row}
    digest = digest_json(task)
    relations: tuple[Relation, ...] = ()
    if "relations" in row:
        # Who knows what else will be asked can answer alike without being right.
        relations = parse_relations(task.pop("relations"), name)
        if not row.get("input"):
            raise InvalidRequestError(
                f"{name} has relations and no input", hint="rows of {case, input, relations}"
            )
    return SuiteCase(
        name=name,
        digest=digest,
        task=task,
        kind="told",
        mode=str(row.get("mode") or ""),
        relations=relations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTry:
    """A try: its run and score, its calls as far as they were seen, what a judge was shown of it."""

    run: SystemRun
    scored: Scored
    seen: bytes
    shown: Mapping[str, Json]


def try_once(context: Context, system: System, case: SuiteCase, number: int) -> OneTry:
    """Try a case with a number once, and again where its surroundings did not hold."""
    for _ in range(TRIES):
        run, scored, seen = _once(context, system, case, number)
        if scored.kind != "infrastructure":
            break
    output = read_output(run.said)
    scored = _with_said_usage(scored, output)
    shown: Mapping[str, Json] = {}
    if case.scorer is not None and run.ended == "done":
        judged, shown = case.scorer.score(case.task, output)
        scored = replace(
            scored,
            kind=judged.kind,
            score=judged.score,
            reasons=judged.reasons,
            judge_microusd=judged.judge_microusd,
        )
    return OneTry(run=run, scored=scored, seen=seen, shown=shown)


def _once(
    context: Context, system: System, case: SuiteCase, number: int
) -> tuple[SystemRun, Scored, bytes]:
    if case.content is None:
        run = system.run(case.task, number, WatchedTools(None, {}))
        output = read_output(run.said)
        if case.relations and run.ended == "done":
            return _related(context, system, case, number, run)
        scored = _with_told_usage(context, _ended(run) or _told(output), output)
        return run, _beside(scored, run, ()), b""
    with _surroundings(context, case.content) as found:
        if isinstance(found, str):
            run = SystemRun(ended="infrastructure", why=found, cause="outside")
            return run, _scored("infrastructure", found), b""
        watched = WatchedTools(found.answering, found.tools)
        run = system.run(case.task, number, watched)
        calls: Sequence[AttemptCall] = watched.calls
        output = read_output(run.said)
        stopped = _ended(run)
        if stopped is None:
            scored, calls = _judged(context, case.content, output, watched, found)
        else:
            scored = _with_told_usage(context, stopped, output)
        scored = replace(scored, tools=tools_of(calls, case.content.tools))
    seen = seen_run(case.task, watched.calls, output.words)
    return run, _beside(scored, run, calls), seen


def _related(
    context: Context, system: System, case: SuiteCase, number: int, run: SystemRun
) -> tuple[SystemRun, Scored, bytes]:
    """The score of a case's own run beside those that its relations ask for; what it took, with these."""
    output = read_output(run.said)
    base = None if output.fault or output.is_empty else account_of(context, output)
    if base is None:
        return run, _beside(_scored(output.fault or "no_outcome"), run, ()), b""
    again = runner(system, case.reference, case.task, number)
    found = judge_related(context, case.relations, base, again)
    if found.stopped is not None:
        run, scored = found.stopped, _ended(found.stopped) or _scored("no_outcome")
    else:
        assert found.judged is not None
        scored = _of_verdict(found.judged)
    return run, _beside(_with_usage(scored, *found.told), run, ()), b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What answers the calls of a run, and those of its account of them made again."""

    answering: Answering
    tools: Mapping[str, ToolSpec]
    environment: Environment | None = None


@contextmanager
def _surroundings(context: Context, case: Case) -> Iterator[_Surroundings | str]:
    if case.environment is None:
        yield _recorded(context, case)
        return
    try:
        with open_environment(context, case.environment) as opened:
            if isinstance(opened, str):
                yield opened
            else:
                yield _Surroundings(answering=opened, tools=opened.tools, environment=opened)
    except UnavailableError as error:
        yield error.message


def _recorded(context: Context, case: Case) -> _Surroundings:
    recording, tools = recording_of(case)
    bound = context.open_exits().recorded(recording, tools, {}).begin()
    return _Surroundings(answering=bound, tools=tools)


def _ended(run: SystemRun) -> Scored | None:
    """The score of a run that came to nothing; None of one that can be judged."""
    if run.ended == "infrastructure":
        return _scored("infrastructure", run.why)
    return _scored("crashed", run.why) if run.ended == "crashed" else None


def _told(output: Output) -> Scored:
    if output.fault is not None:
        return _scored(output.fault)
    if output.score is None:
        return _scored("no_outcome")
    return Scored(kind="scored", score=output.score)


def _judged(
    context: Context, case: Case, output: Output, watched: WatchedTools, found: _Surroundings
) -> tuple[Scored, Sequence[AttemptCall]]:
    """The score of a run, and the calls that it made."""
    if output.fault is not None:
        return _scored(output.fault), watched.calls
    if not watched.calls and not output.run and not output.words:
        return _scored("no_outcome" if output.score is None else "forged_score"), ()
    trajectory = account_of(context, output)
    if trajectory is None:
        return _scored("no_outcome", "its run cannot be read"), watched.calls
    told = attempt_of(run_of(trajectory))
    attempt = _seen(told, watched, found) if watched.calls else _again(context, case, told, found)
    if attempt is None:
        return _scored("untrue_run"), told.calls
    scored = replace(_of_verdict(judge_attempt(case, attempt)), effects=effects_of(attempt))
    return _with_usage(scored, trajectory), (*told.calls, *attempt.calls)


def _seen(told: Attempt, watched: WatchedTools, found: _Surroundings) -> Attempt:
    end = found.environment.state_digest() if found.environment else None
    ratio = None if found.environment else watched.hit_ratio
    return replace(told, calls=tuple(watched.calls), end_state=end, hit_ratio=ratio)


def _again(context: Context, case: Case, told: Attempt, found: _Surroundings) -> Attempt | None:
    """Its account made again; None where that comes to something else."""
    if found.environment is None:
        told = replace(told, calls=tuple(_with_effect(call, found.tools) for call in told.calls))
        return replay_recorded(_recorded(context, case).answering, told)
    again = replay_live(found.environment, told)
    return again if faithfulness(told, again) >= LEAST_FAITHFUL else None


def _with_effect(call: AttemptCall, tools: Mapping[str, ToolSpec]) -> AttemptCall:
    """Whether a call changes something is for the case to say, not for who made it."""
    spec = tools.get(served_name(tools, call.tool))
    return replace(call, changes=spec is None or spec.effect == "write")


def _of_verdict(judged: Judged) -> Scored:
    kinds: Mapping[str, TrialKind] = {"pass": "passed", "fail": "failed"}
    if judged.verdict == "inconclusive":
        return _scored("inconclusive", *judged.reasons)
    return Scored(
        kind=kinds[judged.verdict],
        score=1.0 if judged.verdict == "pass" else 0.0,
        reasons=judged.reasons,
        forbidden=any(each.startswith(_FORBIDDEN) for each in judged.reasons),
    )


def _scored(kind: TrialKind, *reasons: str) -> Scored:
    score = None if kind in ("infrastructure", "inconclusive") else 0.0
    return Scored(kind=kind, score=score, reasons=tuple(each for each in reasons if each))


def _beside(scored: Scored, run: SystemRun, calls: Sequence[AttemptCall]) -> Scored:
    """A score with what else is known of its run."""
    latency_s = None if run.latency_s is None else round(run.latency_s, 6)
    slots = slots_of(calls, run.read)
    return replace(scored, latency_s=latency_s, slots=slots, data=run.data)


def _with_told_usage(context: Context, scored: Scored, output: Output) -> Scored:
    """A score with what the run that was handed in beside it took: it was paid, whatever came of it."""
    trajectory = account_of(context, output) if output.run else None
    return scored if trajectory is None else _with_usage(scored, trajectory)


def _with_said_usage(scored: Scored, output: Output) -> Scored:
    """A score with what the run says in so many words that it cost, where its messages tell nothing of it."""

    def told(name: str, known: int | None) -> int | None:
        return output.usage.get(name) if known is None else known

    return replace(
        scored,
        cost_microusd=told("cost_microusd", scored.cost_microusd),
        tokens=told("tokens", scored.tokens),
        context_tokens=told("context_tokens", scored.context_tokens),
    )


def _with_usage(scored: Scored, *runs: Trajectory) -> Scored:
    """A score with tokens, context and cost of its runs, as far as these tell them."""
    steps = [step for run in runs for step in run.steps]
    tokens = [
        count
        for step in steps
        for count in (step.input_tokens, step.output_tokens)
        if count is not None
    ]
    costs = [step.cost_microusd for step in steps if step.cost_microusd is not None]
    given = [step.input_tokens for step in steps if step.input_tokens is not None]
    return replace(
        scored,
        tokens=sum(tokens) if tokens else None,
        cost_microusd=sum(costs) if costs else None,
        context_tokens=max(given, default=None),
    )
