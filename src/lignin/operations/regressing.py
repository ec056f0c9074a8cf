"""What was fixed, and what slid back: marking, which fixes are in force on a head, reporting.

Whoever sees a fixed failure again (a sweep, late feedback, a canary) says so by `report_backslide`. Nothing
here runs a trial or moves a head.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Change
from lignin.domain.harness import NO_PARENT, diff_revisions, parse_patch
from lignin.domain.states import Row
from lignin.evals.laws.course import Arm
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.live import Bodies
from lignin.evals.regressions import FixedBy, Regressions, backslide_id, kept_cases
from lignin.harness.service import Move
from lignin.operations.context import Context
from lignin.ports.ledger import View, every_row, require_known

Source = Literal["sweep", "feedback", "canary", "person"]


def mark_fixed(
    context: Context,
    view: View,
    decision: Row,
    told: Mapping[str, Json],
    asked: Sequence[tuple[Arm, Bodies]],
) -> list[Change]:
    """The change that marks what a decision showed to be mended: cases of its proven target that the
    candidate passes as often as what is guarded."""
    if told["verdict"] != "accept" or told.get("claim", "better") != "better":
        return []
    mended = set(told.get("instead") or told["target"])
    passed: dict[tuple[str, Digest], list[float]] = defaultdict(list)
    for arm, body in asked:
        if arm == "candidate" and body["score"] is not None and body["case"] in mended:
            passed[body["case"], body["case_digest"]].append(float(body["score"]))
    fixes = [
        FixedBy(
            case=case,
            digest=digest,
            decision=decision.key,
            proposal=decision.body["proposal"],
            system=decision.body["candidate_system"],
            simulated=decision.body["simulated"],
        )
        for (case, digest), scores in sorted(passed.items())
        if sum(scores) / len(scores) >= GUARDED_FROM
    ]
    change = Regressions(context.ids).fixed(view, context.scope, fixes)
    return [change] if change else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A fix that is in force on a head.

    Args:
        row: What is kept of the fixed case.
        decision, proposal: What mended it there; `position` is that move, from 0, the oldest.
    """

    row: Row
    decision: str
    proposal: str
    position: int

    @property
    def case(self) -> str:
        return str(self.row.body["case"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A head's moves, oldest first."""

    head: str
    moves: tuple[Move, ...]

    def revision(self, position: int) -> Digest:
        """What the head stood at after a move."""
        return self.moves[position].to


def is_guarded(view: View, move: Move) -> bool:
    """Whether trials let a move through; else a person did, or nothing was claimed."""
    rows = view.page("decision", parent=move.proposal, state="accept", limit=1).rows
    return bool(move.proposal and rows)


def log_of(context: Context, view: View, head: str) -> Log:
    """The log of a head.

    Raises:
        NotFoundError: There is no such head.
    """
    return Log(head=head, moves=tuple(reversed(context.harness.history(view, head))))


def fixes_in_force(view: View, log: Log) -> list[Fix]:
    """What was fixed on a head and not taken back on purpose; of each case the last fix."""
    places = {move.proposal: number for number, move in enumerate(log.moves) if move.proposal}
    found = []
    for row in every_row(view, "fix", state="kept"):
        mine = [
            Fix(row=row, decision=by["decision"], proposal=by["proposal"], position=place)
            for by in row.body["by"]
            if (place := places.get(by["proposal"])) is not None and not _taken_back(log, place)
        ]
        if mine:
            found.append(max(mine, key=lambda fix: fix.position))
    return sorted(found, key=lambda fix: (fix.case, fix.row.key))


def _taken_back(log: Log, place: int) -> bool:
    """Whether a later rollback put back into a slot of the fix what had stood there before it."""
    for slot, change in parse_patch(log.moves[place].slots).items():
        before: set[Digest | None] = {change.expected}
        for move in log.moves[:place]:
            if (earlier := parse_patch(move.slots).get(slot)) is not None:
                before |= {earlier.expected, earlier.new}
        for move in log.moves[place + 1 :]:
            later = parse_patch(move.slots).get(slot) if move.claim == "restore" else None
            if later is not None and later.new in before - {change.new}:
                return True
    return False


def report_backslide(
    context: Context, view: View, *, case: str, source: Source, why: str, head: str = ""
) -> tuple[list[str], list[Change]]:
    """File that a fixed failure was seen again, on a head or on each where it was fixed.

    It stays suspected until a sweep of the head shows or refutes it.

    Returns:
        The ids of the backslides, new or open before, and the changes that file the new ones.
    """
    heads = [head] if head else [row.key for row in every_row(view, "head")]
    names, changes = [], []
    for each in heads:
        log = log_of(context, view, each)
        for fix in fixes_in_force(view, log):
            if fix.case != case:
                continue
            standing = standing_backslides(view, each, [fix]).get(case)
            row = standing or standing_suspicion(view, each, fix)
            if row is not None:
                names.append(row.key)
                continue
            revision = require_known(view, f"head/{each}").body["stable"]
            name = backslide_id(fix.row.key, each, revision)
            if view.row(f"backslide/{name}") is None:
                facts = {**facts_of(fix, each, revision), "source": source, "why": why}
                changes.append(Regressions(context.ids).suspect(context.scope, name, facts))
                names.append(name)
    return names, changes


def facts_of(fix: Fix, head: str, revision: Digest) -> dict[str, Json]:
    """What every backslide tells of what slid back."""
    return {
        "fix": fix.row.key,
        "case": fix.case,
        "decision": fix.decision,
        "proposal": fix.proposal,
        "head": head,
        "revision": revision,
    }


def standing_suspicion(view: View, head: str, fix: Fix) -> Row | None:
    """A backslide of a fix on a head that was reported and not looked into yet."""
    rows = view.page("backslide", parent=head, state="suspected", limit=1000).rows
    return next((row for row in rows if row.body["fix"] == fix.row.key), None)


def standing_backslides(
    view: View, head: str, fixes: Sequence[Fix], agent: str | None = None
) -> dict[str, Row]:
    """What slid back on a head, was traced to an accept, and is not mended yet; by case.

    One is over where its rollback was applied, where the case was fixed anew since, or where a later sweep
    of the same agent saw it pass as before.

    Args:
        agent: Only of the agent of this name: what one does again another may do as before.
    """
    by_fix = {(fix.row.key, fix.decision): fix.case for fix in fixes}
    rows = view.page("backslide", parent=head, state="named", limit=1000).rows
    mine = {
        case: row
        for row in rows
        if (case := by_fix.get((row.body["fix"], row.body["decision"]))) is not None
        and not _is_rolled_back(view, row)
    }
    if not mine:
        return {}
    sweeps = {row.key: row for row in every_row(view, "sweep") if row.body["head"] == head}
    found = {}
    for case, row in mine.items():
        shown = sweeps[row.body["sweep"]]
        same = [each for each in sweeps.values() if each.body["name"] == shown.body["name"]]
        if agent in (None, shown.body["name"]) and not _passed_since(view, case, shown, same):
            found[case] = row
    return found


def _is_rolled_back(view: View, backslide: Row) -> bool:
    way_back = way_back_of(view, backslide)
    return way_back is not None and way_back.state == "applied"


def way_back_of(view: View, backslide: Row) -> Row | None:
    """The proposal that takes a backslide back: the one that its search made, or what took that one's place."""
    rollback = told_of(view, backslide).get("rollback")
    while rollback and (proposal := view.row(f"proposal/{rollback}")) is not None:
        rollback = proposal.body.get("superseded_by")
        if not rollback:
            return proposal
    return None


def _passed_since(view: View, case: str, shown: Row, sweeps: Sequence[Row]) -> bool:
    for sweep in sweeps:
        if sweep.body["result"] and sweep.body["opened_at"] > shown.body["opened_at"]:
            told = parse_json(view.blob(sweep.body["result"]["told"]))
            if case in told["tried"] and case not in {*told["broken"], *told["unclear"]}:
                return True
    return False


def suspicions_of_run(
    context: Context, view: View, session: Row, why: str
) -> tuple[list[str], list[Change]]:
    """What a run that turned out to have failed says against fixes of its task."""
    filing = view.row(f"filing/{session.key}")
    if filing is None:
        return [], []
    kept = kept_cases(view)
    task = filing.body["task"]
    cases = [row.key for row in view.page("case", parent=task, limit=1000).rows if row.key in kept]
    names, changes = list[str](), list[Change]()
    for case in cases:
        more = report_backslide(context, view, case=case, source="feedback", why=why)
        names += more[0]
        changes += more[1]
    return names, changes


def propose_rollback(
    context: Context, view: View, log: Log, accused: Move, *, why: str, facts: Mapping[str, Json]
) -> tuple[str, list[Change]]:
    """The proposal that takes a head back behind an accept, with the change that opens it.

    Where its slots still hold what it put there only these go back, and what was accepted since stays;
    else the whole revision does. One that is open for the same accept stands for both.
    """
    undoes = accused.proposal or accused.to
    for state in ("open", "undecided", "accepted"):
        for row in view.page("proposal", state=state, parent=log.head, limit=1000).rows:
            if row.body["facts"].get("undoes") == undoes:
                return row.key, []
    stable, now = context.harness.stable(view, log.head)
    before, after = (context.harness.revision(view, d) for d in (accused.came_from, accused.to))
    back = diff_revisions(after, before)
    if any(now.slots.get(slot) != change.expected for slot, change in back.items()):
        back = diff_revisions(now, before)
    extends = None if before.extends == now.extends else before.extends or NO_PARENT
    if not back and extends is None:
        return "", []
    try:
        proposal, opened = context.harness.propose(
            view,
            context.scope,
            head=log.head,
            patch=back,
            claim="restore",
            hypothesis=why,
            facts={**facts, "undoes": undoes},
            extends=extends if before.extends != after.extends else None,
            base=stable,
        )
    except InvalidRequestError:  # the head stands there already
        return "", []
    return proposal, [opened]


def told_of(view: View, row: Row) -> Mapping[str, Json]:
    """What a backslide came to; nothing where it is not known yet."""
    result = row.body["result"]
    if not result or "told" not in result:
        return {}
    told: Mapping[str, Json] = parse_json(view.blob(result["told"]))
    return told
