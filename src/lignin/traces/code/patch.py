"""Reads the patch format of Codex's `apply_patch` and applies it to known text, exactly or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_SECTIONS: tuple[tuple[str, Literal["add", "delete", "update"]], ...] = (
    ("*** Add File: ", "add"),
    ("*** Delete File: ", "delete"),
    ("*** Update File: ", "update"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One file's part of a patch. `lines` keep their leading mark; `moved_to` is empty if not moved."""

    what: Literal["add", "delete", "update"]
    path: str
    lines: tuple[str, ...]
    moved_to: str = ""

    @property
    def added(self) -> str:
        """The lines that the patch adds, joined."""
        return "".join(line[1:] + "\n" for line in self.lines if line.startswith("+"))


def parse_patch(text: str) -> tuple[Section, ...]:
    """Return the sections of a patch; text outside of `*** Begin Patch` is ignored."""
    start = text.find("*** Begin Patch")
    if start < 0:
        return ()
    sections: list[tuple[Literal["add", "delete", "update"], str, list[str]]] = []
    for line in text[start:].splitlines()[1:]:
        if line.startswith("*** End Patch"):
            break
        header = next(((kind, mark) for mark, kind in _SECTIONS if line.startswith(mark)), None)
        if header:
            sections.append((header[0], line[len(header[1]) :].strip(), []))
        elif sections:
            sections[-1][2].append(line)
    return tuple(_section(*section) for section in sections)


def _section(what: Literal["add", "delete", "update"], path: str, lines: list[str]) -> Section:
    moved = "*** Move to: "
    target = next((line[len(moved) :].strip() for line in lines if line.startswith(moved)), "")
    kept = tuple(line for line in lines if not line.startswith("*** "))
    return Section(what, path, kept, target)


def apply_update(text: str, section: Section) -> str | None:
    """Return the text after an update section, or None where a hunk's old lines are not there."""
    lines = text.splitlines()
    place = 0
    for old, new in _hunks(section.lines):
        found = _find(lines, old, place)
        if found is None:
            found = _find(lines, old, 0)
        if found is None:
            return None
        lines[found : found + len(old)] = new
        place = found + len(new)
    return "".join(line + "\n" for line in lines)


def _hunks(lines: tuple[str, ...]) -> Iterator[tuple[list[str], list[str]]]:
    old: list[str] = []
    new: list[str] = []
    for line in (*lines, "@@"):
        if line.startswith("@@"):
            if old or new:
                yield old, new
            old, new = [], []
        elif line.startswith("-"):
            old.append(line[1:])
        elif line.startswith("+"):
            new.append(line[1:])
        else:
            old.append(line[1:])
            new.append(line[1:])


def _find(lines: list[str], old: list[str], start: int) -> int | None:
    if not old:
        return len(lines)  # nothing to replace: the format appends
    for place in range(start, len(lines) - len(old) + 1):
        if lines[place : place + len(old)] == old:
            return place
    return None
