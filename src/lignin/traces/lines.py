"""Bytes into records and JSON objects.

Owns line splitting and the bounds on it. Invariant: the records returned, joined in order, are
the bytes given; what cannot be read is reported and stays a record.
"""

import json
from dataclasses import dataclass
from typing import Any

from lignin.domain.traces import Problem, RawRecord

MAX_LINE_BYTES = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
# NaN and infinities are no JSON, but Python writes them; as text they keep their meaning.
_decoder = json.JSONDecoder(parse_constant=str)


class JsonText(str):
    """A text whose JSON errors count no lines.

    An error is built with the number of its line, which reads all the text before it: in a file that
    is broken in many places the time would grow with the square of its size. Here it stays 1.
    """

    __slots__ = ()

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


INCOMPLETE = "incomplete last line"
"""How the problem of a line that is still being written begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: its bytes with the line end, and the object it holds, None where it holds none."""

    record: RawRecord
    value: dict[str, Any] | None
    problem: Problem | None = None


def read_lines(data: bytes, max_line_bytes: int = MAX_LINE_BYTES) -> list[Line]:
    """Return every line of a JSONL file, in order, readable or not.

    Blank lines have neither value nor problem. A last line without its line end that does not
    parse is reported as incomplete: the file may still be growing.
    """
    lines = []
    start, number, size = 0, 0, len(data)
    while start < size:
        end = data.find(b"\n", start) + 1 or size
        number += 1
        record = RawRecord(content=data[start:end], line=number)
        value, fault = _read(record.content, max_line_bytes)
        problem = None
        if fault:
            if end == size and data[-1:] != b"\n" and not fault.startswith("not a JSON object"):
                fault = f"{INCOMPLETE} ({fault}); the file may still be growing"
            problem = Problem(line=number, what=fault)
        lines.append(Line(record=record, value=value, problem=problem))
        start = end
    return lines


def _read(content: bytes, max_line_bytes: int) -> tuple[dict[str, Any] | None, str]:
    if len(content) > max_line_bytes:
        return None, f"{len(content)} bytes in one line, at most {max_line_bytes} are parsed"
    try:
        text = content.removeprefix(_BOM).decode().strip()
        if not text:
            return None, ""
        value = _decoder.decode(text)
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start} of the line"
    except RecursionError:
        return None, "nested too deeply to parse"
    except ValueError as error:
        return None, f"not JSON: {error}"
    if isinstance(value, dict):
        return value, ""
    return None, f"not a JSON object but {type(value).__name__}"


def read_document(data: bytes) -> tuple[Any, Problem | None]:
    """Return the one JSON value a file holds, or None and the problem."""
    if len(data) > MAX_LINE_BYTES * 8:
        return None, Problem(line=1, what=f"{len(data)} bytes in one JSON document")
    try:
        return _decoder.decode(data.removeprefix(_BOM).decode()), None
    except json.JSONDecodeError as error:
        return None, Problem(line=error.lineno, what=f"not JSON: {error.msg}")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, Problem(line=line, what=f"not UTF-8 at byte {error.start}")
    except (RecursionError, ValueError) as error:
        return None, Problem(line=1, what=f"cannot be parsed: {type(error).__name__}")


def read_head(head: bytes, limit: int = 50) -> list[dict[str, Any]]:
    """Return the objects among a file's first complete lines, at most `limit` lines."""
    objects = []
    for content in head.split(b"\n", limit)[:limit]:
        value, _ = _read(content, len(head))
        if value is not None:
            objects.append(value)
    return objects
