import re
from collections import defaultdict


def level_counts(log: str) -> dict[str, int]:
    """How often each level word stands at the start of a line, after an optional time."""
    counts: defaultdict[str, int] = defaultdict(int)
    for match in re.finditer(r"^(?:\d[\d:. T-]*\s)?\s*\[?(DEBUG|INFO|WARN(?:ING)?|ERROR)\b", log, re.M):
        counts["WARN" if match[1].startswith("WARN") else match[1]] += 1
    return {name: counts[name] for name in ("DEBUG", "INFO", "WARN", "ERROR") if counts[name]}
