"""A request with what a run has in its places: `$given`, `$given.ticket`, `Fixes #${given.ticket}`. Pure.

What is put in is data, whole and once: it is not looked through for places again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError

_WHOLE = re.compile(r"\$([a-z_]+)((?:\.[A-Za-z0-9_-]+)*)")
_WITHIN = re.compile(r"\$\{([a-z_]+)((?:\.[A-Za-z0-9_-]+)*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A place in a request that a run may fill in: its text, and what it names."""

    text: str
    root: str
    parts: tuple[str, ...]


def references(value: Json) -> Iterator[Reference]:
    """What a value refers to, in order, whether or not a run has it."""
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        for at in [whole] if whole else _WITHIN.finditer(value):
            yield Reference(text=at[0], root=at[1], parts=tuple(at[2].split(".")[1:]))
    elif isinstance(value, dict):
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def filled(request: Mapping[str, Json], task: Mapping[str, Json]) -> dict[str, Json]:
    """A request with what the run has in place of `$goal`, `$given.ticket`, `${stages.fix.note}` and the like.

    Args:
        task: What the run has, by name; a name that is not in it is left as it stands.

    Raises:
        InvalidRequestError: It names a part that is not there.
    """
    return {key: _fill(value, task) for key, value in request.items()}


def said_value(said: str) -> Json:
    """What an action said, as later stages refer to it: a JSON object where it is one, else its text."""
    text = said.strip()
    if text.startswith("{"):
        try:
            value = parse_json(text)
        except CodecError:
            return text
        return value
    return text


def _fill(value: Json, task: Mapping[str, Json]) -> Json:
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        if whole and whole[1] in task:
            return _part(task, whole)
        return _WITHIN.sub(lambda at: _text(_part(task, at)) if at[1] in task else at[0], value)
    if isinstance(value, dict):
        return {key: _fill(each, task) for key, each in value.items()}
    return [_fill(each, task) for each in value] if isinstance(value, list) else value


def _part(task: Mapping[str, Json], at: "re.Match[str]") -> Json:
    value: Json = task[at[1]]
    for name in at[2].split(".")[1:]:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise InvalidRequestError(
                f"{at[0]!r:.100}: there is no {name!r:.40}",
                hint=f"the run has {_told(value)} there",
            )
    return value


def _told(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(sorted(value)[:20]) or "nothing"
    return f"a list of {len(value)}" if isinstance(value, list) else "no object"


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical_bytes(value).decode()
