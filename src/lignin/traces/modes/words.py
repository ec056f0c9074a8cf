"""How the last words of a run differ from those of runs that came to the same.

Pure. Compared are the figures told, and where the words hold a JSON value its leaves: what was left
unsaid, said otherwise, or said in another unit.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from itertools import islice

from lignin.domain.codec import Json
from lignin.domain.effects import figures_in
from lignin.domain.modes import Manner

_JSON = re.compile(r"^\s{0,20}[{\[]", re.MULTILINE)
_COMMON, _RARE = 0.6, 0.2
_POWER, _NEAR = 0.9, 0.02
_MAX_CHARS, _MAX_TRIED, _MAX_DEPTH, _MAX_TOLD = 100_000, 5, 20, 300
_decoder = json.JSONDecoder()


def words_manner(said: Set[str], others: Sequence[Set[str]]) -> Manner:
    """Return in what manner what a run told differs from what the others told, "" where it does not."""
    common, counts = _common(others)
    missing = common - said
    rare = {each for each in said if counts[each] <= _RARE * len(others)}
    if not common:
        return ""
    if any(_is_other_unit(one, other) for one in rare for other in missing):
        return "other_unit"
    if rare:
        return "said_otherwise"
    return "left_unsaid" if missing else ""


def says_nothing_of(said: Set[str], others: Sequence[Set[str]]) -> bool:
    """True where a run tells nothing of what most of the others tell."""
    common, _ = _common(others)
    return not common & said


def told_in(text: str) -> frozenset[str]:
    """Return the leaves of a JSON value in a text, else the figures in it."""
    text = text[:_MAX_CHARS]
    for match in islice(_JSON.finditer(text), _MAX_TRIED):
        try:
            value, _ = _decoder.raw_decode(text, match.end() - 1)
        except (ValueError, RecursionError):
            continue
        return frozenset(islice(_leaves("", value, 0), _MAX_TOLD))
    return frozenset(sorted(figures_in(text))[:_MAX_TOLD])


def _common(others: Sequence[Set[str]]) -> tuple[set[str], Counter[str]]:
    counts = Counter(each for told in others for each in told)
    return {each for each, count in counts.items() if count >= _COMMON * len(others)}, counts


def _leaves(path: str, value: Json, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        for key, each in value.items():
            yield from _leaves(f"{path}.{key}", each, depth + 1)
    elif isinstance(value, list) and value and depth < _MAX_DEPTH:
        for each in value:
            yield from _leaves(path, each, depth + 1)
    else:
        yield f"{path}={json.dumps(value)}"


def _is_other_unit(one: str, other: str) -> bool:
    """True for two tellings of one thing whose figures differ by powers of ten."""
    place, _, value = one.rpartition("=")
    other_place, _, other_value = other.rpartition("=")
    try:
        figures = float(value.replace(",", "")), float(other_value.replace(",", ""))
    except ValueError:
        return False
    return place == other_place and other_unit(*figures)


def other_unit(value: float, right: float) -> bool:
    """True where two figures are one in two units: a power of ten apart, maybe rounded."""
    if not (0 < value < math.inf and 0 < right < math.inf):
        return False
    power = math.log10(right) - math.log10(value)
    if abs(power) <= _POWER:
        return False
    whole = round(power)
    if abs(power - whole) < _NEAR:
        return True
    larger, smaller = max(value, right), min(value, right)
    return any(
        abs(larger / 10.0**each - smaller) <= 0.5 and float(smaller).is_integer()
        for each in range(2, 7)
    )
