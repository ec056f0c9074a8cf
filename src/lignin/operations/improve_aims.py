"""What an incumbent's trials say: where it fails, what was mined of that, what a proposer may see.

Failing trials are runs like any others. They are compared with the runs that passed the same case, those
that it was made from and the incumbent's own; nothing of it is filed, so a campaign never changes the
cases that judge it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, parse_json
from lignin.domain.errors import LigninError
from lignin.domain.modes import CAUSES, Signature
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.domain.traces import Trajectory
from lignin.evals.laws.climbing import Aim
from lignin.evals.output import RUN, read_output
from lignin.evals.trials import trials_of
from lignin.operations.context import Context
from lignin.operations.intake import load_trajectory
from lignin.operations.trialwork import SuiteCase
from lignin.ports.ledger import View, every_row
from lignin.ports.proposer import Brief, ShownCase, TriedBefore
from lignin.traces.detector import load_detectors
from lignin.traces.importer import import_trace
from lignin.traces.lessons import Lesson, contrasted, counted, recovered
from lignin.traces.mined import Evidence, find_sources, words_of
from lignin.traces.modes.mine import mine
from lignin.traces.runs import Run, run_of

MOST_FAILING, MOST_PASSING, MOST_REFERENCES = 4, 2, 3
"""Runs of a case that are compared: trials that failed, that passed, and runs it was made from."""
SHOWN_CHARS = 8_000
_PLACED = frozenset({"wrong_arguments", "wrong_tool", "extra_action"})
ANY = "any failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A run of a case: a trial of the incumbent, or a run that the case was made from."""

    case: str
    name: str
    passed: bool
    trajectory: Trajectory
    signature: Signature | None = None

    @property
    def run(self) -> Run:
        return run_of(self.trajectory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an incumbent's trials come to: where it fails, and the runs that say so."""

    aims: tuple[Aim, ...]
    runs: tuple[Tested, ...]
    mean: float | None
    aim_of: Mapping[str, str]
    """By the name of a failed run its aim's mode."""


def find_aims(context: Context, view: View, system: Digest, suite: Sequence[SuiteCase]) -> Findings:
    """Return where a system fails by its trials that stand."""
    wanted = {(case.digest, case.grader): case for case in suite}
    trials: dict[str, list[Row]] = defaultdict(list)
    for row in trials_of(view, system):
        case = wanted.get((row.body["case_digest"], row.body["grader"]))
        if case is not None and row.body["score"] is not None:
            trials[case.name].append(row)
    for rows in trials.values():
        rows.sort(key=lambda row: int(row.body["number"]))
    runs = _compared([run for case in suite for run in _runs(context, view, case, trials)])
    scores = [sum(r.body["score"] for r in rows) / len(rows) for rows in trials.values()]
    aim_of = {run.name: _mode(run.signature) for run in runs if not run.passed}
    return Findings(
        aims=tuple(_aims(suite, trials, runs, aim_of)),
        runs=tuple(runs),
        mean=sum(scores) / len(scores) if scores else None,
        aim_of=aim_of,
    )


def _runs(
    context: Context, view: View, case: SuiteCase, trials: Mapping[str, Sequence[Row]]
) -> Iterator[Tested]:
    left = {False: MOST_FAILING, True: MOST_PASSING}
    for row in trials.get(case.name, ()):
        passed = row.body["score"] >= 1
        if not left[passed]:
            continue
        found = _trajectory(context, view, row)
        if found is not None:
            left[passed] -= 1
            name = f"{case.name} trial {row.body['number']}"
            yield _tested(case.name, name, found, passed=passed)
    stored = view.row(f"case/{case.name}") if case.content is not None else None
    for session in (stored.body["references"] if stored else ())[:MOST_REFERENCES]:
        try:
            found = load_trajectory(context, view, session)
        except LigninError:
            continue
        yield _tested(case.name, session, found, passed=True)


def _trajectory(context: Context, view: View, row: Row) -> Trajectory | None:
    """A trial's run as it was seen, else as it told it; None where it left none that can be read."""
    detail = parse_json(view.blob(row.body["detail"]))
    record = detail.get("seen", "").encode() or read_output(detail["said"].encode()).run
    if not record:
        return None
    try:
        sessions = import_trace(context.load_importers(), "run.jsonl", record, form=RUN).sessions
    except LigninError:
        return None
    return sessions[0][0] if sessions and sessions[0][0].steps else None


def _tested(case: str, name: str, found: Trajectory, *, passed: bool) -> Tested:
    known = replace(
        found, task_id=case, trial=name, path=name, outcome="success" if passed else "failure"
    )
    return Tested(case=case, name=name, passed=passed, trajectory=known)


def _compared(runs: list[Tested]) -> list[Tested]:
    mined = mine([each.trajectory for each in runs], load_detectors())
    return [
        replace(each, signature=None if each.passed else found.signature)
        for each, found in zip(runs, mined, strict=True)
    ]


def _mode(signature: Signature | None) -> str:
    """The mode of a failed run, with its place where the mode alone says too little."""
    if signature is None:
        return ANY
    place = ""
    if signature.manner not in CAUSES and signature.difference in _PLACED:
        place = f" {signature.tool}({','.join(signature.arguments)})"
    return f"{signature.fine}{place}"


def _aims(
    suite: Sequence[SuiteCase],
    trials: Mapping[str, Sequence[Row]],
    runs: Sequence[Tested],
    aim_of: Mapping[str, str],
) -> Iterator[Aim]:
    """Where a case fails in several modes, its failures are shared out as its runs show them."""
    failing: dict[str, dict[str, float]] = defaultdict(dict)
    told: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    names: dict[str, str] = {}
    for case in suite:
        rows = trials.get(case.name, ())
        lost = sum(1 - row.body["score"] for row in rows)
        if not lost or case.kind == "recorded":
            continue
        failed = [run for run in runs if run.case == case.name and not run.passed]
        modes = [aim_of[run.name] for run in failed] or [case.mode or ANY]
        for mode in dict.fromkeys(modes):
            failing[mode][case.name] = lost / len(rows) * modes.count(mode) / len(modes)
            words = [
                words_of(r.signature) for r in failed if r.signature and aim_of[r.name] == mode
            ]
            told[mode][case.name] = tuple(dict.fromkeys(words))
            names.setdefault(mode, words[0] if words else ANY)
    for mode in sorted(failing):
        yield Aim(mode=mode, name=names[mode], failing=failing[mode], told=told[mode])


def evidence_for(view: View, found: Findings, aim: Aim, hidden: frozenset[str]) -> Evidence:
    """What was mined of the runs of cases that are not hidden from a proposer."""
    seen = [run for run in found.runs if run.case not in hidden]
    failed = [run for run in seen if found.aim_of.get(run.name) == aim.mode]
    passing = [run for run in seen if run.passed and run.case in aim.failing]
    signatures = tuple(run.signature for run in failed if run.signature)
    lessons = [
        lesson
        for run in failed
        if run.signature
        and (
            lesson := contrasted(
                run.name, run.signature, [p.name for p in passing if p.case == run.case]
            )
        )
    ]
    recoveries: list[Lesson] = [lesson for run in seen for lesson in recovered(run.name, run.run)]
    return Evidence(
        signatures=signatures,
        lessons=counted(lessons),
        recoveries=counted(recoveries),
        sources=find_sources([run.run for run in passing], signatures),
        routines=_routines(view),
    )


def _routines(view: View) -> dict[str, Mapping[str, File]]:
    """The files of the programs of verified routines, what saves most first."""
    found = {}
    rows = sorted(every_row(view, "routine", state="induced"), key=lambda row: row.body["rank"])
    for row in rows:
        proof = row.body.get("proof")
        if not proof or proof["verdict"] != "pass":
            continue
        version = view.row(f"version/{proof['artifact']}@{proof['version']}")
        if version is not None and version.state in PROVEN:
            found[proof["artifact"]] = load_tree(view, version.body["digest"]).files
    return found


def brief_for(
    found: Findings,
    aim: Aim,
    suite: Sequence[SuiteCase],
    shown: Sequence[str],
    *,
    files: Mapping[str, File],
    surface: Sequence[str],
    tried: Sequence[TriedBefore],
    avoid: frozenset[str],
) -> Brief:
    """What a proposer is told: the shown cases of the target and nothing of any other."""
    tasks = {case.name: case.task for case in suite}
    cases = []
    for name in shown:
        failed = [run for run in found.runs if run.case == name and not run.passed]
        mine_ = [run for run in failed if found.aim_of[run.name] == aim.mode]
        run = readable(mine_[0].trajectory) if mine_ else ""
        told = aim.told.get(name, ())
        cases.append(ShownCase(case=name, task=tasks[name], went_wrong=told, run=run))
    return Brief(
        mode=aim.mode,
        told=aim.name,
        cases=tuple(cases),
        files=files,
        surface=tuple(surface),
        tried=tuple(tried),
        avoid=avoid,
    )


def readable(trajectory: Trajectory) -> str:
    """A run as text, cut to what is read."""
    lines = []
    for step in trajectory.steps:
        if step.text:
            lines.append(f"{step.role}: {step.text}")
        lines += [f"  {c.name}({json.dumps(dict(c.arguments))})" for c in step.calls]
    return "\n".join(lines)[:SHOWN_CHARS]
