"""Did all that works fall together, each case by a little? Pure.

Many cases that each lose a little show nothing one by one. So the trials of all of them are weighed
together, each held to pass one and the same share of what it passed before, of a few such shares. What a
case passed before is weighed by the incumbent's trials and by how common each rate is in its suite, so
that a case which only had luck is not held to have fallen. Nor is the suite: that nothing fell is weighed
by rates that the trials of both make likelier, for the incumbent's own may have been lucky as a whole.
"""

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json
from lignin.evals.laws.bank import GRID, NOTHING, Bank, Banked, Belief, belief_of, rate_of, rates_of
from lignin.evals.laws.breaks import Cases, log_likely

SHARES = (0.98, 0.95, 0.9, 0.8, 0.7)
"""Shares of their rates that all cases may have fallen to."""
PART = 0.2
"""Of what the guard may err, what is for this."""
FROM = 0.2
"""A case that passes this often, and less often than one that works, says something of the whole too."""
RULED_OUT = 0.05
"""A loss is ruled out where the trials are so many times likelier without it."""
_MOST = math.log(10)
"""One case counts for at most ten times, for a fall or against it: what is said of all rests neither on a few
that broke nor on one that was tried without end."""
_LOSSES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
_LUCKY = (1.0, 0.995, 0.99, 0.98, 0.97, 0.95, 0.93, 0.9)
"""Shares of what the incumbent's trials say of its suite that may be the truth of it."""
_Z = 1.96
_NOTHING_TOLD = (0.0,) * len(SHARES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """What the trials say of all that works.

    Args:
        cases, trials: The cases that the candidate was tried on, and its trials of them.
        evidence: How many times likelier all of them fell than none.
        change: The estimated change of their pass rate, each case counting alike, -1 to 1, with its 95 % interval,
            in which what the incumbent's own trials may be wrong by is counted.
        ruled_out: The smallest common loss, as a share of each case's rate, that the trials speak against 20
            to 1; None where they speak against none.
    """

    cases: int
    trials: int
    evidence: float
    change: float | None = None
    interval: tuple[float, float] | None = None
    ruled_out: float | None = None

    @property
    def is_doubtful(self) -> bool:
        """True where all fell as likely as not, or by what is estimated nothing but a loss fits."""
        return self.evidence > 1 or (self.interval is not None and self.interval[1] < 0)

    def to_json(self) -> dict[str, Json]:
        return {
            "cases": self.cases,
            "trials": self.trials,
            "evidence": float(f"{min(self.evidence, 1e15):.6g}"),
            "change": None if self.change is None else round(self.change, 4),
            "interval": [round(each, 4) for each in self.interval] if self.interval else None,
            "ruled_out": self.ruled_out,
        }


class Whole:
    """All that works, while it is tried.

    Args:
        bank: The incumbent's trials of the whole suite, from which is learned how common each rate is.
        cases: Those that work.
        others: Cases that pass at times; some of them are drawn.
        known: Trials of the candidate on record.
    """

    __slots__ = ("_logs", "_told", "cases", "counts", "others", "suite")

    def __init__(
        self,
        bank: Bank,
        cases: Sequence[str],
        others: Sequence[str] = (),
        known: Mapping[str, Banked] | None = None,
    ) -> None:
        self.suite = rates_of(list(bank.cases.values()))
        self.cases, self.others = tuple(cases), frozenset(others)
        self.counts = dict[str, tuple[Banked, Banked]]()
        self._told = dict[str, tuple[float, ...]]()
        self._logs = [0.0] * len(SHARES)
        for case in (*cases, *others):
            self.put(case, (bank.cases.get(case, NOTHING), (known or {}).get(case, NOTHING)))

    def put(self, case: str, both: tuple[Banked, Banked]) -> None:
        """Set what is known of a case: the incumbent's trials, the candidate's."""
        self.counts[case] = both
        if not both[1].trials:
            return
        before = self._told.get(case, _NOTHING_TOLD)
        # One that was taken in by a lucky pass, and by now hardly ever does, says nothing.
        is_heard = case not in self.others or rate_of(both[0]) >= FROM
        told = _each(both, self.suite) if is_heard else _NOTHING_TOLD
        now = tuple([_bounded(each) for each in told])
        self._told[case] = now
        for number in range(len(SHARES)):
            self._logs[number] += now[number] - before[number]

    @property
    def tried(self) -> int:
        """The cases that the candidate was tried on."""
        return len(self._told)

    @property
    def evidence(self) -> float:
        """How many times likelier all of them fell, by one of the shares, than none."""
        if max(self._logs) <= 0:  # it would only be less
            return _mean(self._logs)
        heard = (case for case, told in self._told.items() if told != _NOTHING_TOLD)
        return _evidence({case: self.counts[case] for case in heard}, self.suite)


def has_fallen(evidence: float, false: float) -> bool:
    """Whether a fall is shown.

    Args:
        false: What the guard may err in all.
    """
    return evidence >= 1 / (PART * false)


def weigh_whole(cases: Cases, suite: Belief) -> Fallen:
    """Return what trials of both systems say of some cases together."""
    tried = {case: both for case, both in cases.items() if both[1].trials}
    trials = sum(after.trials for _, after in tried.values())
    if not tried:
        return Fallen(cases=0, trials=0, evidence=1.0)
    change, interval = _change_of(tried, suite)
    return Fallen(
        cases=len(tried),
        trials=trials,
        evidence=_evidence(tried, suite),
        change=change,
        interval=interval,
        ruled_out=_ruled_out(tried, suite),
    )


def _change_of(tried: Cases, suite: Belief) -> tuple[float, tuple[float, float]]:
    """Return the estimated change of the pass rate of cases that the candidate was tried on, each counting
    alike, with its 95 % interval."""
    change, half = _change([_moved(both, suite) for both in tried.values()])
    return change, (max(-1.0, change - half), min(1.0, change + half))


def told_lost(cases: Cases, target: Collection[str], suite: Belief) -> list[str]:
    """Say that cases outside the target are estimated to lose: those that hardly ever pass, too, which
    tell nothing of what works; nothing where their interval holds no change."""
    rest = {case: both for case, both in cases.items() if case not in target}
    tried = {case: both for case, both in rest.items() if both[0].trials and both[1].trials}
    if not tried:
        return []
    change, (low, high) = _change_of(tried, suite)
    if high >= 0:
        return []
    told = f"{100 * change:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
    return [f"the cases outside its target pass less often: {told} over {len(tried)} cases"]


def told_of_whole(whole: Mapping[str, Any]) -> str:
    """What became of all that works, by `Fallen.to_json`, in words; nothing where none of it was tried."""
    if whole["change"] is None:
        return ""
    low, high = whole["interval"]
    told = (
        f"what works changes by {100 * whole['change']:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f}) as "
        f"a whole, over {whole['trials']} trials of {whole['cases']} cases"
    )
    if whole["ruled_out"] is None:
        return f"{told}; no loss that is common to all is ruled out"
    return f"{told}; a loss of {whole['ruled_out']:.0%} or more that is common to all is ruled out"


def _change(moved: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The mean change, each case counting alike, and half of its 95 % interval.

    What the trials alone leave open, or how much the cases differ by, whichever is more: they need not all
    have fallen by the same.
    """
    count = len(moved)
    change = sum(each for each, _ in moved) / count
    by_trials = sum(variance for _, variance in moved) / count**2
    by_cases = sum((each - change) ** 2 for each, _ in moved) / (count * max(1, count - 1))
    return change, _Z * math.sqrt(max(by_trials, by_cases))


def _moved(both: tuple[Banked, Banked], suite: Belief) -> tuple[float, float]:
    """The change of a case, and the variance of that."""
    before, after = both
    rate, spread = _moments(before, suite)
    seen = rate_of(Banked(before.scored + after.scored, before.trials + after.trials))
    own = seen * (1 - seen)
    # What the suite is believed to be rests on the same trials: without it a case is known no better.
    if before.trials:
        spread = max(spread, own / before.trials)
    return after.scored / after.trials - rate, spread + own / after.trials


def _each(both: tuple[Banked, Banked], suite: Belief) -> tuple[float, ...]:
    """What one case says of each share."""
    return tuple([log_likely({"": both}, share, suite) for share in SHARES])


def _evidence(tried: Cases, suite: Belief) -> float:
    """How many times likelier it is that all fell, by one of the shares, than that none did and the whole suite
    is a little worse than the incumbent's own trials say, by the share of it that fits best."""
    fell = [_each(both, suite) for both in tried.values()]
    lucky = [_lucky(both, suite) for both in tried.values()]
    return _mean(
        [
            min(
                sum(_bounded(f[share] - held[luck]) for f, held in zip(fell, lucky, strict=True))
                for luck in range(len(_LUCKY))
            )
            for share in range(len(SHARES))
        ]
    )


def _bounded(told: float) -> float:
    return max(-_MOST, min(told, _MOST))


def _lucky(both: tuple[Banked, Banked], suite: Belief) -> tuple[float, ...]:
    """What the trials of both systems say of each share by which the suite may be worse."""
    before, after = both
    pooled = Banked(before.scored + after.scored, before.trials + after.trials)
    return tuple([log_likely({"": (NOTHING, pooled)}, share, suite) for share in _LUCKY])


def _ruled_out(tried: Cases, suite: Belief) -> float | None:
    """The likelihood is log-concave in the loss, and 1 without any: what rules out one rules out each larger."""
    needed = math.log(RULED_OUT)
    first = bisect_left(
        _LOSSES, True, key=lambda loss: log_likely(tried, 1 - loss, suite) <= needed
    )
    return _LOSSES[first] if first < len(_LOSSES) else None


def _moments(before: Banked, suite: Belief) -> tuple[float, float]:
    """What is believed of a case: its mean rate, and the variance of that."""
    belief = belief_of(before, suite)
    rates = [rate for rate, _ in GRID]
    mean = sum(weight * rate for weight, rate in zip(belief, rates, strict=True))
    square = sum(weight * rate**2 for weight, rate in zip(belief, rates, strict=True))
    return mean, square - mean**2


def _mean(logs: Sequence[float]) -> float:
    most = max(logs)
    mean = most + math.log(sum(math.exp(each - most) for each in logs) / len(logs))
    return math.exp(min(max(mean, -600.0), 600.0))
