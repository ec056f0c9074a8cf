"""Failure detection on recorded runs with the outcome hidden; one JSON line per figure.

    python benchmarks/detection.py          measure, one file of runs left out in turn
    python benchmarks/detection.py --fit    print the coefficients for `lignin.traces.judge`

The runs of tau2_retail were held out while the detectors were made; they are judged with the shipped
coefficients.

The coefficients are fitted on the other files; the runs of all files are siblings to each other,
with every outcome hidden. A run that crashed is judged `infrastructure`; joined with the declared
reward it is a failure that was found.
"""

import gzip
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

from _logistic import fit

from lignin.domain.traces import Trajectory
from lignin.traces.detect import Examined, examine
from lignin.traces.detector import load_detectors
from lignin.traces.importer import import_trace, load_importers
from lignin.traces.judge import (
    ALONE,
    AMONG,
    FEW,
    FEW_SIBLINGS,
    THRESHOLD_AMONG,
    THRESHOLD_FEW,
    is_failed_alone,
    score,
)
from lignin.traces.localise import locate
from lignin.traces.runs import group_runs, runs_of

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("base", "precond", "assert_nopost", "assert_full", "gpt41mini")
HELD_OUT = ("gpt41", "gpt41_sft")
NAMES_AMONG = [
    "belief",
    "wrong",
    "reliability",
    "likeness",
    "agreeing",
    "rival",
    "siblings",
    "unsaid",
    "repeats",
    "open_end",
    "unconfirmed",
    "idle",
]
NAMES_ALONE = [
    "asked",
    "calls",
    "open_end",
    "refusals",
    "late_refusal",
    "handed_over",
    "idle",
    "ungrounded",
    "corrections",
    "unrepaired",
    "errors",
    "repeats",
    "unconfirmed",
]
NAMES_FEW = [name for name in NAMES_AMONG if name != "unsaid"]
RIDGE_AMONG, RIDGE_FEW, RIDGE_ALONE = 5.0, 40.0, 33.0


@dataclass(frozen=True, slots=True)
class Weights:
    """Coefficients for a run alone, with few siblings, and among many."""

    alone: Mapping[str, float]
    few: Mapping[str, float]
    among: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """A run with the truth about it and what was made of it without knowing."""

    file: str
    task: object
    failed: bool
    examined: Examined
    probability: float
    alone: float

    @property
    def crashed(self) -> bool:
        return self.examined.case.run.is_empty

    @property
    def flagged(self) -> bool:
        siblings = self.examined.case.belief.siblings
        if siblings > FEW_SIBLINGS:
            return self.probability >= THRESHOLD_AMONG
        return self.probability >= THRESHOLD_FEW if siblings else self.flagged_alone

    @property
    def outvoted(self) -> bool:
        """The plain rule: fewer than half of the other runs changed the same."""
        belief = self.examined.case.belief
        return self.crashed or 2 * belief.agreeing < belief.siblings

    @property
    def flagged_alone(self) -> bool:
        if self.crashed:
            return True
        return is_failed_alone(self.examined.case, self.examined.seen, self.alone)


def load(folder: str, names: Sequence[str], suffix: str) -> list[tuple[str, Trajectory]]:
    """Return the runs of some files, their outcomes still declared."""
    importers, found = load_importers(), []
    for name in names:
        data = gzip.decompress((DATA / folder / f"{name}{suffix}").read_bytes())
        trace = import_trace(importers, f"{name}{suffix}", data)
        found += [
            (name, trajectory) for trajectory, _ in trace.sessions if trajectory.task_id is not None
        ]
    return found


def hidden(runs: Sequence[tuple[str, Trajectory]]) -> list[Trajectory]:
    return [replace(trajectory, outcome=None) for _, trajectory in runs]


def fit_weights(runs: Sequence[tuple[str, Trajectory]], left_out: str) -> Weights:
    """Return the coefficients, fitted without one file's outcomes.

    Those for few siblings are fitted on two and three files at a time.
    """
    everything = examine(hidden(runs), load_detectors(), {"": 0.0})
    alone = _fit(runs, everything, left_out, range(1000), NAMES_ALONE, RIDGE_ALONE)
    everything = examine(hidden(runs), load_detectors(), alone)
    among = _fit(runs, everything, left_out, range(1, 1000), NAMES_AMONG, RIDGE_AMONG)
    parts: list[tuple[str, Trajectory]] = []
    examined: list[Examined] = []
    kept = [name for name in FILES if name != left_out]
    for files in (*combinations(kept, 2), *combinations(kept, 3)):
        part = [run for run in runs if run[0] in files]
        parts += part
        examined += examine(hidden(part), load_detectors(), alone)
    few = _fit(parts, examined, left_out, range(1, FEW_SIBLINGS + 1), NAMES_FEW, RIDGE_FEW)
    return Weights(alone, few, among)


def _fit(
    runs: Sequence[tuple[str, Trajectory]],
    examined: Sequence[Examined],
    left_out: str,
    siblings: range,
    names: Sequence[str],
    ridge: float,
) -> dict[str, float]:
    """Fit on the runs with so many siblings."""
    chosen = [
        (each.seen.features, trajectory.outcome != "success")
        for (name, trajectory), each in zip(runs, examined, strict=True)
        if name != left_out and not each.case.run.is_empty and each.case.belief.siblings in siblings
    ]
    return fit([row for row, _ in chosen], [label for _, label in chosen], names, ridge)


def score_runs(
    runs: Sequence[tuple[str, Trajectory]], weights: Weights, only: str = ""
) -> list[Scored]:
    """Return the runs (of one file) with their scores under some coefficients."""
    found = []
    for (name, trajectory), each in zip(
        runs, examine(hidden(runs), load_detectors(), weights.alone), strict=True
    ):
        if only and name != only:
            continue
        broken = any(finding.kind == "infrastructure" for finding in each.seen.findings)
        by_itself = 1.0 if broken else score(weights.alone, each.seen.features)
        siblings = each.case.belief.siblings
        used = (
            weights.among if siblings > FEW_SIBLINGS else weights.few if siblings else weights.alone
        )
        found.append(
            Scored(
                name,
                trajectory.task_id,
                trajectory.outcome != "success",
                each,
                1.0 if broken else score(used, each.seen.features),
                by_itself,
            )
        )
    return found


def precision_recall(
    runs: Sequence[Scored], flag: Callable[[Scored], bool] = lambda run: run.flagged
) -> tuple[float, float]:
    hits = sum(run.failed and flag(run) for run in runs)
    return (
        hits / max(1, sum(flag(run) for run in runs)),
        hits / max(1, sum(run.failed for run in runs)),
    )


def f1_alone(runs: Sequence[Scored]) -> float:
    flagged = [run for run in runs if run.flagged_alone]
    hits = sum(run.failed for run in flagged)
    return 2 * hits / (len(flagged) + sum(run.failed for run in runs))


def auc(runs: Sequence[Scored], value: Callable[[Scored], float]) -> float:
    good = [value(run) for run in runs if not run.failed]
    bad = [value(run) for run in runs if run.failed]
    wins = sum((b > g) + 0.5 * (b == g) for b in bad for g in good)
    return wins / (len(good) * len(bad))


def calibration_error(runs: Sequence[Scored]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins: dict[int, list[Scored]] = {}
    for run in runs:
        bins.setdefault(min(9, int(run.probability * 10)), []).append(run)
    gaps = (abs(sum(run.probability - run.failed for run in group)) for group in bins.values())
    return sum(gaps) / len(runs)


def interval(
    runs: Sequence[Scored], measure: Callable[[Sequence[Scored]], float]
) -> tuple[float, float]:
    """95 % bootstrap interval over tasks."""
    rng = random.Random(7)
    by_task: dict[object, list[Scored]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    tasks = sorted(by_task, key=str)
    found = sorted(
        measure([run for task in rng.choices(tasks, k=len(tasks)) for run in by_task[task]])
        for _ in range(1000)
    )
    return found[25], found[974]


def report(
    figure: str,
    value: float,
    unit: str,
    bar: float | None = None,
    note: str = "",
    baseline: float | None = None,
) -> None:
    line = {
        "subject": "detection",
        "figure": figure,
        "value": round(value, 3),
        "unit": unit,
        "baseline": None if baseline is None else round(baseline, 3),
        "ratio": None if not baseline else round(value / baseline, 3),
        "bar": "" if bar is None else f"at least {bar}",
        "met": None if bar is None else value >= bar,
        "note": note,
    }
    print(json.dumps(line), flush=True)


def report_pair(
    name: str, runs: Sequence[Scored], bars: tuple[float, float] | None, note: str
) -> None:
    for place, kind in enumerate(("precision", "recall")):
        low, high = interval(runs, lambda chosen, at=place: precision_recall(chosen)[at])
        report(
            f"{kind}, {name}",
            precision_recall(runs)[place],
            "ratio",
            bars and bars[place],
            f"{note}; {len(runs)} runs, {sum(run.failed for run in runs)} failed; "
            f"95 % bootstrap over tasks {low:.3f} to {high:.3f}; the baseline flags a run with "
            "which less than half of the others agree",
            precision_recall(runs, lambda run: run.outvoted)[place],
        )


def report_localisation(runs: Sequence[Scored]) -> None:
    labels = json.loads((DATA / "tau_retail" / "labels_human_base.json").read_text())
    structural = [json.loads(line) for line in (DATA / "labels_structural.jsonl").open()]
    with_write = {
        line["task_id"]
        for line in structural
        if line["source"] == "tau_retail/base" and line["first_wrong_write_msg_index"] is not None
    }
    roots = {}
    for label in labels:
        steps = {failure["failure_id"]: failure["step_number"] for failure in label["failures"]}
        roots[int(label["trajectory_id"])] = steps[label["root_cause"]["failure_id"]]
    found = {
        run.task: locate(run.examined.case.run, run.examined.case.belief)
        for run in runs
        if run.file == "base" and run.task in roots
    }
    for tasks, name, bars in (
        (with_write, "of 15 with a wrong write", (9, 12)),
        (set(roots), "of all 29", (None, None)),
    ):
        gaps = [abs((found[task] or -99) - roots[task]) for task in sorted(tasks)]
        for bound, bar in zip((0, 1), bars, strict=True):
            within = "exact" if bound == 0 else "within one step"
            report(
                f"root cause step {within}, {name}",
                sum(gap <= bound for gap in gaps),
                "runs",
                bar,
                "against human labels; outcome hidden; first wrong write alone: 5 and 6 of the 15",
            )


def report_siblings(runs: Sequence[tuple[str, Trajectory]]) -> None:
    """Runs of one task that are taken for siblings, and of unlike tasks that bear the same number."""
    acted = [trajectory for trajectory in hidden(runs) if trajectory.steps]
    shifted = [
        replace(t, task_id=(int(t.task_id or 0) + 7) % 115) if "gpt41mini" in t.source else t
        for t in acted
    ]
    for figure, chosen, alike in (
        ("runs of one task linked", acted, True),
        ("runs of unlike tasks linked", shifted, False),
    ):
        group_of = {
            place: number
            for number, group in enumerate(group_runs(runs_of(chosen)))
            for place in group
        }
        pairs = [
            group_of[one] == group_of[other]
            for one, other in combinations(range(len(chosen)), 2)
            if chosen[one].task_id == chosen[other].task_id
            and (acted[one].task_id == acted[other].task_id) is alike
        ]
        note = f"{len(pairs)} pairs; unlike: one file's task numbers moved by 7"
        report(figure, sum(pairs) / len(pairs), "ratio", None, note)


def main() -> None:
    """Measure and print; with `--fit` print the coefficients."""
    if not DATA.is_dir():
        print("no recorded sessions: ../shared/data is absent", file=sys.stderr)
        return
    runs = load("tau_retail", FILES, ".jsonl.gz")
    if "--fit" in sys.argv:
        for name, fitted in asdict(fit_weights(runs, "")).items():
            print(name.upper(), json.dumps({key: round(w, 3) for key, w in fitted.items()}))
        return
    scored: list[Scored] = []
    for name in FILES:
        print(f"leaving out {name}", file=sys.stderr)
        scored += score_runs(runs, fit_weights(runs, name), only=name)
    acted = [run for run in scored if not run.crashed]
    compared = [run for run in acted if run.examined.case.belief.siblings >= 3]
    note = "five files, each left out in turn, outcomes hidden"
    report_pair("all runs", scored, (0.88, 0.84), f"{note}; crashed runs are infrastructure")
    report_pair("runs that did not crash", acted, None, note)
    report_pair("at least 3 siblings", compared, None, note)
    everything = (
        2 * sum(run.failed for run in acted) / (len(acted) + sum(run.failed for run in acted))
    )
    report(
        "F1 from a single run alone",
        f1_alone(scored),
        "ratio",
        0.55,
        f"all runs; without the crashed {f1_alone(acted):.3f}, where flagging "
        f"everything gives {everything:.3f}",
    )
    report(
        "AUC from a single run alone",
        auc(acted, lambda run: run.alone),
        "ratio",
        None,
        "not crashed",
    )
    report("AUC", auc(acted, lambda run: run.probability), "ratio", None, "not crashed")
    report(
        "expected calibration error",
        calibration_error(acted),
        "ratio",
        None,
        "10 bins, not crashed",
    )
    report_localisation(scored)
    report_siblings(runs)
    other = load("tau2_retail", HELD_OUT, ".json.gz")
    held = score_runs(other, Weights(ALONE, FEW, AMONG))
    note = "shipped coefficients; two runs of each task"
    report_pair("held-out tau2 retail", held, None, note)
    report("AUC, held-out tau2 retail", auc(held, lambda run: run.probability), "ratio", None, note)


if __name__ == "__main__":
    main()
