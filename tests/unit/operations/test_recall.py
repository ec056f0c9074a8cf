"""What may not be used any more leaves the skill folders of this machine at once."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.domain.errors import LigninError
from lignin.operations.recalling import Recaller
from unit.operations.conftest import Desk

TRIPLE = 'def triple(x: int) -> int:\n    """Three times a number."""\n    return 3 * x\n'
EXAMPLES = [{"arguments": {"x": x}, "result": 3 * x} for x in (1, 3, 4, 7, 11, 20)]
FOLDERS = (".claude/skills", ".agents/skills")


@pytest.fixture
def project(desk: Desk) -> Path:
    """A project into which `double` was served for every client."""
    desk.double(promote=True)
    project = desk.context.cwd / "project"
    project.mkdir()
    desk("skill.serve", folder="project")
    return project


def scripts(project: Path) -> list[bool]:
    """Whether each folder still has something of `double` that runs."""
    return [(project / folder / "double/scripts").is_dir() for folder in FOLDERS]


def test_a_quarantine_takes_it_out_of_every_folder_and_tells(desk: Desk, project: Path) -> None:
    assert scripts(project) == [True, True]
    told = desk("artifact.quarantine", name="double", reason="it was wrong")
    assert scripts(project) == [False, False]
    assert told.folders.taken_from == [str(project / folder / "double") for folder in FOLDERS]
    assert told.exit_code() == 0
    for folder in FOLDERS:
        assert "it was wrong" in (project / folder / "double/SKILL.md").read_text()


def test_a_retirement_does_too(desk: Desk, project: Path) -> None:
    desk("artifact.deprecate", name="double")
    assert scripts(project) == [True, True]
    desk("artifact.retire", name="double")
    assert scripts(project) == [False, False]


def test_a_rollback_brings_folders_to_what_the_head_held(desk: Desk, project: Path) -> None:
    desk("head.rollback", name="main", reason="not wanted")
    assert scripts(project) == [False, False]


def test_a_proposal_that_drops_a_slot_takes_it_out_when_it_is_applied(
    desk: Desk, project: Path
) -> None:
    made = desk("proposal.create", drop=["double"], claim="restore")
    desk("proposal.decide", proposal=made.proposal, approve=True)
    assert scripts(project) == [True, True]
    desk("proposal.apply", proposal=made.proposal)
    assert scripts(project) == [False, False]


@pytest.mark.parametrize("command", ["artifact.retire", "head.rollback"])
def test_a_repeat_takes_out_what_a_command_that_died_left(
    desk: Desk, project: Path, command: str
) -> None:
    shutil.copytree(project, project.parent / "as-it-was")
    if command == "artifact.retire":
        desk("artifact.deprecate", name="double")
    name = {"artifact.retire": "double", "head.rollback": "main"}[command]
    desk(command, name=name)
    shutil.rmtree(project)
    (project.parent / "as-it-was").rename(project)
    assert scripts(project) == [True, True]
    with pytest.raises(LigninError):  # it is done, as far as the ledger goes
        desk(command, name=name)
    assert scripts(project) == [False, False]


def test_what_a_person_edited_stays_is_told_and_warned_of(desk: Desk, project: Path) -> None:
    skill = project / ".agents/skills/double/SKILL.md"
    skill.write_text(skill.read_text() + "\nmy own words\n")
    told = desk("artifact.quarantine", name="double", reason="it was wrong")
    assert scripts(project) == [False, True]
    [left] = told.folders.still_in
    assert left.startswith(f"{skill.parent}: ")
    assert told.exit_code() == 8
    assert str(skill.parent) in told.warnings()[0]


def test_nothing_new_is_added_and_others_folders_stay(desk: Desk, project: Path) -> None:
    desk("artifact.capture", path=desk.write("triple.py", TRIPLE), examples=EXAMPLES)
    desk("artifact.promote", name="triple", approve=True)
    gone = project.parent / "gone"
    gone.mkdir()
    desk("skill.serve", folder="gone")
    for path in sorted(gone.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    gone.rmdir()
    desk("artifact.quarantine", name="double", reason="it was wrong")
    assert not any((project / folder / "triple").exists() for folder in FOLDERS)
    assert not gone.exists()


def test_a_folder_that_cannot_be_read_keeps_nobody_from_the_others(
    desk: Desk, project: Path
) -> None:
    (project / ".claude/skills/.lignin-served.json").write_text("damaged")
    told = desk("artifact.quarantine", name="double", reason="it was wrong")
    assert scripts(project) == [True, False]
    [left] = told.folders.still_in
    assert left.startswith(f"{project / '.claude/skills'}: ")


def test_a_worker_follows_what_another_machine_took_out_of_use(desk: Desk, project: Path) -> None:
    recaller = Recaller(desk.context)
    recaller.follow()
    elsewhere = Desk(replace(desk.context, load_clients=lambda: {}))  # has no folders to tell of
    elsewhere("artifact.quarantine", name="double", reason="it was wrong")
    assert scripts(project) == [True, True]
    recaller.follow()
    assert scripts(project) == [False, False]


def test_a_dry_run_takes_nothing_out(desk: Desk, project: Path) -> None:
    dry = Desk(replace(desk.context, dry_run=True))
    dry("artifact.quarantine", name="double", reason="it was wrong")
    assert scripts(project) == [True, True]
