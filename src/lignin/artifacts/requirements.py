"""Which Python packages an artifact says it needs. Pure reading of requirements and of source.

Owns what of PEP 508 and PEP 723 is taken: packages by name, version, extras and marker. Addresses,
paths, options and sources of one tool's own are refused: where packages come from is the user's to say.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lignin.domain.artifacts import MANIFEST_PATH, File, Manifest, make_tree
from lignin.domain.candidates import Candidate
from lignin.domain.dependencies import (
    MAX_REQUIREMENT_CHARS,
    MAX_REQUIRES,
    Locked,
    plain_requirement,
)
from lignin.domain.errors import InvalidRequestError

_BLOCK = re.compile(  # as PEP 723 gives it
    r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"
)
_NO_SOURCES = ("sources", "index", "index-url", "extra-index-url", "find-links")


def parse_requirements(texts: Iterable[str]) -> tuple[str, ...]:
    """Return requirements in their normal form, each once, in order of their names.

    Raises:
        InvalidRequestError: One is none, names an address, a path or an option, or they are too many.
    """
    found = sorted({_parsed(text) for text in texts})
    if len(found) > MAX_REQUIRES:
        raise InvalidRequestError(
            f"{len(found)} requirements; an artifact has at most {MAX_REQUIRES}"
        )
    return tuple(found)


def _parsed(text: str) -> str:
    # Only where something is required: most artifacts require nothing, and importing it costs.
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    shown = f"{text.strip()!r:.80}"
    try:
        read = Requirement(text) if len(text) <= MAX_REQUIREMENT_CHARS else None
    except InvalidRequirement:
        read = None
    if read is None or read.url is not None or not plain_requirement(text.strip()):
        raise InvalidRequestError(
            f"{shown} is no requirement by name",
            hint="write a name with its versions, such as 'tabulate>=0.9'; no address, path or option",
        )
    read.name = canonicalize_name(read.name)
    read.extras = {canonicalize_name(extra) for extra in read.extras}
    return str(read)


def script_requirements(source: str, python: str) -> tuple[str, ...]:
    """Return what the `# /// script` block of a Python file asks for; nothing where there is none.

    Args:
        python: Version of the running interpreter, which a `requires-python` must take.

    Raises:
        InvalidRequestError: The block is broken, there are two, it wants another Python, or it says
            where packages come from.
    """
    blocks = [found for found in _BLOCK.finditer(source) if found["type"] == "script"]
    if not blocks:
        return ()
    if len(blocks) > 1:
        raise InvalidRequestError("the file has two `# /// script` blocks; one is allowed")
    lines = blocks[0]["content"].splitlines(keepends=True)
    try:
        body = tomllib.loads("".join(line[2:] if line[1:2] == " " else line[1:] for line in lines))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidRequestError(f"the `# /// script` block is no TOML: {error}") from error
    _refuse_sources(body.get("tool"))
    _require_python(body.get("requires-python"), python)
    wanted = body.get("dependencies", [])
    if not isinstance(wanted, list) or not all(isinstance(text, str) for text in wanted):
        raise InvalidRequestError("`dependencies` of the `# /// script` block is no list of texts")
    return parse_requirements(wanted)


def _refuse_sources(tool: Any) -> None:
    settings = tool.values() if isinstance(tool, dict) else ()
    named = [
        name for each in settings if isinstance(each, dict) for name in _NO_SOURCES if name in each
    ]
    if named:
        raise InvalidRequestError(
            f"the `# /// script` block says where packages come from ({named[0]})",
            hint="take it out: packages come from the index that the user has set up for pip",
        )


def _require_python(wanted: Any, python: str) -> None:
    if wanted is None:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(wanted).contains(python, prereleases=True)
    except (InvalidSpecifier, TypeError, AttributeError) as error:
        raise InvalidRequestError(f"requires-python {wanted!r:.60} is no version") from error
    if not fits:
        raise InvalidRequestError(f"the script asks for Python {wanted}; this is {python}")


def declared_requirements(
    files: Mapping[str, File], named: Iterable[str], python: str
) -> tuple[str, ...]:
    """Return all that files and their giver say is needed: manifest, script blocks, `named`.

    Raises:
        InvalidRequestError: One of them is refused.
    """
    found = list(named)
    if MANIFEST_PATH in files:
        found += make_tree(files).manifest.requires
    for path, file in files.items():
        if path.endswith(".py"):
            try:
                found += script_requirements(file.content.decode(), python)
            except UnicodeDecodeError:
                continue
            except InvalidRequestError as error:
                raise InvalidRequestError(f"{path}: {error.message}", hint=error.hint) from error
    return parse_requirements(found)


def with_lock(
    candidate: Candidate, requires: tuple[str, ...], lock: tuple[Locked, ...]
) -> Candidate:
    """Return a candidate whose manifest requires packages and locks them.

    Raises:
        InvalidRequestError: It is of a kind that Python does not run.
    """
    if not requires:
        return candidate
    manifest = candidate.tree.manifest
    if manifest.runtime != "python":
        raise InvalidRequestError(
            f"a {manifest.kind} that Python does not run can require no Python packages",
            hint="leave out --requires",
        )
    named = Manifest(**{**manifest.model_dump(), "requires": requires, "lock": lock})
    files = {**candidate.tree.files, MANIFEST_PATH: named.to_file()}
    return replace(candidate, tree=make_tree(files))
