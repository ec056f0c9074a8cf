"""The engine port on DBOS's system database."""

import json
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos._enqueue_options import build_enqueue_status
from dbos._error import DBOSConflictingWorkflowError, DBOSQueueDeduplicatedError

from lignin.adapters.engine import rows
from lignin.adapters.engine.database import APPLICATION, RUN, VERSION, Database, queues, workers
from lignin.adapters.engine.worker import MOST_RUNS, Worker
from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.ports.engine import (
    ENDED,
    SAME_INPUT,
    Body,
    Queue,
    RunStatus,
    SameInput,
    Start,
    StepRecord,
    Wanted,
)
from lignin.ports.run_values import recorded, require_queue, require_start

FIRST_LOOK_S = 0.005
LAST_LOOK_S = 0.1


class DurableEngine:
    """An engine on one database, under a worker id that no other process ever had."""

    def __init__(self, database: Database, worker_id: str) -> None:
        self._database = database
        self._worker_id = worker_id
        self._worker: Worker | None = None
        self._declared: set[str] = set()
        self._spare: dict[str, int] = {}
        self._lock = threading.Lock()
        self._runs = database.tables.workflow_status

    @property
    def worker_id(self) -> str:
        return self._worker_id

    # -- working

    def launch(self, bodies: Mapping[str, Body], queues: Sequence[Queue]) -> None:
        for queue in queues:
            require_queue(queue)
        with self._lock:
            if self._worker is not None:
                raise InvalidRequestError("this engine works already", hint="launch it once")
            for queue in queues:
                self.declare(queue)
            self._worker = Worker(self._database, self._worker_id, dict(bodies), self._spare)
            self._worker.begin([queue.name for queue in queues])

    def declare(self, queue: Queue) -> None:
        require_queue(queue)
        if queue.name == rows.FORKING:
            raise InvalidRequestError(f"queue {queue.name} is the engine's own", hint="rename it")
        bounds = (queue.worker_concurrency, queue.concurrency, MOST_RUNS)
        self._database.dbos.upsert_queue(
            name=queue.name,
            concurrency=queue.concurrency,
            worker_concurrency=min(bound for bound in bounds if bound is not None),
            rate_limit_max=queue.rate.count if queue.rate else None,
            rate_limit_period_sec=queue.rate.period_s if queue.rate else None,
            partition_concurrency=1 if queue.per_key else None,
            polling_interval_sec=1.0,
            update_existing=True,
        )
        self._declared.add(queue.name)
        self._spare[queue.name] = queue.spare

    def listen(self, queues: Sequence[str]) -> None:
        if self._worker is not None:
            self._worker.listen(queues)

    def close(self, grace_s: float = 0.0) -> None:
        if self._worker is not None:
            self._worker.close(grace_s)
            self._worker = None
        self._database.close()

    def recover(self) -> Sequence[str]:
        worker = self._worker or Worker(self._database, self._worker_id, {}, {})
        return worker.recover()

    # -- starting and steering

    def start(self, start: Start) -> str:
        text = require_start(start)
        self._require_declared(start.queue)
        _, status = build_enqueue_status(
            {
                "workflow_name": RUN,
                "queue_name": start.queue,
                "workflow_id": start.run_id,
                "app_version": VERSION,
                "deduplication_id": start.dedup_key or None,  # type: ignore[typeddict-item]
                "priority": start.priority or None,  # type: ignore[typeddict-item]
                "queue_partition_key": start.key or start.run_id,
                "attributes": {"kind": start.kind, "queue": start.queue, "key": start.key},
                "application_name": APPLICATION,
            },
            self._database.dbos.serializer,
            (None,),
            {},
        )
        status["inputs"] = rows.inputs_text(text)
        if start.timeout_s is not None:
            status["workflow_timeout_ms"] = max(1, int(start.timeout_s * 1000))
        if start.at is not None and start.at.timestamp() > time.time():
            status["status"] = "DELAYED"
            status["delay_until_epoch_ms"] = int(start.at.timestamp() * 1000)
        run_id = self._put(start, status)
        if self._worker is not None:
            self._worker.ring()
        return run_id

    def _put(self, start: Start, status: Any) -> str:
        token = str(uuid.uuid4())
        while True:
            try:
                _, is_new = self._database.dbos.init_workflow(dict(status), creator_xid=token)  # type: ignore[arg-type]
            except DBOSQueueDeduplicatedError:
                held = self._database.dbos.get_deduplicated_workflow(start.queue, start.dedup_key)
                if held is None:
                    continue  # it ended since: the key is free
                return held
            except DBOSConflictingWorkflowError as error:
                raise ConflictError(f"run {start.run_id} is none of ours: {error}") from error
            if not is_new:
                kind = self._row(start.run_id)["attributes"].get("kind")
                if kind != start.kind:
                    raise ConflictError(
                        f"run {start.run_id} is of kind {kind}, not {start.kind}",
                        hint="an id names one run for good: take another",
                    )
            return start.run_id

    def _require_declared(self, name: str) -> None:
        if name not in self._declared:
            if self._database.dbos.get_queue(name) is None:
                raise NotFoundError(
                    f"no queue {name!r} is declared", hint="declare it, or start a worker that does"
                )
            self._declared.add(name)

    def signal(self, run_id: str, topic: str, value: Json, signal_id: str = "") -> None:
        text, _ = recorded("the signal", value)
        self._row(run_id)
        signals = self._database.tables.notifications
        latest = sa.select(sa.func.max(signals.c.created_at_epoch_ms) + 1).where(
            signals.c.destination_uuid == run_id, signals.c.topic == topic
        )
        order = sa.func.max if self._database.is_sqlite else sa.func.greatest
        message_id = f"{signal_id}::{run_id}" if signal_id else str(uuid.uuid4())
        self._database.write(
            lambda on: on.execute(
                self._database.insert(signals)
                .values(
                    destination_uuid=run_id,
                    topic=topic,
                    message=text,
                    message_uuid=message_id,
                    serialization=rows.ENCODING,
                    created_at_epoch_ms=order(
                        self._database.now_ms, sa.func.coalesce(latest.scalar_subquery(), 0)
                    ),
                )
                .on_conflict_do_nothing(index_elements=["message_uuid"])
            )
        )
        if self._worker is not None:
            self._worker.ring()

    def event(self, run_id: str, key: str, timeout_s: float = 0.0) -> Json | None:
        events = self._database.tables.workflow_events
        query = sa.select(events.c.value).where(
            events.c.workflow_uuid == run_id, events.c.key == key
        )
        found = self._look(lambda: self._database.read(query) or None, timeout_s)
        return json.loads(found[0]["value"]) if found else None

    def events(self, run_id: str) -> Mapping[str, Json]:
        events = self._database.tables.workflow_events
        query = sa.select(events.c.key, events.c.value).where(events.c.workflow_uuid == run_id)
        return {row["key"]: json.loads(row["value"]) for row in self._database.read(query)}

    def cancel(self, run_id: str) -> None:
        self._row(run_id)
        self._change(
            run_id,
            self._runs.c.status.not_in(rows.ENDED),
            status="CANCELLED",
            queue_name=None,
            deduplication_id=None,
            completed_at=self._database.now_ms,
        )
        if self._worker is not None:
            self._worker.halt(run_id)

    def resume(self, run_id: str) -> None:
        row = self._row(run_id)
        if row["status"] in ("SUCCESS", "ERROR"):
            raise ConflictError(
                f"run {run_id} has {rows.STATES[row['status']]}", hint="fork it from a step"
            )
        self._change(
            run_id,
            self._runs.c.status.in_(rows.STOPPED),
            status="ENQUEUED",
            queue_name=(row["attributes"] or {}).get("queue"),
            recovery_attempts=0,
            workflow_deadline_epoch_ms=None,
            delay_until_epoch_ms=None,
            started_at_epoch_ms=None,
            completed_at=None,
        )
        if self._worker is not None:
            self._worker.ring()

    def _change(self, run_id: str, when: sa.ColumnElement[bool], **values: Any) -> None:
        """Change a run that nobody owns afterwards, in one statement that is harmless to repeat."""
        self._database.write(
            lambda on: on.execute(
                sa.update(self._runs)
                .where(self._runs.c.workflow_uuid == run_id, when)
                .values(owner_xid=None, updated_at=self._database.now_ms, **values)
            )
        )

    def fork(
        self, run_id: str, *, from_step: int, new_id: str, input: Json | SameInput = SAME_INPUT
    ) -> str:
        row = self._row(run_id)
        about = row["attributes"] or {}
        kept = {"kind": about.get("kind", ""), "queue": about.get("queue", "")}
        text = require_start(
            Start(**kept, run_id=new_id, input=None if isinstance(input, SameInput) else input)
        )
        runs, inputs = self._runs, self._database.tables.workflow_input
        here = sa.select(runs.c.queue_name).where(runs.c.workflow_uuid == new_id)
        if not self._database.read(here):
            self._database.dbos.fork_workflow(
                [run_id],
                [new_id],
                [max(1, from_step)],
                application_version=VERSION,
                queue_name=rows.FORKING,
                queue_partition_key=about.get("key") or new_id,
                workflow_timeout_ms=row["workflow_timeout_ms"],
            )

        def release(on: sa.Connection) -> None:  # nobody takes it before its input is right
            if not isinstance(input, SameInput):
                waits = sa.exists().where(
                    runs.c.workflow_uuid == new_id, runs.c.queue_name == rows.FORKING
                )
                on.execute(
                    sa.update(inputs)
                    .where(inputs.c.workflow_uuid == new_id, waits)
                    .values(inputs=rows.inputs_text(text))
                )
            on.execute(
                sa.update(runs)
                .where(runs.c.workflow_uuid == new_id, runs.c.queue_name == rows.FORKING)
                .values(queue_name=about.get("queue"), priority=max(0, row["priority"]))
            )

        self._database.write(release)
        if self._worker is not None:
            self._worker.ring()
        return new_id

    def pause(self, queue: str) -> None:
        self._set_paused(queue, is_paused=True)

    def unpause(self, queue: str) -> None:
        self._set_paused(queue, is_paused=False)

    def _set_paused(self, name: str, *, is_paused: bool) -> None:
        self._require_declared(name)
        with self._worker.choosing() if self._worker is not None else nullcontext():
            self._database.write(
                lambda on: on.execute(
                    self._database.insert(queues)
                    .values(name=name, paused=is_paused)
                    .on_conflict_do_update(index_elements=["name"], set_={"paused": is_paused})
                )
            )

    # -- telling

    def _row(self, run_id: str, *, whole: bool = False) -> Any:
        query = rows.select_runs(self._database, whole=whole)
        found = self._database.read(query.where(self._runs.c.workflow_uuid == run_id))
        if not found:
            raise NotFoundError(
                f"there is no run {run_id!r:.100}",
                hint="list the runs; one that ended long ago is forgotten",
            )
        return found[0]

    def status(self, run_id: str) -> RunStatus:
        return rows.run_of(self._row(run_id, whole=True))

    def wait(self, run_id: str, timeout_s: float) -> RunStatus:
        def ended() -> bool | None:
            return rows.STATES[self._row(run_id)["status"]] in ENDED or None

        self._look(ended, timeout_s)
        return self.status(run_id)

    def list(self, wanted: Wanted, *, limit: int = 100, offset: int = 0) -> Sequence[RunStatus]:
        query = rows.narrowed(rows.select_runs(self._database, whole=False), self._database, wanted)
        return [rows.run_of(row) for row in self._database.read(query.limit(limit).offset(offset))]

    def steps(self, run_id: str) -> Sequence[StepRecord]:
        self._row(run_id)
        steps = self._database.tables.operation_outputs
        found = self._database.read(
            sa.select(steps).where(steps.c.workflow_uuid == run_id).order_by(steps.c.function_id)
        )
        return [step for row in found if (step := rows.step_of(row)) is not None]

    def queues(self) -> Mapping[str, bool]:
        names = [queue.name for queue in self._database.dbos.list_queues()]
        paused = self._database.read(sa.select(queues.c.name).where(queues.c.paused))
        closed = {row["name"] for row in paused}
        return {name: name in closed for name in sorted(names)}

    def workers(self) -> Mapping[str, datetime]:
        query = sa.select(workers).where(workers.c.lease_until_ms > self._database.now_ms)
        return {
            row["worker_id"]: datetime.fromtimestamp(row["lease_until_ms"] / 1000, UTC)
            for row in self._database.read(query)
        }

    def forget(self, before: datetime, limit: int = 10_000) -> int:
        query = (
            sa.select(self._runs.c.workflow_uuid)
            .where(
                self._runs.c.status.in_(rows.ENDED),
                self._runs.c.completed_at < int(before.timestamp() * 1000),
            )
            .order_by(self._runs.c.completed_at)
            .limit(limit)
        )
        ended = [row["workflow_uuid"] for row in self._database.read(query)]
        for start in range(0, len(ended), 500):
            self._database.dbos.delete_workflows(ended[start : start + 500])
        return len(ended)

    def _look(self, ask: Any, timeout_s: float) -> Any:
        """What `ask` gives once that is not None, or None after `timeout_s`."""
        deadline, pause_s = time.monotonic() + timeout_s, FIRST_LOOK_S
        while (found := ask()) is None and (left_s := deadline - time.monotonic()) > 0:
            time.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 1.5, LAST_LOOK_S)
        return found
