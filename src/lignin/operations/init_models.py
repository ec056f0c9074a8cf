"""What `init` takes and answers, and how a person reads it."""

import difflib
from pathlib import Path
from typing import Literal

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, positional
from lignin.traces.redact import redact

How = Literal["made", "changed", "as before", "removed", "restored", "taken out of"]
MAX_DIFF_LINES = 400


class Init(Request):
    folder: str = positional("the project", default=".")
    client: list[str] = Field(
        default_factory=list, description="only these clients; default: those found"
    )
    yes: bool = Field(False, description="write it; without this it is only shown")
    undo: bool = Field(False, description="take out what was put in")
    telemetry: bool = Field(True, description="have clients send telemetry to this machine")
    hooks: bool = Field(True, description="have clients call hooks")
    personal: bool = Field(
        False, description="also what a client reads from the home folder only: Codex's telemetry"
    )
    command: str = Field(
        "",
        description="what clients start; default: lignin, or this Python where it is not on PATH",
    )


class ClientSet(Response):
    name: str = Field(description="the agent client")
    found: str = Field(description="how it was found")


class FileSet(Response):
    path: str = Field(description="the real file, links followed")
    how: How = Field(description="what happens to it")
    parts: list[str] = Field(description="what goes in, or is there")
    diff: str = Field(description="the change; secrets in the lines around it are masked")


class LeftAlone(Response):
    path: str = Field(description="the file or folder")
    part: str = Field(description="what was left as it is")
    why: str = Field(description="why")


class ProjectSet(Response):
    folder: str = Field(description="the project")
    undo: bool = Field(default=False, description="this took out what was put in")
    written: bool = Field(description="false where it was only shown")
    clients: list[ClientSet] = Field(description="the clients it is set up for")
    files: list[FileSet] = Field(description="every file concerned")
    left_alone: list[LeftAlone] = Field(description="what a person or somebody else wrote there")
    skills: list[str] = Field(description="skill folders and the skills in them")
    to_do: list[str] = Field(description="what is left to you")
    recovered: list[str] = Field(
        default_factory=list, description="files of a run that was cut off, taken back first"
    )

    def exit_code(self) -> int:
        """8 where something of ours that was edited stays in the project."""
        return 8 if self.undo and self.left_alone else 0

    def to_text(self) -> str:
        lines = [f"{client.name}: {client.found}" for client in self.clients]
        lines += [f"an earlier run was cut off; taken back: {path}" for path in self.recovered]
        for file in self.files:
            parts = f" ({', '.join(file.parts)})" if file.parts else ""
            lines += ["", f"{file.path}: {file.how}{parts}", *file.diff.splitlines()]
        lines.append("")
        lines += [f"skills in {each}" for each in self.skills]
        lines += [f"left alone: {each.path}: {each.part}: {each.why}" for each in self.left_alone]
        lines += [f"to do: {each}" for each in self.to_do]
        changes = any(file.how != "as before" for file in self.files)
        if not self.written:
            lines.append("nothing was written: --yes does it")
        elif not changes:
            lines.append("nothing to change")
        else:
            lines.append("done" if self.undo else "done; `lignin init --undo` takes it out again")
        return "\n".join(lines).strip("\n")


def diff_of(context: Context, path: Path, before: bytes | None, after: bytes | None) -> str:
    """The change of a file as a unified diff, without the secrets that stand around it."""
    old, new = (_clean(context, each or b"").splitlines() for each in (before, after))
    name, made = ("/dev/null" if each is None else str(path) for each in (before, after))
    lines = list(difflib.unified_diff(old, new, name, made, lineterm="", n=2))
    if len(lines) > MAX_DIFF_LINES:
        left = len(lines) - MAX_DIFF_LINES
        lines = [*lines[:MAX_DIFF_LINES], f"... {left} more lines"]
    return "\n".join(lines)


def _clean(context: Context, content: bytes) -> str:
    return redact(content, context.redaction_key).content.decode(errors="replace")
