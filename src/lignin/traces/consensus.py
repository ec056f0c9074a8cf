"""What the runs of a task agree on, without knowing how any of them ended.

Each task is taken to have one right set of effects, each origin of runs a reliability, and both are
estimated in turn (truth discovery by expectation and maximisation). Runs that go wrong leave
something out more often than they do something else, and do something else more often than too much:
the more a run differs from a candidate, the less it speaks for it. Pure.
Source: Dawid and Skene 1979; Dong, Berti-Equille and Srivastava 2009.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lignin.domain.effects import Effect
from lignin.traces.runs import Run

Effects = frozenset[Effect]
LEFT_OUT, ADDED, REPLACED = 0.4, 0.1, 0.3
"""How much less likely a wrong run is per effect that is missing, too much, or another."""
_WRONG, _NONE_RIGHT, _STRAY = 0.5, 0.3, 0.2
_PRIOR_RIGHT, _PRIOR_WRONG = 4.0, 2.0
_DECLARED = {"success": 0.97, "failure": 0.05}
_USUAL = 0.7
_MAX_DOUBT = 2.0
_ROUNDS = 20
_MAX_CANDIDATES = 12
_MAX_DIFFERENCE = 4
_LEAST_AGREEMENT = 0.1
_LEAST_CHANGING = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What the other runs of its task say about a run.

    Args:
        right: Probability that the run's effects are the right ones.
        reliability: Share of its origin's runs whose effects are taken to be right.
        siblings: How many other runs there are to compare with; 0 where none are comparable.
        agreeing: How many of them did the same.
        rival: How many did the same as each other but not as this run (the largest such group).
        likeness: How alike their effects are to this run's on average, weighted by reliability.
        expected: The effects, other than this run's own, that it most probably fell short of; None
            where there are none.
        expected_right: Probability that those are the right ones.
    """

    right: float
    reliability: float
    siblings: int
    agreeing: int
    rival: int
    likeness: float
    expected: Effects | None = None
    expected_right: float = 0.0


UNKNOWN = Belief(right=_USUAL, reliability=_USUAL, siblings=0, agreeing=0, rival=0, likeness=0.5)
"""The belief in a run of which nothing is known."""


@dataclass(frozen=True, slots=True)
class _Task:
    places: tuple[int, ...]
    candidates: tuple[Effects, ...]
    penalty: tuple[tuple[float | None, ...], ...]
    """Per candidate and run: log of how likely a wrong run is to look so; None where equal."""


def difference(done: Effects, right: Effects) -> tuple[int, int, int]:
    """Return how many effects were left out, added, and replaced by another of the same tool."""
    missing = Counter(effect.tool for effect in right - done)
    extra = Counter(effect.tool for effect in done - right)
    replaced = (missing & extra).total()
    return missing.total() - replaced, extra.total() - replaced, replaced


def believe(
    runs: Sequence[Run], groups: Sequence[Sequence[int]], doubts: Sequence[float] = ()
) -> tuple[Belief, ...]:
    """Return for each run what its siblings say about it.

    Args:
        runs: All runs.
        groups: Places of the runs of one task.
        doubts: Per run the log odds, from itself alone, that it failed, over what is usual for its
            origin; a doubtful run's word counts less. None given: no run is doubted.
    """
    tasks = [_task(runs, places) for places in _comparable(runs, groups)]
    doubts = doubts or [0.0] * len(runs)
    reliability: dict[str, float] = defaultdict(lambda: _USUAL)
    posterior: list[list[float]] = []
    for _ in range(_ROUNDS):
        trust = [_trust(run, reliability, doubt) for run, doubt in zip(runs, doubts, strict=True)]
        posterior = [_posterior(task, trust) for task in tasks]
        reliability = _reliability(runs, tasks, posterior)
    beliefs = [_no_belief(run, reliability) for run in runs]
    for task, chances in zip(tasks, posterior, strict=True):
        if len(task.places) > 1:
            for place in task.places:
                beliefs[place] = _belief(runs, task, chances, place, reliability)
    return tuple(beliefs)


def _comparable(runs: Sequence[Run], groups: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """The groups without crashed runs and without origins whose effects tell nothing.

    Edits of files, say, hardly ever come out the same twice: where the runs of an origin's tasks do
    not agree, that one does not means nothing. Nor does agreement where hardly a run changes anything.
    """
    acted = [[place for place in places if not runs[place].is_empty] for places in groups]
    pairs: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    changing: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for places in acted:
        shared = Counter(runs[place].effects for place in places)
        for origin in {runs[place].origin for place in places}:
            pairs[origin] += len(places) * (len(places) - 1)
            equal[origin] += sum(count * (count - 1) for count in shared.values())
        for place in places:
            changing[runs[place].origin] += bool(runs[place].effects)
            total[runs[place].origin] += 1
    vague = {
        origin
        for origin in total
        if equal[origin] < _LEAST_AGREEMENT * pairs[origin]
        or changing[origin] < _LEAST_CHANGING * total[origin]
    }
    return [tuple(place for place in places if runs[place].origin not in vague) for places in acted]


def _task(runs: Sequence[Run], places: tuple[int, ...]) -> _Task:
    counts = Counter(runs[place].effects for place in places)
    ranked = sorted(counts, key=lambda effects: (-counts[effects], repr(sorted(effects, key=repr))))
    candidates = tuple(ranked[:_MAX_CANDIDATES])
    penalty = tuple(
        tuple(_penalty(runs[place].effects, candidate) for place in places)
        for candidate in candidates
    )
    return _Task(places, candidates, penalty)


def _penalty(done: Effects, right: Effects) -> float | None:
    if done == right:
        return None
    counted = (min(count, _MAX_DIFFERENCE) for count in difference(done, right))
    rates = (LEFT_OUT, ADDED, REPLACED)
    weight = sum(n * math.log(rate) for n, rate in zip(counted, rates, strict=True))
    return math.log(_WRONG) + weight


def _posterior(task: _Task, trust: Sequence[float]) -> list[float]:
    """Probability of each candidate of a task to be the right one; the rest is for none of them."""
    sures = [trust[place] for place in task.places]
    logs = [
        sum(
            math.log(sure) if weight is None else math.log(1 - sure) + weight
            for sure, weight in zip(sures, weights, strict=True)
        )
        for weights in task.penalty
    ]
    none = math.log(_NONE_RIGHT) + sum(math.log((1 - sure) * _STRAY) for sure in sures)
    top = max([*logs, none])
    total = sum(math.exp(each - top) for each in [*logs, none])
    return [math.exp(each - top) / total for each in logs]


def _trust(run: Run, reliability: dict[str, float], doubt: float) -> float:
    if run.trajectory.outcome in _DECLARED:
        return _DECLARED[run.trajectory.outcome]
    usual = reliability[run.origin]
    odds = usual / (1 - usual) * math.exp(-max(-_MAX_DOUBT, min(_MAX_DOUBT, doubt)))
    return _bounded(odds / (1 + odds))


def _bounded(share: float) -> float:
    return min(0.97, max(0.05, share))


def _reliability(
    runs: Sequence[Run], tasks: Sequence[_Task], posterior: Sequence[Sequence[float]]
) -> dict[str, float]:
    right: dict[str, float] = defaultdict(float)
    total: Counter[str] = Counter()
    for task, chances in zip(tasks, posterior, strict=True):
        known = dict(zip(task.candidates, chances, strict=True))
        for place in task.places:
            origin = runs[place].origin
            right[origin] += known.get(runs[place].effects, 0.0)
            total[origin] += 1
    found: dict[str, float] = defaultdict(lambda: _USUAL)
    for origin, count in total.items():
        share = (right[origin] + _PRIOR_RIGHT) / (count + _PRIOR_RIGHT + _PRIOR_WRONG)
        found[origin] = _bounded(share)
    return found


def _no_belief(run: Run, reliability: dict[str, float]) -> Belief:
    sure = reliability[run.origin]
    return replace(UNKNOWN, right=sure, reliability=sure)


def _belief(
    runs: Sequence[Run],
    task: _Task,
    chances: Sequence[float],
    place: int,
    reliability: dict[str, float],
) -> Belief:
    own = runs[place].effects
    others = [other for other in task.places if other != place]
    counts = Counter(runs[other].effects for other in others)
    known = dict(zip(task.candidates, chances, strict=True))
    rivals = [effects for effects in task.candidates if effects != own]
    expected = max(rivals, key=lambda e: known[e] * math.exp(_penalty(own, e) or 0), default=None)
    weights: dict[Effects, float] = defaultdict(float)
    for other in others:
        weights[runs[other].effects] += reliability[runs[other].origin]
    alike = sum(weight * likeness(own, effects) for effects, weight in weights.items())
    return Belief(
        right=known.get(own, 0.0),
        reliability=reliability[runs[place].origin],
        siblings=len(others),
        agreeing=counts[own],
        rival=max((count for effects, count in counts.items() if effects != own), default=0),
        likeness=alike / sum(weights.values()),
        expected=expected,
        expected_right=known[expected] if expected is not None else 0.0,
    )


def likeness(one: Effects, other: Effects) -> float:
    """Return how alike two sets of effects are, 0 to 1; the same tool called otherwise counts half."""
    if not one and not other:
        return 1.0
    score = float(len(one & other))
    rest = sorted(other - one, key=repr)
    for effect in sorted(one - other, key=repr):
        shares = [_shared(effect, each) if each.tool == effect.tool else 0.0 for each in rest]
        if shares and max(shares) > 0:
            score += max(shares) / 2
            rest.pop(shares.index(max(shares)))
    return score / max(len(one), len(other))


def _shared(one: Effect, other: Effect) -> float:
    mine, theirs = dict(one.arguments), dict(other.arguments)
    same = sum(1 for name, value in mine.items() if theirs.get(name) == value)
    return same / max(1, len(mine))
