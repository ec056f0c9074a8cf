def allocate(total: int, weights: list[int]) -> list[int]:
    """Whole parts of total in proportion to weights (largest remainder, first wins ties)."""
    whole = sum(weights)
    if whole == 0:
        raise ValueError("weights add up to zero")
    parts = [total * w // whole for w in weights]
    order = sorted(range(len(weights)), key=lambda k: (-(total * weights[k] % whole), k))
    for k in order[: total - sum(parts)]:
        parts[k] += 1
    return parts
