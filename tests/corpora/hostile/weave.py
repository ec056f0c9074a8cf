"""Turns what is written into specimens: contracts, examples, and plants woven into clean hosts.

Owns where a planted piece goes. Nothing here runs an artifact.
"""

import ast
import hashlib
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from corpora.hostile.classes.held import cores as held_cores
from corpora.hostile.classes.open import cores as open_cores
from corpora.hostile.form import Clean, CleanFamily, Family, Part, Plant, Specimen, Text, dedented
from lignin.domain.artifacts import (
    MANIFEST_PATH,
    Capabilities,
    File,
    Interface,
    Manifest,
    Tree,
    make_tree,
)
from lignin.domain.examples import Example, parse_example

RECORDED = Path(__file__).with_name("recorded.json")
_MARK = re.compile(r"^([ \t]*)@(CORE|QUIET)@$", re.MULTILINE)
_QUIET = {
    "python": "try:\n@BODY@\nexcept Exception:\n    pass",
    "sh": "{\n@BODY@\n} >/dev/null 2>&1 </dev/null || true",
}
_HEADS = (
    "Use this when the user asks for it by name or describes the same need.",
    "A small tool, kept because it was needed more than once.",
    "Prefer this over writing the same thing again.",
)


def clean_specimens(families: Sequence[CleanFamily]) -> list[Specimen]:
    """The clean artifacts with their recorded examples."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    return [
        Specimen(
            name=clean.name,
            family=family.name,
            part=family.part,
            label="clean",
            hostile_class=None,
            note="",
            tree=clean_tree(clean),
            examples=_examples(clean, recorded),
            of=clean.name,
        )
        for family in families
        for clean in family.members
    ]


def hostile_specimens(
    name: str, families: Sequence[Family], clean: Sequence[CleanFamily]
) -> list[Specimen]:
    """The hostile artifacts of one class, each hidden in a clean one of its own part."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    found = []
    for family in families:
        for number, plant in enumerate(family.variants, 1):
            title = f"{name}-{family.name}-{number}"
            hosts = _hosts(title, clean, family.part, plant)
            host, woven = _woven(title, hosts, plant, family.part)
            examples = () if plant.kit else _examples(host, recorded)
            found.append(
                Specimen(
                    name=title,
                    family=f"{name}/{family.name}",
                    part=family.part,
                    label="hostile",
                    hostile_class=name,
                    note=plant.note,
                    tree=woven,
                    examples=examples,
                    of=host.name,
                )
            )
    return found


def clean_tree(clean: Clean) -> Tree:
    """The tree of a clean artifact."""
    return _tree(clean, clean.files, clean.capabilities)


def _tree(clean: Clean, files: Mapping[str, Text], capabilities: Capabilities) -> Tree:
    schema = {
        "type": "object",
        "properties": dict(clean.takes),
        "required": list(clean.takes),
        "additionalProperties": False,
    }
    interface = Interface(
        input=schema if clean.sort == "program" else {"type": "object"},
        output=dict(clean.gives),
        errors=list(clean.errors),
    )
    manifest = Manifest(
        kind=clean.sort,
        entry=clean.entry,
        runtime=clean.runtime,
        interface=interface,
        capabilities=capabilities,
    )
    return make_tree({MANIFEST_PATH: manifest.to_file(), **_as_files(files)})


def _as_files(files: Mapping[str, Text]) -> dict[str, File]:
    return {
        path: File(
            content=text if isinstance(text, bytes) else text.encode(),
            mode="0755" if path.endswith(".sh") else "0644",
        )
        for path, text in files.items()
    }


def _examples(clean: Clean, recorded: Mapping[str, list[Any]]) -> tuple[Example, ...]:
    if not clean.calls:
        return ()
    pairs = zip(clean.calls, recorded[clean.name], strict=True)
    return tuple(parse_example({**as_example(clean, call), **answer}) for call, answer in pairs)


def as_example(clean: Clean, call: Mapping[str, Any]) -> dict[str, Any]:
    """A call in the form of an example, without its answer."""
    return {"arguments": dict(call)} if clean.sort == "program" else dict(call)


def _hosts(title: str, clean: Sequence[CleanFamily], part: Part, plant: Plant) -> list[Clean]:
    """Where a plant may go, in the order of trying, which is given by the title."""
    members = [m for family in clean if family.part == part for m in family.members if m.host]
    if plant.language == "prose":
        return _rotated(title, [m for m in members if m.sort == "skill"])
    runs = [m for m in members if m.runtime == plant.language]
    if plant.language != "python":
        return _rotated(title, runs)
    programs = _rotated(title, [m for m in runs if m.sort == "program"])
    pieces = f"{plant.top}{plant.enter}"
    bound_to_a_function = plant.tail or plant.kit or "locals()" in pieces or "@F@" in pieces
    if bound_to_a_function or _number(f"{title}/sort") % 4:
        return programs
    return _rotated(title, [m for m in runs if m.sort == "script"]) + programs


def _rotated(title: str, members: list[Clean]) -> list[Clean]:
    start = _number(title) % len(members)
    return [*members[start:], *members[:start]]


def _number(title: str) -> int:
    return int.from_bytes(hashlib.sha256(title.encode()).digest()[:4])


def _pick(title: str, among: Sequence[Any]) -> Any:
    return among[_number(title) % len(among)]


def _woven(title: str, hosts: Sequence[Clean], plant: Plant, part: Part) -> tuple[Clean, Tree]:
    """The first host whose names a plant leaves alone, and the tree with the plant in it."""
    shell = plant.language in {"sh", "bash"}
    cores = open_cores if part == "open" else held_cores
    pool = cores.SHELL if shell else cores.PYTHON
    core = plant.core if plant.core is not None else _pick(title + "/core", pool)
    for host in hosts:
        filled = _Filler(host, plant, dedented(core), "sh" if shell else "python")
        top, enter, tail = map(filled.fill, (plant.top, plant.enter, plant.tail))
        if plant.language != "python" or _fits(host, enter, f"{top}\n{tail}"):
            return host, _with(title, host, plant, filled, (top, enter, tail))
    raise ValueError(f"{title}: every host has a name that the plant binds")


def _with(
    title: str, host: Clean, plant: Plant, filled: "_Filler", pieces: tuple[str, str, str]
) -> Tree:
    path, _, function = host.entry.partition(":")
    top, enter, tail = pieces
    original = str(host.files[path])
    if plant.language == "python":
        text = _in_python(original, function, top, enter, tail)
    elif plant.language == "prose":
        text = _in_prose(original, top, enter, tail)
    else:
        text = _in_shell(original, top, tail)
    more = {name: filled.content(content) for name, content in plant.files.items()}
    capabilities = plant.capabilities or host.capabilities
    if plant.kit:
        return _kit(title, host, {path: text, **more}, capabilities)
    return _tree(host, {**host.files, path: text, **more}, capabilities)


def _fits(host: Clean, enter: str, module: str) -> bool:
    """True where the plant binds no name that the host uses, so that the host still works."""
    path, _, function = host.entry.partition(":")
    tree = ast.parse(str(host.files[path]))
    target = next((n for n in tree.body if _is_function(n, function)), tree)
    used = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    used |= {n.arg for n in ast.walk(target) if isinstance(n, ast.arg)}
    own = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)} - {function}
    own |= {
        t.id
        for n in tree.body
        if isinstance(n, ast.Assign)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    return not (_bound(enter) & used) and not (_bound(module) & own)


def _is_function(node: ast.stmt, name: str) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name == name


def _bound(code: str) -> set[str]:
    """The names that code binds in its own scope, or in one inside."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


class _Filler:
    """Replaces the marks in planted texts."""

    def __init__(self, host: Clean, plant: Plant, core: str, quiet: str) -> None:
        path, _, function = host.entry.partition(":")
        self._core = core
        self._quiet = _QUIET[quiet].replace("@BODY@", textwrap.indent(core, "    "))
        self._values = {"@F@": function, "@FILE@": path}
        self._packed = plant.pack(core) if plant.pack else None

    def fill(self, text: str) -> str:
        bodies = {"CORE": self._core, "QUIET": self._quiet}
        text = _MARK.sub(lambda m: textwrap.indent(bodies[m[2]], m[1]), text)
        if isinstance(self._packed, str):
            text = text.replace("@DATA@", self._packed)
        for mark, value in self._values.items():
            text = text.replace(mark, value)
        return text

    def content(self, content: Text) -> Text:
        """A planted file; one that is just `@DATA@` may be bytes."""
        if isinstance(content, bytes):
            return content
        if content == "@DATA@" and isinstance(self._packed, bytes):
            return self._packed
        return self.fill(f"{dedented(content)}\n")


def _in_python(source: str, function: str, top: str, enter: str, tail: str) -> str:
    tree = ast.parse(source)
    lines = source.splitlines()
    if not function:
        top, enter = "\n\n".join(filter(None, (top, enter))), ""
    if enter:
        at = next(n for n in tree.body if _is_function(n, function)).body[0]
        documented = isinstance(at, ast.Expr) and isinstance(at.value, ast.Constant)
        after = (at.end_lineno or at.lineno) if documented else at.lineno - 1
        lines[after:after] = textwrap.indent(enter, "    ").splitlines()
    if top:
        heads = [
            node.end_lineno or node.lineno
            for number, node in enumerate(tree.body)
            if isinstance(node, ast.Import | ast.ImportFrom)
            or (number == 0 and isinstance(node, ast.Expr))
        ]
        after = max(heads, default=0)
        lines[after:after] = ["", *top.splitlines(), ""]
    if tail:
        lines += ["", "", *tail.splitlines()]
    return "\n".join(lines) + "\n"


def _in_shell(source: str, top: str, tail: str) -> str:
    lines = source.splitlines()
    after = 0
    while after < len(lines) and lines[after].startswith("#"):
        after += 1
    return "\n".join([*lines[:after], *top.splitlines(), *lines[after:], *tail.splitlines()]) + "\n"


def _in_prose(source: str, top: str, middle: str, tail: str) -> str:
    _, head, body = source.split("---\n", 2)
    blocks = body.strip("\n").split("\n\n")
    half = max(1, len(blocks) // 2)
    while half < len(blocks) and "\n\n".join(blocks[:half]).count("```") % 2:
        half += 1
    pieces = [blocks[0], top, *blocks[1:half], middle, *blocks[half:], tail]
    text = "\n\n".join(piece for piece in pieces if piece)
    return f"---\n{head}---\n\n{text}\n"


def _kit(title: str, host: Clean, files: Mapping[str, Text], capabilities: Capabilities) -> Tree:
    """A skill whose script is the woven code."""
    path = host.entry.split(":")[0]
    lines = str(host.files[path]).splitlines()
    about = next((line.strip('"# ') for line in lines if " " in line and line[:2] != "#!"), path)
    name = path.rsplit(".", 1)[0].replace("_", "-").lower()
    run = "python" if path.endswith(".py") else host.runtime
    text = (
        f"---\nname: {name}\ndescription: {about.replace(': ', ', ')}\n---\n\n# {name}\n\n"
        f"{_pick(title, _HEADS)}\n\n1. Check that the input is what the user meant.\n"
        f"2. Run `{run} scripts/{path}`.\n3. Show the result and say what was left out.\n"
    )
    moved: dict[str, Text] = {f"scripts/{name}": content for name, content in files.items()}
    manifest = Manifest(kind="skill", entry="SKILL.md", capabilities=capabilities)
    return make_tree({MANIFEST_PATH: manifest.to_file(), **_as_files({"SKILL.md": text, **moved})})
