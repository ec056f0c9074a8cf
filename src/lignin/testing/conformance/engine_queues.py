"""What every engine's queues hold to, and what it does with runs that cannot go on.

Subclass `EngineQueueConformance` with the `lab` fixture of `EngineConformance`.
"""

import threading
from datetime import timedelta

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.ports.engine import ENDED, MOST_RECOVERIES, Queue, Rate, Run, Start, Wanted
from lignin.testing.conformance.engine import LONG_S, Lab, launched, note, run


class Crowd:
    """A body that counts how many of it run at once, and in which order they began."""

    def __init__(self, each_s: float = 0.1) -> None:
        self.began: list[str] = []
        self.most = 0
        self._inside: set[str] = set()
        self._each_s = each_s
        self._lock = threading.Lock()

    def __call__(self, run: Run, given: Json) -> Json:
        with self._lock:
            if run.id not in self.began:
                self.began.append(run.id)
            self._inside.add(run.id)
            self.most = max(self.most, len(self._inside))
        run.sleep(self._each_s)
        run.step("leave", lambda: self._leave(run.id))
        return given

    def _leave(self, run_id: str) -> Json:
        with self._lock:
            self._inside.discard(run_id)
        return None


class EngineQueueConformance:
    """Bounds, order, quarantine."""

    def test_a_queue_bounds_its_runs_over_all_workers(self, lab: Lab) -> None:
        crowd = Crowd()
        queue = Queue(name="default", concurrency=2)
        engine, _ = launched(lab, {"it": crowd}, queue), launched(lab, {"it": crowd}, queue)
        for at in range(6):
            engine.start(Start(kind="it", input=at, run_id=f"r{at}"))
        assert [engine.wait(f"r{at}", LONG_S).output for at in range(6)] == list(range(6))
        assert crowd.most == 2

    def test_a_queue_bounds_its_runs_in_each_worker(self, lab: Lab) -> None:
        crowd = Crowd()
        engine = launched(lab, {"it": crowd}, Queue(name="default", worker_concurrency=2))
        for at in range(5):
            engine.start(Start(kind="it", input=at, run_id=f"r{at}"))
        for at in range(5):
            engine.wait(f"r{at}", LONG_S)
        assert crowd.most == 2

    def test_a_dead_worker_s_run_waits_for_no_place(self, lab: Lab) -> None:
        begun: list[str] = []
        first, second = lab.engine(), lab.engine()
        queue = Queue(name="default", worker_concurrency=1, spare=1)

        def body(run: Run, given: Json) -> Json:
            run.publish("in", given)
            if given == "long":
                return run.wait("go", LONG_S)
            return run.step("die", lambda: die(run))

        def die(run: Run) -> Json:
            if run.attempt == 1:
                second.start(Start(kind="it", input="fresh", run_id="fresh"))
                lab.lose(first)
                assert second.recover() == ["left"]
            return note(begun, run.id)

        second.launch({"it": body}, [queue])
        second.start(Start(kind="it", input="long", run_id="long"))
        assert second.event("long", "in", LONG_S) == "long"
        first.launch({"it": body}, [queue])
        first.start(Start(kind="it", input="left", run_id="left"))
        while not begun:  # the one that was lost is in a step, and goes on
            first.wait("left", 0.01)
        assert second.wait("left", LONG_S).attempts == 2
        assert (second.status("left").worker, second.status("left").priority) == (
            second.worker_id,
            0,
        )
        assert second.status("long").state == "running"
        assert second.status("fresh").state == "queued"

    def test_who_is_urgent_comes_first_and_then_who_came_first(self, lab: Lab) -> None:
        crowd = Crowd(0.0)
        engine = launched(lab, {"it": crowd}, Queue(name="default", concurrency=1))
        engine.pause("default")
        for at, priority in enumerate((5, 1, 5, 0)):
            lab.tick()
            engine.start(Start(kind="it", input=at, run_id=f"r{at}", priority=priority))
        engine.unpause("default")
        for at in range(4):
            engine.wait(f"r{at}", LONG_S)
        assert crowd.began == ["r3", "r1", "r0", "r2"]

    @pytest.mark.parametrize("concurrency", [None, 8])
    def test_runs_of_one_key_go_one_after_another(self, lab: Lab, concurrency: int | None) -> None:
        same = Crowd()

        def other(run: Run, given: Json) -> Json:
            run.publish("in", given)
            return run.wait("go", LONG_S)

        queue = Queue(name="default", per_key=True, concurrency=concurrency)
        engine = launched(lab, {"same": same, "other": other}, queue)
        engine.pause("default")
        for at in range(3):
            engine.start(Start(kind="same", input=at, run_id=f"k{at}", key="k"))
            engine.start(Start(kind="other", input=at, run_id=f"o{at}"))
            lab.tick()
        engine.unpause("default")
        assert [engine.event(f"o{at}", "in", LONG_S) for at in range(3)] == [0, 1, 2]
        for at in range(3):
            engine.signal(f"o{at}", "go", at)
            assert engine.wait(f"o{at}", LONG_S).output == at
            engine.wait(f"k{at}", LONG_S)
        assert (same.most, same.began) == (1, ["k0", "k1", "k2"])

    def test_no_more_begin_in_a_span_than_the_rate_says(self, lab: Lab) -> None:
        rate = Rate(count=2, period_s=0.6)
        engine = launched(lab, {"it": Crowd(0.0)}, Queue(name="default", rate=rate))
        for at in range(5):
            engine.start(Start(kind="it", input=at, run_id=f"r{at}"))
        for at in range(5):
            engine.wait(f"r{at}", LONG_S)
        began = sorted(each.started_at for each in engine.list(Wanted()) if each.started_at)
        for first, third in zip(began, began[2:], strict=False):
            assert third - first >= timedelta(seconds=0.6)

    def test_a_duplicate_is_not_started_while_the_first_goes_on(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda run, _: run.wait("go", LONG_S)})
        for run_id in ("r1", "r2"):
            start = Start(kind="it", input=None, run_id=run_id, dedup_key="d")
            assert engine.start(start) == "r1"
        engine.signal("r1", "go", 1)
        assert engine.wait("r1", LONG_S).output == 1
        assert engine.start(Start(kind="it", input=None, run_id="r3", dedup_key="d")) == "r3"
        engine.cancel("r3")
        assert [each.run_id for each in engine.list(Wanted())] == ["r1", "r3"]

    def test_a_paused_queue_begins_nothing_also_for_a_new_worker(self, lab: Lab) -> None:
        engine = launched(lab, {"it": lambda _run, given: given})
        engine.pause("default")
        engine.start(Start(kind="it", input=1, run_id="r1"))
        launched(lab, {"it": lambda _run, given: given})
        assert engine.wait("r1", 0.3).state == "queued"
        assert engine.queues() == {"default": True}
        engine.unpause("default")
        assert engine.wait("r1", LONG_S).state == "succeeded"
        assert engine.queues() == {"default": False}

    def test_a_worker_takes_only_from_the_queues_it_listens_to(self, lab: Lab) -> None:
        engine = launched(
            lab, {"it": lambda _run, given: given}, Queue(name="default"), Queue(name="gpu")
        )
        engine.listen(["default"])
        engine.start(Start(kind="it", input=1, run_id="r1", queue="gpu"))
        assert run(engine, run_id="r2").state == "succeeded"
        assert engine.wait("r1", 0.3).state == "queued"
        engine.listen(["default", "gpu"])
        assert engine.wait("r1", LONG_S).state == "succeeded"

    @pytest.mark.parametrize(
        "queue",
        [
            Queue(name=""),
            Queue(name="q", concurrency=0),
            Queue(name="q", concurrency=1, worker_concurrency=2),
            Queue(name="q", rate=Rate(count=0, period_s=1)),
            Queue(name="q", rate=Rate(count=1, period_s=0)),
        ],
    )
    def test_bounds_that_make_no_sense_are_refused(self, lab: Lab, queue: Queue) -> None:
        engine = lab.engine()
        with pytest.raises(InvalidRequestError):
            engine.declare(queue)
        with pytest.raises(InvalidRequestError):
            engine.launch({}, [queue])
        assert engine.queues() == {}

    def test_a_worker_is_launched_once(self, lab: Lab) -> None:
        engine = launched(lab, {})
        with pytest.raises(InvalidRequestError):
            engine.launch({}, [])

    # -- runs that cannot go on

    def test_a_kind_that_nobody_knows_is_quarantined_and_holds_nobody_up(self, lab: Lab) -> None:
        engine = launched(
            lab, {"it": lambda _run, given: given}, Queue(name="default", concurrency=1)
        )
        for at in range(3):
            engine.start(Start(kind="alien", input=1, run_id=f"a{at}"))
        assert run(engine, 2).output == 2
        status = engine.wait("a0", LONG_S)
        assert status.failure is not None
        assert (status.state, status.failure.code, status.queue) == ("dead", "not_found", "default")

    def test_a_dead_run_goes_on_where_somebody_knows_it(self, lab: Lab) -> None:
        engine = launched(lab, {})
        assert run(engine, 4).state == "dead"
        engine.cancel("r1")
        assert engine.status("r1").state == "dead"
        engine.close()
        knows = launched(lab, {"it": lambda _run, given: given})
        knows.resume("r1")
        status = knows.wait("r1", LONG_S)
        assert (status.state, status.output, status.failure) == ("succeeded", 4, None)

    def test_a_run_that_kills_its_workers_is_dead_in_the_end(self, lab: Lab) -> None:
        begun: list[str] = []
        spare, workers = lab.engine(), [lab.engine()]

        def body(run: Run, _: Json) -> Json:
            return run.step("kill", kill)

        def kill() -> Json:
            lab.lose(workers[-1])
            assert spare.recover() == ["r1"]
            return note(begun, "begun")

        spare.declare(Queue(name="default"))
        spare.start(Start(kind="it", input=None, run_id="r1"))
        for at in range(MOST_RECOVERIES + 2):
            workers[-1].launch({"it": body}, [Queue(name="default")])
            while len(begun) == at and spare.wait("r1", 0.01).state not in ENDED:
                pass
            workers.append(lab.engine())
        status = spare.status("r1")
        assert status.failure is not None
        assert (status.state, status.failure.code) == ("dead", "limited")
        assert len(begun) == MOST_RECOVERIES + 1

    def test_a_worker_that_closes_gives_its_runs_back(self, lab: Lab) -> None:
        done: list[str] = []

        def body(run: Run, _: Json) -> Json:
            run.step("one", lambda: note(done, "one"))
            run.publish("ready", True)
            return run.wait("go", LONG_S)

        first = launched(lab, {"it": body})
        first.start(Start(kind="it", input=None, run_id="r1"))
        first.event("r1", "ready", LONG_S)
        first.close()
        second = launched(lab, {"it": body})
        second.signal("r1", "go", 3)
        status = second.wait("r1", LONG_S)
        assert (status.output, status.attempts, done) == (3, 1, ["one"])

    def test_workers_that_live_are_told_by_their_names(self, lab: Lab) -> None:
        asking, one, other = lab.engine(), lab.engine(), lab.engine()
        assert asking.workers() == {}
        for engine in (one, other):
            engine.launch({}, [])
        told = asking.workers()
        assert set(told) == {one.worker_id, other.worker_id}
        assert all(until > lab.now() for until in told.values())
        one.close()
        assert set(asking.workers()) == {other.worker_id}
