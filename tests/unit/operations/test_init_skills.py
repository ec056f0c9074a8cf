"""`init` serves the head's skills into the project, and its undo takes them out again."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from faults.projects import tree
from lignin.artifacts.disk import Disk
from lignin.domain.errors import NotFoundError
from lignin.operations.clienthooks import start_session
from unit.operations.conftest import Desk


def test_skills_come_with_init_and_go_with_undo(desk: Desk) -> None:
    desk.double(promote=True)
    project = desk.context.cwd / "project"
    (project / ".claude/skills/mine").mkdir(parents=True)
    (project / ".claude/skills/mine/SKILL.md").write_text("mine")
    before = tree(project)
    asked = {"folder": "project", "client": ["claude-code", "codex"], "yes": True}
    told = desk("init", **asked)
    assert len(told.skills) == 2
    for folder in (".claude/skills", ".agents/skills"):
        assert (project / folder / "double/SKILL.md").is_file()
    after = tree(project)
    desk("init", **asked)
    assert tree(project) == after
    desk("init", **asked, undo=True)
    assert tree(project) == before


def test_what_a_session_brings_later_is_shown_before_and_goes_with_undo(desk: Desk) -> None:
    project = desk.context.cwd / "project"
    project.mkdir()
    asked = {"folder": "project", "client": ["claude-code"], "yes": True}
    told = desk("init", **asked)
    [line] = told.skills
    assert line.startswith(str(project / ".claude/skills")) and "none yet" in line
    desk.double(promote=True)
    here = replace(desk.context, cwd=project)
    assert start_session(here, "claude-code") == ""
    assert (project / ".claude/skills/double/SKILL.md").is_file()
    undone = desk("init", **asked, undo=True)
    assert (tree(project), undone.left_alone) == ({}, [])


def test_a_skill_that_a_person_edited_stays_and_is_told(desk: Desk) -> None:
    desk.double(promote=True)
    (desk.context.cwd / "project").mkdir()
    asked = {"folder": "project", "client": ["codex"], "yes": True}
    desk("init", **asked)
    skill = desk.context.cwd / "project/.agents/skills/double/SKILL.md"
    skill.write_text(skill.read_text() + "\nmy own words\n")
    undone = desk("init", **asked, undo=True)
    assert undone.exit_code() == 8
    assert "my own words" in skill.read_text()


def test_skills_that_were_served_before_init_stay_after_its_undo(desk: Desk) -> None:
    desk.double(promote=True)
    project = desk.context.cwd / "project"
    project.mkdir()
    desk("skill.serve", folder="project", client=["codex"])
    before = tree(project)
    asked = {"folder": "project", "client": ["codex"], "yes": True}
    desk("init", **asked)
    desk("init", **asked, undo=True)
    assert tree(project) == before


def test_a_dry_run_writes_nothing_even_with_yes(desk: Desk) -> None:
    desk.double(promote=True)
    (desk.context.cwd / "project").mkdir()
    dry = Desk(replace(desk.context, dry_run=True))
    told = dry("init", folder="project", client=["codex"], yes=True)
    assert told.files and not told.written
    assert tree(desk.context.cwd / "project") == {}


class CutOff(BaseException):
    """The process dies here."""


class Dying(Disk):
    """A disk whose process dies at one of its calls."""

    def __init__(self, at: int) -> None:
        self.left = at

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise CutOff

    def _sync(self, handle: int) -> None:
        pass

    def make_folder(self, path: Path) -> None:
        self._step()
        super().make_folder(path)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def rename_new(self, source: Path, target: Path) -> None:
        self._step()
        super().rename_new(source, target)


def test_undo_of_a_run_that_was_cut_off_anywhere_leaves_nothing_of_it(desk: Desk) -> None:
    desk.double(promote=True)
    project = desk.context.cwd / "project"
    (project / ".agents/skills/mine").mkdir(parents=True)
    (project / ".agents/skills/mine/SKILL.md").write_text("mine")
    before = tree(project)
    asked = {"folder": "project", "client": ["codex"], "yes": True}
    number, served = 0, 0
    while True:
        number += 1
        dying = Desk(replace(desk.context, disk=Dying(number)))
        try:
            dying("init", **asked)
        except CutOff:
            served += (project / ".agents/skills/.lignin-served.json").exists()
        else:
            break
        with suppress(NotFoundError):  # cut off before anything was noted
            assert desk("init", **asked, undo=True).exit_code() == 0, number
        assert tree(project) == before, number
        assert not list(desk.context.home.glob("projects/*.json")), number
    assert served > 2


def test_undo_keeps_its_record_as_long_as_a_skill_stays(desk: Desk) -> None:
    desk.double(promote=True)
    project = desk.context.cwd / "project"
    project.mkdir()
    asked = {"folder": "project", "client": ["codex"], "yes": True}
    desk("init", **asked)
    skill = project / ".agents/skills/double/SKILL.md"
    was = skill.read_text()
    skill.write_text(was + "\nmy own words\n")
    undone = desk("init", **asked, undo=True)
    assert undone.skills == [f"{skill.parent.parent}: removed but for what is left alone"]
    skill.write_text(was)
    assert desk("init", **asked, undo=True).exit_code() == 0
    assert tree(project) == {}
    with pytest.raises(NotFoundError, match="nothing was put"):
        desk("init", **asked, undo=True)
