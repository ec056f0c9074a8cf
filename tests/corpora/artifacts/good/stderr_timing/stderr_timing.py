import sys
import time


def word_frequencies(text: str) -> dict[str, int]:
    """Count words; how long it took goes to stderr only."""
    started = time.perf_counter()
    counts: dict[str, int] = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    print(f"counted in {time.perf_counter() - started:.6f} s", file=sys.stderr)
    return counts
