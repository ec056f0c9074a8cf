from functools import lru_cache


def matches(pattern: str, name: str) -> bool:
    """Match `*` and `?` against the whole name."""
    @lru_cache(maxsize=None)
    def walk(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(name)
        if pattern[i] == "*":
            return walk(i + 1, j) or (j < len(name) and walk(i, j + 1))
        return j < len(name) and pattern[i] in ("?", name[j]) and walk(i + 1, j + 1)

    return walk(0, 0)
