"""When a cron line is due: every tick between two instants, and which of the missed ones are made up for.

A line at a fixed time of day comes once a day over daylight saving: what the clock skips comes when the
gap is over, what it shows twice comes the first time. A line whose minute or hour begins with `*` goes by
elapsed time instead, as Debian's cron has it. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from lignin.domain.errors import InvalidRequestError
from lignin.domain.loops import Occurrence, Trigger

MOST_MISSED = 1000
"""So many ticks are made up for at most at once; the older ones are passed over, and counted."""
GRACE_S = 90
"""A tick is missed when nobody looked for so long after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is due: the ticks to take, in order, and how many are passed over."""

    ticks: tuple[datetime, ...]
    passed_over: int = 0


def ticks_between(at: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield each tick of a line with after < tick <= until, in order, in UTC.

    Args:
        at: Five fields, known to parse.
        zone: IANA name of the zone it is read in.
        after, until: Aware.

    Raises:
        InvalidRequestError: An instant has no time zone.
    """
    if after.tzinfo is None or until.tzinfo is None:
        raise InvalidRequestError("a time without a time zone", hint="pass an aware datetime")
    # Begun a day early: right behind a gap the reader would else not know what the gap held.
    start = (after - timedelta(days=1)).astimezone(ZoneInfo(zone))
    last: datetime | None = None
    for tick in takewhile(lambda t: t <= until, _in_utc(CronSim(at, start))):
        if tick > after and (last is None or tick > last):
            yield tick
            last = tick


def _in_utc(ticks: CronSim) -> Iterator[datetime]:
    for tick in ticks:
        yield tick.astimezone(UTC)


def plan_due(trigger: Trigger, seen: datetime, now: datetime) -> Due:
    """Return which ticks are to be taken since somebody last looked.

    Ticks of the last `GRACE_S` are due in any case: those before are missed, and `catch_up` says
    whether none, the last or all of them are made up for.
    """
    ticks, over = list[datetime](), 0
    for tick in ticks_between(trigger.at, trigger.zone, seen, now):
        ticks.append(tick)
        if len(ticks) > MOST_MISSED:
            ticks.pop(0)
            over += 1
    fresh = now - timedelta(seconds=GRACE_S)
    missed = [tick for tick in ticks if tick <= fresh]
    due = [tick for tick in ticks if tick > fresh]
    if trigger.catch_up == "none":
        made_up = list[datetime]()
    elif trigger.catch_up == "last":
        made_up = missed[-1:] if not due else []
    else:
        made_up = missed
    return Due(ticks=(*made_up, *due), passed_over=over + len(missed) - len(made_up))


def occurrence_of(tick: datetime) -> Occurrence:
    """The occurrence that a tick is; its name is the instant, whoever looks and whenever."""
    told = tick.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Occurrence(source="cron", name=told, given={"at": told})


def next_tick(trigger: Trigger, after: datetime) -> datetime | None:
    """The first tick behind an instant, if any comes within some years."""
    try:
        return next(ticks_between(trigger.at, trigger.zone, after, after + timedelta(days=3660)))
    except StopIteration:
        return None
