def rotate(grid: list[list[int]], turns: int) -> list[list[int]]:
    """Turn a rectangle clockwise by quarter turns."""
    if len({len(row) for row in grid}) > 1:
        raise ValueError("rows differ in length")
    result = [list(row) for row in grid]
    for _ in range(turns % 4):
        result = [list(row) for row in zip(*result[::-1])]
    return result
