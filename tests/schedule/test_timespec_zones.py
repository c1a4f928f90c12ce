"""Timespecs in zones: what happens where clocks are changed.

Beside the tables stand naive oracles, which try every minute of the days around a change, and cronsim,
whose rule is the same.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, islice, product
from zoneinfo import ZoneInfo

import pytest
from cron_fields import DAY, MINUTE, Field, day_matches, days, hours, minutes, nexts, utc, weekdays
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from picosched.timespec.timespec import Timespec

# Clock changes. Berlin goes from 02:00 to 03:00 on 2026-03-29 and from 03:00 back to 02:00 on 2026-10-25.


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("30 2 * * *", "03-28T00:00", "03-28T01:30 03-29T01:00 03-30T00:30"),  # skipped: at the gap's end
        ("0,15,30,45 2 * * *", "03-29T00:00", "03-29T01:00 03-30T00:00"),  # once for all that is skipped
        ("30 2,3 29 3 *", "03-29T00:00", "03-29T01:00 03-29T01:30"),
        ("0 3 * * *", "03-29T00:00", "03-29T01:00 03-30T01:00"),
        ("0 2,3 29 3 *", "03-29T00:00", "03-29T01:00"),  # both meet at the gap's end
        ("30 2 * * *", "10-24T12:00", "10-25T00:30 10-26T01:30"),  # repeated: the first pass only
        ("30 2 * * *", "10-25T00:30", "10-26T01:30"),
        ("30 2 * * *", "10-25T01:10", "10-26T01:30"),  # from within the second pass
        ("0 30 2 * * *", "10-24T12:00", "10-25T00:30 10-26T01:30"),  # seconds change nothing
        ("0 3 25 10 *", "10-24T12:00", "10-25T02:00"),
        ("*/30 * * * *", "03-29T00:00", "03-29T00:30 03-29T01:00 03-29T01:30"),  # stars go by elapsed time
        ("*/30 * * * *", "10-25T00:00", "10-25T00:30 10-25T01:00 10-25T01:30 10-25T02:00"),
        ("*/30 2 * * *", "03-28T12:00", "03-30T00:00 03-30T00:30"),  # what is skipped is not there
        ("*/30 2 * * *", "10-24T12:00", "10-25T00:00 10-25T00:30 10-25T01:00 10-25T01:30 10-26T01:00"),
        ("30 * 25 10 *", "10-24T23:30", "10-25T00:30 10-25T01:30 10-25T02:30"),
        ("30 */2 29 3 *", "03-28T12:00", "03-28T23:30 03-29T02:30"),
        ("*/30 30 2 29 3 *", "03-01T00:00", ""),  # until the hour exists on some 29 March
    ],
)
def test_when_clocks_change_in_berlin(text: str, start: str, expected: str) -> None:
    timespec = Timespec.parse(text, "Europe/Berlin")
    wanted = [utc("2026-" + each) for each in expected.split()]
    begin, end = utc("2026-" + start), utc("2026-12-31")
    assert list(islice(timespec.between(begin + timedelta(seconds=1), end), len(wanted) or None)) == wanted


@pytest.mark.parametrize(
    ("text", "tz", "start", "expected"),
    [
        # Half an hour is skipped, and half an hour is repeated.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00", "10-03T15:30 10-04T15:15"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-03T16:00", "04-04T14:45 04-05T15:15"),
        # The whole of 30 December is skipped.
        ("0 9 * * *", "Pacific/Apia", "2011-12-29T18:00", "12-29T19:00 12-30T10:00 12-30T19:00"),
        # There is no midnight, and midnight is repeated.
        ("0 0 * * *", "America/Havana", "2026-03-07T12:00", "03-08T05:00 03-09T04:00"),
        ("30 0 * * *", "America/Havana", "2026-10-31T12:00", "11-01T04:30 11-02T05:30"),
        # The last hour of the day before is repeated.
        ("30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00", "02-18T01:30 02-19T02:30"),
        ("*/40 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00", "02-18T01:00 02-18T01:40 02-18T02:00"),
    ],
)
def test_when_clocks_change_elsewhere(text: str, tz: str, start: str, expected: str) -> None:
    wanted = [utc(start[:5] + each) for each in expected.split()]
    assert nexts(Timespec.parse(text, tz), utc(start), len(wanted)) == wanted


def test_the_two_passes_of_an_hour_are_told_apart() -> None:
    berlin, timespec = ZoneInfo("Europe/Berlin"), Timespec.parse("*/30 * * * *", "Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 10, tzinfo=berlin)
    assert timespec.after(first) == utc("2026-10-25T00:30")
    assert timespec.after(first.replace(fold=1)) == utc("2026-10-25T01:30")


# Naive oracle


HOUR = DAY / 24
ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/St_Johns",
    "America/Sao_Paulo", "America/Havana", "America/Los_Angeles", "Asia/Beirut", "Asia/Gaza", "Asia/Tehran",
    "Asia/Kathmandu", "Africa/Cairo", "Africa/Casablanca", "Antarctica/Troll", "Australia/Lord_Howe",
    "Australia/Sydney", "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham",
)  # fmt: skip


@cache
def changes(tz: str, year: int) -> list[datetime]:
    """The hours of a year, in UTC, in which the zone changes its offset."""
    zone, first = ZoneInfo(tz), datetime(year, 1, 1, tzinfo=UTC)
    offsets = [(first + n * HOUR).astimezone(zone).utcoffset() for n in range(366 * 24 + 1)]
    return [first + n * HOUR for n in range(366 * 24) if offsets[n] != offsets[n + 1]]


@st.composite
def zones_and_edges(draw: st.DrawFn, zones: tuple[str, ...] = ZONES) -> tuple[str, datetime]:
    """A zone and a time near one of its clock changes."""
    tz, year = draw(st.sampled_from(zones)), draw(st.integers(2009, 2039))
    edges = changes(tz, year) or [datetime(year, 6, 1, tzinfo=UTC)]
    return tz, draw(st.sampled_from(edges)) + timedelta(minutes=draw(st.integers(-27 * 60, 4 * 60)))


def first_showing(local: datetime, zone: ZoneInfo) -> datetime:
    """The first pass of a local time; of one that is skipped, the first minute after the gap."""
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local:
        return at
    while (at - MINUTE).astimezone(zone).replace(tzinfo=None) > local:
        at -= MINUTE
    return at


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(minute=minutes, hour=hours, of_week=weekdays, where=zones_and_edges())
def test_clock_changes_agree_with_trying_every_minute(
    minute: Field, hour: Field, of_week: Field, where: tuple[str, datetime]
) -> None:
    tz, begin = where
    zone, end, every = ZoneInfo(tz), begin + 32 * HOUR, Field("*", frozenset(range(32)))

    def matches(local: datetime) -> bool:
        in_day = local.minute in minute.values and local.hour in hour.values
        return in_day and day_matches(local.date(), every, every, of_week)

    if minute.starred or hour.starred:
        tried = [begin + n * MINUTE for n in range(32 * 60)]
        expected = [at for at in tried if matches(at.astimezone(zone).replace(tzinfo=None))]
    else:
        local = begin.replace(tzinfo=None) - 40 * HOUR
        readings = [local + n * MINUTE for n in range(112 * 60)]
        fires = {first_showing(reading, zone) for reading in readings if matches(reading)}
        expected = sorted(at for at in fires if begin <= at < end)

    timespec = Timespec.parse(f"{minute.text} {hour.text} * * {of_week.text}", tz)
    assert list(timespec.between(begin, end)) == expected
    assert list(backwards(timespec, begin, end)) == expected[::-1]


def backwards(timespec: Timespec, begin: datetime, end: datetime) -> Iterator[datetime]:
    at = timespec.before(end)
    while at is not None and at >= begin:
        yield at
        at = timespec.before(at)


# Ten years, every day of them


@dataclass(frozen=True)
class Plain:
    """A cron text and what it says, written out by hand; `elapsed` if it starts with a star."""

    text: str
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    on: Callable[[datetime], bool]
    elapsed: bool = False


def in_last_week(at: datetime) -> bool:
    return at.day + 7 > monthrange(at.year, at.month)[1]


PLAIN = (
    Plain("30 2 * * *", (2,), (30,), lambda at: True),
    Plain("0,45 0,3,23 * * 0,6", (0, 3, 23), (0, 45), lambda at: at.isoweekday() > 5),
    Plain("15 1,2 L * *", (1, 2), (15,), lambda at: (at + DAY).day == 1),
    Plain("*/15 1,2 * * 0", (1, 2), (0, 15, 30, 45), lambda at: at.isoweekday() == 7, elapsed=True),
    Plain("7 */12 * * 0L", (0, 12), (7,), lambda at: at.isoweekday() == 7 and in_last_week(at), elapsed=True),
)
YEARS = range(2018, 2028)


def around(change: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime, list[datetime]]]:
    """Each minute near a change: its instant, what clocks show, and what one never turned back comes past."""
    at, end, found = change - 36 * HOUR, change + 36 * HOUR, []
    latest = (at - MINUTE).astimezone(zone).replace(tzinfo=None)
    while at < end:
        local = at.astimezone(zone).replace(tzinfo=None)
        passed = [latest + n * MINUTE for n in range(1, (local - latest) // MINUTE + 1)]
        found.append((at, local, passed))
        latest = max(latest, local)
        at += MINUTE
    return found


@pytest.mark.slow
@pytest.mark.parametrize("tz", ZONES)
def test_ten_years_agree_with_looking_at_the_clock(tz: str) -> None:
    """Near each change it is looked at every minute; on all other days a local time is one instant."""
    zone = ZoneInfo(tz)
    near = chain.from_iterable(around(change, zone) for year in YEARS for change in changes(tz, year))
    seen: set[datetime] = set()
    # By hour and minute: when clocks show them, and when a clock that is never turned back comes past them.
    shown, come_past = defaultdict(list), defaultdict(list)
    for at, local, passed in near:
        seen.add(at)
        shown[local.hour, local.minute].append((at, local))
        for each in passed:
            come_past[each.hour, each.minute].append((at, each))
    begin, end = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC)
    midnights = [begin.replace(tzinfo=None) + n * DAY for n in range(-1, (end - begin).days + 2)]
    for plain in PLAIN:
        met = shown if plain.elapsed else come_past
        times = list(product(plain.hours, plain.minutes))
        wanted = {at for time in times for at, local in met[time] if plain.on(local)}
        for midnight in filter(plain.on, midnights):
            for hour, minute in times:
                at = midnight.replace(hour=hour, minute=minute, tzinfo=zone).astimezone(UTC)
                if at not in seen:
                    wanted.add(at)
        found = list(Timespec.parse(plain.text, tz).between(begin, end))
        assert found == sorted(at for at in wanted if begin <= at < end), plain.text


# Another reading


# cronsim steps by whole hours from midnight: it goes astray where one changes at midnight or off the hour.
CRONSIM_ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "Asia/Jerusalem", "Asia/Kathmandu", "Antarctica/Troll", "Australia/Sydney",
    "Pacific/Auckland",
)  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(
    minute=minutes, hour=hours, of_month=st.one_of(st.just("*"), days.map(lambda f: f.text)),
    where=zones_and_edges(CRONSIM_ZONES),
)  # fmt: skip
def test_cronsim_agrees_when_clocks_change(
    minute: Field, hour: Field, of_month: str, where: tuple[str, datetime]
) -> None:
    tz, begin = where
    start = begin.astimezone(ZoneInfo(tz))
    # cronsim takes a start in the second pass of an hour for one in the first.
    assume(start.fold == 0)
    text = f"{minute.text} {hour.text} {of_month} * *"
    expected = [fire.astimezone(UTC) for fire in islice(CronSim(text, start), 8)]
    assert nexts(Timespec.parse(text, tz), begin, 8) == expected
