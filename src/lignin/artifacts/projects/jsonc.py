"""JSON with comments and trailing commas, read so that each value's place in the bytes is known. Pure.

Settings files of agent clients are edited where they stand, so positions are what counts here. Libraries
that keep comments write the whole file anew, and change what they do not model (byte order mark, mixed
line ends, spacing); this reads and never writes. Bounded in size and depth.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from lignin.artifacts.projects.marked import BOM, text_of
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, LimitedError

MAX_BYTES = 2**20
MAX_DEPTH = 64
_SPACE = re.compile(rb"[ \t\r\n]+")
_COMMENT = re.compile(rb"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(rb"[-+.\w]+")


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an object or a list: `key` is None in a list, `comma` is -1 where none follows."""

    key: str | None
    start: int
    node: "Node"
    comma: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value: its span, and of a container where the last token or comment inside it ends."""

    kind: Literal["object", "list", "scalar"]
    start: int
    end: int
    inner_end: int = -1
    members: tuple[Member, ...] = ()
    scalar: Json = None

    def member(self, key: str) -> Member | None:
        """The entry of a key; of several the last, which is the one that counts."""
        return next((each for each in reversed(self.members) if each.key == key), None)

    def value(self) -> Json:
        """What it says."""
        if self.kind == "object":
            return {str(each.key): each.node.value() for each in self.members}
        if self.kind == "list":
            return [each.node.value() for each in self.members]
        return self.scalar


def parse_places(content: bytes) -> Node | None:
    """Read a document; None where it holds nothing but space and comments.

    Raises:
        InvalidRequestError: It is no UTF-8, or no JSON with comments; says the line.
        LimitedError: It is too large or too deep.
    """
    if len(content) > MAX_BYTES:
        raise LimitedError(f"more than {MAX_BYTES} bytes", hint="settings are smaller")
    text_of(content)  # or it is refused
    reader = _Reader(content)
    reader.skip()
    if reader.at == len(content):
        return None
    root = reader.value(0)
    reader.skip()
    if reader.at != len(content):
        reader.fail("nothing more")
    return root


def walk(root: Node, path: tuple[str, ...]) -> Iterator[Node]:
    """The nodes along a path, the root first, as far as it is there."""
    yield root
    for key in path:
        member = root.member(key) if root.kind == "object" else None
        if member is None:
            return
        root = member.node
        yield root


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = len(BOM) if data.startswith(BOM) else 0

    def fail(self, expected: str) -> NoReturn:
        line = self.data.count(b"\n", 0, self.at) + 1
        column = self.at - self.data.rfind(b"\n", 0, self.at)
        found = self.data[self.at : self.at + 12].decode(errors="replace") or "the end"
        raise InvalidRequestError(
            f"no JSON at line {line}, column {column}: {expected} expected, got {found!r}",
            hint="repair the file, then run it again",
        )

    def skip(self) -> int:
        """Pass space and comments; where the last comment ends, or -1."""
        last = -1
        while True:
            if found := _SPACE.match(self.data, self.at):
                self.at = found.end()
            elif found := _COMMENT.match(self.data, self.at):
                last = self.at = found.end()
            else:
                return last

    def value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise LimitedError(f"deeper than {MAX_DEPTH} levels")
        sign = self.data[self.at : self.at + 1]
        if sign == b"{":
            return self.container("object", b"}", depth)
        if sign == b"[":
            return self.container("list", b"]", depth)
        pattern = _STRING if sign == b'"' else _WORD
        if not (found := pattern.match(self.data, self.at)):
            self.fail("a value")
        try:
            scalar = json.loads(found[0], parse_constant=lambda _: self.fail("a value"))
        except ValueError:
            self.fail("a value")
        start, self.at = self.at, found.end()
        return Node("scalar", start, self.at, scalar=scalar)

    def container(self, kind: Literal["object", "list"], closing: bytes, depth: int) -> Node:
        start = self.at
        self.at += 1
        last, members = self.at, list[Member]()
        while True:
            last = max(last, self.skip())
            if self.data[self.at : self.at + 1] == closing:
                self.at += 1
                return Node(kind, start, self.at, last, tuple(members))
            if members and members[-1].comma < 0:
                self.fail(f"a comma or {closing.decode()}")
            first = self.at
            key = self.key() if kind == "object" else None
            node = self.value(depth + 1)
            last = max(node.end, self.skip())
            comma = -1
            if self.data[self.at : self.at + 1] == b",":
                comma = self.at
                self.at += 1
                last = self.at
            members.append(Member(key, first, node, comma))

    def key(self) -> str:
        if not (found := _STRING.match(self.data, self.at)):
            self.fail("a name in double quotes")
        try:
            name = str(json.loads(found[0]))
        except ValueError:
            self.fail("a name in double quotes")
        self.at = found.end()
        self.skip()
        if self.data[self.at : self.at + 1] != b":":
            self.fail("a colon")
        self.at += 1
        self.skip()
        return name
