"""What a count of hits says of the rate behind it, exactly. Pure."""

import math
from collections.abc import Callable

_HALVINGS = 60


def exact_interval(hits: int, count: int, miss: float = 0.05) -> tuple[float, float] | None:
    """Return the interval that leaves the true rate out with at most `miss`; None of no trials.

    Source: Clopper and Pearson, The use of confidence or fiducial limits, 1934.
    """
    if count <= 0:
        return None
    low = 0.0 if hits == 0 else _rate(lambda rate: 1 - at_most(hits - 1, count, rate) < miss / 2)
    high = 1.0 if hits == count else _rate(lambda rate: at_most(hits, count, rate) > miss / 2)
    return low, high


def at_most(hits: int, count: int, rate: float) -> float:
    """Return the chance of at most so many hits."""
    if rate <= 0 or rate >= 1:
        return float(rate <= 0 or hits >= count)
    ways = math.lgamma(count + 1)
    return math.fsum(
        math.exp(
            ways
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            + k * math.log(rate)
            + (count - k) * math.log1p(-rate)
        )
        for k in range(hits + 1)
    )


def _rate(is_below: Callable[[float], bool]) -> float:
    """The rate at which a rising question turns from yes to no."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2
