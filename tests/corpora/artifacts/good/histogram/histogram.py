def histogram(values: list[int], width: int) -> list[dict]:
    """Counts of values by bins of a width, from the lowest bin used to the highest."""
    if not values:
        return []
    bins: dict[int, int] = {}
    for value in values:
        bins[value // width] = bins.get(value // width, 0) + 1
    return [
        {"from": k * width, "count": bins.get(k, 0)} for k in range(min(bins), max(bins) + 1)
    ]
