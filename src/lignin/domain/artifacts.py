"""What an artifact is: a content-addressed tree of files whose `lignin.json` states its contract.

Identity is the tree's digest alone. Name, owner, provenance, examples, evidence and state are facts
about a digest and are kept elsewhere (decision record 2).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lignin.domain.codec import Digest, canonical_bytes, digest_bytes, digest_json, parse_json
from lignin.domain.dependencies import (
    MAX_LOCKED,
    MAX_REQUIRES,
    Locked,
    PackageSet,
    Requirement,
    require_one_each,
)
from lignin.domain.errors import InvalidRequestError
from lignin.domain.workflows import WorkflowTerms

MANIFEST_PATH = "lignin.json"
Mode = Literal["0644", "0755"]
MAX_FILES = 500
MAX_TREE_BYTES = 20 * 2**20

_BIDI_OR_INVISIBLE = frozenset(
    [0x00AD, 0x061C, 0x180E, 0xFEFF]  # soft hyphen, Arabic letter mark, Mongolian separator, BOM
    + [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    + [*range(0xE0000, 0xE0080)]  # tag characters
)
HIDDEN = re.compile("[" + "".join(map(chr, _BIDI_OR_INVISIBLE - {0x00AD})) + "]")
"""Characters that make a text read differently from what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One regular file of a tree."""

    content: bytes
    mode: Mode = "0644"

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the content."""
        return digest_bytes(self.content).removeprefix("sha256:")


@dataclass(frozen=True, slots=True)
class Tree:
    """An artifact's files by path. Paths are relative, `/`-separated, NFC, and already vetted.

    Build one with `make_tree`; the constructor does not check.
    """

    files: Mapping[str, File]

    @property
    def digest(self) -> Digest:
        """SHA-256 over the canonical JSON of the sorted `{path, mode, sha256}` entries."""
        return digest_json(self.entries())

    def entries(self) -> list[dict[str, str]]:
        """The `{path, mode, sha256}` entries in path order, as the digest covers them."""
        return [
            {"path": path, "mode": file.mode, "sha256": file.sha256}
            for path, file in sorted(self.files.items())
        ]

    @property
    def manifest(self) -> "Manifest":
        """The contract in `lignin.json`.

        Raises:
            InvalidRequestError: The file is missing or does not fit the manifest's form.
        """
        file = self.files.get(MANIFEST_PATH)
        if file is None:
            raise InvalidRequestError(f"the tree has no {MANIFEST_PATH}")
        return parse_manifest(file.content)

    def text(self, path: str) -> str:
        """Return one file as text.

        Raises:
            InvalidRequestError: No such file, or it is not UTF-8.
        """
        file = self.files.get(path)
        if file is None:
            raise InvalidRequestError(f"the tree has no file {path!r}")
        try:
            return file.content.decode()
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"{path!r} is not UTF-8 text: {error}") from error


def make_tree(files: Mapping[str, File]) -> Tree:
    """Return the vetted tree of some files.

    Symbolic and hard links cannot be expressed here; whoever reads a folder refuses them first.

    Raises:
        InvalidRequestError: A path that is absolute, climbs, is not NFC, hides characters, or
            collides with another when case is ignored; too many files or bytes.
    """
    if len(files) > MAX_FILES:
        raise InvalidRequestError(f"{len(files)} files; an artifact has at most {MAX_FILES}")
    total = sum(len(file.content) for file in files.values())
    if total > MAX_TREE_BYTES:
        raise InvalidRequestError(f"{total} bytes; an artifact has at most {MAX_TREE_BYTES}")
    folded: dict[str, str] = {}
    for path in sorted(files):
        require_safe_path(path)
        twin = folded.setdefault(path.casefold(), path)
        if twin != path:
            raise InvalidRequestError(f"{path!r} and {twin!r} collide where case is ignored")
    for path, file in files.items():
        require_plain_text(path, file.content)
    for path in files:
        parents = path.casefold().split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            clash = folded.get("/".join(parents[:depth]))
            if clash is not None:
                raise InvalidRequestError(f"{clash!r} is a file and also a folder of {path!r}")
    return Tree(dict(sorted(files.items())))


def require_plain_text(path: str, content: bytes) -> None:
    """Raise where a text file shows a reader something else than what is run or obeyed.

    Bidirectional controls and zero-width or tag characters are refused, one byte order mark at the
    start excepted; whoever needs one writes it as an escape. Files that are no UTF-8 pass.
    """
    if content.isascii():
        return
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return
    found = HIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise InvalidRequestError(
            f"{path!r}, line {line}: hides the character U+{ord(found.group()):04X}",
            hint="write it as an escape, such as \\u200d, or take it out",
        )


def require_safe_path(path: str) -> None:
    """Raise where a path could leave its tree or read differently from what it is."""
    parts = path.split("/")
    if (
        not path
        or path.startswith("/")
        or "\\" in path
        or any(part in {"", ".", ".."} for part in parts)
    ):
        raise InvalidRequestError(f"unsafe path {path!r}", hint="use a relative path without ..")
    if unicodedata.normalize("NFC", path) != path:
        raise InvalidRequestError(f"path {path!r} is not in Unicode form NFC")
    for char in path:
        if ord(char) in _BIDI_OR_INVISIBLE or unicodedata.category(char) in {"Cc", "Cs", "Co"}:
            raise InvalidRequestError(f"path {path!r} hides the character U+{ord(char):04X}")
    if len(path.encode()) > 400 or len(parts) > 20:
        raise InvalidRequestError(f"path {path!r:.80} is too long or too deep")


class Capabilities(BaseModel):
    """What an artifact may touch; everything not named is refused, in tests and at run time alike.

    `tools` maps a tool's name to the digest of its schema. `hosts` are `name`, `name:port` (https) or
    `http://name:port`. `paths` are work-folder globs that it
    may write. `secrets` are names, never values. `processes` allows starting programs (scripts
    always may), `programs` are those that it cannot do without. `clock` and `randomness` say that the answer may depend on them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tools: dict[str, str] = Field(default_factory=dict)
    hosts: list[str] = Field(default_factory=list)
    paths: list[str] = Field(default_factory=list)
    secrets: list[str] = Field(default_factory=list)
    spend_microusd: int = Field(default=0, ge=0)
    processes: bool = False
    programs: list[str] = Field(default_factory=list)
    clock: bool = False
    randomness: bool = False

    @property
    def needs_human(self) -> bool:
        """True where granting it widens authority: hosts, secrets or money."""
        return bool(self.hosts or self.secrets or self.spend_microusd)


class Interface(BaseModel):
    """How an artifact is called: JSON Schema of the arguments object and of the result.

    `errors` are the exception names that are a proper answer to a bad argument.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    input: dict[str, Any] = Field(default_factory=lambda: {"type": "object"})
    output: dict[str, Any] = Field(default_factory=dict)
    errors: list[str] = Field(default_factory=list)


class Manifest(BaseModel):
    """`lignin.json`: everything besides the files that decides behaviour and authority.

    `entry` is `file.py:function` for a program or workflow, a file for every other kind. `runtime` names the
    interpreter (`python`, `sh`, `bash`; empty where nothing is run). `dependencies` maps an
    artifact's name to the digest it was proven with. `requires` are the Python packages that it
    imports, `lock` every wheel that meets them; both are left out of the file where there are none, as
    is `workflow`, which says what only a workflow has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    schema_version: Literal[1] = 1
    kind: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    entry: str
    runtime: str = ""
    interface: Interface = Field(default_factory=Interface)
    capabilities: Capabilities = Field(default_factory=Capabilities)
    dependencies: dict[str, str] = Field(default_factory=dict)
    requires: tuple[Requirement, ...] = Field(default=(), max_length=MAX_REQUIRES)
    lock: tuple[Locked, ...] = Field(default=(), max_length=MAX_LOCKED)
    workflow: WorkflowTerms | None = None

    @model_validator(mode="after")
    def _terms_of_its_kind(self) -> "Manifest":
        if self.workflow is not None and self.kind != "workflow":
            raise ValueError(f"a {self.kind} has no terms of a workflow")
        return self

    @model_validator(mode="after")
    def _one_lock_for_its_requirements(self) -> "Manifest":
        try:
            require_one_each(self.lock)
        except InvalidRequestError as error:
            raise ValueError(error.message) from error
        if self.lock and not self.requires:
            raise ValueError("it locks packages and requires none")
        if self.requires and self.runtime != "python":
            raise ValueError("only what Python runs can require Python packages")
        return self

    @property
    def is_function(self) -> bool:
        """True where it is called with an object and answers a value, false for files and commands."""
        return self.kind in {"program", "workflow"}

    @property
    def needs_human(self) -> bool:
        """True where granting it widens authority: hosts, secrets, money, or agents that it asks."""
        return self.capabilities.needs_human or bool(self.workflow and self.workflow.agents)

    @property
    def packages(self) -> PackageSet:
        """The Python packages that it needs, as they are locked."""
        return PackageSet(requires=self.requires, lock=self.lock)

    def to_file(self) -> File:
        """The manifest as the file that goes into the tree."""
        body = self.model_dump(mode="json")
        for name in ("requires", "lock"):
            if not body[name]:
                del body[name]
        if not body["capabilities"]["programs"]:
            del body["capabilities"]["programs"]
        del body["workflow"]
        if self.workflow is not None:
            body["workflow"] = self.workflow.model_dump(mode="json", exclude_defaults=True)
        return File(content=canonical_bytes(body) + b"\n")


def parse_manifest(raw: bytes) -> Manifest:
    """Parse an untrusted `lignin.json`.

    Raises:
        InvalidRequestError: Each fault with its place.
    """
    try:
        return Manifest.model_validate(parse_json(raw))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'top'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise InvalidRequestError(f"{MANIFEST_PATH} does not fit its form: {faults}") from error
