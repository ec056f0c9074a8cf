"""How runs and steps lie in the tables, and back: the only module that knows DBOS's words for states."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from lignin.adapters.engine.database import RUN, Database
from lignin.domain.codec import Json
from lignin.domain.errors import IntegrityError
from lignin.ports.engine import (
    MOST_RECOVERIES,
    Failure,
    RunState,
    RunStatus,
    StepKind,
    StepRecord,
    Wanted,
)
from lignin.ports.run_values import failure_as_json, failure_from_json

ENCODING = "portable_json"
QUEUED = ("ENQUEUED", "DELAYED")
RUNNING = "PENDING"
DEAD = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
STATES: Mapping[str, RunState] = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    RUNNING: "running",
    "SUCCESS": "succeeded",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
    DEAD: "dead",
}
LEFT = -1
"""The priority of a run that a dead worker left: before all that has not begun."""
STOPPED = ("CANCELLED", DEAD)
ENDED = ("SUCCESS", "ERROR", *STOPPED)
FORKING = "lignin.forking"
"""A queue that nobody works off: where a fork lies until its input is written."""


def states_of(states: frozenset[RunState]) -> list[str]:
    """DBOS's words for states."""
    return [word for word, state in STATES.items() if state in states]


def select_runs(database: Database, *, whole: bool) -> sa.Select[Any]:
    """A query for runs, with input and output where `whole`."""
    runs, inputs, outputs = (
        database.tables.workflow_status,
        database.tables.workflow_input,
        database.tables.workflow_output,
    )
    told = (
        runs.c.workflow_uuid,
        runs.c.status,
        runs.c.queue_name,
        runs.c.queue_partition_key,
        runs.c.priority,
        runs.c.recovery_attempts,
        runs.c.executor_id,
        runs.c.created_at,
        runs.c.started_at_epoch_ms,
        runs.c.completed_at,
        runs.c.delay_until_epoch_ms,
        runs.c.workflow_deadline_epoch_ms,
        runs.c.workflow_timeout_ms,
        runs.c.forked_from,
        runs.c.attributes,
        runs.c.serialization,
    )
    if not whole:
        return sa.select(*told).where(runs.c.name == RUN)
    return (
        sa.select(*told, inputs.c.inputs, outputs.c.output, outputs.c.error)
        .select_from(
            runs.outerjoin(inputs, runs.c.workflow_uuid == inputs.c.workflow_uuid).outerjoin(
                outputs, runs.c.workflow_uuid == outputs.c.workflow_uuid
            )
        )
        .where(runs.c.name == RUN)
    )


def narrowed(query: sa.Select[Any], database: Database, wanted: Wanted) -> sa.Select[Any]:
    """A query for runs with what is wanted of them, in order."""
    runs = database.tables.workflow_status
    if wanted.states:
        query = query.where(runs.c.status.in_(states_of(wanted.states)))
    if wanted.kinds:
        query = query.where(runs.c.attributes["kind"].as_string().in_(wanted.kinds))
    if wanted.queues:
        query = query.where(runs.c.attributes["queue"].as_string().in_(wanted.queues))
    if wanted.key:
        query = query.where(runs.c.attributes["key"].as_string() == wanted.key)
    if wanted.id_prefix:
        query = query.where(runs.c.workflow_uuid.startswith(wanted.id_prefix, autoescape=True))
    if wanted.since is not None:
        query = query.where(runs.c.created_at >= _ms_of(wanted.since))
    if wanted.until is not None:
        query = query.where(runs.c.created_at < _ms_of(wanted.until))
    if wanted.newest_first:
        return query.order_by(runs.c.created_at.desc(), runs.c.workflow_uuid.desc())
    return query.order_by(runs.c.created_at, runs.c.workflow_uuid)


def run_of(row: Mapping[str, Any]) -> RunStatus:
    """A run of a row of `select_runs`."""
    state = STATES[row["status"]]
    about = row["attributes"] or {}
    ended = state in ("succeeded", "failed", "cancelled", "dead")
    return RunStatus(
        run_id=row["workflow_uuid"],
        kind=about.get("kind", ""),
        state=state,
        queue=about.get("queue", row["queue_name"] or ""),
        created_at=_instant(row["created_at"]),
        priority=max(0, row["priority"]),
        key=about.get("key", ""),
        input=input_of(row) if "inputs" in row else None,
        output=json.loads(row["output"]) if row.get("output") else None,
        failure=_failure(row, state),
        attempts=row["recovery_attempts"] or 0,
        worker=row["executor_id"] or "",
        due_at=_instant(row["delay_until_epoch_ms"]) if row["delay_until_epoch_ms"] else None,
        started_at=_instant(row["started_at_epoch_ms"]) if row["started_at_epoch_ms"] else None,
        ended_at=_instant(row["completed_at"]) if ended and row["completed_at"] else None,
        forked_from=row["forked_from"] or "",
    )


def input_of(row: Mapping[str, Any]) -> Json:
    """The input of a run's row.

    Raises:
        IntegrityError: The row is not one of ours.
    """
    if row["serialization"] != ENCODING:
        raise IntegrityError(
            f"run {row['workflow_uuid']} is encoded as {row['serialization']!r:.40},"
            f" expected {ENCODING}",
            hint="somebody else wrote it: find out who may write to the engine's database",
        )
    try:
        return json.loads(row["inputs"])["positionalArgs"][0]
    except (TypeError, ValueError, LookupError) as error:
        raise IntegrityError(f"run {row['workflow_uuid']} has no readable input") from error


def inputs_text(text: str) -> str:
    """The column `inputs` of an input's recorded text."""
    return f'{{"namedArgs":{{}},"positionalArgs":[{text}]}}'


def _failure(row: Mapping[str, Any], state: RunState) -> Failure | None:
    if row.get("error"):
        try:
            return failure_from_json(json.loads(row["error"]))
        except ValueError:
            return failure_from_json(row["error"])
    if state == "dead":
        if (row["recovery_attempts"] or 0) > MOST_RECOVERIES + 1:
            told = f"its worker died {row['recovery_attempts'] - 1} times while it ran"
            return Failure(code="limited", message=told, hint="find out why; then resume it")
        kind = (row["attributes"] or {}).get("kind", "")
        told = f"no body of kind {kind!r} is known to the worker that took it"
        return Failure(code="not_found", message=told, hint="start a worker that knows it; resume")
    due = row["workflow_deadline_epoch_ms"]
    if state == "cancelled" and due and row["completed_at"] and row["completed_at"] >= due:
        told = f"it ran longer than {row['workflow_timeout_ms'] / 1000:g} s"
        return Failure(code="limited", message=told, hint="resume it, or give it more time")
    return None


# -- steps

DEADLINE = "until"
LABELS: Mapping[StepKind, str] = {
    "step": "step:",
    "sleep": "sleep",
    "wait": "wait:",
    "publish": "publish:",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What is recorded at a place in a run: a value or a failure, under a label."""

    label: str
    value: Json = None
    failure: Failure | None = None
    attempt: int = 1


def noted_as_text(value_text: str | None, failure: Failure | None, attempt: int) -> str:
    """The recorded text of an outcome; a value comes encoded."""
    if failure is not None:
        return json.dumps({"f": failure_as_json(failure), "a": attempt})
    return f'{{"a":{attempt},"v":{value_text or "null"}}}'


def noted_of(row: Mapping[str, Any]) -> Noted:
    """What a row of `operation_outputs` records.

    Raises:
        IntegrityError: The row is not one of ours.
    """
    if row["serialization"] != ENCODING or row["output"] is None:
        raise IntegrityError(
            f"step {row['function_id']} of run {row['workflow_uuid']} is encoded as"
            f" {row['serialization']!r:.40}, expected {ENCODING}",
            hint="somebody else wrote it: find out who may write to the engine's database",
        )
    told = json.loads(row["output"])
    return Noted(
        label=row["function_name"],
        value=told.get("v"),
        failure=failure_from_json(told["f"]) if "f" in told else None,
        attempt=told.get("a", 1),
    )


def step_of(row: Mapping[str, Any]) -> StepRecord | None:
    """A step of a row of `operation_outputs`, or None of one that is a wait's deadline."""
    noted = noted_of(row)
    kind = next((kind for kind, label in LABELS.items() if noted.label.startswith(label)), None)
    if kind is None:
        return None
    return StepRecord(
        number=row["function_id"],
        name=noted.label.removeprefix(LABELS[kind]),
        kind=kind,
        attempt=noted.attempt,
        output=None if kind == "sleep" else noted.value,
        failure=noted.failure,
        started_at=_instant(row["started_at_epoch_ms"]) if row["started_at_epoch_ms"] else None,
        ended_at=_instant(row["completed_at_epoch_ms"]) if row["completed_at_epoch_ms"] else None,
    )


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _ms_of(at: datetime) -> int:
    return int(at.timestamp() * 1000)
