"""Moments as rulesets give them, ISO 8601 text or milliseconds since 1970, and as they get them back.

Now is the caller's now: no wall clock is read here, not even for a text that gives a time without a date.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from picosched.errors import KrlError
from picosched.krl.scope import Value
from picosched.krl.size import charge, scan
from picosched.krl.values import described, shown

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z")
MOMENT = re.compile(r"[TtWw]?\d[\dTtWwZz:.,+\- ]*", re.ASCII)
TIME_ALONE = re.compile(
    r"[Tt]?(\d\d(?::?\d\d){0,2}(?:[.,]\d+)?(?:[Zz]|\+\d\d(?::?\d\d)?|-\d\d:?\d\d))", re.ASCII
)
"""A time of day with its zone, which tells it from a year or a date."""
DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)|\d{8}(?!\d)|\d{4}-?\d{3}(?!\d)|\d{4}-?W\d\d-?\d(?!\d)", re.ASCII)
"""The beginning of a text with a whole date. Others are of today, or of the first day of a year, say."""
LONGEST_TIME = 64
CALENDAR = 150
"""Steps charged for a call to the calendar library."""


def iso(moment: datetime) -> str:
    """The moment in KRL's format."""
    charge(4)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def moment(value: Value, now: datetime, asked: str = "time") -> datetime:
    """Parse a value as a moment. A time without a date is today; `asked` is the caller's name for errors."""
    if value is None or value is False or value == 0 or value == "":
        raise KrlError(f"{asked} needs a time; found {shown(value)}")
    if type(value) is int or type(value) is float:
        try:
            return EPOCH + timedelta(milliseconds=value)
        except OverflowError as cause:
            raise KrlError(f"{asked}: {shown(value)} is too far from now") from cause
    if not isinstance(value, str):
        raise KrlError(f"{asked} was given {described(value)} instead of a time: {shown(value)}")
    scan(len(value))
    found = parsed(value.strip(), now)
    if found is None:
        raise KrlError(f"{asked}: {shown(value)} is not an ISO 8601 time")
    return found


def names_no_day(text: str, now: datetime) -> bool:
    """Whether `moment` takes a text although that does not say which day it means."""
    text = text.strip()
    return not DAY.match(text) and parsed(text, now) is not None


def parsed(text: str, now: datetime) -> datetime | None:
    charge(4)
    if OURS.fullmatch(text):  # the format of this module's own results, the most common input
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    # What else the parser takes is not a moment: "now" would be the wall clock's, a slash makes an interval.
    if len(text) > LONGEST_TIME or not MOMENT.fullmatch(text):
        return None
    charge(CALENDAR)
    import pendulum

    if alone := TIME_ALONE.fullmatch(text):
        try:  # pendulum would drop the zone
            return datetime.fromisoformat(f"{now.astimezone(UTC).date()}T{alone[1].upper()}").astimezone(UTC)
        except (ValueError, OverflowError):
            return None
    try:
        at = pendulum.parse(text, now=pendulum.instance(now.astimezone(UTC)))
        if not isinstance(at, datetime):
            return None
        # A plain datetime: arithmetic with pendulum's own kind gives durations that other code cannot use.
        return datetime.fromisoformat(at.astimezone(UTC).isoformat()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
