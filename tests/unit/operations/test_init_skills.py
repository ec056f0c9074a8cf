"""`init` serves the head's skills into the project, and its undo takes them out again."""

from dataclasses import replace

from faults.projects import tree
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
