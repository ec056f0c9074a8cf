"""SKILL.md: the document, its writer and its strict reader. Pure.

Owns the six keys of the Agent Skills format and how they are written so that every known reader
sees the same thing. Refuses to judge whether a skill is good (`skill_rules`) or to touch a disk.

Invariants: `parse_skill(render_skill(doc)) == doc` for every document `render_skill` accepts.
Written front matter is block style with double-quoted one-line scalars and never holds `---`
(some readers split the file at the first three hyphens, wherever they are): inside a scalar the
third hyphen is written as an escape, which every YAML reader turns back.

Source: Agent Skills specification (agentskills.io).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import yaml

from lignin.domain.artifacts import HIDDEN
from lignin.domain.errors import InvalidRequestError, LimitedError

SKILL_PATH = "SKILL.md"
METADATA_PREFIX = "lignin-"
MAX_NAME_CHARS = 64
MAX_DESCRIPTION_CHARS = 1024
MAX_COMPATIBILITY_CHARS = 500
MAX_SKILL_BYTES = 2**20
MAX_FRONT_MATTER_CHARS = 64 * 2**10
MAX_METADATA_KEY_CHARS = 128
MAX_METADATA_KEYS = 100

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FENCE = re.compile(r"---[ \t]*\r?")
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")
_NOT_A_STRING = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
_NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillDocument:
    """One SKILL.md.

    Args:
        name: The folder's name; ASCII `a-z0-9` and single hyphens, 1 to 64 characters.
        description: What it does and when to use it; all that an agent sees before loading it.
        license: Name or file of a licence; empty where none is stated.
        compatibility: What the skill needs around it, at most 500 characters; empty for nothing.
        metadata: String to string; our own keys begin with `lignin-`.
        allowed_tools: The `allowed-tools` value as written, separated by spaces; empty for none.
        body: The Markdown after the front matter, without the blank line that divides them.
    """

    name: str
    description: str
    license: str = ""
    compatibility: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: _NO_METADATA)
    allowed_tools: str = ""
    body: str = ""


def is_skill_name(name: str) -> bool:
    """True where every client accepts `name` as a skill's name and folder."""
    return len(name) <= MAX_NAME_CHARS and _NAME.fullmatch(name) is not None


def clean_description(text: str) -> str:
    """Return `text` as a description that every validator accepts, in one line.

    Characters that a reader cannot see go; angle brackets, which one validator bans, become their typographic neighbours; a longer text
    ends at the last word that fits and an ellipsis. Returns an empty string for blank text.
    """
    for ascii_sign, sign in (("<=", "≤"), (">=", "≥"), ("->", "→"), ("=>", "⇒")):
        text = text.replace(ascii_sign, sign)
    text = " ".join(HIDDEN.sub("", text).replace("<", "‹").replace(">", "›").split())
    if len(text) <= MAX_DESCRIPTION_CHARS:
        return text
    return text[: MAX_DESCRIPTION_CHARS - 2].rsplit(" ", 1)[0] + " …"


def describe_faults(doc: SkillDocument) -> list[str]:
    """Return what keeps a document from being written, in words; empty where nothing does."""
    faults = []
    if not is_skill_name(doc.name):
        faults.append(
            f"name {doc.name!r:.80} is not 1 to {MAX_NAME_CHARS} of a-z, 0-9 and single hyphens"
        )
    if not doc.description.strip():
        faults.append("description is empty")
    if len(doc.description) > MAX_DESCRIPTION_CHARS:
        faults.append(
            f"description has {len(doc.description)} characters; at most {MAX_DESCRIPTION_CHARS}"
        )
    if "<" in doc.description or ">" in doc.description:
        faults.append("description holds an angle bracket")
    if len(doc.compatibility) > MAX_COMPATIBILITY_CHARS:
        faults.append(
            f"compatibility has {len(doc.compatibility)} characters; "
            f"at most {MAX_COMPATIBILITY_CHARS}"
        )
    if len(doc.metadata) > MAX_METADATA_KEYS:
        faults.append(f"metadata has {len(doc.metadata)} keys; at most {MAX_METADATA_KEYS}")
    faults.extend(
        f"metadata key {key!r:.80} is empty or longer than {MAX_METADATA_KEY_CHARS} characters"
        for key in doc.metadata
        if not 0 < len(key) <= MAX_METADATA_KEY_CHARS
    )
    return faults


def render_skill(doc: SkillDocument) -> bytes:
    """Return the bytes of a SKILL.md that `parse_skill` reads back without loss.

    Angle brackets in a description are refused, not replaced: a writer that alters what it is
    given cannot promise a round trip. `clean_description` is there for those who want it.

    Raises:
        InvalidRequestError: Names every fault, or a lone surrogate that UTF-8 cannot carry.
        LimitedError: The file would be larger than `MAX_SKILL_BYTES`.
    """
    faults = describe_faults(doc)
    if faults:
        raise InvalidRequestError(f"not a valid skill: {'; '.join(faults)}", faults=faults)
    front = "".join(_front_matter_lines(doc))
    try:
        raw = f"---\n{front}---\n\n{doc.body}".encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError("the skill's text holds a lone surrogate") from error
    if len(raw) > MAX_SKILL_BYTES or len(front) > MAX_FRONT_MATTER_CHARS:
        raise LimitedError(f"SKILL.md of {len(raw)} bytes; at most {MAX_SKILL_BYTES}")
    return raw


def _front_matter_lines(doc: SkillDocument) -> Iterator[str]:
    yield f"name: {_quoted(doc.name)}\n"
    yield f"description: {_quoted(doc.description)}\n"
    if doc.license:
        yield f"license: {_quoted(doc.license)}\n"
    if doc.compatibility:
        yield f"compatibility: {_quoted(doc.compatibility)}\n"
    if doc.metadata:
        yield "metadata:\n"
        for key in sorted(doc.metadata):
            yield f"  {_key(key)}: {_quoted(doc.metadata[key])}\n"
    if doc.allowed_tools:
        yield f"allowed-tools: {_quoted(doc.allowed_tools)}\n"


def _key(key: str) -> str:
    if _PLAIN_KEY.fullmatch(key) and key.lower() not in _NOT_A_STRING and "---" not in key:
        return key
    return _quoted(key)


def _quoted(text: str) -> str:
    inner = "".join(_escaped(char) for char in text)
    return '"' + inner.replace("---", "--\\x2d") + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable() and char != "\u00a0":
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise InvalidRequestError("the skill's front matter holds a lone surrogate")
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def parse_skill(raw: bytes) -> SkillDocument:
    """Parse an untrusted SKILL.md.

    Only the six keys, once each, with strings (for `metadata` a block mapping of strings). Nothing
    is ever resolved to another type: `version: 1.0` under `metadata` is the text `1.0`. Whether
    the values keep the format's limits is for `describe_faults` to say.

    Raises:
        InvalidRequestError: No or unclosed front matter, a byte order mark, bytes that are not
            UTF-8, YAML that is broken or uses anchors, aliases, tags, flow collections, duplicate
            or unknown keys; with the line where there is one.
        LimitedError: Larger than `MAX_SKILL_BYTES`.
    """
    if len(raw) > MAX_SKILL_BYTES:
        raise LimitedError(f"SKILL.md of {len(raw)} bytes; at most {MAX_SKILL_BYTES}")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"SKILL.md is not UTF-8: {error}") from error
    front, body = _split(text)
    values = _read_front_matter(front)
    metadata = values.pop("metadata", _NO_METADATA)
    strings = {key: value for key, value in values.items() if isinstance(value, str)}
    if not isinstance(metadata, Mapping):
        raise InvalidRequestError("metadata is text; expected a block mapping of strings")
    if len(strings) != len(values):
        wrong = sorted(set(values) - set(strings))[0]
        raise InvalidRequestError(f"{wrong} is a mapping; expected text")
    for key in ("name", "description"):
        if key not in strings:
            raise InvalidRequestError(f"SKILL.md has no {key}")
    return SkillDocument(
        name=strings["name"],
        description=strings["description"],
        license=strings.get("license", ""),
        compatibility=strings.get("compatibility", ""),
        metadata=metadata,
        allowed_tools=strings.get("allowed-tools", ""),
        body=body,
    )


def _split(text: str) -> tuple[str, str]:
    if text.startswith("\ufeff"):
        raise InvalidRequestError("SKILL.md begins with a byte order mark", hint="remove it")
    lines = text.split("\n")
    if not _FENCE.fullmatch(lines[0]):
        raise InvalidRequestError("SKILL.md has no front matter", hint="begin it with a line ---")
    for number, line in enumerate(lines[1:], start=1):
        if _FENCE.fullmatch(line):
            front, body = "\n".join(lines[1:number]), "\n".join(lines[number + 1 :])
            break
    else:
        raise InvalidRequestError("the front matter of SKILL.md is not closed by a line ---")
    if len(front) > MAX_FRONT_MATTER_CHARS:
        raise LimitedError(f"front matter of {len(front)} characters is too long")
    divider = "\r\n" if body.startswith("\r\n") else "\n"
    return front, body.removeprefix(divider)


FrontMatter = dict[str, str | Mapping[str, str]]


def _read_front_matter(front: str) -> FrontMatter:
    try:
        return _Reader(front).read()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 2}" if mark is not None else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidRequestError(
            f"the front matter is not YAML{line}: {what}", hint="put the value in double quotes"
        ) from error


class _Reader:
    """Builds text from YAML events, so that no object is ever constructed from a tag."""

    def __init__(self, front: str) -> None:
        self._events = yaml.parse(front, Loader=yaml.SafeLoader)

    def read(self) -> FrontMatter:
        self._expect(yaml.StreamStartEvent)
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            raise InvalidRequestError("the front matter is empty")
        self._block_mapping(next(self._events), "the front matter")
        values: FrontMatter = {}
        while (key := self._key(values, "the front matter")) is not None:
            if key not in _KEYS:
                raise InvalidRequestError(
                    f"front matter key {key!r:.60} is not one of {', '.join(_KEYS)}",
                    hint="put further keys under metadata",
                )
            values[key] = self._value(key)
        self._expect(yaml.DocumentEndEvent)
        self._expect(yaml.StreamEndEvent)
        return values

    def _value(self, key: str) -> str | Mapping[str, str]:
        event = next(self._events)
        if isinstance(event, yaml.ScalarEvent):
            return self._text(event, key)
        self._block_mapping(event, key)
        if key != "metadata":
            raise InvalidRequestError(f"{key} is a mapping; expected text")
        values: dict[str, str] = {}
        while (inner := self._key(values, key)) is not None:
            values[inner] = self._text(next(self._events), f"metadata {inner}")
        return values

    def _key(self, seen: Mapping[str, object], where: str) -> str | None:
        event = next(self._events)
        if isinstance(event, yaml.MappingEndEvent):
            return None
        key = self._text(event, f"a key of {where}")
        if key in seen:
            raise InvalidRequestError(f"key {key!r:.60} appears twice in {where}")
        return key

    @staticmethod
    def _text(event: yaml.Event, where: str) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise InvalidRequestError(f"{where} is not text", hint="write one line in quotes")
        if event.anchor is not None or event.tag is not None:
            raise InvalidRequestError(f"{where} has an anchor or a tag, which is not allowed")
        return str(event.value)

    @staticmethod
    def _block_mapping(event: yaml.Event, where: str) -> None:
        if not isinstance(event, yaml.MappingStartEvent):
            raise InvalidRequestError(f"{where} is not a mapping of keys to text")
        if event.flow_style or event.anchor is not None or event.tag is not None:
            raise InvalidRequestError(f"{where} uses flow style, an anchor or a tag")

    def _expect(self, kind: type[yaml.Event]) -> None:
        if not isinstance(next(self._events), kind):
            raise InvalidRequestError("the front matter holds more than one document")


def with_metadata(doc: SkillDocument, fields: Mapping[str, str]) -> SkillDocument:
    """Return `doc` with `fields` under our prefix, replacing every key of ours it already had."""
    foreign = {k: v for k, v in doc.metadata.items() if not k.startswith(METADATA_PREFIX)}
    ours = {METADATA_PREFIX + key: value for key, value in fields.items() if value}
    return replace(doc, metadata=foreign | ours)
