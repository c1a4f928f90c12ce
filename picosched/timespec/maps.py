"""Timespecs as maps of parts: `{"minutes": [0, 30], "hours": [9, 17], "dates": "last"}`.

A missing part matches everything, except that seconds default to 0; so `{}` is every minute. A value is a
number, a name, the text of a cron item, words for days ("last weekday", "2nd thursday"), or a list of these.
Dates and days_of_week must both match. The text of a map is JSON, in its normal form with the parts in order.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from picosched.timespec import cron
from picosched.timespec.almanac import Consulted
from picosched.timespec.bits import ALL_HOURS, ALL_MINUTES, ALL_MONTHS, ALL_YEARS
from picosched.timespec.calendar import Calendar
from picosched.timespec.day_phrases import DayReader, day_phrase
from picosched.timespec.fields import EVERY_MONTH_DAY, EVERY_WEEK_DAY, Fields, MonthDays, WeekDays
from picosched.timespec.place import Place, shown
from picosched.timespec.tokens import in_normal_form

PARTS = ("seconds", "minutes", "hours", "dates", "months", "days_of_week", "years")
_ALSO = {
    "second": "seconds",
    "minute": "minutes",
    "hour": "hours",
    "date": "dates",
    "day": "dates",
    "month": "months",
    "month_day": "dates",
    "month_days": "dates",
    "day_of_week": "days_of_week",
    "week_day": "days_of_week",
    "week_days": "days_of_week",
    "weekday": "days_of_week",
    "weekdays": "days_of_week",
    "year": "years",
}
_KINDS = {
    "seconds": cron.SECOND,
    "minutes": cron.MINUTE,
    "hours": cron.HOUR,
    "dates": cron.DAY_OF_MONTH,
    "months": cron.MONTH,
    "days_of_week": cron.DAY_OF_WEEK,
    "years": cron.YEAR,
}


class _TwiceError(ValueError):
    """A duplicate key in an object."""


def map_end(text: str, at: int) -> int:
    """The end of the map that begins at `at`; PicoschedError `invalid` if it is not JSON."""
    try:
        _, end = _JSON.raw_decode(text, at)
    except json.JSONDecodeError as fault:
        wanted = f"JSON: {fault.msg[:1].lower()}{fault.msg[1:]}"
        raise Place(text, fault.pos + 1).fault(text[fault.pos :], wanted) from None
    except _TwiceError as twice:
        raise Place(text, at + 1).error(f"{twice} twice, wanted each part once") from None
    except (ValueError, RecursionError):
        raise Place(text, at + 1).fault(text[at:], "a map of numbers, texts and lists of them") from None
    return end


def read_map(text: str, place: Place, consulted: Consulted) -> tuple[str, Fields]:
    """The JSON text of a map in normal form, and its fields.

    PicoschedError `invalid` names the wrong part.
    """
    found: dict[str, Any] = {}
    for key, value in _JSON.decode(text).items():
        name = _ALSO.get(key.lower(), key.lower())
        if name not in _KINDS:
            near = difflib.get_close_matches(name[:40], [*PARTS, *_ALSO], n=1, cutoff=0.5)
            wanted = near[0] if near else f"one of {', '.join(PARTS)}"
            raise place.error(f"the part {shown(key)}, wanted {wanted}")
        if name in found:
            raise place.error(f"{name} twice, wanted each part once")
        found[name] = _items(value, Place(text, None, name))
    fields = _fields(text, found, consulted)
    if not fields.days():
        raise place.fault(text, "days that exist in its months and years: it never fires")
    ordered = {
        name: found[name][0] if len(found[name]) == 1 else found[name] for name in PARTS if name in found
    }
    return json.dumps(ordered, separators=(",", ":"), ensure_ascii=False), fields


def _items(value: object, place: Place) -> list[int | str]:
    """The numbers and texts of a value, which may be a list of them."""
    items = value if isinstance(value, list) else [value]
    if not items:
        raise place.error("an empty list, wanted at least one value")
    found: list[int | str] = []
    for item in items:
        if isinstance(item, str):
            found.append(in_normal_form(item))
        elif isinstance(item, int) and not isinstance(item, bool):
            found.append(item)
        else:
            told = "a list in a list" if isinstance(item, list) else "a map"
            if not isinstance(item, list | dict):
                told = shown(json.dumps(item))
            raise place.error(f"{told}, wanted a number, a text or a list of them")
    return found


def _fields(text: str, found: dict[str, list[int | str]], consulted: Consulted) -> Fields:
    def values(name: str, missing: int) -> int:
        some = 0 if name in found else missing
        for field in _cron_fields(text, name, found):
            some |= field.values(_KINDS[name])
        return some

    month_days = MonthDays() if "dates" in found else EVERY_MONTH_DAY
    free = None
    for field in _cron_fields(text, "dates", found):
        named = day_phrase(field.text, field.place, consulted)
        if named and named.week_days:
            raise field.place.fault(field.text, "a day of the month: a weekday belongs in days_of_week")
        month_days |= (named and named.month_days) or field.month_days()
        free = _one_of(free, named, field)
    week_days = WeekDays() if "days_of_week" in found else EVERY_WEEK_DAY
    for field in _cron_fields(text, "days_of_week", found):
        named = day_phrase(field.text, field.place, consulted)
        if named and named.month_days:
            raise field.place.fault(field.text, "a weekday: a day of the month belongs in dates")
        week_days |= (named and named.week_days) or field.week_days()
        free = _one_of(free, named, field)
    return Fields(
        seconds=values("seconds", 1),
        minutes=cron.minutes_of_day(values("hours", ALL_HOURS), values("minutes", ALL_MINUTES)),
        month_days=month_days,
        week_days=week_days,
        months=values("months", ALL_MONTHS),
        years=values("years", ALL_YEARS),
        elapsed=any(
            _starred(found[name]) if name in found else name != "seconds"
            for name in ("seconds", "minutes", "hours")
        ),
        free=free,
    )


def _one_of(free: Calendar | None, named: DayReader | None, field: cron.Field) -> Calendar | None:
    """The calendar that business days go by: there is one for a map."""
    found = named.free if named else None
    if free is not None and found is not None and free.text != found.text:
        raise field.place.fault(field.text, f"business days of {free.words}, as before")
    return found or free


def _cron_fields(text: str, name: str, found: dict[str, list[int | str]]) -> list[cron.Field]:
    place = Place(text, None, name)
    return [cron.Field(str(item), place) for item in found.get(name, ())]


def _starred(items: list[int | str]) -> bool:
    return str(items[0]).startswith("*")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(shown(key))
        found[key] = value
    return found


_JSON = json.JSONDecoder(object_pairs_hook=_once)
