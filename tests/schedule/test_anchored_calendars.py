"""What is counted from a start, with what calendars and the sun say: against the days told one at a time."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.check import check
from picosched.errors import PicoschedError
from picosched.settings import load_settings
from picosched.timespec.timespec import FreeDay, Timespec

DAY = timedelta(days=1)
BERLIN = {"lat": 52.52, "lon": 13.40, "zone": "Europe/Berlin"}
ALMANAC = load_settings(None, {}, places={"Berlin": BERLIN}, business_days="DE-BY").almanac
FREE = holidays.country_holidays("DE", "BY")

starts = st.dates(date(1971, 1, 1), date(2090, 1, 1))


def read(text: str, start: date) -> Timespec:
    return Timespec.parse(text, almanac=ALMANAC).starting(datetime.combine(start, time(), UTC))


def fires(timespec: Timespec, first: date, days: int) -> list[date]:
    start = datetime.combine(first, time(), UTC)
    return [at.date() for at in timespec.between(start, start + days * DAY)]


def counted(start: date, weeks: int, days: int) -> list[date]:
    """The days from the start on that are in its week, or so many weeks after it, or twice as many."""
    monday = start - start.weekday() * DAY
    found = [start + n * DAY for n in range(days)]
    return [day for day in found if (day - monday).days // 7 % weeks == 0]


@given(starts, st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_holidays_are_left_out_of_counted_days(start: date, weeks: int) -> None:
    fridays = [day for day in counted(start, weeks, 800) if day.weekday() == 4]
    for days in ("& holidays('DE-BY')", "except holidays('DE-BY')"):
        spec = read(f"every {weeks} weeks on friday at 9:00 {days}", start)
        assert fires(spec, start, 800) == [day for day in fridays if (day in FREE) == (days[0] == "&")]
        assert Timespec.parse(spec.text, almanac=ALMANAC) == spec


@given(starts, st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_business_days_of_every_so_many_weeks(start: date, weeks: int) -> None:
    business = [day for day in counted(start, weeks, 400) if day.weekday() < 5 and day not in FREE]
    spec = read(f"every {weeks} weeks on business days at 9:00", start)
    assert fires(spec, start, 400) == business
    assert Timespec.parse(spec.explain(), almanac=ALMANAC) == spec
    others = read(f"every business day at 9:00 except every {weeks} weeks on business days", start)
    left = [start + n * DAY for n in range(400)]
    left = [day for day in left if day.weekday() < 5 and day not in FREE and day not in business]
    assert fires(others, start, 400) == left


@given(starts, st.integers(2, 9))
@settings(max_examples=20, deadline=None)
def test_the_sun_on_counted_days(start: date, count: int) -> None:
    sun = Timespec.parse('sunset at "Berlin"', almanac=ALMANAC)
    every = [*islice(sun.between(datetime.combine(start, time(), UTC), datetime.max.replace(tzinfo=UTC)), 60)]
    assert [at.date() for at in every] == [start + n * DAY for n in range(60)]
    spec = read(f'every {count} days at sunset in "Berlin"', start)
    assert [*islice(spec.between(every[0], every[-1] + timedelta(hours=1)), 60)] == every[::count]
    others = read(f'sunset at "Berlin" except every {count} days', start)
    assert [*others.between(every[0], every[-1] + timedelta(hours=1))] == [
        at for n, at in enumerate(every) if n % count
    ]


def test_a_day_that_is_left_out_has_its_name() -> None:
    spec = read("every 2 weeks on friday at 17:00 except holidays('DE-BY')", date(2026, 3, 6))
    year = (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
    good, labour = FreeDay(date(2026, 4, 3), "Good Friday"), FreeDay(date(2026, 5, 1), "Labor Day")
    assert [*spec.left_out(*year)] == [good, labour]
    assert spec.calendars and spec.almanac is ALMANAC


def test_names_keep_their_letters_behind_a_start() -> None:
    known = load_settings(None, {}, calendars={"Bank-10T5 x": {"dates": ["2026-03-20"]}}).almanac
    text = 'every 2 weeks on FRIDAY except calendar("Bank-10T5 x")'
    spec = Timespec.parse(text, almanac=known).starting(datetime(2026, 3, 6, tzinfo=UTC))
    assert fires(spec, date(2026, 3, 6), 30) == [date(2026, 3, 6), date(2026, 4, 3)]
    business = Timespec.parse('every business day of "Bank-10T5 x" from 2026-03-19T09:00', almanac=known)
    assert business.text == 'every business day of "Bank-10T5 x" from 2026-03-19T09:00'
    assert fires(business, date(2026, 3, 1), 24) == [date(2026, 3, 19), date(2026, 3, 23), date(2026, 3, 24)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("every 3 days on business days", "they are counted, whatever day it is"),
        (
            'sunset at "Berlin" every 2 weeks on friday from 2026-03-06T09:00',
            "wanted days: sunset is the time",
        ),
        ('every 5 hours from 2026-03-06T09:00 & sunset at "Berlin"', "found sunset, which is no local time"),
        ("every 2 weeks on friday from 2026-03-06 & holidays('DE-BY') & 2026-03-06", "it never fires"),
    ],
)
def test_what_cannot_be_combined_is_refused(text: str, said: str) -> None:
    with pytest.raises(PicoschedError, match=said):
        Timespec.parse(text, almanac=ALMANAC)


def test_check_tells_a_window_that_counts_from_no_start() -> None:
    text = """ruleset pager {
      meta { window pager from "every 2 weeks on business days of 'DE-BY' at 8:00" to "every friday at 18:00"
             shares on_call }
      global { on_call = function() { window:open("pager") } }
    }"""
    assert [each.code for each in check(text)] == ["W411"]
    assert check(text.replace("at 8:00", "at 8:00 from 2026-03-02")) == []
