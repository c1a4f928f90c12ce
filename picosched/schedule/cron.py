"""Cron text, read into the local times that it names.

    [second] minute hour day-of-month month day-of-week [year]

Five fields are the classic ones; six have the seconds in front; seven have the year behind as well.
A field is a list of items with commas between; an item is `*`, a value or a range `low-high`, each
with `/step` if wanted. `low/step` runs to the end of the field. Months and weekdays have English
names of three letters, and both 0 and 7 are Sunday, so a range of weekdays may begin or end with it.
`?` alone in one of the two day fields is `*`. The macros are `@yearly` and its like.

Two rules look at whether a field *starts with* `*` and not at what it stands for, as in Vixie cron:
a day must match both day fields if one of them does, and otherwise one is enough; and times whose
minute or hour does are times of a clock that goes round, and not fixed times (see `timespec`).

croniter reads the items, one at a time in a cron text that is `*` elsewhere, so that what it refuses
has a place. Each distinct item is read once. It is never shown what it reads otherwise than this page
says: `3-3` (to it, the whole field), `50-10` (round the end of the field), `*/90`, a weekday's `low/step`
(to Saturday, not Sunday), and its own letters `L`, `W`, `#`, `H` and `R`. Its `strict` is not asked for:
that refuses `0 0 30 2 1`, which fires on the Mondays of February. Years are read here, not by croniter.

A fault is told with the field, the column in the text (from 1), what was found and what was wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from picosched.errors import PicoschedError
from picosched.schedule.wall import ALL_YEARS, WallTimes, bits, lowest

MAX_LENGTH = 256

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field may hold: values from `low` to `high`, or names, of which the first is `low`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        named = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.low} to {self.high}{named}"


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

SECOND = Kind("second", 0, 59)
MINUTE = Kind("minute", 0, 59)
HOUR = Kind("hour", 0, 23)
DAY_OF_MONTH = Kind("day of month", 1, 31)
MONTH = Kind("month", 1, 12, _MONTHS)
DAY_OF_WEEK = Kind("day of week", 0, 7, _WEEKDAYS)
YEAR = Kind("year", 1970, 9999)

_CLASSIC = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
_KINDS = {5: _CLASSIC, 6: (SECOND, *_CLASSIC), 7: (SECOND, *_CLASSIC, YEAR)}

# Where croniter has each field when the second stands last, as it does unless it is told otherwise.
_PLACES = {kind: place for place, kind in enumerate((*_CLASSIC, SECOND))}

_FIELD = re.compile(r"\S+", re.ASCII)
_VALUE = re.compile(r"[0-9]+|[A-Za-z]{3}")
_YEAR_ITEM = re.compile(r"(?:\*|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?")


def read_cron(text: str) -> tuple[str, WallTimes]:
    """`text` in its normal form (single spaces, names in capitals) and the local times it names.

    Text that cannot be read, or names no time at all, raises PicoschedError `invalid`.
    """
    if len(text) > MAX_LENGTH:
        raise PicoschedError(
            f"found a timespec of {len(text)} characters, wanted at most {MAX_LENGTH}", "invalid"
        )
    fields = [_Field(match[0], match.start() + 1, text) for match in _FIELD.finditer(text)]
    if fields and fields[0].text.startswith("@"):
        return _read_macro(fields)
    if len(fields) not in _KINDS:
        raise PicoschedError(
            f"timespec {_shown(text)}, column {_end_column(fields)}: found {len(fields)} fields, wanted 5 "
            "(minute, hour, day of month, month, day of week), 6 (a second in front) or 7 (a year behind)",
            "invalid",
        )
    times = _read_fields(dict(zip(_KINDS[len(fields)], fields, strict=True)))
    return " ".join(field.text.upper() for field in fields), times


@dataclass(frozen=True, slots=True)
class _Field:
    """The text of one field, and where in `source` it stands."""

    text: str
    column: int
    source: str

    @property
    def starred(self) -> bool:
        return self.text.startswith(("*", "?"))

    def values(self, kind: Kind) -> int:
        """The set of values that the field stands for, with Sunday as 0."""
        if self.text == "?" and (every := _expanded(kind, "?")) is not None:
            return every
        values, offset = 0, 0
        for item in self.text.split(","):
            values |= self._item(kind, item, offset)
            offset += len(item) + 1
        return values

    def _item(self, kind: Kind, item: str, offset: int) -> int:
        bounds, slash, step = item.partition("/")
        if bounds == "*":
            plain = bounds
        else:
            low, high = self._ends(kind, bounds, offset, to_the_end=bool(slash))
            plain = f"{low}-{high}" if low < high else str(low)
        if slash:
            self._check_step(kind, step, offset + len(bounds) + 1)
        values = _expanded(kind, plain if plain.isdigit() else plain + slash + step)
        if values is None:
            raise self.fault(kind, item, offset, kind.wanted)
        return values

    def _ends(self, kind: Kind, bounds: str, offset: int, to_the_end: bool) -> tuple[int, int]:
        first, dash, last = bounds.partition("-")
        low = high = self._value(kind, first, offset)
        if dash:
            high = self._value(kind, last, offset + len(first) + 1)
            if kind is DAY_OF_WEEK and high == 0 < low:
                high = 7
        elif to_the_end:
            high = kind.high
        if low > high:
            raise self.fault(kind, bounds, offset, f"the lower end first, as in {_turned(kind, low, high)}")
        return low, high

    def _check_step(self, kind: Kind, text: str, offset: int) -> None:
        # A longer step would never be taken: "*/90" is every hour, and nobody who writes it means that.
        longest = kind.high - kind.low + 1
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= longest):
            raise self.fault(kind, text, offset, f"a step of 1 to {longest}")

    def _value(self, kind: Kind, text: str, offset: int) -> int:
        value = _expanded(kind, text) if _VALUE.fullmatch(text) else None
        if value is None:
            raise self.fault(kind, text, offset, kind.wanted)
        # A weekday of 7 stays 7 here: as the end of a range it is not 0.
        return int(text) if text.isdigit() else lowest(value)

    def fault(self, kind: Kind, found: str, offset: int, wanted: str) -> PicoschedError:
        """What is wrong with `found`, which stands `offset` characters into the field."""
        return PicoschedError(
            f"timespec {_shown(self.source)}, column {self.column + offset}, {kind.name}: "
            f"found {_shown(found) if found else 'nothing'}, wanted {wanted}",
            "invalid",
        )


def _read_macro(fields: list[_Field]) -> tuple[str, WallTimes]:
    macro = fields[0]
    name = macro.text.lower()
    if name not in MACROS or len(fields) > 1:
        found = macro if name not in MACROS else fields[1]
        wanted = " ".join(MACROS) if found is macro else f"nothing after {name}"
        raise PicoschedError(
            f"timespec {_shown(macro.source)}, column {found.column}: "
            f"found {_shown(found.text)}, wanted {wanted}",
            "invalid",
        )
    return name, read_cron(MACROS[name])[1]


def _read_fields(fields: dict[Kind, _Field]) -> WallTimes:
    values = {kind: field.values(kind) for kind, field in fields.items()}
    year = fields.get(YEAR)
    times = WallTimes(
        seconds=values.get(SECOND, 1),
        minutes=values[MINUTE],
        hours=values[HOUR],
        days=values[DAY_OF_MONTH],
        months=values[MONTH],
        weekdays=values[DAY_OF_WEEK],
        years=values[YEAR] if year and year.text != "*" else ALL_YEARS,
        either=not (fields[DAY_OF_MONTH].starred or fields[DAY_OF_WEEK].starred),
        elapsed=any(kind in fields and fields[kind].starred for kind in (SECOND, MINUTE, HOUR)),
    )
    if not times.ever():
        day = fields[DAY_OF_MONTH]
        raise day.fault(DAY_OF_MONTH, day.text, 0, "a date that its months and years have: it never fires")
    return times


@lru_cache(maxsize=4096)
def _expanded(kind: Kind, item: str) -> int | None:
    """The values that croniter reads from one item of a field, Sunday as 0; None when it refuses it."""
    if kind is YEAR:
        return _years(item)
    from croniter import CroniterError, croniter

    place = _PLACES[kind]
    template = ["*"] * max(place + 1, len(_CLASSIC))
    template[place] = item
    try:
        values = croniter.expand(" ".join(template))[0][place]
    except CroniterError:
        return None
    if values == ["*"]:
        first, last = croniter.RANGES[place]
        return bits(range(first, last + 1))
    return bits(value for value in values if isinstance(value, int))


def _years(item: str) -> int | None:
    """The years of one item: croniter knows none after 2099, and takes 30 ms to list some thousands."""
    match = _YEAR_ITEM.fullmatch(item)
    if match is None:
        return None
    first, last, step = match.groups()
    low, high = int(first or YEAR.low), int(last or first or YEAR.high)
    years = range(low, high + 1, int(step or 1))
    return bits(years) if YEAR.low <= low and high <= YEAR.high else None


def _shown(text: str) -> str:
    """`text` in quotes, short and printable enough for a message."""
    printable = repr(text[:60])[1:-1]
    return f'"{printable}…"' if len(text) > 60 else f'"{printable}"'


def _end_column(fields: list[_Field]) -> int:
    """Where the text ends short of fields, or where its eighth begins."""
    if not fields:
        return 1
    last = fields[7] if len(fields) > 7 else fields[-1]
    return last.column + (0 if len(fields) > 7 else len(last.text))


def _turned(kind: Kind, low: int, high: int) -> str:
    """What was meant by a range that runs over the end of the field: two ranges, as a rule."""
    top = 6 if kind is DAY_OF_WEEK else kind.high

    def ends(first: int, last: int) -> str:
        written = [kind.names[end - kind.low] if kind.names else str(end) for end in (first, last)]
        return written[0] if first == last else "-".join(written)

    if kind is YEAR:
        return ends(high, low)
    return f"{ends(low, top)},{ends(kind.low, high)}" if low <= top else ends(kind.low, high)
