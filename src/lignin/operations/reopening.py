"""Decisions that late feedback puts in doubt: which there are, and what still speaks against one."""

from collections.abc import Iterator, Sequence

from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.harness.laws import LateFinding, why_reopen
from lignin.operations.context import Context
from lignin.operations.detection import feedback_of
from lignin.ports.ledger import View, every_row

DECIDED = ("accepted", "applied", "rejected", "reopened")


def reopenings(
    context: Context, view: View, found: LateFinding
) -> tuple[list[str], tuple[Change, ...]]:
    """The proposals whose decision a finding reopens, and the changes that do it."""
    names, changes = [], []
    for row in _decided(view, found):
        reopened = row.body.get("reopened") if row.state == "reopened" else None
        reasons = why_reopen(
            row.key,
            reopened["from"] if reopened else str(row.state),
            versions_put(row),
            evidence_sessions(view, row) if found.session else (),
            found,
        )
        if reasons:
            names.append(row.key)
            changes.append(context.harness.reopen(context.scope, row, reasons))
    return names, tuple(changes)


def _decided(view: View, found: LateFinding) -> Iterator[Row]:
    if not found.session and not found.versions:
        yield from (row for row in view.rows([f"proposal/{found.proposal}"]).values())
        return
    for state in DECIDED:
        yield from every_row(view, "proposal", state=state)


def versions_put(proposal: Row) -> list[str]:
    """`NAME@DIGEST` of every version that a proposal puts into a slot."""
    return [
        f"{slot}@{change['new']}"
        for slot, change in proposal.body["patch"].items()
        if change["new"]
    ]


def evidence_sessions(view: View, proposal: Row) -> frozenset[str]:
    """The runs that a decision's evidence came from: those it names, and where its versions were seen."""
    named = (proposal.body["decision"] or {}).get("evidence", ())
    versions = view.rows([f"version/{version}" for version in versions_put(proposal)])
    seen = (session for row in versions.values() for session in row.body["sessions"])
    return frozenset(each for each in (*named, *seen) if each)


def doubts(view: View, proposal: Row) -> list[str]:
    """What still speaks against a decision that was reopened, in words."""
    found = []
    for version in versions_put(proposal):
        name = version.partition("@")[0]
        if runs := runs_found_failed(view, version):
            found.append(f"{name}: {runs} runs that used it were found to have failed")
        elif (count := failing_feedback(view, version)) > 0:
            found.append(f"{name}: {count} pieces of feedback say that it failed")
    sessions = view.rows([f"session/{each}" for each in sorted(evidence_sessions(view, proposal))])
    found += [
        f"its evidence {row.key} is held to be {label}"
        for row in sessions.values()
        if (label := feedback_of(row)) in {"failure", "infrastructure"}
    ]
    return found


def runs_found_failed(view: View, version: str) -> int:
    """How many runs that used a version (`NAME@DIGEST`) were later found to have failed."""
    return failing_feedback(view, version, runs=True)


def found_failed(view: View, versions: Sequence[str]) -> dict[str, int]:
    """As `runs_found_failed` for several versions; those without such runs are left out."""
    if not view.page("feedback", state="failure", limit=1).total:
        return {}
    counts = {version: runs_found_failed(view, version) for version in versions}
    return {version: count for version, count in counts.items() if count}


def failing_feedback(view: View, version: str, *, runs: bool = False) -> int:
    """How much of the feedback on a version says that it failed; only that on runs where asked."""
    prefix = f"{version}/run/" if runs else ""
    return view.page("feedback", parent=version, state="failure", prefix=prefix, limit=1).total
