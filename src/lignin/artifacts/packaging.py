"""From an artifact to the folder that an agent client reads. Pure.

Owns the wording of generated SKILL.md files, the names of skill folders and what of an artifact's
tree goes along. Refuses to decide what is served (harness) and to write anything (`serve`).

Invariant: every folder returned passes `validate_skill`; an artifact that cannot be put so is
refused with the reason.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from lignin.artifacts.call_text import call_section, example_phrase
from lignin.artifacts.interface_text import (
    describe_type,
    parameter_names,
    parameter_phrases,
    parameter_table,
    with_article,
)
from lignin.artifacts.routine_about import (
    ABOUT_PATH,
    EVALS_PATH,
    LEFT_OUT,
    About,
    about_of,
    evals_file,
    hand_over_section,
    use_phrases,
    when_section,
    words_section,
)
from lignin.artifacts.script_call import script_section
from lignin.artifacts.skill_rules import validate_skill
from lignin.artifacts.skillmd import (
    MAX_COMPATIBILITY_CHARS,
    MAX_NAME_CHARS,
    SKILL_PATH,
    SkillDocument,
    clean_description,
    is_skill_name,
    parse_skill,
    render_skill,
    with_metadata,
)
from lignin.domain.artifacts import HIDDEN, MANIFEST_PATH, File, Manifest, Tree
from lignin.domain.codec import Digest, raw_digest
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example

ASKED_TOOLS_KEY = "asked-tools"
FULL_DESCRIPTION_KEY = "full-description"
SIMULATED_KEY = "simulated"
SIMULATED_LINE = "Simulated: it was seen only in sessions that Lignin's practice desk made up, never in real work."
_NOT_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """Everything the writers of the kinds need to know of one artifact."""

    tree: Tree
    manifest: Manifest
    name: str
    skill: str
    summary: str
    digest: Digest
    examples: tuple[Example, ...]
    fields: Mapping[str, str]


def package_artifact(
    tree: Tree,
    *,
    name: str,
    kind: str,
    summary: str,
    digest: Digest,
    space: str,
    examples: tuple[Example, ...] = (),
    version: str = "",
    skill_name: str = "",
    simulated: bool = False,
) -> dict[str, File]:
    """Return the skill folder of one artifact, by relative path.

    A `skill` keeps its own files, with our fields added to its metadata. A `program`, `script` or
    `prompt` gets a written SKILL.md; program and script sources go under `scripts/`. `allowed-tools`
    of a captured skill would grant tools without asking, so it moves to the metadata key
    `lignin-asked-tools`, where a person can read it.

    Args:
        tree: The artifact's files with its manifest.
        name: The artifact's name in its space, as `lignin artifact call` takes it.
        kind: `program`, `script`, `prompt` or `skill`.
        summary: What it does, one or two sentences.
        digest: The version that is served; goes into the call and the metadata.
        space: The space it belongs to.
        examples: To show. Never pass held-out ones: whatever is served is no longer held out.
        version: A label for people, for example the harness revision; left out where empty.
        skill_name: Folder name where `assign_skill_names` chose another than the artifact's own.
        simulated: Seen only in the practice desk's sessions; the metadata and the text say so.

    Raises:
        InvalidRequestError: A kind that is not served as a folder, or a tree that no client would
            accept; lists every fault.
    """
    raw_digest(digest)
    writer = _WRITERS.get(kind)
    if writer is None:
        raise InvalidRequestError(
            f"artifacts of kind {kind!r} are not served as skill folders",
            hint=f"these are: {', '.join(sorted(_WRITERS))}",
        )
    fields = {
        "digest": digest,
        "kind": kind,
        "name": name,
        "space": space,
        "version": version,
        SIMULATED_KEY: "true" if simulated else "",
    }
    package = _Package(
        tree=tree,
        manifest=tree.manifest,
        name=name,
        skill=skill_name or skill_name_of(name),
        summary=clean_description(summary),
        digest=digest,
        examples=examples,
        fields=fields,
    )
    files = writer(package)
    faults = validate_skill(files, folder=package.skill)
    if faults:
        raise InvalidRequestError(
            f"{name} cannot be served as a skill: {'; '.join(faults)}",
            hint="capture a version without it",
            faults=faults,
        )
    return files


def skill_name_of(name: str) -> str:
    """Return the ASCII skill name closest to an artifact's name; `skill-<hash>` where none is."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = _NOT_NAME.sub("-", folded).strip("-")
    if len(slug) > MAX_NAME_CHARS:
        return f"{slug[: MAX_NAME_CHARS - 9].rstrip('-')}-{_short_hash(name)}"
    return slug or f"skill-{_short_hash(name)}"


def assign_skill_names(names: Iterable[str]) -> dict[str, str]:
    """Return a skill name for each artifact name, all different.

    Where several fold into one, the artifact that is already written so keeps it and the others
    get a hash of their name behind it, so that the answer does not depend on the order.
    """
    unique = sorted(set(names))
    slugs = {name: skill_name_of(name) for name in unique}
    wanted: dict[str, list[str]] = {}
    for name, slug in slugs.items():
        wanted.setdefault(slug, []).append(name)
    for slug, rivals in wanted.items():
        for name in rivals:
            if len(rivals) > 1 and name != slug:
                head = slug[: MAX_NAME_CHARS - 9].rstrip("-")
                slugs[name] = f"{head}-{_short_hash(name)}"
    return slugs


def _short_hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def redescribe(files: Mapping[str, File], description: str) -> dict[str, File]:
    """Return the folder with another description, as a listing's budget may ask.

    The full one is kept under the metadata key `lignin-full-description`.

    Raises:
        InvalidRequestError: The folder's SKILL.md or the new description is not valid.
    """
    doc = parse_skill(files[SKILL_PATH].content)
    if doc.description == description:
        return dict(files)
    key = f"lignin-{FULL_DESCRIPTION_KEY}"
    metadata = {key: doc.description} | dict(doc.metadata)
    shorter = replace(doc, description=description, metadata=metadata)
    return dict(files) | {SKILL_PATH: replace(files[SKILL_PATH], content=render_skill(shorter))}


def _write_skill(package: _Package) -> dict[str, File]:
    own = dict(package.tree.files)
    own.pop(MANIFEST_PATH, None)
    path = next((path for path in (SKILL_PATH, "skill.md") if path in own), None)
    if path is None:
        raise InvalidRequestError(f"{package.name} is a skill without a {SKILL_PATH}")
    file = own.pop(path)
    doc = parse_skill(file.content)
    description = clean_description(doc.description) or package.summary
    fields = dict(package.fields)
    if description != doc.description:
        fields[FULL_DESCRIPTION_KEY] = doc.description
    if doc.allowed_tools:
        fields[ASKED_TOOLS_KEY] = doc.allowed_tools
    named = replace(doc, name=package.skill, description=description, allowed_tools="")
    return own | {SKILL_PATH: replace(file, content=_document(named, fields))}


def _write_program(package: _Package) -> dict[str, File]:
    parameters = parameter_phrases(package.manifest.interface.input)
    output = package.manifest.interface.output
    about = about_of(package.tree)
    parts = [
        f"Takes {_and_join(parameters)}." if parameters else "Takes no arguments.",
        f"Returns {with_article(describe_type(output))}." if output else "",
        example_phrase(package.examples),
    ]
    if about is not None:
        parts = use_phrases(about, parameter_names(package.manifest.interface.input))
    parts = [_sentence(package.summary), *parts]
    return _generated(package, " ".join(filter(None, parts)), "tested function")


def _write_script(package: _Package) -> dict[str, File]:
    shell = package.manifest.runtime or "sh"
    about = about_of(package.tree)
    names = [name for name, _ in about.words if not name.startswith("[")] if about else []
    parts = [
        _sentence(package.summary),
        *(use_phrases(about, names) if about else []),
        f"A tested {shell} script, {package.manifest.entry}.",
    ]
    description = " ".join(filter(None, parts))
    return _generated(package, description, "tested script")


def _generated(package: _Package, description: str, what: str) -> dict[str, File]:
    about = about_of(package.tree)
    kind = package.manifest.kind
    sources = {
        f"scripts/{path}": file
        for path, file in package.tree.files.items()
        if path not in {MANIFEST_PATH, ABOUT_PATH}
    }
    if about and package.examples:
        summary = _sentence(package.summary)
        sources[EVALS_PATH] = evals_file(package.skill, summary, package.examples, kind)
    lines = [
        f"# {_plain(package.name)}",
        "",
        _plain(_sentence(package.summary)),
        "",
        f"This is a {what}: call it instead of writing the same again.",
        *([_plain(about.stands_on)] if about else []),
        "",
        *_use_sections(package.manifest, about),
        *_call_section(package, about),
        *(hand_over_section(about, kind) if about else []),
        *([] if about and kind == "script" else _limits_section(package.manifest)),
        *_source_section(package),
    ]
    doc = SkillDocument(
        name=package.skill,
        description=clean_description(description),
        compatibility=_compatibility(package.manifest, about),
        body="\n".join(lines),
    )
    return _with_document(package, doc, sources)


def _write_prompt(package: _Package) -> dict[str, File]:
    text = package.tree.text(package.manifest.entry)
    others = {
        path: file
        for path, file in package.tree.files.items()
        if path not in {MANIFEST_PATH, package.manifest.entry}
    }
    lines = [f"# {_plain(package.name)}", "", text.rstrip("\n"), ""]
    doc = SkillDocument(name=package.skill, description=package.summary, body="\n".join(lines))
    return _with_document(package, doc, others)


def _with_document(
    package: _Package, doc: SkillDocument, files: Mapping[str, File]
) -> dict[str, File]:
    if not doc.description:
        doc = replace(doc, description=clean_description(f"{package.name}, a captured artifact."))
    return {**files, SKILL_PATH: File(content=_document(doc, package.fields))}


def _document(doc: SkillDocument, fields: Mapping[str, str]) -> bytes:
    """The SKILL.md with our fields; what is simulated also says so in its first line."""
    if fields[SIMULATED_KEY]:
        doc = replace(doc, body=f"{SIMULATED_LINE}\n\n{doc.body}")
    return render_skill(with_metadata(doc, fields))


def _use_sections(manifest: Manifest, about: About | None) -> list[str]:
    """When to use it, and what it takes."""
    if about is None:
        return [*_when_section(manifest), *_interface_section(manifest)]
    if manifest.kind == "script":
        return [*when_section(about, ()), *words_section(about)]
    named = [_plain(each) for each in parameter_phrases(manifest.interface.input, quote="`")]
    return [*when_section(about, named), *_interface_section(manifest)]


def _call_section(package: _Package, about: About | None) -> list[str]:
    space = package.fields["space"]
    if about is not None and package.manifest.kind == "script":
        return script_section(
            about,
            package.skill,
            package.manifest,
            name=package.name,
            digest=package.digest,
            space=space,
        )
    examples = about.examples if about else package.examples
    lines = call_section(package.name, package.digest, package.manifest, examples, space=space)
    if about is not None and any(LEFT_OUT in str(each.result) for each in examples):
        lines += [f"`{LEFT_OUT}` stands for what is left out here; the answer has it.", ""]
    return lines


def _when_section(manifest: Manifest) -> list[str]:
    parameters = parameter_phrases(manifest.interface.input, quote="`")
    output = manifest.interface.output
    lines = [f"- you have {_plain(_and_join(parameters))}"] if parameters else []
    if output and manifest.kind == "program":
        lines.append(f"- you want {_plain(with_article(describe_type(output)))} back")
    lines.append("- the task asks for what the sentence above says, not merely for something near")
    return ["Use it when", "", *lines, ""]


def _interface_section(manifest: Manifest) -> list[str]:
    table = parameter_table(manifest.interface.input)
    result = describe_type(manifest.interface.output) if manifest.interface.output else ""
    lines = ["## Input and result", "", *table, ""] if table else []
    if result and manifest.kind == "program":
        lines += [] if lines else ["## Input and result", "", "It takes no arguments.", ""]
        lines += [f"The result is {_plain(with_article(result))}."]
        if manifest.interface.errors:
            names = _and_list(manifest.interface.errors)
            lines += [f"On input it cannot handle it answers with {names}."]
        lines += [""]
    return lines


def _limits_section(manifest: Manifest) -> list[str]:
    granted = manifest.capabilities
    lines = [
        f"- {word}: {_and_list(names)}"
        for word, names in (
            ("calls the tools", sorted(granted.tools)),
            ("reaches the hosts", granted.hosts),
            ("writes in the work folder", granted.paths),
            ("needs the secrets named", granted.secrets),
            ("runs the programs", granted.programs),
        )
        if names
    ]
    if granted.clock or granted.randomness:
        what = [w for w, on in (("the time", granted.clock), ("chance", granted.randomness)) if on]
        lines.append(f"- its answer may depend on {' and '.join(what)}")
    if not lines:
        return []
    return ["## What it touches", "", *lines, "- and nothing else", ""]


def _source_section(package: _Package) -> list[str]:
    entry = package.manifest.entry.partition(":")[0]
    if entry not in package.tree.files or any(c in entry for c in " ()<>`"):
        return []
    return [f"The source is in [scripts/{entry}](scripts/{entry}).", ""]


def _compatibility(manifest: Manifest, about: About | None) -> str:
    if about is not None and manifest.kind == "script":
        needs = ", ".join(["Python 3.11 or later", *manifest.capabilities.programs])
        return f"{needs} on PATH; it runs in the project."[:MAX_COMPATIBILITY_CHARS]
    text = "The lignin command on PATH; it runs the call in its own sandbox."
    if manifest.capabilities.tools:
        text += f" Tools: {', '.join(sorted(manifest.capabilities.tools))}."
    if manifest.requires:
        text += f" To run it yourself: Python packages {', '.join(manifest.requires)}."
    return text[:MAX_COMPATIBILITY_CHARS]


def _and_list(names: Iterable[str]) -> str:
    return _and_join([_plain(f"`{name}`") for name in names])


def _and_join(phrases: list[str]) -> str:
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?…" else f"{text}."


def _plain(text: str) -> str:
    """One line in which no client finds a command to run while loading the skill."""
    return " ".join(HIDDEN.sub("", text).split()).replace("!`", "! `")


_WRITERS: Mapping[str, Callable[[_Package], dict[str, File]]] = {
    "skill": _write_skill,
    "program": _write_program,
    "script": _write_script,
    "prompt": _write_prompt,
}

__all__ = [
    "assign_skill_names",
    "is_skill_name",
    "package_artifact",
    "redescribe",
    "skill_name_of",
]
