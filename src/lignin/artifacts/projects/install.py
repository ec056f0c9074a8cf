"""Write what was planned for a project, all of it or nothing, and take it out again.

Owns the order of writes: the record names what is about to be written before the first byte is, so that a
run that was cut off is taken back by the next one. Each file is replaced whole. Refuses to decide what goes
in (`plan`); every change to the disk goes through `Disk`.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lignin.artifacts.disk import Disk, explained, parts_of
from lignin.artifacts.projects.files import Target, follow, missing_folders, read_known
from lignin.artifacts.projects.marked import Marked
from lignin.artifacts.projects.plan import Emptied, empty
from lignin.artifacts.projects.record import (
    MAX_BYTES,
    FileMark,
    Put,
    Record,
    Run,
    parse_record,
)
from lignin.domain.codec import digest_bytes
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)

FOLDER = "projects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file that is to be written."""

    target: Target
    after: Marked
    puts: tuple[Put, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One file that is to be brought back: its bytes now, and what comes in their place.

    Args:
        path: The real file.
        names: What the record calls it: another name where it has become a link since.
        before: Its bytes now.
        emptied: What comes in their place.
        refused: Why it is left alone.
        noted: The record of it stays, so that a later run can take it out.
    """

    path: Path
    before: bytes | None
    emptied: Emptied
    names: tuple[str, ...] = ()
    refused: str = ""
    noted: bool = False


class Project:
    """One project's files and record.

    Args:
        folder: The project.
        home: Lignin's data folder.
        disk: What writes.
    """

    def __init__(self, folder: Path, home: Path, disk: Disk | None = None) -> None:
        self.folder = folder.resolve()
        self._disk = disk or Disk()
        name = digest_bytes(os.fsencode(self.folder)).removeprefix("sha256:")[:32]
        self._path = home / FOLDER / f"{name}.json"

    def record(self) -> Record:
        """What was put in so far.

        Raises:
            IntegrityError: The record is damaged.
        """
        with explained(f"cannot read {self._path}"):
            there = self._path.exists()
        if not there:
            return Record(project=os.fsencode(self.folder).decode(errors="replace"))
        return _read_record(self._path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs off this project while a block lasts.

        Raises:
            UnavailableError: Another run is at it.
        """
        with explained(f"cannot lock {self.folder}"):
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UnavailableError(
                    f"another run is at {self.folder}", hint="wait for it, then run it again"
                ) from error
            yield
        finally:
            os.close(handle)

    def recover(self) -> tuple[str, ...]:
        """Take back a run that was cut off; the files concerned."""
        with explained("cannot take back a run that was cut off"):
            self._drop_parts(self._path)
        record = self.record()
        if record.pending is None:
            return ()
        with explained("cannot take back a run that was cut off"):
            for mark in record.pending.files:
                path = self._now_at(mark.path)
                self._drop_parts(Path(mark.path))
                before = read_known(path)
                self._bring_back(_removal(path, before, [mark]))
            self._drop_folders(record.pending.folders)
            self._save(record.model_copy(update={"pending": None}))
        return tuple(mark.path for mark in record.pending.files)

    def is_new_use(self, path: Path) -> bool:
        """True for a file outside the project that no run of it has noted."""
        runs = self.record().runs
        noted = {mark.path for run in runs for mark in run.files}
        noted.update(name for run in runs for name in run.uses)
        return not path.is_relative_to(self.folder) and str(path) not in noted

    def install(
        self,
        changes: Sequence[Change],
        *,
        skills: Sequence[Path],
        clients: Sequence[str],
        uses: Sequence[Path] = (),
    ) -> None:
        """Write the changes, all of them or none; call `recover` first.

        Args:
            skills: Skill folders that will be served into for the first time.
            clients: The clients it is for.
            uses: Files outside the project that hold already what is needed.

        Raises:
            ConflictError: A file is not as it was when the plan was made.
            UnavailableError, DeniedError: The disk refused; what was written is taken back.
        """
        record = self.record()
        folders = list(dict.fromkeys(each for one in changes for each in one.target.folders))
        served = [each for folder in skills for each in missing_folders(folder)]
        run = Run(
            files=tuple(_mark(change) for change in changes),
            folders=tuple(str(folder) for folder in sorted({*folders, *served})),
            skills=tuple(map(str, skills)),
            clients=tuple(clients),
            uses=tuple(map(str, uses)),
        )
        try:
            with explained("cannot write into the project"):
                self._save(record.model_copy(update={"pending": run}))
                self._write(changes, folders)
                done = {"runs": (*record.runs, run), "pending": None}
                self._save(record.model_copy(update=done))
        except LigninError:
            # What cannot be taken back now (the disk is still full) the next run takes back.
            with suppress(LigninError, OSError):
                self._save(record.model_copy(update={"pending": run}))
                self.recover()
            raise

    def _write(self, changes: Sequence[Change], folders: Sequence[Path]) -> None:
        for folder in sorted(folders):
            self._disk.make_folder(folder)
            self._disk.sync_folder(folder.parent)
        for change in changes:
            target = change.target
            if read_known(target.path) != target.before:
                raise ConflictError(
                    f"{target.path} was changed just now", hint="run it again: nothing was lost"
                )
            self._disk.write_new(target.path, change.after.content, target.permissions)
            self._disk.sync_folder(target.path.parent)

    def removals(self) -> tuple[Removal, ...]:
        """What taking everything out would do to each file."""
        found: list[Removal] = []
        real: dict[Path, list[FileMark]] = {}
        for name, marks in self.record().marks().items():
            if (needed := self._needed_by(name)) is not None:
                found.append(needed)
                continue
            try:
                real.setdefault(self._now_at(name), []).extend(marks)
            except (DeniedError, InvalidRequestError) as error:
                found.append(_refused(name, error.message, noted=True))
        for path, marks in real.items():
            found.append(_removal(path, read_known(path), marks))
        return tuple(found)

    def _needed_by(self, name: str) -> Removal | None:
        """The refusal to take out of a file outside the project what another project needs there."""
        if Path(name).is_relative_to(self.folder):
            return None
        for path in sorted(self._path.parent.glob("*.json")):
            if path == self._path:
                continue
            record = _read_record(path)
            who = record.project
            if not Path(who).is_dir():
                continue
            if name in record.marks():
                why = f"{who} put it in too; an undo there takes it out"
                return _refused(name, why, noted=False)
            if any(name in run.uses for run in record.runs):
                why = f"{who} needs it too; undo there first, then here again"
                return _refused(name, why, noted=True)
        return None

    def _now_at(self, name: str) -> Path:
        path = Path(name)
        base = self.folder if path.is_relative_to(self.folder) else path.parent
        return follow(base, path)

    def uninstall(self, removals: Sequence[Removal], staying: Sequence[Path] = ()) -> None:
        """Carry removals out and forget what is out; may be cut off and run again.

        Args:
            removals: What `removals` told.
            staying: Skill folders in which something stays, so that the record of them does too.

        Raises:
            ConflictError: A file is not as it was when the plan was made.
            UnavailableError, DeniedError: The disk refused.
        """
        record = self.record()
        with explained("cannot take out of the project what was put in"):
            for removal in removals:
                if removal.refused:
                    continue
                self._drop_parts(removal.path)
                if read_known(removal.path) != removal.before:
                    raise ConflictError(f"{removal.path} was changed just now", hint="run it again")
                self._bring_back(removal)
            self._drop_folders([name for run in reversed(record.runs) for name in run.folders])
            noted = {name for removal in removals if removal.noted for name in removal.names}
            self._save(record.with_only(frozenset(map(str, staying)), frozenset(noted)))

    def _bring_back(self, removal: Removal) -> None:
        after = removal.emptied.after
        if after == removal.before:
            return
        if after is None:
            self._disk.remove_file(removal.path)
        else:
            permissions = removal.path.stat().st_mode & 0o7777
            self._disk.write_new(removal.path, after, permissions)
        self._disk.sync_folder(removal.path.parent)

    def _drop_parts(self, path: Path) -> None:
        for part in parts_of(path):
            self._disk.remove_file(part)

    def _drop_folders(self, names: Sequence[str]) -> None:
        for folder in sorted((Path(name) for name in names), reverse=True):
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                self._disk.remove_folder(folder)
                self._disk.sync_folder(folder.parent)

    def _save(self, record: Record) -> None:
        for folder in (self._path.parent.parent, self._path.parent):
            if not folder.is_dir():
                self._disk.make_folder(folder)
        if record.pending is None and not record.runs:
            if self._path.exists():
                self._disk.remove_file(self._path)
        else:
            self._disk.write_new(self._path, record.to_bytes(), 0o600)
        self._disk.sync_folder(self._path.parent)


def _read_record(path: Path) -> Record:
    with explained(f"cannot read {path}"), path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise LimitedError(f"{path} has more than {MAX_BYTES} bytes")
    return parse_record(raw)


def _removal(path: Path, before: bytes | None, marks: Sequence[FileMark]) -> Removal:
    try:
        emptied = empty(before, marks)
    except LigninError as error:
        hint = error.hint or "repair the file, then run it again"
        raise type(error)(f"{path}: {error.message}", hint=hint) from error
    names = tuple(dict.fromkeys(mark.path for mark in marks))
    return Removal(path=path, before=before, emptied=emptied, names=names)


def _refused(name: str, why: str, *, noted: bool) -> Removal:
    nothing = Emptied(how="nothing to do", after=None)
    return Removal(
        path=Path(name), before=None, emptied=nothing, names=(name,), refused=why, noted=noted
    )


def _mark(change: Change) -> FileMark:
    before = change.target.before
    return FileMark(
        path=str(change.target.path),
        before="" if before is None else digest_bytes(before),
        after=digest_bytes(change.after.content),
        ours=change.after.ours,
        puts=change.puts,
    )
