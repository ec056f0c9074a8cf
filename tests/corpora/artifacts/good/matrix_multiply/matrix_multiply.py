def multiply(a: list[list[int]], b: list[list[int]]) -> list[list[int]]:
    """Matrix product; ValueError where the shapes do not fit."""
    inner = {len(row) for row in a}
    if inner - {len(b)} or len({len(row) for row in b}) > 1:
        raise ValueError("the shapes do not fit")
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]
