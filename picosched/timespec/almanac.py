"""The almanac: what settings say of calendars and places, as a value that timespecs are read with.

A text names its calendars and places, and the almanac is the argument that says what the names mean. Reading
a text consults it; the timespec has what it said, and looks nothing up when it fires.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TypeVar

from picosched.errors import PicoschedError
from picosched.timespec.calendar import Calendar, holidays_of
from picosched.timespec.place import Place
from picosched.timespec.sun import EVENTS, Location

T = TypeVar("T")

MOST_CALENDARS = 10
"""Calendars of one text: the days of one take up to a fiftieth of a second to work out."""


@dataclass(frozen=True, eq=False)
class Almanac:
    """Calendars and places by name, and the calendar that business days go by.

    Compared by identity, so that what is read with it can be cached.
    """

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    places: Mapping[str, Location] = field(default_factory=dict)
    business_days: str = ""
    """The name of a calendar, or a code of holidays; empty if only Saturday and Sunday are free."""

    def calendar(self, name: str) -> Calendar:
        """The calendar with that name; PicoschedError `not_found` if there is none."""
        return _of(self.calendars, name, "the calendar", "[calendar.NAME]")

    def location(self, name: str) -> Location:
        """The place with that name; PicoschedError `not_found` if there is none."""
        return _of(self.places, name, "the place", "[place.NAME]")

    @cached_property
    def digest(self) -> str:
        """A text that differs for almanacs that say different things; empty if it says nothing."""
        if not (self.calendars or self.places or self.business_days):
            return ""
        from picosched.hashed import id_of  # late: few settings have an almanac

        places = sorted(map(repr, self.places.values()))
        calendars = [(name, *each.said) for name, each in sorted(self.calendars.items())]
        said = self.business_days, places, calendars
        return id_of(repr(said))

    def free_days(self, name: str) -> Calendar:
        """The calendar with that name, or the holidays with that code."""
        return self.calendars[name] if name in self.calendars else holidays_of(name)


PLAIN = Almanac()
"""The almanac of no settings: it has holidays by code."""

WORDS = ("calendar", "business", *EVENTS)
"""A text that names something of the settings' almanac has one of these."""

_COSTLY = re.compile("|".join(("holidays", *WORDS)), re.IGNORECASE)
_NAMES = re.compile("|".join(WORDS), re.IGNORECASE)


def names_any(text: str) -> bool:
    """Whether a text may name something of the settings' almanac: for others any almanac is as good."""
    return _NAMES.search(text) is not None


def how_often_named(text: str) -> int:
    """How many calendars and times of the sun a text names at most: each takes time to work out."""
    return len(_COSTLY.findall(text))


class Consulted:
    """An almanac while one text is read with it; remembers which calendars were asked for.

    With `blank` every calendar is without days: that reads what the text would mean if nothing was left out.
    """

    def __init__(self, almanac: Almanac, *, blank: bool = False) -> None:
        self._almanac = almanac
        self._blank = blank
        self._asked: set[str] = set()
        self.calendars: dict[str, Calendar] = {}
        """Their texts → them."""
        self.plain_business_days = False
        """Whether business days were asked for that go by no calendar."""

    def holidays(self, code: str, place: Place) -> Calendar:
        """Those with that code; here and below, an error has the place in the text."""
        return self._used(holidays_of, code, place)

    def calendar(self, name: str, place: Place) -> Calendar:
        """The calendar of the settings with that name."""
        return self._used(self._almanac.calendar, name, place)

    def free_days(self, name: str, place: Place) -> Calendar | None:
        """The days that are no business days, of a calendar or code, or of the settings'; None if these name
        none."""
        name = name or self._almanac.business_days
        self.plain_business_days |= not name
        return self._used(self._almanac.free_days, name, place) if name else None

    def location(self, name: str, place: Place) -> Location:
        """The place of the settings with that name."""
        return _placed(self._almanac.location, name, place)

    def _used(self, found: Callable[[str], Calendar], name: str, place: Place) -> Calendar:
        self._asked.add(name)
        if len(self._asked) > MOST_CALENDARS:
            raise place.because(
                PicoschedError(f"found more than {MOST_CALENDARS} calendars, wanted fewer", "too_large")
            )
        calendar = _placed(found, name, place)
        self.calendars[calendar.text] = calendar
        return calendar.blank if self._blank else calendar


def _placed(found: Callable[[str], T], name: str, place: Place) -> T:
    """What is found under a name; an error has the place in the text."""
    try:
        return found(name)
    except PicoschedError as error:
        raise place.because(error) from error


def _of(known: Mapping[str, T], name: str, what: str, table: str) -> T:
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3, cutoff=0.6) or [*known][:8]
    wanted = f"one of {', '.join(near)}" if near else f"the name of a table {table} of the settings"
    raise PicoschedError(f'found {what} "{name:.40}", wanted {wanted}', "not_found")
