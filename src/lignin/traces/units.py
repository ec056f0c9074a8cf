"""Units of a JSON text: the objects a trace is made of, each with its own bytes.

Owns one reading of JSONL, of a list of objects, and of a document that holds objects in named
lists (spans, samples, simulations). Invariants: the records returned, joined in order, are the
bytes given; any selection of records, joined in order, gives the same units again, so that the
records of one session can be stored and parsed without the rest of the file.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from lignin.domain.traces import ImportedTrace, Problem, RawRecord, Trajectory
from lignin.traces.lines import INCOMPLETE, JsonText, Line

_decoder = json.JSONDecoder(parse_constant=str)
_between = re.compile(r"[\s,\[\]}:\ufeff]*")
_blank = re.compile(r"[ \t\r\n]*")
_comma = re.compile(r"[ \t\r\n,]*")
MAX_AROUND = 1000
"""So many members of the objects around are kept; a file with more has begun to repeat itself."""
IN_VAIN, LEAST_IN_VAIN, NESTED_CHARS = 4, 4_000_000, 8000
"""Characters that may be read in vain: per character of the file, in any file, and what one object
that is nested too deeply counts for."""
_scalar = re.compile(r"[^\s,\[\]{}:\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Line):
    """One object with its bytes and the plain members of the objects around it."""

    around: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Found:
    start: int
    value: dict[str, Any] | None = None
    problem: str = ""
    around: dict[str, Any] = field(default_factory=dict)


def read_units(data: bytes, containers: frozenset[str] = frozenset()) -> list[Unit]:
    """Return the objects of a text, in order, readable or not.

    Args:
        data: JSONL, a JSON list, a JSON document, or any selection of their records.
        containers: Members whose lists hold the units. An object without such a member is a unit.
            What stands before such a member in its object is `around` of the units that follow.
    """
    text = JsonText(data.decode(errors="surrogateescape"))
    found = list(_scan(text, containers))
    if not found:
        return [Unit(record=RawRecord(content=data, line=1), value=None)] if data else []
    bounds = [0, *(each.start for each in found[1:]), len(text)]
    units = []
    for number, each in enumerate(found, start=1):
        content = text[bounds[number - 1] : bounds[number]].encode(errors="surrogateescape")
        units.append(
            Unit(
                record=RawRecord(content=content, line=number),
                value=each.value,
                problem=Problem(line=number, what=each.problem) if each.problem else None,
                around=each.around,
            )
        )
    return units


class _Source:
    """The text of a file, and how much more of it may be read in vain.

    Where an object breaks off, the next line may begin another, that one too, each to the same end. Past
    what may be read so, only objects of a single line are read: time stays in proportion to size.
    """

    __slots__ = ("_begin", "_line", "left", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = LEAST_IN_VAIN + IN_VAIN * len(text)
        self._line, self._begin = "", -1

    def decode(self, start: int) -> tuple[Any, int]:
        """The value at a place, and where it ends."""
        if self.left > 0:
            return _decoder.raw_decode(self.text, start)
        if not 0 <= self._begin <= start < self._begin + len(self._line):
            self._line, self._begin = self.text[start : _next_line(self.text, start)], start
        try:
            value, end = _decoder.raw_decode(self._line, start - self._begin)
        except json.JSONDecodeError as error:
            error.pos += self._begin
            raise
        return value, end + self._begin

    def charge(self, start: int, error: Exception) -> None:
        """Count what was read in vain from a place on."""
        self.left -= max(1, getattr(error, "pos", start + NESTED_CHARS) - start)


def _scan(text: str, containers: frozenset[str]) -> Iterator[_Found]:
    """Walk the text as a flat stream: brackets are passed over, objects are read."""
    source = _Source(text)
    position, opened, key, broken = 0, -1, "", False
    around: dict[str, Any] = {}
    while True:
        before, position = position, _between.match(text, position).end()  # type: ignore[union-attr]
        is_member = bool(key) and ":" in text[before:position]
        if position >= len(text):
            break
        start = position
        try:
            if text[start] == '"':
                key, position = scanstring(text, start + 1)
                continue
            if text[start] != "{":
                position = _scalar.match(text, start).end()  # type: ignore[union-attr]
                value = json.loads(text[start:position])
                # Inside a document that broke, a number is no element but part of what broke.
                if not is_member and not broken:
                    begin, opened = (opened if opened >= 0 else start), -1
                    yield _Found(begin, problem=f"no object but {type(value).__name__}")
                key = ""
                continue
            if is_member and key not in containers:
                _, position = source.decode(start)
                key = ""
                continue
            key = ""
            members, position, inside = _object(source, start, containers)
        except (ValueError, RecursionError) as error:
            source.charge(start, error)
            yield _Found(opened if opened >= 0 else start, problem=_fault(text, start, error))
            position, opened, key, broken = _next_line(text, start), -1, "", True
            continue
        if inside:
            opened = start if opened < 0 else opened
            around = {**around, **members} if len(around) < MAX_AROUND else members
            continue
        yield _Found(opened if opened >= 0 else start, value=members, around=around)
        opened = -1
    if opened >= 0:
        yield _Found(opened)


def _object(
    source: _Source, start: int, containers: frozenset[str]
) -> tuple[dict[str, Any], int, bool]:
    """As `_members`; an object that holds no container is decoded in one go, which is faster."""
    try:
        value, end = source.decode(start)
    except json.JSONDecodeError as error:
        if not containers or error.pos < source.text.find("\n", start):
            raise
        return _members(source, start, containers)
    if containers.isdisjoint(value):
        return value, end, False
    return _members(source, start, containers)


def _members(
    source: _Source, start: int, containers: frozenset[str]
) -> tuple[dict[str, Any], int, bool]:
    """Return an object's members, where it ends, and whether a container was reached before."""
    text = source.text
    members: dict[str, Any] = {}
    position = start + 1
    while True:
        position = _comma.match(text, position).end()  # type: ignore[union-attr]
        mark = text[position : position + 1]
        if mark == "}":
            return members, position + 1, False
        if mark != '"':
            raise ValueError("an object ends early or has no key where one is due")
        key, position = scanstring(text, position + 1)
        position = _blank.match(text, position).end()  # type: ignore[union-attr]
        if text[position : position + 1] != ":":
            raise ValueError("a key has no value")
        position = _blank.match(text, position + 1).end()  # type: ignore[union-attr]
        if key in containers and text[position : position + 1] in ("[", "{"):
            return members, position, True
        try:
            members[key], position = source.decode(position)
        except StopIteration as error:  # pragma: no cover - the decoder turns it into ValueError
            raise ValueError("a key has no value") from error


def _fault(text: str, start: int, error: Exception) -> str:
    what = "nested too deeply to parse" if isinstance(error, RecursionError) else f"{error}"
    if isinstance(error, json.JSONDecodeError):
        what = f"{error.msg} (character {error.pos - start + 1} from where it begins)"
    if isinstance(error, RecursionError) or text.find("\n", start) >= 0:
        return f"not JSON: {what}"
    return f"{INCOMPLETE} (not JSON: {what}); the file may still be growing"


def _next_line(text: str, position: int) -> int:
    return text.find("\n", position) + 1 or len(text)


def share_out(
    name: str,
    form: str,
    units: Iterable[Unit],
    *,
    named: Iterable[tuple[Unit, str]],
    trajectories: Iterable[Trajectory],
    skipped: dict[str, int],
) -> ImportedTrace:
    """Return the trace with every unit's bytes in one session.

    Args:
        named: The units that belong to a session, with its name. What belongs to none goes with
            the session before it, or the first.
        trajectories: One per session name.
    """
    units = list(units)
    owners = {unit.record.line: owner for unit, owner in named}
    sessions = {each.session: each for each in trajectories}
    first = next(iter(owners.values()), "") or next(iter(sessions), "")
    records: dict[str, list[RawRecord]] = {session: [] for session in sessions}
    if not sessions and units:
        first = _stem(name)
        sessions[first] = Trajectory(source=name, format=form, session=first, steps=())
        records[first] = []
    owner = first
    for unit in units:
        owner = owners.get(unit.record.line, owner)
        records[owner].append(unit.record)
    return ImportedTrace(
        sessions=tuple((each, tuple(records[session])) for session, each in sessions.items()),
        problems=tuple(unit.problem for unit in units if unit.problem),
        skipped=skipped,
    )


def _stem(name: str) -> str:
    return file_stem(name) or "run"


def file_stem(name: str) -> str:
    """Return a file's name without its folder and its endings."""
    last = name.replace("\\", "/").rpartition("/")[2]
    for ending in (".gz", ".jsonl", ".json", ".traj", ".eval"):
        last = last.removesuffix(ending)
    return last


def own_name(name: str, taken: set[str]) -> str:
    """Return a session's name, numbered where it is taken; from now on it is."""
    own, number = name, 1
    while own in taken:
        number += 1
        own = f"{name}~{number}"
    taken.add(own)
    return own
