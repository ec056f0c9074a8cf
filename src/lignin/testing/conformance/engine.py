"""What every engine does, whatever keeps its runs.

Subclass `EngineConformance`, and `EngineQueueConformance` beside it, in a test module that has a `lab`
fixture. Needs pytest, which production code does not. No test sleeps: what takes time is waited for with
`Engine.wait`, which a fake answers by moving its clock.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.ports.engine import (
    ENDED,
    MOST_VALUE_BYTES,
    Body,
    Engine,
    Queue,
    Retry,
    Run,
    RunStatus,
    Start,
    StepFaultError,
)

LONG_S = 60.0


class Lab(Protocol):
    """One store and workers on it."""

    def engine(self) -> Engine:
        """A new worker on the store, not launched."""
        ...

    def lose(self, engine: Engine) -> None:
        """Let a worker's lease run out, as if its process hung: it takes and renews nothing more, its
        runs in progress go on as far as they can."""
        ...

    def now(self) -> datetime:
        """The store's time."""
        ...

    def tick(self) -> None:
        """Let two milliseconds pass: order is kept to the millisecond."""
        ...


def launched(lab: Lab, bodies: Mapping[str, Body], *queues: Queue) -> Engine:
    """A worker that works, on the default queue unless others are given."""
    engine = lab.engine()
    engine.launch(bodies, queues or (Queue(name="default"),))
    return engine


def run(engine: Engine, given: Json = None, *, kind: str = "it", run_id: str = "r1") -> RunStatus:
    """A run from its start to its end."""
    engine.start(Start(kind=kind, input=given, run_id=run_id))
    return engine.wait(run_id, LONG_S)


def note(done: list[str], what: str) -> str:
    """Write down that something was done."""
    done.append(what)
    return what


def failing(error: Exception) -> Callable[[], Json]:
    """Something that raises."""

    def fail() -> Json:
        raise error

    return fail


class EngineConformance:
    """Runs and their steps."""

    def test_a_run_gives_what_its_body_gave(self, lab: Lab) -> None:
        def body(run: Run, given: Json) -> Json:
            return {"sum": run.step("add", lambda: sum(given)), "id": run.id}

        status = run(launched(lab, {"it": body}), [1, 2])
        assert (status.state, status.output, status.input) == (
            "succeeded",
            {"sum": 3, "id": "r1"},
            [1, 2],
        )
        assert (status.kind, status.queue, status.attempts, status.failure) == (
            "it",
            "default",
            1,
            None,
        )
        assert status.started_at is not None
        assert status.ended_at is not None
        assert status.created_at <= status.ended_at

    def test_a_worker_that_lost_its_run_records_nothing_more(self, lab: Lab) -> None:
        first, second = lab.engine(), lab.engine()
        done: list[str] = []

        def body(run: Run, _: Json) -> Json:
            def hang() -> Json:
                if run.attempt > 1:
                    return "from the new one"
                lab.lose(first)
                assert second.recover() == ["r1"]
                done.append("lost")
                return "from the lost one"

            one = run.step("one", lambda: note(done, f"one in {run.attempt}"))
            return [one, run.step("hang", hang), note(done, f"end of {run.attempt}")]

        first.launch({"it": body}, [Queue(name="default")])
        first.start(Start(kind="it", input=None, run_id="r1"))
        while "lost" not in done:
            assert first.wait("r1", 0.01).state not in ENDED
        second.launch({"it": body}, [Queue(name="default")])
        status = second.wait("r1", LONG_S)
        assert (status.state, status.attempts) == ("succeeded", 2)
        assert status.output == ["one in 1", "from the new one", "end of 2"]
        assert done == ["one in 1", "lost", "end of 2"]
        assert [step.output for step in second.steps("r1")] == ["one in 1", "from the new one"]
        assert second.recover() == []

    def test_values_are_the_same_now_and_when_read_again(self, lab: Lab) -> None:
        given = {"b": (1, 2.0), "a": "\u00e4\u2028", "n": None, "deep": {"x": [True]}}
        seen: list[Json] = []

        def body(run: Run, again: Json) -> Json:
            seen.append(run.step("give", lambda: given))
            return again

        engine = launched(lab, {"it": body})
        status = run(engine, given)
        plain = {"b": [1, 2], "a": "\u00e4\u2028", "n": None, "deep": {"x": [True]}}
        assert status.output == status.input == plain
        assert seen[-1] == engine.steps("r1")[0].output == plain
        assert isinstance(seen[-1]["b"], list)

    @pytest.mark.parametrize("value", [float("nan"), {1: 2}, object(), "\ud800", 2**60])
    def test_what_is_no_json_is_refused_at_once_or_fails_the_step(
        self, lab: Lab, value: Any
    ) -> None:
        engine = launched(lab, {"it": lambda run, _: run.step("give", lambda: value)})
        with pytest.raises(InvalidRequestError):
            engine.start(Start(kind="it", input=value, run_id="bad"))
        status = run(engine)
        assert status.failure is not None
        assert (status.state, status.failure.code) == ("failed", "not_canonical")

    def test_a_value_that_is_too_large_is_refused(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda _run, _: None})
        with pytest.raises(InvalidRequestError) as refused:
            engine.start(Start(kind="it", input="x" * MOST_VALUE_BYTES, run_id="large"))
        assert refused.value.hint
        with pytest.raises(NotFoundError):
            engine.status("large")

    def test_a_failure_keeps_its_class_its_words_and_its_fields(self, lab: Lab) -> None:
        caught: list[LigninError] = []

        def body(run: Run, _: Json) -> Json:
            error = DeniedError("not yours", hint="ask", of="x", odd=object())
            try:
                run.step("try", failing(error))
            except LigninError as again:
                caught.append(again)
            raise UnavailableError("no luck", hint="wait")

        engine = launched(lab, {"it": body})
        status = run(engine)
        assert status.failure is not None
        assert (status.state, status.failure.code, status.failure.hint) == (
            "failed",
            "unavailable",
            "wait",
        )
        assert isinstance(caught[-1], DeniedError)
        assert (caught[-1].message, caught[-1].hint, caught[-1].fields) == (
            "not yours",
            "ask",
            {"of": "x"},
        )
        assert engine.steps("r1")[0].failure is not None

    def test_a_bug_in_a_step_or_a_body_is_told_as_one(self, lab: Lab) -> None:
        caught: list[Exception] = []

        def body(run: Run, given: Json) -> Json:
            try:
                run.step("try", failing(KeyError("gone")))
            except StepFaultError as error:
                caught.append(error)
            return given["missing"]

        status = run(launched(lab, {"it": body}), {})
        assert "KeyError" in str(caught[-1])
        assert status.failure is not None
        assert (status.state, status.failure.fields["error"]) == ("failed", "KeyError")

    def test_a_step_is_tried_again_for_the_errors_that_are_worth_it(self, lab: Lab) -> None:
        tries: list[str] = []

        def body(run: Run, _: Json) -> Json:
            def flaky() -> Json:
                tries.append(run.step_key)
                if len(tries) < 3:
                    raise UnavailableError("not yet")
                return len(tries)

            return run.step("flaky", flaky, Retry(attempts=4, first_wait_s=0.01))

        engine = launched(lab, {"it": body})
        assert run(engine).output == 3
        assert tries == ["r1/1"] * 3
        recorded = [(step.attempt, step.output) for step in engine.steps("r1") if step.name]
        assert recorded == [(1, None), (2, None), (3, 3)]

    @pytest.mark.parametrize(
        ("error", "tries"), [(UnavailableError("down"), 2), (DeniedError("no"), 1)]
    )
    def test_attempts_end_and_other_errors_get_none(
        self, lab: Lab, error: LigninError, tries: int
    ) -> None:
        def body(run: Run, _: Json) -> Json:
            return run.step("try", failing(error), Retry(attempts=2, first_wait_s=0.01))

        engine = launched(lab, {"it": body})
        status = run(engine)
        assert status.failure is not None
        assert status.failure.code == error.code
        assert len([step for step in engine.steps("r1") if step.kind == "step"]) == tries

    def test_steps_do_not_nest(self, lab: Lab) -> None:
        status = run(
            launched(lab, {"it": lambda run, _: run.step("a", lambda: run.step("b", lambda: 1))})
        )
        assert status.failure is not None
        assert (status.state, status.failure.code) == ("failed", "invalid_request")

    def test_a_body_that_asks_for_other_steps_than_before_is_stopped(self, lab: Lab) -> None:
        engine = launched(
            lab,
            {"it": lambda run, given: [run.step(given, lambda: 1), run.step("last", lambda: 2)]},
        )
        run(engine, "first")
        last = engine.steps("r1")[-1].number
        engine.fork("r1", from_step=last, new_id="r2", input="renamed")
        status = engine.wait("r2", LONG_S)
        assert status.failure is not None
        assert (status.state, status.failure.code) == ("failed", "integrity")

    def test_a_sleep_takes_its_time(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda run, _: run.sleep(0.3)})
        status = run(engine)
        assert status.started_at is not None
        assert status.ended_at is not None
        assert status.ended_at - status.started_at >= timedelta(seconds=0.29)
        assert [step.kind for step in engine.steps("r1")] == ["sleep"]

    @pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e12])
    def test_a_span_that_is_none_is_refused(self, lab: Lab, seconds: float) -> None:
        status = run(launched(lab, {"it": lambda run, _: run.sleep(seconds)}))
        assert status.failure is not None
        assert status.failure.code == "invalid_request"

    # -- signals and events

    def test_signals_come_in_order_each_to_one_wait(self, lab: Lab) -> None:
        def body(run: Run, given: Json) -> Json:
            run.publish("ready", given)
            return [run.wait("go", LONG_S), run.wait("go", LONG_S), run.wait("other", LONG_S)]

        engine = launched(lab, {"it": body})
        engine.start(Start(kind="it", input="x", run_id="r1"))
        engine.signal("r1", "other", 3)
        assert engine.event("r1", "ready", LONG_S) == "x"
        for value in (1, 2):
            engine.signal("r1", "go", value)
        assert engine.wait("r1", LONG_S).output == [1, 2, 3]
        assert [step.name for step in engine.steps("r1") if step.kind == "wait"] == [
            "go",
            "go",
            "other",
        ]

    def test_a_signal_with_an_id_comes_once(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda run, _: [run.wait("go", LONG_S), run.wait("go", 0.2)]})
        engine.pause("default")
        engine.start(Start(kind="it", input=None, run_id="r1"))
        for _ in range(2):
            engine.signal("r1", "go", {"n": 1}, signal_id="s1")
        engine.unpause("default")
        assert engine.wait("r1", LONG_S).output == [{"n": 1}, None]

    def test_a_wait_ends_without_a_signal(self, lab: Lab) -> None:
        assert run(launched(lab, {"it": lambda run, _: run.wait("never", 0.05)})).output is None

    def test_the_last_value_that_was_published_stands(self, lab: Lab) -> None:
        def body(run: Run, _: Json) -> Json:
            for at in range(3):
                run.publish("at", at)
            run.publish("done", True)
            return None

        engine = launched(lab, {"it": body})
        run(engine)
        assert engine.events("r1") == {"at": 2, "done": True}
        assert engine.event("r1", "at") == 2
        assert engine.event("r1", "never") is None

    def test_what_is_not_there_is_not_found(self, lab: Lab) -> None:
        engine = launched(lab, {})
        asks: list[Callable[[], object]] = [
            lambda: engine.status("none"),
            lambda: engine.wait("none", 0.0),
            lambda: engine.steps("none"),
            lambda: engine.signal("none", "go", 1),
            lambda: engine.cancel("none"),
            lambda: engine.resume("none"),
            lambda: engine.fork("none", from_step=0, new_id="new"),
            lambda: engine.pause("none"),
            lambda: engine.unpause("none"),
            lambda: engine.start(Start(kind="it", input=1, run_id="r1", queue="none")),
        ]
        for ask in asks:
            with pytest.raises(NotFoundError) as missing:
                ask()
            assert missing.value.hint
        assert engine.events("none") == {}
