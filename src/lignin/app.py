"""The composition root: the one place that picks adapters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lignin.adapters.machine import KEY_FILE, SystemClock, SystemIds, redaction_key
from lignin.adapters.store.admin import SqlAdmin
from lignin.adapters.store.writer import ResidentLedger
from lignin.artifacts.service import Artifacts
from lignin.domain.errors import IntegrityError, UnavailableError
from lignin.domain.events import NewEvent, Scope
from lignin.harness.service import Harness
from lignin.operations.context import Context, Progress
from lignin.operations.settings import DEFAULT_SPACE, Settings, load_settings
from lignin.sessions.service import SessionLog

if TYPE_CHECKING:
    from lignin.adapters.broker.exits import UserExits
    from lignin.adapters.proposers.command_runs import MakeWall
    from lignin.adapters.proposers.opening import ReadCommand
    from lignin.adapters.wheels.cache import WheelCache
    from lignin.artifacts.client import Client
    from lignin.artifacts.kind import Kind
    from lignin.artifacts.verify import Verifier
    from lignin.domain.artifacts import File
    from lignin.ports.connector import Connector, ConnectorAsked
    from lignin.ports.engine import Engine
    from lignin.ports.judge import Judge, JudgeAsked
    from lignin.ports.model import Model
    from lignin.ports.proposer import Proposer, ProposerAsked
    from lignin.ports.repository import Repositories
    from lignin.ports.sandbox import DoctorReport, Sandbox
    from lignin.ports.system import System, SystemAsked
    from lignin.ports.worker import Worker, WorkerAsked
    from lignin.traces.importer import Importer


@contextmanager
def open_context(
    settings: Settings,
    *,
    dry_run: bool = False,
    create: bool = True,
    progress: Progress | None = None,
) -> Iterator[Context]:
    """Open the store and build a caller's context; closes what was opened.

    Args:
        dry_run: Work on a throw-away copy of the store.
        create: Make the store, its first space and its key where there are none yet.

    Raises:
        NotFoundError: There is no store, and none is to be made.
        IntegrityError: The store is empty though it was in use.
    """
    with _store(settings.store_url, dry_run=dry_run, create=create) as ledger:
        if create:
            _require_space(ledger, settings)
        opened: list[Callable[[], None]] = []
        context = _build(settings, ledger, opened, dry_run=dry_run, create=create)
        if progress is not None:
            context.progress = progress
        try:
            yield context
        finally:
            for close in opened:
                close()


def _build(
    settings: Settings,
    ledger: ResidentLedger,
    opened: list[Callable[[], None]],
    *,
    dry_run: bool,
    create: bool,
) -> Context:
    ids = SystemIds()
    open_sandbox = cache(lambda: _open_sandbox(settings, opened))
    key = redaction_key(settings.home, keep=create and not dry_run)
    return Context(
        scope=Scope(space=settings.space, actor=settings.actor),
        ledger=ledger,
        store=SqlAdmin(ledger, SystemClock()),
        clock=SystemClock(),
        ids=ids,
        sessions=SessionLog(ids),
        artifacts=Artifacts(ids),
        harness=Harness(ids),
        home=settings.home,
        cwd=settings.cwd,
        person_home=settings.person_home,
        environment=settings.environment,
        redaction_key=key,
        load_kinds=cache(_kinds),
        load_clients=cache(_clients),
        load_importers=cache(_importers),
        open_sandbox=open_sandbox,
        diagnose=lambda: _diagnose(settings),
        open_verifier=cache(lambda: _verifier(open_sandbox())),
        open_exits=cache(lambda: _open_exits(settings, opened)),
        open_system=lambda asked: _open_system(asked, open_sandbox),
        open_connector=lambda asked: _open_connector(settings, asked),
        repositories=cache(lambda: _repositories(settings)),
        open_model=lambda name: _open_model(settings, name, key),
        open_judge=lambda asked: _open_judge(settings, asked, key, open_sandbox),
        open_proposer=lambda asked: _open_proposer(settings, asked, key, open_sandbox),
        open_worker=lambda asked: _open_worker(settings, asked, open_sandbox),
        open_wheels=cache(lambda: _open_wheels(settings, opened, keeps=not dry_run)),
        open_engine=cache(lambda: _open_engine(settings, opened, dry_run=dry_run)),
        find_clients=cache(lambda: _find_clients(settings)),
        dry_run=dry_run,
    )


@contextmanager
def _store(url: str, *, dry_run: bool, create: bool) -> Iterator[ResidentLedger]:
    _refuse_emptied(url)
    if dry_run and create and _is_missing(url):
        with tempfile.TemporaryDirectory(prefix="lignin-dry-run-") as folder:
            copy = ResidentLedger(f"sqlite:///{Path(folder) / 'ledger.db'}", SystemClock())
            try:
                yield copy
            finally:
                copy.close()
        return
    ledger = ResidentLedger(url, SystemClock(), create=create)
    try:
        if not dry_run:
            yield ledger
            return
        with tempfile.TemporaryDirectory(prefix="lignin-dry-run-") as folder:
            path = Path(folder) / "ledger.db"
            SqlAdmin(ledger, SystemClock()).snapshot(path)
            copy = ResidentLedger(f"sqlite:///{path}", SystemClock())
            try:
                yield copy
            finally:
                copy.close()
    finally:
        ledger.close()


def _sqlite_file(url: str) -> Path | None:
    path = url.removeprefix("sqlite:///")
    return Path(path) if path not in {url, "", ":memory:"} else None


def _is_missing(url: str) -> bool:
    path = _sqlite_file(url)
    return path is not None and not path.exists()


def _refuse_emptied(url: str) -> None:
    """A redaction key is made after the store beside it, so that one of no bytes has lost some."""
    path = _sqlite_file(url)
    if path is None:
        return
    try:  # the key first: where it is there, the store was written before
        emptied = path.with_name(KEY_FILE).exists() and path.stat().st_size == 0
    except OSError:
        return  # not there, or the store itself says better why it cannot be read
    if emptied:
        raise IntegrityError(
            f"the store {path} is empty, though it was in use: its {KEY_FILE} is there",
            hint="restore a backup; or remove the empty file to begin anew",
        )


def _require_space(ledger: ResidentLedger, settings: Settings) -> None:
    """The default space is there from the start; others are made by `lignin space create`."""
    if settings.space != DEFAULT_SPACE or DEFAULT_SPACE in ledger.spaces():
        return
    event = NewEvent(
        stream=f"space/{DEFAULT_SPACE}",
        type="space.created",
        payload={"name": DEFAULT_SPACE, "kind": "user", "parent": None},
        event_id=SystemIds().new("evt"),
    )
    scope = Scope(space=DEFAULT_SPACE, actor=settings.actor)
    ledger.commit(scope.change(events=(event,), idempotency_key="space.created"))


def _kinds() -> Mapping[str, Kind]:
    from lignin.artifacts.registry import load_kinds

    return load_kinds()


def _clients() -> Mapping[str, Client]:
    from lignin.artifacts.registry import load_plugins

    return load_plugins("lignin.artifacts.clients", "CLIENT")


def _importers() -> Sequence[Importer]:
    from lignin.traces.importer import load_importers

    return load_importers()


def _verifier(sandbox: Sandbox) -> Verifier:
    from lignin.artifacts.registry import load_kinds, load_plugins
    from lignin.artifacts.verify import Verifier

    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    return Verifier(sandbox, checks.values(), load_kinds())


def _diagnose(settings: Settings) -> DoctorReport:
    from lignin.adapters.sandbox.doctor import probe

    return probe(settings.sandbox)


def _open_sandbox(settings: Settings, opened: list[Callable[[], None]]) -> Sandbox:
    from lignin.adapters.sandbox.doctor import open_sandbox

    sandbox = open_sandbox(choice=settings.sandbox, allow_unsafe=settings.allow_unsafe)
    opened.append(sandbox.close)
    return sandbox


def _open_exits(settings: Settings, opened: list[Callable[[], None]]) -> UserExits:
    from lignin.adapters.broker.exits import UserExits

    exits = UserExits(settings.environment, settings.person_home, settings.grants)
    opened.append(exits.close)
    return exits


def _open_system(asked: SystemAsked, open_sandbox: Callable[[], Sandbox]) -> System:
    from lignin.adapters.systems.opening import open_system

    return open_system(asked, open_sandbox)


def _open_model(settings: Settings, name: str, key: bytes) -> Model:
    from lignin.adapters.models.opening import open_model
    from lignin.traces.redact import redact

    def mask(text: str) -> str:
        return redact(text.encode(errors="replace"), key).content.decode(errors="replace")

    return open_model(name, settings.environment, mask)


def _open_judge(
    settings: Settings, asked: JudgeAsked, key: bytes, open_sandbox: Callable[[], Sandbox]
) -> Judge:
    from lignin.adapters.judges.opening import open_judge

    return open_judge(
        asked,
        lambda name: _open_model(settings, name, key),
        lambda wanted: _open_system(wanted, open_sandbox),
    )


def _open_proposer(
    settings: Settings, asked: ProposerAsked, key: bytes, open_sandbox: Callable[[], Sandbox]
) -> Proposer:
    from lignin.adapters.proposers.opening import open_proposer
    from lignin.adapters.systems.orphans import running

    return open_proposer(
        asked,
        lambda name: _open_model(settings, name, key),
        open_sandbox,
        _command_reader(asked.folder),
        _wall_maker(settings),
        keep=running,
    )


def _open_worker(
    settings: Settings, asked: WorkerAsked, open_sandbox: Callable[[], Sandbox]
) -> Worker:
    from lignin.adapters.proposers.worker import open_worker
    from lignin.adapters.systems.orphans import running

    read_command, make_wall = _command_reader(asked.folder), _wall_maker(settings)
    return open_worker(asked, open_sandbox, read_command, make_wall, keep=running)


def _command_reader(folder: Path) -> ReadCommand:
    from lignin.adapters.systems.content import read_content

    def read_command(words: str) -> tuple[Callable[[str], tuple[str, ...]], Mapping[str, File]]:
        content = read_content(words, folder)
        return content.placed, content.files

    return read_command


def _wall_maker(settings: Settings) -> MakeWall:
    from lignin.adapters.proposers.command_runs import Wall
    from lignin.adapters.sandbox.bubblewrap import find_open_wall

    def make_wall(read: Sequence[str], write: Sequence[str]) -> Wall:
        home = str(settings.person_home)
        found = find_open_wall(read, write, home if home != "/" else "/home/dev")
        if not found.argv:
            told = "; or: ".join(found.remedies)
            raise UnavailableError(f"no walls with a network here: {found.without}", hint=told)
        return Wall((*found.argv, "--chdir", write[0], "--"), found.user)

    return make_wall


def _open_connector(settings: Settings, asked: ConnectorAsked) -> Connector:
    from lignin.adapters.connectors.opening import open_connector

    return open_connector(asked, SystemClock(), settings.environment)


def _repositories(settings: Settings) -> Repositories:
    from lignin.adapters.git.repository import GitRepositories

    return GitRepositories(settings.environment)


def _open_wheels(
    settings: Settings, opened: list[Callable[[], None]], *, keeps: bool
) -> WheelCache:
    from lignin.adapters.wheels.cache import WheelCache

    wheels = WheelCache(settings.home, settings.environment, keeps=keeps)
    opened.append(wheels.close)
    return wheels


def _open_engine(settings: Settings, opened: list[Callable[[], None]], *, dry_run: bool) -> Engine:
    from lignin.adapters.engine.opening import open_engine

    if dry_run:  # what it starts is nobody's to run
        folder = tempfile.TemporaryDirectory(prefix="lignin-dry-run-")
        engine = open_engine(f"sqlite:///{Path(folder.name) / 'ledger.db'}")
        opened += [engine.close, folder.cleanup]
        return engine
    engine = open_engine(settings.store_url)
    opened.append(engine.close)
    return engine


def _find_clients(settings: Settings) -> Mapping[str, str]:
    from lignin.adapters.clients.finding import find_clients

    return find_clients(settings.environment)


__all__ = ["Settings", "load_settings", "open_context"]
