"""How an answer and the progress towards it are printed; owns no words of any one operation.

Answers go to stdout: text on a terminal, JSON otherwise. Progress goes to stderr: one changing line
on a terminal; in a file or a pipe NDJSON beside a JSON answer and now and then a plain line beside text.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from lignin.domain.errors import InvalidRequestError
from lignin.interfaces.streams import printable, say

ProgressForm = Literal["line", "ndjson", "log"]
LOG_EVERY_S = 5.0
LIST_FRAME = ("total", "next_after", "narrow")
"""What a bounded list says about itself; stays when its items are cut to some fields."""


def progress_form(*, terminal: bool, json_answer: bool) -> ProgressForm:
    """How progress is told, by whether stderr is a terminal and the answer is JSON."""
    if terminal:
        return "line"
    return "ndjson" if json_answer else "log"


class Progress:
    """Progress on stderr: one changing `line`, `ndjson`, or a `log` with a line now and then.

    Args:
        form: Which of them.
        clock: Monotonic seconds; a log has a first line and one more every `LOG_EVERY_S` at most.
    """

    def __init__(self, form: ProgressForm, clock: Callable[[], float] = time.monotonic) -> None:
        self._form = form
        self._clock = clock
        self._next_s = clock()
        self._open = False

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        if self._form == "ndjson":
            line = {"progress": what, "done": done, "total": total}
            say(json.dumps(line), err=True)
            return
        count = f"{done}/{total}  " if total else (f"{done}  " if done else "")
        if self._form == "log":
            now_s = self._clock()
            if now_s >= self._next_s:
                self._next_s = now_s + LOG_EVERY_S
                say(f"lignin: {count}{printable(what)}", err=True)
            return
        # A line that wraps could not be cleared again.
        room = shutil.get_terminal_size().columns - 1
        say(f"\r\x1b[K{count}{printable(what)}"[: room + 4], err=True, end="")
        self._open = True

    def end(self) -> None:
        """Clear the line."""
        if self._open:
            say("\r\x1b[K", err=True, end="")
            self._open = False


def is_json(common: Mapping[str, Any]) -> bool:
    """True where the common options ask for JSON, or the answer is piped and they say nothing."""
    piped = not sys.stdout.isatty() and not common["as_text"]
    return bool(common["as_json"] or common["compact"] or piped)


def print_answer(response: Any, common: Mapping[str, Any], dry_run: bool) -> None:
    """Print an operation's response as the common options ask for it."""
    value = response.model_dump(mode="json")
    if dry_run:
        value = {"dry_run": True, **value}
    if common["fields"]:
        value = picked(type(response), value, common["fields"])
    if is_json(common):
        indent = None if common["compact"] else 2
        say(json.dumps(value, indent=indent, ensure_ascii=False))
        return
    from lignin.interfaces.text import render

    text = None if common["fields"] else response.to_text()
    if dry_run:
        say("dry run: nothing was changed")
        value.pop("dry_run", None)
    say(printable(text if text is not None else render(value, shutil.get_terminal_size().columns)))


def tell_line(common: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """What prints the parts of a stream as they come: JSON objects, or lines for a person."""

    def tell(line: Mapping[str, Any]) -> bool:
        if is_json(common):
            return say(json.dumps(line, ensure_ascii=False))
        parts = (f"{name}={_plain(value)}" for name, value in line.items())
        return say(printable("  ".join(parts)))

    return tell


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def require_fields(response: Any, fields: str) -> None:
    """Refuse `--fields` before anything is done where the answer cannot have such a field.

    Args:
        response: The answer's model.
        fields: The option's text, names separated by commas.

    Raises:
        InvalidRequestError: A name is neither a field nor one of a part's; names the known.
    """
    known = {"dry_run", *response.model_fields}.union(*_parts(response).values())
    unknown = [name for name in _named(fields) if name not in known]
    if unknown:
        raise InvalidRequestError(
            f"the answer has no field {', '.join(unknown)}",
            hint=f"it has {', '.join(sorted(known - {'dry_run'}))}",
        )


def picked(response: Any, value: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """Only the named fields, of the answer or, where one is not the answer's own, of its parts too.

    Args:
        response: The answer's model; `require_fields` has found every name in it.
        value: The answer. What it has no part for stays empty, and is no error.
        fields: The option's text.
    """
    names, parts = set(_named(fields)), _parts(response)
    deep = not names <= {"dry_run", *response.model_fields}
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if name in names or name == "dry_run":
            kept[name] = item
        elif deep and names & parts.get(name, set()):
            kept[name] = _cut(item, names)
    if "items" in kept:
        frame = {name: value[name] for name in LIST_FRAME if value.get(name) is not None}
        kept = {**frame, **kept}
    return kept


def _named(fields: str) -> list[str]:
    return [name.strip() for name in fields.split(",")]


def _parts(response: Any) -> dict[str, set[str]]:
    """What the parts of an answer are made of: of each field that holds models, their fields."""
    return {
        name: inner
        for name, info in response.model_fields.items()
        if (inner := _inner(info.annotation))
    }


def _inner(annotation: Any) -> set[str]:
    if fields := getattr(annotation, "model_fields", None):
        return set(fields)
    if get_origin(annotation) is dict:
        return set()
    return {name for part in get_args(annotation) for name in _inner(part)}


def _cut(item: Any, names: set[str]) -> Any:
    if isinstance(item, list):
        return [_cut(entry, names) for entry in item]
    if isinstance(item, dict):
        return {name: value for name, value in item.items() if name in names}
    return item
