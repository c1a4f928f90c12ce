"""Recurrence counted from a start: against a walk from day to day, and against dateutil."""

import calendar
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cron_fields import nexts, utc
from dateutil.rrule import DAILY, FR, MONTHLY, WEEKLY, YEARLY, rrule, weekday
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec

DAY = timedelta(days=1)
NAMES = "monday tuesday wednesday thursday friday saturday sunday".split()

days = st.dates(date(1890, 1, 1), date(2450, 12, 31))
some_weekdays = st.sets(st.integers(0, 6), min_size=1, max_size=3).map(sorted)


def ordinal(n: int) -> str:
    return f"{n}{'th' if 10 < n < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def fired(timespec: Timespec, first: date, count: int) -> list[date]:
    """The days of its first fires from a day on."""
    since = datetime.combine(first, datetime.min.time(), UTC) - timedelta(seconds=1)
    return [at.date() for at in nexts(timespec, since, count)]


# A walk from day to day


@given(start=days, count=st.integers(1, 500), look=st.integers(-400, 4_000))
def test_every_so_many_days(start: date, count: int, look: int) -> None:
    spec = Timespec.parse(f"every {count} days at 9:00 from {start}")
    since = start + look * DAY
    wanted = [day for n in range(3 * count + 410) if (day := since + n * DAY) >= start]
    wanted = [day for day in wanted if (day - start).days % count == 0]
    found = fired(spec, since, 3)
    assert found == wanted[: len(found)] and len(found) == 3
    assert spec.before(datetime.combine(found[1], datetime.min.time(), UTC)).date() == found[0]
    assert spec.before(datetime.combine(start, datetime.min.time(), UTC)) is None


@given(start=days, count=st.integers(1, 12), weekdays=some_weekdays, look=st.integers(0, 1_000))
def test_every_so_many_weeks(start: date, count: int, weekdays: list[int], look: int) -> None:
    named = " and ".join(NAMES[n] for n in weekdays)
    spec = Timespec.parse(f"every {count} weeks on {named} from {start}")
    monday = start - start.weekday() * DAY
    since = start + look * DAY
    wanted = [
        day
        for n in range(20 * 7 * count)
        if (day := since + n * DAY).weekday() in weekdays and (day - monday).days // 7 % count == 0
    ]
    assert fired(spec, since, 5) == wanted[:5]


@given(start=days, count=st.integers(1, 30), day=st.integers(1, 31), look=st.integers(0, 3_000))
def test_every_so_many_months(start: date, count: int, day: int, look: int) -> None:
    spec = Timespec.parse(f"every {count} months on the {ordinal(day)} from {start}")
    since = start + look * DAY
    wanted: list[date] = []
    month = 12 * start.year + start.month - 1
    while len(wanted) < 4 and month < 12 * 9999:
        year, place = divmod(month, 12)
        if day <= calendar.monthrange(year, place + 1)[1] and date(year, place + 1, day) >= since:
            wanted.append(date(year, place + 1, day))
        month += count
    assert fired(spec, since, 4) == wanted


@given(start=days, count=st.integers(1, 9), back=st.booleans(), of_week=st.integers(0, 6))
def test_a_weekday_of_every_so_many_months(start: date, count: int, back: bool, of_week: int) -> None:
    which, step = ("last", -1) if back else ("2nd", 2)
    spec = Timespec.parse(f"every {count} months on the {which} {NAMES[of_week]} from {start}")
    rule = rrule(
        MONTHLY,
        interval=count,
        byweekday=weekday(of_week, step),
        dtstart=datetime.combine(start, datetime.min.time()),
    )
    assert fired(spec, start, 8) == [at.date() for at in islice(rule, 8)]


# dateutil


UNITS = {"days": DAILY, "weeks": WEEKLY, "months": MONTHLY, "years": YEARLY}


@settings(deadline=None)
@given(start=days, count=st.integers(1, 40), unit=st.sampled_from(list(UNITS)))
def test_what_is_not_named_is_that_of_the_start(start: date, count: int, unit: str) -> None:
    text = f"every {count} {unit} at 17:30 from {start}"
    if (count, unit) == (1, "days"):
        text = f"every day at 17:30 from {start}"
    rule = rrule(UNITS[unit], interval=count, dtstart=datetime(start.year, start.month, start.day, 17, 30))
    wanted = [at.replace(tzinfo=UTC) for at in islice(rule, 6)]
    assert nexts(Timespec.parse(text), utc("1600-01-01"), 6)[: len(wanted)] == wanted


# What is said reads back

PHRASES = [
    "every 2 weeks on friday at 17:00",
    "every 3 days",
    "every 3 days at 09:00",
    "every 7 days",
    "every 2 months on the last friday",
    "every 2 months on the 15th at 08:00",
    "every 2 months on the 31st",
    "every 2 weeks on monday and friday in june",
    "every 5 weeks on monday or on the 13th",
    "every 3 months",
    "every 5 months on the first weekday at 9",
    "every 2 years",
    "every 2 years on the 24th of december at 18:00",
    "on the last friday of every 2nd month",
    "every 3 days in june",
    "every 15 minutes from 9:00 to 17:00 every 2 days",
    "every 2 weeks on friday except 2026-12-25",
    "every 3 days at 9:00 | every 2 weeks on friday at 17:00",
]


@pytest.mark.parametrize("text", PHRASES)
@pytest.mark.parametrize("tz", ["UTC", "America/New_York"])
def test_what_counts_without_a_start_is_given_one(text: str, tz: str) -> None:
    open = Timespec.parse(text, tz)
    bound = open.starting(utc("2026-03-06T02:30"))
    start = "2026-03-06" if tz == "UTC" else "2026-03-05"
    assert open.open and not bound.open and f"from {start}" in bound.text
    assert Timespec.parse(bound.text, tz) == bound
    assert Timespec.parse(bound.text, tz).text == bound.text
    assert bound.starting(utc("2030-01-01")) is bound
    assert bound.after(utc("0001-01-01")) >= datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(tz))


@pytest.mark.parametrize("text", PHRASES[:-2])
def test_the_words_of_it_read_as_the_same_times(text: str) -> None:
    for spec in (Timespec.parse(text), Timespec.parse(text).starting(utc("2026-03-06"))):
        assert Timespec.parse(spec.explain()) == spec, spec.explain()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "every 2 weeks on friday at 17:00 from 2026-03-06",
            "at 17:00 every 2 weeks on Friday from 2026-03-06",
        ),
        ("every 3 days from 2026-03-06", "at 00:00 every 3 days from 2026-03-06"),
        ("every 3 days from 2026-03-06T09:00", "at 09:00 every 3 days from 2026-03-06"),
        (
            "every 2 months on the last friday from 2026-03-06",
            "at 00:00 on the last Friday of every 2nd month from 2026-03-06",
        ),
        (
            "every 2 years on the 24th of december from 2026-03-06",
            "at 00:00 on day 24 of December every 2 years from 2026-03-06",
        ),
        ("every 5 hours from 2026-03-06T09:00", "every 5 hours from 2026-03-06T09:00"),
        ("weekdays at 9 from 2026-03-06", "at 09:00 on Monday to Friday from 2026-03-06"),
    ],
)
def test_it_is_told_in_words(text: str, words: str) -> None:
    assert Timespec.parse(text).explain() == words


# Where it begins


def test_a_week_is_that_of_the_start_even_if_its_day_has_passed() -> None:
    spec = Timespec.parse("every 2 weeks on friday at 17:00").starting(utc("2026-03-07T12:00"))
    rule = rrule(WEEKLY, interval=2, byweekday=FR, dtstart=datetime(2026, 3, 7, 17))
    assert [at.replace(tzinfo=None) for at in nexts(spec, utc("2026-03-07"), 3)] == list(islice(rule, 3))


def test_an_interval_is_counted_from_its_start() -> None:
    spec = Timespec.parse("every 15 minutes from 2026-03-06T09:05")
    assert spec.after(utc("2026-01-01")) == utc("2026-03-06T09:05")
    assert spec.after(utc("2026-03-06T09:05")) == utc("2026-03-06T09:20")
    assert spec.before(utc("2026-03-06T09:05")) is None
    in_berlin = Timespec.parse("every 5 hours from 2026-03-28T23:00", "Europe/Berlin")
    assert nexts(in_berlin, utc("2026-01-01"), 3) == [
        utc("2026-03-28T22:00"), utc("2026-03-29T03:00"), utc("2026-03-29T08:00"),
    ]  # fmt: skip


def test_clocks_that_change() -> None:
    spec = Timespec.parse("every 2 weeks on sunday at 2:30 from 2026-03-15", "Europe/Berlin")
    assert nexts(spec, utc("2026-03-01"), 2) == [utc("2026-03-15T01:30"), utc("2026-03-29T01:00")]
    spec = Timespec.parse("every 7 days from 2026-10-11T02:30", "Europe/Berlin")
    assert nexts(spec, utc("2026-10-01"), 3) == [
        utc("2026-10-11T00:30"), utc("2026-10-18T00:30"), utc("2026-10-25T00:30"),
    ]  # fmt: skip


def test_to_the_last_year() -> None:
    spec = Timespec.parse("every 2 weeks on friday from 9999-12-01")
    assert [at.day for at in nexts(spec, utc("9999-01-01"), 9)] == [3, 17, 31]
    assert Timespec.parse("every 30 months from 9999-01-31").after(utc("9999-02-01")) is None
    leap = Timespec.parse("every 2 years from 2096-02-29")
    assert [at.year for at in nexts(leap, utc("2096-01-01"), 3)] == [2096, 2104, 2108]
    assert Timespec.parse("every 36525 days from 0001-01-01").before(utc("9999-12-31")) is not None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "every 3rd day",
            'column 7: found "3rd", wanted "on the 3rd day of every month" or "every 3 days", whichever',
        ),
        ("every 3rd day at 9:00", '"every 3 days"'),
        ("on every second day", '"on the second day of every month" or "every 2 days"'),
        ("every 2nd friday at 9", '"on the 2nd friday of every month" or "every 2 weeks on friday"'),
        ("every 2nd week on friday", 'column 7: found "2nd", wanted "every 2 weeks"'),
        ("every 3 days from 2026-02-30", 'column 19: found "2026-02-30", wanted an existing day and time'),
        ("every 3 days from 2026-03-06 from 2026-03-07", "wanted one start"),
        ("every 3 days at 8:00 from 2026-03-06T09:00", "or the time of the first after from, and not both"),
        ("every 2 days on mondays", "wanted every 2 days alone"),
        ("every 2 months on the 1st of every 3rd month", "wanted the months once"),
        ("every 2 weeks on friday from 2026-03-06 & mondays", "never fires"),
        ("every 4 years on the 29th of february from 2026-03-06", "it never fires"),
    ],
)
def test_what_could_mean_two_things_is_refused(text: str, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert raised.value.code == "invalid" and fault in raised.value.message


def test_of_the_month_it_is_one_day() -> None:
    assert Timespec.parse("every 3rd day of the month") == Timespec.parse("0 0 3 * *")
    assert Timespec.parse("every 2nd friday of month") == Timespec.parse("0 0 * * 5#2")
