"""Filing what is new under failure modes: which tasks have something new, and what they are judged by.

A verdict is relative: to the other runs of the task, and to what runs of a source usually do. So the
tasks that something new came to are judged together with a bounded background of others, which are
not filed again; a store that fits into one lot is judged and filed whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.errors import LigninError
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.detection import feedback_of
from lignin.operations.intake import load_trajectory
from lignin.ports.ledger import View, every_row
from lignin.traces.detector import load_detectors
from lignin.traces.modes.mine import facts_of, group_of, mine, task_of
from lignin.traces.modes.service import FailureModes, Filing

LOT = 2000
_TOUCHING = frozenset({"session", "record"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lot:
    """Sessions judged together, and those of them that are filed."""

    judged: tuple[str, ...]
    filed: frozenset[str]


def file_new(context: Context, lot: int = LOT) -> None:
    """Judge and file the runs of every task that something new came to.

    Args:
        lot: About how many runs are judged together.
    """
    service = FailureModes(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        touched = touched_sessions(view, start)
        lots = list(_lots(context, view, touched, lot)) if touched else []
    for number, each in enumerate(lots):
        context.progress("comparing runs", number, len(lots))
        filings = _filings(context, each)
        done = position if number == len(lots) - 1 else start
        context.decide_and_commit(
            lambda view, filings=filings, done=done: (  # type: ignore[misc]
                None,
                [service.file(view, context.scope, filings, done)],
            )
        )


def touched_sessions(view: View, after: int) -> list[str]:
    """The sessions with something new after a position of the log."""
    found: dict[str, None] = {}
    while events := view.log(after=after, limit=1000):
        for event in events:
            kind, _, key = event.stream.partition("/")
            if kind in _TOUCHING:
                found[key] = None
        after = events[-1].position
    rows = view.rows([f"session/{session}" for session in found])
    return sorted(row.key for row in rows.values() if "source" in row.body)


def _lots(context: Context, view: View, touched: Sequence[str], lot: int) -> Iterator[_Lot]:
    if view.page("session", limit=1).total <= lot:
        every = tuple(row.key for row in every_row(view, "session") if "source" in row.body)
        yield _Lot(judged=every, filed=frozenset(every))
        return
    tasks: dict[str, set[str]] = {}
    for session in touched:
        row = view.row(f"session/{session}")
        run = load_run(context, view, session)
        if row and run:
            tasks.setdefault(task_of(row, run), set()).add(session)
    for task, sessions in tasks.items():
        sessions.update(_filed_under(view, task))
    background = _background(view, lot // 2)
    pending: set[str] = set()
    for task in sorted(tasks):
        pending |= tasks[task]
        if len(pending) >= lot // 2:
            yield _Lot(judged=tuple(sorted(pending | background)), filed=frozenset(pending))
            pending = set()
    if pending:
        yield _Lot(judged=tuple(sorted(pending | background)), filed=frozenset(pending))


def _background(view: View, most: int) -> set[str]:
    """Whole tasks filed before, about so many runs, the same ones each time."""
    found: set[str] = set()
    for row in view.page("filing", limit=most).rows:
        if len(found) >= most:
            break
        if row.key not in found and row.parent:
            found.update(_filed_under(view, row.parent))
    return found


def _filed_under(view: View, task: str) -> Iterator[str]:
    after: str | None = None
    while True:
        page = view.page("filing", parent=task, after=after, limit=1000)
        yield from (row.key for row in page.rows)
        after = page.next_after
        if after is None:
            return


def load_run(context: Context, view: View, session: str) -> Trajectory | None:
    """A stored run, None where its records no longer parse."""
    try:
        return load_trajectory(context, view, session)
    except LigninError:
        return None


def _filings(context: Context, lot: _Lot) -> list[Filing]:
    """Judge a lot; runs whose outcome was hidden are judged among themselves."""
    with context.view() as view:
        rows = view.rows([f"session/{session}" for session in lot.judged])
        runs = {
            row.key: replace(run, outcome=feedback_of(row) or run.outcome)
            for row in rows.values()
            if (run := load_run(context, view, row.key))
        }
    filings: list[Filing] = []
    for hidden in (False, True):
        part = [row for row in rows.values() if row.key in runs and is_hidden(row) is hidden]
        filings += _judged(part, runs, lot.filed)
    return filings


def is_hidden(row: Row) -> bool:
    """True for a session that was taken in without what tells its outcome."""
    return bool(row.body.get("outcome_hidden"))


def _judged(
    rows: Sequence[Row], runs: Mapping[str, Trajectory], filed: frozenset[str]
) -> Iterator[Filing]:
    sessions = [row.key for row in rows]
    mined = mine([runs[session] for session in sessions], load_detectors())
    for place, row in enumerate(rows):
        if row.key not in filed:
            continue
        run = runs[row.key]
        facts = {
            **facts_of(run),
            "at": next((step.at for step in run.steps if step.at), row.body["started_at"]),
            "harness": row.body["revision"] or run.agent,
            "group": group_of(place, mined, sessions),
        }
        yield Filing(
            session=row.key,
            task=task_of(row, run),
            verdict=mined[place].judgement.verdict,
            signature=mined[place].signature,
            facts=facts,
        )
