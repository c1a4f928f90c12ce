"""Days of an iCalendar file (RFC 5545): each local day that an event touches, by its summary.

An event that repeats is followed up to LAST. One that was cancelled names no day, and neither does an
occurrence that the file excludes or moves elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from picosched.errors import PicoschedError
from picosched.timespec.calendar import INSTALL

LAST = date(2100, 12, 31)
"""So far events are followed that repeat without an end."""

MOST_DAYS = 50_000
DAY = timedelta(days=1)


def read_ics(text: str, where: str) -> Mapping[int, str]:
    """The numbers of the days of a calendar file → their names.

    PicoschedError `invalid` for a text that is none; `refused` if the package is not installed.
    """
    try:
        from icalendar import Calendar  # late: few settings have such a calendar
    except ModuleNotFoundError as cause:
        raise PicoschedError(
            f"{where}: an ICS file needs the package icalendar: {INSTALL}", "refused"
        ) from cause
    named: dict[int, str] = {}
    try:
        files = Calendar.from_ical(text, multiple=True)
        events: list[Any] = [event for each in files for event in each.walk("VEVENT")]
        moved = {
            (str(each["UID"]), _local(each["RECURRENCE-ID"].dt)) for each in events if "RECURRENCE-ID" in each
        }
        for event in events:
            if str(event.get("STATUS")).upper() == "CANCELLED":
                continue
            name = str(event.get("SUMMARY") or "a day of the calendar")
            for day in _days_of(event, moved):
                named.setdefault(day.toordinal() - 1, name)
                if len(named) > MOST_DAYS:
                    raise PicoschedError(
                        f"{where}: found more than {MOST_DAYS:,} days, wanted fewer", "too_large"
                    )
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as cause:
        raise PicoschedError(f"{where}: is no iCalendar file: {cause}") from cause
    if not named:
        raise PicoschedError(f"{where}: found no event with a day, wanted at least one")
    return named


def _days_of(event: Any, moved: set[tuple[str, datetime]]) -> Iterator[date]:
    """The days of an event and, if it repeats, of those that follow."""
    start, end = _local(event.start), _local(event.end)
    length = max(end - start, timedelta(0))
    for begin in _starts(event, start, moved):
        last = begin + length
        # An end at midnight is the end of the day before.
        past = last.date() if last.time() == time.min and last > begin else last.date() + DAY
        day = begin.date()
        while day < past:
            yield day
            day += DAY


def _starts(event: Any, start: datetime, moved: set[tuple[str, datetime]]) -> Iterator[datetime]:
    left_out = {_local(each) for each in event.exdates}
    if "RECURRENCE-ID" not in event:
        left_out |= {at for uid, at in moved if uid == str(event.get("UID"))}
    found = [start, *(_local(each[0] if isinstance(each, tuple) else each) for each in event.rdates)]
    yield from (each for each in dict.fromkeys(found) if each not in left_out)
    for rule in event.rrules:
        from dateutil.rrule import rrulestr

        if "UNTIL" in rule:
            rule = {**rule, "UNTIL": [_local(each, event.start) for each in rule["UNTIL"]]}
        times = rrulestr(_text(rule), dtstart=start)
        for each in takewhile(lambda at: at.date() <= LAST, times):
            if each not in left_out and each not in found:
                yield each


def _text(rule: Mapping[str, Any]) -> str:
    from icalendar import vRecur

    recur: Any = vRecur(rule)
    return str(recur.to_ical().decode())


def _local(at: date | datetime, there: date | datetime | None = None) -> datetime:
    """The time that a clock shows, in the zone of `there` if that has one; midnight of a date."""
    if isinstance(at, datetime):
        if at.tzinfo and isinstance(there, datetime) and there.tzinfo:
            at = at.astimezone(there.tzinfo)
        return at.replace(tzinfo=None)
    return datetime.combine(at, time.min)
