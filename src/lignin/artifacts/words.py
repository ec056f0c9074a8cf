"""Finding versions by words: an inverted index over the hashed words that outlines keep.

Owns ranking and nothing else: no reading, no rights. Who keeps it in step with the log, and what of
it a caller may see, is the operations'. A rare word tells more than a common one, and a word of the
name more than one of the description.
"""

import math
from collections import defaultdict
from typing import NamedTuple

from lignin.artifacts.nearest import words_of

IN_THE_NAME = 2.0
LEAST_SHARE = 0.2
"""A hit shares at least so much of the query, by weight; less is a coincidence."""


class Hit(NamedTuple):
    """A key that was found, and its score (0 to 2)."""

    key: str
    score: float


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
        weights = {word: self._weight(word) for word in words_of(query)}
        total = sum(weights.values())
        scores: dict[str, float] = defaultdict(float)
        for word, weight in weights.items():
            titled = weight * IN_THE_NAME
            for key in self._holders.get(word, ()):
                scores[key] += titled if word in self._titles[key] else weight
        least = LEAST_SHARE * total
        found = sorted((-score, key) for key, score in scores.items() if score >= least)
        return [Hit(key, -score / total) for score, key in found]

    def matched(self, key: str, query: str) -> list[str]:
        """The words of a query that a key has, the rarest first."""
        said = words_of(query)
        both = self._words.get(key, frozenset()).intersection(said)
        return [said[word] for word in sorted(both, key=lambda w: (-self._weight(w), said[w]))]

    def _weight(self, word: int) -> float:
        return math.log(1 + (len(self._words) + 1) / (len(self._holders.get(word, ())) + 1))
