"""Write a plugin for Claude Code and Codex: server, hooks and the skills that a head serves."""

import os
from pathlib import Path

from pydantic import Field

from lignin import __version__
from lignin.artifacts.disk import explained
from lignin.artifacts.projects.files import missing_folders
from lignin.artifacts.projects.place import Launch
from lignin.artifacts.projects.plugin import MARKETPLACE, NAME, SKILLS, is_ours, plugin_files
from lignin.artifacts.serve import serve_folder
from lignin.artifacts.serving_plan import Served
from lignin.domain.codec import digest_bytes, digest_json
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.init import launch_words
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.skill_models import Left
from lignin.operations.skill_reading import packaged, stable_served, withheld

MAX_BYTES = 2**20


class PluginWrite(Request):
    folder: str = positional("an empty folder, or one that this wrote before")
    head: str = Field(MAIN, description="the head whose skills go in")
    command: str = Field(
        "",
        description="what clients start; default: lignin, or this Python where it is not on PATH",
    )


class PluginWritten(Response):
    folder: str = Field(description="the folder, a marketplace of Claude Code and of Codex")
    plugin: str = Field(description="the plugin's name in it")
    version: str = Field(description="the plugin's version: Lignin's, and what is in it")
    files: list[str] = Field(description="files that were written or are as they should be")
    skills: list[str] = Field(description="skills in it")
    left_out: list[Left] = Field(description="slots that are no skill, or withheld")
    left_alone: list[Left] = Field(description="skills that a person edited")

    def to_text(self) -> str:
        name = f"{self.plugin}@{self.plugin}"
        return "\n".join(
            [
                f"{self.folder}: plugin {self.plugin} {self.version}",
                f"skills: {', '.join(self.skills) or 'none yet'}",
                *(f"left out: {each.name}: {each.reason}" for each in self.left_out),
                *(f"left alone: {each.name}: {each.reason}" for each in self.left_alone),
                f"Claude Code: claude plugin marketplace add {self.folder}; "
                f"claude plugin install {name}",
                f"Codex: codex plugin marketplace add {self.folder}; codex plugin add {name}",
            ]
        )


@operation("plugin.write", effect="execute", idempotent=True, remote=False)
def write(context: Context, request: PluginWrite) -> PluginWritten:
    """Write a plugin for Claude Code and Codex: the MCP server, hooks, and the skills of a head.

    For teams: who installs it has what `lignin init` sets up, in every project, without writing into
    one. The folder is written anew each time; skills that left the head leave it too.
    """
    folder = context.path(request.folder)
    _require_ours(folder)
    with context.view() as view:
        try:
            revision, slots = stable_served(context, view, request.head)
        except NotFoundError:
            if request.head != MAIN:
                raise
            revision, slots = "", {}
        skills, left_out = packaged(context, view, slots, withheld(view, slots))
    launch = Launch(command=launch_words(context, request.command))
    served = {skill.name: Served(digest=skill.digest, files=skill.files) for skill in skills}
    # Of all that goes in: what is revoked leaves it too, though the head's revision stays.
    texts = {
        name: {path: digest_bytes(file.content) for path, file in each.files.items()}
        for name, each in served.items()
    }
    parts = {name: digest_bytes(each) for name, each in plugin_files(launch, "").items()}
    version = f"{__version__}+{digest_json({'files': parts, 'skills': texts})[7:15]}"
    files = plugin_files(launch, version)
    alone: list[Left] = []
    if not context.dry_run:
        _write(context, folder, files)
        done = serve_folder(
            folder.resolve() / SKILLS,
            served,
            now=context.clock.now(),
            revision=revision,
            origin=NAME,
            disk=context.disk,
        )
        alone = [Left(name=each.name, reason=each.reason) for each in done.plan.conflicts]
    return PluginWritten(
        folder=str(folder),
        plugin=NAME,
        version=version,
        files=sorted(files),
        skills=sorted(served),
        left_out=left_out,
        left_alone=alone,
    )


def _require_ours(folder: Path) -> None:
    """Refuse a folder with other things in it: nothing of somebody else's is replaced."""
    with explained(f"cannot read {folder}"):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InvalidRequestError(f"{folder} is no folder", hint="name a folder of its own")
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        path = folder / MARKETPLACE
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if is_ours(file.read(MAX_BYTES)):
                    return
    raise ConflictError(
        f"{folder} holds something else than a plugin of Lignin", hint="name an empty folder"
    )


def _write(context: Context, folder: Path, files: dict[str, bytes]) -> None:
    with explained(f"cannot write {folder}"):
        # The marketplace first: by it the next run knows the folder as ours, wherever this one ends.
        for name, content in sorted(files.items(), key=lambda item: item[0] != MARKETPLACE):
            path = folder / name
            for missing in missing_folders(path.parent):
                context.disk.make_folder(missing)
            if os.path.realpath(path) != str(folder.resolve() / name):
                raise ConflictError(f"{path} is, or is behind, a link", hint="remove the link")
            if not path.is_file() or path.read_bytes() != content:
                context.disk.write_new(path, content, 0o644)
                context.disk.sync_folder(path.parent)
