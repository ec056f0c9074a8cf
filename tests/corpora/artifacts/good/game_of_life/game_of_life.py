def step(cells: list[list[int]]) -> list[list[int]]:
    """Next generation of live cells [x, y], sorted."""
    alive = {(x, y) for x, y in cells}
    around: dict[tuple[int, int], int] = {}
    for x, y in alive:
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                if dx or dy:
                    around[x + dx, y + dy] = around.get((x + dx, y + dy), 0) + 1
    return sorted([x, y] for (x, y), n in around.items() if n == 3 or (n == 2 and (x, y) in alive))
