"""Ledgers with one bug each, as somebody might write them. The load of `load.py` must find every one."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lignin.adapters.store import read, write
from lignin.adapters.store.engine import reading, translated_errors, writing
from lignin.adapters.store.ledger import Answer, SqlLedger
from lignin.domain.commits import Book, Plan, Unit, needed, plan_batch
from lignin.domain.errors import LigninError
from lignin.domain.events import Receipt
from lignin.ports.ledger import View


class ReadsBeforeTheLock(SqlLedger):
    """Loads what it judges on before it holds the store's lock (a deferred begin)."""

    def _commit_together(self, units: Sequence[Unit]) -> list[Answer]:
        with translated_errors(self.url), reading(self.engine) as connection:
            books = read.load_books(connection, needed(units))
        with translated_errors(self.url), writing(self._commits) as connection:
            plan = self._plan(units, books, self._time(connection))
            write.write_plan(connection, plan, books)
        return plan.answers


class _ChangesUnits(SqlLedger):
    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        changed = [tuple(replace(c, **self.drop()) for c in unit) for unit in units]
        return plan_batch(changed, books, now)

    def drop(self) -> dict[str, Any]:
        raise AssertionError("a subclass says what it forgets")


class ForgetsExpects(_ChangesUnits):
    """Never compares before it swaps."""

    def drop(self) -> dict[str, Any]:
        return {"expects": {}}


class IgnoresFences(SqlLedger):
    """Lets anybody change a row under a lease."""

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        for book in books.values():
            for stream, row in book.rows.items():
                if row is not None and row.body.get("lease"):
                    book.rows[stream] = replace(row, body={**row.body, "lease": None})
        return plan_batch(units, books, now)


class ForgetsKeys(_ChangesUnits):
    """Does not look at idempotency keys."""

    def drop(self) -> dict[str, Any]:
        return {"idempotency_key": None}


class _ChangesPlan(SqlLedger):
    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        plan = plan_batch(units, books, now)
        if plan.events:
            self.spoil(plan, books)
        return plan

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        raise AssertionError("a subclass says what it spoils")


class WritesNoReceipts(_ChangesPlan):
    """Looks keys up and never keeps them."""

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        plan.receipts.clear()


class DoesNotAdvanceTheChain(_ChangesPlan):
    """Links every event to the same predecessor."""

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        for book in books.values():
            book.chain = bytes(32)


class LosesRows(_ChangesPlan):
    """Logs the event and now and then forgets the row."""

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        if random.random() < 0.2:
            plan.rows.popitem()


class KeepsOldBodies(_ChangesPlan):
    """Moves a row's seq and keeps its old content: a lost update."""

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        for key, row in plan.rows.items():
            if row.kind == "head" and random.random() < 0.2:
                plan.rows[key] = replace(row, body={**row.body, "moves": row.body["moves"] - 1})


class DropsRecords(_ChangesPlan):
    """Stores all records of an append but the last."""

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        appends = [replace(a, contents=a.contents[:-1] + (b"",)) for a in plan.appends]
        plan.appends[:] = appends


class AnswersAnother(_ChangesPlan):
    """Hands out the receipt that was meant for somebody else."""

    last: tuple[Receipt, ...] | None = None

    def spoil(self, plan: Plan, books: dict[str, Book]) -> None:
        for number, answer in enumerate(plan.answers):
            if isinstance(answer, tuple):
                plan.answers[number] = self.last or answer
                self.last = answer


class AcknowledgesRefusals(SqlLedger):
    """Answers a refused unit as if it had been written."""

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        plan = plan_batch(units, books, now)
        for number, answer in enumerate(plan.answers):
            if isinstance(answer, LigninError):
                receipts = [
                    _receipt(c.space, [e.event_id for e in c.events]) for c in units[number]
                ]
                plan.answers[number] = tuple(receipts)
        return plan


class AcknowledgesBeforeItIsDurable(SqlLedger):
    """Answers first; now and then the transaction does not make it."""

    def _commit_together(self, units: Sequence[Unit]) -> list[Answer]:
        with translated_errors(self.url), self._commits.connect() as plain:
            connection = plain.execution_options(lignin_writing=True)
            with connection.begin() as transaction:
                books = read.load_books(connection, needed(units))
                plan = self._plan(units, books, self._time(connection))
                write.write_plan(connection, plan, books)
                if random.random() < 0.05:
                    transaction.rollback()
        return plan.answers


class CommitsByHalves(SqlLedger):
    """Commits each change of a unit on its own."""

    def _commit_together(self, units: Sequence[Unit]) -> list[Answer]:
        answers: list[Answer] = []
        for unit in units:
            receipts: list[Receipt] = []
            refused = None
            for change in unit:
                (answer,) = super()._commit_together([(change,)])
                if isinstance(answer, LigninError):
                    refused = answer
                    break
                receipts += answer
            answers.append(refused or tuple(receipts))
        return answers


class ClockRunsBack(SqlLedger):
    """Trusts the clock of the machine, which somebody sets back."""

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        for book in books.values():
            book.last_at = ""
        return plan_batch(units, books, now - timedelta(seconds=random.random() * 60))


class LeavesGaps(SqlLedger):
    """Counts a position for what it refused."""

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        for book in books.values():
            if book.position and random.random() < 0.1:
                book.position += 1
        return plan_batch(units, books, now)


class WritesTwice(SqlLedger):
    """Repeats a commit whose answer it believes lost."""

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        again = [u for u in units if random.random() < 0.2 and not u[0].idempotency_key]
        plan = plan_batch([*units, *again], books, now)
        del plan.answers[len(units) :]
        return plan


class _TornView:
    """Asks the store anew for every row."""

    def __init__(self, ledger: SqlLedger, view: View) -> None:
        self._ledger, self._view = ledger, view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def row(self, stream: str) -> Any:
        with SqlLedger.view(self._ledger, self._view.space) as view:
            return view.row(stream)


class TearsViews(SqlLedger):
    """A view whose reads are not of one instant."""

    @contextmanager
    def view(self, space: str) -> Iterator[View]:
        with super().view(space) as view:
            yield _TornView(self, view)  # type: ignore[misc]


def _receipt(space: str, event_ids: list[str]) -> Receipt:
    return Receipt(
        space=space, first_position=1, last_position=1, event_ids=tuple(event_ids) or ("none",)
    )


BUGS: tuple[type[SqlLedger], ...] = (
    ReadsBeforeTheLock,
    ForgetsExpects,
    IgnoresFences,
    ForgetsKeys,
    WritesNoReceipts,
    DoesNotAdvanceTheChain,
    LosesRows,
    KeepsOldBodies,
    DropsRecords,
    AnswersAnother,
    AcknowledgesRefusals,
    AcknowledgesBeforeItIsDurable,
    CommitsByHalves,
    ClockRunsBack,
    LeavesGaps,
    WritesTwice,
    TearsViews,
)

__all__ = ["BUGS"]
