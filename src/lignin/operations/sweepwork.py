"""A sweep: what was fixed on a head is looked at again, the rest is tried, what slid back is searched for.

What it goes by is filed before the first trial, and what it shows together with what is to be searched
for: whoever asks the same after a crash goes on with the very same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.events import Change
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.evals.laws.bank import Banked
from lignin.evals.regressions import Regressions, backslide_id
from lignin.evals.sweeping import Inspected, Inspection, Seen, parse_inspection
from lignin.evals.trials import trials_of
from lignin.operations.bisecting import Search
from lignin.operations.context import Context
from lignin.operations.eval import top_up
from lignin.operations.inspecting import ENOUGH, of_case, seen_live, stands
from lignin.operations.planting import Subject
from lignin.operations.regressing import (
    Fix,
    Log,
    facts_of,
    fixes_in_force,
    is_guarded,
    log_of,
    standing_suspicion,
)
from lignin.operations.subjects import open_subject
from lignin.operations.trialwork import SuiteCase
from lignin.operations.tries import Tries
from lignin.ports.ledger import View, every_row, require_known
from lignin.ports.system import System

FORMAT = "lignin.sweep/1"
_WORKS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeping:
    """What is swept.

    Args:
        fixes: What was fixed on the head and is in the suite, by case; none without a head.
        against: For each of these the system at the revision that fixed it.
    """

    subject: Subject
    suite: Mapping[str, SuiteCase]
    base: System
    log: Log | None
    fixes: Mapping[str, Fix]
    against: Mapping[str, System]
    rotate: bool
    trials: int
    parallel: int

    def sweep(self, number: int) -> str:
        """The id of the sweep with a number of the very same."""
        founding: list[Json] = [
            self.base.digest,
            self.subject.head,
            sorted(case.digest for case in self.suite.values()),
            [self.rotate, self.trials, number],
        ]
        return derive_id("swp", founding)

    @property
    def rest(self) -> list[SuiteCase]:
        """Cases that no fix is about."""
        return [case for name, case in sorted(self.suite.items()) if name not in self.fixes]


def prepare(
    context: Context,
    subject: Subject,
    suite: Sequence[SuiteCase],
    *,
    rotate: bool,
    trials: int,
    parallel: int,
) -> Sweeping:
    """Open the system at what the head holds now, and at each revision that fixed something."""
    cases = {case.name: case for case in suite}
    if not subject.head:
        base = open_subject(context, subject.spec, **subject.options)
        log, fixes, against = None, dict[str, Fix](), dict[str, System]()
    else:
        with context.view() as view:
            log = log_of(context, view, subject.head)
            _, now = context.harness.stable(view, subject.head)
            base = subject.at(context, view, now)
            fixes = {fix.case: fix for fix in fixes_in_force(view, log) if fix.case in cases}
            opened = {
                place: subject.at(
                    context, view, context.harness.revision(view, log.revision(place))
                )
                for place in sorted({fix.position for fix in fixes.values()})
            }
            against = {name: opened[fix.position] for name, fix in fixes.items()}
    return Sweeping(
        subject=subject,
        suite=cases,
        base=base,
        log=log,
        fixes=fixes,
        against=against,
        rotate=rotate,
        trials=trials,
        parallel=parallel,
    )


def find(context: Context, sweeping: Sweeping) -> Row | None:
    """The sweep that was begun and has something left to do, if there is one."""
    with context.view() as view:
        number, last = 0, None
        while (row := view.row(f"sweep/{sweeping.sweep(number)}")) is not None:
            number, last = number + 1, row
        if last is not None and (last.state == "open" or unsearched(view, last)):
            return last
    return None


def unsearched(view: View, sweep: Row) -> list[Row]:
    """What a sweep showed to have slid back and whose search did not come to its end."""
    if not sweep.body["head"]:
        return []
    rows = view.page("backslide", parent=sweep.body["head"], state="open", limit=1000).rows
    return [row for row in rows if row.body["sweep"] == sweep.key]


def open_sweep(context: Context, sweeping: Sweeping) -> tuple[Row, int]:
    """Pay for what the fixed cases are compared with, and fix the plan.

    Returns:
        The row, and how many trials were run.
    """
    paid = 0
    lots: dict[Digest, tuple[System, list[SuiteCase]]] = {}
    for name, system in sweeping.against.items():
        lots.setdefault(system.digest, (system, []))[1].append(sweeping.suite[name])
    for system, cases in lots.values():
        paid += top_up(context, system, cases, ENOUGH, sweeping.parallel)

    def decide(view: View) -> tuple[str, Sequence[Change]]:
        number = 0
        while view.row(f"sweep/{sweeping.sweep(number)}") is not None:
            number += 1
        name = sweeping.sweep(number)
        before = [
            row
            for row in every_row(view, "sweep")
            if row.body["head"] == sweeping.subject.head and row.body["name"] == sweeping.base.name
        ]
        plan = {
            "format": FORMAT,
            "inspection": _inspection(view, sweeping, name).to_json(),
            "modes": _modes(view, sweeping, before),
            "turn": len(before),
        }
        facts: dict[str, Json] = {
            "head": sweeping.subject.head,
            "system": sweeping.base.digest,
            "name": sweeping.base.name,
            "simulated": sweeping.base.simulated,
            "rotate": sweeping.rotate,
            "cases": len(sweeping.suite),
        }
        opened = Regressions(context.ids).open(context.scope, "sweep", name, plan, facts)
        return name, [opened]

    name = context.decide_and_commit(decide)
    with context.view() as view:
        return require_known(view, f"sweep/{name}"), paid


def _inspection(view: View, sweeping: Sweeping, seed: str) -> Inspection:
    """Fresh trials of what was fixed: those that stood when a change was let through would let it through
    again."""
    now = stands(view, sweeping.base.digest)
    cases = {}
    for name, fix in sweeping.fixes.items():
        case, against = sweeping.suite[name], sweeping.against[name].digest
        banked, following = of_case(stands(view, against), case)
        cases[name] = Inspected(
            name=name,
            digest=case.digest,
            grader=case.grader,
            mode=case.mode,
            against=against,
            banked=banked,
            first={
                "incumbent": following + (against == sweeping.base.digest),
                "candidate": of_case(now, case)[1],
            },
            to=1 - float(fix.row.body["margin"]),
            is_likely=standing_suspicion(view, sweeping.subject.head, fix) is not None,
        )
    return Inspection(
        system=sweeping.base.digest,
        cases=cases,
        seed=seed,
        rotate=sweeping.rotate,
        to_the_end=True,
    )


def _modes(view: View, sweeping: Sweeping, before: Sequence[Row]) -> list[list[Json]]:
    """The cases that no fix is about, by mode, and whether the mode worked when the head was last swept:
    where it never did, that it fails tells nothing new."""
    modes: dict[str, list[SuiteCase]] = {}
    for case in sweeping.rest:
        modes.setdefault(case.mode or case.name, []).append(case)
    last = max(before, key=lambda row: str(row.body["opened_at"]), default=None)
    stood = stands(view, last.body["system"] if last else sweeping.base.digest)
    return [
        [mode, [case.name for case in cases], any(_works(of_case(stood, c)[0]) for c in cases)]
        for mode, cases in sorted(modes.items())
    ]


def _works(banked: Banked) -> bool:
    return banked.trials > 0 and banked.scored / banked.trials >= _WORKS


def reach_sweep(context: Context, sweeping: Sweeping, row: Row) -> int:
    """Drive a sweep to its end; what it shows is filed with what is to be searched for.

    Returns:
        How many trials were run.
    """
    with context.view() as view:
        plan = parse_json(view.blob(row.body["plan"]))
    inspection = parse_inspection(plan["inspection"])
    tries = Tries(context, sweeping.parallel)
    context.progress("what was fixed", 0, len(inspection.cases))
    systems = {each.digest: each for each in (sweeping.base, *sweeping.against.values())}
    seen = seen_live(tries, inspection, systems, sweeping.suite)
    tried, paid = _try_rest(context, sweeping, plan)
    told: dict[str, Json] = {
        "broken": list(seen.broken),
        "unclear": list(seen.unclear),
        "tried": sorted({*seen.tried, *tried}),
        "fixed": len(inspection.cases),
        "trials": seen.trials,
        "missing": seen.missing,
        "evidence": {name: float(f"{each:.4g}") for name, each in seen.evidence.items()},
    }

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        if now.state != "open":
            return None, []
        outcome = "backslides" if seen.broken else "unclear" if seen.unclear else "clear"
        exposed = {"exposed": _exposed(view, sweeping)}
        reached = Regressions(context.ids).reach(context.scope, now, outcome, {**told, **exposed})
        came = _Came(sweep=row.key, inspection=inspection, seen=seen)
        return None, [reached, *_shown(context, view, sweeping, came)]

    context.decide_and_commit(decide)
    return tries.paid + paid


def _try_rest(
    context: Context, sweeping: Sweeping, plan: Mapping[str, Json]
) -> tuple[list[str], int]:
    """Try what no fix is about: all of it, or of each mode one, and all of a mode whose one fails."""
    paid, tried = 0, list[str]()
    for number, (_, names, worked) in enumerate(plan["modes"]):
        context.progress("modes", number, len(plan["modes"]))
        chosen = [names[plan["turn"] % len(names)]] if sweeping.rotate else list(names)
        paid += _top_up(context, sweeping, chosen)
        if sweeping.rotate and worked and len(names) > 1:
            with context.view() as view:
                stood = stands(view, sweeping.base.digest)
            if _failed_once(of_case(stood, sweeping.suite[chosen[0]])[0]):
                chosen = list(names)
                paid += _top_up(context, sweeping, chosen)
        tried += chosen
    return tried, paid


def _failed_once(banked: Banked) -> bool:
    return banked.scored < banked.trials


def _top_up(context: Context, sweeping: Sweeping, names: Sequence[str]) -> int:
    cases = [sweeping.suite[name] for name in names]
    return top_up(context, sweeping.base, cases, sweeping.trials, sweeping.parallel)


def _exposed(view: View, sweeping: Sweeping) -> list[Json]:
    """Of each fix how many accepts came after it, those that trials guarded and those that a person waved
    through: so often it could have slid back."""
    log = sweeping.log
    if log is None:
        return []
    guarded = [is_guarded(view, move) for move in log.moves]
    return [
        [
            fix.row.key,
            fix.decision,
            *(
                sum(
                    move.claim != "restore" and guarded[place] is by_trials
                    for place, move in enumerate(log.moves)
                    if place > fix.position
                )
                for by_trials in (True, False)
            ),
        ]
        for fix in sweeping.fixes.values()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """What a look came to, and in which sweep."""

    sweep: str
    inspection: Inspection
    seen: Seen


def _shown(context: Context, view: View, sweeping: Sweeping, came: _Came) -> list[Change]:
    """What opens a search for each case that slid back, and refutes what was suspected for nothing."""
    if sweeping.log is None:
        return []
    seen = came.seen
    regressions, changes = Regressions(context.ids), []
    stable = require_known(view, f"head/{sweeping.log.head}").body["stable"]
    cleared = {name for name in seen.tried if name not in {*seen.broken, *seen.unclear}}
    for name, fix in sweeping.fixes.items():
        suspected = standing_suspicion(view, sweeping.log.head, fix)
        if name in seen.broken:
            key = backslide_id(fix.row.key, sweeping.log.head, sweeping.base.digest)
            known = suspected or view.row(f"backslide/{key}")
            if known is not None and known.state != "suspected":
                continue  # shown before, by the very same system
            facts = {
                **facts_of(fix, sweeping.log.head, stable),
                "source": suspected.body["source"] if suspected else "sweep",
                "why": suspected.body["why"] if suspected else "",
                "sweep": came.sweep,
                "system": sweeping.base.digest,
                "simulated": sweeping.base.simulated,
            }
            search = _search(context, view, sweeping, fix, came.inspection.cases[name])
            changes.append(
                regressions.show(
                    context.scope, known.key if known else key, search.to_json(), facts, suspected
                )
            )
        elif suspected is not None and name in cleared:
            told: dict[str, Json] = {"sweep": came.sweep, "why": "its trials pass as before"}
            changes.append(regressions.refute(context.scope, suspected, told))
    return changes


def _search(context: Context, view: View, sweeping: Sweeping, fix: Fix, seen: Inspected) -> Search:
    assert sweeping.log is not None
    case, first = sweeping.suite[fix.case], seen.first["candidate"]
    later = [move.to for move in sweeping.log.moves[fix.position + 1 :]]
    systems = [
        sweeping.subject.at(context, view, context.harness.revision(view, digest)).digest
        for digest in later
    ]
    now = Banked()
    for row in trials_of(view, sweeping.base.digest):
        body = row.body
        is_of_it = (body["case_digest"], body["grader"]) == (case.digest, case.grader)
        if is_of_it and first <= body["number"] and body["score"] is not None:
            now = now.with_score(float(body["score"]))
    fixed, _ = of_case(stands(view, seen.against), case)
    return Search(
        case=fix.case,
        digest=case.digest,
        grader=case.grader,
        position=fix.position,
        revisions=tuple(later),
        systems=tuple(systems),
        first={each: of_case(stands(view, each), case)[1] for each in systems},
        fixed=fixed,
        now=now,
    )
