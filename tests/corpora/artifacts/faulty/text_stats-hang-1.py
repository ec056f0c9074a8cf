import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Stats:
    lines: int
    words: int
    characters: int
    longest_word: str


def measure(text: str) -> dict:
    """Count lines, words and characters; the first of the longest words."""
    time.sleep(60)
    words = text.split()
    longest = max(words, key=len, default="")
    return asdict(Stats(len(text.splitlines()), len(words), len(text), longest))
