"""Days of an iCalendar file (RFC 5545): each local day that an event touches, by its summary.

An event that repeats is followed up to END; its rule is read as that of a timespec, so one that chooses
nothing costs nothing. One that was cancelled names no day, and neither does an occurrence that the file
excludes or moves elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from picosched.errors import PicoschedError
from picosched.timespec.calendar import INSTALL
from picosched.timespec.rrule import written
from picosched.timespec.timespec import Timespec

END = datetime(2101, 1, 1, tzinfo=UTC)
"""So far events are followed that repeat without an end."""

MOST_DAYS = 50_000
MOST_TOUCHED = 200_000
"""How often events may touch a day, the same one or another."""

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
    touched = 0
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
                touched += 1
                if len(named) > MOST_DAYS or touched > MOST_TOUCHED:
                    most = f"{MOST_DAYS:,} days, or days touched more than {MOST_TOUCHED:,} times"
                    raise PicoschedError(f"found more than {most}, wanted fewer", "too_large")
    except PicoschedError as cause:
        raise PicoschedError(f"{where}: {cause.message}", cause.code) from cause
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
    more = [_local(each[0] if isinstance(each, tuple) else each) for each in event.rdates]
    rules = [_text(rule, event.start) for rule in event.rrules]
    for each in _repeated(start, rules) if rules else [start]:
        if each not in left_out:
            yield each
    yield from (each for each in more if each not in left_out)


def _repeated(start: datetime, rules: list[str]) -> Iterator[datetime]:
    """The start and what follows by the rules, as local times."""
    # The start counts even if no rule chooses it.
    lines = [f"DTSTART:{written(start)}", *rules, f"RDATE:{written(start)}"]
    times = Timespec.parse(";".join(lines))
    for each in times.between(start.replace(tzinfo=UTC), END):
        yield each.replace(tzinfo=None)


def _text(rule: Mapping[str, Any], there: date | datetime) -> str:
    """A rule in one line, its end a local time."""
    from icalendar import vRecur

    if "UNTIL" in rule:
        rule = {**rule, "UNTIL": [_local(each, there) for each in rule["UNTIL"]]}
    recur: Any = vRecur(rule)
    return f"RRULE:{recur.to_ical().decode()}"


def _local(at: date | datetime, there: date | datetime | None = None) -> datetime:
    """The time that a clock shows, in the zone of `there` if that has one; midnight of a date."""
    if isinstance(at, datetime):
        if at.tzinfo and isinstance(there, datetime) and there.tzinfo:
            at = at.astimezone(there.tzinfo)
        return at.replace(tzinfo=None)
    return datetime.combine(at, time.min)
