"""What every engine's verbs do: start, cancel, resume, fork, list, forget.

Subclass `EngineSteeringConformance` with the `lab` fixture of `EngineConformance`.
"""

from datetime import timedelta
from typing import Any

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.ports.engine import Queue, Run, Start, Wanted
from lignin.testing.conformance.engine import LONG_S, Lab, launched, note, run


class EngineSteeringConformance:
    """Starting, steering and telling."""

    def test_a_start_again_starts_nothing(self, lab: Lab) -> None:
        engine = launched(
            lab, {"it": lambda _run, given: given, "other": lambda _run, given: given}
        )
        run(engine, 1)
        assert engine.start(Start(kind="it", input=2, run_id="r1")) == "r1"
        assert engine.wait("r1", LONG_S).output == 1
        with pytest.raises(ConflictError):
            engine.start(Start(kind="other", input=1, run_id="r1"))

    def test_a_bad_start_is_refused(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda _run, given: given})
        good = {"kind": "it", "input": 1, "run_id": "r1"}
        bad: list[dict[str, Any]] = [
            {"run_id": ""},
            {"run_id": "x" * 1000},
            {"run_id": "a\nb"},
            {"kind": ""},
            {"priority": -1},
            {"priority": 2**31},
            {"timeout_s": 0.0},
            {"timeout_s": -1.0},
            {"at": lab.now().replace(tzinfo=None)},
        ]
        for change in bad:
            with pytest.raises(InvalidRequestError):
                engine.start(Start(**{**good, **change}))
        assert engine.list(Wanted(id_prefix="r1")) == []

    def test_a_run_waits_for_its_instant(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda _run, given: given})
        at = lab.now() + timedelta(seconds=1.5)
        engine.start(Start(kind="it", input=1, run_id="r1", at=at))
        assert engine.status("r1").state == "queued"
        assert engine.status("r1").due_at is not None
        status = engine.wait("r1", LONG_S)
        assert (status.state, status.output) == ("succeeded", 1)
        assert status.started_at is not None
        assert status.started_at >= at - timedelta(milliseconds=5)

    def test_a_cancelled_run_goes_no_further(self, lab: Lab) -> None:
        done: list[str] = []

        def body(run: Run, _: Json) -> Json:
            def cancel() -> Json:
                engine.cancel("r1")
                while not run.stopped():
                    engine.event("r1", "never", 0.01)
                done.append("stopped")
                return None

            run.step("cancel", cancel)
            done.append("went on")
            return None

        engine = launched(lab, {"it": body})
        status = run(engine)
        engine.wait("r1", 0.1)
        while not done:
            engine.event("r1", "never", 0.01)
        assert (status.state, done) == ("cancelled", ["stopped"])
        assert engine.steps("r1") == []
        engine.cancel("r1")
        assert engine.status("r1").ended_at == status.ended_at

    def test_a_waiting_run_is_cancelled_at_once_and_resumed_where_it_was(self, lab: Lab) -> None:
        done: list[str] = []

        def body(run: Run, _: Json) -> Json:
            run.step("one", lambda: note(done, "one"))
            run.publish("ready", True)
            return run.wait("go", LONG_S)

        engine = launched(lab, {"it": body}, Queue(name="default", concurrency=1))
        engine.start(Start(kind="it", input=None, run_id="r1"))
        engine.event("r1", "ready", LONG_S)
        engine.cancel("r1")
        assert engine.wait("r1", LONG_S).state == "cancelled"
        engine.start(Start(kind="it", input=None, run_id="r2"))
        assert engine.event("r2", "ready", LONG_S) is True
        engine.cancel("r2")
        engine.resume("r1")
        engine.signal("r1", "go", 5)
        status = engine.wait("r1", LONG_S)
        assert (status.state, status.output, done.count("one")) == ("succeeded", 5, 2)
        engine.signal("r1", "go", 6)
        with pytest.raises(ConflictError):
            engine.resume("r1")

    def test_a_cancelled_run_in_the_queue_never_begins(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda _run, given: given})
        engine.pause("default")
        engine.start(Start(kind="it", input=1, run_id="r1"))
        engine.cancel("r1")
        engine.unpause("default")
        assert run(engine, 2, run_id="r2").output == 2
        assert (engine.status("r1").state, engine.status("r1").attempts) == ("cancelled", 0)

    def test_a_run_that_takes_too_long_is_cancelled(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda run, _: run.wait("never", 50.0)})
        engine.start(Start(kind="it", input=None, run_id="r1", timeout_s=0.2))
        status = engine.wait("r1", LONG_S)
        assert status.failure is not None
        assert (status.state, status.failure.code) == ("cancelled", "limited")

    def test_a_fork_keeps_the_steps_before_its_place(self, lab: Lab) -> None:
        done: list[str] = []

        def body(run: Run, given: Json) -> Json:
            one = run.step("one", lambda: note(done, "one") and len(done))
            run.publish("one", one)
            two = run.step("two", lambda: note(done, "two") and len(done))
            return [one, two, given]

        engine = launched(lab, {"it": body})
        assert run(engine, "a").output == [1, 2, "a"]
        two = next(step.number for step in engine.steps("r1") if step.name == "two")
        for _ in range(2):
            assert engine.fork("r1", from_step=two, new_id="r2", input="b") == "r2"
        status = engine.wait("r2", LONG_S)
        assert (status.output, status.forked_from, status.kind) == ([1, 3, "b"], "r1", "it")
        engine.fork("r1", from_step=0, new_id="r3")
        assert engine.wait("r3", LONG_S).output == [4, 5, "a"]
        assert engine.events("r2") == {"one": 1}
        assert engine.status("r1").output == [1, 2, "a"]

    # -- telling

    def test_runs_are_listed_as_wanted(self, lab: Lab) -> None:
        engine = launched(
            lab,
            {"it": lambda _run, given: given, "bad": lambda _run, given: given["x"]},
            Queue(name="default"),
            Queue(name="side"),
        )
        for at in range(3):
            run(engine, {"n": at}, run_id=f"r{at}")
        run(engine, {}, kind="bad", run_id="b1")
        engine.start(Start(kind="it", input=1, run_id="s%1", queue="side", key="k"))
        engine.wait("s%1", LONG_S)

        def ids(limit: int = 100, offset: int = 0, **wanted: Any) -> list[str]:
            return [
                each.run_id for each in engine.list(Wanted(**wanted), limit=limit, offset=offset)
            ]

        assert ids() == ["r0", "r1", "r2", "b1", "s%1"]
        assert ids(newest_first=True, limit=2) == ["s%1", "b1"]
        assert ids(limit=2, offset=1) == ["r1", "r2"]
        assert ids(kinds=frozenset({"bad"})) == ["b1"]
        assert ids(states=frozenset({"failed", "cancelled"})) == ["b1"]
        assert ids(queues=frozenset({"side"})) == ids(key="k") == ids(id_prefix="s%") == ["s%1"]
        assert ids(id_prefix="%") == []
        assert ids(until=engine.status("r0").created_at) == []
        assert ids(since=engine.status("r0").created_at, kinds=frozenset({"it"})) == [
            "r0",
            "r1",
            "r2",
            "s%1",
        ]
        assert all(each.input is None for each in engine.list(Wanted()))

    def test_what_ended_is_forgotten_and_what_runs_is_not(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda run, _: run.step("one", lambda: 1), "w": _wait_long})
        run(engine, run_id="old")
        engine.start(Start(kind="w", input=None, run_id="r2"))
        engine.event("r2", "ready", LONG_S)
        at = lab.now() + timedelta(seconds=60)
        assert engine.forget(at - timedelta(days=1)) == 0
        assert engine.forget(at) == 1
        assert [each.run_id for each in engine.list(Wanted())] == ["r2"]
        with pytest.raises(NotFoundError):
            engine.steps("old")
        assert run(engine, run_id="old").state == "succeeded"


def _wait_long(run: Run, _: Json) -> Json:
    run.publish("ready", True)
    return run.wait("go", LONG_S)
