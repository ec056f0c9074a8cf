"""Finding versions by words: an inverted index over the hashed words that outlines keep.

Owns ranking and nothing else: no reading, no rights. Who keeps it in step with the log, and what of
it a caller may see, is the operations'. A rare word tells more than a common one, and a word of the
name more than one of the description.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lignin.artifacts.nearest import words_of

IN_THE_NAME = 2.0
LEAST_SHARE = 0.2
"""A hit shares at least so much of the query, by weight; less is a coincidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A key that was found: its score (0 to 2) and the query's words that it has."""

    key: str
    score: float
    matched: tuple[str, ...]


class WordIndex:
    """Keys by word. Not thread-safe; whoever keeps it holds a lock."""

    def __init__(self) -> None:
        self._words: dict[str, frozenset[int]] = {}
        self._titles: dict[str, frozenset[int]] = {}
        self._holders: dict[int, set[str]] = defaultdict(set)

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def __len__(self) -> int:
        return len(self._words)

    def put(self, key: str, words: frozenset[int], title: str = "") -> None:
        """Add a key, or replace what it held.

        Args:
            words: Hashes of what is said of it (`nearest.words_of`).
            title: Its name, whose words weigh more.
        """
        self.drop(key)
        self._titles[key] = frozenset(words_of(title)) if title else frozenset()
        self._words[key] = words | self._titles[key]
        for word in self._words[key]:
            self._holders[word].add(key)

    def drop(self, key: str) -> None:
        """Forget a key; nothing where it is not there."""
        for word in self._words.pop(key, frozenset()):
            holders = self._holders[word]
            holders.discard(key)
            if not holders:
                del self._holders[word]
        self._titles.pop(key, None)

    def rank(self, query: str) -> list[Hit]:
        """Every key that has enough of a query, the best first; ties by key."""
        said = words_of(query)
        weights = {word: self._weight(word) for word in said}
        total = sum(weights.values())
        scores: dict[str, float] = defaultdict(float)
        for word, weight in weights.items():
            for key in self._holders.get(word, ()):
                scores[key] += weight * (IN_THE_NAME if word in self._titles[key] else 1.0)
        found = [
            Hit(key=key, score=round(score / total, 4), matched=self._matched(key, said, weights))
            for key, score in scores.items()
            if score >= LEAST_SHARE * total
        ]
        return sorted(found, key=lambda hit: (-hit.score, hit.key))

    def _weight(self, word: int) -> float:
        return math.log(1 + (len(self._words) + 1) / (len(self._holders.get(word, ())) + 1))

    def _matched(
        self, key: str, said: Mapping[int, str], weights: Mapping[int, float]
    ) -> tuple[str, ...]:
        both = self._words[key].intersection(said)
        return tuple(said[word] for word in sorted(both, key=lambda w: (-weights[w], said[w])))
