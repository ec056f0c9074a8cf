"""What an operation works with: the services, the ledger, and who asks.

Built by `lignin.app`. Everything dear (sandbox, plug-ins) is made on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lignin.artifacts.disk import Disk
from lignin.domain.codec import Digest, Json, canonical_bytes, parse_json
from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, UnavailableError
from lignin.domain.events import Change, Receipt, Scope
from lignin.domain.uses import Surface
from lignin.operations.searching import Searches
from lignin.ports.ledger import Ledger, View
from lignin.traces.redact import redact

if TYPE_CHECKING:
    from lignin.artifacts.client import Client
    from lignin.artifacts.kind import Kind
    from lignin.artifacts.service import Artifacts
    from lignin.artifacts.verify import Verifier
    from lignin.harness.service import Harness
    from lignin.ports.broker import Exits
    from lignin.ports.clock import Clock, IdSource
    from lignin.ports.connector import Connector, ConnectorAsked
    from lignin.ports.engine import Engine
    from lignin.ports.judge import Judge, JudgeAsked
    from lignin.ports.model import Model
    from lignin.ports.proposer import Proposer, ProposerAsked
    from lignin.ports.repository import Repositories
    from lignin.ports.sandbox import DoctorReport, Sandbox
    from lignin.ports.store import StoreAdmin
    from lignin.ports.system import System, SystemAsked
    from lignin.ports.wheels import Wheels
    from lignin.ports.worker import Worker, WorkerAsked
    from lignin.sessions.service import SessionLog
    from lignin.traces.importer import Importer

Progress = Callable[[str, int, int | None], None]
Listen = Callable[["Context", str], AbstractContextManager[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a server offers: where, to whom, and which tools.

    Args:
        address: `HOST:PORT`, `PORT` or empty; unused on the standard streams.
        token: Everybody shows the token; else what reads and writes is open on this machine.
        govern: What decides what others are served is there too; over HTTP for a token of its own.
        every: Every tool instead of the few.
    """

    address: str = ""
    token: bool = True
    govern: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Through which surface a call came, and what the client says of itself: data that grants nothing.

    Args:
        session: The client's own id of the session that calls.
        call_id: Its id of the tool call.
    """

    surface: Surface = "cli"
    client: str = ""
    client_version: str = ""
    session: str = ""
    call_id: str = ""
    model: str = ""


Serve = Callable[["Context", Serving], AbstractContextManager[str]]
Decided = TypeVar("Decided")
MAX_DECISIONS = 100
"""Of so many writers at once each gets its turn: somebody is quicker only where somebody has ended."""


def _no_server(_context: Context, _address: str) -> AbstractContextManager[str]:
    raise UnavailableError("nothing can listen here", hint="use the command line: `lignin up`")


def _untold(_line: Mapping[str, Json]) -> bool:
    return True


def _no_face(_context: Context, _serving: Serving) -> AbstractContextManager[str]:
    raise UnavailableError("nothing can be served here", hint="use the command line")


def _silent(_what: str, _done: int, _total: int | None) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class Context:
    """One caller's surroundings.

    Args:
        scope: Space and actor; a change of another space is made with `scope_of`.
        home: Lignin's own data folder.
        cwd: The folder the caller stands in (a project).
        redaction_key: Key of redaction tags and re-import recognition; never leaves the store.
        disk: What writes skill folders; a test passes one that stops half-way.
        open_exits: What runs reach the outside with; `operations.exits` says who may.
        open_system: Opens a system under test.
        open_model: Opens a language model by its name.
        open_judge: Opens who scores runs by a rubric.
        open_proposer: Opens who proposes changes.
        open_worker: Opens a program that works in a tree.
        open_connector: Opens what messages come in from and go out to; `operations.connecting` says which.
        repositories: What opens the user's repositories.
        open_wheels: The cache of Python packages.
        open_engine: Durable runs; in a dry run an empty engine that nobody works off.
        find_clients: Versions of the agent clients that work here, by command.
        dry_run: The ledger is a throw-away copy; effects outside it are not made.
        is_remote: The caller came through a server: files that it names are not theirs.
        caller: How the call came; None on the command line, where the surroundings tell it.
        progress: Called with (what, done, total or None).
        opened: Systems under test that were opened here, by digest, with what opens them elsewhere.
        workers: Trials are handed to workers that live.
        tell: Says a part of a stream as it comes; False once nobody reads any more.
        listen: Serves telemetry at an address while a block lasts; given by an interface.
        serve_http: Serves every operation over HTTP while a block lasts; given by an interface.
        serve_mcp: Serves tools on the standard streams until they end; given by an interface.
        searches: Indexes that searches keep; all callers of a process share them.
    """

    scope: Scope
    ledger: Ledger
    store: StoreAdmin
    clock: Clock
    ids: IdSource
    sessions: SessionLog
    artifacts: Artifacts
    harness: Harness
    home: Path
    cwd: Path
    person_home: Path
    environment: Mapping[str, str]
    redaction_key: bytes
    load_kinds: Callable[[], Mapping[str, Kind]]
    load_clients: Callable[[], Mapping[str, Client]]
    load_importers: Callable[[], Sequence[Importer]]
    open_sandbox: Callable[[], Sandbox]
    diagnose: Callable[[], DoctorReport]
    open_verifier: Callable[[], Verifier]
    open_exits: Callable[[], Exits]
    open_system: Callable[[SystemAsked], System]
    open_model: Callable[[str], Model]
    open_judge: Callable[[JudgeAsked], Judge]
    open_proposer: Callable[[ProposerAsked], Proposer]
    open_connector: Callable[[ConnectorAsked], Connector]
    repositories: Callable[[], Repositories]
    open_worker: Callable[[WorkerAsked], Worker]
    open_wheels: Callable[[], Wheels]
    open_engine: Callable[[], Engine]
    find_clients: Callable[[], Mapping[str, str]]
    disk: Disk = field(default_factory=Disk)
    opened: dict[Digest, SystemAsked] = field(default_factory=dict)
    workers: bool = False
    dry_run: bool = False
    is_remote: bool = False
    caller: Caller | None = None
    progress: Progress = field(default=_silent)
    tell: Callable[[Mapping[str, Json]], bool] = field(default=_untold)
    listen: Listen = field(default=_no_server)
    serve_http: Serve = field(default=_no_face)
    serve_mcp: Serve = field(default=_no_face)
    searches: Searches = field(default_factory=Searches)

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """Commit changes together; secrets in what their events say are redacted first.

        Records and files are vetted where they come in; this is for what people write into names,
        reasons, tasks and paths.
        """
        return self.ledger.commit(*(self._redacted(change) for change in changes))

    def decide_and_commit(
        self, decide: Callable[[View], tuple[Decided, Sequence[Change]]]
    ) -> Decided:
        """Decide on a view and commit what follows; decide anew where another writer came first.

        For decisions that two processes may take at once without contradicting each other.

        Raises:
            ConflictError: Somebody was quicker `MAX_DECISIONS` times over.
        """
        for left in reversed(range(MAX_DECISIONS)):
            with self.view() as view:
                decided, changes = decide(view)
            try:
                if changes:
                    self.commit(*changes)
            except ConflictError:
                if not left:
                    raise
            else:
                return decided
        raise AssertionError("unreachable")

    def _redacted(self, change: Change) -> Change:
        events = []
        for event in change.events:
            cleaned = redact(canonical_bytes(event.payload), self.redaction_key)
            if cleaned.counts:
                event = replace(event, payload=parse_json(cleaned.content))  # noqa: PLW2901
            events.append(event)
        return replace(change, events=tuple(events))

    def path(self, named: str) -> Path:
        """A path that the caller named, from where they stand.

        Raises:
            DeniedError: The caller came through a server.
            InvalidRequestError: It holds a NUL, or `~` of an unknown user.
        """
        if self.is_remote:
            raise DeniedError(
                f"{named!r:.100} would be a file of the server's machine",
                hint="use the command line there",
            )
        if "\0" in named:
            raise InvalidRequestError(f"the path {named!r:.100} holds a NUL character")
        try:
            return self.cwd / Path(named).expanduser()
        except RuntimeError as error:
            raise InvalidRequestError(
                f"{named!r:.100}: there is no such home folder", hint="write the path out"
            ) from error

    def view(self) -> AbstractContextManager[View]:
        """A view of the caller's space."""
        return self.ledger.view(self.scope.space)

    def scope_of(self, space: str) -> Scope:
        """The same actor in another space."""
        return Scope(space=space, actor=self.scope.actor, correlation_id=self.scope.correlation_id)
