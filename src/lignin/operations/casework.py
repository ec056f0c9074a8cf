"""Making cases of what was filed: which tasks have something new, drafts, their proof.

Only tasks whose runs were filed anew since the last time are looked at. A draft is tried before it is
kept: its runs' calls are made again, in the live environment where there is one, else against the
recording.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lignin.domain.cases import CaseTool, Checks
from lignin.domain.errors import LigninError, UnavailableError
from lignin.domain.ids import derive_id
from lignin.domain.judging import Judged, judge_attempt
from lignin.domain.modes import Signature, parse_signature
from lignin.domain.states import Row
from lignin.domain.traces import EnvironmentRef
from lignin.evals.proof import LIVE_RUNS, Acceptance, decide_acceptance
from lignin.evals.replay import faithfulness, recording_of, replay_live, replay_recorded
from lignin.evals.service import Cases, Faulty, Proven, case_id
from lignin.operations.context import Context
from lignin.operations.detection import feedback_of
from lignin.operations.environments import environment_of, open_environment
from lignin.operations.intake import load_trajectory
from lignin.ports.environment import Environment
from lignin.ports.ledger import View
from lignin.traces.cases import LEAST_AGREEING, Draft, Sample, attempt_of, draft_cases
from lignin.traces.runs import file_of, run_of

LEAST_FAITHFUL = 0.9
UNTOLD = "nothing tells the failed run from those that passed"
TASKS_TOGETHER = 200
"""So many tasks' cases are committed together."""


def make_cases(context: Context) -> Mapping[str, int]:
    """Make cases of the tasks that something new was filed of, and drop those that no longer hold.

    Returns:
        How often no case was made, by reason.
    """
    service = Cases(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        tasks = _touched(view, start)
    refused: Counter[str] = Counter()
    for first in range(0, len(tasks), TASKS_TOGETHER):
        lot = tasks[first : first + TASKS_TOGETHER]
        proven: list[Proven] = []
        for number, task in enumerate(lot, start=first):
            context.progress("trying cases", number, len(tasks))
            for found in _of_task(context, task):
                if isinstance(found, Proven):
                    proven.append(found)
                else:
                    refused[found] += 1
        is_last = first + TASKS_TOGETHER >= len(tasks)
        _commit(context, service, lot, proven, position if is_last else start)
    return dict(refused)


def _commit(
    context: Context, service: Cases, tasks: Sequence[str], proven: Sequence[Proven], done: int
) -> None:
    kept = {each.case for each in proven}

    def decide(view: View) -> tuple[None, list[object]]:
        gone = {
            row.key: "its runs no longer fail, or nothing tells them from those that pass"
            for task in tasks
            for row in _cases_of(view, task)
            if row.key not in kept and row.state != "withdrawn"
        }
        return None, [service.file(view, context.scope, proven, gone, done)]

    context.decide_and_commit(decide)  # type: ignore[arg-type]


def _cases_of(view: View, task: str) -> Iterator[Row]:
    return iter(view.page("case", parent=task, limit=1000).rows)


def _touched(view: View, after: int) -> list[str]:
    """The tasks of which runs were filed after a position of the log."""
    found: dict[str, None] = {}
    while events := view.log(after=after, limit=1000):
        for event in events:
            if event.type == "run.filed":
                found[event.payload["task"]] = None
        after = events[-1].position
    return sorted(found)


def _of_task(context: Context, task: str) -> Iterator[Proven | str]:
    """What a task's failed runs make: cases, and the reasons of those that make none."""
    with context.view() as view:
        rows = _filings(view, task)
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(row.body["facts"]["group"], []).append(row)
        samples = {
            name: samples_of(context, view, group)
            for name, group in sorted(groups.items())
            if any(row.body["verdict"] == "failure" for row in group)
        }
        known = {row.key: row for row in _cases_of(view, task)}
    for group in samples.values():
        drafts, reasons = draft_cases(group)
        yield from reasons
        for draft in drafts:
            yield from _proven(context, task, group, draft, known)


def _filings(view: View, task: str) -> list[Row]:
    rows: list[Row] = []
    after: str | None = None
    while True:
        page = view.page("filing", parent=task, after=after, limit=1000)
        rows += page.rows
        after = page.next_after
        if after is None:
            return rows


def samples_of(context: Context, view: View, rows: Sequence[Row]) -> list[Sample]:
    """The judged runs of some filings; those whose records no longer parse are passed over."""
    found = []
    for row in rows:
        session = view.row(f"session/{row.key}")
        try:
            trajectory = load_trajectory(context, view, row.key)
        except LigninError:
            continue
        declared = (feedback_of(session) if session else None) or trajectory.outcome
        found.append(
            Sample(
                session=row.key,
                run=run_of(trajectory),
                verdict=row.body["verdict"],
                signature=_signature(view, row),
                is_declared=declared in ("success", "failure"),
            )
        )
    return found


def _signature(view: View, row: Row) -> Signature | None:
    told = row.body["signature"]
    if not told:
        return None
    error = row.body["error"]
    return parse_signature({**told, "error": view.blob(error).decode() if error else ""})


def _proven(
    context: Context,
    task: str,
    group: Sequence[Sample],
    draft: Draft,
    known: Mapping[str, Row],
) -> Iterator[Proven | str]:
    """A draft as a case with its proof, and the reason of each failed run that it does not tell."""
    draft, accepted, why_recorded = _tried(context, draft)
    if draft.basis == "consensus" and len(draft.references) < LEAST_AGREEING:
        yield "too few of the runs that agree can be told of by one recording"
        return
    yield from [UNTOLD] * len(draft.untold)
    if not draft.faulty:
        return
    if not accepted.accepted:
        yield accepted.reason
        return
    sessions = {each.session for each in draft.faulty}
    ref = draft.case.environment
    name = next(
        (key for key, row in known.items() if _founded_on(row, sessions)),
        case_id(task, ref.name if ref else "", ref.seed if ref else None, min(sessions)),
    )
    yield Proven(
        case=name,
        task=task,
        content=draft.case,
        basis=draft.basis,
        faulty=tuple(_faulty(each) for each in draft.faulty),
        references=tuple(each.session for each in draft.references),
        keys=frozenset(_key(each, draft.shape) for each in draft.faulty),
        vector=_vector(group),
        proof=accepted.proof,
        why_recorded=why_recorded,
    )


def _tried(context: Context, draft: Draft) -> tuple[Draft, Acceptance, str]:
    """The draft as far as it tells its runs, with how it did, and why it is not live if it is not."""
    where = environment_of((*draft.references, *draft.faulty)[0].run.trajectory)
    try:
        with open_environment(context, where) as opened:
            if where is None or isinstance(opened, str):
                why = str(opened)
            else:
                live = _made_live(opened, where, draft)
                if isinstance(live, Draft):
                    return live, _tried_live(opened, live), ""
                why = live
    except UnavailableError as error:
        why = f"{where.name if where else ''}: {error.message}"
    draft, accepted = _tried_recorded(context, draft)
    return draft, accepted, why


def _founded_on(row: Row, sessions: set[str]) -> bool:
    return any(each["session"] in sessions for each in row.body["faulty"])


def _faulty(sample: Sample) -> Faulty:
    assert sample.signature is not None
    return Faulty(
        session=sample.session, fine=sample.signature.fine, coarse=sample.signature.coarse
    )


def _key(sample: Sample, shape: Sequence[str]) -> str:
    """The failure's signature and what the task comes to, in a form that compares."""
    signature = sample.signature
    assert signature is not None
    return derive_id(
        "key",
        [
            signature.difference,
            signature.manner,
            signature.tool,
            list(signature.arguments),
            signature.error,
            list(shape),
        ],
    )


def _vector(group: Sequence[Sample]) -> dict[str, tuple[int, int]]:
    """Per system how many of its runs passed, and of how many."""
    passed: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for each in group:
        if each.verdict in ("success", "failure"):
            trajectory = each.run.trajectory
            model = next((step.model for step in trajectory.steps if step.model), trajectory.model)
            system = "/".join((file_of(trajectory), trajectory.agent, model))
            runs[system] += 1
            passed[system] += each.verdict == "success"
    return {system: (passed[system], count) for system, count in runs.items()}


def _made_live(environment: Environment, where: EnvironmentRef, draft: Draft) -> Draft | str:
    """The draft as a live case, or why it cannot be one: the environment must answer as it did.

    The states that runs which passed leave are right, in place of the changes that led to them. Failed
    runs that leave such a state and said nothing wrong are not told from those that passed.
    """
    ends = set()
    for each in draft.references:
        recorded = attempt_of(each.run)
        again = replay_live(environment, recorded)
        alike = faithfulness(recorded, again)
        if alike < LEAST_FAITHFUL:
            return f"{where.name} answers {alike:.0%} of the calls of a passing run as it did then"
        ends.add(str(again.end_state))
    if not ends:
        return "no run passed, so nothing tells the right end state"
    words = draft.case.checks
    tools = environment.tools
    case = replace(
        draft.case,
        environment=replace(
            where,
            start_state=environment.start_state,
            tools={name: spec.digest for name, spec in tools.items()},
        ),
        tools={
            name: CaseTool(changes=spec.effect == "write", input=spec.input)
            for name, spec in tools.items()
        },
        checks=Checks(
            end_states=frozenset(ends), answers=words.answers, said=words.said, unsaid=words.unsaid
        ),
        recording=(),
    )
    told: list[Sample] = []
    untold: list[Sample] = []
    for each in (*draft.faulty, *draft.untold):
        judged = judge_attempt(case, replay_live(environment, attempt_of(each.run)))
        (told if judged.verdict == "fail" else untold).append(each)
    return replace(draft, case=case, faulty=tuple(told), untold=tuple(untold))


def _tried_live(environment: Environment, draft: Draft) -> Acceptance:
    def again(sample: Sample) -> list[Judged]:
        attempt = attempt_of(sample.run)
        return [
            judge_attempt(draft.case, replay_live(environment, attempt)) for _ in range(LIVE_RUNS)
        ]

    faulty = again(draft.faulty[0]) if draft.faulty else []
    return decide_acceptance(faulty, again(draft.references[0]))


def _tried_recorded(context: Context, draft: Draft) -> tuple[Draft, Acceptance]:
    """The draft with the runs that its recording can tell of, each tried once.

    A recording always answers alike, but runs that saw different answers to one question cannot all
    be told of.
    """
    recording, tools = recording_of(draft.case)
    binding = context.open_exits().recorded(recording, tools, {})

    def judged(samples: Sequence[Sample]) -> list[tuple[Sample, Judged]]:
        return [
            (
                each,
                judge_attempt(draft.case, replay_recorded(binding.begin(), attempt_of(each.run))),
            )
            for each in samples
        ]

    faulty, passing = judged(draft.faulty), judged(draft.references)
    told = [pair for pair in faulty if pair[1].verdict == "fail"]
    sure = [pair for pair in passing if pair[1].verdict != "inconclusive"] or passing
    kept = replace(
        draft,
        faulty=tuple(each for each, _ in told),
        untold=(*draft.untold, *(each for each, one in faulty if one.verdict != "fail")),
        references=tuple(each for each, _ in sure),
    )
    return kept, decide_acceptance([each for _, each in told], [each for _, each in sure])
