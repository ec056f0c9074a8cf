import heapq
from dataclasses import dataclass, field


@dataclass(order=True)
class _Job:
    priority: int
    arrival: int
    name: str = field(compare=False)
    length: int = field(compare=False)


def schedule(jobs: list[dict]) -> list[dict]:
    """Run jobs one at a time: of those that have come the smallest priority, then the earliest."""
    waiting = sorted(jobs, key=lambda job: job["arrival"])
    queue: list[_Job] = []
    now, out = 0, []
    while waiting or queue:
        while waiting and waiting[0]["arrival"] <= now:
            job = waiting.pop(0)
            heapq.heappush(queue, _Job(job["priority"], job["arrival"], job["name"], job["length"]))
        if not queue:
            now = waiting[0]["arrival"]
            continue
        chosen = heapq.heappop(queue)
        out.append({"name": chosen.name, "start": now})
        now += chosen.length
    return out
