"""The record of what was put into a project: enough to take it out again, and nothing else of its files.

It holds positions, digests and what Lignin itself wrote, never what was in a file before: settings may
hold secrets. It lies in Lignin's own data folder, not in the project: there it would be a stranger's
file in every clone, and undoing by it would be doing as a stranger says. The cost is that a project that
is moved, or a data folder that is lost, has no undo; the markers and names still tell what is Lignin's.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from lignin.artifacts.projects.sections import Section
from lignin.artifacts.projects.settings import Setting
from lignin.domain.codec import canonical_bytes, parse_json
from lignin.domain.errors import IntegrityError, LigninError

MAX_BYTES = 4 * 2**20


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Put(_Frozen):
    """One thing that went into a file: a setting (`path`) or a section (`form`)."""

    part: str
    path: tuple[str, ...] = ()
    value: JsonValue = None
    sign: str = ""
    made: tuple[tuple[str, ...], ...] = ()
    form: Literal["", "markdown", "toml"] = ""
    text: str = ""
    at: Literal["end", "start"] = "end"

    @property
    def is_section(self) -> bool:
        """True for a section."""
        return bool(self.form)

    @classmethod
    def of_setting(cls, setting: Setting, made: tuple[tuple[str, ...], ...]) -> "Put":
        """The entry of a setting and of the containers made for it."""
        value: Any = setting.value
        return cls(part=setting.part, path=setting.path, value=value, sign=setting.sign, made=made)

    @classmethod
    def of_section(cls, section: Section) -> "Put":
        """The entry of a section."""
        return cls(part=section.part, form=section.form, text=section.text, at=section.at)

    def setting(self) -> Setting:
        """The setting that went in."""
        return Setting(path=self.path, value=self.value, part=self.part, sign=self.sign)

    def section(self) -> Section:
        """The section that went in."""
        return Section(form=self.form or "markdown", text=self.text, part=self.part, at=self.at)


class FileMark(_Frozen):
    """One file as a run left it: digests before ("" where it was not there) and after, what is ours."""

    path: str
    before: str
    after: str
    ours: tuple[tuple[int, int], ...]
    puts: tuple[Put, ...]


class Run(_Frozen):
    """What one run put where: files, folders that it made (outermost first), skill folders it began.

    `uses` are files outside the project in which what it needs stood already, put in for another project.
    """

    files: tuple[FileMark, ...] = ()
    folders: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


class Record(_Frozen):
    """Every run of a project, and the one that is under way, noted before its first byte is written."""

    schema_version: Literal[1] = 1
    project: str
    runs: tuple[Run, ...] = ()
    pending: Run | None = None

    def to_bytes(self) -> bytes:
        """The record as canonical JSON and a line feed."""
        return canonical_bytes(self.model_dump(mode="json")) + b"\n"

    def marks(self) -> dict[str, list[FileMark]]:
        """What every run put into each file, the latest first."""
        found: dict[str, list[FileMark]] = {}
        for run in reversed(self.runs):
            for mark in run.files:
                found.setdefault(mark.path, []).append(mark)
        return found

    def with_only(self, skills: frozenset[str], files: frozenset[str]) -> "Record":
        """The record of what stays after an undo: skill folders, files, and the folders around them."""
        kept = []
        for run in self.runs:
            begun = tuple(name for name in run.skills if name in skills)
            marks = tuple(mark for mark in run.files if mark.path in files)
            if begun or marks:
                stays = {"files": marks, "skills": begun, "uses": ()}
                kept.append(run.model_copy(update=stays))
        return self.model_copy(update={"runs": tuple(kept), "pending": None})


def parse_record(raw: bytes) -> Record:
    """Parse a record.

    Raises:
        IntegrityError: It does not say reliably what is ours.
    """
    try:
        return Record.model_validate_json(canonical_bytes(parse_json(raw)))
    except (LigninError, ValidationError) as error:
        reason = error.message if isinstance(error, LigninError) else str(error).splitlines()[0]
        raise IntegrityError(
            f"the record of what was put into the project cannot be read: {reason}",
            hint="what stands between lignin markers and under the name lignin can be taken out by hand",
        ) from error
