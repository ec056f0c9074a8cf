"""Settings of the same purpose in other files that a client merges: where ours would override them. Reads only.

A client lays its files over each other, so what is absent from the file that is written may well be said in
another: by the team in the shared settings, by a person in the home folder, by who runs the machine.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lignin.artifacts.disk import explained
from lignin.artifacts.projects.jsonc import MAX_BYTES, Node, parse_places, walk
from lignin.artifacts.projects.settings import Setting
from lignin.domain.errors import LigninError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Where else a client reads what a part is for.

    Args:
        part: The part of ours that is left out where one is found.
        names: Files by base (`project`, `home`, `machine`), as patterns.
        entries: Objects in them, and of each the keys (as a pattern) that are for the same.
        variable: Names the folder instead, such as `("CLAUDE_CONFIG_DIR", ".claude")`; both are read.
    """

    part: str
    names: tuple[tuple[str, str], ...]
    entries: tuple[tuple[tuple[str, ...], str], ...]
    variable: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A file that says something of the same purpose, and why ours is left out then."""

    path: Path
    why: str


def find_rivals(
    rivals: Rivals,
    settings: Sequence[Setting],
    own: Path,
    bases: Mapping[str, Path],
    environment: Mapping[str, str],
) -> tuple[Rival, ...]:
    """Every file that says otherwise; values are not told, they may be secrets.

    Args:
        rivals: Where to look.
        settings: What ours would say; the same elsewhere is no rival.
        own: The file that ours goes into.
        bases: The folders that `project`, `home` and `machine` are.
        environment: The caller's.
    """
    wanted = {setting.path: setting.value for setting in settings if setting.part == rivals.part}
    found = []
    for path in dict.fromkeys((own, *_files(rivals, bases, environment))):
        try:
            content = _read(path)
            names = _others(parse_places(content), rivals, wanted) if content else ()
        except LigninError as error:
            if path == own:
                continue  # told where it is filled
            found.append(Rival(path=path, why=f"it cannot be read: {error.message}"))
            continue
        if names:
            found.append(Rival(path=path, why=f"{', '.join(names)}: already set there"))
    return tuple(found)


def _files(rivals: Rivals, bases: Mapping[str, Path], environment: Mapping[str, str]) -> list[Path]:
    found: list[Path] = []
    for base, name in rivals.names:
        folders = [(bases[base], name)]
        if base == "home" and rivals.variable and (moved := environment.get(rivals.variable[0])):
            folders.append((Path(moved), name.removeprefix(f"{rivals.variable[1]}/")))
        for folder, pattern in folders:
            with explained(f"cannot look for {pattern} in {folder}"):
                found += sorted(folder.glob(pattern))
    return found


def _read(path: Path) -> bytes:
    with explained(f"cannot read {path}"):
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)


def _others(
    root: Node | None, rivals: Rivals, wanted: Mapping[tuple[str, ...], object]
) -> tuple[str, ...]:
    found: list[str] = []
    for path, pattern in rivals.entries:
        nodes = list(walk(root, path)) if root is not None else []
        if len(nodes) <= len(path):
            continue
        for member in nodes[-1].members:
            name = (*path, str(member.key))
            known = name in wanted and wanted[name] == member.node.value()
            if not known and re.fullmatch(pattern, str(member.key)):
                found.append(".".join(name))
    return tuple(dict.fromkeys(found))
