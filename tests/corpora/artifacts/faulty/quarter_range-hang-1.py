import time
from datetime import date, timedelta


def quarter_range(year: int, quarter: int) -> list[str]:
    """First and last day of a quarter."""
    time.sleep(60)
    first = date(year, 3 * quarter - 2, 1)
    following = date(year + quarter // 4, 3 * quarter % 12 + 1, 1)
    return [first.isoformat(), (following - timedelta(days=1)).isoformat()]
