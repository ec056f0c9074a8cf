def bounds(values: list[int], target: int) -> list[int]:
    """First index and index past the last of target in the values once sorted."""
    ordered = sorted(values)

    def left(limit: int) -> int:
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            if ordered[middle] < limit:
                low = middle + 1
            else:
                high = middle
        return low

    return [left(target), left(target + 1)]
