"""How routines fare where they are served, and the proposal to go back to an agent when they no longer do.

A hand-over is held against how often it happened when the program was proven. What is kept of a reason
is what kind it was and the places it names, never what a tool said.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.events import Change, NewEvent
from lignin.domain.states import Row
from lignin.governance.laws.drift import after, usual_rate, wealth_of
from lignin.operations.context import Context
from lignin.operations.off_heads import open_ones, propose_removal
from lignin.ports.ledger import View, require_known

MOST_REASONS = 20
_GUARD = re.compile(
    r"(\S+ needs \S+(?= to be )|\S+ needs one of [^;]+?(?=, not \d)"
    r"|\S+ returned nothing where [^;]+? was expected)"
)
_ERROR = re.compile(r"(?:ToolError: )?(\w+): ")


def reason_of(why: str) -> str:
    """Return which guard it was, or what kind of failure, without anything a tool said."""
    guard = _GUARD.match(why)
    if guard:
        return guard[1][:200]
    error = _ERROR.match(why)
    if error is None:
        return "other"
    return error[1] if error[1].endswith("Error") else f"refused: {error[1]}"


def count_run(
    context: Context, head: str, ended: Sequence[str], handed_over: str, why: str
) -> list[str]:
    """Count one served task for its routines; return the proposals that it leads to.

    Args:
        ended: Routines that came to their end.
        handed_over: The one that did not; empty where there is none.
        why: Why it did not.
    """
    proposals = []
    for routine in dict.fromkeys([*ended, *([handed_over] if handed_over else [])]):
        reason = reason_of(why) if routine == handed_over else ""
        proposals.append(
            context.decide_and_commit(
                lambda view, routine=routine, reason=reason: _count(  # type: ignore[misc]
                    context, view, head, routine, reason
                )
            )
        )
    return [proposal for proposal in proposals if proposal]


def _count(
    context: Context, view: View, head: str, routine: str, reason: str
) -> tuple[str, list[Change]]:
    row = require_known(view, f"routine/{routine}")
    tally = _counted(row, reason)
    proposal = ""
    changes: list[Change] = []
    if tally["has_grown"] and not open_ones(view, [tally["proposal"]]):
        proposal, changes = _propose(context, view, head, row, tally)
        tally["proposal"] = proposal or tally["proposal"]
    event = NewEvent(
        stream=row.stream,
        type="routine.counted",
        payload=tally,
        event_id=context.ids.new("evt"),
    )
    change = context.scope.change(events=(event,), expects={row.stream: row.seq})
    return proposal, [change, *changes]


def _counted(row: Row, reason: str) -> dict[str, Any]:
    before: Mapping[str, Any] = row.body.get("served") or {
        "runs": 0, "handed_over": 0, "reasons": {}, "bets": None, "proposal": "",
    }  # fmt: skip
    proof = row.body["proof"]
    usual = usual_rate(proof.get("handed_over", 0), proof["uses"])
    wealth = (
        wealth_of(before["runs"], before["bets"]) if before["bets"] else wealth_of(0, (0.0,) * 3)
    )
    wealth = after(wealth, bool(reason), usual)
    reasons = dict(before["reasons"])
    if reason and (reason in reasons or len(reasons) < MOST_REASONS):
        reasons[reason] = reasons.get(reason, 0) + 1
    return {
        "runs": wealth.runs,
        "handed_over": before["handed_over"] + bool(reason),
        "reasons": reasons,
        "usual": usual,
        "bets": list(wealth.bets),
        "evidence": wealth.total,
        "has_grown": bool(before.get("has_grown")) or wealth.has_grown,
        "proposal": before["proposal"],
    }


def _propose(
    context: Context, view: View, head: str, row: Row, tally: Mapping[str, Any]
) -> tuple[str, list[Change]]:
    """The proposal to take a routine off a head; none where the head has it no more."""
    why = (
        f"hands over in {tally['handed_over']} of {tally['runs']} tasks, more often than "
        f"{tally['usual']:.2f} (evidence {tally['evidence']:.0f}): go back to an agent"
    )
    facts: dict[str, Json] = {"routine": row.key, "reasons": tally["reasons"]}
    return propose_removal(context, view, head, row.body["proof"]["artifact"], why=why, facts=facts)
