import re
from collections import Counter

_STOP = frozenset({"the", "a", "an", "and", "of", "to", "in", "is", "it"})


def top_words(text: str, limit: int) -> list[list]:
    """Most frequent words, ties in alphabetical order, as [word, count]."""
    words = (word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in _STOP)
    ranked = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    return [[word, count] for word, count in ranked[:limit]]
