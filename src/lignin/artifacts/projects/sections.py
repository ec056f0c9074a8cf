"""Put a section between markers into a text file, and take it out of one that was edited. Pure.

For instructions (Markdown) and for TOML, of which tables may always be added at the end. TOML keys that belong to
no table go to the start: a section of a place of its own, with markers of its own.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Literal

from lignin.artifacts.projects.marked import BOM, Marked, line_end_of, text_of
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError

MAX_BYTES = 2**20
_MARKS = {
    ("markdown", "end"): (b"<!-- lignin:begin -->", b"<!-- lignin:end -->"),
    ("toml", "end"): (b"# lignin:begin", b"# lignin:end"),
    ("toml", "start"): (b"# lignin:begin start", b"# lignin:end start"),
}
_DIRECTIVES = re.compile(rb"(?:\xef\xbb\xbf)?(?:#:[^\n]*\n)*")
"""What must stay the first lines of a TOML file: the schema that editors check it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines between markers.

    Args:
        form: Whose comments the markers are.
        text: The lines, with \\n between them and none at the end.
        part: What it is for.
        tables: Of TOML: the names that must be free, each as a path.
        at: Where it goes in.
    """

    form: Literal["markdown", "toml"]
    text: str
    part: str
    tables: tuple[tuple[str, ...], ...] = ()
    at: Literal["end", "start"] = "end"

    @property
    def marks(self) -> tuple[bytes, bytes]:
        """The lines before and after it."""
        return _MARKS[self.form, self.at]


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    inner: bytes


def section_stands(content: bytes, section: Section) -> str:
    """`absent`, `same`, `other` (edited by hand, or the name is taken), by what the file holds.

    Raises:
        InvalidRequestError: It is no UTF-8, or no TOML.
    """
    values = _read(content, section.form)
    found = _find(content, section)
    if found is not None:
        return "same" if _plain(found.inner) == section.text else "other"
    if re.search(_line(section.marks[0]), content, re.MULTILINE):
        return "other"  # markers that do not pair
    return "other" if any(_has(values, path) for path in section.tables) else "absent"


def put_section(marked: Marked, section: Section) -> Marked:
    """The file with an absent section at its end, a blank line before it, or at its start.

    Raises:
        InvalidRequestError: The tables cannot follow what is there.
    """
    content, end = marked.content, line_end_of(marked.content)
    begin, close = section.marks
    lines = [begin, *(line.encode() for line in section.text.split("\n")), close]
    lead, offset = b"", len(content)
    if section.at == "start":
        first = _DIRECTIVES.match(content)
        offset = first.end() if first else 0
    elif content.removeprefix(BOM):
        lead = end if content.endswith((b"\n", b"\r")) else end + end
    done = marked.insert(offset, lead + end.join(lines) + end)
    if section.form == "toml":
        before = _read(content, "toml")
        try:
            after = _read(done.content, "toml")
        except InvalidRequestError:
            after = {}
        if any(not _kept(after.get(key), value) for key, value in before.items()):
            raise InvalidRequestError(
                "our tables cannot follow what is there (an inline table of that name?)",
                hint=f"write in by hand: {'; '.join(section.text.splitlines())}",
            )
    return done


def take_section(content: bytes, section: Section) -> tuple[bytes, str]:
    """The file without the section where it is as we wrote it, and how it stood."""
    stands = section_stands(content, section)
    found = _find(content, section)
    if stands != "same" or found is None:
        return content, stands
    start = found.start
    blank = re.search(rb"(?:\r?\n)(\r?\n)\Z", content[:start])
    if blank is not None:
        start = blank.start(1)
    return content[:start] + content[found.end :], stands


def _plain(inner: bytes) -> str:
    return inner.decode().replace("\r\n", "\n").strip("\n")


def _line(mark: bytes) -> bytes:
    return rb"(?:^|(?<=\xef\xbb\xbf))" + re.escape(mark) + rb"[ \t]*(?:\r?\n|\Z)"


def _find(content: bytes, section: Section) -> _Found | None:
    begin, close = section.marks
    pattern = _line(begin) + rb"(.*?)" + _line(close)
    found = re.search(pattern, content, re.DOTALL | re.MULTILINE)
    return _Found(found.start(), found.end(), found[1]) if found else None


def _read(content: bytes, form: str) -> dict[str, Json]:
    if len(content) > MAX_BYTES:
        raise InvalidRequestError(f"more than {MAX_BYTES} bytes", hint="such files are smaller")
    text = text_of(content.removeprefix(BOM))
    try:
        return tomllib.loads(text) if form == "toml" else {}
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidRequestError(
            f"no TOML: {error}",
            hint="repair the file, then run it again",
        ) from error


def _has(values: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _kept(after: object, before: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return all(_kept(after.get(key), value) for key, value in before.items())
    return after == before
