import re

_LINE = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "([A-Z]+) (\S+)[^"]*" (\d{3}) (\d{1,15}|-)')


def summarise(log: str) -> dict:
    """Requests, bytes and counts by status of a common-format log; lines that do not fit are counted."""
    requests = size = broken = 0
    statuses: dict[str, int] = {}
    for line in log.split("\n"):
        if not line.strip():
            continue
        match = _LINE.match(line)
        if not match:
            broken += 1
            continue
        requests += 1
        statuses[match[5]] = statuses.get(match[5], 0) + 1
        size += 0 if match[6] == "-" else int(match[6])
    return {"requests": requests, "bytes": size, "broken": broken, "statuses": statuses}
