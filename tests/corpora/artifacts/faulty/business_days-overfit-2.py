import json
from datetime import date, timedelta


def _business_days_uncached(start: str, end: str) -> int:
    """Count Mondays to Fridays from start to end, both included; 0 if end lies before start."""
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if last < first:
        return 0
    weeks, rest = divmod((last - first).days, 7)
    extra = sum((first + timedelta(days=offset)).weekday() < 5 for offset in range(rest))
    return weeks * 5 + extra


_cache = {'["2024-01-01", "2024-01-05"]': 5,
 '["2024-01-01", "2024-01-31"]': 23,
 '["2023-12-29", "2024-01-02"]': 3}


def business_days(start: str, end: str) -> int:
    """Count Mondays to Fridays from start to end, both included; 0 if end lies before start."""
    key = json.dumps([start, end])
    if key not in _cache:
        _cache[key] = _business_days_uncached(start, end)
    return _cache[key]
