"""Is a text artifact well formed? Skills, prompts and other kinds that nothing can run.

A skill has a bounded SKILL.md with front matter, links that resolve, executables with a shebang. A
prompt is non-empty bounded text whose placeholders close. What single clients demand of a skill
folder beyond that is theirs.
"""

import re
from collections.abc import Iterator

import yaml

from lignin.artifacts.check import Check, Observations, conclude, shown
from lignin.artifacts.oracle import MAX_REASONS
from lignin.domain.evidence import CheckResult

SKILL_PATH = "SKILL.md"
MAX_NAME_CHARS = 64
MAX_DESCRIPTION_CHARS = 1024
MAX_SKILL_LINES = 500
MAX_TEXT_BYTES = 64_000
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FENCE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def judge(observations: Observations) -> CheckResult:
    """Judge the files by the artifact's kind."""
    if observations.manifest.kind == "skill":
        faults = list(_skill_faults(observations))
    else:
        faults = list(_text_faults(observations))
    return conclude("format", faults=faults[:MAX_REASONS], measured={"faults": len(faults)})


def _skill_faults(observations: Observations) -> Iterator[str]:
    text = observations.sources.get(SKILL_PATH)
    if text is None:
        yield f"there is no {SKILL_PATH} in UTF-8"
        return
    yield from _front_matter_faults(text)
    lines = text.count("\n") + 1
    if lines > MAX_SKILL_LINES or len(text.encode()) > MAX_TEXT_BYTES:
        yield f"{SKILL_PATH} has {lines} lines; at most {MAX_SKILL_LINES}, {MAX_TEXT_BYTES} bytes"
    for target in _LINK.findall(_FENCE.sub("", text)):
        path = target.partition("#")[0].removeprefix("./").rstrip("/")
        if not path or "://" in target or target.startswith(("mailto:", "#")):
            continue
        files = observations.tree.files
        if path not in files and not any(file.startswith(f"{path}/") for file in files):
            yield f"the link to {shown(target)} leads nowhere"
    for path, file in observations.tree.files.items():
        if file.mode == "0755" and not file.content.startswith(b"#!"):
            yield f"{path} is executable and has no shebang"


def _front_matter_faults(text: str) -> Iterator[str]:
    parts = text.split("---\n", 2)
    if not text.startswith("---\n") or len(parts) < 3:
        yield f"{SKILL_PATH} does not begin with front matter between two lines of ---"
        return
    if not parts[2].strip():
        yield f"{SKILL_PATH} says nothing below its front matter"
    try:
        head = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        yield f"the front matter is no YAML: {shown(str(error))}"
        return
    head = head if isinstance(head, dict) else {}
    name, description = head.get("name"), head.get("description")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARS:
        yield f"name is {shown(name)}; expected at most {MAX_NAME_CHARS} of a-z, 0-9 and -"
    if not isinstance(description, str) or not description.strip():
        yield "the description is missing"
    elif len(description) > MAX_DESCRIPTION_CHARS:
        yield f"the description has {len(description)} characters; at most {MAX_DESCRIPTION_CHARS}"


def _text_faults(observations: Observations) -> Iterator[str]:
    entry = observations.manifest.entry
    text = observations.sources.get(entry)
    if text is None:
        yield f"{entry} is missing or not UTF-8 text"
        return
    if not text.strip():
        yield f"{entry} is empty"
    if len(text.encode()) > MAX_TEXT_BYTES:
        yield f"{entry} has {len(text.encode())} bytes; at most {MAX_TEXT_BYTES}"
    if any(ord(char) < 32 and char not in "\n\r\t" for char in text):
        yield f"{entry} holds control characters"
    prose = _FENCE.sub("", text)
    for inner in _PLACEHOLDER.findall(prose):
        if not re.fullmatch(r"\s*[#/^]?[A-Za-z_][\w.\- |]*\s*", inner):
            yield f"the placeholder {shown('{{' + inner + '}}')} has no plain name"
    rest = _PLACEHOLDER.sub("", prose)
    if "{{" in rest or rest.count("}}") > rest.count("{"):
        yield "a placeholder {{ }} is not closed"


CHECK = Check(name="format", needs=frozenset({"files"}), judge=judge)
