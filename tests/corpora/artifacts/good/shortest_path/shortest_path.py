import heapq


def shortest(graph: dict[str, dict[str, int]], start: str, goal: str) -> dict:
    """Dijkstra: cost and path (smallest names first among equals); cost -1 where there is none."""
    queue: list[tuple[int, list[str]]] = [(0, [start])]
    seen: set[str] = set()
    while queue:
        cost, path = heapq.heappop(queue)
        node = path[-1]
        if node == goal:
            return {"cost": cost, "path": path}
        if node in seen:
            continue
        seen.add(node)
        for other, weight in graph.get(node, {}).items():
            if other not in seen:
                heapq.heappush(queue, (cost + weight, [*path, other]))
    return {"cost": -1, "path": []}
