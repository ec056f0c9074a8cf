from collections import OrderedDict


def simulate(requests: list[str], size: int) -> dict:
    """Hits, misses and what is left (oldest first) of a least-recently-used cache."""
    cache: OrderedDict[str, None] = OrderedDict()
    hits = 0
    for name in requests:
        if name in cache:
            hits += 1
            cache.move_to_end(name)
        else:
            cache[name] = None
            if len(cache) > size:
                cache.popitem(last=False)
    return {"hits": hits, "misses": len(requests) - hits, "left": list(cache)}
