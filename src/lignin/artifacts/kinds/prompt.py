"""A prompt: instructions for a model in one file. Text, so a human approves it."""

import posixpath
import re

from lignin.artifacts.kind import Kind
from lignin.artifacts.source.draft import common_fault, draft, refuse
from lignin.artifacts.source.python import first_sentences
from lignin.domain.artifacts import File, Manifest, Tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.traces import Snippet

_PROMPT_PATH = re.compile(
    r"(?:^|/)prompts?/|prompt[\w-]*\.(?:md|txt)\Z|\.prompt\Z|(?:^|/)\.claude/(?:commands|agents)/",
    re.IGNORECASE,
)
_ENDS = (".md", ".txt", ".prompt")


def recognise(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal | None:
    """Return the prompt in a file that is named or placed as one; None for other text."""
    if snippet.language not in {"markdown", "other"} or not _PROMPT_PATH.search(snippet.path):
        return None
    return read(snippet, provenance) if _is_text(snippet) else None


def read(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    """Return the prompt that a file is said to be, whatever its name, or why it cannot be one."""
    if not _is_text(snippet):
        return refuse(snippet, f"not a text of {', '.join(_ENDS)}", provenance)
    if fault := common_fault(snippet):
        return refuse(snippet, fault, provenance)
    entry = posixpath.basename(snippet.path)
    return draft(
        name=snippet.path,
        files={entry: File(content=snippet.text.encode())},
        manifest=Manifest(kind="prompt", entry=entry),
        examples=(),
        provenance=provenance,
    )


def _is_text(snippet: Snippet) -> bool:
    return posixpath.splitext(snippet.path)[1] in _ENDS


def summary(tree: Tree) -> str:
    """Return the first sentences, without front matter and headings."""
    text = tree.text(tree.manifest.entry)
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    lines = [line for line in body.splitlines() if not line.startswith("#")]
    return first_sentences("\n".join(lines) or body)


KIND = Kind(
    name="prompt",
    executable=False,
    checks=("format", "prose"),
    recognise=recognise,
    read=read,
    summary=summary,
    precedence=50,
)
