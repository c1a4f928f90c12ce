"""Sentences that say what is expected to fire, and how they are read.

    at most 100 fires in any minute of 2026-12
    at most 1 fire of reminder:due in any day
    reminder fires at 09:00 every weekday in Europe/Berlin but holidays("DE-BE") of 2026
    never fires between 22:00 and 06:00 in Europe/Berlin
    reminder never fires from 2026-12-24 to 2026-12-27

Who fires is the id or name of a schedule, the name of a source, the `domain:type` of an event, or a
`rid.rule`; without one it is every schedule and source. Hours and days are those of the zone, or else of UTC.
A period is a year, a month, a day, or `from TIME to TIME`, without its end; one that has begun counts from
now. Without one it is the next 31 days, and `fires` of a timespec is proved for all times.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from picosched.errors import PicoschedError
from picosched.frozen import frozen
from picosched.timespec.almanac import Almanac
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone

UNITS = {"second": "seconds", "minute": "minutes", "hour": "hours", "day": "days"}

PERIOD = re.compile(
    r" (?:of (?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"|from (?P<from>\d{4}-\S+) to (?P<to>\d{4}-\S+))$"
)
ZONE = re.compile(r" in (?P<zone>UTC|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+)(?= |$)")
AT_MOST = re.compile(r"at most (?P<most>\d{1,9}) fires?(?: of (?P<what>.+?))? in any (?P<unit>\w+)")
NEVER = re.compile(r"(?:(?P<what>.+) )?never fires(?: between (?P<first>\d\d:\d\d) and (?P<last>\d\d:\d\d))?")
FIRES = re.compile(r"(?P<what>.+?) fires (?P<times>.+)")
WANTED = (
    "wanted `at most N fires [of WHAT] in any UNIT`, `WHAT fires TIMES` or `[WHAT] never fires "
    "[between HH:MM and HH:MM]`, and then `in ZONE` and a period: `of 2026-12`, or `from TIME to TIME`"
)


@frozen
class Expectation:
    """What a sentence expects. One of `most`, `times` and neither, which means never."""

    text: str
    tz: str
    start: datetime | None
    end: datetime | None
    what: str | None = None
    most: int | None = None
    unit: str = "minute"
    times: Timespec | None = None
    between: tuple[time, time] | None = None
    """The local times from which and until which nothing may fire; None for all day."""


def read_expectation(text: str, almanac: Almanac) -> Expectation:
    """The expectation that a sentence states; PicoschedError `invalid` if it states none."""
    rest = " ".join(text.split())
    zone = ZONE.search(rest)
    tz = "UTC" if zone is None else zone["zone"]
    check_zone(tz)
    plain = rest if zone is None else rest[: zone.start()] + rest[zone.end() :]
    start = end = None
    if (period := PERIOD.search(plain)) is not None:
        start, end = _period(period, ZoneInfo(tz))
        plain = plain[: period.start()]
    if (found := AT_MOST.fullmatch(plain)) is not None and found["unit"] in UNITS:
        most = int(found["most"])
        return Expectation(text, tz, start, end, found["what"], most, unit=found["unit"])
    if plain.startswith("at most "):
        raise PicoschedError(f"found the expectation `{text}`, {WANTED}; UNIT is one of {', '.join(UNITS)}")
    if (found := NEVER.fullmatch(plain)) is not None:
        hours = None
        if found["first"] is not None:
            try:
                hours = time.fromisoformat(found["first"]), time.fromisoformat(found["last"])
            except ValueError as cause:
                raise PicoschedError(f"found `{text}`, wanted times from 00:00 to 23:59") from cause
        return Expectation(text, tz, start, end, found["what"], between=hours)
    if (found := FIRES.fullmatch(plain)) is not None:
        spec = re.sub(r"\bbut\b", "except", found["times"])
        spec = re.sub(r"\bholidays\b(?!\()", 'calendar("holidays")', spec)
        return Expectation(text, tz, start, end, found["what"], times=Timespec.parse(spec, tz, almanac))
    raise PicoschedError(f"found the expectation `{text}`, {WANTED}")


def _period(found: re.Match[str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        if found["from"] is not None:
            start, end = (datetime.fromisoformat(each) for each in (found["from"], found["to"]))
            start, end = (each if each.tzinfo else each.replace(tzinfo=zone) for each in (start, end))
        elif found["day"] is not None:
            start = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=zone)
            end = start + timedelta(days=1)
        elif found["month"] is not None:
            year, month = int(found["year"]), int(found["month"])
            start = datetime(year, month, 1, tzinfo=zone)
            end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        else:
            start = datetime(int(found["year"]), 1, 1, tzinfo=zone)
            end = datetime(int(found["year"]) + 1, 1, 1, tzinfo=zone)
    except ValueError as cause:
        raise PicoschedError(f"found the period `{found[0].strip()}`: {cause}") from cause
    if end <= start:
        raise PicoschedError(f"found the period `{found[0].strip()}`, wanted one that ends after it begins")
    return start.astimezone(UTC), end.astimezone(UTC)
