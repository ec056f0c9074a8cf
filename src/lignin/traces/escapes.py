"""Plain characters, blanks and line ends that a JSON writer wrote as `\\uXXXX`, read as what they say.

Owns a view of bytes in which each such escape is its one character, and the way back to the bytes.
Writers that escape for HTML do it to `&'<=>`, some to every character. The backslash itself stays
as it is written, so that no escape comes to be that was none.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

# However deep the JSON is nested, all the backslashes before it belong to the escape.
_ESCAPE = re.compile(rb"(?<!\\)\\++u00(0[9aAdD]|[2-46][0-9a-fA-F]|5[0-9abd-fABD-F]|7[0-9a-eA-E])")


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes with such escapes shown; `places` are theirs in `content`, the rest where they stood."""

    content: bytes
    places: "array[int]"
    starts: "array[int]"
    ends: "array[int]"

    def start(self, place: int) -> int:
        """Where in the bytes as written begins what `content` shows at a place."""
        number = bisect_right(self.places, place) - 1
        if number >= 0 and self.places[number] == place:
            return self.starts[number]
        return self._after(number, place)

    def end(self, place: int) -> int:
        """Where in the bytes as written ends what `content` shows before a place."""
        return self._after(bisect_left(self.places, place) - 1, place)

    def _after(self, number: int, place: int) -> int:
        return place if number < 0 else self.ends[number] + place - self.places[number] - 1


def shown(written: bytes) -> Shown:
    """Return bytes with the escapes of plain characters shown as those."""
    places, starts, ends = array("q"), array("q"), array("q")
    if b"\\u00" not in written:
        return Shown(written, places, starts, ends)
    parts: list[bytes] = []
    position = length = 0
    for match in _ESCAPE.finditer(written):
        start, end = match.span()
        length += start - position
        places.append(length)
        starts.append(start)
        ends.append(end)
        parts += (written[position:start], bytes((int(match[1], 16),)))
        position, length = end, length + 1
    return Shown(b"".join((*parts, written[position:])), places, starts, ends)
