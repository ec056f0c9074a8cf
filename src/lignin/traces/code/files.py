"""The model of the files an agent wrote, followed from edit to edit.

Owns what text each path surely holds. What cannot be followed exactly is marked with the reason (a
flaw) and never guessed. Internal and mutable; one `Workspace` lives for one trajectory.
"""

import posixpath
from dataclasses import dataclass, field

from lignin.domain.traces import CommandRun
from lignin.traces.code.patch import Section, apply_update

NOT_OURS = "edit of a repository's own file, not a helper"


@dataclass(slots=True)
class Run:
    """An observed run and the moment it was made, to tell whether its file changed since."""

    run: CommandRun
    tick: int


@dataclass(slots=True)
class Held:
    """One path. `own` is false for a file that was there before the agent touched it."""

    path: str
    text: str
    how: str
    index: int
    changed: int
    flaw: str = ""
    own: bool = True
    ran_as: str = ""
    runs: list[Run] = field(default_factory=list)


class Workspace:
    """What a session's files hold, as far as its trace shows."""

    def __init__(self, cwd: str) -> None:
        self.base = cwd
        self.cwd = cwd
        self.held: dict[str, Held] = {}
        self.shown: dict[str, str] = {}
        self._by_name: dict[str, dict[str, None]] = {}
        self.seen: set[str] = set()
        self.open_path = ""
        self.tick = 0
        self.entered = False  # the call itself said in which folder it is

    def resolve(self, path: str, cwd: str | None = None) -> str:
        """Return a path from the session's point of view, without `.` and `..`."""
        return posixpath.normpath(posixpath.join(self.cwd if cwd is None else cwd, path))

    def find(self, path: str, cwd: str | None = None) -> Held | None:
        """Return the file a command's word names; None where that is unknown or ambiguous."""
        folder = self.cwd if cwd is None else cwd
        found = {
            held.path: held
            for place in ({folder} if self.entered else {folder, self.base})
            if (held := self.held.get(self.resolve(path, place)))
        }
        if not found and not self.base and not path.startswith("/"):
            tail = "/" + posixpath.normpath(path)
            same = self.named(posixpath.basename(tail))
            found = {held.path: held for held in same if held.path.endswith(tail)}
        return next(iter(found.values())) if len(found) == 1 else None

    def named(self, name: str) -> list[Held]:
        """Return the files with some last part of the path, in the order they were first written."""
        return [self.held[path] for path in self._by_name.get(name, ()) if path in self.held]

    def _hold(self, held: Held) -> None:
        self.held[held.path] = held
        self._by_name.setdefault(posixpath.basename(held.path), {})[held.path] = None

    def write(self, path: str, text: str, how: str, index: int, flaw: str = "") -> None:
        """A whole file was written."""
        path = self.resolve(path)
        self.tick += 1
        before = self.held.get(path)
        own = before.own if before else path not in self.seen
        flaw = flaw or ("" if own else NOT_OURS)
        self.shown.pop(path, None)
        if before and before.text == text and not before.flaw and not flaw:
            return
        self._hold(Held(path, text, how, index, self.tick, flaw=flaw, own=own))
        self.open_path = path

    def append(self, path: str, text: str, index: int, flaw: str) -> None:
        """Text was added at the end of a file."""
        held = self.held.get(self.resolve(path))
        if held is None:
            self.write(path, text, "heredoc", index, flaw or NOT_OURS)
        else:
            self._changed(held, held.text + text, index, flaw)

    def edit(self, path: str, old: str, new: str, everywhere: bool, index: int) -> None:
        """One text was replaced by another."""
        target = self.resolve(path)
        if path and not old and target not in self.seen and target not in self.held:
            self.write(path, new, "written", index)
            return
        held = self._editable(path, new, index)
        if held is None:
            return
        count = held.text.count(old) if old else 0
        if not count or (count > 1 and not everywhere):
            what = "is not in it" if not count else "is in it more than once"
            self._changed(
                held, held.text, index, f"an edit could not be followed: its old text {what}"
            )
        else:
            self._changed(held, held.text.replace(old, new), index)

    def edit_lines(self, first: int, last: int, text: str, index: int) -> None:
        """Some lines of the open file were replaced."""
        held = self._editable("", text, index)
        if held is None:
            return
        lines = held.text.splitlines(keepends=True)
        if not 1 <= first <= last <= len(lines):
            self._changed(held, held.text, index, "an edit could not be followed: no such lines")
        else:
            lines[first - 1 : last] = [text]
            self._changed(held, "".join(lines), index)

    def insert(self, path: str, line: int | None, text: str, index: int) -> None:
        """Text was put in after a line (at the end where `line` is None)."""
        held = self._editable(path, text, index)
        if held is None:
            return
        lines = held.text.splitlines(keepends=True)
        place = len(lines) if line is None else line
        if not 0 <= place <= len(lines):
            self._changed(held, held.text, index, "an edit could not be followed: no such line")
            return
        lines[place:place] = [text if text.endswith("\n") else text + "\n"]
        self._changed(held, "".join(lines), index)

    def patch(self, section: Section, index: int) -> None:
        """One section of a patch was applied."""
        if section.what == "add":
            self.write(section.path, section.added, "written", index)
        elif section.what == "delete":
            self.remove(section.path)
        elif (held := self._editable(section.path, section.added, index)) is not None:
            text = apply_update(held.text, section)
            flaw = (
                ""
                if text is not None
                else "an edit could not be followed: its old lines are not in it"
            )
            self._changed(held, held.text if text is None else text, index, flaw)
            if section.moved_to:
                self.move(section.path, section.moved_to, index)

    def spoil(self, path: str, why: str, index: int) -> None:
        """Something changed the file in a way the trace does not show."""
        self.shown.pop(self.resolve(path), None)
        if held := self.find(path):
            self._changed(held, held.text, index, why)

    def remove(self, path: str) -> None:
        """The file was deleted: its code stays found, but nothing can read it any more."""
        self.shown.pop(self.resolve(path), None)

    def move(self, source: str, target: str, index: int, *, keep: bool = False) -> None:
        """The file was moved or copied."""
        held = self.held.get(self.resolve(source))
        if held is None:
            self.spoil(target, "something unknown was copied over it", index)
            return
        self.write(target, held.text, held.how, index, held.flaw)
        if not keep:
            del self.held[held.path]

    def note_read(self, path: str) -> None:
        """The file was looked at: one not written by then was there before."""
        path = self.resolve(path)
        self.open_path = path
        if path not in self.held:
            self.seen.add(path)

    def text_of(self, path: str, cwd: str) -> str | None:
        """Return the text a command could read at a path, where it is surely known."""
        held = self.find(path, cwd)
        if held is not None:
            return None if held.flaw else held.text
        return self.shown.get(self.resolve(path, cwd))

    def _editable(self, path: str, new: str, index: int) -> Held | None:
        path = self.resolve(path) if path else self.open_path
        held = self.held.get(path) or (self.find(path) if path else None)
        if held is None and path in self.seen:
            self.write(path, new, "edited", index, NOT_OURS)
            return None
        if held is None and path:
            self.tick += 1
            self._hold(Held(path, new, "edited", index, self.tick, NOT_OURS, own=False))
            return None
        if held is not None and not held.own:
            held.text, held.index = new, index
            return None
        return held

    def _changed(self, held: Held, text: str, index: int, flaw: str = "") -> None:
        self.tick += 1
        held.changed, held.index, held.text = self.tick, index, text
        held.flaw = held.flaw or flaw
        held.how = "edited" if held.how == "written" else held.how
        held.runs.clear()
