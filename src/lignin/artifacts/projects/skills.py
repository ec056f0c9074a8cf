"""The skill folders that `init` began: found, and emptied again of everything that is ours."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from lignin.artifacts.client import Client
from lignin.artifacts.disk import Disk, explained
from lignin.artifacts.folder import STAGE_PREFIX, resolve_skills_folder
from lignin.artifacts.serve import read_state, recover_folder, serve_folder
from lignin.artifacts.serving_plan import RECEIPT_PATH


def skill_folder(project: Path, client: Client) -> Path:
    """A client's skill folder in a project; refused where a link leads out of it."""
    return resolve_skills_folder(project, client.project_folder)


def is_begun(folder: Path) -> bool:
    """True where skills were served into a folder before."""
    return (folder / RECEIPT_PATH).exists()


def clear_skills(folders: Iterable[Path], *, now: datetime, disk: Disk) -> dict[str, str]:
    """Remove every skill of ours from folders, without notes; what stays, by path, and why.

    A run that was cut off there is finished or taken back first: until then its skills are intents only.
    """
    kept: dict[str, str] = {}
    for folder in folders:
        if not folder.is_dir() or folder.is_symlink():
            continue
        recover_folder(folder, disk)
        receipt = read_state(folder).receipt
        for origin in sorted({entry.origin for entry in receipt.skills.values()}):
            # First a note takes a skill's place, then the note goes.
            for _ in range(2):
                names = set(read_state(folder).receipt.skills)
                done = serve_folder(folder, {}, now=now, drop_notes=names, origin=origin, disk=disk)
            for conflict in done.plan.conflicts:
                kept[str(folder / conflict.name)] = conflict.reason
        left = read_state(folder).receipt
        with explained(f"cannot clear {folder}"):
            if not left.skills and not left.intents and is_begun(folder):
                disk.remove_file(folder / RECEIPT_PATH)
                disk.sync_folder(folder)
        for path in _left_in(folder):
            kept.setdefault(str(path), "it could not be taken out")
    return kept


def _left_in(folder: Path) -> list[Path]:
    """What of ours is still in a skill folder."""
    names = read_state(folder).receipt.skills
    with explained(f"cannot read {folder}"):
        stages = [path for path in folder.iterdir() if path.name.startswith(STAGE_PREFIX)]
    return [*(folder / name for name in names), *sorted(stages)]
