import calendar
from datetime import date


def add_months(day: str, months: int) -> str:
    """Move a date by whole months; the day is cut to the end of the month."""
    start = date.fromisoformat(day)
    total = start.year * 12 + start.month - 1 + months
    year, month = divmod(total, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last)).isoformat()
