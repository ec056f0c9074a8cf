"""Responses as plain text for a person: tables for lists, `name: value` lines for the rest.

Nothing is lost by it: `--json` has every field in full. Digests in tables are cut to 12 digits,
which every command accepts.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_COLUMN = 60
MIN_COLUMN = 8
MAX_COLUMNS = 7
DIGEST_DIGITS = 12
_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z")
_ID = re.compile(r"[a-z]{3}_[0-9A-Z]{26}|[0-9a-f]{12}|")
FIRST_STEPS = (
    "None found. In a new store: `lignin demo` shows the whole path, in the space `practice`; "
    "`lignin trace import` and `lignin artifact capture` begin with your own."
)


def render(value: Mapping[str, Any], width: int = 100) -> str:
    """A JSON object as text, its tables at most `width` columns wide where that can be."""
    if "total" in value and "items" in value:
        return _list(value, width)
    return "\n".join(_lines(value, width))


def _list(value: Mapping[str, Any], width: int) -> str:
    items, total = value["items"], value["total"]
    if not items:
        return "None." if total else FIRST_STEPS
    lines = _table(items, width) if isinstance(items[0], dict) else [_cell(one) for one in items]
    narrow, after = value.get("narrow") or "", value.get("next_after")
    said = f"{len(items)} of {total}"
    if after:
        shown = f"--after {after}" if "--after" in narrow else ""
        ways = [way for way in (shown, narrow.replace(", --after", "")) if way]
        said += f"; for the others: {', or '.join(ways)}"
    rest = {k: v for k, v in value.items() if k not in ("items", "total", "next_after", "narrow")}
    return "\n".join([*lines, "", said, *_lines(rest, width)])


def _lines(value: Mapping[str, Any], width: int) -> list[str]:
    lines: list[str] = []
    for name, item in value.items():
        if item is None or item in ([], {}, ""):
            continue
        if isinstance(item, list) and isinstance(item[0], dict):
            lines += [f"{name}:", *_indented(_table(item, width - 2))]
        elif isinstance(item, list):
            lines += [f"{name}:", *_indented([f"- {_cell(entry, 0)}" for entry in item])]
        elif isinstance(item, dict):
            lines += [f"{name}:", *_indented(_lines(item, width - 2))]
        elif isinstance(item, str) and "\n" in item:
            lines += [f"{name}:", *_indented(item.splitlines())]
        else:
            lines.append(f"{name}: {_word(item)}")
    return lines


def _table(rows: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    if list(rows[0])[1:] == ["reason"]:  # a thing and why: no word of it is cut
        return [": ".join(_cell(value, 0) for value in row.values()) for row in rows]
    names = [n for n in rows[0] if any(row.get(n) not in (None, "", [], {}) for row in rows)]
    names = names[:MAX_COLUMNS]
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(n), *(len(row[at]) for row in cells)) for at, n in enumerate(names)]
    # What a reader copies into the next command is never cut: names in front, and ids.
    free = [
        at for at in range(1, len(names)) if not all(_ID.fullmatch(row[at]) for row in cells)
    ] or list(range(len(names)))
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(free, key=lambda at: widths[at])
        if widths[widest] <= MIN_COLUMN:
            break
        widths[widest] -= 1
    return [
        "  ".join(
            _cut(cell, room).ljust(room) for cell, room in zip(row, widths, strict=True)
        ).rstrip()
        for row in [names, *cells]
    ]


def _cell(value: Any, most: int = MAX_COLUMN) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = ", ".join(f"{k}={_cell(v)}" for k, v in value.items())
    elif isinstance(value, list):
        value = ", ".join(_cell(item) for item in value)
    text = _DIGEST.sub(r"\1", " ".join(_word(value).split()))
    text = _TIME.sub(r"\1 \2", text)
    return _cut(text, most) if most else text


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _indented(lines: Sequence[str]) -> list[str]:
    return ["  " + line for line in lines]
