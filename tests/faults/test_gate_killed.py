"""kill -9 at every commit of a decision, before and after it: the same command goes on where it was.

Each trial that was paid leaves a line in a file. What was committed is never paid again, and the
decision that is reached in the end is, number for number, that of a run that nobody disturbed.
"""

import os
import signal
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faults.dying import Killing, dies, opened
from lignin.domain.codec import parse_json
from lignin.operations.gate_prove import prove
from lignin.operations.proving import claimed
from lignin.operations.questions import GateProve, question_of
from lignin.ports.ledger import require_known

HARNESS = """
import os, random

def run(name, shares, task, seed):
    with open(os.environ["PAID"], "a") as file:
        print(name, task["case"], seed, file=file)
    share = shares[task["case"] < "c4"]
    return {"resolved": random.Random(f"{name} {task['case']} {seed}").random() < share}

def old(task, seed, tools):
    return run("old", (0.95, 0.1), task, seed)

def new(task, seed, tools):
    return run("new", (0.95, 0.9), task, seed)
"""


def asked(module: str) -> GateProve:
    return GateProve(
        incumbent=f"python:{module}:old",
        candidate=f"python:{module}:new",
        unsandboxed=True,
        suite="suite.jsonl",
        bank=2,
    )


def decide(folder: Path, module: str, killed_at: int = 0, *, after: bool = True) -> Any:
    """What `gate prove` comes to, or dies of."""
    os.environ["PAID"] = str(folder / "paid")
    with opened(folder) as context:
        ledger = Killing(context.ledger, killed_at, after)
        decided = prove(replace(context, ledger=ledger), asked(module))  # type: ignore[arg-type]
        with context.view() as view:
            row = require_known(view, f"decision/{decided.decision}")
            told = parse_json(view.blob(row.body["result"]["told"]))
    # How long a trial took is not the same twice, where others want the machine too.
    told["savings"] = [each for each in told["savings"] if each["column"] != "latency_s"]
    return told, ledger.commits


def prepared(folder: Path, module: str) -> Path:
    folder.mkdir()
    (folder / f"{module}.py").write_text(HARNESS)
    (folder / "suite.jsonl").write_text("".join(f'{{"case": "c{n}"}}\n' for n in range(8)))
    with opened(folder):
        pass
    return folder


def is_decided(folder: Path) -> bool:
    with opened(folder) as context, context.view() as view:
        return any(row.state != "open" for row in view.page("decision").rows)


@pytest.fixture(params=[pytest.param(4, id="sample"), pytest.param(1, marks=pytest.mark.slow)])
def step(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_decision_killed_at_any_commit_is_the_same_and_pays_nothing_twice(
    tmp_path: Path, step: int, after: bool
) -> None:
    module = f"killed_{step}_{after}"
    whole = prepared(tmp_path / "whole", module)
    reached, commits = decide(whole, module)
    paid = Counter((whole / "paid").read_text().splitlines())
    assert set(paid.values()) == {1}
    assert commits > 30
    for killed_at in range(1, commits + 1, step):
        folder = prepared(tmp_path / str(killed_at), module)
        assert dies(partial(decide, folder, module, killed_at, after=after))
        again, _ = decide(folder, module)
        assert again == reached
        told = Counter((folder / "paid").read_text().splitlines())
        assert set(told) == set(paid)
        # Killed before the commit, the one trial in flight is paid again; nothing that was filed is.
        assert sum(told.values()) - sum(paid.values()) <= (0 if after else 1)


def test_a_decision_killed_at_every_trial_in_turn_still_comes_to_the_same(tmp_path: Path) -> None:
    module = "killed_in_turn"
    whole = prepared(tmp_path / "whole", module)
    reached, _ = decide(whole, module)
    folder = prepared(tmp_path / "turns", module)
    kills = 0
    while not is_decided(folder):
        assert dies(partial(decide, folder, module, 1, after=True))
        kills += 1
    assert kills > 30
    again, _ = decide(folder, module)
    assert again == reached
    assert set(Counter((folder / "paid").read_text().splitlines()).values()) == {1}


def test_two_that_decide_the_same_at_once_come_to_one_decision(tmp_path: Path) -> None:
    module = "at_once"
    folder = prepared(tmp_path / "both", module)
    start = threading.Barrier(2)
    reached: list[Any] = []

    def one() -> None:
        start.wait()
        reached.append(decide(folder, module)[0])

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(reached) == 2
    assert reached[0] == reached[1]
    # The second one waited for the first: nothing was run twice.
    assert set(Counter((folder / "paid").read_text().splitlines()).values()) == {1}
    with opened(folder) as context, context.view() as view:
        assert view.page("decision").total == 1
        trials = list(view.page("trial", limit=1000).rows)
        assert [row.seq for row in trials] == [1] * len(trials)
        campaign = require_known(view, "campaign/main").body
    assert campaign["decisions"] == 1


def proving(folder: Path, module: str, progress: Any) -> Any:
    """`gate prove` as `decide` asks for it, with somebody who hears how it goes on."""
    os.environ["PAID"] = str(folder / "paid")
    with opened(folder) as context:
        return prove(replace(context, progress=progress), asked(module))


def test_who_waits_for_another_says_so_and_takes_over_when_that_one_dies(tmp_path: Path) -> None:
    module = "takes_over"
    folder = prepared(tmp_path / "both", module)
    holds, told = os.pipe(), list[str]()
    child = os.fork()
    if child == 0:

        def hang(_what: str, done: int, _total: int | None) -> None:
            if done:
                os.write(holds[1], b"held")
                signal.pause()

        try:
            proving(folder, module, hang)
        finally:
            os._exit(0)
    assert os.read(holds[0], 4) == b"held"  # it has filed trials, and is in the middle of the next

    def hear(what: str, _done: int, _total: int | None) -> None:
        if "waits for another process" in what and not told:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        told.append(what)

    decided = proving(folder, module, hear)
    assert "waits for another process" in told[0]
    assert decided.verdict == "accept"
    assert set(Counter((folder / "paid").read_text().splitlines()).values()) == {1}
    assert list((folder / "home/proving").iterdir()) == []


def test_who_files_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    module = "waits_in_vain"
    folder = prepared(tmp_path / "both", module)
    told: list[str] = []
    with opened(folder) as context:
        heard = replace(context, progress=lambda what, _done, _total: told.append(what))
        question = question_of(context, asked(module))
        with (
            claimed(context, question, "dec_1", 0) as first,
            claimed(heard, question, "dec_1", 0) as second,
            claimed(heard, question, "dec_2", 0) as other,
        ):
            assert (first, second, other) == (True, False, True)
    assert told[-1] == "goes on beside another process that files nothing"
