"""Days counted from the end of the month, nearest and n-th weekdays, and the calendar over its whole cycle.

The oracle holds each day against what an item means; cronsim reads those of the forms that it knows.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from cron_fields import DAY, nexts, starts, utc
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_days import Items, belongs, days_between, month_days, week_days

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 L * *", "01-31 02-28 03-31 04-30"),
        ("0 0 L-3 * *", "01-28 02-25 03-28 04-27"),
        ("0 0 L-30 * *", "01-01 03-01 05-01 07-01"),
        ("0 0 LW * *", "01-30 02-27 03-31 04-30"),
        ("0 0 15W * *", "01-15 02-16 03-16 04-15"),
        ("0 0 1W * *", "01-01 02-02 03-02 04-01 05-01 06-01 07-01 08-03"),  # Saturday 1 August
        ("0 0 31W * *", "01-30 03-31 05-29 07-31 08-31"),
        ("0 0 30W 5,8 *", "05-29 08-31"),  # Sunday 30 August
        ("0 0 28W 2 *", "02-27"),
        ("0 0 * * 5#2", "01-09 02-13 03-13"),
        ("0 0 * * FRI#2", "01-09 02-13 03-13"),
        ("0 0 * * friday#5", "01-30 05-29 07-31"),
        ("0 0 * * 0#1", "01-04 02-01 03-01"),
        ("0 0 * * 7#1", "01-04 02-01 03-01"),
        ("0 0 * * 5L", "01-30 02-27 03-27"),
        ("0 0 * * FRIL", "01-30 02-27 03-27"),
        ("0 0 * * fridayl", "01-30 02-27 03-27"),
        ("0 0 * * L5", "01-30 02-27 03-27"),
        ("0 0 * * 7L", "01-25 02-22"),
        ("0 0 1,15,L * *", "01-01 01-15 01-31 02-01 02-15 02-28"),
        ("0 0 * * 1#1,1#3", "01-05 01-19 02-02 02-16"),
        ("0 0 l,lw,3w feb tues", "02-03 02-10 02-17 02-24 02-27 02-28"),
        ("0 0 */1 * 1L", "01-26 02-23"),  # a star: both must match
        ("0 0 L * 1#1", "01-05 01-31 02-02 02-28"),
        ("0 0 * january,sept thurs", "01-01 01-08 01-15 01-22 01-29 09-03"),
        ("0 0 * June-August Thur", "06-04"),
    ],
)
def test_the_days_of_a_year_are(text: str, expected: str) -> None:
    wanted = [utc(f"2026-{each}") for each in expected.split()]
    assert nexts(Timespec.parse(text), utc("2025-12-31T12:00"), len(wanted)) == wanted


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(of_month=month_days, of_week=week_days, start=st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_after_and_before_agree_with_holding_every_day_against_the_items(
    of_month: Items, of_week: Items, start: date
) -> None:
    timespec = Timespec.parse(f"30 12 {of_month.text} * {of_week.text}")
    end = start + 500 * DAY
    noon = timedelta(hours=12, minutes=30)
    wanted = [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + noon
        for day in days_between(start, end)
        if belongs(day, of_month, of_week)
    ]
    first = datetime(start.year, start.month, start.day, tzinfo=UTC)
    past = first + 501 * DAY
    assert list(timespec.between(first, past)) == wanted
    backwards, at = [], timespec.before(past)
    while at is not None and at >= first:
        backwards.append(at)
        at = timespec.before(at)
    assert backwards == wanted[::-1]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(of_month=month_days, of_week=week_days, minute=st.integers(0, 59), start=starts)
def test_after_agrees_with_trying_every_minute_of_these_days(
    of_month: Items, of_week: Items, minute: int, start: datetime
) -> None:
    timespec = Timespec.parse(f"{minute} 3,4 {of_month.text} * {of_week.text}")
    first = start.replace(second=0, microsecond=0)
    tried = [first + n * timedelta(minutes=1) for n in range(8 * 24 * 60)]
    wanted = [
        at
        for at in tried
        if at.minute == minute and at.hour in (3, 4) and belongs(at.date(), of_month, of_week)
    ]
    assert list(timespec.between(tried[0], tried[-1] + timedelta(minutes=1))) == wanted


@settings(deadline=None, max_examples=150)
@given(
    of_month=st.sampled_from(("*", "L", "LW", "1,L", "15", "3,LW", "*/2")),
    of_week=st.sampled_from(("*", "5#2", "1#1,1#3", "5L", "0L,3", "MON-FRI", "0#5")),
    minute=st.sampled_from(("0", "*/20", "7,9")),
    start=starts,
)
def test_cronsim_agrees_where_it_knows_the_form(
    of_month: str, of_week: str, minute: str, start: datetime
) -> None:
    text = f"{minute} 6 {of_month} * {of_week}"
    assert nexts(Timespec.parse(text), start, 6) == list(islice(CronSim(text, start), 6))


# The whole cycle


@pytest.mark.slow
@pytest.mark.parametrize(
    ("of_month", "of_week", "month"),
    [
        ("29", "MON#5", 2),
        ("29", "*/7", 2),
        ("LW", "*", 2),
        ("1W", "*", 0),
        ("31W", "0L", 0),
        ("L-29", "SAT#5", 0),
        ("*/15", "0#5,6L", 0),
    ],
)
def test_every_fire_in_400_years_is_a_day_that_belongs(of_month: str, of_week: str, month: int) -> None:
    timespec = Timespec.parse(f"0 0 {of_month} {month or '*'} {of_week}")
    found = [at.date() for at in timespec.between(utc("1970-01-01"), utc("2370-01-01"))]
    both = "*" in of_month + of_week
    tests = (_naive(of_month), _naive(of_week))
    wanted = [
        day
        for day in days_between(date(1970, 1, 1), date(2369, 12, 31))
        if month in (0, day.month) and (all if both else any)(test(day) for test in tests)
    ]
    assert found == wanted


def _naive(field: str):  # type: ignore[no-untyped-def]
    """What the fields of the table above mean, written out by hand."""

    def length(day: date) -> int:
        return ((day.replace(day=28) + 4 * DAY).replace(day=1) - DAY).day

    def nearest(day: date, wanted: int) -> bool:
        if wanted > length(day):
            return False
        at = day.replace(day=wanted)
        shift = {6: -1 if wanted > 1 else 2, 7: 1 if wanted < length(day) else -2}.get(at.isoweekday(), 0)
        return day == at + shift * DAY

    return {
        "*": lambda day: True,
        "29": lambda day: day.day == 29,
        "*/7": lambda day: day.isoweekday() == 7,
        "MON#5": lambda day: day.isoweekday() == 1 and day.day > 28,
        "LW": lambda day: nearest(day, length(day)),
        "1W": lambda day: nearest(day, 1),
        "31W": lambda day: nearest(day, 31),
        "0L": lambda day: day.isoweekday() == 7 and day.day + 7 > length(day),
        "L-29": lambda day: day.day == length(day) - 29,
        "SAT#5": lambda day: day.isoweekday() == 6 and day.day > 28,
        "*/15": lambda day: day.day in (1, 16, 31),
        "0#5,6L": lambda day: (
            (day.isoweekday() == 7 and day.day > 28) or (day.isoweekday() == 6 and day.day + 7 > length(day))
        ),
    }[field]


@given(of_month=month_days, of_week=week_days, month=st.integers(1, 12))
def test_what_is_refused_never_comes_in_400_years(of_month: Items, of_week: Items, month: int) -> None:
    text = f"0 0 {of_month.text} {month} {of_week.text}"
    try:
        timespec = Timespec.parse(text)
    except PicoschedError as refused:
        assert "it never fires" in refused.message
        for year in range(2000, 2400):
            first = date(year, month, 1)
            assert not any(
                belongs(day, of_month, of_week)
                for day in days_between(first, first + 30 * DAY)
                if day.month == month
            )
    else:
        assert timespec.after(utc("2000-01-01")) is not None


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(of_month=month_days, of_week=week_days, month=st.integers(1, 12))
def test_the_period_is_the_least_distance_of_two_fires_in_the_whole_cycle(
    of_month: Items, of_week: Items, month: int
) -> None:
    try:
        timespec = Timespec.parse(f"0 0 {of_month.text} {month},2 {of_week.text}")
    except PicoschedError as refused:
        assert "it never fires" in refused.message
        return
    fires = timespec.between(utc("1600-01-01"), utc("2020-01-01"))
    assert timespec.period() == min(later - earlier for earlier, later in pairwise(fires))
