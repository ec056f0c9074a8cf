"""Finds the code that an agent wrote in a trajectory, with the runs that were observed of it."""

import posixpath
from typing import Literal

from lignin.domain.traces import CommandRun, Snippet, Step, ToolCall, Trajectory
from lignin.traces.code.files import Held, Run, Workspace
from lignin.traces.code.links import imported, linked
from lignin.traces.code.patch import parse_patch
from lignin.traces.code.tools import (
    Action,
    Cell,
    Edit,
    Insert,
    LineEdit,
    Patch,
    Python,
    Read,
    Shell,
    Write,
    read_actions,
)
from lignin.traces.code.walk import Walk, note_shown

Language = Literal["python", "shell", "markdown", "other"]

_LANGUAGES: dict[str, Language] = {
    **dict.fromkeys([".py", ".pyw"], "python"),
    **dict.fromkeys([".sh", ".bash"], "shell"),
    **dict.fromkeys([".md", ".mdc", ".markdown"], "markdown"),
    **dict.fromkeys(
        [
            ".js",
            ".ts",
            ".mjs",
            ".jsx",
            ".tsx",
            ".go",
            ".rs",
            ".rb",
            ".pl",
            ".c",
            ".cc",
            ".cpp",
            ".h",
            ".java",
            ".kt",
        ],
        "other",
    ),
    **dict.fromkeys(
        [".php", ".lua", ".r", ".jl", ".sql", ".awk", ".ps1", ".swift", ".scala", ".prompt"],
        "other",
    ),
}
_CELL = "a notebook cell, which shares its state with its neighbours"
# Clients whose shell keeps its folder from one call to the next.
_KEEPS_FOLDER = frozenset(["claude-code", "claude_code", "swe-agent", "swe_agent", "openhands"])


def find_code(trajectory: Trajectory) -> tuple[Snippet, ...]:
    """Return every piece of code that the agent wrote, in the order it was first written.

    Files are followed to their last version; a piece whose text is not surely known carries its
    `flaw`. Runs are those of the last version, and only where the observation can be nobody else's.
    Nothing is executed.
    """
    finder = _Finder(trajectory)
    for step in trajectory.steps:
        for call in step.calls:
            finder.take(step, call)
    return finder.snippets()


class _Finder:
    def __init__(self, trajectory: Trajectory) -> None:
        self.trajectory = trajectory
        self.workspace = Workspace(trajectory.cwd)
        self.placed: list[Held] = []

    def take(self, step: Step, call: ToolCall) -> None:
        """Follow one tool call."""
        for action in read_actions(call):
            if isinstance(action, Shell):
                self._shell(action, step, call)
            else:
                self._file(action, step.index)

    def _file(self, action: Action, index: int) -> None:
        workspace = self.workspace
        match action:
            case Write(path, text):
                workspace.write(path, text, "written", index)
            case Edit(path, old, new, everywhere):
                workspace.edit(path, old, new, everywhere, index)
            case LineEdit(first, last, text):
                workspace.edit_lines(first, last, text, index)
            case Insert(path, line, text):
                workspace.insert(path, line, text, index)
            case Patch(text):
                for section in parse_patch(text):
                    workspace.patch(section, index)
            case Read(path):
                workspace.note_read(path)
            case Cell(path, text):
                self.placed.append(Held(path, text, "written", index, 0, _CELL, ran_as="python"))
            case Python(text):
                name = f"inline-{index}.py"
                self.placed.append(Held(name, text, "inline", index, 0, ran_as="python"))

    def _shell(self, action: Shell, step: Step, call: ToolCall) -> None:
        workspace = self.workspace
        workspace.entered = bool(action.cwd)
        if action.cwd:
            workspace.cwd = workspace.resolve(action.cwd, workspace.base)
        elif self.trajectory.format.casefold() not in _KEEPS_FOLDER:
            workspace.cwd = workspace.base
        note_shown(workspace, action.text, call)
        walk = Walk(workspace, step.index)
        walk.follow(action.text)
        walk.attribute(call)
        self.placed.extend(walk.inline)
        for held in walk.inline:
            self._credit(held)

    def _credit(self, inline: Held) -> None:
        """Count the run of inline code as a run of every file that it imports."""
        if inline.ran_as != "python":
            return
        for run in inline.runs:
            for held in imported(inline.text, "", self.workspace):
                seen = CommandRun(
                    command="inline",
                    inline=inline.text,
                    argv=run.run.argv,
                    stdout=run.run.stdout,
                    stdin=run.run.stdin,
                    files=run.run.files,
                    exit_code=run.run.exit_code,
                    index=run.run.index,
                )
                held.runs.append(Run(seen, self.workspace.tick))

    def snippets(self) -> tuple[Snippet, ...]:
        """Return what was found."""
        everything = [*self.workspace.held.values(), *self.placed]
        found = [self._snippet(held) for held in everything]
        kept = [snippet for snippet in found if snippet is not None]
        return tuple(sorted(kept, key=lambda snippet: snippet.index))

    def _snippet(self, held: Held) -> Snippet | None:
        language = _language(held)
        if language is None or not held.text.strip():
            return None
        siblings = linked(held, self.workspace)
        latest = max(
            (other.changed for other in siblings if other.path.endswith((".py", ".sh"))), default=0
        )
        runs = tuple(run.run for run in held.runs if run.tick >= max(latest, held.changed))
        return Snippet(
            path=self._shown(held.path),
            text=held.text,
            language=language,
            how=_how(held.how),
            session=self.trajectory.session,
            index=held.index,
            runs=() if held.flaw else runs,
            siblings={self._shown(other.path): other.text for other in siblings},
            flaw=held.flaw,
        )

    def _shown(self, path: str) -> str:
        base = self.trajectory.cwd
        return path.removeprefix(base + "/") if base else path


def _how(how: str) -> Literal["written", "edited", "heredoc", "inline"]:
    match how:
        case "written" | "edited" | "heredoc" | "inline":
            return how
        case _:
            return "written"


def _language(held: Held) -> Language | None:
    """Return the language of a file, or None for data, which is nobody's code."""
    if held.ran_as == "python":
        return "python"
    if held.ran_as == "shell" and not held.path.endswith(".py"):
        first = held.text.split("\n", 1)[0]
        return "python" if first.startswith("#!") and "python" in first else "shell"
    first = held.text.split("\n", 1)[0]
    if first.startswith("#!"):
        if "python" in first:
            return "python"
        if first.rstrip().endswith("sh") or "bash" in first:
            return "shell"
    suffix = posixpath.splitext(held.path)[1].casefold()
    if suffix == ".txt" and "prompt" in held.path.casefold():
        return "other"
    return _LANGUAGES.get(suffix)
