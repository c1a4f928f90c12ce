"""Parses cron text, field by field.

    [second] minute hour day-of-month month day-of-week [year]

Five fields are the classic ones; six start with seconds; seven also end with a year.
A field is a list of items with commas between; an item is `*`, a value or a range `low-high`, each
with `/step` if wanted. `low/step` runs to the end of the field. Months and weekdays have English
names, short or whole, and both 0 and 7 are Sunday, so a range of weekdays may begin or end with it.
A range whose lower end comes last goes round the end of the field: `FRI-MON`, `22-2`. `?` alone in one of
the two day fields is `*`. The macros are `@yearly` and its like. `H` is drawn before (see `hashed`).

A day of the month may be `L`, the last; `L-3`, three days before it; `LW`, the last of Monday to Friday;
and `15W` or `L-3W`, the Monday to Friday nearest to that day in the same month. A day of the week may be
`FRI#2`, the second in the month, and `FRIL`, `5L` or `L5`, the last; `1-5L` is the last of each.

Two rules look at whether a field *starts with* `*` and not at what it stands for, as in Vixie cron:
a day must match both day fields if one of them does, and otherwise one is enough; and times whose
minute or hour does are times of a clock that goes round, and not fixed times (see `timespec`).

croniter reads the items, one at a time in a cron text that is `*` elsewhere, so that what it refuses
has a place: all but `*`, `*/step` and single values, for which it need not be imported. Each distinct item is
read once. It reads values, ranges, steps, `5#2` and `L5`. It is never
shown what it lacks (`LW`, `L-3`, `5L`) or does not tell (`15W` gives it 15), nor what it reads otherwise
than this page says: `3-3` (to it, the whole field), `50-10` (whose steps it counts anew), `*/90`, a weekday's
`low/step` (to Saturday, not Sunday), whole names, and its letters `H` and `R`. Its `strict` is not asked
for: that refuses `0 0 30 2 1`, which fires on the Mondays of February. Years are read here.

An error gives the field, the column in the text (from 1), what was found and what was wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from picosched.errors import PicoschedError
from picosched.timespec.bits import ALL_YEARS, bits, lowest, members
from picosched.timespec.fields import Fields, MonthDays, WeekDays
from picosched.timespec.place import Place

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()
MONTH_NAMES = {name: n for n, full in enumerate(MONTHS, 1) for name in (full[:3].lower(), full.lower())}
MONTH_NAMES["sept"] = 9
WEEKDAY_NAMES = {name: n for n, full in enumerate(WEEKDAYS) for name in (full[:3].lower(), full.lower())}
WEEKDAY_NAMES |= {"tues": 2, "thur": 4, "thurs": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """The values a field may have: `low` to `high`, short names for them, and other forms."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    values: Mapping[str, int] | None = None
    forms: str = ""

    @property
    def wanted(self) -> str:
        named = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.low} to {self.high}{named}{self.forms}"


SECOND = Kind("second", 0, 59)
MINUTE = Kind("minute", 0, 59)
HOUR = Kind("hour", 0, 23)
DAY_OF_MONTH = Kind("day of month", 1, 31, forms=", L, L-3, LW, 15W or L-3W")
MONTH = Kind("month", 1, 12, tuple(name[:3].upper() for name in MONTHS), MONTH_NAMES)
DAY_OF_WEEK = Kind(
    "day of week", 0, 7, tuple(name[:3].upper() for name in WEEKDAYS), WEEKDAY_NAMES, ", FRI#2 or FRIL"
)
YEAR = Kind("year", 1970, 9999)

_CLASSIC = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
KINDS = {5: _CLASSIC, 6: (SECOND, *_CLASSIC), 7: (SECOND, *_CLASSIC, YEAR)}

# Where croniter has each field when the second stands last, which is its default.
_PLACES = {kind: place for place, kind in enumerate((*_CLASSIC, SECOND))}

_FIELD = re.compile(r"\S+", re.ASCII)
_VALUE = re.compile(r"[0-9]{1,9}|[A-Za-z]{3,9}")
_YEAR_ITEM = re.compile(r"(?:\*|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?")
_PLAIN = re.compile(r"(0|[1-9][0-9]?)|\*(?:/([1-9][0-9]?))?")
_FROM_END = re.compile(r"L(?:-([0-9]{1,2}))?(W?)", re.IGNORECASE)
_NEAREST = re.compile(r"([0-9]{1,2})W", re.IGNORECASE)
_NTH = re.compile(r"([0-9A-Za-z]+)#(.*)", re.DOTALL)
_LAST = re.compile(r"L([0-9])|([0-9]|[A-Za-z]+)L", re.IGNORECASE)
_EACH_LAST = re.compile(r"([0-9A-Za-z]+-[0-9A-Za-z]+)L", re.IGNORECASE)


def read_cron(text: str, place: Place | None = None) -> tuple[str, Fields]:
    """`text` in its normal form (single spaces, names in capitals) and its fields. Invalid text, or one
    that never fires, raises PicoschedError `invalid`. `place` is its position in a larger text, by default
    the beginning.
    """
    place = place or Place(text)
    found = [Field(match[0], place.on(match.start())) for match in _FIELD.finditer(text)]
    if found and found[0].text.startswith("@"):
        return _read_macro(found)
    if len(found) not in KINDS:
        raise place.error(
            f"{len(found)} fields, wanted 5 (minute, hour, day of month, month, day of week), "
            "6 (with seconds first) or 7 (with a year last)",
            _end(text),
        )
    fields = _read_fields(dict(zip(KINDS[len(found)], found, strict=True)))
    return " ".join(field.text.upper() for field in found), fields


@dataclass(frozen=True, slots=True)
class Field:
    """The text of one field, and its position."""

    text: str
    place: Place

    @property
    def starred(self) -> bool:
        return self.text.startswith(("*", "?"))

    def values(self, kind: Kind) -> int:
        """The set of values of the field, with Sunday as 0."""
        values = 0
        for item, offset in self._items():
            values |= self._item(kind, item, offset)
        return values

    def month_days(self) -> MonthDays:
        """The days of the month of the field."""
        if self.text == "?":
            return MonthDays(_every(DAY_OF_MONTH))
        found = MonthDays()
        for item, offset in self._items():
            found |= self._month_day(item, offset)
        return found

    def week_days(self) -> WeekDays:
        """The weekdays of the field, including those of one week of the month."""
        if self.text == "?":
            return WeekDays(_every(DAY_OF_WEEK))
        found = WeekDays()
        for item, offset in self._items():
            found |= self._week_day(item, offset)
        return found

    def _items(self) -> list[tuple[str, int]]:
        found, offset = [], 0
        for item in self.text.split(","):
            found.append((item, offset))
            offset += len(item) + 1
        return found

    def _month_day(self, item: str, offset: int) -> MonthDays:
        if item.upper() == "LW":
            return MonthDays(working_from_end=1)
        if match := _FROM_END.fullmatch(item):
            back = int(match[1] or 0)
            if back > 30:
                raise self._fault(DAY_OF_MONTH, item, offset, "L-1 to L-30")
            return MonthDays(nearest_from_end=1 << back) if match[2] else MonthDays(from_end=1 << back)
        if match := _NEAREST.fullmatch(item):
            return MonthDays(nearest=1 << self._value(DAY_OF_MONTH, match[1], offset))
        return MonthDays(self._item(DAY_OF_MONTH, item, offset))

    def _week_day(self, item: str, offset: int) -> WeekDays:
        if match := _NTH.fullmatch(item):
            weekday = self._value(DAY_OF_WEEK, match[1], offset) % 7
            found = _expanded_nth(f"{weekday}#{match[2]}") if match[2] in _WEEKS else None
            if found is None:
                raise self._fault(DAY_OF_WEEK, match[2], offset + match.start(2), "1 to 5, as in FRI#2")
            return found
        if match := _LAST.fullmatch(item):
            number = 1 if match[1] else 2
            weekday = self._value(DAY_OF_WEEK, match[number], offset + match.start(number))
            found = _expanded_nth(f"L{weekday % 7}")
            assert found is not None  # croniter knows the last of every weekday
            return found
        if match := _EACH_LAST.fullmatch(item):
            weekdays = self._item(DAY_OF_WEEK, match[1], offset)
            return WeekDays(nth=frozenset((weekday, -1) for weekday in members(weekdays)))
        return WeekDays(self._item(DAY_OF_WEEK, item, offset))

    def _item(self, kind: Kind, item: str, offset: int) -> int:
        bounds, slash, step = item.partition("/")
        low = high = 0
        if bounds != "*":
            low, high = self._ends(kind, bounds, offset, to_the_end=bool(slash))
        if slash:
            self._check_step(kind, step, offset + len(bounds) + 1)
        if low > high:
            return _round(kind, low, high, int(step or 1))
        plain = bounds if bounds == "*" else f"{low}-{high}" if low < high else str(low)
        values = _expanded(kind, plain if plain.isdigit() else plain + slash + step)
        if values is None:
            raise self._fault(kind, item, offset, kind.wanted)
        return values

    def _ends(self, kind: Kind, bounds: str, offset: int, to_the_end: bool) -> tuple[int, int]:
        first, dash, last = bounds.partition("-")
        low = high = self._value(kind, first, offset)
        if dash:
            high = self._value(kind, last, offset + len(first) + 1)
            if kind is DAY_OF_WEEK and high == 0 < low:
                high = 7
            elif kind is DAY_OF_WEEK and low == 7 > high:
                low = 0
        elif to_the_end:
            high = kind.high
        if low > high and kind is YEAR:
            raise self._fault(kind, bounds, offset, f"the lower end first, as in {high}-{low}")
        return low, high

    def _check_step(self, kind: Kind, text: str, offset: int) -> None:
        # A longer step would never be taken: "*/90" is every hour, which is surely not intended.
        longest = kind.high - kind.low + 1
        if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= longest):
            raise self._fault(kind, text, offset, f"a step of 1 to {longest}")

    def _value(self, kind: Kind, text: str, offset: int) -> int:
        value = _expanded(kind, text) if _VALUE.fullmatch(text) else None
        if value is None:
            raise self._fault(kind, text, offset, kind.wanted)
        # A weekday of 7 stays 7 here: as the end of a range it is not 0.
        return int(text) if text.isdigit() else lowest(value)

    def _fault(self, kind: Kind, found: str, offset: int, wanted: str) -> PicoschedError:
        """The error for `found`, `offset` characters into the field."""
        return self.place.fault(found, wanted, offset, kind.name)


_WEEKS = ("1", "2", "3", "4", "5")


def minutes_of_day(hours: int, minutes: int) -> int:
    """The minutes of a day, 0 to 1439, that have one of the hours and one of the minutes."""
    found = 0
    for hour in members(hours):
        found |= minutes << 60 * hour
    return found


def _read_macro(fields: list[Field]) -> tuple[str, Fields]:
    macro = fields[0]
    name = macro.text.lower()
    if name not in MACROS:
        raise macro.place.fault(macro.text, " ".join([*MACROS, "@every 15m"]))
    if len(fields) > 1:
        raise fields[1].place.fault(fields[1].text, f"nothing after {name}")
    return name, read_cron(MACROS[name])[1]


def _read_fields(fields: dict[Kind, Field]) -> Fields:
    month_day, week_day, year = fields[DAY_OF_MONTH], fields[DAY_OF_WEEK], fields.get(YEAR)
    # In the order of the text, so that the first fault is reported.
    seconds = fields[SECOND].values(SECOND) if SECOND in fields else 1
    minutes = fields[MINUTE].values(MINUTE)
    found = Fields(
        seconds=seconds,
        minutes=minutes_of_day(fields[HOUR].values(HOUR), minutes),
        month_days=month_day.month_days(),
        months=fields[MONTH].values(MONTH),
        week_days=week_day.week_days(),
        years=year.values(YEAR) if year and year.text != "*" else ALL_YEARS,
        either=not (month_day.starred or week_day.starred),
        elapsed=any(kind in fields and fields[kind].starred for kind in (SECOND, MINUTE, HOUR)),
    )
    if not found.days():
        wanted = "a date that its months and years have: it never fires"
        raise month_day.place.fault(month_day.text, wanted, 0, DAY_OF_MONTH.name)
    return found


@lru_cache(maxsize=4096)
def _expanded(kind: Kind, item: str) -> int | None:
    """The values croniter reads from one item of a field, Sunday as 0; None if it refuses the item."""
    if kind is YEAR:
        return _years(item)
    if (plain := _PLAIN.fullmatch(item)) is not None:
        value, step = plain.groups()
        if value is None and int(step or 1) <= kind.high:
            return bits(range(kind.low, 7 if kind is DAY_OF_WEEK else kind.high + 1, int(step or 1)))
        if value is not None and kind.low <= int(value) <= kind.high:
            return bits([int(value) % 7 if kind is DAY_OF_WEEK else int(value)])
    if kind.values and item.isalpha():
        if item.lower() not in kind.values or not item.isascii():
            return None
        item = kind.names[kind.values[item.lower()] - kind.low]
    from croniter import CroniterError, croniter

    place = _PLACES[kind]
    template = ["*"] * max(place + 1, len(_CLASSIC))
    template[place] = item
    try:
        values = croniter.expand(" ".join(template))[0][place]
    except CroniterError:
        return None
    if values == ["*"]:
        return _every(kind)
    numbers = bits(value for value in values if isinstance(value, int))
    return numbers or None


@lru_cache(maxsize=64)
def _expanded_nth(item: str) -> WeekDays | None:
    """The weekday of one week of the month that croniter reads from `5#2` or `L5`."""
    from croniter import CroniterError, croniter

    try:
        found = croniter.expand(f"* * * * {item}")[1]
    except CroniterError:
        return None
    # Some releases of the stubs know that the last week is "l", some do not; `str` and `int` suit both.
    pairs = ((int(day), week) for day, weeks in found.items() for week in weeks)
    return WeekDays(nth=frozenset((day, -1 if str(week) == "l" else int(week)) for day, week in pairs))


def _every(kind: Kind) -> int:
    return bits(range(kind.low, 7 if kind is DAY_OF_WEEK else kind.high + 1))


def _years(item: str) -> int | None:
    """The years of one item: croniter knows none after 2099, and takes 30 ms to list some thousands."""
    match = _YEAR_ITEM.fullmatch(item)
    if match is None:
        return None
    first, last, step = match.groups()
    low, high = int(first or YEAR.low), int(last or first or YEAR.high)
    years = range(low, high + 1, int(step or 1))
    return bits(years) if YEAR.low <= low and high <= YEAR.high else None


def _end(text: str) -> int:
    """The offset where the text ends with too few fields, or where an eighth begins."""
    ends = [(match.start(), match.end()) for match in _FIELD.finditer(text)]
    if not ends:
        return 0
    return ends[7][0] if len(ends) > 7 else ends[-1][1]


def _round(kind: Kind, low: int, high: int, step: int) -> int:
    """A range that goes round the end of the field, as 22-2 of hours."""
    size = (6 if kind is DAY_OF_WEEK else kind.high) - kind.low + 1
    return bits(kind.low + (each - kind.low) % size for each in range(low, high + size + 1, step))
