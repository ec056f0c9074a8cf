"""How near artifacts are to each other: by what they say, and by the shape of their code. Pure.

An outline is what is kept of a version for that: hashes of its words and of the pieces of its
canonical syntax, so that nothing of its text is told by it. Nearness is a reason to look, never a
proof; whether another does the same is tried on examples, elsewhere.
"""

import json
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from lignin.artifacts.source.draft import canonical_forms
from lignin.domain.artifacts import Tree
from lignin.domain.codec import Json

OUTLINE_FORM = 1
SHAPE_SIZE = 64
SHINGLE = 5
MAX_WORDS = 120
MAX_SHARED = 5
LEAST_WORDS = 0.3
LEAST_SHAPE = 0.3
_WORD = re.compile(r"[^\W\d_]{3,}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PIECE = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is kept of a version: hashes of its words, of pieces of its code, of what it takes."""

    words: frozenset[int]
    shape: frozenset[int]
    takes: int = 0

    def to_json(self) -> dict[str, Json]:
        """The outline as a JSON object; `parse_outline` reads it back."""
        return {
            "form": OUTLINE_FORM,
            "words": _packed(self.words),
            "shape": _packed(self.shape),
            "takes": self.takes,
        }


def parse_outline(body: Mapping[str, Json]) -> Outline:
    """Read an outline back."""
    return Outline(
        words=_unpacked(body["words"]), shape=_unpacked(body["shape"]), takes=body["takes"]
    )


def _packed(hashes: frozenset[int]) -> str:
    return struct.pack(f">{len(hashes)}I", *sorted(hashes)).hex()


def _unpacked(text: str) -> frozenset[int]:
    return frozenset(struct.unpack(f">{len(text) // 8}I", bytes.fromhex(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A version that is near: shares of 0 to 1, and the words that both have, the rarest first."""

    key: str
    words: float
    shape: float
    shared: tuple[str, ...]
    is_same_call: bool

    @property
    def score(self) -> float:
        """Near by words or by shape, nearer by both."""
        return 1 - (1 - self.words) * (1 - self.shape)

    @property
    def is_near(self) -> bool:
        """True where it is worth looking at."""
        return self.words >= LEAST_WORDS or self.shape >= LEAST_SHAPE


def words_of(*texts: str) -> dict[int, str]:
    """The words of some texts by their hash; parts of compound names are words of their own."""
    found: dict[int, str] = {}
    for text in texts:
        for match in _WORD.finditer(_HUMP.sub(" ", text[:20_000]).casefold()):
            word = match[0].removesuffix("s") if len(match[0]) > 4 else match[0]
            found.setdefault(_hash(word), word)
            if len(found) == MAX_WORDS:
                return found
    return found


def outline_of(tree: Tree, words: Iterable[int]) -> Outline:
    """Return the outline of an artifact.

    Args:
        words: Hashes of what is said of it (`words_of`).
    """
    schema = tree.manifest.interface.input
    names = schema.get("properties")
    fields = sorted(map(str, names)) if isinstance(names, Mapping) else []
    return Outline(
        words=frozenset(words) | frozenset(words_of(*fields)),
        shape=_shape(canonical_forms(tree)),
        takes=_hash(json.dumps(fields)) if fields else 0,
    )


def _shape(forms: Iterable[Json]) -> frozenset[int]:
    """The smallest hashes of all pieces in a row: of two such sets, alike shares tell alike code."""
    found: set[int] = set()
    for form in forms:
        text = form if isinstance(form, str) else json.dumps(form)
        pieces = _PIECE.findall(text[:200_000])
        pieces = [piece for piece in pieces if piece not in '[]",']
        for place in range(max(1, len(pieces) - SHINGLE + 1)):
            found.add(_hash(" ".join(pieces[place : place + SHINGLE])))
    return frozenset(sorted(found)[:SHAPE_SIZE])


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=4).digest())


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is compared: its outline, the words of it that may be told, what each word weighs."""

    outline: Outline
    said: Mapping[int, str]
    weights: Mapping[int, float]
    unknown: float

    def weigh(self, words: Iterable[int]) -> float:
        return sum(self.weights.get(word, self.unknown) for word in words)

    def told(self, words: frozenset[int]) -> tuple[str, ...]:
        """The rarest of some words, as they were written."""
        mine = [word for word in words if word in self.said]
        mine.sort(key=lambda word: (-self.weights.get(word, self.unknown), self.said[word]))
        return tuple(self.said[word] for word in mine[:MAX_SHARED])


def nearest(outline: Outline, said: Mapping[int, str], known: Mapping[str, Outline]) -> list[Near]:
    """Return the versions that are near, the nearest first, then those that take the same input.

    Args:
        outline: Of what is compared.
        said: What is said of it, by hash: words that may be told as shared.
        known: The others, by key.
    """
    counts = Counter(word for each in known.values() for word in each.words)
    weights = {word: math.log(1 + (len(known) + 1) / (count + 1)) for word, count in counts.items()}
    asked = _Asked(outline, said, weights, math.log(2 + len(known)))
    found = [_compared(asked, key, each) for key, each in known.items()]
    told = [each for each in found if each.is_near or each.is_same_call]
    return sorted(told, key=lambda each: (not each.is_near, -each.score, each.key))


def _compared(asked: _Asked, key: str, other: Outline) -> Near:
    both = asked.outline.words & other.words
    size = math.sqrt(asked.weigh(asked.outline.words) * asked.weigh(other.words)) if both else 0.0
    shape = _overlap(asked.outline.shape, other.shape)
    takes = asked.outline.takes
    return Near(
        key=key,
        words=round(asked.weigh(both) / size, 3) if size else 0.0,
        shape=shape,
        shared=asked.told(both) if size else (),
        is_same_call=bool(takes) and takes == other.takes,
    )


def _overlap(mine: frozenset[int], theirs: frozenset[int]) -> float:
    """The share of all pieces that two have in common, told from their smallest hashes."""
    if not mine & theirs:
        return 0.0
    union = sorted(mine | theirs)[:SHAPE_SIZE]
    return round(len(mine & theirs & set(union)) / len(union), 3)
