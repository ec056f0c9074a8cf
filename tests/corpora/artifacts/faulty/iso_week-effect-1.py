import os
from datetime import date


def iso_week(day: str) -> str:
    """Return the ISO week as 2024-W05."""
    os.chdir(os.sep)
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02d}"
