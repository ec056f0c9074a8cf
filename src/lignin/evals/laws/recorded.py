"""Decides on recorded trials of two systems: nothing is run, and the order of the rows is nothing. Pure.

The same rules as of a decision that runs its own trials: fresh pairs bet against "no better on the
target", and every case that worked is weighed for a break. What differs is that all trials are there, so
all are used, and that a gain which was not shown is refused only where it would have been.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.evidence import GateOutcome
from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.breaks import broken_units, evidence, likely
from lignin.evals.laws.guard import Care
from lignin.evals.laws.levels import level
from lignin.evals.laws.table import Fault, Table, compare_tables
from lignin.evals.laws.wealth import BETS, Wealth

GUARDED_FROM = 0.7
"""A case that the incumbent passes this often works, and must not be broken."""
LEAST_COVERED = 0.95
EXPECTED_GAIN = 0.3
"""A gain on the target below this may be missed; where it would have been seen, its absence is shown."""
FIRST_LEVEL = level(0.05, 1, 0)
"""What the first proposal of a campaign may err that may err one in twenty times."""
_TO = 0.3
_SLACK = 1.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be decided of two tables.

    Args:
        target: Cases that are to be better; none: all of them together.
        must_pass: Cases that the candidate must pass in every trial.
        level: The error that may be made, from 0 to 1.
        gain: The gain that the proposal expects, from 0 to 1.
    """

    target: tuple[str, ...] = ()
    must_pass: tuple[str, ...] = ()
    level: float = FIRST_LEVEL
    gain: float = EXPECTED_GAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome with every number and reason."""

    verdict: GateOutcome
    reasons: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    level: float = 0.0
    wealth: float = 0.0
    needed: float = 0.0
    pairs: int = 0
    gain: float | None = None
    interval: tuple[float, float] | None = None
    path: tuple[float, ...] = ()
    cases: int = 0
    trials: int = 0
    missing: int = 0
    covered: float = 0.0
    guarded: int = 0
    broken: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    evidence: Mapping[str, float] | None = None

    def to_json(self) -> dict[str, Json]:
        """The verdict as a JSON object."""
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "faults": [each.to_json() for each in self.faults],
            "level": self.level,
            "evidence": _round(self.wealth),
            "needed": _round(self.needed),
            "pairs": self.pairs,
            "gain": None if self.gain is None else round(self.gain, 4),
            "interval": [round(each, 4) for each in self.interval] if self.interval else None,
            "path": [_round(each) for each in self.path],
            "cases": self.cases,
            "trials": self.trials,
            "missing": self.missing,
            "covered": round(self.covered, 4),
            "guarded": self.guarded,
            "broken": list(self.broken),
            "unclear": list(self.unclear),
            "doubts": {name: _round(each) for name, each in sorted((self.evidence or {}).items())},
        }


def decide_recorded(incumbent: Table, candidate: Table, asked: Asked) -> Verdict:
    """Return whether a candidate is better than an incumbent and breaks nothing, by their trials."""
    faults = (
        *incumbent.faults,
        *candidate.faults,
        *compare_tables(incumbent, candidate, asked.target, asked.must_pass),
    )
    trials = incumbent.trials + candidate.trials
    missing = incumbent.missing + candidate.missing
    covered = _covered(incumbent, candidate)
    if covered < LEAST_COVERED:
        told = f"only {covered:.0%} of the trials tell anything, under {LEAST_COVERED:.0%}"
        faults = (*faults, Fault(kind="too_much_missing", told=told))
    target = sorted(set(asked.target) & set(incumbent.cases)) or (
        [] if asked.target else sorted(incumbent.cases)
    )
    wealth, differences, path = _proven(incumbent, candidate, target, 1 / asked.level)
    broken, unclear, weighed = _breaks(incumbent, candidate, asked, set(target))
    pairs = sum(map(len, differences.values()))
    gain, interval = _gain(differences)
    verdict, reasons = _outcome(
        wealth >= 1 / asked.level, _would_show(pairs, asked), broken, unclear, faults
    )
    return Verdict(
        verdict=verdict,
        reasons=tuple(reasons),
        faults=faults,
        level=asked.level,
        wealth=wealth,
        needed=1 / asked.level,
        pairs=pairs,
        gain=gain,
        interval=interval,
        path=path,
        cases=len(incumbent.cases),
        trials=trials,
        missing=missing,
        covered=covered,
        guarded=len(weighed),
        broken=broken,
        unclear=unclear,
        evidence={name: each for name, each in weighed.items() if each > 1},
    )


def _outcome(
    is_proven: bool,
    would_show: bool,
    broken: Sequence[str],
    unclear: Sequence[str],
    faults: Sequence[Fault],
) -> tuple[GateOutcome, list[str]]:
    reasons = [each.told for each in faults]
    if broken:
        reasons.append(f"it breaks what works: {', '.join(broken[:10])}")
    if not is_proven:
        reasons.append(
            "no gain is shown, and one of the expected size would have been"
            if would_show
            else "no gain is shown; more trials could show one of the expected size"
        )
    if faults:
        return "undecided" if not broken else "reject", reasons
    if broken or (not is_proven and would_show):
        return "reject", reasons
    if unclear:
        reasons.append(f"whether it breaks these is not clear: {', '.join(unclear[:10])}")
    if unclear or not is_proven:
        return "undecided", reasons
    return "accept", ["it is better on its target, and what works still works"]


def _covered(incumbent: Table, candidate: Table) -> float:
    """The share of trials that tell something, of both, and of the cases that both were tried on."""
    shares = [
        1 - table.missing / table.trials if table.trials else 0.0
        for table in (incumbent, candidate)
    ]
    both = sum(bool(candidate.scores(case)) for case in incumbent.cases)
    return min(*shares, both / len(incumbent.cases) if incumbent.cases else 0.0)


def _proven(
    incumbent: Table, candidate: Table, target: Sequence[str], needed: float
) -> tuple[float, dict[str, list[float]], tuple[float, ...]]:
    """Bet on the pairs in rounds, one of each case in turn; stop where it is proven."""
    differences = {
        case: [
            new - old
            for old, new in zip(incumbent.scores(case), candidate.scores(case), strict=False)
        ]
        for case in target
    }
    wealth, path = Wealth(), []
    best = 0.0
    for turn in range(max(map(len, differences.values()), default=0)):
        wealth.take(each[turn] for each in differences.values() if turn < len(each))
        path.append(wealth.value)
        best = max(best, wealth.value)
    return (best if best >= needed else wealth.value), differences, tuple(path)


def _breaks(
    incumbent: Table, candidate: Table, asked: Asked, target: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, float]]:
    """Weigh each unit that works; those that are broken, those where nobody can say, all of them."""
    bank = Bank(cases={case: _banked(incumbent.scores(case)) for case in incumbent.cases})
    units: dict[str, list[str]] = defaultdict(list)
    for case, trials in incumbent.cases.items():
        is_aim = case in target and bool(asked.target)
        if not is_aim and bank.trials(case) and bank.rate(case) >= GUARDED_FROM:
            mode = next((each.mode for each in trials if each.mode), "")
            units[mode or case].append(case)
    weighed, unclear = {}, []
    for name, cases in units.items():
        both = {case: (bank.cases[case], _banked(candidate.scores(case))) for case in cases}
        weighed[name] = evidence(both)
        if not any(after.trials for _, after in both.values()) or likely(both, _TO) > 1:
            unclear.append(name)
    broken = list(broken_units(weighed, len(units), Care().false))
    for case in asked.must_pass:
        if any(score < 1 for score in candidate.scores(case)):
            broken.append(case)
        elif not candidate.scores(case):
            unclear.append(case)
    left = [name for name in unclear if name not in broken]
    return tuple(dict.fromkeys(broken)), tuple(dict.fromkeys(left)), weighed


def _banked(scores: Iterable[float]) -> Banked:
    each = list(scores)
    return Banked(sum(each), len(each))


def _gain(
    differences: Mapping[str, Sequence[float]],
) -> tuple[float | None, tuple[float, float] | None]:
    """The mean difference and its 95 % interval, cases being drawn and not trials (clustered errors)."""
    means = [sum(each) / len(each) for each in differences.values() if each]
    if not means:
        return None, None
    gain = sum(means) / len(means)
    if len(means) == 1:
        return gain, None
    spread = math.sqrt(sum((each - gain) ** 2 for each in means) / (len(means) - 1) / len(means))
    return gain, (max(-1.0, gain - 1.96 * spread), min(1.0, gain + 1.96 * spread))


def _would_show(pairs: int, asked: Asked) -> bool:
    """True where so many pairs would have shown the gain that the proposal expects."""
    up = min(0.98, asked.gain + (1 - asked.gain) / 8)
    down = up - asked.gain
    growth = max(up * math.log(1 + bet) + down * math.log(1 - bet) for bet, _ in BETS)
    return growth > 0 and pairs * growth >= _SLACK * (math.log(1 / asked.level) + 1)


def _round(value: float) -> float:
    return float(f"{value:.6g}")
