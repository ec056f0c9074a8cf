"""A bench for kill -9: operations of the whole path, run in forks that die at a chosen moment.

Everything is imported once and each case is a fork of this process. A moment lies before and after
each ledger commit, view, blob read, sandbox run and disk step, and after each SQL statement of a
write transaction. The sandbox answers from memory what it was seen to answer when undisturbed.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from faults.kept_files import SKILLS, damaged_own_files, own_files, skill_files
from lignin.app import load_settings, open_context
from lignin.artifacts.check_scan import load_checks
from lignin.artifacts.disk import Disk
from lignin.artifacts.verify import Verifier
from lignin.domain.errors import ConflictError
from lignin.domain.events import Change, Receipt
from lignin.operations.artifact import (
    ArtifactCall,
    ArtifactPromote,
    ArtifactVerify,
    Nothing,
    call,
    expire,
    promote,
    verify,
)
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.head import HeadRollback, rollback
from lignin.operations.skill import serve
from lignin.operations.skill_models import SkillServe
from lignin.operations.trace import TraceImport, import_
from lignin.ports.ledger import View
from lignin.ports.sandbox import Execution, Observed
from lignin.practice import record_sessions
from lignin.testing.fakes.sandbox import ProcessSandbox

GOOD = Path(__file__).parents[1] / "corpora/artifacts/good"
Act = Callable[[Context], object]


class Moments:
    """Counts moments; at the chosen one the process kills itself."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.seen = at, list[str]()

    def __call__(self, label: str) -> None:
        self.seen.append(label)
        if len(self.seen) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class WatchedView:
    """A view whose blob reads are moments."""

    def __init__(self, view: View, moment: Moments) -> None:
        self._view, self._moment = view, moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def blob(self, digest: str) -> bytes:
        self._moment("before blob")
        content = self._view.blob(digest)
        self._moment("after blob")
        return content


class WatchedLedger:
    """A ledger whose commits and views are moments; acknowledged event ids go to a file."""

    def __init__(self, ledger: Any, moment: Moments, acks: Path, later: timedelta) -> None:
        self._ledger, self._moment, self._acks, self._later = ledger, moment, acks, later
        self.lengths: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def now(self) -> datetime:
        return self._ledger.now() + self._later

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        self._moment("before commit")
        receipts = self._ledger.commit(*changes)
        with self._acks.open("a") as file:
            file.writelines(f"{id_}\n" for receipt in receipts for id_ in receipt.event_ids)
        self.lengths.append(max((r.last_position for r in receipts), default=0))
        self._moment("after commit")
        return receipts

    @contextmanager
    def view(self, space: str) -> Iterator[Any]:
        self._moment("before view")
        with self._ledger.view(space) as view:
            yield WatchedView(view, self._moment)
        self._moment("after view")


class WatchedDisk(Disk):
    """A disk on which each step has a moment before and after, and a write one in the middle."""

    def __init__(self, moment: Moments) -> None:
        self._moment = moment

    def _sync(self, handle: int) -> None:
        """The kernel outlives the process, so nothing has to reach the platter here."""

    def _write(self, handle: int, content: bytes) -> None:
        super()._write(handle, content[: len(content) // 2])
        self._moment("within disk write")
        super()._write(handle, content[len(content) // 2 :])

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_"):
            return found

        def step(*args: Any) -> Any:
            self._moment(f"before disk {name}")
            result = found(*args)
            self._moment(f"after disk {name}")
            return result

        return step


class RememberingSandbox:
    """Runs once for real (in the fake), later answers the same from memory."""

    def __init__(self) -> None:
        self._real = ProcessSandbox()
        self._known: dict[str, Observed] = {}
        self._owner = os.getpid()
        self.moment = Moments()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def run(self, execution: Execution, broker: Any = None) -> Observed:
        key = repr(execution)
        self.moment("before sandbox run")
        if key not in self._known:
            assert os.getpid() == self._owner, "a fork asks for a run that was never made"
            self._known[key] = self._real.run(execution)
        self.moment("after sandbox run")
        return self._known[key]

    def close(self) -> None:
        """Contexts come and go; `end` ends the interpreters."""

    def end(self) -> None:
        self._real.close()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One step of the path, and how much later than the machine's clock it happens."""

    name: str
    act: Act
    later: timedelta = timedelta()


@dataclass(kw_only=True)
class Prepared:
    """An operation, the folder as it is before, and what an undisturbed run came to."""

    operation: Operation
    before: Path
    moments: list[str]
    lengths: set[int]
    wanted: Mapping[str, Any]
    wall_s: float


def operations(sessions: Path) -> list[Operation]:
    """The path in order."""

    def handed_over(name: str, *, verify_now: bool) -> Act:
        case = json.loads((GOOD / name / "case.json").read_text())
        request = ArtifactCapture(
            path=str(GOOD / name / f"{name}.py"),
            name=name.replace("_", "-"),
            kind="program",
            examples=case["examples"],
            verify=verify_now,
        )
        return lambda context: capture(context, request)

    def served(context: Context) -> object:
        return serve(context, SkillServe(folder="."))

    def called(context: Context) -> object:
        return call(context, ArtifactCall(name="caesar", input={"text": "xyz", "key": 3}))

    def promoted(name: str) -> Act:
        return lambda context: promote(context, ArtifactPromote(name=name))

    def rolled_back(context: Context) -> None:
        with suppress(ConflictError):  # said when the run before had got there
            rollback(context, HeadRollback(name="main", reason="a test"))

    return [
        Operation(name="first start", act=lambda context: context.ledger.spaces()),
        Operation(
            name="trace import",
            act=lambda context: import_(context, TraceImport(paths=[str(sessions)])),
        ),
        Operation(name="capture", act=handed_over("caesar", verify_now=False)),
        Operation(
            name="verify", act=lambda context: verify(context, ArtifactVerify(name="caesar"))
        ),
        Operation(name="capture and verify", act=handed_over("gcd_fraction", verify_now=True)),
        Operation(name="promote", act=promoted("caesar")),
        Operation(name="serve", act=served),
        Operation(name="promote another", act=promoted("gcd-fraction")),
        Operation(name="serve again", act=served),
        Operation(name="call", act=called),
        Operation(name="rollback", act=rolled_back),
        Operation(name="serve the rest", act=served),
        Operation(name="capture a draft", act=handed_over("base62", verify_now=False)),
        Operation(
            name="expire", act=lambda context: expire(context, Nothing()), later=timedelta(days=90)
        ),
    ]


@dataclass(kw_only=True)
class Bench:
    """The prepared operations in one folder, and the sandbox they share."""

    root: Path
    sandbox: RememberingSandbox = field(default_factory=RememberingSandbox)
    prepared: list[Prepared] = field(default_factory=list)

    @property
    def live(self) -> Path:
        """Where it is prepared, and where each case has to stand: the ledger knows the folders it served."""
        return self.root / "live"

    def prepare(self) -> None:
        """Run the whole path once, undisturbed, keeping the folder as it was before each step."""
        sessions, live = self.root / "recorded", self.live
        record_sessions(sessions, count=2, seed=7)
        own_files(live / "project")
        for number, operation in enumerate(operations(sessions)):
            before = self.root / f"before-{number}"
            shutil.copytree(live, before, symlinks=True)
            began = time.monotonic()
            moments, lengths = self.act(operation, live, Moments())
            wall_s = time.monotonic() - began
            self.prepared.append(
                Prepared(
                    operation=operation,
                    before=before,
                    moments=moments.seen,
                    lengths={*lengths, *self.log_lengths(before)},
                    wanted=self.end_state(live),
                    wall_s=wall_s,
                )
            )
            if operation.name == "serve":  # a person adds a file of her own to a skill of ours
                for skills in SKILLS:
                    (live / "project" / skills / "caesar/mine").mkdir()
                    (live / "project" / skills / "caesar/mine/notes.md").write_text("my notes")
        shutil.rmtree(live)

    def act(self, operation: Operation, folder: Path, moment: Moments) -> tuple[Moments, list[int]]:
        """Run one operation with every port watched."""
        with watched_sql(moment), opened(folder) as context:
            ledger = WatchedLedger(context.ledger, moment, folder / "acks", operation.later)
            self.sandbox.moment = moment
            context.ledger = ledger
            context.disk = WatchedDisk(moment)
            context.open_sandbox = lambda: self.sandbox
            verifier = Verifier(self.sandbox, load_checks(), context.load_kinds(), scanners=())
            context.open_verifier = lambda: verifier
            operation.act(context)
        return moment, ledger.lengths

    def log_lengths(self, folder: Path) -> list[int]:
        """How long the log is; empty where there is no store yet (then the first event may be in)."""
        if not (folder / "home/ledger.db").exists():
            return [1]
        with opened(folder) as context, context.view() as view:
            return [view.position]

    def kill(self, prepared: Prepared, folder: Path, *, at: int = 0, after_s: float = 0) -> bool:
        """Run in a fork that dies at a moment, or after a time; False where it finished before."""
        shutil.copytree(prepared.before, folder, symlinks=True)
        child = os.fork()
        if child == 0:
            code = 3
            try:
                self.act(prepared.operation, folder, Moments(at))
                code = 0
            finally:
                os._exit(code)
        if after_s:
            time.sleep(after_s)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return True
        assert os.waitstatus_to_exitcode(status) == 0, f"{prepared.operation.name} failed"
        return False

    def recover(self, prepared: Prepared, folder: Path) -> list[str]:
        """What a fresh process finds wrong, before and after it repeats the command."""
        told = folder / "found.json"
        child = os.fork()
        if child == 0:
            try:
                told.write_text(json.dumps(self._found(prepared, folder)))
            except BaseException as error:
                told.write_text(json.dumps([f"recovery raised {error!r}"]))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        found: list[str] = json.loads(told.read_text())
        return found

    def _found(self, prepared: Prepared, folder: Path) -> list[str]:
        faults = self._audit(folder, "after the kill")
        length = self.log_lengths(folder)[0]
        if length not in prepared.lengths:
            faults.append(f"the log ends at {length}, within a commit: {prepared.lengths}")
        faults += _lost_acknowledgements(folder)
        faults += damaged_own_files(prepared.before / "project", folder / "project")
        self.act(prepared.operation, folder, Moments())
        faults += self._audit(folder, "after the repeat")
        faults += damaged_own_files(prepared.before / "project", folder / "project")
        state = self.end_state(folder)
        faults += [
            f"{part} differs after the repeat: {state[part]} instead of {prepared.wanted[part]}"
            for part in prepared.wanted
            if state[part] != prepared.wanted[part]
        ]
        return faults

    def _audit(self, folder: Path, when: str) -> list[str]:
        with opened(folder) as context:
            audit = context.store.verify("home", lambda *_: None)
        return [f"store verify {when}: {fault}" for fault in audit.faults]

    def end_state(self, folder: Path) -> Mapping[str, Any]:
        """Head slots, artifact states, sessions, verdicts and skill folders; no ids, no times."""
        with opened(folder) as context, context.view() as view:
            rows = {kind: view.page(kind, limit=1000).rows for kind in KINDS}
            heads = {
                row.key: dict(context.harness.resolve(view, row.body["stable"]))
                for row in rows["head"]
            }
            sessions = {row.key: context.sessions.length(view, row.key) for row in rows["session"]}
        return {
            "heads": heads,
            "versions": {row.stream: row.state for row in rows["version"]},
            "sessions": sessions,
            "verdicts": {
                row.stream: row.body["latest"]["verification"]["verdict"]
                for row in rows["evidence"]
            },
            "skills": skill_files(folder / "project"),
        }


KINDS = ("head", "version", "session", "evidence")


@contextmanager
def opened(folder: Path) -> Iterator[Context]:
    """A context on the case's own store and project."""
    (folder / "project").mkdir(parents=True, exist_ok=True)
    environment = {"LIGNIN_HOME": str(folder / "home"), "LIGNIN_ACTOR": "user:bench"}
    with open_context(load_settings(environment, folder / "project")) as context:
        yield context


@contextmanager
def watched_sql(moment: Moments) -> Iterator[None]:
    """Make each statement that writes a moment, and the time just before and after COMMIT."""

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().lower().startswith(("select", "pragma")):
            moment(f"after sql {statement.split(maxsplit=1)[0]}")

    def committing(_connection: Any) -> None:
        moment("before sql commit")

    event.listen(Engine, "after_cursor_execute", executed)
    event.listen(Engine, "commit", committing)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", executed)
        event.remove(Engine, "commit", committing)


def _lost_acknowledgements(folder: Path) -> list[str]:
    acks = folder / "acks"
    wanted = acks.read_text().split() if acks.exists() else []
    with opened(folder) as context, context.view() as view:
        known, after = set[str](), 0
        while events := view.log(after=after):
            known |= {event.event_id for event in events}
            after = events[-1].position
    return [f"the acknowledged event {id_} is lost" for id_ in wanted if id_ not in known]
