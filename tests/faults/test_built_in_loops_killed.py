"""kill -9 of whoever drives a built-in loop, as it is shipped: at each step, and inside of them.

A moment lies before each step, behind what it did, and behind its record; before and after each commit of the
ledger and each SQL statement that writes. Whoever comes next looks at the same trigger, takes what is recorded
from the record, and comes to the ledger of a run that nobody disturbed. All processes are forks of this one.
The record is a file here: that an engine keeps one is tested with the engine.
"""

import json
import os
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from faults.kill_bench import Moments, WatchedLedger, watched_sql
from lignin.app import load_settings, open_context
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.states import REDUCERS
from lignin.operations.context import Context
from lignin.operations.looplooking import running, tick
from lignin.operations.looprunning import drive
from lignin.operations.registry import load_operations
from lignin.ports.ledger import every_row
from lignin.practice import record_sessions

OPERATIONS = load_operations()
LOOPS = ("intake", "mine", "induce", "weekly")
LATER = timedelta(days=8)
"""By then each of their cron lines has come, and what was written is quiet."""
SESSIONS = 22
SAMPLE, FULL = 2, 60
"""Moments of each loop."""


def ask(context: Context, name: str, **request: Any) -> Any:
    operation = OPERATIONS[name]
    return operation.run(context, operation.request(**request))


class Store:
    """A ledger that is copied for each case: a folder."""

    def url(self, folder: Path) -> str:
        return ""

    def create(self, folder: Path) -> None:
        """Nothing is there before it is opened."""

    def copy(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target)

    def drop(self, folder: Path) -> None:
        shutil.rmtree(folder)


class PostgresStore(Store):
    """A ledger that is copied for each case: a folder, and a database made from a template."""

    def __init__(self, url: str) -> None:
        self._url, self._prefix = url, f"loops_{os.getpid()}"

    def url(self, folder: Path) -> str:
        return self._url.replace("/postgres?", f"/{self._named(folder)}?")

    def create(self, folder: Path) -> None:
        self._do(f'CREATE DATABASE "{self._named(folder)}"')

    def copy(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target)
        self._do(f'CREATE DATABASE "{self._named(target)}" TEMPLATE "{self._named(source)}"')

    def drop(self, folder: Path) -> None:
        shutil.rmtree(folder)
        self._do(f'DROP DATABASE "{self._named(folder)}" WITH (FORCE)')

    def _named(self, folder: Path) -> str:
        return f"{self._prefix}_{folder.name}"

    def _do(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())


class Record:
    """What each step gave, in a file as an engine keeps it; what it did itself is noted before."""

    def __init__(self, folder: Path, moment: Moments) -> None:
        self._recorded, self._did = folder / "recorded", folder / "did"
        told = self._recorded.read_text().splitlines() if self._recorded.exists() else []
        self._known = [json.loads(line) for line in told]
        self._moment = moment

    def __call__(self, name: str, do: Callable[[], Json]) -> Json:
        if self._known:
            known, value = self._known.pop(0)
            assert known == name
            return value
        self._moment(f"before step {name}")
        with self._did.open("a") as file:
            file.write(f"{name}\n")
        value = json.loads(json.dumps(do()))
        self._moment(f"behind step {name}")
        with self._recorded.open("a") as file:
            file.write(json.dumps([name, value]) + "\n")
        self._moment(f"recorded step {name}")
        return value


@dataclass
class Bench:
    """Each loop with the folder before its run, the moments in it and the ledger after it."""

    root: Path
    store: Store
    before: dict[str, Path] = field(default_factory=dict)
    moments: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> Path:
        """Where every run is made: what lies elsewhere has other names, and runs are named by those."""
        return self.root / "live"

    def prepare(self, sessions: Path) -> None:
        shutil.copytree(sessions / "projects", self.live / "user/.claude/projects")
        self.store.create(self.live)
        with self.opened() as context:
            ask(context, "trace.import", mine=True)
        self.store.copy(self.live, self.root / "base")
        for name in LOOPS:
            self.back_to(self.root / "base")
            with self.opened() as context:
                self._add(context, name)
            self.before[name] = self.root / f"before_{name}"
            self.store.copy(self.live, self.before[name])
            self.moments[name] = self.go(Moments()).seen
            self.wanted[name] = self.rows(name)

    def back_to(self, before: Path) -> None:
        self.store.drop(self.live)
        self.store.copy(before, self.live)

    def _add(self, context: Context, name: str) -> None:
        """Add it as it is shipped; then something happens that it waits for."""
        ask(context, "loop.new", template=name)
        ask(context, "loop.add", file=f"{name}.toml")
        fresh = context.person_home / ".claude/projects/fresh"
        if name == "intake":
            first = next(context.person_home.rglob("*.jsonl"))
            fresh.mkdir()
            (fresh / f"new-{first.name}").write_bytes(
                first.read_bytes().replace(b"order", b"ordre")
            )
        if name == "mine":
            for _ in range(20):
                ask(context, "session.start")

    @contextmanager
    def opened(self) -> Iterator[Context]:
        folder = self.live
        environment = {
            "LIGNIN_HOME": str(folder / "home"),
            "LIGNIN_ACTOR": "user:tester",
            "HOME": str(folder / "user"),
        }
        if url := self.store.url(folder):
            environment["LIGNIN_STORE"] = url
        with open_context(load_settings(environment, folder)) as context:
            yield context

    def go(self, moment: Moments) -> Moments:
        """Look at the trigger and drive what it starts to its end."""
        folder = self.live
        with watched_sql(moment), self.opened() as context:
            ledger: Any = WatchedLedger(context.ledger, moment, folder / "acks", LATER)
            watched = replace(context, ledger=ledger)
            assert tick(watched).faults == {}
            for run in running(watched):
                drive(watched, run, Record(folder, moment))
        return moment

    def dies(self, at: int) -> bool:
        child = os.fork()
        if child == 0:
            try:
                self.go(Moments(at))
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def rows(self, name: str) -> dict[str, Json]:
        """Every row of the ledger, without times and what follows from them."""
        # What is said of an act that was in flight: since when, and what was new is known when it is repeated.
        dated = {*_TIMES, *(["mark"] if name in ("weekly", "intake") else [])}
        with self.opened() as context, context.view() as view:
            return {
                row.stream: [str(row.state), _timeless(row.body, dated)]
                for kind in REDUCERS
                for row in every_row(view, kind)
            }

    def points(self, name: str, most: int) -> list[int]:
        """Moments, spread evenly; those of steps first."""
        seen = self.moments[name]
        steps = [at for at, label in enumerate(seen, start=1) if " step " in label]
        every = range(1, len(seen) + 1)
        wanted = [*_spread(steps, most - most // 3), *_spread(list(every), most // 3)]
        return sorted(set(wanted))


def _spread(places: list[int], most: int) -> list[int]:
    return [places[int(k * len(places) / most)] for k in range(min(most, len(places)))]


_TIMES = ("at", "until", "time_s", "told", "given", "time", "spent", "taken", "chain")
"""What no two runs have in common: times, what took long, and digests of what has either or a new id in it."""


def _timeless(value: Json, dated: set[str]) -> Json:
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if k not in dated and not k.endswith("_at")}
        return {k: _timeless(v, dated) for k, v in kept.items()}
    if isinstance(value, list | tuple):
        return [_timeless(each, dated) for each in value]
    return value


def _differing(found: Mapping[str, Json], wanted: Mapping[str, Json]) -> str:
    every = sorted(found.keys() | wanted.keys())
    other = [stream for stream in every if found.get(stream) != wanted.get(stream)]
    return f"{other[0]} of {len(other)}: {found.get(other[0])} instead of {wanted.get(other[0])}"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    record_sessions(folder, count=SESSIONS)
    return folder


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sessions: Path
) -> Bench:
    store = Store()
    if request.param == "postgres":
        store = PostgresStore(request.getfixturevalue("postgres_url"))
    made = Bench(tmp_path_factory.mktemp("loops"), store)
    made.prepare(sessions)
    return made


@pytest.mark.parametrize("most", [SAMPLE, pytest.param(FULL, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LOOPS)
def test_a_built_in_loop_that_is_killed_anywhere_comes_to_the_same_ledger(
    bench: Bench, name: str, most: int
) -> None:
    faults, points, seen = [], bench.points(name, most), bench.moments[name]
    assert {"before step plan", "behind step act act", "recorded step end"} <= set(seen)
    for at in points:
        label = f"{name}, moment {at} ({seen[at - 1]})"
        bench.back_to(bench.before[name])
        if not bench.dies(at):
            faults.append(f"{label}: it outlived its moment")
        bench.go(Moments())
        did = Counter((bench.live / "did").read_text().splitlines())
        usual = Counter(each.removeprefix("before step ") for each in seen if "before step" in each)
        if sum(did.values()) > sum(usual.values()) + 1:
            faults.append(f"{label}: more than the step in flight was made again: {did}")
        found = bench.rows(name)
        if found != bench.wanted[name]:
            faults.append(f"{label}: {_differing(found, bench.wanted[name])}")
    print(f"{name}: {len(points)} kill points of {len(seen)}")
    assert faults == []
    assert canonical_bytes(sorted(bench.wanted[name]))
