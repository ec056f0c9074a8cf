"""Which skill folders may be served: the union of the known validators' rules, and ours. Pure.

Owns faults (a client, a validator or we refuse the folder) and advice (it works, but agents will
use it worse). Refuses to judge whether the text is true or kind: that is for checks and people.

Our own rules follow from one sentence, text grants nothing: a served folder may not carry files
that a client would run, load as a plugin or list as a further skill, and its text may not run a
command while it is being loaded.
"""

import re
from collections.abc import Iterator, Mapping
from posixpath import normpath

import yaml

from lignin.artifacts.skillmd import SKILL_PATH, SkillDocument, describe_faults, parse_skill
from lignin.domain.artifacts import File, make_tree
from lignin.domain.errors import LigninError

MAX_BODY_LINES = 500
MAX_BODY_TOKENS = 5000
CHARS_PER_TOKEN = 4
MIN_DESCRIPTION_CHARS = 20

_LINK = re.compile(r"\]\(\s*([^)\s#]+)")
_LOAD_TIME_COMMAND = re.compile(r"(?:(?:^|(?<=\s))!`[^`]+`)|^\s*`{3,}!", re.MULTILINE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CLIENT_FILES = frozenset({"agents/openai.yaml", "agents/openai.yml"})
_RESERVED = ("anthropic", "claude")


def validate_skill(files: Mapping[str, File], *, folder: str = "") -> list[str]:
    """Return every fault for which a client, a validator or Lignin would refuse the folder.

    Args:
        files: The folder's files by relative path.
        folder: Its name, which has to be the skill's name; not compared where empty.
    """
    faults = list(_path_faults(files))
    if SKILL_PATH not in files:
        return [f"there is no {SKILL_PATH}", *faults]
    try:
        doc = parse_skill(files[SKILL_PATH].content)
    except LigninError as error:
        return [error.message, *faults]
    faults.extend(describe_faults(doc))
    faults.extend(_type_faults(files[SKILL_PATH].content))
    if folder and folder != doc.name:
        faults.append(f"the folder is named {folder!r} but the skill {doc.name!r}")
    command = _LOAD_TIME_COMMAND.search(doc.body)
    if command is not None:
        faults.append(f"the text {command.group().strip()!r:.60} runs a command as it is loaded")
    faults.extend(
        f"the link {link!r:.80} leaves the folder"
        for link in _links(doc)
        if normpath(link).startswith("../") or link.startswith("/")
    )
    return faults


def _path_faults(files: Mapping[str, File]) -> Iterator[str]:
    try:
        make_tree(files)
    except LigninError as error:
        yield error.message
    for path in files:
        parts = path.split("/")
        if any(part.startswith(".") for part in parts):
            yield f"{path!r} is hidden; clients load settings and plugins from hidden folders"
        if path != SKILL_PATH and parts[-1].lower() == SKILL_PATH.lower():
            yield f"{path!r} would be listed as a further skill"
        if path.lower() in _CLIENT_FILES:
            yield f"{path!r} asks the client for tools; a served skill is text and scripts only"


def _type_faults(raw: bytes) -> Iterator[str]:
    """Readers that resolve YAML types see `name: 123` as a number and refuse it."""
    front = raw.decode().split("\n---", 1)[0].removeprefix("---")
    try:
        values = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        yield f"a reader that resolves types cannot read the front matter: {error!s:.120}"
        return
    if not isinstance(values, dict):
        yield "the front matter ends early at a line that begins with ---"
        return
    for key in ("name", "description", "compatibility"):
        if key in values and not isinstance(values[key], str):
            yield f"{key} reads as {type(values[key]).__name__}; put it in double quotes"
    if values.get("compatibility") == "":
        yield "compatibility is empty; leave the key out"


def advise_skill(files: Mapping[str, File]) -> list[str]:
    """Return what the format recommends against, in words; faults are not repeated."""
    try:
        doc = parse_skill(files[SKILL_PATH].content)
    except (KeyError, LigninError):
        return []
    advice = []
    lines, tokens = doc.body.count("\n") + 1, len(doc.body) // CHARS_PER_TOKEN
    if lines >= MAX_BODY_LINES:
        advice.append(f"the body has {lines} lines; keep it under {MAX_BODY_LINES}")
    if tokens > MAX_BODY_TOKENS:
        advice.append(f"the body has about {tokens} tokens; keep it under {MAX_BODY_TOKENS}")
    if not doc.body.strip():
        advice.append("the body is empty: an agent that loads the skill learns nothing")
    if len(doc.description.strip()) < MIN_DESCRIPTION_CHARS:
        advice.append("the description is too short to say when to use the skill")
    advice.extend(
        f"the name holds {word!r}, which some uploads refuse"
        for word in _RESERVED
        if word in doc.name
    )
    for link in _links(doc):
        path = normpath(link)
        if path.startswith("../") or link.startswith("/"):
            continue
        if path not in files and not any(other.startswith(path + "/") for other in files):
            advice.append(f"the link {link!r:.80} has no file behind it")
        elif path.count("/") > 1:
            advice.append(f"the link {link!r:.80} lies deeper than one folder")
    return advice


def _links(doc: SkillDocument) -> list[str]:
    """Relative targets of Markdown links, code blocks left out."""
    prose, fenced = [], False
    for line in doc.body.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            prose.append(re.sub(r"`[^`]*`", "", line))
    found = _LINK.findall("\n".join(prose))
    return [link for link in dict.fromkeys(found) if not _SCHEME.match(link)]
