"""The laws of artifacts: names, sighting keys, and what becomes a candidate. Pure."""

import ast
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lignin.artifacts.example_forms import require_form
from lignin.artifacts.kind import Kind
from lignin.artifacts.schemas import require_safe_schema
from lignin.artifacts.source.draft import artifact_name, require_artifact_name, sighting_key
from lignin.artifacts.source.python import functions, parse_python
from lignin.artifacts.source.tests import is_test_path
from lignin.domain.artifacts import MANIFEST_PATH, File, Manifest, Tree, make_tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.domain.traces import Snippet

__all__ = [
    "artifact_name",
    "candidate_from_files",
    "recognise",
    "require_sound",
    "sighting_key",
]
_OTHER_LANGUAGES = {
    ".js": "JavaScript", ".mjs": "JavaScript", ".jsx": "JavaScript", ".ts": "TypeScript",
    ".tsx": "TypeScript", ".go": "Go", ".rs": "Rust", ".rb": "Ruby", ".sql": "SQL", ".java": "Java",
}  # fmt: skip


def recognise(
    snippet: Snippet, provenance: Provenance, kinds: Mapping[str, Kind]
) -> Candidate | Refusal:
    """Return what a snippet becomes: the answer of the first kind, by precedence, that has one."""
    for kind in sorted(kinds.values(), key=lambda kind: (kind.precedence, kind.name)):
        answer = kind.recognise(snippet, provenance)
        if answer is not None:
            return answer
    return Refusal(
        name=artifact_name(snippet.path), reason=_no_kind(snippet), provenance=provenance
    )


def _no_kind(snippet: Snippet) -> str:
    if snippet.flaw:
        return snippet.flaw
    if snippet.language == "markdown":
        return "notes for people, neither a skill nor a prompt"
    suffix = posixpath.splitext(snippet.path)[1]
    if suffix in _OTHER_LANGUAGES:
        return f"written in {_OTHER_LANGUAGES[suffix]}; only Python and shell can be proven"
    return "no kind of artifact fits it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What whoever hands files over says of them, as a `Snippet` keeps it."""

    requires: tuple[str, ...]
    about: str
    how: Literal["written", "handed over"]


def candidate_from_files(
    files: Mapping[str, File],
    name: str,
    kind: str | None,
    examples: Sequence[Example],
    kinds: Mapping[str, Kind],
    *,
    requires: tuple[str, ...] = (),
    about: str = "",
) -> Candidate:
    """Return a candidate of files that somebody hands over, with or without a `lignin.json`.

    A manifest is taken at its word once it agrees with the files. Without one the entry file is
    chosen (the only file that can be of the kind; `SKILL.md`, the only file, `main.py`, the only
    file that is no test) and read as a snippet is; all other files are kept beside it.

    Args:
        files: By relative path; at most what `make_tree` takes.
        name: What to call it; empty takes the name from the files.
        kind: The kind it must be, or None to find out.
        examples: Uses observed by the author, in the form of the kind (`require_form`).
        kinds: Every kind by name.
        requires: Python packages that it says it needs; then it may import what is not its own.
        about: The function of the entry file that it is about; empty: the file says it.

    Raises:
        InvalidRequestError: What is wrong with the files, the manifest, the kind or an example,
            with a hint.
    """
    if kind is not None and kind not in kinds:
        raise InvalidRequestError(f"there is no kind {kind!r}", hint=f"one of {', '.join(kinds)}")
    if name:
        require_artifact_name(name)
    provenance = Provenance(source=name or "files")
    if MANIFEST_PATH in files:
        tree = make_tree(files)
        if kind is not None and tree.manifest.kind != kind:
            raise InvalidRequestError(
                f"{MANIFEST_PATH} says {tree.manifest.kind}, not {kind}",
                hint=f"leave the kind out, or change {MANIFEST_PATH}",
            )
        title = name or tree.manifest.entry.rpartition(":")[2]
    else:
        said = _Said(requires=requires, about=about, how="handed over" if examples else "written")
        found = _read(files, kind, kinds, provenance, said)
        tree, title = found.tree, name or found.name
    require_sound(tree, kinds)
    require_form(tree.manifest, examples)
    return Candidate(
        name=artifact_name(title),
        tree=tree,
        examples=tuple({example.digest: example for example in examples}.values()),
        provenance=provenance,
        sighting_key=sighting_key(tree),
    )


def _read(
    files: Mapping[str, File],
    kind: str | None,
    kinds: Mapping[str, Kind],
    provenance: Provenance,
    said: _Said,
) -> Candidate:
    tree = make_tree(files)
    snippets = _snippets(tree, said)
    if kind is None:
        entry = _text_entry(tree)
        answer = recognise(snippets[entry], provenance, kinds)
    else:
        answers = {path: kinds[kind].read(each, provenance) for path, each in snippets.items()}
        fit = [path for path, each in answers.items() if isinstance(each, Candidate)]
        entry = fit[0] if len(fit) == 1 else _text_entry(tree)
        answer = answers[entry]
    if isinstance(answer, Refusal):
        hint = f"or say what it is in a {MANIFEST_PATH}"
        if kind is None:
            raise InvalidRequestError(f"{entry}: {answer.reason}", hint=hint)
        usual = recognise(snippets[entry], provenance, kinds)
        if isinstance(usual, Candidate):
            hint = f"without the kind it is a {usual.tree.manifest.kind}; {hint}"
        raise InvalidRequestError(f"{entry} cannot be a {kind}: {answer.reason}", hint=hint)
    written = answer.tree.manifest.entry.split(":")[0]
    rest = {path: file for path, file in files.items() if path != entry}
    renamed = {written: answer.tree.files[written], MANIFEST_PATH: answer.tree.files[MANIFEST_PATH]}
    return replace(answer, tree=make_tree({**answer.tree.files, **rest, **renamed}))


def _snippets(tree: Tree, said: _Said) -> dict[str, Snippet]:
    """Each text file as a snippet, with the other texts beside it."""
    texts = {path: tree.text(path) for path in tree.files if _is_text(tree, path)}
    return {
        path: Snippet(
            path=path,
            text=text,
            language=_language(path, text),
            how=said.how,
            session="",
            index=0,
            siblings={other: beside for other, beside in texts.items() if other != path},
            requires=said.requires,
            about=said.about,
        )
        for path, text in texts.items()
    }


def _text_entry(tree: Tree) -> str:
    entry = _entry(tree)
    tree.text(entry)  # raises where it is none
    return entry


def _entry(tree: Tree) -> str:
    paths = list(tree.files)
    if "SKILL.md" in paths:
        return "SKILL.md"
    code = [path for path in paths if path.endswith((".py", ".sh", ".bash"))]
    for several in (paths, [p for p in code if not is_test_path(p)], code):
        if len(several) == 1:
            return several[0]
    for wanted in ("main.py", "main.sh"):
        if wanted in paths:
            return wanted
    raise InvalidRequestError(
        f"{len(paths)} files and no sign of which is the entry",
        hint=f"add a {MANIFEST_PATH}, or name the entry main.py",
    )


def _language(path: str, text: str) -> Literal["python", "shell", "markdown", "other"]:
    first = text.split("\n", 1)[0]
    if path.endswith(".py") or (first.startswith("#!") and "python" in first):
        return "python"
    if path.endswith((".sh", ".bash")) or (first.startswith("#!") and "sh" in first):
        return "shell"
    return "markdown" if path.endswith(".md") else "other"


def _is_text(tree: Tree, path: str) -> bool:
    try:
        tree.files[path].content.decode()
    except UnicodeDecodeError:
        return False
    return True


def require_sound(tree: Tree, kinds: Mapping[str, Kind]) -> None:
    """Raise where a tree's manifest does not agree with its files.

    Raises:
        InvalidRequestError: An unknown kind, a missing entry file or function, a schema that is
            none, a runtime that is not served, a secret that was redacted.
    """
    manifest = tree.manifest
    if manifest.kind not in kinds:
        raise InvalidRequestError(
            f"{MANIFEST_PATH} names the kind {manifest.kind!r}", hint=f"one of {', '.join(kinds)}"
        )
    file, _, function = manifest.entry.partition(":")
    text = tree.text(file)
    if manifest.is_function:
        _require_function(file, function, text, manifest)
    elif function:
        raise InvalidRequestError(
            f"only the entry of a program or workflow names a function, not {manifest.entry!r}"
        )
    if kinds[manifest.kind].executable and manifest.runtime not in {"python", "sh", "bash"}:
        raise InvalidRequestError(
            f"runtime {manifest.runtime!r} is not served", hint="python, sh or bash"
        )
    for side, schema in (
        ("input", manifest.interface.input),
        ("output", manifest.interface.output),
        ("alert", manifest.workflow.alert if manifest.workflow else {}),
    ):
        _require_schema(side, schema)
    for path in tree.files:
        if b"[redacted:" in tree.files[path].content:
            raise InvalidRequestError(f"{path} holds a secret (redacted)")


def _require_function(file: str, function: str, text: str, manifest: Manifest) -> None:
    if not function:
        raise InvalidRequestError(
            f"a {manifest.kind}'s entry is file.py:function, not {manifest.entry!r}",
            hint="name the function after a colon",
        )
    tree = parse_python(text)
    if isinstance(tree, str):
        raise InvalidRequestError(f"{file}: {tree}")
    found = functions(tree).get(function)
    if not isinstance(found, ast.FunctionDef):
        raise InvalidRequestError(f"{file} has no plain function {function!r}")
    _require_parameters(found, manifest)


def _require_parameters(function: ast.FunctionDef, manifest: Manifest) -> None:
    given = function.args
    properties = manifest.interface.input.get("properties", {})
    names = {parameter.arg for parameter in [*given.args, *given.kwonlyargs]}
    unknown = set(properties) - names
    if unknown and given.kwarg is None:
        raise InvalidRequestError(
            f"{function.name} has no parameter {min(unknown)!r}, which its interface names"
        )


def _require_schema(side: str, schema: Mapping[str, Any]) -> None:
    try:
        require_safe_schema(schema)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"the {side} schema: {error.message}", hint=error.hint) from error
