"""Time zones as stretches of a constant offset.

`zoneinfo` answers what the offset is at one instant. Stepping through times needs the reverse: until
when does this offset last, and where had the local clock got to before. A `Stretch` says both. Its
`high` is the reading that a local clock which is never turned back shows when the stretch begins:
ahead of the true clock by the hour that is being repeated after a change back, behind it by the hour
that was skipped after a change forward.

Instants and readings are whole seconds since the start of year 1, in UTC and in local time.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from picosched.errors import PicoschedError, shortened
from picosched.timespec.days import DAY, LAST_DAY

BEGINNING = datetime.min.replace(tzinfo=UTC)
LAST_SECOND = (LAST_DAY + 1) * DAY - 1

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}", re.ASCII)

# What these mean depends on the machine, or on leap seconds; none is the name of a place.
_NOT_ZONES = ("localtime", "posixrules", "Factory")
_NOT_FOLDERS = ("posix/", "right/")

# Where local time has always been UTC.
_UTC = frozenset(
    f"{area}{name}"
    for area in ("", "Etc/")
    for name in ("UTC", "UCT", "GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich", "Universal", "Zulu")
)

# Stretches are worked out for so long at a time.
_SPAN = 400 * DAY

# No zone has ever changed its offset twice within three days, so looking every other day misses nothing.
_LOOK = 2 * DAY


class Stretch(NamedTuple):
    """A time from `start` to before `end`, in UTC, while local time is UTC plus `offset`."""

    start: int
    end: int
    offset: int
    high: int


_FOREVER = Stretch(0, LAST_SECOND + 1, 0, 0)


def check_zone(name: str) -> None:
    """Raise PicoschedError `invalid`, suggesting similar names, if the zone is unknown."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        try:
            if name not in _NOT_ZONES and not name.startswith(_NOT_FOLDERS):
                ZoneInfo(name)
                return
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise PicoschedError(f"found the time zone {_shown(name)}, wanted {_near(name)}", "invalid")


def is_utc(name: str) -> bool:
    """Whether local time in the zone `name` is UTC, always."""
    return name in _UTC


def stretch_at(name: str, instant: int) -> Stretch:
    """The stretch of the zone `name` containing `instant`, or a part of it.

    A part may begin and end where the offset stays the same: `high` is right all the same.
    """
    if name in _UTC:
        return _FOREVER
    starts, stretches = _stretches(name, instant // _SPAN)
    return stretches[bisect_right(starts, instant) - 1]


@lru_cache(maxsize=4096)
def instant_of(tz: str, local: int) -> int:
    """When clocks there first show the local time, or a later one."""
    instant = max(local - DAY, 0)
    while True:
        start, end, offset, _ = stretch_at(tz, instant)
        if (at := max(local - offset, start)) < end or end > LAST_SECOND:
            return at
        instant = end


@lru_cache(maxsize=4096)
def _stretches(name: str, span: int) -> tuple[tuple[int, ...], tuple[Stretch, ...]]:
    zone = ZoneInfo(name)
    begin, end = span * _SPAN, (span + 1) * _SPAN
    found: list[Stretch] = []
    # A little before the beginning, since an hour that is repeated there may reach into this span.
    start = instant = begin - _LOOK
    offset = _offset_at(zone, instant)
    high = start + offset
    while instant < end:
        look = min(instant + _LOOK, end - 1)
        if _offset_at(zone, look) != offset:
            look = _first_change(zone, instant, look, offset)
            found.append(Stretch(start, look, offset, high))
            high = max(high, look + offset)
            start, offset = look, _offset_at(zone, look)
        instant = look if look > instant else end
    found.append(Stretch(start, end, offset, high))
    found = [_clipped(stretch, begin) for stretch in found if stretch.end > begin]
    return tuple(stretch.start for stretch in found), tuple(found)


def _clipped(stretch: Stretch, begin: int) -> Stretch:
    start, end, offset, high = stretch
    return stretch if start >= begin else Stretch(begin, end, offset, max(high, begin + offset))


def _first_change(zone: ZoneInfo, after: int, until: int, offset: int) -> int:
    later = range(after + 1, until)
    return after + 1 + bisect_left(later, True, key=lambda instant: _offset_at(zone, instant) != offset)


def _offset_at(zone: ZoneInfo, instant: int) -> int:
    # Local time must stay within the years 1 to 9999; no zone changes in the days that are cut off here.
    instant = min(max(instant, _LOOK), LAST_SECOND - _LOOK)
    offset = (BEGINNING + timedelta(seconds=instant)).astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo always has one
    return offset.days * DAY + offset.seconds


def _near(name: object) -> str:
    names = {zone.lower(): zone for zone in available_timezones() - set(_NOT_ZONES)}
    wanted = str(name)[:64].lower()
    near = [names[key] for key in difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)]
    # A city alone is the commonest slip: "berlin" for "Europe/Berlin".
    near += [zone for key, zone in names.items() if key.endswith("/" + wanted.replace(" ", "_"))]
    near = sorted(set(near))
    return " or ".join(near) if near else "a name such as UTC or Europe/Berlin"


def _shown(name: object) -> str:
    return shortened(repr(name), 40)
