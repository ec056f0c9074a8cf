"""What serving skills takes and answers. Owns no behaviour but how a person reads it."""

from collections.abc import Sequence

from pydantic import Field

from lignin.operations.heads import MAIN
from lignin.operations.registry import Request, Response


class SkillServe(Request):
    folder: str = Field(".", description="the project whose skill folders are written")
    client: list[str] = Field(default_factory=list, description="only these clients; default: all")
    head: str = Field(MAIN, description="the head that is served")
    personal: bool = Field(False, description="into the home folder instead of the project")
    force: bool = Field(False, description="replace our files even where a person edited them")


class Left(Response):
    name: str = Field(description="the skill or slot")
    reason: str = Field(description="why")


class FolderServed(Response):
    client: str = Field(description="the agent client")
    folder: str = Field(description="the skill folder")
    written: list[str] = Field(description="new skills")
    replaced: list[str] = Field(description="skills that changed")
    kept: list[str] = Field(description="skills that stay as they are")
    removed: list[str] = Field(description="removed; a forwarding note stands in their place")
    left_alone: list[Left] = Field(description="not ours, or edited by a person")
    still_there: list[Left] = Field(
        description="left alone, but no agent may use it any more: remove it, or --force"
    )
    shortened: list[Left] = Field(description="descriptions cut to fit the listing budget")
    left_out: list[Left] = Field(description="skills that did not fit the listing budget")
    listing_chars: int = Field(description="characters of the client's listing in use")
    listing_budget: int = Field(description="characters the client lists at most")

    def lines(self) -> list[str]:
        """The folder for a person; every reason in full."""
        said = [f"{self.client}: {self.folder}"]
        for word, names in (
            ("new", self.written),
            ("changed", self.replaced),
            ("as before", self.kept),
            ("removed, with a note in its place", self.removed),
        ):
            if names:
                said.append(f"  {word}: {', '.join(names)}")
        for word, left in (
            ("left alone", self.left_alone),
            ("still there, though it must stop", self.still_there),
            ("shortened", self.shortened),
            ("left out", self.left_out),
        ):
            said += _reasons(f"  {word}", left)
        used = f"{self.listing_chars} of {self.listing_budget}"
        return [*said, f"  listing: {used} characters"]


class SkillsServed(Response):
    head: str = Field(description="the harness head")
    revision: str = Field(description="digest of the head's revision")
    not_skills: list[Left] = Field(description="slots that are not served: no skill, or withheld")
    simulated: list[str] = Field(
        description="skills seen only in the practice desk's simulated sessions; each says so"
    )
    folders: list[FolderServed] = Field(description="one entry per skill folder")

    def exit_code(self) -> int:
        """8 where something that must stop is still in a folder: agents go on finding it."""
        return 8 if any(folder.still_there for folder in self.folders) else 0

    def warnings(self) -> list[str]:
        return [
            f"warning: {folder.folder}/{left.name} is still there and agents will find it: "
            f"{left.reason}; remove it, or replace it with --force"
            for folder in self.folders
            for left in folder.still_there
        ]

    def to_text(self) -> str | None:
        lines = [f"head {self.head}, revision {self.revision[7:19]}"]
        lines += _reasons("not served", self.not_skills)
        if self.simulated:
            lines.append(f"simulated: {', '.join(self.simulated)}")
        for folder in self.folders:
            lines += ["", *folder.lines()]
        return "\n".join(lines)


def _reasons(word: str, left: Sequence[Left]) -> list[str]:
    indent = " " * (len(word) - len(word.lstrip()) + 2)
    told = [f"{indent}{one.name}: {' '.join(one.reason.split())}" for one in left]
    return [f"{word}:", *told] if told else []
