"""Makes candidates and refusals: the faults every kind looks for, and the tree with its manifest."""

import posixpath
import re
import unicodedata
from collections.abc import Mapping, Sequence

from lignin.artifacts.source.canonical import canonical_python, canonical_shell, canonical_text
from lignin.domain.artifacts import MANIFEST_PATH, File, Manifest, Tree, make_tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.domain.traces import Snippet

MAX_NAME = 64
_SHELL_ENDS = (".sh", ".bash")


def artifact_name(text: str) -> str:
    """Return a name made of a path or a function's name: `a-z0-9-`, 1 to 64 characters.

    Of a path the file's stem is taken; a name that would be empty is `unnamed`.
    """
    stem = posixpath.basename(text.rstrip("/"))
    stem = re.sub(r"\.(?:py|sh|bash|md|txt|prompt)\Z", "", stem)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem)
    plain = unicodedata.normalize("NFKD", words.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return name[:MAX_NAME].strip("-") or "unnamed"


def require_artifact_name(name: str) -> None:
    """Raise unless a name that somebody chose is one; nothing else is made of it.

    Raises:
        InvalidRequestError: It is not 1 to 64 of `a-z0-9` and single dashes between them.
    """
    if (fit := artifact_name(name)) != name:
        raise InvalidRequestError(
            f"{name!r:.80} is no name of an artifact",
            hint=f"1 to {MAX_NAME} lower-case letters and digits, with single dashes between them; "
            f"{fit!r} would be one",
        )


def refuse(snippet: Snippet, reason: str, provenance: Provenance) -> Refusal:
    """Return a refusal under the name the artifact would have had."""
    return Refusal(name=artifact_name(snippet.path), reason=reason, provenance=provenance)


def common_fault(snippet: Snippet) -> str:
    """Return what keeps a snippet of any kind out, or an empty text."""
    if snippet.flaw:
        return snippet.flaw
    if any("[redacted:" in text for text in (snippet.text, *snippet.siblings.values())):
        return "holds a secret (redacted)"
    if "\x00" in snippet.text:
        return "holds bytes that are not text"
    return ""


def draft(
    *,
    name: str,
    files: Mapping[str, File],
    manifest: Manifest,
    examples: Sequence[Example],
    provenance: Provenance,
) -> Candidate | Refusal:
    """Return the candidate, or the refusal where its files cannot be a tree."""
    named = artifact_name(name)
    try:
        tree = make_tree({**files, MANIFEST_PATH: manifest.to_file()})
    except InvalidRequestError as error:
        return Refusal(name=named, reason=error.message, provenance=provenance)
    return Candidate(
        name=named,
        tree=tree,
        examples=tuple({example.digest: example for example in examples}.values()),
        provenance=provenance,
        sighting_key=sighting_key(tree),
    )


def sighting_key(tree: Tree) -> str:
    """Return the hash of a tree's canonical syntax.

    Layout, comments, docstrings, annotations, file names and the names of local variables,
    parameters and functions do not change it; what the code does changes it.
    """
    try:
        kind = tree.manifest.kind
    except InvalidRequestError:
        kind = ""
    return digest_json([kind, *sorted(map(digest_json, canonical_forms(tree)))])


def canonical_forms(tree: Tree) -> list[Json]:
    """Return the canonical form of each file of a tree but its manifest."""
    try:
        manifest = tree.manifest
        kind, runtime = manifest.kind, manifest.runtime
        entry = manifest.entry.split(":")[0]
    except InvalidRequestError:
        kind, runtime, entry = "", "", ""
    return [
        _form(path, file, kind, runtime if path == entry else "")
        for path, file in tree.files.items()
        if path != MANIFEST_PATH
    ]


def _form(path: str, file: File, kind: str, runtime: str) -> Json:
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        return ["bytes", file.sha256]
    if path.endswith(".py") or runtime == "python":
        return canonical_python(text, with_guard=kind not in {"program", "workflow"})
    if path.endswith(_SHELL_ENDS) or runtime in {"sh", "bash"}:
        return canonical_shell(text)
    return canonical_text(text)
