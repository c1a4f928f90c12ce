"""Timespecs that name calendars, against the days told one at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import holidays
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from picosched.errors import PicoschedError
from picosched.settings import load_settings
from picosched.timespec.almanac import MOST_CALENDARS, PLAIN, Almanac
from picosched.timespec.calendar import Calendar
from picosched.timespec.timespec import FreeDay, Timespec

DAY = timedelta(days=1)
CODES = ("DE-BY", "US", "GB-SCT", "JP", "XNYS")
Free = Callable[[date], bool]


def free_by(code: str) -> Free:
    """Whether a day is a holiday, as the package itself answers."""
    country, _, part = code.partition("-")
    exchange = country in holidays.list_supported_financial()
    known = (
        holidays.financial_holidays(code) if exchange else holidays.country_holidays(country, part or None)
    )
    return lambda day: day in known


FREE = {code: free_by(code) for code in CODES}


def almanac(**tables: Any) -> Almanac:
    return load_settings(None, {}, **tables).almanac


def fires(text: str, first: date, days: int, tz: str = "UTC", known: Almanac = PLAIN) -> list[date]:
    """The days on which it fires, of so many from `first` on."""
    start = datetime.combine(first, datetime.min.time(), UTC)
    return [each.date() for each in Timespec.parse(text, tz, known).between(start, start + days * DAY)]


def days_from(first: date, days: int) -> list[date]:
    return [first + n * DAY for n in range(days)]


first_days = st.dates(date(1970, 1, 2), date(2099, 1, 1))
codes = st.sampled_from(CODES)


@given(codes, first_days, st.sampled_from(["", "weekdays ", "mondays and fridays "]))
@settings(max_examples=60, deadline=None)
def test_holidays_are_left_out_of_days(code: str, first: date, which: str) -> None:
    weekdays = {"": range(7), "weekdays ": range(5), "mondays and fridays ": (0, 4)}[which]
    naive = [day for day in days_from(first, 400) if day.weekday() in weekdays and not FREE[code](day)]
    assert fires(f'{which}at 9:00 except holidays("{code}")', first, 400) == naive
    kept = [day for day in days_from(first, 400) if day.weekday() in weekdays and FREE[code](day)]
    assert fires(f'{which}at 9:00 & holidays("{code}")', first, 400) == kept


@given(codes, first_days, st.integers(-8, 8).filter(bool))
@example("DE-BY", date(2026, 1, 1), -1)
@settings(max_examples=60, deadline=None)
def test_the_nth_business_day_of_a_month(code: str, first: date, n: int) -> None:
    month = first.replace(day=1)
    business = [day for day in days_from(month, 31) if day.month == month.month]
    business = [day for day in business if day.weekday() < 5 and not FREE[code](day)]
    wanted = business[n - 1 if n > 0 else n]
    ordinal = ("last" if n == -1 else f"{-n}th last") if n < 0 else f"{n}th"
    ordinal = ordinal.replace("1th", "1st").replace("2th", "2nd").replace("3th", "3rd")
    text = f'{ordinal} business day of "{code}" of month'
    assert fires(text, month, 31)[0] == wanted
    assert (
        fires("last business day of month", month, 31, known=almanac(business_days=code))[0] == business[-1]
    )


@given(codes, first_days)
@settings(max_examples=30, deadline=None)
def test_every_business_day_and_what_is_left_out(code: str, first: date) -> None:
    known = almanac(business_days=code)
    weekdays = [day for day in days_from(first, 100) if day.weekday() < 5]
    assert fires("every business day at 09:00", first, 100, known=known) == [
        day for day in weekdays if not FREE[code](day)
    ]
    start = datetime.combine(first, datetime.min.time(), UTC)
    left_out = Timespec.parse("every business day at 09:00", "UTC", known).left_out(start, start + 100 * DAY)
    assert [each.day for each in left_out] == [day for day in weekdays if FREE[code](day)]


SAME = [
    ("weekdays except holidays('DE-BY')", 'weekdays  except  HOLIDAYS ( "de-by" )'),
    ('first business day of "US" of month at 9', 'at 9 on the first business day of month of "US"'),
    (
        '{"dates": "last business day of \'US\'", "hours": 9, "minutes": 0}',
        'last business day of "US" of month at 9:00',
    ),
    ('{"weekdays": "business days of \'US\'", "hours": 9, "minutes": 0}', 'business days of "US" at 9:00'),
    ("daily at 9 except 2026-12-24 to 2027-01-02", "0 9 * * * except 2026-12-24..2027-01-02"),
    ("last business day of month at 9", "last weekday of month at 9"),
    ("business days at 9", "weekdays at 9"),
    ('last business day of "US" of year', 'last business day of "US" of december'),
    ('0 9 * * 1-5 except holidays("US")', 'every business day of "US" at 9:00'),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize("tz", ["UTC", "America/New_York"])
def test_texts_that_mean_the_same(one: str, other: str, tz: str) -> None:
    assert Timespec.parse(one, tz) == Timespec.parse(other, tz)
    assert Timespec.parse(Timespec.parse(one, tz).text, tz) == Timespec.parse(one, tz)


@pytest.mark.parametrize(
    "text",
    [
        'at 09:00 on the 1st and 3rd business day of "DE-BY"',
        'business days of "DE-BY" and saturdays at 9',
        'on day 13 of month if it is a business day of "DE-BY" at 8',
        'on day 13 of june and on every business day of "DE-BY" in june',
        '2nd last business day of "DE-BY" of year at noon',
        'last friday and first business day of "DE-BY" of june at 9:00',
    ],
)
def test_words_of_business_days_read_back(text: str) -> None:
    timespec = Timespec.parse(text)
    assert Timespec.parse(timespec.explain()) == timespec
    assert 'of "DE-BY"' in timespec.explain()


FAULTS = [
    ('weekdays except holidays("XX")', 'column 17: found the holidays of "XX", wanted', "not_found"),
    ('weekdays except holidays("DE-XX")', 'found the holidays of "DE-XX", wanted one of', "not_found"),
    ('weekdays except holidays("DE BY")', "wanted a code such as US or DE-BY", "not_found"),
    ('weekdays except calendar("works")', 'column 17: found the calendar "works", wanted', "not_found"),
    ('weekdays of "DE"', "wanted business days, to go by that calendar", "invalid"),
    ('1st business day of "DE" and last business day of "US"', 'found ""US"", wanted "DE"', "invalid"),
    ('holidays("DE")', "wanted a time as well", "invalid"),
    ('holidays("DE") at 9', "wanted nothing more", "invalid"),
    ('holidays(DE)', 'wanted a name in parentheses and quotes, as in holidays("…")', "invalid"),
    ("daily at 9 except 2026-12-24 to 2026-12-20", "wanted the earlier date first", "invalid"),
    ("business day nearest the 15th of month", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said", "code"), FAULTS)
def test_what_no_calendar_has(text: str, said: str | None, code: str) -> None:
    if said is None:
        assert Timespec.parse(text) == Timespec.parse(text.replace("business day", "weekday"))
        with pytest.raises(PicoschedError, match='found "business", wanted weekday'):
            Timespec.parse(text, "UTC", almanac(business_days="US"))
        return
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert said in raised.value.message
    assert raised.value.code == code


def test_what_a_calendar_does_not_know_is_not_left_out_and_told_a_year_before() -> None:
    timespec = Timespec.parse('daily at 9 except holidays("DE-BY")')
    assert fires(timespec.text, date(2100, 12, 25), 1) == []
    assert fires(timespec.text, date(2101, 12, 25), 1) == [date(2101, 12, 25)]
    assert fires(timespec.text, date(9999, 12, 25), 5)[-1] == date(9999, 12, 29)
    assert timespec.ending(datetime(2099, 12, 29, tzinfo=UTC)) is None
    told = 'holidays("DE-BY") knows no day after 2100-12-31: from then on it leaves none out'
    assert timespec.ending(datetime(2099, 12, 31, tzinfo=UTC)) == told


def test_calendars_end_at_midnight_where_the_clocks_are_set() -> None:
    """On 29 March 2026 Berlin has no 02:30; the Sunday is left out as a whole, whatever its length."""
    known = almanac(calendars={"c": {"dates": ["2026-03-29"]}})
    spec = Timespec.parse("30 * * * * except calendar('c')", "Europe/Berlin", known)
    start, end = datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert [f"{each:%d %H:%M}" for each in spec.between(start, end)] == ["28 22:30", "29 22:30"]
    assert [*spec.left_out(start, end)] == [FreeDay(date(2026, 3, 29), "c")]


def test_dates_of_ones_own() -> None:
    dates = {"--12-24": "Christmas Eve", "2026-08-03..2026-08-04": "summer", "2028-02-29": None}
    known = almanac(calendars={"c": {"dates": dates}})
    spec = Timespec.parse('daily at 9 except calendar("c")', "UTC", known)
    assert spec.explain() == "at 09:00 every day, except on days of the calendar c"
    for year in (1, 2026, 9998):
        assert fires(spec.text, date(year, 12, 23), 3, known=known) == [
            date(year, 12, 23),
            date(year, 12, 25),
        ]
    assert fires(spec.text, date(2028, 2, 28), 2, known=known) == [date(2028, 2, 28)]
    left_out = spec.left_out(datetime(2026, 7, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC))
    assert [str(each) for each in left_out] == [
        "Mon 2026-08-03: summer",
        "Tue 2026-08-04: summer",
        "Thu 2026-12-24: Christmas Eve",
        "Fri 2027-12-24: Christmas Eve",
        "Tue 2028-02-29: c",
    ]
    assert spec.ending(datetime(2030, 1, 1, tzinfo=UTC)) is None


ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:closed
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Works holiday
END:VEVENT
BEGIN:VEVENT
UID:stock
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20260615T220000
DTEND;TZID=Europe/Berlin:20260616T000000
RRULE:FREQ=MONTHLY;UNTIL=20260915T200000Z
EXDATE;TZID=Europe/Berlin:20260715T220000
SUMMARY:Stocktaking
END:VEVENT
BEGIN:VEVENT
UID:stock
DTSTAMP:20260101T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20260815T220000
DTSTART;TZID=Europe/Berlin:20260817T220000
DTEND;TZID=Europe/Berlin:20260818T010000
SUMMARY:Stocktaking
END:VEVENT
BEGIN:VEVENT
UID:gone
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260301
STATUS:CANCELLED
SUMMARY:Called off
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "works.ics").write_text(ICS, newline="\r\n")
    return tmp_path


def read_toml(folder: Path, text: str) -> Almanac:
    (folder / "picosched.toml").write_text(text)
    return load_settings(folder / "picosched.toml", {}).almanac


def test_an_ics_file_names_each_day_that_an_event_touches(folder: Path) -> None:
    works = read_toml(folder, '[calendar]\nworks = {ics = "works.ics"}').calendars["works"]
    assert {date.fromordinal(day + 1).isoformat(): name for day, name in sorted(works.named.items())} == {
        "2026-06-15": "Stocktaking",
        "2026-08-17": "Stocktaking",
        "2026-08-18": "Stocktaking",
        "2026-09-15": "Stocktaking",
        "2026-12-24": "Works holiday",
        "2026-12-25": "Works holiday",
        "2026-12-26": "Works holiday",
    }
    assert works.last == date(2026, 12, 26)


def test_a_calendar_of_several_parts_has_the_days_of_all_and_ends_with_the_first(folder: Path) -> None:
    toml = """
        [engine]
        business_days = "works"

        [calendar.works]
        ics = "works.ics"
        holidays = "DE-BY"
        dates = ["2026-12-31", 2027-01-04]
        """
    known = read_toml(folder, toml)
    assert fires("business days", date(2026, 12, 22), 15, known=known) == [
        date(2026, 12, day) for day in (22, 23, 28, 29, 30)
    ] + [date(2027, 1, 5)]
    assert known.calendars["works"].last == date(2026, 12, 26)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[calendar]\nc = {ics = "no.ics"}', "the calendar c, ics: there is no file"),
        ('[calendar]\nc = {ics = "picosched.toml"}', "picosched.toml: is no iCalendar file"),
        ("[calendar]\nc = {ics = 1}", "ics: found 1, wanted the path of a file"),
        ("[calendar]\nc = {}", "the calendar c: found {}, wanted a table of one or more of dates, holi"),
        ('[calendar]\nc = {day = "x"}', "wanted a table of one or more of"),
        ("[calendar]\nc = {dates = []}", "wanted a list of days such as"),
        ('[calendar]\nc = {dates = ["2026-02-30"]}', 'found "2026-02-30", wanted an existing day'),
        ('[calendar]\nc = {dates = ["2026-02-03T09:00"]}', "wanted a day and its name"),
        ('[calendar]\nc = {dates = ["0001-01-01..9999-01-01"]}', "found more than 10,000 days"),
        ('[calendar]\nc = {holidays = "XX"}', 'the calendar c, holidays: found the holidays of "XX"'),
        ("[calendar]\n'a\"b' = {dates = [\"2026-01-01\"]}", "wanted one without quotes"),
        ('[engine]\nbusiness_days = "XX"', '[engine]: business_days: found the holidays of "XX"'),
        ("[engine]\nbusiness_days = 5", "business_days: found 5, wanted a code of holidays"),
        ("calendar = 3", "calendar: found 3, wanted a table [calendar]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_calendar_of_the_settings(folder: Path, toml: str, said: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        read_toml(folder, toml)
    assert said in raised.value.message


def repeating(folder: Path, rule: str, length: str = "PT1H", several: int = 1) -> Calendar:
    """A calendar file of events from 2026-01-01 at 8:00 with one rule."""
    event = (
        f"BEGIN:VEVENT\nUID:{{}}\nDTSTAMP:20260101T000000Z\nDTSTART:20260101T080000\n"
        f"DURATION:{length}\nRRULE:{rule}\nSUMMARY:again\nEND:VEVENT\n"
    )
    events = "".join(map(event.format, range(several)))
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{events}END:VCALENDAR\n"
    (folder / "works.ics").write_text(text, newline="\r\n")
    return read_toml(folder, '[calendar]\nworks = {ics = "works.ics"}').calendars["works"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "length", "several"),
    [
        ("FREQ=SECONDLY", "PT1S", 1),
        ("FREQ=MINUTELY;INTERVAL=3;BYDAY=MO,TU", "PT1M", 1),
        ("FREQ=SECONDLY;COUNT=900000000;BYMONTHDAY=31", "PT1S", 1),
        ("FREQ=DAILY", "PT1H", 40),
        ("FREQ=DAILY", "P300D", 1),
    ],
)
def test_an_ics_file_of_too_many_occurrences_is_refused(
    folder: Path, rule: str, length: str, several: int
) -> None:
    with pytest.raises(PicoschedError, match="wanted fewer") as raised:
        repeating(folder, rule, length, several)
    assert raised.value.code == "too_large"


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;UNTIL=20251231T080000Z",
    ],
)
def test_an_ics_rule_that_never_fires_leaves_the_start(folder: Path, rule: str) -> None:
    """To look for its days one by one would take longer than anybody waits."""
    assert repeating(folder, rule).named == {date(2026, 1, 1).toordinal() - 1: "again"}


def test_an_ics_rule_without_an_end_is_followed_up_to_2100(folder: Path) -> None:
    days = repeating(folder, "FREQ=WEEKLY;WKST=MO;BYDAY=TH").named
    assert len(days) == 3_914 and date.fromordinal(max(days) + 1) == date(2100, 12, 30)


def test_an_ics_rule_that_is_none_is_told(folder: Path) -> None:
    with pytest.raises(PicoschedError, match=r"works\.ics: timespec .*FREQ=DAILY;BYHOUR=99"):
        repeating(folder, "FREQ=DAILY;BYHOUR=99")


def test_an_ics_file_without_a_day_is_told(folder: Path) -> None:
    (folder / "works.ics").write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n")
    with pytest.raises(PicoschedError, match="found no event with a day"):
        read_toml(folder, '[calendar]\nworks = {ics = "works.ics"}')


def test_timespecs_keep_their_almanac_when_combined() -> None:
    known = almanac(calendars={"c": {"dates": ["2026-03-02"]}})
    spec = Timespec.parse("daily at 9 except calendar('c')", "UTC", known)
    plain = Timespec.parse("0 9 * * 1")
    assert fires((plain & spec).text, date(2026, 3, 1), 10, known=known) == [date(2026, 3, 9)]
    assert (plain & spec).almanac is known
    assert spec.without(["2026-03-03"]).almanac is known


def test_a_text_names_only_so_many_calendars() -> None:
    codes = ("AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE")
    some = ", ".join(f'holidays("{code}")' for code in codes[:MOST_CALENDARS])
    assert Timespec.parse(f'daily at 9 except {some}, holidays("AT")').calendars
    with pytest.raises(
        PicoschedError, match=r"column .*: found more than 10 calendars, wanted fewer"
    ) as told:
        Timespec.parse(f'daily at 9 except {some}, holidays("{codes[-1]}")')
    assert told.value.code == "too_large"
