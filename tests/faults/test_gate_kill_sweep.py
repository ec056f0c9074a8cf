"""kill -9 anywhere in a decision or a release: before and after every commit, view and SQL statement.

The killed command is given again and goes on. Then nothing that was filed was paid twice, the ledger is
what it is where nobody disturbed it but for times and random ids, and the user's folder is untouched. All
processes are forks of this one.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from faults.command import tree_of
from faults.kill_bench import Moments, WatchedLedger, watched_sql
from lignin.app import load_settings, open_context
from lignin.domain.codec import digest_json
from lignin.operations.context import Context
from lignin.operations.gate_prove import prove
from lignin.operations.questions import GateProve
from lignin.operations.release import ReleaseCut, cut
from lignin.ports.ledger import every_row

SAMPLE, FULL = 9, 210
SYSTEMS = """
import os

def run(name, share, task, seed):
    with open(os.environ["PAID"], "a") as file:
        print(name, task["case"], seed, file=file)
    return {"resolved": task["case"] > "c2" or bool(share)}

def old(task, seed, tools):
    return run("old", 0, task, seed)

def new(task, seed, tools):
    return run("new", 1, task, seed)

def other(task, seed, tools):
    return run("other", 1, task, seed)
"""
SYSTEM = "python:swept_systems:{}"
KINDS = ("trial", "decision", "campaign", "release", "line", "opening", "system")


def better(context: Context) -> object:
    asked = GateProve(
        incumbent=SYSTEM.format("old"),
        candidate=SYSTEM.format("new"),
        unsandboxed=True,
        suite="suite.jsonl",
        bank=2,
    )
    return prove(context, asked)


def released(context: Context) -> object:
    asked = ReleaseCut(system=SYSTEM.format("new"), unsandboxed=True, suite="suite.jsonl")
    return cut(context, asked)


def equivalent(context: Context) -> object:
    asked = GateProve(
        incumbent=SYSTEM.format("new"),
        candidate=SYSTEM.format("other"),
        claim="equivalent",
        unsandboxed=True,
        suite="suite.jsonl",
    )
    return prove(context, asked)


def no_worse(context: Context) -> object:
    asked = GateProve(
        incumbent=SYSTEM.format("new"),
        candidate=SYSTEM.format("other"),
        claim="no_worse_and_cheaper",
        margin=0.3,
        bank=2,
        unsandboxed=True,
        suite="suite.jsonl",
    )
    return prove(context, asked)


ACTS: Mapping[str, Callable[[Context], object]] = {
    "better": better,
    "release": released,
    "equivalent": equivalent,
    "no worse": no_worse,
}


@contextmanager
def opened(folder: Path) -> Iterator[Context]:
    environment = {"LIGNIN_HOME": str(folder / "home"), "LIGNIN_ACTOR": "user:tester"}
    with open_context(load_settings(environment, folder / "project")) as context:
        yield context


@dataclass
class Sweep:
    """Each act with the folder before it, the moments in it and the ledger after it."""

    root: Path
    before: dict[str, Path] = field(default_factory=dict)
    moments: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)

    def prepare(self) -> None:
        live = self.root / "live"
        (live / "project").mkdir(parents=True)
        (live / "project/swept_systems.py").write_text(SYSTEMS)
        (live / "project/notes.md").write_text("a person's own notes")
        rows = "".join(json.dumps({"case": f"c{n}"}) + "\n" for n in range(6))
        (live / "project/suite.jsonl").write_text(rows)
        with opened(live):
            pass
        for name in ACTS:
            self.before[name] = self.root / f"before {name}"
            shutil.copytree(live, self.before[name])
            self.moments[name] = self.act(name, live, Moments()).seen
            self.wanted[name] = ledger_of(live)

    def act(self, name: str, folder: Path, moment: Moments) -> Moments:
        os.environ["PAID"] = str(folder / "paid")
        with watched_sql(moment), opened(folder) as context:
            ledger = WatchedLedger(context.ledger, moment, folder / "acks", timedelta())
            ACTS[name](replace(context, ledger=ledger))  # type: ignore[arg-type]
        return moment

    def dies(self, name: str, folder: Path, at: int) -> bool:
        """Whether a process that does it is killed at that moment."""
        child = os.fork()
        if child == 0:
            try:
                self.act(name, folder, Moments(at))
            finally:
                os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def points(self, most: int) -> list[tuple[str, int]]:
        """Acts and moments, spread evenly."""
        every = [(n, at) for n, seen in self.moments.items() for at in range(1, len(seen) + 1)]
        return [every[int(k * len(every) / most)] for k in range(min(most, len(every)))]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    made = Sweep(tmp_path_factory.mktemp("sweep"))
    made.prepare()
    return made


def paid(folder: Path) -> list[str]:
    path = folder / "paid"
    return path.read_text().splitlines() if path.exists() else []


def filed(folder: Path) -> set[str]:
    """What is on the record as tried: system, case, number."""
    with opened(folder) as context, context.view() as view:
        names = {row.key: row.body["name"].rpartition(":")[2] for row in every_row(view, "system")}
        return {
            f"{names[row.body['system']]} {row.body['case']} {row.body['number']}"
            for row in every_row(view, "trial")
        }


def ledger_of(folder: Path) -> dict[str, str]:
    """Every row that decisions and releases have, without times and the time a trial took."""
    with opened(folder) as context, context.view() as view:
        return {
            row.stream: digest_json([row.state, row.seq, _timeless(row.body)])
            for kind in KINDS
            for row in every_row(view, kind)
        }


_TIMES = ("at", "opened_at", "reached_at", "begun_at", "cut_at", "latency_s")


def _timeless(body: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in body.items() if name not in _TIMES}
    if isinstance(told.get("result"), dict):  # what it came to is compared by its trials
        told["result"] = {k: v for k, v in told["result"].items() if k != "told"}
    return told


@pytest.mark.parametrize("most", [SAMPLE, pytest.param(FULL, marks=pytest.mark.slow)])
def test_killed_anywhere_the_same_command_comes_to_the_same_ledger(
    sweep: Sweep, tmp_path: Path, most: int
) -> None:
    faults, points = [], sweep.points(most)
    assert len(points) == most
    for name, at in points:
        folder, label = tmp_path / "case", f"{name}, moment {at} ({sweep.moments[name][at - 1]})"
        shutil.copytree(sweep.before[name], folder)
        tree = tree_of(folder / "project")
        if not sweep.dies(name, folder, at):
            faults.append(f"{label}: it outlived its moment")
        done, first = filed(folder), paid(folder)
        sweep.act(name, folder, Moments())
        if again := done & set(paid(folder)[len(first) :]):
            faults.append(f"{label}: paid again though filed: {sorted(again)}")
        # What was in flight when it died was filed by nobody, and is run again: one trial at most.
        twice = sum(count - 1 for count in Counter(paid(folder)).values())
        if twice > 1:
            faults.append(f"{label}: {twice} trials were paid twice")
        if ledger_of(folder) != sweep.wanted[name]:
            faults.append(f"{label}: the ledger differs")
        if tree_of(folder / "project") != tree:
            faults.append(f"{label}: the user's folder was touched")
        shutil.rmtree(folder)
    print(f"{len(points)} kill points of {sum(map(len, sweep.moments.values()))}")
    assert faults == []
