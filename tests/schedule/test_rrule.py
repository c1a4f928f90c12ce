"""Recurrence rules of iCalendar, read and written; dateutil is the oracle."""

import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cron_fields import Field, hours, minutes, months, nexts, utc
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive_days import Items, month_days, week_days

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec

WEEKDAYS = "MO TU WE TH FR SA SU".split()
LAST = datetime.max.replace(tzinfo=UTC)


def fired(timespec: Timespec, count: int, since: str = "0001-01-01") -> list[datetime]:
    """Its first fires, without an offset."""
    return [at.replace(tzinfo=None) for at in nexts(timespec, utc(since), count)]


def wanted(text: str, count: int) -> list[datetime]:
    return list(islice(rrulestr(text), count))


# Any rule, against dateutil


def numbers(low: int, high: int, signed: bool = False, most: int = 3) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    one = st.one_of(one, one.map(lambda n: -n)) if signed else one
    return st.sets(one, min_size=1, max_size=most).map(lambda some: ",".join(map(str, sorted(some))))


def rules(frequencies: str, *names: str, nth: bool = False, most: int = 1) -> st.SearchStrategy[str]:
    """Rules as text, each part of those names there or not.

    dateutil tries every day, or second, of a rule that never fires: what would fire too rarely is left out.
    """
    day = st.sampled_from(WEEKDAYS)
    if nth:
        day = st.tuples(st.sampled_from(["1", "2", "4", "5", "-1", "-2"]), day).map("".join)
    parts = {
        "INTERVAL": st.sampled_from(["1", "2", "3", "4", "5", "11", "12", "30"]),
        "BYMONTH": numbers(1, 12),
        "BYYEARDAY": numbers(1, 366, signed=True),
        "BYMONTHDAY": numbers(1, 31 if nth else 28, signed=True, most=5),
        "BYDAY": st.sets(day, min_size=1, max_size=4).map(lambda some: ",".join(sorted(some))),
        "BYHOUR": numbers(0, 23),
        "BYMINUTE": numbers(0, 59),
        "BYSECOND": numbers(0, 59),
        "BYSETPOS": numbers(1, most, signed=True),
        "WKST": st.sampled_from(["MO", "SU", "WE"]),
    }
    chosen = st.fixed_dictionaries(
        {"FREQ": st.sampled_from(frequencies.split())},
        optional={name: part for name, part in parts.items() if not names or name in names},
    )
    return chosen.map(lambda some: ";".join(f"{name}={value}" for name, value in some.items()))


TIMES = ("INTERVAL", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS")
DATES = (*TIMES, "BYMONTH", "BYMONTHDAY", "WKST")
starts = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(microsecond=0))


def check_like_dateutil(rule: str, start: datetime, ends: str = "") -> None:
    assume("BYSETPOS" not in rule or rule.count("BY") > 1)
    if "WEEKLY" in rule and "BYSETPOS" in rule:
        # To dateutil the first week begins at the start, to the RFC it is a whole week.
        first = {"MO": 0, "SU": 6, "WE": 2}[rule.partition("WKST=")[2][:2] or "MO"]
        start = start.replace(hour=0, minute=0, second=0) - timedelta((start.weekday() - first) % 7)
    text = f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{rule}{ends}"
    try:
        expected = wanted(text, 8)
    except ValueError as refused:
        assert "empty" in str(refused)
        expected = []
    try:
        timespec = Timespec.parse(text)
    except PicoschedError as refused:
        assert "never fires" in refused.message and not expected
        return
    assert fired(timespec, 8) == expected
    assert Timespec.parse(timespec.text) == timespec and Timespec.parse(timespec.text).text == timespec.text
    if "COUNT" in ends:
        assert timespec.before(LAST).replace(tzinfo=None) == wanted(text, 100)[-1]


@settings(deadline=None, max_examples=200)
@given(rule=rules("DAILY WEEKLY MONTHLY", *DATES), start=starts)
@pytest.mark.slow
def test_rules_of_days_weeks_and_months(rule: str, start: datetime) -> None:
    check_like_dateutil(rule, start)


@settings(deadline=None, max_examples=100)
@given(rule=rules("YEARLY", nth=True, most=5), start=starts)
@pytest.mark.slow
def test_rules_of_years(rule: str, start: datetime) -> None:
    check_like_dateutil(rule, start)


@settings(deadline=None, max_examples=100)
@given(weeks=numbers(1, 52), start=starts, first=st.sampled_from(["MO", "SU", "TH"]))
@pytest.mark.slow
def test_rules_of_week_numbers(weeks: str, start: datetime, first: str) -> None:
    assume("52" not in weeks and "-1" not in weeks.split(","))  # dateutil miscounts the weeks of a year
    check_like_dateutil(f"FREQ=YEARLY;BYWEEKNO={weeks};WKST={first}", start)


@pytest.mark.parametrize("week", [1, 52, 53, -1])
def test_the_weeks_of_a_year_are_those_of_iso_8601(week: int) -> None:
    timespec = Timespec.parse(f"DTSTART:20050101T000000\nRRULE:FREQ=YEARLY;BYWEEKNO={week}")
    days = [date(2005, 1, 1) + timedelta(days=number) for number in range(15 * 366)]
    last = {year: date(year, 12, 28).isocalendar().week for year in range(2004, 2021)}

    def is_in(day: date) -> bool:
        year, number, _ = day.isocalendar()
        return number == (week if week > 0 else last[year])

    expected = [day for day in days if is_in(day)][:16]
    assert [time.date() for time in fired(timespec, 16)] == expected


@settings(deadline=None, max_examples=200)
@given(rule=rules("HOURLY MINUTELY SECONDLY", *TIMES), start=starts)
@pytest.mark.slow
def test_rules_within_a_day(rule: str, start: datetime) -> None:
    check_like_dateutil(rule, start)


@settings(deadline=None, max_examples=200)
@given(rule=rules("DAILY WEEKLY MONTHLY", *DATES), start=starts, count=st.integers(1, 30))
@pytest.mark.slow
def test_the_count_begins_at_the_start(rule: str, start: datetime, count: int) -> None:
    check_like_dateutil(rule, start, f";COUNT={count}")


@settings(deadline=None, max_examples=100)
@given(rule=rules("WEEKLY HOURLY", *TIMES), start=starts, seconds=st.integers(0, 20_000_000))
@pytest.mark.slow
def test_the_end_is_the_last_time(rule: str, start: datetime, seconds: int) -> None:
    check_like_dateutil(rule, start, f";UNTIL={start + timedelta(seconds=seconds):%Y%m%dT%H%M%S}")


EXAMPLES = [
    # American elections, every four years
    "DTSTART:19961105T090000\nRRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
    # Friday the 13th
    "DTSTART:19970902T090000\nRRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    # The first and the second last Sunday; the second last workday
    "DTSTART:19970907T090000\nRRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
    "DTSTART:19970929T090000\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
    # The same rule with weeks that begin on another day
    "DTSTART:19970805T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
    "DTSTART:19970805T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
    # The 20th Monday of the year; Monday of week 20
    "DTSTART:19970519T090000\nRRULE:FREQ=YEARLY;BYDAY=20MO",
    "DTSTART:19970512T090000\nRRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "DTSTART:19971229T090000\nRRULE:FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO,SU",
    "DTSTART:19970310T090000\nRRULE:FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200,-1",
    # Every 20 minutes from 9:00 to 16:40, said in two ways
    "DTSTART:19970902T090000\nRRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
    "DTSTART:19970902T090000\nRRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    # What does not divide a day
    "DTSTART:19970902T090000\nRRULE:FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,30",
    "DTSTART:19970902T090000\nRRULE:FREQ=MINUTELY;INTERVAL=100;BYDAY=TU;COUNT=40",
    "DTSTART:19970902T090000\nRRULE:FREQ=SECONDLY;INTERVAL=7;BYHOUR=9;BYSECOND=1;COUNT=9",
    # Added, and taken away
    "DTSTART:19970902T090000\nRRULE:FREQ=WEEKLY;COUNT=5\nRDATE:19970905T100000\nEXDATE:19970909T090000,19970916T090000",
    "DTSTART:20000131T090000\nRRULE:FREQ=MONTHLY",
    "DTSTART:20240229T090000\nRRULE:FREQ=YEARLY",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    timespec = Timespec.parse(text)
    assert fired(timespec, 30) == wanted(text, 30)
    back = timespec.rrule()
    assert back is not None and Timespec.parse(back) == timespec
    assert Timespec.parse(timespec.text.replace(";RRULE", "\r\nRRULE")) == timespec
    assert "\n" not in timespec.text and timespec.explain()


# Text


def test_a_rule_alone_counts_from_when_it_is_scheduled() -> None:
    open = Timespec.parse("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR")
    assert open.open
    bound = open.starting(utc("2026-03-04T14:23:11"))
    assert bound.text == "DTSTART:20260304T142311;RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"
    assert fired(bound, 2) == [datetime(2026, 3, 6, 14, 23, 11), datetime(2026, 3, 20, 14, 23, 11)]
    assert Timespec.parse("freq=weekly;interval=2;byday=fr") == open
    three = Timespec.parse("RRULE:FREQ=DAILY;COUNT=3").starting(utc("2026-03-04T14:00"))
    assert len(fired(three, 9)) == 3


@pytest.mark.parametrize("between", ["\n", "\r\n", ";", " ", "\n \n"])
def test_lines_may_stand_in_one(between: str) -> None:
    lines = ["DTSTART:20260306T170000", "RRULE:FREQ=WEEKLY;BYDAY=FR", "EXDATE:20260313T170000"]
    timespec = Timespec.parse(between.join(lines))
    assert timespec.text == ";".join(lines)
    assert [at.day for at in fired(timespec, 2)] == [6, 20]


def test_long_lines_may_be_folded() -> None:
    text = "DTSTART:20260306T170000\r\nRRULE:FREQ=WEEKLY;BYD\r\n AY=FR;COUNT=\r\n\t2"
    assert len(fired(Timespec.parse(text), 9)) == 2


def test_times_in_utc_and_in_a_zone() -> None:
    text = "DTSTART;TZID=Europe/Berlin:20260306T170000\nRRULE:FREQ=WEEKLY;UNTIL=20260320T160000Z"
    timespec = Timespec.parse(text)
    assert timespec.tz == "Europe/Berlin" and timespec == Timespec.parse(text, "Europe/Berlin")
    assert nexts(timespec, utc("2026-01-01"), 9) == [
        utc("2026-03-06T16:00"), utc("2026-03-13T16:00"), utc("2026-03-20T16:00"),
    ]  # fmt: skip
    assert [at.astimezone(UTC) for at in rrulestr(text)] == nexts(timespec, utc("2026-01-01"), 9)
    assert Timespec.parse("DTSTART:20260306T160000Z;RRULE:FREQ=DAILY", "Europe/Berlin") == Timespec.parse(
        "DTSTART:20260306T170000;RRULE:FREQ=DAILY", "Europe/Berlin"
    )


def test_clocks_that_change() -> None:
    daily = Timespec.parse("DTSTART:20260327T023000;RRULE:FREQ=DAILY", "Europe/Berlin")
    assert nexts(daily, utc("2026-03-27T12:00"), 3) == [
        utc("2026-03-28T01:30"), utc("2026-03-29T01:00"), utc("2026-03-30T00:30"),
    ]  # fmt: skip
    hourly = Timespec.parse("DTSTART:20261025T003000;RRULE:FREQ=HOURLY", "Europe/Berlin")
    assert [at.hour for at in nexts(hourly, utc("2026-10-24T22:00"), 5)] == [22, 23, 0, 1, 2]


def test_it_is_one_timespec_among_others() -> None:
    fridays = "RRULE:FREQ=WEEKLY;BYDAY=FR;BYHOUR=17;BYMINUTE=0;BYSECOND=0"
    assert Timespec.parse(fridays) == Timespec.parse("0 17 * * 5")
    assert Timespec.parse(f"{fridays} except --12-25") == Timespec.parse("0 17 * * 5 except --12-25")
    assert Timespec.parse(f"0 9 * * * | {fridays}") == Timespec.parse("0 9 * * * | 0 17 * * 5")
    assert Timespec.parse(f"({fridays}) & 0 17 * 12 *") == Timespec.parse("0 17 * 12 5")
    whole_day = Timespec.parse("DTSTART:20260306T170000;RRULE:FREQ=DAILY;EXDATE;VALUE=DATE:20260307")
    assert [at.day for at in fired(whole_day, 2)] == [6, 8] and whole_day.rrule() is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("RRULE:FREQ=FORTNIGHTLY", 'column 12: found "FORTNIGHTLY", wanted SECONDLY MINUTELY HOURLY'),
        ("RRULE:INTERVAL=2", 'column 7: found "INTERVAL=2", wanted FREQ='),
        ("RRULE:FREQ=DAILY;EVERY=2", 'column 18: found "EVERY=2", wanted FREQ, INTERVAL'),
        ("RRULE:FREQ=DAILY;BYHOUR=9,24", 'column 27: found "24", wanted 0 to 23'),
        ("RRULE:FREQ=DAILY;BYMONTHDAY=0", "wanted 1 to 31 or -31 to -1"),
        ("RRULE:FREQ=DAILY;BYSECOND=60", "wanted 0 to 59"),
        ("RRULE:FREQ=DAILY;INTERVAL=0", 'found "0", wanted 1 to 999999999'),
        ("RRULE:FREQ=DAILY;INTERVAL=1,2", "wanted one number"),
        ("RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260101", "COUNT or UNTIL, not both"),
        ("RRULE:FREQ=DAILY;FREQ=DAILY", "wanted FREQ once"),
        ("RRULE:FREQ=WEEKLY;BYDAY=2FR", 'found "2FR", wanted a weekday without a number'),
        ("RRULE:FREQ=MONTHLY;BYDAY=6FR", "wanted 1 to 5 or -5 to -1"),
        ("RRULE:FREQ=MONTHLY;BYDAY=FRI", "wanted weekdays as in MO,FR"),
        ("RRULE:FREQ=YEARLY;BYWEEKNO=5;BYDAY=1MO", "weekdays without a number beside BYWEEKNO"),
        ("RRULE:FREQ=DAILY;UNTIL=2026-01-01", "wanted a date or a time as in 20260306"),
        ("DTSTART:20260230T090000;RRULE:FREQ=DAILY", 'column 9: found "20260230T090000", wanted a date'),
        ("DTSTART:20260301;DTSTART:20260302;RRULE:FREQ=DAILY", "wanted one DTSTART"),
        ("RDATE:20260301T090000", "nothing else says when it fires"),
        ("EXRULE:FREQ=DAILY;RRULE:FREQ=DAILY", 'found "EXRULE", wanted a line DTSTART'),
        ("DTSTART;TZID=Mars:20260301T090000;RRULE:FREQ=DAILY", "the time zone 'Mars'"),
        ("DTSTART:20260301;RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it never fires"),
        ("DTSTART:20260301;RRULE:FREQ=DAILY;UNTIL=20250101", "it never fires"),
        (";".join(["RRULE:FREQ=DAILY"] * 17), "wanted at most 16 rules"),
    ],
)
def test_an_error_points_at_the_part(text: str, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert raised.value.code == "invalid" and fault in raised.value.message


def test_the_zone_of_the_start_must_be_that_of_the_timespec() -> None:
    with pytest.raises(PicoschedError, match='found "Asia/Tokyo", wanted Europe/Berlin, the zone of'):
        Timespec.parse("DTSTART;TZID=Asia/Tokyo:20260301T090000;RRULE:FREQ=DAILY", "Europe/Berlin")


EVERY_MINUTE = ",".join(map(str, range(60)))


@pytest.mark.parametrize(
    ("rule", "never"),
    [
        ("FREQ=SECONDLY;BYSETPOS=-1", False),
        ("FREQ=SECONDLY;BYSETPOS=2", True),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", True),
        ("FREQ=SECONDLY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=30", True),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", True),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", True),
        ("FREQ=DAILY;INTERVAL=14;BYDAY=MO", True),
        ("FREQ=MINUTELY;INTERVAL=50;BYMINUTE=5", True),
        ("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", True),
        ("FREQ=SECONDLY;COUNT=999999999", False),
        ("FREQ=DAILY;COUNT=2000000", False),
        ("FREQ=SECONDLY;INTERVAL=7;COUNT=999999999", False),
        ("FREQ=YEARLY;INTERVAL=999999999", False),
        (f"FREQ=YEARLY;BYMINUTE={EVERY_MINUTE};BYSECOND={EVERY_MINUTE};BYSETPOS=-366,-1,1,366", False),
        (f"FREQ=HOURLY;INTERVAL=5;BYMINUTE={EVERY_MINUTE}", False),
    ],
)  # fmt: skip
def test_a_hostile_rule_takes_no_longer(rule: str, never: bool) -> None:
    Timespec.parse("RRULE:FREQ=YEARLY;BYDAY=1MO;COUNT=3")  # what is worked out once
    began = time.thread_time()
    try:
        timespec = Timespec.parse(f"DTSTART:20260306T000000;RRULE:{rule}")
        assert not never and timespec.after(utc("2026-03-05")) == utc("2026-03-06")
    except PicoschedError as refused:
        assert never and "never fires" in refused.message
    except AssertionError:
        assert "BYSETPOS" in rule  # the last times of a year
    assert time.thread_time() - began < 0.1


def test_a_count_that_has_to_be_walked_is_bounded() -> None:
    with pytest.raises(PicoschedError, match="found COUNT=5001 beside INTERVAL, wanted at most 5,000"):
        Timespec.parse("DTSTART:20260306T000000;RRULE:FREQ=DAILY;INTERVAL=2;COUNT=5001")


# Written

WRITTEN = [
    ("0 9 * * 1-5", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0"),
    ("every day at 9:00", "RRULE:FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0"),
    ("last day of month", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=0;BYMINUTE=0;BYSECOND=0"),
    ("0 9 * * 5#2", "RRULE:FREQ=MONTHLY;BYDAY=2FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0"),
    (
        "last weekday of month at 18:00",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=18;BYMINUTE=0;BYSECOND=0;BYSETPOS=-1",
    ),
    (
        "weekdays at 9:00 and 17:30",
        "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,17;BYMINUTE=0,30;BYSECOND=0;BYSETPOS=1,4",
    ),
    ("* * * * *", "RRULE:FREQ=MINUTELY;BYSECOND=0"),
    ("*/20 9 * * *", "RRULE:FREQ=HOURLY;BYHOUR=9;BYMINUTE=0,20,40;BYSECOND=0"),
    (
        "every 2 weeks on friday at 17:00 from 2026-03-06",
        "DTSTART:20260306T170000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;BYHOUR=17;BYMINUTE=0;BYSECOND=0",
    ),
    (
        "every 2 months on the last friday from 2026-03-06",
        "DTSTART:20260327T000000Z\nRRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR;BYHOUR=0;BYMINUTE=0;BYSECOND=0",
    ),
    (
        "every 2 years on the 24th of december from 2026-03-06",
        "DTSTART:20261224T000000Z\nRRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYMONTHDAY=24;"
        "BYHOUR=0;BYMINUTE=0;BYSECOND=0",
    ),
    ("every 5 hours from 2026-03-06T09:00", "DTSTART:20260306T090000Z\nRRULE:FREQ=HOURLY;INTERVAL=5"),
    (
        "0 9 * * 5 except 2026-03-13 | 2026-03-14T10:00",
        None,
    ),
    (
        "0 9 * * 5 except 2026-03-13..2026-03-20",
        "RRULE:FREQ=WEEKLY;BYDAY=FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0\nEXDATE:20260313T090000Z,20260320T090000Z",
    ),
    (
        "0 9 * * 5 | 2026-03-14T10:00",
        "RRULE:FREQ=WEEKLY;BYDAY=FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0\nRDATE:20260314T100000Z",
    ),
    ("2026-12-24T09:00", "DTSTART:20261224T090000Z\nRRULE:FREQ=DAILY;COUNT=1"),
    (
        "daily in 2027",
        "DTSTART:20270101T000000Z\nRRULE:FREQ=DAILY;BYHOUR=0;BYMINUTE=0;BYSECOND=0;UNTIL=20271231T235959Z",
    ),
    ("0 9 15W * *", None),
    ("0 9 13 * 5", None),
    ("0 9 * * 5 except --12-25", None),
    ("0 0 0 1 1 * 2026,2030", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rule"), [each for each in WRITTEN if each[1] is not None])
def test_it_is_written(text: str, rule: str) -> None:
    timespec = Timespec.parse(text)
    assert timespec.rrule() == rule
    assert Timespec.parse(rule) == timespec


@pytest.mark.parametrize("text", [text for text, rule in WRITTEN if rule is None])
def test_there_is_not_always_a_rule(text: str) -> None:
    if "|" not in text:
        assert Timespec.parse(text).rrule() is None


@settings(deadline=None, max_examples=100)
@given(minute=minutes, hour=hours, month=months, of_month=month_days, of_week=week_days)
@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin"])
@pytest.mark.slow
def test_a_written_cron_text_fires_at_the_same_times(
    tz: str, minute: Field, hour: Field, month: Field, of_month: Items, of_week: Items
) -> None:
    try:
        timespec = Timespec.parse(
            f"{minute.text} {hour.text} {of_month.text} {month.text} {of_week.text}", tz
        )
    except PicoschedError as refused:
        assert "never fires" in refused.message
        return
    rule = timespec.rrule()
    assume(rule is not None)
    assert Timespec.parse(rule, tz) == timespec
    start = datetime(2026, 1, 1, tzinfo=UTC if tz == "UTC" else ZoneInfo(tz))
    if tz == "UTC" and "MINUTELY" not in rule and "HOURLY" not in rule:
        end = datetime(2029, 1, 1, tzinfo=UTC)
        expected = list(islice(rrulestr(f"{rule};UNTIL=20281231T235959Z", dtstart=start), 5))
        assert list(islice(timespec.between(start, end), 5)) == expected
