"""Responses as plain text for a person: tables for lists, `name: value` lines for the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

MAX_COLUMN = 60
MAX_COLUMNS = 7


def render(value: Mapping[str, Any]) -> str:
    """A JSON object as text."""
    lines: list[str] = []
    for name, item in value.items():
        if item is None or item in ([], {}, ""):
            continue
        if isinstance(item, list) and item and isinstance(item[0], dict):
            lines += [f"{name}:", *_indented(_table(item))]
        elif isinstance(item, list):
            lines += [f"{name}:", *_indented([f"- {_cell(entry)}" for entry in item])]
        elif isinstance(item, dict):
            lines += [f"{name}:", *_indented(render(item).splitlines())]
        else:
            lines.append(f"{name}: {item}")
    return "\n".join(lines)


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [n for n in rows[0] if any(row.get(n) not in (None, "", [], {}) for row in rows)]
    names = names[:MAX_COLUMNS]
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(n), *(len(row[at]) for row in cells)) for at, n in enumerate(names)]
    head = "  ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))
    lines = [head.rstrip()]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(line.rstrip())
    return lines


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = ", ".join(f"{k}={_cell(v)}" for k, v in value.items())
    elif isinstance(value, list):
        value = ", ".join(_cell(item) for item in value)
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_COLUMN else text[: MAX_COLUMN - 1] + "…"


def _indented(lines: Sequence[str]) -> list[str]:
    return ["  " + line for line in lines]
