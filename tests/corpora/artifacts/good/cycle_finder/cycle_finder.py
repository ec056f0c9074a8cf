def find_cycle(graph: dict[str, list[str]]) -> list[str]:
    """Some cycle in depth-first order of sorted names, or []."""
    state: dict[str, int] = {}
    trail: list[str] = []

    def visit(node: str) -> list[str]:
        state[node] = 1
        trail.append(node)
        for other in sorted(graph.get(node, [])):
            if state.get(other) == 1:
                return trail[trail.index(other) :] + [other]
            if other not in state:
                found = visit(other)
                if found:
                    return found
        trail.pop()
        state[node] = 2
        return []

    for start in sorted(graph):
        if start not in state:
            found = visit(start)
            if found:
                return found
    return []
