"""Whether something was asked at regular times, told from the times alone. Pure."""

import math
import statistics
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

LEAST_DAYS = 4
LEAST_SHARE = 0.8
WINDOW_H = 3.0
"""A thing asked every few days is only regular where it is asked at about one time of the day."""
_CLOSE_DAYS = 5
_MONTH = (28, 31)


def regular(times: Sequence[datetime]) -> str:
    """Return in words at which times something is asked; "" where that is not regular.

    Args:
        times: When it was asked, in any order, with their own time zones.
    """
    days: dict[int, datetime] = {}
    for time in sorted(times):
        days.setdefault(time.toordinal(), time)
    if len(days) < LEAST_DAYS or len(times) > 1.5 * len(days):
        return ""
    order = sorted(days)
    gaps = [later - earlier for earlier, later in pairwise(order)]
    usual = round(statistics.median(gaps))
    close = sum(_fits(gap, usual, order[place]) for place, gap in enumerate(gaps))
    if close < LEAST_SHARE * len(gaps):
        return ""
    about = _time_of_day(list(days.values()))
    if usual < _CLOSE_DAYS and not about:
        return ""
    return " ".join(filter(None, (_told(usual, order), about)))


def _fits(gap: int, usual: int, day: int) -> bool:
    """True for the usual gap, give or take a fifth, and for a week-end between working days."""
    if usual == 1 and gap == 3 and datetime.fromordinal(day).weekday() == 4:
        return True
    slack = 3 if _MONTH[0] <= usual <= _MONTH[1] else usual // 5
    return abs(gap - usual) <= slack


def _told(usual: int, order: Sequence[int]) -> str:
    if usual == 1:
        weekend = any(datetime.fromordinal(day).weekday() >= 5 for day in order)
        return "every day" if weekend or len(order) < 6 else "every working day"
    if usual == 7:
        return (
            f"every {datetime.fromordinal(statistics.mode(order)).strftime('%A')}"
            if _one_weekday(order)
            else "every week"
        )
    return "every month" if _MONTH[0] <= usual <= _MONTH[1] else f"every {usual} days"


def _one_weekday(order: Sequence[int]) -> bool:
    weekdays = [day % 7 for day in order]
    return weekdays.count(weekdays[0]) == len(weekdays)


def _time_of_day(times: Sequence[datetime]) -> str:
    """The time of day that nearly all lie around; "" where they lie apart."""
    hours = [time.hour + time.minute / 60 for time in times]
    turned = [hour * math.tau / 24 for hour in hours]
    middle = math.atan2(sum(map(math.sin, turned)), sum(map(math.cos, turned))) * 24 / math.tau
    middle %= 24
    near = [hour for hour in hours if abs((hour - middle + 12) % 24 - 12) <= WINDOW_H / 2]
    if len(near) < LEAST_SHARE * len(hours):
        return ""
    minutes = round(middle * 60) % 1440
    return f"about {minutes // 60:02}:{minutes % 60:02}"
