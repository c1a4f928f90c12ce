"""The tables `[calendar.NAME]` and `[place.NAME]` of a configuration, read for an almanac.

A calendar has one or more parts: `dates`, a list of days or a table of days and their names; `ics`, the
path of an iCalendar file; `holidays`, a code. Its days are those of all of them. Its files are read here,
once, when an engine reads its settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from picosched.errors import PicoschedError
from picosched.timespec.calendar import Calendar, holidays_of
from picosched.timespec.dates import read_dates
from picosched.timespec.days import Days
from picosched.timespec.place import Place
from picosched.timespec.sun import Location
from picosched.timespec.zone import check_zone

KEYS = ("dates", "holidays", "ics")
MOST_BYTES = 5_000_000
MOST_DATES = 10_000


class Part(NamedTuple):
    """The days of one key of a calendar: days and their names, those of every year, and the last known."""

    named: Mapping[int, str]
    yearly: Sequence[tuple[Days, str]]
    last: date | None
    """None if there is no last."""


def read_calendars(tables: Any, where: str, folder: Path) -> dict[str, Calendar]:
    """Name → calendar. Paths are relative to `folder`. PicoschedError for invalid tables and files."""
    if not isinstance(tables, Mapping):
        raise PicoschedError(f"{where}: calendars: found {tables!r:.40}, wanted a table for each calendar")
    return {
        name: _calendar(name, table, f"{where}: the calendar {name}", folder)
        for name, table in tables.items()
    }


def read_places(tables: Any, where: str) -> dict[str, Location]:
    """Name → place. PicoschedError for invalid tables."""
    if not isinstance(tables, Mapping):
        raise PicoschedError(f"{where}: places: found {tables!r:.40}, wanted a table for each place")
    return {name: _place(name, table, f"{where}: the place {name}") for name, table in tables.items()}


def _place(name: str, table: Any, where: str) -> Location:
    if isinstance(table, Location):
        return table
    check_name(name, where)
    if not isinstance(table, Mapping) or set(table) != {"lat", "lon", "zone"}:
        wanted = 'wanted a table as {lat = 52.52, lon = 13.40, zone = "Europe/Berlin"}'
        raise PicoschedError(f"{where}: found {table!r:.60}, {wanted}")
    for key, most in (("lat", 90), ("lon", 180)):
        value = table[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
            raise PicoschedError(f"{where}, {key}: found {value!r:.40}, wanted degrees, -{most} to {most}")
    try:
        check_zone(table["zone"])
    except PicoschedError as error:
        raise PicoschedError(f"{where}, zone: {error.message}") from error
    return Location(name, float(table["lat"]), float(table["lon"]), table["zone"])


def check_name(name: object, where: str) -> None:
    """PicoschedError for a name that no timespec can quote."""
    if not isinstance(name, str) or not name.strip() or set(name) & set("\"'\n"):
        raise PicoschedError(f"{where}: found the name {name!r:.40}, wanted one without quotes")


def _calendar(name: str, table: Any, where: str, folder: Path) -> Calendar:
    if isinstance(table, Calendar):
        return table
    check_name(name, where)
    if not isinstance(table, Mapping) or not table or not set(table) <= set(KEYS):
        wanted = f"wanted a table of one or more of {', '.join(KEYS)}"
        raise PicoschedError(f"{where}: found {table!r:.60}, {wanted}")
    parts: list[Part] = []
    if "dates" in table:
        parts.append(_dates(table["dates"], name, f"{where}, dates"))
    if "ics" in table:
        parts.append(_ics(table["ics"], f"{where}, ics", folder))
    if "holidays" in table:
        parts.append(_holidays(table["holidays"], f"{where}, holidays"))
    named: dict[int, str] = {}
    for part in reversed(parts):  # the first names a day
        named |= part.named
    yearly = tuple(each for part in parts for each in part.yearly)
    last = min((part.last for part in parts if part.last is not None), default=None)
    return Calendar("calendar", name, named, yearly, last)


def _dates(given: Any, name: str, where: str) -> Part:
    items = (
        given
        if isinstance(given, Mapping)
        else dict.fromkeys(map(str, given))
        if isinstance(given, list)
        else None
    )
    if not items:
        raise PicoschedError(f'{where}: found {given!r:.40}, wanted a list of days such as ["2026-12-24"]')
    named: dict[int, str] = {}
    yearly: list[tuple[Days, str]] = []
    for text, called in items.items():
        _, times, whole = read_dates(str(text).strip(), Place(str(text).strip(), where=where))
        if not whole or not (called is None or isinstance(called, str)):
            raise PicoschedError(f"{where}: found {text} = {called!r:.40}, wanted a day and its name, a text")
        if text.strip().startswith("--"):
            yearly.append((times.days, called or name))
            continue
        day = times.days.first_from(0)
        while day is not None and len(named) <= MOST_DATES:
            named[day] = called or name
            day = times.days.first_from(day + 1)
        if len(named) > MOST_DATES:
            raise PicoschedError(f"{where}: found more than {MOST_DATES:,} days, wanted fewer", "too_large")
    return Part(named, yearly, None if yearly else date.fromordinal(max(named) + 1))


def _ics(given: Any, where: str, folder: Path) -> Part:
    from picosched.timespec.ics import read_ics

    if not isinstance(given, str):
        raise PicoschedError(f"{where}: found {given!r:.40}, wanted the path of a file")
    path = folder / Path(given).expanduser()
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError as cause:
        raise PicoschedError(f"{where}: there is no file {path}", "not_found") from cause
    except OSError as cause:
        raise PicoschedError(f"{where}: {path} cannot be read: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"{where}: {path} is not UTF-8 text") from cause
    if len(content) > MOST_BYTES:
        raise PicoschedError(f"{where}: {path} has more than {MOST_BYTES:,} bytes", "too_large")
    named = read_ics(text, f"{where}: {path}")
    return Part(named, (), date.fromordinal(max(named) + 1))


def _holidays(given: Any, where: str) -> Part:
    if not isinstance(given, str):
        raise PicoschedError(f'{where}: found {given!r:.40}, wanted a code such as "DE-BY"')
    try:
        found = holidays_of(given)
    except PicoschedError as error:
        raise PicoschedError(f"{where}: {error.message}", error.code) from error
    return Part(found.named, (), found.last)
