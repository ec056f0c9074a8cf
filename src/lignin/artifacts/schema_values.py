"""Values that fit a JSON Schema, and what recorded values show about each place. Pure.

Where a schema is silent about a place, the examples speak: the value is one that was seen there.
Where both are silent nothing is made, since an invented type would only test our invention.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json, digest_bytes, digest_json

Path = tuple[str | int, ...]
Spot = tuple[str, ...]
MAX_DEPTH = 6
_WORDS = ("a", "word", "Zebra 7", "two words", "x-y_z", "2024-05-01", "é")


class _Nothing:
    """Says that no value could be made."""


NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Seen:
    """Values by place, where all items of a list share one place (`*`)."""

    by_spot: Mapping[Spot, tuple[Json, ...]]

    @classmethod
    def of(cls, cases: Iterable[Json]) -> "Seen":
        """Gather the values of every place of some cases, without repeats, in order."""
        found: dict[Spot, dict[str, Json]] = {}
        for case in cases:
            for spot, value in _walk(case, ()):
                found.setdefault(spot, {}).setdefault(digest_json(value), value)
        return cls({spot: tuple(values.values()) for spot, values in found.items()})

    def values_at(self, path: Path, kinds: tuple[type, ...]) -> list[Json]:
        """Return the values of some types that were seen at a place; a bool is no number."""
        return [
            value
            for value in self.by_spot.get(_spot(path), ())
            if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)
        ]

    def range_at(self, path: Path) -> tuple[float, float]:
        """Return the least and the greatest number seen at a place (0, 0 where none was)."""
        numbers = self.values_at(path, (int, float))
        return (min(numbers), max(numbers)) if numbers else (0, 0)


def _spot(path: Path) -> Spot:
    return tuple("*" if isinstance(part, int) else part for part in path)


def _walk(value: Json, spot: Spot) -> Iterator[tuple[Spot, Json]]:
    yield spot, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, (*spot, key))
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, (*spot, "*"))


def resolve_schema(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Return the part of a schema that speaks of a place; empty where none does."""
    spot: Any = _followed(schema, schema)
    for part in path:
        if isinstance(part, int):
            spot = spot.get("items", {})
        else:
            properties = spot.get("properties", {})
            fallback = spot.get("additionalProperties", {})
            spot = properties.get(part, fallback) if isinstance(properties, Mapping) else {}
        spot = _followed(schema, spot)
    return spot if isinstance(spot, Mapping) else {}


def _followed(root: Mapping[str, Any], spot: Any) -> Mapping[str, Any]:
    for _ in range(MAX_DEPTH):
        if not isinstance(spot, Mapping):
            return {}
        target = spot.get("$ref")
        if not isinstance(target, str) or not target.startswith("#/"):
            return spot
        spot = root
        for part in target[2:].split("/"):
            spot = spot.get(part, {}) if isinstance(spot, Mapping) else {}
    return {}


def make_value(schema: Mapping[str, Any], seen: Seen, path: Path, seed: str) -> Json:
    """Return a value that is meant to fit a schema, chosen by `seed`; NOTHING where none is known.

    The caller validates: keywords that are not read here (`pattern`, `not`) may still refuse it.
    """
    return _made(schema, schema, seen, path, seed)


def _pick(options: list[Any] | tuple[Any, ...], seed: str) -> Any:
    return options[int(digest_bytes(seed.encode())[-8:], 16) % len(options)]


def _made(root: Mapping[str, Any], spot: Any, seen: Seen, path: Path, seed: str) -> Json:
    spot = _followed(root, spot)
    seed = f"{seed}/{path[-1] if path else ''}"
    if "const" in spot:
        return spot["const"]
    if isinstance(spot.get("enum"), list) and spot["enum"]:
        return _pick(spot["enum"], seed)
    for word in ("anyOf", "oneOf"):
        if isinstance(spot.get(word), list) and spot[word]:
            return _made(root, _pick(spot[word], seed), seen, path, seed + word)
    kind = spot.get("type")
    if isinstance(kind, list) and kind:
        kind = _pick(kind, seed + "type")
    if kind == "object":
        return _made_object(root, spot, seen, path, seed)
    if kind == "array":
        return _made_array(root, spot, seen, path, seed)
    if kind in {"integer", "number"}:
        return _made_number(spot, seen, path, seed, whole=kind == "integer")
    if kind == "string":
        return _made_string(spot, seen, path, seed)
    if kind == "boolean":
        return _pick((True, False), seed)
    if kind == "null":
        return None
    known = seen.by_spot.get(_spot(path), ())
    return _pick(known, seed) if known else NOTHING


def _made_object(
    root: Mapping[str, Any], spot: Mapping[str, Any], seen: Seen, path: Path, seed: str
) -> Json:
    properties = spot.get("properties")
    if not isinstance(properties, Mapping):
        known = seen.values_at(path, (dict,))
        return _pick(known, seed) if known else NOTHING
    required = spot.get("required", list(properties))
    made = {}
    for name, part in properties.items():
        if name not in required and _pick((True, False), f"{seed}/{name}?"):
            continue
        value = _made(root, part, seen, (*path, name), seed) if len(path) < MAX_DEPTH else NOTHING
        if value is NOTHING:
            return NOTHING
        made[name] = value
    return made


def _made_array(
    root: Mapping[str, Any], spot: Mapping[str, Any], seen: Seen, path: Path, seed: str
) -> Json:
    longest = max(map(len, seen.values_at(path, (list,))), default=3) + 1
    fewest = spot.get("minItems", 0)
    length = fewest + int(digest_bytes(f"{seed}#".encode())[-4:], 16) % (longest + 1)
    length = min(length, spot.get("maxItems", length), max(fewest, longest))
    if len(path) >= MAX_DEPTH:
        return NOTHING
    items = [
        _made(root, spot.get("items", {}), seen, (*path, 0), f"{seed}/{index}")
        for index in range(length)
    ]
    return NOTHING if any(item is NOTHING for item in items) else items


def _made_number(
    spot: Mapping[str, Any], seen: Seen, path: Path, seed: str, *, whole: bool
) -> Json:
    known = seen.values_at(path, (int, float))
    low, high = seen.range_at(path) if known else (0, 12)
    low = max(low, spot.get("minimum", low), spot.get("exclusiveMinimum", low - 1) + 1)
    high = min(max(high, low), spot.get("maximum", max(high, low)))
    span = max(0, int(high - low))
    value = low + int(digest_bytes(f"{seed}n".encode())[-8:], 16) % (span + 1)
    if whole:
        return int(value)
    return float(value) + _pick((0.0, 0.25, 0.5), seed) * (value < high)


def _made_string(spot: Mapping[str, Any], seen: Seen, path: Path, seed: str) -> Json:
    known = seen.values_at(path, (str,))
    if known:
        text = _pick(known, seed)
        if max(map(len, known)) > 1:  # single characters are a form of their own
            text += _pick(["", *[f" {word}" for word in known]], seed + "+")
    elif "pattern" in spot or "format" in spot:
        return NOTHING
    else:
        text = _pick(_WORDS, seed)
    fewest, most = spot.get("minLength", 0), spot.get("maxLength", 1000)
    return (text * (fewest + 1) if len(text) < fewest else text)[:most]


def is_closed(schema: Mapping[str, Any]) -> bool:
    """True where a schema says the type of everything, down to list items and object values."""
    return _is_closed(schema, schema, 0)


def _is_closed(root: Mapping[str, Any], spot: Any, depth: int) -> bool:
    spot = _followed(root, spot)
    if "const" in spot or "enum" in spot:
        return True
    for word in ("anyOf", "oneOf"):
        if spot.get(word):
            return all(_is_closed(root, option, depth + 1) for option in spot[word])
    kinds = spot.get("type")
    if kinds is None or depth > MAX_DEPTH:
        return False
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "object" in kinds:
        parts = list(spot.get("properties", {}).values())
        values = spot.get("additionalProperties")
        if not parts and not isinstance(values, Mapping):
            return False
        parts += [values] if isinstance(values, Mapping) else []
        if not all(_is_closed(root, part, depth + 1) for part in parts):
            return False
    return "array" not in kinds or _is_closed(root, spot.get("items"), depth + 1)
