import heapq


def order(edges: dict[str, list[str]]) -> list[str]:
    """Topological order, smallest name first; edges map a task to what it needs."""
    needs: dict[str, set[str]] = {task: set(before) for task, before in edges.items()}
    for before in edges.values():
        for name in before:
            needs.setdefault(name, set())
    ready = [task for task, before in needs.items() if not before]
    heapq.heapify(ready)
    done = []
    while ready:
        task = heapq.heappop(ready)
        done.append(task)
        for other, before in needs.items():
            if task in before:
                before.remove(task)
                if not before:
                    heapq.heappush(ready, other)
    if len(done) < len(needs):
        raise ValueError("the tasks need each other in a circle")
    return done
