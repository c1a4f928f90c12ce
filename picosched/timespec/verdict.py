"""What a timespec says of a time that is none of its times, field by field: which match, and which do not.

A timespec is a union of parts, and each part of local times is a box of days, minutes and seconds
(`times`). Of a box, each field has the values that occur in it at all; if the time has one in every field and
is not in the box, it is their combination that does not occur. Of several parts, the one is told that has the
fewest fields which do not match.
"""

from __future__ import annotations

from calendar import day_name, month_name
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from picosched.clock import format_time
from picosched.timespec.bits import members
from picosched.timespec.days import DAY, Days
from picosched.timespec.instants import second_of
from picosched.timespec.sun import Sun
from picosched.timespec.times import Every, Part
from picosched.timespec.timespec import Timespec
from picosched.timespec.wall import WallTimes
from picosched.timespec.words import joined, listed
from picosched.timespec.zone import BEGINNING, LAST_SECOND, is_utc, stretch_at

LONGEST = 80
"""Characters of the values of a field."""
YEARS = 12


class Field(NamedTuple):
    """One field of a time: whether it matches, and in words what it is and what would be wanted."""

    holds: bool
    name: str
    wanted: str = ""


def verdict(timespec: Timespec, time: datetime) -> str:
    """Which fields of a time match the timespec, and which do not and why."""
    told = [_of_part(part, timespec.tz, time) for part in timespec.times]
    fields = min(told, key=lambda each: sum(not field.holds for field in each))
    match = [each.name for each in fields if each.holds]
    not_so = [f"{each.name} does not ({each.wanted})" for each in fields if not each.holds]
    text = f"{joined(match)} {'match' if len(match) > 1 else 'matches'}; " if match else ""
    nearest = f"of its {len(told)} sets of times the nearest: " if len(told) > 1 else ""
    return nearest + text + joined(not_so or ["the clock change there decides"])


def local_shown(time: datetime, tz: str) -> str:
    """A time on the clocks of a zone, with its offset there, and the clock change of that day, if any."""
    local = time.astimezone(ZoneInfo(tz))
    offset = "" if is_utc(tz) else f" (UTC{local.isoformat()[-6:]})"
    return f"{local:%A %Y-%m-%d %H:%M:%S} in {tz}{offset}{change_shown(time, tz)}"


def change_shown(time: datetime, tz: str) -> str:
    """The clock change on the local day of a time; nothing on other days."""
    zone = ZoneInfo(tz)
    day = time.astimezone(zone).date()
    start, end, _, _ = stretch_at(tz, second_of(time)[0])
    for change in (start, end):
        if not DAY < change < LAST_SECOND - DAY:  # it lasts for ever
            continue
        at = BEGINNING + timedelta(seconds=change)
        before, after = (at - timedelta(seconds=1)).astimezone(zone), at.astimezone(zone)
        if day in (before.date(), after.date()) and before.utcoffset() != after.utcoffset():
            return f", where the clocks go from {before + timedelta(seconds=1):%H:%M} to {after:%H:%M}"
    return ""


def _of_part(part: Part, tz: str, time: datetime) -> list[Field]:
    if isinstance(part, Sun):
        local = time.astimezone(ZoneInfo(part.location.zone))
        found = part.first_from(second_of(time)[0])
        coming = "there is none after it" if found is None else f"the next is at {_time_of(found)}"
        return [*_of_days(part.days, local.date()), Field(False, f"the {part.event}", coming)]
    local = time.astimezone(ZoneInfo(tz))
    box = part.box if isinstance(part, Every) else part
    fields = [*_of_days(box.days, local.date()), *_of_clock(box, local)]
    if all(each.holds for each in fields):
        if isinstance(part, Every):
            wanted = f"every {part.seconds} seconds from its start"
            return [*fields, Field(False, "the number of seconds since its start", wanted)]
        if local.fold:
            return [*fields, Field(False, "the hour", "it comes twice, and counts the first time")]
    return fields


def _of_days(days: Days, local: date) -> Iterator[Field]:
    """The year, month, day of the month and weekday of a local day, as far as they are restricted.

    A date falls on each weekday within YEARS, so that one which it has this year is no restriction.
    """
    here = [*_days_of(days, local.year, local.year)]
    if not here:
        yield Field(False, f"the year {local.year}", "it has none of its days")
        return
    if len(here) >= 365:
        return
    around = [*_days_of(days, local.year, min(local.year + YEARS, 9999))]
    weekdays, of_month = {each.isoweekday() for each in around}, {each.day for each in around}
    months = {each.month for each in around}
    found = list[Field]()
    if len(months) < 12:
        found.append(Field(local.month in months, f"{local:%B}", _some(months, lambda n: month_name[n])))
    if len(of_month) < 31:
        found.append(Field(local.day in of_month, f"the day {local.day}", _some(of_month)))
    if len(weekdays) < 7:
        wanted = _some(weekdays, lambda n: day_name[n - 1])
        found.append(Field(local.isoweekday() in weekdays, f"{local:%A}", wanted))
    if local not in here and all(each.holds for each in found):
        following = next((each for each in here if each > local), None)
        wanted = "none later in the year" if following is None else f"the next is {following}"
        found.append(Field(False, f"the day {local}", wanted))
    yield from found


def _days_of(days: Days, first: int, last: int) -> Iterator[date]:
    """The days of some years."""
    day = days.first_from(date(first, 1, 1).toordinal() - 1)
    while day is not None and (found := date.fromordinal(day + 1)).year <= last:
        yield found
        day = days.first_from(day + 1)


def _of_clock(box: WallTimes, local: datetime) -> Iterator[Field]:
    """The hour, the minute and the second, as far as they are restricted."""
    minutes, seconds = {*members(box.minutes)}, {*members(box.seconds)}
    hours, of_hour = {each // 60 for each in minutes}, {each % 60 for each in minutes}
    if local.hour in hours and local.minute in of_hour and local.hour * 60 + local.minute not in minutes:
        yield Field(False, f"{local:%H:%M}", _some(minutes, lambda n: f"{n // 60:02}:{n % 60:02}"))
    else:
        if len(hours) < 24:
            yield Field(local.hour in hours, f"hour {local.hour}", _some(hours))
        if len(of_hour) < 60:
            yield Field(local.minute in of_hour, f"minute {local.minute}", _some(of_hour))
    if len(seconds) < 60 and (seconds != {0} or local.second):
        yield Field(local.second in seconds, f"second {local.second}", _some(seconds))


def _some(numbers: Iterable[int], name: Callable[[int], str] = str) -> str:
    """The first numbers in words, runs as ranges."""
    text = listed(sorted(numbers), name, "or")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(',')[0]}, …"


def _time_of(second: int) -> str:
    return format_time(BEGINNING + timedelta(seconds=second))
