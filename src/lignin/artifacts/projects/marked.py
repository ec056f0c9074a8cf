"""A file's bytes and which of them are ours. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from lignin.domain.errors import InvalidRequestError

Span = tuple[int, int]
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Marked:
    """Content, with the spans (start, end) that were put into it, in order and apart."""

    content: bytes
    ours: tuple[Span, ...] = ()

    def insert(self, at: int, added: bytes) -> "Marked":
        """The content with `added` at an offset, which is then ours."""
        content = self.content[:at] + added + self.content[at:]
        size = len(added)
        spans = [(at, at + size)] if size else []
        for start, end in self.ours:
            if start < at < end:
                spans += [(start, at), (at + size, end + size)]
            elif at <= start:
                spans.append((start + size, end + size))
            else:
                spans.append((start, end))
        return Marked(content, joined(spans))

    def without(self) -> bytes:
        """The content before anything was put into it."""
        return cut(self.content, self.ours)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def cut(content: bytes, spans: Iterable[Span]) -> bytes:
    """The content without some spans of it."""
    parts, at = [], 0
    for start, end in joined(spans):
        parts.append(content[at:start])
        at = end
    return b"".join((*parts, content[at:]))


def line_end_of(content: bytes) -> bytes:
    """The line end that a text uses: that of its first line."""
    first = content.find(b"\n")
    return b"\r\n" if first > 0 and content[first - 1 : first] == b"\r" else b"\n"


def text_of(content: bytes) -> str:
    """The file as text.

    Raises:
        InvalidRequestError: It is no UTF-8; says where.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"not UTF-8 at byte {error.start}", hint="save the file as UTF-8"
        ) from error
