"""A run of the fake engine: recorded answers first, then the world; a wait leaves the body."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from lignin.domain.codec import Json
from lignin.domain.errors import IntegrityError, InvalidRequestError
from lignin.ports.engine import ONCE, Retry, RunStopped, StepKind, StepRecord
from lignin.ports.run_values import (
    error_of,
    failure_of,
    is_worth_retrying,
    recorded,
    require_seconds,
    retry_wait_s,
)

if TYPE_CHECKING:
    from lignin.testing.fakes.engine import FakeEngine, FakeRow, FakeStore


class Suspended(RunStopped):
    """The body waits; it is called again when that is over."""


class FakeRun:
    """The `Run` of one call of a body, which owns the row while `owner` is the row's."""

    def __init__(
        self, store: "FakeStore", engine: "FakeEngine", run_id: str, row: "FakeRow", owner: int
    ) -> None:
        self.id = run_id
        self.attempt = row.attempts
        self.was_stopped = False
        self._store, self._engine, self._row, self._owner = store, engine, row, owner
        self._next = 1
        self._step_key = ""

    def is_mine(self) -> bool:
        """Whether this call may still record."""
        return self._row.state == "running" and self._row.owner == self._owner

    def stopped(self) -> bool:
        return not self.is_mine() or not self._engine.is_alive

    @property
    def step_key(self) -> str:
        if not self._step_key:
            raise InvalidRequestError("step_key is asked for outside a step")
        return self._step_key

    def step(self, name: str, do: Callable[[], Json], retry: Retry = ONCE) -> Json:
        first, attempt = self._next, 1
        while True:
            number = self._take()
            done = self._look(number, "step", name)
            if done is None:
                done = self._do(number, name, do, first, attempt)
            if done.failure is None:
                return done.output
            if not is_worth_retrying(retry, done.failure, attempt):
                raise error_of(done.failure)
            self.sleep(retry_wait_s(retry, attempt))
            attempt += 1

    def _do(
        self, number: int, name: str, do: Callable[[], Json], first: int, attempt: int
    ) -> StepRecord:
        started_at, value, failure = self._store.now, None, None
        self._step_key = f"{self.id}/{first}"
        try:
            value = recorded(f"what step {name} gave", do())[1]
        except Exception as error:
            failure = failure_of(error)
        finally:
            self._step_key = ""
        return self._record(
            StepRecord(
                number=number,
                name=name,
                kind="step",
                attempt=attempt,
                output=value,
                failure=failure,
                started_at=started_at,
                ended_at=self._store.now,
            )
        )

    def sleep(self, seconds: float) -> None:
        require_seconds("seconds", seconds)
        number = self._take()
        if self._look(number, "sleep", "") is None:
            self._row.marks[number] = self._store.now + timedelta(seconds=seconds)
            self._record(StepRecord(number=number, name="", kind="sleep", ended_at=self._store.now))
        if self._row.marks[number] > self._store.now:
            self._suspend(number)

    def wait(self, topic: str, timeout_s: float) -> Json | None:
        require_seconds("timeout_s", timeout_s)
        deadline, number = self._take(), self._take()
        done = self._look(number, "wait", topic)
        if done is not None:
            return done.output
        until = self._row.marks.setdefault(deadline, self._store.now + timedelta(seconds=timeout_s))
        place = next((at for at, each in enumerate(self._row.signals) if each[0] == topic), None)
        if place is None and until > self._store.now:
            self._row.awaits[deadline] = topic
            self._suspend(deadline)
        value = self._row.signals.pop(place)[1] if place is not None else None
        done = StepRecord(
            number=number, name=topic, kind="wait", output=value, ended_at=self._store.now
        )
        return self._record(done).output

    def publish(self, key: str, value: Json) -> None:
        number = self._take()
        if self._look(number, "publish", key) is None:
            kept = recorded(f"the value published as {key}", value)[1]
            self._row.events[key] = kept
            self._record(
                StepRecord(
                    number=number, name=key, kind="publish", output=kept, ended_at=self._store.now
                )
            )

    def _take(self) -> int:
        if self._step_key:
            raise InvalidRequestError("a step used a verb of its run", hint="steps do not nest")
        number, self._next = self._next, self._next + 1
        return number

    def _look(self, number: int, kind: StepKind, name: str) -> StepRecord | None:
        done = self._row.steps.get(number)
        if done is not None and (done.kind, done.name) != (kind, name):
            raise IntegrityError(
                f"place {number} of run {self.id} is recorded as {done.kind} {done.name!r},"
                f" the body asks for {kind} {name!r}",
                hint="the body is not the one that began: fork the run from before that place",
                run_id=self.id,
            )
        if self.stopped():
            self._stop()
        return done

    def _record(self, step: StepRecord) -> StepRecord:
        if not self.is_mine():
            self._stop()
        self._row.steps[step.number] = step
        return step

    def _suspend(self, place: int) -> None:
        self._row.wake_at = self._row.marks[place]
        self._row.waits_at = place
        raise Suspended(f"run {self.id} waits")

    def _stop(self) -> None:
        self.was_stopped = True
        raise RunStopped(f"run {self.id} may not go on here")
