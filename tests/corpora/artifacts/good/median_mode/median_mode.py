from collections import Counter
from statistics import median


def centre(values: list[float]) -> dict:
    """Median and the smallest of the most frequent values."""
    if not values:
        raise ValueError("no values")
    counts = Counter(values)
    top = max(counts.values())
    return {"median": median(values), "mode": min(v for v, c in counts.items() if c == top)}
