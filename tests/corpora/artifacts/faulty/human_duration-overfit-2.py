import json
def _human_duration_uncached(seconds: int) -> str:
    """3661 -> '1h 1m 1s'."""
    if seconds < 0:
        return "-" + _human_duration_uncached(-seconds)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts)


_cache = {}


def human_duration(seconds: int) -> str:
    """3661 -> '1h 1m 1s'."""
    lookup = json.dumps([seconds])
    if lookup not in _cache:
        _cache[lookup] = _human_duration_uncached(seconds)
    return _cache[lookup]
