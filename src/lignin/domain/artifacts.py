"""What an artifact is: a content-addressed tree of files whose `lignin.json` states its contract.

Identity is the tree's digest alone. Name, owner, provenance, examples, evidence and state are facts
about a digest and are kept elsewhere (decision record 2).
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, digest_json, parse_json
from lignin.domain.dependencies import (
    MAX_LOCKED,
    MAX_REQUIRES,
    Locked,
    PackageSet,
    Requirement,
    require_one_each,
)
from lignin.domain.errors import InvalidRequestError

MANIFEST_PATH = "lignin.json"
Mode = Literal["0644", "0755"]
MAX_FILES = 500
MAX_TREE_BYTES = 20 * 2**20
MIN_HELD_OUT = 2
HELD_OUT_SHARE = 0.3
MIN_EXAMPLES = 3

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

    model_config = ConfigDict(extra="forbid", frozen=True)

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

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: dict[str, Any] = Field(default_factory=lambda: {"type": "object"})
    output: dict[str, Any] = Field(default_factory=dict)
    errors: list[str] = Field(default_factory=list)


class Manifest(BaseModel):
    """`lignin.json`: everything besides the files that decides behaviour and authority.

    `entry` is `file.py:function` for a program, a file for every other kind. `runtime` names the
    interpreter (`python`, `sh`, `bash`; empty where nothing is run). `dependencies` maps an
    artifact's name to the digest it was proven with. `requires` are the Python packages that it
    imports, `lock` every wheel that meets them; both are left out of the file where there are none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    kind: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    entry: str
    runtime: str = ""
    interface: Interface = Field(default_factory=Interface)
    capabilities: Capabilities = Field(default_factory=Capabilities)
    dependencies: dict[str, str] = Field(default_factory=dict)
    requires: tuple[Requirement, ...] = Field(default=(), max_length=MAX_REQUIRES)
    lock: tuple[Locked, ...] = Field(default=(), max_length=MAX_LOCKED)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program that was started with some words said, and how it ended."""

    argv: tuple[str, ...]
    stdout: str
    exit_code: int = 0

    def to_json(self) -> dict[str, Json]:
        """The answer as a JSON object."""
        return {"argv": list(self.argv), "stdout": self.stdout, "exit_code": self.exit_code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One recorded use of an artifact: what went in and what came out.

    A program's example has `arguments` (an object) and `result`; a script's has `argv`, `stdin` and
    `files` (text placed in the work folder) and a `result` of `{"stdout": str, "exit_code": int}`.
    `error` is the exception name where the recorded answer was an error. `answers` say what the
    programs that a script starts answer instead of being run, in their order: all have to be asked for,
    and nothing else is found. `origin` says who observed
    it (`transcript`, `author`, once kept the giver's name), which is not part of its digest.
    """

    arguments: Mapping[str, Json] | None = None
    argv: tuple[str, ...] = ()
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    answers: tuple["Answer", ...] = ()
    result: Json = None
    error: str | None = None
    origin: str = "author"

    def to_json(self) -> dict[str, Json]:
        """The example as a JSON object; `parse_example` reads it back."""
        return {
            "arguments": None if self.arguments is None else dict(self.arguments),
            "argv": list(self.argv),
            "stdin": self.stdin,
            "files": dict(self.files),
            **({"answers": [each.to_json() for each in self.answers]} if self.answers else {}),
            "result": self.result,
            "error": self.error,
            "origin": self.origin,
        }

    @property
    def digest(self) -> Digest:
        """Digest of the example without its origin."""
        return digest_json({k: v for k, v in self.to_json().items() if k != "origin"})


def parse_example(value: Json) -> Example:
    """Parse an untrusted example object.

    Raises:
        InvalidRequestError: An unknown key or a value of the wrong type.
    """
    if not isinstance(value, Mapping):
        raise InvalidRequestError("an example is a JSON object")
    unknown = set(value) - set(Example.__dataclass_fields__)
    if unknown:
        known = [name for name in Example.__dataclass_fields__ if name != "origin"]
        raise InvalidRequestError(
            f"an example has no key {min(map(str, unknown))!r}",
            hint=f"its keys are {', '.join(known)}",
        )
    arguments, argv = value.get("arguments"), value.get("argv", [])
    stdin, files, error = value.get("stdin", ""), value.get("files", {}), value.get("error")
    if arguments is not None and not isinstance(arguments, Mapping):
        raise InvalidRequestError("an example's arguments are an object")
    if not isinstance(argv, list | tuple) or not all(isinstance(word, str) for word in argv):
        raise InvalidRequestError("an example's argv is a list of strings")
    if not isinstance(stdin, str) or not (error is None or isinstance(error, str)):
        raise InvalidRequestError("an example's stdin and error are strings")
    if not isinstance(files, Mapping) or not all(isinstance(text, str) for text in files.values()):
        raise InvalidRequestError("an example's files map paths to text")
    for path in files:
        require_safe_path(path)
    return Example(
        arguments=arguments,
        argv=tuple(argv),
        stdin=stdin,
        files=files,
        answers=_parse_answers(value.get("answers", [])),
        result=value.get("result"),
        error=error,
        origin=str(value.get("origin", "author")),
    )


def _parse_answers(value: Json) -> tuple[Answer, ...]:
    if isinstance(value, list | tuple):
        found = [_parse_answer(each) for each in value]
        if None not in found:
            return tuple(each for each in found if each)
    raise InvalidRequestError(
        "an example's answers are objects with argv, stdout and, where it is not 0, exit_code"
    )


def _parse_answer(value: Json) -> Answer | None:
    match value:
        case {"argv": [*argv], "stdout": str() as stdout, **others} if (
            all(isinstance(word, str) for word in argv)
            and set(others) <= {"exit_code"}
            and type(code := others.get("exit_code", 0)) is int
        ):
            return Answer(argv=tuple(argv), stdout=stdout, exit_code=code)
    return None


def examples_digest(examples: Iterable[Example]) -> Digest:
    """Return the digest of a set of examples: proof on other ones is no proof on these."""
    return digest_json(sorted({example.digest for example in examples}))


def split_examples(examples: Iterable[Example]) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Split examples into (visible, held out) by hash, without repeats.

    At least `HELD_OUT_SHARE` and at least `MIN_HELD_OUT` are held out; the split of a given set is
    always the same and nobody can choose it. Source: decision record 5.
    """
    unique = {example.digest: example for example in examples}
    ordered = [unique[digest] for digest in sorted(unique)]
    held = min(len(ordered), max(MIN_HELD_OUT, math.ceil(HELD_OUT_SHARE * len(ordered))))
    return tuple(ordered[held:]), tuple(ordered[:held])


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a digest came from; a digest may have many.

    `session` and `event` name the recorded event; `how` is `written`, `heredoc`, `inline`, `edited`
    or `handed over`; `simulated` is true for everything the practice desk produced.
    """

    source: str
    session: str = ""
    event: int = 0
    author: str = ""
    model: str = ""
    task: str = ""
    how: str = "handed over"
    simulated: bool = False

    def to_json(self) -> dict[str, Json]:
        """The provenance as a JSON object."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something to capture: a named tree with what is known about it."""

    name: str
    tree: Tree
    examples: tuple[Example, ...] = ()
    provenance: Provenance
    sighting_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a piece of code was not captured."""

    name: str
    reason: str
    provenance: Provenance
