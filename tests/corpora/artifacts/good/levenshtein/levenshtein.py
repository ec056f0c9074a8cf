def distance(left: str, right: str) -> int:
    """Return the edit distance with unit costs."""
    if len(left) < len(right):
        left, right = right, left
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            current.append(
                min(
                    previous[column] + 1,
                    current[column - 1] + 1,
                    previous[column - 1] + (a != b),
                )
            )
        previous = current
    return previous[-1]
