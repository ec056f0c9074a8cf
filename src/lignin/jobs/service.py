"""Changes that open, end, cancel, retry and fork jobs. Owns streams `job/`, `dedup/`, `lane/`, `worker/`.

Nothing here commits, and nothing here runs a job.
"""

from collections.abc import Iterator, Mapping

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, digest_json
from lignin.domain.errors import ConflictError, InvalidRequestError, LimitedError
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.jobs import (
    MAX_INPUT_BYTES,
    MAX_SIGNALS,
    Job,
    JobAsked,
    JobEnd,
    JobError,
    JobSpent,
    job_of_occurrence,
    parse_lane,
    require_job,
)
from lignin.domain.states import Row
from lignin.domain.states.jobs import parse_job
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row, require_known


class Jobs:
    """The life of jobs, and of the workers that take them."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def open(self, view: View, scope: Scope, asked: JobAsked) -> tuple[str, Change | None]:
        """The id of the job that is asked for, and the change that opens it; None where it is there.

        It is there where its occurrence opened one before, whatever became of that, or where a job of
        the same `dedup` is open in its queue.

        Raises:
            InvalidRequestError, LimitedError: As `require_job`.
            ConflictError: (when committed) Somebody opened the same in the meantime: ask again.
        """
        require_job(asked)
        if asked.occurrence:
            name = job_of_occurrence(asked.source, asked.occurrence)
            if view.row(f"job/{name}") is not None:
                return name, None
        else:
            name = self._ids.new("job")
        events = [self._event(f"job/{name}", "job.opened", asked.to_json())]
        expects = {f"job/{name}": 0}
        if asked.dedup:
            claim = _claim_of(asked)
            row = view.row(claim)
            if row is not None and _is_open(view, row.body["job"]):
                return str(row.body["job"]), None
            events.append(self._event(claim, "job.claimed", {"job": name}))
            expects[claim] = row.seq if row else 0
        return name, scope.change(events=tuple(events), expects=expects)

    def end(
        self,
        view: View,
        scope: Scope,
        job: Job,
        state: JobEnd,
        *,
        output: bytes | None = None,
        error: JobError | None = None,
        attempts: int = 1,
        spent: JobSpent | None = None,
    ) -> Change | None:
        """The change that ends a turn of a job; None where that is over already.

        Args:
            output: Canonical JSON without secrets; kept as a blob.
        """
        stream = f"job/{job.id}"
        row = require_known(view, stream)
        if row.state != "open" or row.body["turn"] != job.turn:
            return None
        digest: Digest | None = None if output is None else digest_bytes(output)
        payload: dict[str, Json] = {
            "state": state,
            "output": digest,
            "error": None if error is None else error.to_json(),
            "attempts": attempts,
            "spent": (spent or JobSpent()).to_json(),
        }
        blobs = (
            ()
            if output is None or digest is None
            else (Blob(stream=stream, digest=digest, content=output),)
        )
        event = self._event(stream, "job.ended", payload)
        return scope.change(events=(event,), blobs=blobs, expects={stream: row.seq})

    def cancel(self, view: View, scope: Scope, name: str, reason: str) -> Change | None:
        """The change that cancels a job; None where it is cancelled already.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It has ended.
        """
        row = require_known(view, f"job/{name}")
        if row.state == "cancelled":
            return None
        return self._move(scope, row, "job.cancelled", {"reason": reason})

    def retry(self, view: View, scope: Scope, name: str, reason: str) -> Change:
        """The change that opens a job once more that did not succeed.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It is open or succeeded, or another one stands in for it meanwhile.
        """
        row = require_known(view, f"job/{name}")
        job = parse_job(row)
        change = self._move(scope, row, "job.retried", {"reason": reason})
        if not job.asked.dedup:
            return change
        claim = _claim_of(job.asked)
        claimed = require_known(view, claim)
        if claimed.body["job"] != name and _is_open(view, claimed.body["job"]):
            raise ConflictError(
                f"job {claimed.body['job']!r} does the same and is open",
                hint="wait for that one, or cancel it",
            )
        again = self._event(claim, "job.claimed", {"job": name})
        return scope.change(
            events=(*change.events, again), expects={**change.expects, claim: claimed.seq}
        )

    def fork(
        self, view: View, scope: Scope, name: str, *, step: int, changed: Json | None = None
    ) -> tuple[str, Change]:
        """The id of a job like another one from a step on, and the change that opens it.

        Args:
            step: The first step that is made anew, as `job show` numbers them.
            changed: In place of the input.

        Raises:
            NotFoundError: There is none of that name.
            InvalidRequestError: The step is below 1.
        """
        if step < 1:
            raise InvalidRequestError("steps are counted from 1", hint="`lignin job show`")
        row = require_known(view, f"job/{name}")
        asked = parse_job(row).asked
        told = {
            **asked.to_json(),
            "input": asked.input if changed is None else changed,
            "source": "",
            "occurrence": "",
            "dedup": "",
            "start_at": "",
            "forked": {"job": name, "step": step},
        }
        fresh = self._ids.new("job")
        opened = self._event(f"job/{fresh}", "job.opened", told)
        noted = self._event(row.stream, "job.forked", {"into": fresh, "step": step})
        expects = {f"job/{fresh}": 0, row.stream: row.seq}
        return fresh, scope.change(events=(opened, noted), expects=expects)

    def signal(
        self, view: View, scope: Scope, name: str, topic: str, *, value: Json, signal_id: str
    ) -> Change | None:
        """The change that sends a value to a job; None where that id was sent to this turn of it before.

        Args:
            value: Without secrets.
            signal_id: Empty for one that is sent each time.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It has ended.
            LimitedError: The value is too large, or the job was sent too many.
        """
        row = require_known(view, f"job/{name}")
        job = parse_job(row)
        if job.state != "open":
            raise ConflictError(
                f"job {name} is {job.state}", hint="what has ended waits for nothing"
            )
        if signal_id and (signal_id, job.turn) in {(each.id, each.turn) for each in job.signals}:
            return None
        content = canonical_bytes(value)
        if len(content) > MAX_INPUT_BYTES or len(job.signals) >= MAX_SIGNALS:
            raise LimitedError(
                f"signal {len(job.signals) + 1} of job {name}, of {len(content)} bytes; a job takes"
                f" {MAX_SIGNALS} of at most {MAX_INPUT_BYTES}",
                hint="store large content as a blob, and send its digest",
            )
        digest = digest_bytes(content)
        payload = {"id": signal_id or self._ids.new("sig"), "topic": topic, "value": digest}
        event = self._event(row.stream, "job.signalled", payload)
        blob = Blob(stream=row.stream, digest=digest, content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def judge(self, view: View, scope: Scope, name: str, should: str, why: str) -> Change:
        """The change that says what a run should have done: raise an alert, or be quiet.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It has not ended.
        """
        row = require_known(view, f"job/{name}")
        if row.state == "open":
            raise ConflictError(f"job {name} is open", hint="it is judged when it has ended")
        content = canonical_bytes(why)
        payload = {"should": should, "why": digest_bytes(content)}
        event = self._event(row.stream, "job.judged", payload)
        blob = Blob(stream=row.stream, digest=payload["why"], content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def set_lane(self, scope: Scope, lane: str, facts: Mapping[str, Json]) -> Change:
        """The change that sets a lane's bounds, or pauses it.

        Raises:
            InvalidRequestError: It is no lane.
        """
        queue, needs = parse_lane(lane)
        require_job(JobAsked(kind="lane", input=None, queue=queue, needs=needs))
        payload = {"queue": queue, "needs": list(needs), **facts}
        return scope.change(events=(self._event(f"lane/{lane}", "lane.set", payload),))

    def worker_started(
        self, view: View, scope: Scope, worker: str, facts: Mapping[str, Json]
    ) -> Change:
        """The change that tells of a new worker, or of one that had stopped and works again."""
        row = view.row(f"worker/{worker}")
        event = self._event(f"worker/{worker}", "worker.started", facts)
        return scope.change(events=(event,), expects={f"worker/{worker}": row.seq if row else 0})

    def worker_stopped(self, scope: Scope, worker: str, facts: Mapping[str, Json]) -> Change:
        """The change that tells that a worker is no more."""
        event = self._event(f"worker/{worker}", "worker.stopped", facts)
        return scope.change(events=(event,))

    def _move(self, scope: Scope, row: Row, type_: str, payload: Mapping[str, Json]) -> Change:
        return scope.change(
            events=(self._event(row.stream, type_, payload),), expects={row.stream: row.seq}
        )

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def load_job(view: View, name: str) -> Job:
    """A job by its id.

    Raises:
        NotFoundError: There is none of that name.
    """
    return parse_job(require_known(view, f"job/{name}"))


def open_jobs(view: View) -> Iterator[Job]:
    """All jobs of a space that are open."""
    return (parse_job(row) for row in every_row(view, "job", state="open"))


def _claim_of(asked: JobAsked) -> str:
    return f"dedup/{asked.queue}/{digest_json(asked.dedup)[7:39]}"


def _is_open(view: View, name: str) -> bool:
    row = view.row(f"job/{name}")
    return row is not None and row.state == "open"
