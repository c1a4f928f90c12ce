"""Times of the sun: its rise and set at a place, and civil dawn and dusk, moved by a fixed time.

Each belongs to the local day of the place in which it falls. Where the sun does not rise or set for a while,
there is none. `astral` has the formulas. They are those of the American weather service: right to a minute or
two between the polar circles in our centuries, and to some minutes in others. Instants are whole seconds
since the start of year 1, rounded up.

A part of a timespec of this kind is no set of local times. Whole days can be taken from it or be left of it;
what goes beyond that is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, degrees
from typing import NamedTuple

from picosched.errors import PicoschedError
from picosched.timespec.calendar import INSTALL
from picosched.timespec.days import ALWAYS, DAY, LAST_DAY, Days
from picosched.timespec.wall import WallTimes
from picosched.timespec.zone import stretch_at

EVENTS = ("sunrise", "sunset", "dawn", "dusk")
SUN_LIKE = re.compile(rf"\b(?:{'|'.join(EVENTS)})\b", re.IGNORECASE)
"""Matches in texts that go by the sun, and in no others."""

_BEGINNING = 1_721_425.5
"""The Julian day of the start of year 1."""

_HORIZON = 90.0
_TWILIGHT = 96.0
_STEEPEST = 89.8
"""Nearer to a pole the hour of the sun is not defined well."""

_TRIES = 1_000
"""Days tried before we assume that the event does not come again. Days on which the sun is too far from it
are passed over, so that this is decades at a pole, where it comes twice a year: time for each weekday."""

_FASTEST = 0.42
"""Degrees by which the sun moves north or south in a day, at most."""


class Location(NamedTuple):
    """A place on the earth: degrees north and east, and the zone of its local days."""

    name: str
    latitude: float
    longitude: float
    zone: str


@dataclass(frozen=True)
class Sun:
    """An event of the sun at a location, `shift` seconds later, where it falls on one of the `days` there."""

    event: str
    location: Location
    shift: int = 0
    days: Days = ALWAYS

    @property
    def key(self) -> object:
        """What two of them must have in common for their days to be combined."""
        return self.event, self.location, self.shift

    def first_from(self, instant: int) -> int | None:
        """The first at or after `instant`."""
        day = (instant - self.shift) // DAY - 2
        for _ in range(_TRIES):
            # The local day of an event is at most two days from the day it is counted by.
            near = self.days.first_from(day - 2)
            if near is None or day > LAST_DAY:
                return None
            day = max(day, near - 2)
            found = self._on(day)
            if found is not None and found >= instant:
                return found
            day += self._days_without(day)
        return None

    def last_until(self, instant: int) -> int | None:
        """The last at or before `instant`."""
        day = (instant - self.shift) // DAY + 2
        for _ in range(_TRIES):
            near = self.days.last_until(day + 2)
            if near is None or day < 0:
                return None
            day = min(day, near + 2)
            found = self._on(day)
            if found is not None and found <= instant:
                return found
            day -= self._days_without(day)
        return None

    def both(self, other: object) -> list[Sun]:
        """The times that are in `other` as well."""
        days = self._days_of(other)
        return [replace(self, days=common)] if (common := self.days & days) else []

    def without(self, other: object) -> list[Sun]:
        """The times that are not in `other`."""
        return [replace(self, days=left) for left in self.days.less(self._days_of(other))]

    def _days_of(self, other: object) -> Days:
        whole = isinstance(other, WallTimes) and other.whole_days
        if whole or (isinstance(other, Sun) and other.key == self.key):
            assert isinstance(other, WallTimes | Sun)
            return other.days
        raise self.refusal()

    def refusal(self) -> PicoschedError:
        """The error for a combination that there is not."""
        return PicoschedError(
            f"found {self.event}, which is no local time, combined with times of a day, wanted it combined "
            "with | alone, or with whole days after & or except",
            "invalid",
        )

    def _days_without(self, day: int) -> int:
        """To how many days from this one, forth and back, the next with the event is, at least."""
        latitude = self.location.latitude
        if not 0 <= day <= LAST_DAY or _event(latitude, self.location.longitude, self.event, day) is not None:
            return 1
        return max(1, int(_missing(latitude, self.event, day) / _FASTEST) - 1)

    def _on(self, day: int) -> int | None:
        """The instant of the event that is counted by a day; None if there is none, or not on the days."""
        if not 0 <= day <= LAST_DAY:
            return None
        at = _event(self.location.latitude, self.location.longitude, self.event, day)
        if at is None:
            return None
        if self.days is not ALWAYS:
            local = (at + stretch_at(self.location.zone, at).offset) // DAY
            if self.days.first_from(local) != local:
                return None
        return at + self.shift


def _missing(latitude: float, event: str, day: int) -> float:
    """By how many degrees the sun of a day stays below the height of an event, or above it."""
    from astral.julian import julianday_to_juliancentury
    from astral.sun import sun_declination

    declination = sun_declination(julianday_to_juliancentury(_BEGINNING + day + 0.5))
    latitude = max(-_STEEPEST, min(latitude, _STEEPEST))
    highest, lowest = 90 - abs(latitude - declination), abs(latitude + declination) - 90
    height = 90 - _zenith(event)
    return float(max(height - highest, lowest - height))


def _zenith(event: str) -> float:
    """The angle between the sun and the point overhead, with what the air bends."""
    from astral import refraction_at_zenith
    from astral.sun import SUN_APPARENT_RADIUS

    zenith = _HORIZON + float(SUN_APPARENT_RADIUS) if event in ("sunrise", "sunset") else _TWILIGHT
    return zenith + float(refraction_at_zenith(zenith))


@lru_cache(maxsize=16_384)
def _event(latitude: float, longitude: float, event: str, day: int) -> int | None:
    """The instant of an event, that of the noon of a day there; None if there is none.

    Two events of neighbouring days are never the same, and none is left out, whatever the clocks there show.
    """
    try:
        from astral import SunDirection
        from astral.julian import julianday_to_juliancentury
        from astral.sun import eq_of_time, hour_angle, sun_declination
    except ModuleNotFoundError as cause:
        raise PicoschedError(f"{event} needs the package astral: {INSTALL}", "refused") from cause
    zenith = _zenith(event)
    direction = SunDirection.RISING if event in ("sunrise", "dawn") else SunDirection.SETTING
    latitude = max(-_STEEPEST, min(latitude, _STEEPEST))
    part = 0.5 - longitude / 360  # of the day, at noon there
    for _ in range(3):
        century = julianday_to_juliancentury(_BEGINNING + day + part)
        try:
            angle = degrees(hour_angle(latitude, sun_declination(century), zenith, direction))
        except ValueError:  # it does not come so high, or so low
            return None
        part = (720 - 4 * (longitude + angle) - eq_of_time(century)) / 1_440
    return ceil((day + part) * DAY)
