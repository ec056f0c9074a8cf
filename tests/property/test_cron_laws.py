"""Ticks of cron lines against a walk over every minute, daylight saving both ways in several zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lignin.domain.loops import Trigger
from lignin.loops.laws.ticks import GRACE_S, occurrence_of, plan_due, ticks_between

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # by half an hour
    "America/Sao_Paulo",  # by now without
    "Asia/Kolkata",
    "Africa/Casablanca",  # twice a year around Ramadan, the other way
)
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 2, 15, 2, tzinfo=UTC),
    datetime(2026, 6, 1, 0, tzinfo=UTC),
)
MINUTE = timedelta(minutes=1)


def _values(field: str, least: int, most: int) -> set[int]:
    found = set[int]()
    for term in field.split(","):
        span, _, step = term.partition("/")
        if span == "*":
            low, high = least, most
        elif "-" in span:
            low, high = map(int, span.split("-"))
        else:
            low = int(span)
            high = most if step else low
        found |= set(range(low, high + 1, int(step or 1)))
    return found


def walk(line: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Every tick, found by looking at every minute of the clock on the wall."""
    minute, hour, day, month, week = line.split()
    minutes, hours = _values(minute, 0, 59), _values(hour, 0, 23)
    days, months, weeks = _values(day, 1, 31), _values(month, 1, 12), _values(week, 0, 7)
    any_day = day.startswith("*") or week.startswith("*")
    tz = ZoneInfo(zone)

    def matches(wall: datetime) -> bool:
        by_week = wall.isoweekday() in weeks or wall.isoweekday() % 7 in weeks
        by_day = wall.day in days
        of_day = (by_day and by_week) if any_day else (by_day or by_week)
        on = wall.minute in minutes and wall.hour in hours and wall.month in months
        return on and of_day

    found = set[datetime]()
    if minute.startswith("*") or hour.startswith("*"):
        at = after.replace(second=0, microsecond=0)
        while at <= until:
            if matches(at.astimezone(tz)):
                found.add(at)
            at += MINUTE
    else:
        wall = (after.astimezone(tz) - timedelta(days=1)).replace(
            tzinfo=None, second=0, microsecond=0
        )
        end = (until.astimezone(tz) + timedelta(days=1)).replace(tzinfo=None)
        while wall <= end:
            if matches(wall):
                real = wall
                while not _is_real(real, tz):  # it comes when the gap is over
                    real += MINUTE
                found.add(real.replace(tzinfo=tz, fold=0).astimezone(UTC))
            wall += MINUTE
    return sorted(tick for tick in found if after < tick <= until)


def _is_real(wall: datetime, tz: ZoneInfo) -> bool:
    back = wall.replace(tzinfo=tz).astimezone(UTC).astimezone(tz)
    return back.replace(tzinfo=None) == wall


def field(least: int, most: int, *, star: bool = True) -> st.SearchStrategy[str]:
    one = st.integers(least, most).map(str)
    span = st.tuples(st.integers(least, most), st.integers(least, most)).map(
        lambda two: f"{min(two)}-{max(two)}"
    )
    listed = st.lists(one, min_size=2, max_size=3, unique=True).map(",".join)
    kinds = [one, span, listed]
    if star:
        kinds += [st.just("*"), st.integers(1, most).map(lambda step: f"*/{step}")]
    return st.one_of(kinds)


lines = st.tuples(
    field(0, 59), field(0, 6), st.one_of(st.just("*"), field(1, 28)), st.just("*"),
    st.one_of(st.just("*"), field(0, 6, star=False)),
).map(" ".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    line=lines,
    zone=st.sampled_from(ZONES),
    change=st.sampled_from(CHANGES),
    before=st.integers(0, 60 * 30),
    behind=st.integers(0, 60 * 30),
    second=st.integers(0, 59),
)
def test_ticks_are_those_of_a_walk_over_every_minute(
    line: str, zone: str, change: datetime, before: int, behind: int, second: int
) -> None:
    after = change - before * MINUTE + timedelta(seconds=second)
    until = change + behind * MINUTE
    assert list(ticks_between(line, zone, after, until)) == walk(line, zone, after, until)


@settings(max_examples=60, deadline=None)
@given(
    line=lines,
    zone=st.sampled_from(ZONES),
    change=st.sampled_from(CHANGES),
    cuts=st.lists(st.integers(0, 60 * 40), max_size=6),
)
def test_looking_more_often_finds_the_same_ticks(
    line: str, zone: str, change: datetime, cuts: list[int]
) -> None:
    start, end = change - timedelta(hours=20), change + timedelta(hours=20)
    looks = [start, *(start + cut * MINUTE for cut in sorted(cuts)), end]
    piecewise = [
        tick for one, two in pairwise(looks) for tick in ticks_between(line, zone, one, two)
    ]
    assert piecewise == list(ticks_between(line, zone, start, end))


@pytest.mark.parametrize(
    ("day", "ticks"),
    [("2026-03-29", ["2026-03-29T01:00:00Z"]), ("2026-10-25", ["2026-10-25T00:30:00Z"])],
)
def test_a_daily_line_comes_once_where_the_clock_skips_or_repeats_it(
    day: str, ticks: list[str]
) -> None:
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(hours=2)
    found = ticks_between("30 2 * * *", "Europe/Berlin", start, start + timedelta(days=1))
    assert [occurrence_of(tick).name for tick in found] == ticks


def _due(catch_up: str, behind_s: float, line: str = "*/10 * * * *") -> tuple[list[str], int]:
    trigger = Trigger(kind="cron", at=line, catch_up=catch_up)  # type: ignore[arg-type]
    seen = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
    due = plan_due(trigger, seen, seen + timedelta(seconds=behind_s))
    return [tick.strftime("%H:%M") for tick in due.ticks], due.passed_over


def test_missed_ticks_are_made_up_for_as_the_loop_says() -> None:
    assert _due("all", 1900) == (["10:10", "10:20", "10:30"], 0)
    assert _due("last", 1900) == (["10:30"], 2)
    assert _due("none", 1900) == ([], 3)
    fresh = 1800 + GRACE_S - 1
    assert _due("none", fresh) == (["10:30"], 2)
    assert _due("last", fresh) == (["10:30"], 2)
    assert _due("all", fresh) == (["10:10", "10:20", "10:30"], 0)
    assert _due("all", 0) == ([], 0)


def test_a_year_of_missed_minutes_is_bounded_and_counted() -> None:
    ticks, over = _due("all", 86_400 * 3, "* * * * *")
    assert len(ticks) + over == 3 * 1440
    assert len(ticks) == 1000
