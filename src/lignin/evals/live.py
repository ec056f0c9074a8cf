"""A decision that runs its own trials: which trial each ask is, what it comes to. Pure.

A [plan](plans.py) is fixed before the first trial. Its asks are counted on from the trials that stood then:
the third ask of a case is its third trial that nobody can have seen when the change was made. So pairs
are always fresh, a trial is paid once whoever asks for it, and after a crash the same plan asks the same
things in the same order and hears the same answers.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lignin.domain.codec import Json
from lignin.domain.evidence import GateOutcome
from lignin.domain.trials import CHANGED, NOT_BELIEVED, TOLD, trial_row
from lignin.evals.laws.bank import rates_of
from lignin.evals.laws.better import DECLARED_SHARE, Judgement
from lignin.evals.laws.claims import SHOWN, no_worse_level, show_no_worse, with_saving
from lignin.evals.laws.costs import NOTHING_PRICED, Priced, Prices, find_untold, price_all
from lignin.evals.laws.course import Arm, Ask, Course
from lignin.evals.laws.covered import LEAST_COVERED, too_little
from lignin.evals.laws.gain import mean_gain
from lignin.evals.laws.guard import Guarded
from lignin.evals.laws.impact import SHARE
from lignin.evals.laws.must_pass import fails_must_pass, told_breaks
from lignin.evals.laws.predictions import check_prediction
from lignin.evals.laws.recorded import Verdict, paired_differences
from lignin.evals.laws.savings import (
    COST_COLUMNS,
    LATENCY,
    Saving,
    against_costs,
    count_saving,
    forbidden_effects,
    open_costs,
    weigh_saving,
)
from lignin.evals.laws.siblings import weigh_siblings
from lignin.evals.laws.table import Fault, Table, parse_table
from lignin.evals.laws.unseen import find_unseen
from lignin.evals.laws.whole import weigh_whole
from lignin.evals.plans import Plan

Result = TypeVar("Result")
Bodies = Mapping[str, Json]
_SHOWN = 10


def follow(
    course: Course[Result],
    answer: Callable[[Sequence[tuple[Ask, int]]], Sequence[float | None]],
) -> Result:
    """Drive a course to its end.

    Args:
        answer: Is told the asks of a round, each with how often its arm was asked for its case before.
    """
    turns: Counter[Ask] = Counter()
    try:
        asks = next(course)
        while True:
            numbered = []
            for ask in asks:
                numbered.append((ask, turns[ask]))
                turns[ask] += 1
            asks = course.send(tuple(answer(numbered)))
    except StopIteration as stop:
        result: Result = stop.value
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trials:
    """The trials of a decision as tables.

    `before` is what its costs are compared with: the last release where there is one.
    """

    incumbent: Table
    before: Table
    after: Table
    savings: tuple[Saving, ...]


def conclude(
    plan: Plan,
    judged: Judgement,
    trials: Sequence[tuple[Arm, Bodies]],
    released: Sequence[Bodies] = (),
) -> dict[str, Json]:
    """Return the decision as `gate decide` tells its own: the outcome with every number and reason.

    Args:
        trials: All that were asked for, as filed, in the order of the asks.
        released: The trials of the last release that the plan compares with.
    """
    tables = _tables(plan, trials, released)
    # What is tried to guard a case of the target is no pair of the proof, and thins nothing that it lacks.
    proving = trials[: judged.proved_by] if plan.weighs else trials
    faults = (
        *_faults(trials, proving, {*plan.target, *judged.instead}),
        *_untold(plan, tables),
        *_changed_data(plan, trials),
    )
    broken = list(judged.guarded.broken if judged.guarded else ())
    failed = fails_must_pass(plan.must_pass, tables.after, broken)
    outcome, reasons = _upheld(plan, judged, tables)
    # Where it helps elsewhere, what was tried to find that out is no pair.
    pairs = {} if judged.instead else _pairs(plan, _tables(plan, proving, released))
    _, interval = mean_gain(pairs)
    culprits = judged.guarded.culprits if judged.guarded else {}
    against = _against(plan, tables, told_breaks(broken, failed, culprits))
    siblings = judged.siblings or weigh_siblings(pairs, set(plan.hidden) & set(plan.target))
    if siblings is not None and siblings.settled == "overfitted":
        against.append(siblings.told)
        reasons = tuple([each for each in reasons if each != siblings.told])
    proof, guarded = judged.proof_instead or judged.proof, judged.guarded
    missing = sum(body["score"] is None for _, body in trials)
    tried = {unit.name for unit in plan.units() if any(map(tables.after.scores, unit.cases))}
    left_open = open_costs(tables.savings, plan.level)
    verdict = _outcome(outcome, faults, against, left_open)
    if outcome == "accept" and verdict != "accept":
        reasons = ()  # what would have it accepted is no reason why it is not
    told = Verdict(
        verdict=verdict,
        reasons=(*(each.told for each in faults), *against, *left_open, *reasons),
        faults=faults,
        level=plan.level,
        wealth=proof.wealth,
        needed=_needed(plan, judged),
        pairs=proof.pairs,
        gain=proof.gain,
        interval=interval,
        path=proof.path,
        cases=len(plan.cases),
        trials=len(trials),
        missing=missing,
        covered=1 - missing / len(trials) if trials else 1.0,
        guarded=len(plan.units()),
        guarded_tried=len(tried),
        broken=(*broken, *failed),
        broken_before=tuple(name for name in broken if name not in tried),
        unclear=guarded.unclear if guarded else (),
        evidence=dict(guarded.evidence) if guarded else {},
        claim=plan.claim,
        savings=tables.savings,
        hidden=siblings,
        margin_left=judged.weighed.margin_left if judged.weighed else None,
        **_guarded(plan, guarded),
    )
    measured = None if judged.instead or plan.claim != "better" else proof.gain
    kinds = Counter(f"{arm} {body['kind']}" for arm, body in trials)
    return {
        **told.to_json(),
        "ended": proof.ended,
        "ruled_out": _rounded(judged.proof.ruled_out) if plan.claim == "better" else None,
        "target": list(plan.target),
        "instead": list(judged.instead),
        "kinds": dict(sorted(kinds.items())),
        "release": plan.release.release if plan.release else "",
        "impact": _impact(plan),
        "prediction": check_prediction(plan.predicted, measured, interval),
    }


def _guarded(plan: Plan, guarded: Guarded | None) -> dict[str, Any]:
    """What the guard may have missed: in modes, and of all that works together."""
    if guarded is None:
        return {}
    suite = rates_of(list(plan.bank.values()))
    modes = [
        find_unseen(unit.name, unit.cases, guarded.counts, unit.to, suite)
        for unit in plan.units()
        if len(unit.cases) > 1
    ]
    whole = weigh_whole(guarded.counts, suite) if guarded.fallen else None
    return {"modes": tuple(modes), "whole": whole}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _tables(
    plan: Plan, trials: Sequence[tuple[Arm, Bodies]], released: Sequence[Bodies]
) -> _Trials:
    rows: dict[Arm, list[dict[str, Json]]] = {"incumbent": [], "candidate": []}
    for arm, body in trials:
        rows[arm].append(trial_row(body))
    incumbent, after = parse_table(rows["incumbent"]), parse_table(rows["candidate"])
    before = parse_table([trial_row(body) for body in released]) if plan.release else incumbent
    savings = [
        weigh_saving(before, after, column, _known(plan, column), plan.chances)
        for column in COST_COLUMNS
        if _is_weighed(plan, column)
    ]
    counted = [count_saving(column, *both) for column, both in sorted(plan.counted.items())]
    return _Trials(
        incumbent=incumbent,
        before=before,
        after=after,
        savings=(*(each for each in savings if each), *counted),
    )


def _is_weighed(plan: Plan, column: str) -> bool:
    """Times compare only between trials that were run side by side, unless somebody asks for them by name."""
    is_beside = plan.release is None or plan.costs is None
    return column != LATENCY or is_beside or plan.saving == LATENCY


def _known(plan: Plan, column: str) -> Mapping[str, Priced] | None:
    """What is known of the incumbent's costs besides the tables; the release's own are in these."""
    if plan.costs is None:
        return None
    return {} if plan.release else plan.costs.get(column, {})


def _untold(plan: Plan, tables: _Trials) -> tuple[Fault, ...]:
    """The costs that the candidate does not tell; how long a trial takes is for nobody to tell."""
    if plan.costs is None:
        return ()
    columns = [column for column in COST_COLUMNS if column != LATENCY]
    before: Prices = price_all(tables.before, columns)
    if plan.release is None:
        before = {
            column: {
                case: before[column]
                .get(case, NOTHING_PRICED)
                .joined(known.get(case, NOTHING_PRICED))
                for known in (plan.costs.get(column, {}),)
                for case in {**before[column], **known}
            }
            for column in columns
        }
    return find_untold(before, price_all(tables.after, columns))


def _upheld(plan: Plan, judged: Judgement, tables: _Trials) -> tuple[GateOutcome, tuple[str, ...]]:
    """What came of the claim, with what the scores alone do not tell: savings and effects."""
    if judged.outcome == "accept" and judged.weighed is not None:
        shown = with_saving(show_no_worse(judged.weighed, plan.asked), plan.asked, tables.savings)
        return ("accept" if shown.is_shown else "undecided"), (shown.told,)
    if plan.claim == "equivalent":
        shown = SHOWN["equivalent"](tables.before, tables.after, plan.asked, ())
        outcome: GateOutcome = "reject" if shown.is_refuted else "undecided"
        return ("accept" if shown.is_shown else outcome), (shown.told,)
    return judged.outcome, judged.reasons


def _against(plan: Plan, tables: _Trials, breaks: Sequence[str]) -> list[str]:
    """What speaks against it whatever it claims."""
    against = against_costs(tables.savings, plan.level)
    never = set(forbidden_effects(tables.incumbent, tables.after))
    if cases := [c for c in forbidden_effects(tables.before, tables.after) if c in never]:
        against.append(f"it does what is forbidden: {', '.join(cases[:_SHOWN])}")
    return [*against, *breaks]


def _pairs(plan: Plan, tables: _Trials) -> dict[str, list[float]]:
    """Differences by case: of pairs on the target; of no worse, to what the release comes to."""
    if plan.claim == "better" and not plan.target:
        return {}
    if plan.release is None:
        return paired_differences(tables.incumbent, tables.after, plan.target)
    return {
        case: [score - known.scored / known.trials for score in tables.after.scores(case)]
        for case, known in plan.release.bank.items()
    }


def _impact(plan: Plan) -> dict[str, Json]:
    """What of the guarded is touched, and what of the rest is guarded with it."""
    units = plan.units()
    touched = None if plan.touched is None else set(plan.touched)
    hit = [each for each in units if touched is None or touched & set(each.cases)]
    rest = [each for each in units if each not in hit]
    return {
        "cases": None if touched is None else len(touched),
        "touched": len(hit),
        "of": len(units),
        "share": SHARE,
        "sampled": sum(plan.is_sampled(each.name) for each in rest),
    }


def _needed(plan: Plan, judged: Judgement) -> float:
    if plan.claim == "no_worse_and_cheaper":
        return 2 / no_worse_level(plan.level)
    if plan.claim != "better":
        return 1.0
    if judged.proof_instead is None:
        return 1 / plan.level / DECLARED_SHARE
    return (1 / plan.level - DECLARED_SHARE * judged.proof.wealth) / (1 - DECLARED_SHARE)


def _faults(
    trials: Sequence[tuple[Arm, Bodies]],
    proving: Sequence[tuple[Arm, Bodies]],
    target: Collection[str],
) -> tuple[Fault, ...]:
    """What keeps trials from being believed: what a system said that is not so, and too much missing, of all
    or of the target by itself, which the guard's trials must not thin."""
    found: dict[str, list[str]] = {}
    for arm, body in trials:
        if body["kind"] in NOT_BELIEVED:
            where = f"{arm} {body['case']} trial {body['number']}"
            found.setdefault(body["kind"], []).append(where)
    faults = [
        Fault(kind=kind, told=f"{TOLD[kind]}: {', '.join(where[:_SHOWN])}", where=tuple(where[:_SHOWN]))  # type: ignore[arg-type,index]
        for kind, where in sorted(found.items())
    ]  # fmt: skip
    for arm in ("incumbent", "candidate"):
        some = [body for each, body in trials if each == arm]
        aimed = [body for each, body in proving if each == arm and body["case"] in target]
        for of, bodies in (("", some), (" on the target", aimed)):
            if (covered := _told_share(bodies)) < LEAST_COVERED:
                lacking = sorted({str(body["case"]) for body in bodies if body["score"] is None})
                faults.append(too_little(covered, f" of the {arm}{of}", lacking[:_SHOWN]))
                break
    return tuple(faults)


def _changed_data(plan: Plan, trials: Sequence[tuple[Arm, Bodies]]) -> tuple[Fault, ...]:
    """Files that held something else in some trials of a system than in others: it was not the same one."""
    held: dict[tuple[str, str], set[str]] = {}
    for arm, paths in plan.data.items():
        for path, each in paths.items():
            held.setdefault((path, arm), set()).update(each)
    for arm, body in trials:
        for path, digest in body.get("data", {}).items():
            held.setdefault((path, arm), set()).add(digest)
    changed = sorted(key for key, each in held.items() if len(each) > 1 or CHANGED in each)
    if not changed:
        return ()
    told = [f"{path} changed between the trials of the {arm}" for path, arm in changed]
    where = tuple(path for path, _ in changed)[:_SHOWN]
    return (Fault(kind="changed_data", told="; ".join(told[:_SHOWN]), where=where),)


def _told_share(bodies: Sequence[Bodies]) -> float:
    return sum(body["score"] is not None for body in bodies) / len(bodies) if bodies else 1.0


def _outcome(
    outcome: GateOutcome, faults: Sequence[Fault], against: Sequence[str], left_open: Sequence[str]
) -> GateOutcome:
    if against:
        return "reject"
    is_thin = any(each.kind == "too_much_missing" for each in faults)
    if is_thin or ((faults or left_open) and outcome == "accept"):
        return "undecided"
    return outcome
