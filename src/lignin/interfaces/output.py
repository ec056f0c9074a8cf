"""How an answer and the progress towards it are printed; owns no words of any one operation.

Answers go to stdout: text on a terminal, JSON otherwise. Progress goes to stderr: one changing line
on a terminal, NDJSON otherwise.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from lignin.domain.errors import InvalidRequestError
from lignin.interfaces.streams import printable, say

LIST_FRAME = ("total", "next_after", "narrow")
"""What a bounded list says about itself; stays when its items are cut to some fields."""


class Progress:
    """One changing line for a person, NDJSON otherwise; both on stderr.

    Args:
        terminal: Whether stderr is one.
    """

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._open = False

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        if not self._terminal:
            line = {"progress": what, "done": done, "total": total}
            say(json.dumps(line), err=True)
            return
        count = f"{done}/{total}  " if total else (f"{done}  " if done else "")
        # A line that wraps could not be cleared again.
        room = shutil.get_terminal_size().columns - 1
        say(f"\r\x1b[K{count}{printable(what)}"[: room + 4], err=True, end="")
        self._open = True

    def end(self) -> None:
        """Clear the line."""
        if self._open:
            say("\r\x1b[K", err=True, end="")
            self._open = False


def print_answer(response: Any, common: Mapping[str, Any], dry_run: bool) -> None:
    """Print an operation's response as the common options ask for it.

    Raises:
        InvalidRequestError: `--fields` names a field that the answer does not have.
    """
    value = response.model_dump(mode="json")
    if dry_run:
        value = {"dry_run": True, **value}
    if common["fields"]:
        value = picked(value, [name.strip() for name in common["fields"].split(",")])
    piped = not sys.stdout.isatty() and not common["as_text"]
    if common["as_json"] or common["compact"] or piped:
        indent = None if common["compact"] else 2
        say(json.dumps(value, indent=indent, ensure_ascii=False))
        return
    from lignin.interfaces.text import render

    text = None if common["fields"] else response.to_text()
    if dry_run:
        say("dry run: nothing was changed")
        value.pop("dry_run", None)
    say(printable(text if text is not None else render(value, shutil.get_terminal_size().columns)))


def require_fields(response: Any, fields: str) -> None:
    """Refuse `--fields` before anything is done where the answer cannot have such a field.

    Args:
        response: The answer's model.
        fields: The option's text, names separated by commas.

    Raises:
        InvalidRequestError: A name is neither a field nor one of a list's items; names the known.
    """
    known = {"dry_run", *response.model_fields}
    for info in response.model_fields.values():
        for part in getattr(info.annotation, "__args__", ()):
            known |= set(getattr(part, "model_fields", ()))
    unknown = [name.strip() for name in fields.split(",") if name.strip() not in known]
    if unknown:
        raise InvalidRequestError(
            f"the answer has no field {', '.join(unknown)}",
            hint=f"it has {', '.join(sorted(known - {'dry_run'}))}",
        )


def picked(value: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Only the named fields, of the answer or of the items of its lists.

    Raises:
        InvalidRequestError: A name is none of them.
    """
    kept: dict[str, Any] = {}
    known = set(value)
    for name, item in value.items():
        inner = [entry for entry in item if isinstance(entry, dict)] if _is_list(item) else []
        inner_names = {key for entry in inner for key in entry}
        known |= inner_names
        if name in names or name == "dry_run":
            kept[name] = item
        elif inner_names & set(names) and not set(names) <= set(value):
            kept[name] = [{k: v for k, v in entry.items() if k in names} for entry in inner]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidRequestError(
            f"the answer has no field {', '.join(unknown)}",
            hint=f"it has {', '.join(sorted(known))}",
        )
    if "items" in kept:
        frame = {name: value[name] for name in LIST_FRAME if value.get(name) is not None}
        kept = {**frame, **kept}
    return kept


def _is_list(item: Any) -> bool:
    return isinstance(item, list)
