"""The care of a whole store, behind its port: audits, copies, backups, the resident writer."""

import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lignin.adapters.store.writer import ResidentLedger
from lignin.domain.errors import InvalidRequestError
from lignin.ports.clock import Clock
from lignin.ports.store import Audit, Copied, Progress


class SqlAdmin:
    """The store-care port on the SQL store."""

    def __init__(self, ledger: ResidentLedger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock

    @property
    def url(self) -> str:
        return self._ledger.engine.url.render_as_string(hide_password=True)

    def spaces(self) -> Sequence[str]:
        from lignin.adapters.store.audit import stored_spaces

        return stored_spaces(self._ledger)

    def verify(self, space: str, progress: Progress) -> Audit:
        from lignin.adapters.store.audit import verify_space

        report = verify_space(self._ledger, space, progress)
        return Audit(
            space=space,
            events=report.events,
            records=report.records,
            rows=report.rows,
            blobs=report.blobs,
            head=report.head,
            faults=tuple(report.faults),
        )

    def file_faults(self) -> Sequence[str]:
        from lignin.adapters.store.audit import file_faults

        return file_faults(self._ledger)

    def snapshot(self, path: Path) -> None:
        """A throw-away copy for a dry run, of a damaged store too."""
        from lignin.adapters.store.transfer import snapshot

        snapshot(self._ledger, path)

    def backup(self, path: Path) -> None:
        from lignin.adapters.store.transfer import backup

        backup(self._ledger, path)

    def copy_to(self, url: str, progress: Progress) -> Sequence[Copied]:
        from lignin.adapters.store.ledger import SqlLedger
        from lignin.adapters.store.transfer import copy_store, require_sound

        require_sound(self._ledger, progress)
        target = SqlLedger(url, self._clock)
        try:
            return [
                Copied(space=r.space, events=r.events, resumed_at=r.resumed_at, head=r.head)
                for r in copy_store(self._ledger, target, progress)
            ]
        finally:
            target.close()

    def require_no_writer(self) -> None:
        from lignin.adapters.store.writer import require_unserved, socket_path

        path = socket_path(self._ledger.url)
        if path is not None:
            require_unserved(path)

    def serve_writer(self, ready: Callable[[str], None], *, required: bool = True) -> None:
        from lignin.adapters.store.writer import Writer, socket_path

        path = socket_path(self._ledger.url)
        if path is None and not required:
            stopped = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stopped.set())
            stopped.wait()
            return
        if path is None:
            raise InvalidRequestError(
                "a resident writer serves SQLite stores only",
                hint="Postgres orders its writers itself",
            )
        writer = Writer(self._ledger, path)
        self._ledger.be_the_writer()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: writer.stop())
        ready(str(path))
        writer.serve()
