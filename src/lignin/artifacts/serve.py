"""Carrying out a serving plan in a skills folder: the thin shell around `serving_plan`.

Owns the order of steps that makes it safe to be killed at any point. For each skill: the intent is
in the receipt; the new folder is staged beside the live one, with a person's own files linked into
it, and made durable; the two are swapped in one step (where the system has none, by two renames);
what is left of the old one is taken away file by file, only where it is known to be ours or kept
elsewhere; the receipt is written. Refuses to decide anything about what is served.

One run at a time per folder: the folder itself is locked.
"""

import fcntl
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lignin.artifacts.disk import Disk, explain_error, explained, is_part, parts_of
from lignin.artifacts.folder import STAGE_PREFIX, make_parents, stage_files
from lignin.artifacts.serving_plan import (
    KEEP_NOTES_DAYS,
    RECEIPT_PATH,
    Entry,
    FolderState,
    Nature,
    Presence,
    Receipt,
    Retirement,
    Served,
    ServingPlan,
    Step,
    parse_receipt,
    plan_serving,
    sha256_of,
)
from lignin.domain.errors import (
    ConflictError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)

MAX_RECEIPT_BYTES = 16 * 2**20
MAX_FOLDER_FILES = 20_000
_NEW, _OLD = STAGE_PREFIX + "new-", STAGE_PREFIX + "old-"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingResult:
    """What a run did.

    `recovered` are skills on which an earlier run had been cut off; `set_aside` are the paths,
    relative to the skills folder, under which a person's edited or misplaced files are kept.
    """

    plan: ServingPlan
    recovered: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


def serve_folder(
    folder: Path,
    desired: Mapping[str, Served],
    *,
    now: datetime,
    retired: Mapping[str, Retirement] | None = None,
    revision: str = "",
    keep_notes_days: int = KEEP_NOTES_DAYS,
    drop_notes: Collection[str] = (),
    force: bool = False,
    origin: str = "",
    disk: Disk | None = None,
) -> ServingResult:
    """Bring a skills folder to what is served: finish an earlier run, read, plan, apply.

    Arguments are those of `plan_serving`; `folder` comes from `resolve_skills_folder`.

    Raises:
        UnavailableError: The disk is full or failing, or another run holds the folder.
        DeniedError: The folder may not be written.
        InvalidRequestError: `folder` is a link or a file, or something desired is not valid.
        IntegrityError: The receipt is damaged.
    """
    disk = disk or Disk()
    if desired:
        with explained(f"cannot make the skills folder {folder}"):
            _require_folder(folder)
            folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        return ServingResult(plan=plan_serving({}, FolderState(), now=now))
    with _locked(folder):
        recovered, rescued = _recover(folder, disk)
        plan = plan_serving(
            desired,
            read_state(folder),
            now=now,
            retired=retired,
            revision=revision,
            keep_notes_days=keep_notes_days,
            drop_notes=drop_notes,
            force=force,
            origin=origin,
        )
        kept = _Applier(folder, disk).run(plan)
    return ServingResult(plan=plan, recovered=recovered, set_aside=(*rescued, *kept))


def apply_plan(plan: ServingPlan, folder: Path, disk: Disk | None = None) -> ServingResult:
    """Carry out a plan made from `read_state(folder)`.

    Raises:
        ConflictError: The folder is no longer as it was when the plan was made.
        UnavailableError, DeniedError, InvalidRequestError: As `serve_folder`.
    """
    if plan.is_empty:
        return ServingResult(plan=plan)
    with explained(f"cannot make the skills folder {folder}"):
        _require_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if read_state(folder) != plan.base:
            raise ConflictError(
                f"{folder} has changed since the plan was made",
                hint="plan again from what is there",
            )
        return ServingResult(plan=plan, set_aside=_Applier(folder, disk or Disk()).run(plan))


def recover_folder(folder: Path, disk: Disk | None = None) -> tuple[str, ...]:
    """Finish or take back what an earlier run left; return the names of the skills concerned."""
    if not folder.is_dir():
        return ()
    with _locked(folder):
        return _recover(folder, disk or Disk())[0]


def read_state(folder: Path) -> FolderState:
    """Read a skills folder; one that does not exist is empty.

    Raises:
        InvalidRequestError: It is a link or a file.
        IntegrityError: The receipt is damaged.
        LimitedError: A skill folder of ours holds more than `MAX_FOLDER_FILES` files.
        DeniedError, UnavailableError: It cannot be read.
    """
    with explained(f"cannot read the skills folder {folder}"):
        _require_folder(folder)
        if not folder.is_dir():
            return FolderState()
        receipt = _read_receipt(folder)
        present: dict[str, Presence] = {}
        for name in sorted(path.name for path in folder.iterdir()):
            if name.startswith("."):
                continue
            entry = receipt.skills.get(name) or receipt.intents.get(name)
            present[name] = _read_presence(folder / name, entry)
    return FolderState(receipt=receipt, present=present)


def _require_folder(folder: Path) -> None:
    if folder.is_symlink():
        raise InvalidRequestError(
            f"{folder} is a symbolic link", hint="resolve it with resolve_skills_folder first"
        )
    if folder.exists() and not folder.is_dir():
        raise InvalidRequestError(f"{folder} is a file; a folder is needed", hint="move it away")


def _read_receipt(folder: Path) -> Receipt:
    path = folder / RECEIPT_PATH
    if not os.path.lexists(path):
        return Receipt()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        raw = file.read(MAX_RECEIPT_BYTES + 1)
    if len(raw) > MAX_RECEIPT_BYTES:
        raise LimitedError(f"{path} is larger than {MAX_RECEIPT_BYTES} bytes")
    return parse_receipt(raw)


def _read_presence(path: Path, entry: Entry | None) -> Presence:
    mode = path.lstat().st_mode
    if not stat.S_ISDIR(mode):
        nature: Nature = "other"
        if stat.S_ISLNK(mode):
            nature = "link"
        elif stat.S_ISREG(mode):
            nature = "file"
        return Presence(nature=nature)
    if entry is None:
        return Presence(nature="folder")
    files = {inner: _sha256(path / inner) if inner in entry.files else "" for inner in _walk(path)}
    return Presence(nature="folder", files=files)


def _walk(root: Path) -> list[str]:
    """Relative paths of everything in a folder that is no folder itself; links not followed."""
    found: list[str] = []
    for parent, folders, files in os.walk(root):
        base = Path(parent)
        links = [name for name in folders if (base / name).is_symlink()]
        found += [(base / name).relative_to(root).as_posix() for name in [*files, *links]]
        if len(found) > MAX_FOLDER_FILES:
            raise LimitedError(
                f"{root} holds more than {MAX_FOLDER_FILES} files",
                hint="move what is not part of the skill out of its folder",
            )
    return sorted(found)


def _sha256(path: Path) -> str:
    """SHA-256 of a regular file; an empty string for anything else."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return ""
    return sha256_of(path.read_bytes())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with explained(f"cannot lock {folder}"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnavailableError(
                f"another run is serving into {folder}", hint="wait for it, then run it again"
            ) from error
        yield
    finally:
        os.close(handle)


def _save_receipt(folder: Path, receipt: Receipt, disk: Disk) -> None:
    disk.write_new(folder / RECEIPT_PATH, receipt.to_bytes(), 0o644)
    disk.sync_folder(folder)


class _Applier:
    """Carries out the steps of one plan in one locked folder."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._kept: list[str] = []

    def run(self, plan: ServingPlan) -> tuple[str, ...]:
        """Return the paths under which a person's files were set aside."""
        steps = [step for step in plan.steps if step.action != "keep"]
        if not steps:
            return ()
        doing = f"cannot serve into {self._folder}"
        try:
            self._run(plan.base.receipt, steps)
        except OSError as error:
            explained_error = explain_error(error, doing)
            # What cannot be taken back now (the disk is still full) the next run takes back.
            with suppress(OSError, LigninError):
                _recover(self._folder, self._disk)
            raise explained_error from error
        return tuple(self._kept)

    def _run(self, receipt: Receipt, steps: list[Step]) -> None:
        staged = {step.name: step.entry for step in steps if step.files and step.entry}
        if staged:
            receipt = receipt.model_copy(update={"intents": staged})
            _save_receipt(self._folder, receipt, self._disk)
        for step in steps:
            if step.files:
                self._put(step, receipt.skills.get(step.name))
            elif step.action == "remove":
                self._remove(step, receipt.skills[step.name])
            receipt = receipt.with_entry(step.name, step.entry)
        _save_receipt(self._folder, receipt, self._disk)

    def _put(self, step: Step, old: Entry | None) -> None:
        live, stage = self._folder / step.name, self._folder / (_NEW + step.name)
        self._kept += _take_away_stages(self._folder, step.name, old, step.entry, self._disk)
        self._disk.make_folder(stage)
        stage_files(stage, step.files, self._disk)
        if step.action == "write":
            self._disk.rename_new(stage, live)
        else:
            self._carry_over(live, stage, old, step)
            if not self._disk.exchange(stage, live):
                self._disk.rename_new(live, self._folder / (_OLD + step.name))
                self._disk.rename_new(stage, live)
        self._disk.sync_folder(self._folder)
        self._kept += _take_away_stages(self._folder, step.name, old, step.entry, self._disk)

    def _carry_over(self, live: Path, stage: Path, old: Entry | None, step: Step) -> None:
        """Link a person's own files into the staged folder, the edited ones under another name."""
        ours = old.files if old else {}
        paths = [path for path in _walk(live) if path not in ours or path in step.set_aside]
        # Those that keep their name go first, so that no other can take it.
        for path in sorted(paths, key=lambda path: path in step.set_aside):
            target = stage / path
            if path in step.set_aside:
                target = _place_aside(stage, path)
                self._kept.append(f"{step.name}/{target.relative_to(stage).as_posix()}")
            make_parents(stage, target, self._disk)
            self._disk.link(live / path, target)
        for parent, folders, files in os.walk(live):
            inner = stage / Path(parent).relative_to(live)
            if not folders and not files and not inner.exists():
                make_parents(stage, inner / "any", self._disk)
        for parent, _, _ in os.walk(stage, topdown=False):
            self._disk.sync_folder(Path(parent))

    def _remove(self, step: Step, entry: Entry) -> None:
        live = self._folder / step.name
        for path in entry.files:
            target = live / path
            if path in step.set_aside:
                aside = _free_name(target)
                self._disk.rename(target, aside)
                self._kept.append(f"{step.name}/{aside.relative_to(live).as_posix()}")
            elif os.path.lexists(target):
                self._disk.remove_file(target)
        if not any(live.iterdir()):
            self._disk.remove_folder(live)
        self._disk.sync_folder(self._folder)


def _place_aside(root: Path, path: str) -> Path:
    """A free name beside `path`, or at the root where a file stands in the place of its folder."""
    target = root / path
    folders = list(target.parents)[: len(Path(path).parts) - 1]
    if any(os.path.lexists(folder) and not folder.is_dir() for folder in folders):
        return _free_name(root / path.replace("/", "-"))
    return _free_name(target)


def _free_name(path: Path) -> Path:
    """The first of `<path>.edited-1`, `-2`, ... that is free."""
    number = 1
    while os.path.lexists(candidate := path.with_name(f"{path.name}.edited-{number}")):
        number += 1
    return candidate


def _recover(folder: Path, disk: Disk) -> tuple[tuple[str, ...], list[str]]:
    """Finish or take back every intent of the receipt. The folder is locked."""
    with explained(f"cannot finish an earlier run in {folder}"):
        receipt = _read_receipt(folder)
        for part in parts_of(folder / RECEIPT_PATH):
            disk.remove_file(part)
        rescued: list[str] = []
        names = tuple(sorted(receipt.intents))
        for name in names:
            old, new = receipt.skills.get(name), receipt.intents[name]
            live, aside = folder / name, folder / (_OLD + name)
            if not os.path.lexists(live) and aside.is_dir():
                disk.rename_new(aside, live)
                disk.sync_folder(folder)
            placed = _is_placed(live, old, new)
            rescued += _take_away_stages(folder, name, old, new, disk)
            receipt = receipt.with_entry(name, new if placed else old)
        if names:
            _save_receipt(folder, receipt, disk)
    return names, rescued


def _is_placed(live: Path, old: Entry | None, new: Entry) -> bool:
    """True where the live folder is the intended one and not the one before it."""
    if live.is_symlink() or not live.is_dir():
        return False
    paths = set(_walk(live))
    if any(path not in paths or _sha256(live / path) != new.files[path] for path in new.files):
        return False
    gone = {path: sha for path, sha in (old.files if old else {}).items() if path not in new.files}
    return not any(path in paths and _sha256(live / path) == sha for path, sha in gone.items())


def _take_away_stages(
    folder: Path, name: str, old: Entry | None, new: Entry | None, disk: Disk
) -> list[str]:
    """Empty and remove the hidden folders of one skill; return where unknown files were put."""
    known: dict[str, set[str]] = {}
    for entry in (old, new):
        for path, sha256 in (entry.files if entry else {}).items():
            known.setdefault(path, set()).add(sha256)
    rescued: list[str] = []
    for prefix in (_NEW, _OLD):
        stage = folder / (prefix + name)
        if stage.is_dir() and not stage.is_symlink():
            rescued += _take_away(stage, folder / name, known, disk)
            disk.sync_folder(folder)
    return rescued


def _take_away(stage: Path, live: Path, known: Mapping[str, set[str]], disk: Disk) -> list[str]:
    rescued = []
    kept = _LiveFiles(live)
    for path in _walk(stage):
        source = stage / path
        if is_part(path) or _sha256(source) in known.get(path, set()) or kept.holds(source):
            disk.remove_file(source)
        elif kept.is_folder:
            # Somebody wrote here while the folders were being swapped: theirs, so it is kept.
            target = live / path
            if not target.parent.is_dir():
                target = _free_name(live / path.replace("/", "-"))
            elif os.path.lexists(target):
                target = _free_name(target)
            disk.rename(source, target)
            rescued.append(f"{live.name}/{target.relative_to(live).as_posix()}")
    for parent, _, _ in os.walk(stage, topdown=False):
        if not any(Path(parent).iterdir()):
            disk.remove_folder(Path(parent))
    return rescued


class _LiveFiles:
    """What the live folder holds, by inode and by content."""

    def __init__(self, live: Path) -> None:
        self.is_folder = live.is_dir() and not live.is_symlink()
        paths = [live / path for path in _walk(live)] if self.is_folder else []
        self._inodes = {(facts.st_dev, facts.st_ino) for facts in (p.lstat() for p in paths)}
        self._paths = paths
        self._contents: set[str] | None = None

    def holds(self, path: Path) -> bool:
        """True where the file stays reachable in the live folder after `path` is removed."""
        facts = path.lstat()
        if (facts.st_dev, facts.st_ino) in self._inodes:
            return True
        if self._contents is None:
            self._contents = {_content(other) for other in self._paths} - {""}
        return _content(path) in self._contents


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link:{path.readlink()}"
    return _sha256(path)
