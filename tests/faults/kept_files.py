"""The project that cases of the kill bench work in: a person's own files, and the skills that are served there."""

import re
from pathlib import Path

from lignin.artifacts.serve import read_state

SKILLS = (".claude/skills", ".agents/skills")


def own_files(project: Path) -> None:
    for skills in SKILLS:
        (project / skills / "theirs").mkdir(parents=True)
        (project / skills / "theirs/SKILL.md").write_text("a person's own skill")
    (project / "README.md").write_text("a person's project")


def damaged_own_files(before: Path, after: Path) -> list[str]:
    own = [p for p in before.rglob("*") if p.is_file() and _is_own(p.relative_to(before))]
    faults = []
    for path in own:
        inner = path.relative_to(before)
        places = [after / inner]
        if inner.parts[2:3] == ("caesar",):  # mid-swap it may stand in a staging folder beside
            places += after.glob(f"{inner.parts[0]}/skills/.lignin-tmp-*/mine/notes.md")
        if not any(p.is_file() and p.read_bytes() == path.read_bytes() for p in places):
            faults.append(f"the user's own file {inner} is gone or changed")
    return faults


def _is_own(inner: Path) -> bool:
    return inner.name in {"README.md", "notes.md"} or "theirs" in inner.parts


_CHANGING = re.compile(rb"[0-9a-f]{12,}|\d{4}-\d\d-\d\d[T0-9:.Z+-]*")


def skill_files(project: Path) -> dict[str, str]:
    found = {}
    for skills in SKILLS:
        folder = project / skills
        if not folder.is_dir():
            continue
        assert not read_state(folder).receipt.intents
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(project).as_posix()
            if path.is_file() and path.name != ".lignin-served.json":
                found[inner] = _CHANGING.sub(b"#", path.read_bytes()).decode()
    return found
