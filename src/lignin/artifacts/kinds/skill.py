"""A skill: a folder with a SKILL.md, which agents read. Text, so a human approves it."""

import posixpath

from lignin.artifacts.kind import Kind
from lignin.artifacts.source.draft import common_fault, draft, refuse
from lignin.artifacts.source.frontmatter import read_frontmatter
from lignin.artifacts.source.python import first_sentences
from lignin.domain.artifacts import File, Manifest, Tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.errors import InvalidRequestError
from lignin.domain.traces import Snippet

ENTRY = "SKILL.md"


def recognise(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal | None:
    """Return the skill whose SKILL.md the snippet is, with the files of its folder."""
    return read(snippet, provenance) if posixpath.basename(snippet.path) == ENTRY else None


def read(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    """Return the skill whose SKILL.md a file is said to be, or why it cannot be one."""
    if posixpath.basename(snippet.path) != ENTRY:
        return refuse(snippet, f"the file that agents read of a skill is {ENTRY}", provenance)
    if fault := common_fault(snippet):
        return refuse(snippet, fault, provenance)
    folder = posixpath.dirname(snippet.path)
    try:
        fields, _ = read_frontmatter(snippet.text)
    except InvalidRequestError as error:
        return Refusal(
            name=posixpath.basename(folder) or "skill", reason=error.message, provenance=provenance
        )
    files = {ENTRY: File(content=snippet.text.encode())}
    for path, text in snippet.siblings.items():
        if folder and path.startswith(folder + "/"):
            mode = "0755" if path.endswith((".sh", ".py")) else "0644"
            inner = path.removeprefix(folder + "/")
            files[inner] = File(content=text.encode(), mode="0755" if mode == "0755" else "0644")
    return draft(
        name=fields["name"],
        files=files,
        manifest=Manifest(kind="skill", entry=ENTRY),
        examples=(),
        provenance=provenance,
    )


def summary(tree: Tree) -> str:
    """Return the skill's own description."""
    fields, _ = read_frontmatter(tree.text(tree.manifest.entry))
    return first_sentences(fields["description"])


KIND = Kind(
    name="skill",
    executable=False,
    checks=("format", "outlets", "prose", "detonation"),
    recognise=recognise,
    read=read,
    summary=summary,
    precedence=10,
)
