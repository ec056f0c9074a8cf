"""Decides on recorded trials of two systems: nothing is run, and the order of the rows is nothing. Pure.

The same rules as of a decision that runs its own trials: fresh pairs bet against "no better on the target",
every case that worked is weighed for a break, and all of them together for a small one. What differs is that
all trials are there, so all are used, and that a gain which was not shown is refused only where it would have
been.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from lignin.domain.codec import Json
from lignin.domain.evidence import GateOutcome
from lignin.evals.laws.bank import Banked, Belief, belief_of, expected, rates_of
from lignin.evals.laws.breaks import (
    broken_units,
    culprits,
    evidence,
    missed,
    speaks_for_break,
)
from lignin.evals.laws.claims import (
    NOTHING_WORKS,
    SHOWN,
    Asked,
    Kind,
    Shown,
    banked,
    gain_over,
    with_saving,
)
from lignin.evals.laws.complete import find_unmet
from lignin.evals.laws.copies import find_copies
from lignin.evals.laws.costs import cost_faults, present
from lignin.evals.laws.covered import (
    LEAST_COVERED,
    absent_rows,
    lacking_fault,
    share_told,
    thin_cases,
    thin_fault,
    too_little,
)
from lignin.evals.laws.must_pass import fails_must_pass, told_breaks
from lignin.evals.laws.pairing import draw_pairs, worst_case
from lignin.evals.laws.savings import (
    COST_COLUMNS,
    Saving,
    against_costs,
    forbidden_effects,
    named,
    open_costs,
    weigh_saving,
)
from lignin.evals.laws.siblings import Siblings, weigh_siblings
from lignin.evals.laws.table import Fault, Table, Trial, compare_tables, incomplete
from lignin.evals.laws.unseen import Unseen, find_unseen
from lignin.evals.laws.watch import Care
from lignin.evals.laws.wealth import told_wealth
from lignin.evals.laws.whole import FROM, PART, Fallen, has_fallen, told_lost, weigh_whole

GUARDED_FROM = 0.7
"""A case that the incumbent passes this often works, and must not be broken."""
SOLID_FROM = 0.9
"""One that passes this often was fixed: a break has to be excluded, not only not seen."""
MOST_BROKEN = 0.7
"""Cases that are broken in expectation, where a change is taken to break one of those that work."""
_TO = 0.3
_WEIGHED_WHOLE = frozenset({"better", "no_regression"})
"""Claims of which all that works is weighed together; what is claimed to be no worse bounds its loss itself."""


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
    guarded_tried: int = 0
    broken: tuple[str, ...] = ()
    broken_before: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    evidence: Mapping[str, float] | None = None
    claim: Kind = "better"
    savings: tuple[Saving, ...] = ()
    hidden: Siblings | None = None
    margin_left: float | None = None
    modes: tuple[Unseen, ...] = ()
    whole: Fallen | None = None

    def to_json(self) -> dict[str, Json]:
        """The verdict as a JSON object."""
        return {
            "verdict": self.verdict,
            "claim": self.claim,
            "reasons": list(self.reasons),
            "faults": [each.to_json() for each in self.faults],
            "level": self.level,
            "evidence": told_wealth(self.wealth),
            "needed": told_wealth(self.needed),
            "pairs": self.pairs,
            "gain": None if self.gain is None else round(self.gain, 4),
            "interval": [round(each, 4) for each in self.interval] if self.interval else None,
            "path": [told_wealth(each) for each in self.path],
            "cases": self.cases,
            "trials": self.trials,
            "missing": self.missing,
            "covered": round(self.covered, 4),
            "guarded": self.guarded,
            "guarded_tried": self.guarded_tried,
            "broken": list(self.broken),
            "broken_before": list(self.broken_before),
            "unclear": list(self.unclear),
            "doubts": {
                name: told_wealth(each) for name, each in sorted((self.evidence or {}).items())
            },
            "savings": [each.to_json() for each in self.savings],
            "hidden": self.hidden.to_json() if self.hidden else None,
            "margin_left": None if self.margin_left is None else round(self.margin_left, 4),
            "modes": [each.to_json() for each in self.modes],
            "whole": self.whole.to_json() if self.whole else None,
        }


def decide_recorded(incumbent: Table, candidate: Table, asked: Asked) -> Verdict:
    """Return whether what is claimed of a candidate is shown and nothing is broken, by their trials."""
    faults = (
        *incumbent.faults,
        *candidate.faults,
        *compare_tables(
            incumbent,
            candidate,
            (*asked.target, *asked.hidden),
            asked.must_pass,
            may_equal=asked.claim == "equivalent",
        ),
    )
    if all(each.kind != "same_results" for each in faults):
        faults = (*faults, *find_copies(incumbent, candidate))
    for of, table in (("incumbent", incumbent), ("candidate", candidate)):
        counts = {case: len(trials) for case, trials in table.cases.items()}
        faults = (*faults, *(incomplete(told, of) for told in find_unmet(asked.expected, counts)))
    columns = present((incumbent, candidate), named(COST_COLUMNS, asked.saving))
    faults = (*faults, *cost_faults(incumbent, candidate, columns))
    absent = absent_rows(incumbent, candidate), absent_rows(candidate, incumbent)
    covered = share_told((incumbent, absent[0]), (candidate, absent[1]))
    if covered < LEAST_COVERED:
        faults = (*faults, too_little(covered))
    target = sorted({*asked.target, *asked.hidden} & set(incumbent.cases))
    target = target or ([] if asked.target else sorted(incumbent.cases))
    tried = asked.expected.trials
    before, lost_before = worst_case(incumbent, candidate, target, 1.0, tried)
    after, lost_after = worst_case(candidate, incumbent, target, 0.0, tried)
    draws = draw_pairs(before, after)
    differences = draws[0]
    savings = tuple(
        saving for column in columns if (saving := weigh_saving(incumbent, candidate, column, {}))
    )
    shown = SHOWN[asked.claim](incumbent, candidate, asked, draws)
    if asked.claim == "no_worse_and_cheaper":
        shown = with_saving(shown, asked, savings)
    known = _both(incumbent, candidate)
    units = _guarded(incumbent, asked, known)
    if asked.claim == "no_regression" and not (units or asked.must_pass):
        shown = replace(shown, is_shown=False, told=NOTHING_WORKS)
    thin = [
        *thin_cases(candidate, incumbent, [*chain(*units.values()), *asked.must_pass, *target]),
        *thin_cases(incumbent, candidate, target),
    ]
    if thin:
        faults = (*faults, thin_fault(thin))
    lacking = sorted({*lost_before, *lost_after})
    if asked.claim == "better" and lacking and not shown.is_shown and not thin:
        faults = (*faults, lacking_fault(lacking))
    broken, unclear, weighed, singly = _breaks(candidate, asked, units, known, set(thin))
    failed = fails_must_pass(asked.must_pass, candidate, broken)
    whole = _whole(asked, units, known, set(target))
    breaks = told_breaks(broken, failed, singly)
    against = _harm(incumbent, candidate, asked, savings, breaks)
    siblings = weigh_siblings(differences, asked.hidden)
    if whole is not None and has_fallen(whole.evidence, Care().false):
        against.append("what works passes less often as a whole")
    doubts = [*open_costs(savings, asked.level), *_doubts(unclear, whole, siblings)]
    if asked.claim == "better":
        doubts += told_lost(known.cases, set(target), known.suite)
    verdict, reasons = _outcome(shown, against, doubts, faults, siblings)
    gain, interval = gain_over(draws)
    return Verdict(
        verdict=verdict,
        claim=asked.claim,
        reasons=tuple(dict.fromkeys(reasons)),
        faults=faults,
        level=asked.level,
        wealth=shown.wealth,
        needed=shown.needed,
        pairs=sum(map(len, differences.values())),
        gain=gain,
        interval=interval,
        path=shown.path,
        cases=len(incumbent.cases),
        trials=incumbent.trials + candidate.trials,
        missing=incumbent.missing + candidate.missing + sum(absent),
        covered=covered,
        guarded=len(units),
        guarded_tried=sum(any(map(candidate.scores, cases)) for cases in units.values()),
        broken=(*broken, *failed),
        unclear=unclear,
        evidence={name: each for name, each in weighed.items() if each > 1},
        savings=savings,
        hidden=siblings,
        margin_left=shown.margin_left,
        modes=tuple(
            find_unseen(name, cases, known.cases, _TO, known.suite)
            for name, cases in units.items()
            if len(cases) > 1
        ),
        whole=whole,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Trials of both by case, and how common each rate is in the incumbent's suite."""

    cases: Mapping[str, tuple[Banked, Banked]]
    suite: Belief


def _both(incumbent: Table, candidate: Table) -> _Known:
    before = {case: banked(incumbent.scores(case)) for case in incumbent.cases}
    return _Known(
        cases={case: (each, banked(candidate.scores(case))) for case, each in before.items()},
        suite=rates_of(list(before.values())),
    )


def _whole(
    asked: Asked, units: Mapping[str, Sequence[str]], known: _Known, target: set[str]
) -> Fallen | None:
    """All that works, and what passes at times and is to be no better."""
    if asked.claim not in _WEIGHED_WHOLE:
        return None
    works = set(chain(*units.values()))
    cases = {
        case: both
        for case, both in known.cases.items()
        if case in works or (case not in target and _passes_at_times(both[0], known.suite))
    }
    return weigh_whole(cases, known.suite)


def _passes_at_times(before: Banked, suite: Belief) -> bool:
    return before.scored > 0 and _rate(before, suite) >= FROM


def _outcome(
    shown: Shown,
    against: Sequence[str],
    doubts: Sequence[str],
    faults: Sequence[Fault],
    siblings: Siblings | None,
) -> tuple[GateOutcome, list[str]]:
    if siblings is not None and siblings.settled == "overfitted":
        against = [*against, siblings.told]
    reasons = [*(each.told for each in faults), *against]
    if not shown.is_shown:
        reasons.append(shown.told)
    # That nothing is gained where both hold the same is certain, whoever copied.
    if against or (shown.is_refuted and all(each.kind == "same_results" for each in faults)):
        return "reject", reasons
    if reasons or doubts:
        return "undecided", [*reasons, *doubts]
    return "accept", [shown.told]


def _doubts(unclear: Sequence[str], whole: Fallen | None, siblings: Siblings | None) -> list[str]:
    """What nobody can say by these trials."""
    found = []
    if unclear:
        found.append(f"whether it breaks these is not clear: {', '.join(unclear[:10])}")
    if whole is not None and whole.is_doubtful:
        found.append("whether what works passes less often as a whole is not clear")
    if siblings is not None and siblings.settled == "not clear":
        found.append(siblings.told)
    return found


def _harm(
    incumbent: Table,
    candidate: Table,
    asked: Asked,
    savings: Sequence[Saving],
    breaks: Sequence[str],
) -> list[str]:
    """What speaks against it whatever it gains."""
    found = [*breaks]
    if cases := forbidden_effects(incumbent, candidate):
        found.append(f"it does what is forbidden: {', '.join(cases[:10])}")
    return [*found, *against_costs(savings, asked.level)]


def paired_differences(
    incumbent: Table, candidate: Table, target: Sequence[str]
) -> dict[str, list[float]]:
    """The candidate's scores less the incumbent's, pair by pair."""
    return {
        case: [
            new - old
            for old, new in zip(incumbent.scores(case), candidate.scores(case), strict=False)
        ]
        for case in target
    }


def _guarded(incumbent: Table, asked: Asked, known: _Known) -> dict[str, list[str]]:
    """The cases of each unit that works, in the target or not."""
    units: dict[str, list[str]] = defaultdict(list)
    for case, trials in incumbent.cases.items():
        is_guarded = asked.claim != "restore"
        if is_guarded and _rate(known.cases[case][0], known.suite) >= GUARDED_FROM:
            mode = "" if asked.every_case else _mode(trials)
            units[mode or case].append(case)
    return units


def _mode(trials: Sequence[Trial]) -> str:
    return next((each.mode for each in trials if each.mode), "")


def _breaks(
    candidate: Table,
    asked: Asked,
    units: Mapping[str, Sequence[str]],
    known: _Known,
    thin: set[str],
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, float], dict[str, tuple[str, ...]]]:
    """Weigh each unit that works; those that are broken, those where nobody can say, all of them, and of
    modes that are broken the cases that broke by themselves."""
    suite = known.suite
    both = {name: {case: known.cases[case] for case in cases} for name, cases in units.items()}
    weighed = {name: evidence(cases, suite) for name, cases in both.items()}
    false = Care().false * (1 - PART if asked.claim in _WEIGHED_WHOLE else 1)
    broken = list(broken_units(weighed, len(units), false))
    unclear = [
        name
        for name, cases in both.items()
        if _is_unclear(cases, suite) or not thin.isdisjoint(cases)
    ]
    chances = {name: each / (each + len(units)) for name, each in weighed.items()}
    if sum(chances.values()) > MOST_BROKEN:
        unclear += [name for name, each in weighed.items() if each > 1]
    failed = fails_must_pass(asked.must_pass, candidate)
    unclear += [case for case in asked.must_pass if not candidate.scores(case) or case in thin]
    left = [name for name in unclear if name not in broken and name not in failed]
    singly = {name: culprits(both[name], suite) for name in broken if len(both.get(name, ())) > 1}
    return tuple(dict.fromkeys(broken)), tuple(dict.fromkeys(left)), weighed, singly


def _is_unclear(cases: Mapping[str, tuple[Banked, Banked]], suite: Belief) -> bool:
    """True where nobody can say: it was not tried, or it always passed and, were it broken, might well
    have done as well as it did. In a mode what others pass does not clear a case that failed."""
    if not any(after.trials for _, after in cases.values()):
        return True
    if len(cases) > 1 and any(
        _is_unclear({case: both}, suite) for case, both in cases.items() if _has_failed(both)
    ):
        return True
    is_solid = min(_rate(before, suite) for before, _ in cases.values()) >= SOLID_FROM
    return is_solid and missed(cases, _TO, suite) > Care().missed


def _has_failed(both: tuple[Banked, Banked]) -> bool:
    before, after = both
    mean = after.scored / after.trials if after.trials else 1.0
    return mean < 1 and speaks_for_break(before, mean, _TO)


def _rate(known: Banked, suite: Belief) -> float:
    return expected(belief_of(known, suite)) if known.trials else 0.0
