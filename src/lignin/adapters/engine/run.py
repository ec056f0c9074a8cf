"""A run as its body sees it: every verb looks up what is recorded, else does it and records it.

Only the execution that holds a run's ownership token records: the check and the record are one
transaction. So whoever lost a run (cancelled, taken over, frozen and woken) finds out at the next verb.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import sqlalchemy as sa
from dbos._error import DBOSStepNondeterminismError, DBOSWorkflowConflictIDError
from sqlalchemy.exc import SQLAlchemyError

from lignin.adapters.engine import rows
from lignin.adapters.engine.database import Database
from lignin.domain.codec import Json
from lignin.domain.errors import IntegrityError, InvalidRequestError
from lignin.ports.engine import ONCE, Failure, Retry, RunStopped
from lignin.ports.run_values import (
    error_of,
    failure_of,
    is_worth_retrying,
    recorded,
    require_seconds,
    retry_wait_s,
)

LOOK_S = 1.0
"""How often a wait looks by itself whether its signal came, should the bell have been missed."""


class DurableRun:
    """The `Run` of one execution of a body, which holds `token`."""

    def __init__(self, database: Database, run_id: str, token: str, attempt: int) -> None:
        self.id = run_id
        self.attempt = attempt
        self.token = token
        self.halt = threading.Event()
        self.lost = threading.Event()
        self.bell = threading.Event()
        self.awaits = ""
        self.was_stopped = False
        self._database = database
        self._next = 1
        self._recorded: Mapping[int, rows.Noted] = {}
        self._step_key = ""

    def load(self) -> None:
        """Read what earlier executions recorded.

        Raises:
            IntegrityError: A row is not one of ours.
        """
        steps = self._database.tables.operation_outputs
        found = self._database.read(sa.select(steps).where(steps.c.workflow_uuid == self.id))
        self._recorded = {row["function_id"]: rows.noted_of(row) for row in found}

    @property
    def step_key(self) -> str:
        if not self._step_key:
            raise InvalidRequestError("step_key is asked for outside a step")
        return self._step_key

    def stopped(self) -> bool:
        return self.lost.is_set()

    def lose(self) -> None:
        """Tell the execution that the run is not its own any more: also what a step does may end."""
        self.lost.set()
        self.halt.set()
        self.bell.set()

    def step(self, name: str, do: Callable[[], Json], retry: Retry = ONCE) -> Json:
        first, attempt = self._next, 1
        while True:
            number = self._take()
            noted = self._noted(number, f"step:{name}")
            if noted is None:
                noted = self._do(number, f"step:{name}", do, first, attempt)
            if noted.failure is None:
                return noted.value
            if not is_worth_retrying(retry, noted.failure, attempt):
                raise error_of(noted.failure)
            self.sleep(retry_wait_s(retry, attempt))
            attempt += 1

    def sleep(self, seconds: float) -> None:
        require_seconds("seconds", seconds)
        until_s = self._until(self._take(), rows.LABELS["sleep"], seconds)
        while (left_s := until_s - time.time()) > 0:
            if self.halt.wait(min(left_s, 3600)):
                self._stop()

    def wait(self, topic: str, timeout_s: float) -> Json | None:
        require_seconds("timeout_s", timeout_s)
        deadline, number = self._take(), self._take()
        label = f"wait:{topic}"
        if (noted := self._noted(number, label)) is not None:
            return noted.value
        until_s = self._until(deadline, rows.DEADLINE, timeout_s)
        started_ms = _now_ms()
        self.awaits = topic
        try:
            while True:
                self.bell.clear()
                left_s = until_s - time.time()
                taken = self._take_signal(number, label, topic, started_ms, final=left_s <= 0)
                if taken is not None:
                    return taken.value
                self.bell.wait(min(left_s, LOOK_S))
                if self.halt.is_set():
                    self._stop()
        finally:
            self.awaits = ""

    def publish(self, key: str, value: Json) -> None:
        number, label = self._take(), f"publish:{key}"
        if self._noted(number, label) is not None:
            return
        text, _ = recorded(f"the value published as {key}", value)
        self._record(number, label, _now_ms(), text, before=lambda on: self._put(on, key, text))

    # -- recording

    def _take(self) -> int:
        if self._step_key:
            raise InvalidRequestError(
                "a step used a verb of its run", hint="steps do not nest: return, then go on"
            )
        number, self._next = self._next, self._next + 1
        return number

    def _noted(self, number: int, label: str) -> rows.Noted | None:
        """What is recorded at a place, else None after a look whether the run may go on here."""
        noted = self._recorded.get(number)
        if noted is not None and noted.label != label:
            raise IntegrityError(
                f"place {number} of run {self.id} is recorded as {noted.label!r}, the body asks for"
                f" {label!r}",
                hint="the body is not the one that began: fork the run from before that place",
                run_id=self.id,
            )
        if self.halt.is_set():
            self._stop()
        if noted is None:
            self._guarded(self._require_mine)
        return noted

    def _do(
        self, number: int, label: str, do: Callable[[], Json], first: int, attempt: int
    ) -> rows.Noted:
        started_ms = _now_ms()
        self._step_key = f"{self.id}/{first}"
        text, value, failure = "null", None, None
        try:
            text, value = recorded(f"what {label} gave", do())
        except Exception as error:
            failure = failure_of(error)
        finally:
            self._step_key = ""
        self._record(number, label, started_ms, text, failure=failure, attempt=attempt)
        return rows.Noted(label=label, value=value, failure=failure, attempt=attempt)

    def _until(self, number: int, label: str, seconds: float) -> float:
        noted = self._noted(number, label)
        if noted is not None:
            return float(noted.value)
        until_s = time.time() + seconds
        self._record(number, label, _now_ms(), json.dumps(until_s))
        return until_s

    def _take_signal(
        self, number: int, label: str, topic: str, started_ms: int, *, final: bool
    ) -> rows.Noted | None:
        """The oldest signal of a topic, taken and recorded in one; when `final`, also its absence."""
        signals, steps = (
            self._database.tables.notifications,
            self._database.tables.operation_outputs,
        )
        mine = (
            (signals.c.destination_uuid == self.id)
            & (signals.c.topic == topic)
            & signals.c.consumed.is_(False)
        )
        oldest = (
            sa.select(signals.c.message_uuid)
            .where(mine)
            .order_by(signals.c.created_at_epoch_ms, signals.c.message_uuid)
            .limit(1)
        )

        def take(on: sa.Connection) -> rows.Noted | None:
            self._database.dbos._check_owner_txn(on, self.id, self.token)
            here = (steps.c.workflow_uuid == self.id) & (steps.c.function_id == number)
            done = on.execute(sa.select(steps).where(here)).mappings().first()
            if done is not None:  # a commit whose answer was lost
                return rows.noted_of(dict(done))
            taken = on.execute(
                sa.update(signals)
                .where(signals.c.message_uuid == oldest.scalar_subquery())
                .values(consumed=True, consumed_by_function_id=number)
                .returning(signals.c.message)
            ).scalar()
            if taken is None and not final:
                return None
            text = taken if taken is not None else "null"
            noted = rows.noted_as_text(text, None, 1)
            self._insert(on, number, label, (started_ms, _now_ms()), noted)
            return rows.Noted(label=label, value=json.loads(text))

        if not final and not self._guarded(lambda: self._database.read(oldest)):
            return None
        noted: rows.Noted | None = self._guarded(lambda: self._database.write(take))
        return noted

    def _put(self, on: sa.Connection, key: str, text: str) -> None:
        tables = self._database.tables
        same = {"value": text, "serialization": rows.ENCODING}
        place = {"workflow_uuid": self.id, "key": key}
        on.execute(
            self._database.insert(tables.workflow_events)
            .values(**place, **same)
            .on_conflict_do_update(index_elements=["workflow_uuid", "key"], set_=same)
        )
        on.execute(
            self._database.insert(tables.workflow_events_history)
            .values(**place, **same, function_id=self._next - 1)
            .on_conflict_do_update(
                index_elements=["workflow_uuid", "key", "function_id"], set_=same
            )
        )

    def _record(
        self,
        number: int,
        label: str,
        started_ms: int,
        text: str,
        *,
        failure: Failure | None = None,
        attempt: int = 1,
        before: Callable[[sa.Connection], None] = lambda _on: None,
    ) -> None:
        ended_ms = _now_ms()
        noted = rows.noted_as_text(text, failure, attempt)

        def insert(on: sa.Connection) -> None:
            self._database.dbos._check_owner_txn(on, self.id, self.token)
            before(on)
            self._insert(on, number, label, (started_ms, ended_ms), noted)

        self._guarded(lambda: self._database.write(insert))

    def _insert(
        self,
        on: sa.Connection,
        number: int,
        label: str,
        times_ms: tuple[int, int],
        noted: str,
    ) -> None:
        self._database.dbos._record_operation_result_txn(
            {
                "workflow_uuid": self.id,
                "function_id": number,
                "function_name": label,
                "started_at_epoch_ms": times_ms[0],
                "output": noted,
                "error": None,
                "child_workflow_id": None,
                "serialization": rows.ENCODING,
            },
            times_ms[1],
            on,
        )

    def _require_mine(self) -> None:
        runs = self._database.tables.workflow_status
        owner = self._database.read(
            sa.select(runs.c.owner_xid).where(runs.c.workflow_uuid == self.id)
        )
        if not owner or owner[0]["owner_xid"] != self.token:
            raise DBOSWorkflowConflictIDError(self.id)

    def _guarded(self, do: Callable[[], Any]) -> Any:
        """Do something with the database; what ends this execution there, stops the run here."""
        try:
            return do()
        except (DBOSWorkflowConflictIDError, DBOSStepNondeterminismError) as error:
            self.lose()
            self._stop(error)
        except SQLAlchemyError as error:  # not for the body to handle: the run is taken up again
            self._stop(error)

    def _stop(self, cause: BaseException | None = None) -> NoReturn:
        self.was_stopped = True
        raise RunStopped(f"run {self.id} may not go on here") from cause


def _now_ms() -> int:
    return int(time.time() * 1000)
