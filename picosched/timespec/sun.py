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

from picosched.errors import PicoschedError
from picosched.timespec.calendar import INSTALL
from picosched.timespec.days import ALWAYS, DAY, LAST_DAY, Days
from picosched.timespec.duration import read_duration
from picosched.timespec.place import Place
from picosched.timespec.tokens import QUOTED
from picosched.timespec.wall import WallTimes
from picosched.timespec.zone import stretch_at

EVENTS = ("sunrise", "sunset", "dawn", "dusk")

_BEGINNING = 1_721_425.5
"""The Julian day of the start of year 1."""

_HORIZON = 90.0
_TWILIGHT = 96.0
_STEEPEST = 89.8
"""Nearer to a pole the hour of the sun is not defined well."""

# So many days are tried before it is taken for granted that the sun does not do so again.
_TRIES = 1_000

_SPAN = r"(?:[0-9]{1,5}(?:\.[0-9]{1,5})?\s*[A-Za-z]+\s*)+?"
_SUN = re.compile(
    rf"(?:\bat\s+)?(?:(?P<before>{_SPAN})\s*(?P<word>before|after)\s+)?\b(?P<event>{'|'.join(EVENTS)})"
    rf"(?:\s*(?P<sign>[+-])\s*(?P<span>{_SPAN}))?\s*\b(?:at|in)\s+(?P<place>{QUOTED})",
    re.IGNORECASE,
)
_LIKE = re.compile(rf"\b(?:{'|'.join(EVENTS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
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
            day += 1
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
            day -= 1
        return None

    def both(self, other: object) -> list[Sun]:
        """The times that are in `other` as well."""
        days = self._days_of(other)
        return [replace(self, days=common)] if (common := self.days & days) else []

    def without(self, other: object) -> list[Sun]:
        """The times that are not in `other`."""
        left = self.days - self._days_of(other)
        return [replace(self, days=left)] if left else []

    def _days_of(self, other: object) -> Days:
        whole = isinstance(other, WallTimes) and other.whole_days and other.days.stride == 1
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


@dataclass(frozen=True, slots=True)
class SunSaid:
    """What a text says of the sun: the event, the shift, the name of the place, and the rest of the text."""

    event: str
    shift: int
    place: str
    rest: str
    """As long as the text, with blanks for what was read."""

    @property
    def text(self) -> str:
        """In normal form."""
        minutes = f" {'-' if self.shift < 0 else '+'} {_short(abs(self.shift))}" if self.shift else ""
        return f'{self.event}{minutes} at "{self.place}"'

    @property
    def words(self) -> str:
        said = f'{self.event} in "{self.place}"'
        if not self.shift:
            return f"at {said}"
        return f"{_long(abs(self.shift))} {'before' if self.shift < 0 else 'after'} {said}"


def names_sun(text: str) -> bool:
    return _LIKE.search(text) is not None


def read_sun(text: str, place: Place) -> SunSaid:
    """What a text says of the sun; PicoschedError `invalid` if it is not said so."""
    match = _SUN.search(text)
    if match is None:
        event = _LIKE.search(text)
        assert event is not None
        wanted = f'a place as well, as in {event[0].lower()} - 30 minutes at "Berlin"'
        raise place.fault(event[0], wanted, event.start())
    if match["before"] and match["span"]:
        raise place.fault(match["span"], "one time before or after it", match.start("span"))
    part = "before" if match["before"] else "span"
    shift = 0
    if match[part]:
        _, seconds = read_duration(match[part].strip(), place.on(match.start(part)))
        if not isinstance(seconds, int) or seconds >= DAY:
            raise place.fault(match[part].strip(), "less than 24 hours", match.start(part))
        earlier = match["sign"] == "-" or (match["word"] or "").lower() == "before"
        shift = -seconds if earlier else seconds
    rest = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return SunSaid(match["event"].lower(), shift, match["place"][1:-1], rest)


@lru_cache(maxsize=16_384)
def _event(latitude: float, longitude: float, event: str, day: int) -> int | None:
    """The instant of an event, that of the noon of a day there; None if there is none.

    Two events of neighbouring days are never the same, and none is left out, whatever the clocks there show.
    """
    try:
        from astral import SunDirection, refraction_at_zenith
        from astral.julian import julianday_to_juliancentury
        from astral.sun import SUN_APPARENT_RADIUS, eq_of_time, hour_angle, sun_declination
    except ModuleNotFoundError as cause:
        raise PicoschedError(f"{event} needs the package astral: {INSTALL}", "refused") from cause
    zenith = _HORIZON + SUN_APPARENT_RADIUS if event in ("sunrise", "sunset") else _TWILIGHT
    zenith += refraction_at_zenith(zenith)
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


def _short(seconds: int) -> str:
    hours, minutes, rest = seconds // 3_600, seconds // 60 % 60, seconds % 60
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if n)


def _long(seconds: int) -> str:
    parts = ((seconds // 3_600, "hour"), (seconds // 60 % 60, "minute"), (seconds % 60, "second"))
    return " ".join(f"{n} {unit}{'s' * (n > 1)}" for n, unit in parts if n)
