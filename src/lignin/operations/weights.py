"""What share of all failures a case stands for: sampling is made up for.

A failure that detection flagged stands for itself. One that only the audit found stands for all
unflagged runs of its stratum, so many for each one that was looked at (Horvitz and Thompson 1952). A
case has the weight of its failed runs and of those of the cases that stand behind it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.detection import feedback_of, judge_stored, stratum_of
from lignin.ports.ledger import View, every_row


def weigh(context: Context, view: View, cases: Sequence[Row]) -> dict[str, float]:
    """Return each case's share of the weight of all failed runs, 0 to 1; merged ones add to theirs."""
    failed = {row.key for row in every_row(view, "filing") if row.body["verdict"] == "failure"}
    weights = _of_runs(context, view, failed)
    total = sum(weights.values())
    found: defaultdict[str, float] = defaultdict(float)
    for row in cases:
        if row.state == "withdrawn" or not total:
            continue
        named = [run["session"] for run in row.body["faulty"]]
        scale = row.body["faulty_runs"] / len(named)
        mine = sum(weights.get(session, 0.0) for session in named) * scale
        found[row.body["into"] or row.key] += mine / total
    return dict(found)


def _of_runs(context: Context, view: View, failed: set[str]) -> Mapping[str, float]:
    """For how many runs each failed run stands."""
    labelled = {
        row.key for row in every_row(view, "session") if "source" in row.body and feedback_of(row)
    }
    if not labelled:
        return dict.fromkeys(failed, 1.0)
    unflagged: Counter[str] = Counter()
    looked_at: Counter[str] = Counter()
    strata: dict[str, str] = {}
    for run in judge_stored(context, with_feedback=False):
        if run.judgement.verdict in ("success", "unknown"):
            stratum = strata[run.session] = stratum_of(run)
            unflagged[stratum] += 1
            looked_at[stratum] += run.session in labelled
    return {
        session: unflagged[strata[session]] / looked_at[strata[session]]
        if session in strata and session in labelled
        else 1.0
        for session in failed
    }
