from collections import deque


def moving_average(values: list[float], window: int) -> list[float]:
    """Mean of the last `window` values at each place where there are enough."""
    recent: deque[float] = deque(maxlen=window)
    out = []
    for value in values:
        recent.append(value)
        if len(recent) == window:
            out.append(round(sum(recent) / window, 6))
    return out
