"""Trials handed to workers: the very system that was asked for, each trial once, and all of them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.artifacts import File
from lignin.domain.codec import parse_json
from lignin.domain.errors import InvalidRequestError, LimitedError, UnavailableError
from lignin.domain.jobs import PER_KEY
from lignin.jobs.laws.fitting import Able
from lignin.jobs.service import Jobs
from lignin.operations.context import Context
from lignin.operations.feeding import Feeder
from lignin.operations.handing import Handed, hand, host_need, open_handed, parse_handed
from lignin.operations.jobkind import load_job_kinds
from lignin.operations.jobwork import bodies_of
from lignin.operations.subjects import open_subject
from lignin.operations.trialwork import SuiteCase, told_case
from lignin.operations.tries import Tries, with_workers
from lignin.ports.ledger import require_known
from lignin.testing.fakes.engine import FakeEngine, FakeStore
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import Desk, open_desk

AGENT = """
RAN = []

def run(task, seed, tools):
    RAN.append((task["case"], seed))
    return {"resolved": True}
"""
HARNESS = {"rules/RULES.md": File(content=b"Be kind.")}


def suite(count: int = 3) -> list[SuiteCase]:
    return [told_case({"case": f"c{number}"}) for number in range(count)]


@contextmanager
def worker(desk: Desk, has: frozenset[str]) -> Iterator[Context]:
    """A worker on a thread of its own; gives the asker's context."""
    store = FakeStore()
    engine = FakeEngine(store, "wrk_1")
    context = replace(desk.context, open_engine=lambda: engine, workers=True)
    feeder = Feeder(context, engine, Able(name="wrk_1", has=has))
    engine.launch(bodies_of(replace(context, workers=False), load_job_kinds()), [])
    facts = {"has": sorted(has), "queues": [], "host": "h", "pid": 1, "parallel": 1}
    with context.view() as view:
        started = Jobs(context.ids).worker_started(view, context.scope, "wrk_1", facts)
    context.commit(started)
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.01):
            feeder.reconcile()
            engine.listen(feeder.lanes)
            store.advance(0.1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield context
    finally:
        stop.set()
        thread.join()


def told_states(context: Context) -> list[str]:
    """How the jobs ended; a job ends a moment after its trial is filed."""
    end = time.monotonic() + 30
    while True:
        with context.view() as view:
            states = [str(row.state) for row in view.page("job").rows]
        if "open" not in states or time.monotonic() > end:
            return states
        time.sleep(0.01)


def agent(desk: Desk, name: str, text: str = AGENT, **more: Any) -> Any:
    desk.write(f"{name}.py", text)
    return open_subject(desk.context, f"python:{name}:run", unsandboxed=True, **more)


def test_workers_make_the_trials_and_the_asker_pays_none_twice(desk: Desk) -> None:
    system = agent(desk, "handed_out")
    with worker(desk, frozenset({PER_KEY, host_need()})) as context:
        tries = Tries(context)
        wanted = [(system, case, number) for case in suite() for number in (0, 1)]
        bodies = tries.trials(wanted)
        assert [body["score"] for body in bodies] == [1.0] * 6
        assert (tries.paid, told_states(context)) == (6, ["succeeded"] * 6)
        again = Tries(context)
        assert again.trials(wanted) == bodies
        assert (again.paid, len(told_states(context))) == (0, 6)


def test_what_no_worker_takes_is_tried_by_who_asks(desk: Desk) -> None:
    system = agent(desk, "tried_here")
    heard: list[str] = []
    with worker(desk, frozenset({PER_KEY, "host:elsewhere"})) as context:
        tries = Tries(replace(context, progress=lambda what, done, total: heard.append(what)))
        assert len(tries.trials([(system, case, 0) for case in suite()])) == 3
        assert (tries.paid, told_states(context)) == (3, [])
    assert heard == [
        f"trials are tried here: no living worker has what it needs; wrk_1 lacks {host_need()}"
    ]


def test_where_no_worker_lives_the_asker_hears_it_at_once(desk: Desk) -> None:
    heard: list[str] = []
    engine = FakeEngine(FakeStore(), "wrk_1")
    context = replace(
        desk.context,
        open_engine=lambda: engine,
        progress=lambda what, done, total: heard.append(what),
    )
    assert with_workers(context, True).workers
    assert len(heard) == 1
    assert heard[0].startswith("trials are tried here: no worker is alive: `lignin up`")


def test_what_a_worker_cannot_open_the_same_is_tried_by_who_asks(desk: Desk) -> None:
    system = agent(desk, "changed_since")
    desk.write("changed_since.py", AGENT + "\n# another system\n")
    with worker(desk, frozenset({PER_KEY, host_need()})) as context:
        tries = Tries(context)
        assert [body["score"] for body in tries.trials([(system, suite()[0], 0)])] == [1.0]
        assert (tries.paid, told_states(context)) == (1, ["failed"])
        with context.view() as view:
            (job,) = view.page("job").rows
            assert "was asked for" in job.body["error"]["message"]
            (trial,) = view.page("trial").rows
            assert trial.body["system"] == system.digest


def test_another_system_than_the_one_that_was_asked_for_is_never_tried(desk: Desk) -> None:
    system = agent(desk, "swapped")
    with desk.context.view() as view:
        handed = hand(desk.context, view, system, suite()[0], 0)
    assert handed is not None
    asked = parse_handed(handed[0].input)
    open_handed(desk.context, asked)
    desk.write("swapped.py", "def run(task, seed, tools): return {'resolved': False}\n")
    with pytest.raises(UnavailableError, match="was asked for"):
        open_handed(desk.context, asked)


def test_a_harness_goes_along_by_its_digest(desk: Desk) -> None:
    system = open_subject(desk.context, "desk:one", harness=HARNESS)
    with desk.context.view() as view:
        handed = hand(desk.context, view, system, suite()[0], 0)
    assert handed is not None
    asked, kept = handed
    assert asked.needs == ()
    assert "Be kind" not in json.dumps(asked.input)
    desk.context.commit(*kept)
    opened, case = open_handed(desk.context, parse_handed(asked.input))
    assert (opened.digest, case) == (system.digest, suite()[0])


def test_sealed_trials_judged_cases_and_strange_systems_stay_with_who_asks(desk: Desk) -> None:
    system, case = agent(desk, "stays"), suite()[0]

    class Sealed:
        name, digest, simulated = "", system.digest, False

    class Strange:
        name, digest, simulated = "strange", "sha256:" + "1" * 64, False

    class Judged:
        grader = "rubric@1"

    with desk.context.view() as view:
        assert hand(desk.context, view, Sealed(), case, 0) is None  # type: ignore[arg-type]
        assert hand(desk.context, view, Strange(), case, 0) is None  # type: ignore[arg-type]
        judged = replace(case, scorer=Judged())  # type: ignore[arg-type]
        assert hand(desk.context, view, system, judged, 0) is None
        large = told_case({"case": "large", "input": "x" * 300_000})
        assert hand(desk.context, view, system, large, 0) is None


def test_a_ration_holds_for_trials_that_others_make(desk: Desk) -> None:
    system = agent(desk, "rationed")

    class Rationed:
        name, digest, simulated = system.name, system.digest, False
        left = 2

        def reserve(self) -> None:
            if self.left == 0:
                raise LimitedError("the ration is spent")
            self.left -= 1

        def release(self) -> None:
            self.left += 1

        def settle(self, cost_microusd: int | None) -> None:
            pass

        def run(self, *given: Any) -> Any:
            self.reserve()
            return system.run(*given)

    with worker(desk, frozenset({PER_KEY, host_need()})) as context:
        rationed = Rationed()
        with pytest.raises(LimitedError):
            Tries(context).trials([(rationed, case, 0) for case in suite()])
        with context.view() as view:
            assert view.page("trial").total == 2


@pytest.mark.parametrize("value", [None, {}, {"system": "sha256:a"}, []])
def test_what_is_no_trial_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequestError):
        parse_handed(value)


def test_a_trial_survives_its_form(desk: Desk) -> None:
    with desk.context.view() as view:
        handed = hand(desk.context, view, agent(desk, "form"), suite()[0], 7)
    assert handed is not None
    read = parse_handed(json.loads(json.dumps(handed[0].input)))
    assert isinstance(read, Handed)
    assert (read.number, read.case, read.task) == (7, ("c0", suite()[0].digest), suite()[0].task)


DECIDED = """
import random

def run(name, shares, task, seed):
    share = shares[task["case"] < "c2"]
    return {"resolved": random.Random(f"{name} {task['case']} {seed}").random() < share}

def old(task, seed, tools):
    return run("old", (0.95, 0.0), task, seed)

def new(task, seed, tools):
    return run("new", (0.95, 1.0), task, seed)
"""


def test_a_decision_by_workers_is_that_of_the_caller_alone_but_for_times(
    desk: Desk, tmp_path: Path, sandbox: ProcessSandbox
) -> None:
    (tmp_path / "alone").mkdir()
    asked = {
        "incumbent": "python:decided:old",
        "candidate": "python:decided:new",
        "unsandboxed": True,
        "suite": "suite.jsonl",
        "bank": 1,
    }
    lines = "".join(f'{{"case": "c{number}"}}\n' for number in range(4))

    def decide(made: Desk, **more: Any) -> dict[str, Any]:
        made.write("decided.py", DECIDED)
        made.write("suite.jsonl", lines)
        decision = made("gate.prove", **asked, **more).decision
        with made.context.view() as view:
            row = require_known(view, f"decision/{decision}")
            told: dict[str, Any] = parse_json(view.blob(row.body["result"]["told"]))
        assert [each["column"] for each in told["savings"]] == ["latency_s"]
        return {**told, "savings": ()}  # how long a trial takes is never twice the same

    with open_desk(tmp_path / "alone", sandbox) as other:
        alone = decide(other)
    with worker(desk, frozenset({PER_KEY, host_need()})) as context:
        assert decide(Desk(replace(context, workers=False)), workers=True) == alone
        with context.view() as view:
            assert view.page("job", state="succeeded").total == view.page("trial").total > 4
