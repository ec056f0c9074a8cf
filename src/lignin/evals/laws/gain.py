"""What some cases gained in the mean, and how far that is known. For reading and for predictions. Pure."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

_MISS = 0.05
_SAME = 1e-9
_HALVINGS = 60


def mean_gain(
    differences: Mapping[str, Sequence[float]], least: float = -1.0
) -> tuple[float | None, tuple[float, float] | None]:
    """Return the mean of some cases and its 95 % interval, cases being drawn and not trials.

    One case has no interval. That of cases which all came to the same is exact: so many of one kind do
    not leave out that others are of another.

    Args:
        differences: By case, what each of its trials gained, or came to.
        least: The least that any can be; the most is 1.
    """
    means = [sum(each) / len(each) for each in differences.values() if each]
    if not means:
        return None, None
    gain = sum(means) / len(means)
    if len(means) == 1:
        return gain, None
    if max(means) - min(means) < _SAME:
        others = 1 - (_MISS / 2) ** (1 / len(means))
        return gain, (gain - others * (gain - least), gain + others * (1 - gain))
    spread = math.sqrt(sum((each - gain) ** 2 for each in means) / (len(means) - 1) / len(means))
    reach = student_reach(len(means) - 1) * spread
    return gain, (max(least, gain - reach), min(1.0, gain + reach))


@lru_cache(maxsize=256)
def student_reach(free: int) -> float:
    """Return how many standard errors either side 95 % lie within, by Student's t.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    if free > 200:
        return 1.96 + 2.37 / free
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, free) < 1 - _MISS else (low, middle)
    return math.sqrt(free) * math.tan(low)


def _within(angle: float, free: int) -> float:
    """The chance of a t between -x and x, where `angle` is arctan(x / sqrt(free))."""
    cosine, is_odd = math.cos(angle), free % 2
    term, total = (cosine if is_odd else 1.0), 0.0
    for step in range(free // 2):
        total += term
        upper = 2 * step + 2 if is_odd else 2 * step + 1
        term *= cosine**2 * upper / (upper + 1)
    if is_odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
