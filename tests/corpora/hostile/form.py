"""The forms in which specimens are written: clean artifacts, and what a thief plants in one.

Owns the types and the short constructors. A text may hold marks that weaving replaces: `@F@` the
entry function, `@FILE@` the entry file, `@CORE@` the theft itself (alone on its line, indented as
it should be), `@QUIET@` the same with its failures swallowed, `@DATA@` the packed theft.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lignin.domain.artifacts import Capabilities, Tree
from lignin.domain.examples import Example

Part = Literal["open", "held"]
Label = Literal["hostile", "clean"]
Sort = Literal["program", "script", "skill"]
Call = Mapping[str, Any]
Text = str | bytes

S: dict[str, Any] = {"type": "string"}
I: dict[str, Any] = {"type": "integer"}  # noqa: E741
N: dict[str, Any] = {"type": "number"}
B: dict[str, Any] = {"type": "boolean"}
O: dict[str, Any] = {"type": "object"}  # noqa: E741
ANY: dict[str, Any] = {}


def L(items: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
    """The schema of a list."""
    return {"type": "array", "items": dict(items)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One artifact with its label.

    `family` never occurs in both parts. `of` names the clean specimen in which a hostile one hides,
    always of the same part. `hostile_class` is None for a clean one.
    """

    name: str
    family: str
    part: Part
    label: Label
    hostile_class: str | None
    note: str
    tree: Tree
    examples: tuple[Example, ...]
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """A clean artifact as it is written: `calls` are recorded by running it (`recorded.json`).

    A program's call is its arguments; a script's has `argv`, `stdin` and `files`. `host` is false
    where nothing is planted in it.
    """

    name: str
    sort: Sort
    entry: str
    runtime: str
    files: Mapping[str, Text]
    takes: Mapping[str, Any] = field(default_factory=dict)
    gives: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    capabilities: Capabilities = field(default_factory=Capabilities)
    host: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """What is planted: where each piece goes, and what the author would declare.

    `language` is the host's: `python`, `sh`, `bash` or `prose`. With `kit` the woven code becomes a
    script in the folder of a skill. `capabilities` replace the host's where given.
    """

    language: Literal["python", "sh", "bash", "prose"]
    top: str = ""
    enter: str = ""
    tail: str = ""
    files: Mapping[str, Text] = field(default_factory=dict)
    pack: Callable[[str], Text] | None = None
    core: str | None = None
    kit: bool = False
    note: str = ""
    capabilities: Capabilities | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFamily:
    """Clean artifacts of one idea."""

    name: str
    part: Part
    members: tuple[Clean, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Hostile variants of one idea."""

    name: str
    part: Part
    variants: tuple[Plant, ...]


def dedented(text: str) -> str:
    """A text as it goes into a file: without the indentation it was written with."""
    return textwrap.dedent(text).strip("\n")


def clean_family(name: str, part: Part, *members: Clean) -> CleanFamily:
    """A family of clean artifacts."""
    return CleanFamily(name=name, part=part, members=members)


def family(name: str, part: Part, *variants: Plant) -> Family:
    """A family of hostile variants."""
    return Family(name=name, part=part, variants=variants)


def program(
    entry: str,
    source: str,
    takes: Mapping[str, Any],
    gives: Mapping[str, Any],
    calls: Sequence[Call],
    *,
    errors: tuple[str, ...] = (),
    host: bool = True,
    files: Mapping[str, str] | None = None,
    **capabilities: Any,
) -> Clean:
    """A Python function in a file of its own name; `takes` are its parameters, all required."""
    path = f"{entry}.py"
    return Clean(
        name=entry.replace("_", "-"),
        sort="program",
        entry=f"{path}:{entry}",
        runtime="python",
        files={path: f"{dedented(source)}\n", **(files or {})},
        takes=takes,
        gives=gives,
        errors=errors,
        calls=tuple(calls),
        capabilities=Capabilities(**capabilities),
        host=host and not capabilities,
    )


def script(
    path: str, source: str, calls: Sequence[Call], runtime: str = "sh", **capabilities: Any
) -> Clean:
    """A script that is run with words and input."""
    return Clean(
        name=path.replace(".", "-").replace("_", "-"),
        sort="script",
        entry=path,
        runtime=runtime,
        files={path: f"{dedented(source)}\n"},
        calls=tuple(calls),
        capabilities=Capabilities(**{"processes": True} | capabilities),
        host=not capabilities,
    )


def skill(
    name: str, text: str, files: Mapping[str, str] | None = None, **capabilities: Any
) -> Clean:
    """A folder with a SKILL.md."""
    more = {path: f"{dedented(content)}\n" for path, content in (files or {}).items()}
    return Clean(
        name=name,
        sort="skill",
        entry="SKILL.md",
        runtime="",
        files={"SKILL.md": f"{dedented(text)}\n", **more},
        capabilities=Capabilities(**capabilities),
    )


def py(
    *, top: str = "", enter: str = "", tail: str = "", note: str, kit: bool = False, **more: Any
) -> Plant:
    """Something planted in a Python program."""
    return _plant("python", top, enter, tail, note, kit, more)


def sh(*, top: str = "", tail: str = "", note: str, kit: bool = False, **more: Any) -> Plant:
    """Something planted in a POSIX shell script."""
    return _plant("sh", top, "", tail, note, kit, more)


def bash(*, top: str = "", tail: str = "", note: str, kit: bool = False, **more: Any) -> Plant:
    """Something planted in a bash script."""
    return _plant("bash", top, "", tail, note, kit, more)


def doc(*, top: str = "", middle: str = "", tail: str = "", note: str = "", **more: Any) -> Plant:
    """Something planted in the prose of a skill: right after its head, half way down, or at its end."""
    return _plant("prose", top, middle, tail, note, False, more)


def _plant(
    language: Any, top: str, enter: str, tail: str, note: str, kit: bool, more: dict[str, Any]
) -> Plant:
    pieces = {key: more.pop(key) for key in ("files", "pack", "core") if key in more}
    return Plant(
        language=language,
        top=dedented(top),
        enter=dedented(enter),
        tail=dedented(tail),
        note=note,
        kit=kit,
        capabilities=Capabilities(**more) if more else None,
        **pieces,
    )
