"""Judging what is new and filing it under failure modes: which tasks have something new, and what
they are judged by. Detection and failure modes share this one pass.

A verdict is relative: to the other runs of the task, and to what runs of a source usually do. So the
tasks that something new came to are judged together with a bounded background of others, which are
not filed again; a store that fits into one lot is judged and filed whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.findings import Judgement
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.detection import load_run, told_later
from lignin.ports.ledger import View, every_row
from lignin.traces.detector import load_detectors
from lignin.traces.judgements import Judgements
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
    service, judgements = FailureModes(context.ids), Judgements(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        if _count(view, "judgement") < _count(view, "filing"):
            start = 0  # filed before judgements were kept
        touched = touched_sessions(view, start)
        lots = list(_lots(context, view, touched, lot)) if touched else []
    for number, each in enumerate(lots):
        context.progress("comparing runs", number, len(lots))
        judged = _judged_lot(context, each)
        filings = [filing for filing, _ in judged]
        found = {filing.session: judgement for filing, judgement in judged}
        done = position if number == len(lots) - 1 else start
        context.decide_and_commit(
            lambda view, filings=filings, found=found, done=done: (  # type: ignore[misc]
                None,
                [
                    service.file(view, context.scope, filings, done),
                    *judgements.record(view, context.scope, found),
                ],
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


def _count(view: View, kind: str) -> int:
    return view.page(kind, limit=1).total


def _judged_lot(context: Context, lot: _Lot) -> list[tuple[Filing, Judgement]]:
    """Judge a lot; runs whose outcome was hidden are judged among themselves."""
    with context.view() as view:
        rows = view.rows([f"session/{session}" for session in lot.judged])
        runs = {
            row.key: told_later(row, run)
            for row in rows.values()
            if (run := load_run(context, view, row.key))
        }
    judged: list[tuple[Filing, Judgement]] = []
    for hidden in (False, True):
        part = [rows[f"session/{key}"] for key in sorted(runs)]
        judged += _judged([row for row in part if is_hidden(row) is hidden], runs, lot.filed)
    return judged


def is_hidden(row: Row) -> bool:
    """True for a session that was taken in without what tells its outcome."""
    return bool(row.body.get("outcome_hidden"))


def _judged(
    rows: Sequence[Row], runs: Mapping[str, Trajectory], filed: frozenset[str]
) -> Iterator[tuple[Filing, Judgement]]:
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
        filing = Filing(
            session=row.key,
            task=task_of(row, run),
            verdict=mined[place].judgement.verdict,
            signature=mined[place].signature,
            facts=facts,
        )
        yield filing, mined[place].judgement
