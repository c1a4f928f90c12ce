"""The start of a timespec that counts from one, and local times as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from picosched.timespec.days import DAY
from picosched.timespec.zone import BEGINNING, instant_of, is_utc

_BEGINNING = datetime.min


class Start(NamedTuple):
    """When something is scheduled: the local time, on a whole second, and the id of what is."""

    local: datetime
    id: str = ""


def local_time(time: datetime, tz: str) -> datetime:
    """The local time in a zone, without its offset, on the whole second before."""
    there = time.astimezone(UTC if is_utc(tz) else ZoneInfo(tz))
    return there.replace(tzinfo=None, microsecond=0, fold=0)


def utc_of(local: datetime, tz: str) -> datetime:
    """When clocks there first show a local time, in UTC."""
    return BEGINNING + timedelta(seconds=instant_of(tz, second_of(local)))


def second_of(local: datetime) -> int:
    """The seconds of a local time since the start of year 1."""
    return (local.toordinal() - 1) * DAY + 3_600 * local.hour + 60 * local.minute + local.second


def written(second: int) -> str:
    """A local time as it is written after `from`: a date at midnight."""
    local = _BEGINNING + timedelta(seconds=second)
    if second % DAY == 0:
        return str(local.date())
    return local.isoformat(timespec="seconds" if local.second else "minutes")
