import signal
from datetime import date, timedelta

_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def next_weekday(day: str, weekday: str) -> str:
    """First such weekday strictly after the day."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = date.fromisoformat(day)
    ahead = (_DAYS.index(weekday) - start.weekday() - 1) % 7 + 1
    return (start + timedelta(days=ahead)).isoformat()
