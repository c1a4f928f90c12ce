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

A fault is told with the field, the column in the text (from 1), what was found and what was wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from picosched.errors import PicoschedError
from picosched.schedule.wall import ALL_WEEKDAYS, ALL_YEARS, WallTimes, bits

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

_FIELD = re.compile(r"\S+", re.ASCII)


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
        """The set of values that the field stands for."""
        if self.text == "?" and kind in (DAY_OF_MONTH, DAY_OF_WEEK):
            return bits(range(kind.low, kind.high + 1))
        values, offset = 0, 0
        for item in self.text.split(","):
            values |= bits(self._item(kind, item, offset))
            offset += len(item) + 1
        return values

    def _item(self, kind: Kind, item: str, offset: int) -> range:
        bounds, slash, step = item.partition("/")
        first, dash, last = bounds.partition("-")
        if bounds == "*":
            low, high = kind.low, kind.high
        else:
            low = self._value(kind, first, offset)
            high = self._value(kind, last, offset + len(first) + 1) if dash else low
            if slash and not dash:
                high = kind.high
            if kind is DAY_OF_WEEK and dash and high == 0 < low:
                high = 7
        if low > high:
            raise self.fault(kind, bounds, offset, f"the lower end first, as in {_turned(kind, low, high)}")
        return range(low, high + 1, self._step(kind, step, offset + len(bounds) + 1) if slash else 1)

    def _value(self, kind: Kind, text: str, offset: int) -> int:
        if text.isascii() and text.isdigit():
            value = int(text)
            if kind.low <= value <= kind.high:
                return value
        elif text.isascii() and text.upper() in kind.names:
            return kind.low + kind.names.index(text.upper())
        raise self.fault(kind, text, offset, kind.wanted)

    def _step(self, kind: Kind, text: str, offset: int) -> int:
        # A longer step would never be taken: "*/90" is every hour, and nobody who writes it means that.
        longest = kind.high - kind.low + 1
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= longest):
            raise self.fault(kind, text, offset, f"a step of 1 to {longest}")
        return int(text)

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
    weekdays = values[DAY_OF_WEEK]
    year = fields.get(YEAR)
    times = WallTimes(
        seconds=values.get(SECOND, 1),
        minutes=values[MINUTE],
        hours=values[HOUR],
        days=values[DAY_OF_MONTH],
        months=values[MONTH],
        weekdays=(weekdays | weekdays >> 7) & ALL_WEEKDAYS,
        years=values[YEAR] if year and year.text != "*" else ALL_YEARS,
        either=not (fields[DAY_OF_MONTH].starred or fields[DAY_OF_WEEK].starred),
        elapsed=any(kind in fields and fields[kind].starred for kind in (SECOND, MINUTE, HOUR)),
    )
    if not times.ever():
        day = fields[DAY_OF_MONTH]
        raise day.fault(DAY_OF_MONTH, day.text, 0, "a date that its months and years have: it never fires")
    return times


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
    """The two ranges that were meant by one that runs over the end of the field."""
    top = 6 if kind is DAY_OF_WEEK else kind.high

    def ends(first: int, last: int) -> str:
        written = [kind.names[end - kind.low] if kind.names else str(end) for end in (first, last)]
        return written[0] if first == last else "-".join(written)

    return f"{ends(low, top)},{ends(kind.low, high)}" if kind is not YEAR else ends(high, low)
