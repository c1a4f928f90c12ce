"""Calendars: days that have a name, such as holidays, and until when they are known.

    holidays("DE-BY")    the public holidays of a country, or a part of it, by the package `holidays`
    calendar("works")    a calendar of the settings
    business days        Monday to Friday without the days of a calendar

A calendar is a value: its days are worked out when a timespec is read, and from then on belong to it. It
names a finite number of days one by one, and others by a rule that holds in every year. What it does not
know, because its data ends, it does not leave out; so whoever uses it tells in time that it ends (`ending`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Literal

from picosched.errors import PicoschedError
from picosched.timespec.days import MONDAY_TO_FRIDAY, NEVER, Days, of_days, reduced, united

FIRST_YEAR = 1970
"""The first year whose holidays are worked out; the package knows the last."""

SOON = timedelta(days=366)
"""How long before its data ends a calendar says so."""

INSTALL = "pip install 'picosched[calendars]'"

_CODE = r"([A-Za-z]{2,6})(?:-([A-Za-z0-9]{1,12}))?"


@dataclass(frozen=True, eq=False)
class Calendar:
    """Named days. Compared by identity: there is one for each source of data."""

    kind: Literal["holidays", "calendar"]
    name: str
    """A code or, of a calendar of the settings, its name there."""
    named: Mapping[int, str] = field(default_factory=dict)
    """The number of a day → its name."""
    yearly: tuple[tuple[Days, str], ...] = ()
    """Days of every year, and their name."""
    last: date | None = None
    """The last day that is known; None if its days never end."""

    @property
    def text(self) -> str:
        """How a timespec names it."""
        return f'{self.kind}("{self.name}")'

    @property
    def words(self) -> str:
        """Its days in words."""
        return f"holidays of {self.name}" if self.kind == "holidays" else f"days of the calendar {self.name}"

    @cached_property
    def days(self) -> Days:
        """All its days."""
        found = of_days(self.named)
        for days, _ in self.yearly:
            found = united(found, days)
        return found

    def name_of(self, day: int) -> str | None:
        """The name of a day; None if it is not of the calendar."""
        names = [self.named[day]] if day in self.named else []
        names += [name for days, name in self.yearly if days.first_from(day) == day]
        return ", ".join(dict.fromkeys(names)) or None

    @cached_property
    def business(self) -> Days:
        """Monday to Friday without its days."""
        return reduced(MONDAY_TO_FRIDAY, self.days)

    @cached_property
    def blank(self) -> Calendar:
        """The calendar without its days."""
        return Calendar(self.kind, self.name)

    @property
    def said(self) -> tuple[object, ...]:
        """All that it says, as plain values."""
        yearly = [(name, sorted(days.classes)) for days, name in self.yearly]
        return sorted(self.named.items()), yearly, self.last

    def ending(self, now: date) -> str | None:
        """A sentence, if its data ends soon or has ended."""
        if self.last is None or self.last - now > SOON:
            return None
        return f"{self.text} knows no day after {self.last}: from then on it leaves none out"


def holidays_of(code: str) -> Calendar:
    """The holidays of a country (`US`), of a part of it (`DE-BY`), or of an exchange (`XNYS`).

    PicoschedError `not_found` if they are unknown; `refused` if the package is not installed.
    """
    match = re.fullmatch(_CODE, code, re.ASCII)
    if match is None:
        raise PicoschedError(
            f'found the holidays of "{code:.40}", wanted a code such as US or DE-BY', "not_found"
        )
    return _holidays(match[1].upper(), match[2])


@lru_cache(maxsize=256)
def _holidays(country: str, part: str | None) -> Calendar:
    try:
        import holidays  # late: it takes longer than reading most timespecs
    except ModuleNotFoundError as cause:
        raise PicoschedError(f"holidays(…) needs the package holidays: {INSTALL}", "refused") from cause
    parts = _parts(country)
    found = part and next((each for each in parts if each.lower() == part.lower()), None)
    code = f"{country}-{found or part}" if part else country
    if part and found is None:
        wanted = f"one of {', '.join(_near(part, parts))}" if parts else f"{country} alone: it has no parts"
        raise PicoschedError(f'found the holidays of "{code}", wanted {wanted}', "not_found")
    exchange = country in holidays.list_supported_financial()
    make = holidays.financial_holidays if exchange else holidays.country_holidays
    sample = make(country)
    language = "en_US" if "en_US" in sample.supported_languages else sample.default_language
    years = range(max(sample.start_year, FIRST_YEAR), sample.end_year + 1)
    some = make(country, subdiv=found, language=language, years=years)
    named = {day.toordinal() - 1: name.replace("; ", ", ") for day, name in some.items()}
    return Calendar("holidays", code, named, last=date(sample.end_year, 12, 31))


def _parts(country: str) -> list[str]:
    """The codes of a country's parts; PicoschedError `not_found` for one that is unknown."""
    import holidays

    countries = {**holidays.list_supported_countries(), **holidays.list_supported_financial()}
    if country not in countries:
        wanted = ", ".join(_near(country, countries))
        raise PicoschedError(
            f'found the holidays of "{country}", wanted a code such as {wanted}', "not_found"
        )
    return list(countries[country])


def _near(code: str, codes: Iterable[str]) -> list[str]:
    known = sorted(codes)
    return difflib.get_close_matches(code.upper(), known, n=3, cutoff=0.4) or known[:8]


def nth_of_months(days: Days, numbers: Iterable[int]) -> Days:
    """The n-th of the days in each month: the first is 1, the last -1."""
    counted = [*numbers]

    def picked(month: int) -> int:
        found, left = [], month
        while left:
            found.append(left & -left)
            left &= left - 1
        return sum({found[n - 1 if n > 0 else n] for n in counted if 0 < abs(n) <= len(found)})

    if not counted:
        return NEVER
    return Days((tuple(map(picked, year)), years) for year, years in days.classes)
