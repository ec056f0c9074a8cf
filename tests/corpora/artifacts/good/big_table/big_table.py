def times_table(size: int) -> list[list[int]]:
    """Multiplication table from 1 to size."""
    return [[row * column for column in range(1, size + 1)] for row in range(1, size + 1)]
