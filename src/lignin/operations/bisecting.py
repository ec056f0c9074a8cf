"""Searching a head's log for the accept that broke a fixed case, by live trials of old revisions.

Each trial is filed under its revision's own system, so it is paid once, whoever searches. Only fresh ones
are asked for: those that let a change through would speak for it again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.domain.trials import TrialKey
from lignin.evals.laws.backslide import AskAt, Found, find_backslide
from lignin.evals.laws.bank import Banked
from lignin.evals.regressions import Regressions
from lignin.evals.trials import filed_trial
from lignin.operations.context import Context
from lignin.operations.planting import Subject
from lignin.operations.regressing import is_guarded, log_of, propose_rollback
from lignin.operations.trialwork import SuiteCase
from lignin.operations.tries import Tries
from lignin.ports.ledger import View, require_known

FORMAT = "lignin.search/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All that a search goes by.

    Args:
        position: The move that fixed the case, from 0, the head's oldest.
        revisions, systems: What the head stood at after each move since, and the agent with it.
        first: By system, the number of its first fresh trial.
        fixed, now: The case's trials at the fix, and at the newest revision, which showed the break.
    """

    case: str
    digest: Digest
    grader: str
    position: int
    revisions: tuple[Digest, ...]
    systems: tuple[Digest, ...]
    first: Mapping[Digest, int]
    fixed: Banked
    now: Banked

    def keys(self) -> Callable[[AskAt], TrialKey]:
        """Which trial each ask is, in the order of the asks."""
        turns: Counter[Digest] = Counter()

        def key(ask: AskAt) -> TrialKey:
            system = self.systems[ask.revision]
            turns[system] += 1
            number = self.first[system] + turns[system] - 1
            return TrialKey(system=system, case=self.digest, grader=self.grader, number=number)

        return key

    def to_json(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "case": self.case,
            "digest": self.digest,
            "grader": self.grader,
            "position": self.position,
            "revisions": list(self.revisions),
            "systems": list(self.systems),
            "first": dict(sorted(self.first.items())),
            "fixed": [self.fixed.scored, self.fixed.trials],
            "now": [self.now.scored, self.now.trials],
        }


def parse_search(value: Mapping[str, Any]) -> Search:
    """Read a search back from its JSON."""
    return Search(
        case=value["case"],
        digest=value["digest"],
        grader=value["grader"],
        position=int(value["position"]),
        revisions=tuple(value["revisions"]),
        systems=tuple(value["systems"]),
        first=value["first"],
        fixed=Banked(float(value["fixed"][0]), int(value["fixed"][1])),
        now=Banked(float(value["now"][0]), int(value["now"][1])),
    )


def follow_search(search: Search, answer: Callable[[TrialKey], float | None]) -> Found:
    """Drive a search to its end."""
    course = find_backslide(search.case, len(search.revisions), search.fixed, search.now)
    key = search.keys()
    try:
        asks = next(course)
        while True:
            asks = course.send([answer(key(ask)) for ask in asks])
    except StopIteration as stop:
        found: Found = stop.value
        return found


def search_log(
    context: Context, subject: Subject, row: Row, case: SuiteCase, parallel: int = 1
) -> int:
    """Search for the accept that broke a case, name it, and propose to go back behind it.

    Returns:
        How many trials were run.
    """
    with context.view() as view:
        search = parse_search(parse_json(view.blob(row.body["plan"])))
        systems = {
            digest: subject.at(context, view, context.harness.revision(view, revision))
            for digest, revision in zip(search.systems, search.revisions, strict=True)
        }
    tries = Tries(context, parallel)

    def answer(key: TrialKey) -> float | None:
        context.progress("old revisions", tries.paid, None)
        score: float | None = tries.trial(systems[key.system], case, key.number)["score"]
        return score

    found = follow_search(search, answer)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        if now.state != "open":
            return None, []
        return None, _reached(context, view, now, search, found)

    context.decide_and_commit(decide)
    return tries.paid


def search_again(view: View, row: Row) -> tuple[Search, Found]:
    """Come to a search again from the trials that were filed; nothing is run.

    Raises:
        UnfiledError: One was never filed.
    """
    search = parse_search(parse_json(view.blob(row.body["plan"])))

    def answer(key: TrialKey) -> float | None:
        score: float | None = filed_trial(view, key)["score"]
        return score

    return search, follow_search(search, answer)


def tell_found(search: Search, found: Found) -> dict[str, Json]:
    """What a search came to, as it is filed."""
    return {
        "revision": found.revision,
        "likely": [round(each, 4) for each in found.likely],
        "trials": found.trials,
        "revisions": len(search.revisions),
        "fixed": [search.fixed.scored, search.fixed.trials],
        "now": [search.now.scored, search.now.trials],
    }


def _reached(context: Context, view: View, row: Row, search: Search, found: Found) -> list[Change]:
    told = {**tell_found(search, found), "accused": "", "rollback": "", "why": "", "guarded": False}
    regressions = Regressions(context.ids)
    if found.revision is None:
        told["why"] = _why_none(search)
        return [regressions.reach(context.scope, row, "unexplained", told)]
    log = log_of(context, view, str(row.body["head"]))
    accused = log.moves[search.position + 1 + found.revision]
    sure = found.likely[found.revision]
    why = (
        f"{search.case} was fixed by {row.body['decision']} and fails again since "
        f"{accused.proposal or accused.to} ({sure:.0%} sure, {found.trials} trials)"
    )
    facts: dict[str, Json] = {"backslide": row.key, "case": search.case, "evidence": told["likely"]}
    rollback, opened = propose_rollback(context, view, log, accused, why=why, facts=facts)
    told["guarded"] = is_guarded(view, accused)
    told |= {"accused": accused.proposal or accused.to, "rollback": rollback, "why": why}
    return [regressions.reach(context.scope, row, "named", told), *opened]


def _why_none(search: Search) -> str:
    if not search.revisions:
        return "the head did not move since it was fixed: the agent, or the fix itself, is not what it was"
    return "no accept is surely the one: it may only be flaky, or the agent itself changed"
