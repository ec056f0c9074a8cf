"""From runs to judgements: siblings, belief, what each detector sees, and the verdict. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from lignin.domain.findings import Judgement
from lignin.domain.traces import Trajectory
from lignin.traces.consensus import UNKNOWN, Belief, believe
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.detectors.preconditions import unconfirmed
from lignin.traces.judge import ALONE, judge, log_odds
from lignin.traces.localise import locate
from lignin.traces.runs import Run, group_runs, runs_of

_CUSTOM_SHARE = 0.95
_CUSTOM_RUNS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A run with all that the detectors saw of it, before it is judged."""

    case: Case
    seen: Seen


def detect(
    trajectories: Sequence[Trajectory], detectors: Sequence[Detector]
) -> tuple[Judgement, ...]:
    """Return a judgement for each run; runs of one task are siblings to each other."""
    return tuple(
        judge(each.case, each.seen, locate(each.case.run, each.case.belief))
        for each in examine(trajectories, detectors)
    )


def examine(
    trajectories: Sequence[Trajectory],
    detectors: Sequence[Detector],
    alone: Mapping[str, float] = ALONE,
) -> tuple[Examined, ...]:
    """Return each run with what the detectors saw of it.

    Args:
        alone: Coefficients of the score from a run alone, by which a sibling's word is weighed.
    """
    runs = runs_of(trajectories)
    groups = group_runs(runs)
    alone_seen = [look(Case(run=run, siblings=(), belief=UNKNOWN), detectors) for run in runs]
    usual = _usual(runs, alone_seen)
    doubts = [
        log_odds(alone, centred(seen.features, mean)) - alone[""]
        for seen, mean in zip(alone_seen, usual, strict=True)
    ]
    beliefs = believe(runs, groups, doubts)
    customs, consent = _customs(runs, beliefs), _consent(runs)
    group_of = {place: group for group in groups for place in group}
    found = []
    for place, run in enumerate(runs):
        case = Case(
            run=run,
            siblings=tuple(runs[other] for other in group_of[place] if other != place),
            belief=beliefs[place],
            customs=customs,
            asks_consent=run.origin in consent,
        )
        seen = look(case, detectors)
        features = centred(seen.features, usual[place])
        found.append(Examined(case=case, seen=replace(seen, features=features)))
    return tuple(found)


def look(case: Case, detectors: Sequence[Detector]) -> Seen:
    """Return what all the detectors see of a case."""
    seen = [detector.examine(case) for detector in detectors]
    findings = tuple(finding for each in seen for finding in each.findings)
    features = {name: value for each in seen for name, value in each.features.items()}
    return Seen(findings=findings, features=features)


def centred(features: Mapping[str, float], usual: Mapping[str, float]) -> dict[str, float]:
    """Return features less what is usual: what every run of an origin does says nothing."""
    return {name: value - usual.get(name, 0.0) for name, value in features.items()}


def _usual(runs: Sequence[Run], seen: Sequence[Seen]) -> list[Mapping[str, float]]:
    """Per run the means of the features over the runs of its origin."""
    by_origin: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for run, each in zip(runs, seen, strict=True):
        if not run.is_empty:
            by_origin[run.origin].append(each.features)
    means = {
        origin: {name: fmean(f.get(name, 0.0) for f in found) for name in set().union(*found)}
        for origin, found in by_origin.items()
    }
    return [means.get(run.origin, {}) for run in runs]


def _consent(runs: Sequence[Run]) -> frozenset[str]:
    """Origins whose agents ask the user before most of their changes."""
    writes: Counter[str] = Counter()
    bare: Counter[str] = Counter()
    for run in runs:
        writes[run.origin] += len(run.writes)
        bare[run.origin] += len(unconfirmed(run)) if run.is_dialogue else len(run.writes)
    return frozenset(source for source, count in writes.items() if 2 * bare[source] < count)


def _customs(runs: Sequence[Run], beliefs: Sequence[Belief]) -> Mapping[str, frozenset[str]]:
    """What runs that are taken to be right do before each change: tool to tools called before it."""
    total: Counter[str] = Counter()
    before: dict[str, Counter[str]] = defaultdict(Counter)
    for run, belief in zip(runs, beliefs, strict=True):
        right = belief.siblings and belief.right >= 0.5
        if not (run.trajectory.outcome == "success" if run.trajectory.outcome else right):
            continue
        called: set[str] = set()
        known: set[str] = set()
        for made in run.made:
            if made.kind == "write" and not made.failed and made.call.name not in known:
                known.add(made.call.name)
                total[made.call.name] += 1
                before[made.call.name].update(called)
            if made.kind == "read":
                called.add(made.call.name)
    return {
        tool: frozenset(other for other, n in before[tool].items() if n >= _CUSTOM_SHARE * count)
        for tool, count in total.items()
        if count >= _CUSTOM_RUNS
    }
