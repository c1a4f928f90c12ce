"""Recurrence rules of iCalendar (RFC 5545), as text: `RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR`.

    DTSTART:20260306T170000              from when it counts; what a rule does not say is that of the start
    RRULE:FREQ=WEEKLY;INTERVAL=2;…       several are united
    RDATE:20260401T170000,…              more times
    EXDATE:20260320T170000,…             times taken away; a date takes the whole day

One line each, or with semicolons or blanks between; a rule may stand alone. Times are local, or end in `Z`
and are UTC; `TZID` must be the zone of the timespec. `rrule_times` works out what they mean.

The normal form is one line, the start first. An error gives the column, what was found and what was wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from picosched.timespec.place import Place
from picosched.timespec.start import Start, local_time
from picosched.timespec.zone import check_zone

SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY = range(7)
FREQUENCIES = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")

MAX_RULES = 16

_LINE = re.compile(r"[;\s]+(?=(?:DTSTART|RRULE|RDATE|EXDATE|EXRULE)[:;])|(?<=[^\s;])\s*\n\s*", re.IGNORECASE)
_FOLD = re.compile(r"\r?\n[ \t]+(?!(?:DTSTART|RRULE|RDATE|EXDATE|EXRULE)[:;])", re.IGNORECASE)
_ZONE = re.compile(r"TZID=([^:;,\s]+)", re.IGNORECASE)
_TIME = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?", re.ASCII)
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(SU|MO|TU|WE|TH|FR|SA)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_LINES = "a line DTSTART:…, RRULE:…, RDATE:… or EXDATE:…"


class Dates(NamedTuple):
    """Which days a rule chooses, and which of those of a period; empty is not given.

    Numbers below 0 count from the end. `weekdays` are pairs of which in the period, 0 for each, and the
    weekday from 0, Sunday.
    """

    frequency: int
    week_start: int = 1
    months: tuple[int, ...] = ()
    week_numbers: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[tuple[int, int], ...] = ()
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `until` is the last local time, `count` how many there are from the start on."""

    text: str
    dates: Dates
    interval: int = 1
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    count: int | None = None
    until: datetime | None = None

    @property
    def frequency(self) -> int:
        return self.dates.frequency


class Taken(NamedTuple):
    """A time taken away, or a whole day."""

    time: datetime
    whole_day: bool


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Rules with a start, times added and times taken away, in the normal form `text`."""

    text: str
    start: datetime | None
    rules: tuple[Rule, ...]
    added: tuple[datetime, ...]
    taken: tuple[Taken, ...]


def zone_in(text: str) -> str | None:
    """The zone that a rule names for its start, if it names one."""
    found = _ZONE.search(text) if "TZID" in text.upper() else None
    return None if found is None else found[1]


def read_recurrence(text: str, place: Place, tz: str, start: Start | None) -> Recurrence:
    """Parse rules in the zone `tz`; `start` is for those without DTSTART.

    PicoschedError `invalid` for what is wrong with them.
    """
    return _Reader(text, place, tz).read(start)


class _Reader:
    """Reads rules, line by line."""

    def __init__(self, text: str, place: Place, tz: str) -> None:
        self.text, self.tz = text, tz
        self.place = place
        self.start: datetime | None = None
        self.rules: list[Rule] = []
        self.added: list[datetime] = []
        self.taken: list[Taken] = []

    def read(self, start: Start | None) -> Recurrence:
        for line, place in self.lines():
            self.line(line, place)
        if not self.rules and self.start is None:
            raise self.place.fault(self.text, "RRULE:… or DTSTART:…: nothing else says when it fires")
        if self.start is None and start is not None:
            self.start = start.local
        lines = [] if self.start is None else [f"DTSTART:{written(self.start)}"]
        lines += [f"RRULE:{rule.text}" for rule in self.rules]
        lines += [f"RDATE:{','.join(map(written, self.added))}"] if self.added else []
        lines += [f"EXDATE:{','.join(map(_written_taken, self.taken))}"] if self.taken else []
        return Recurrence(
            ";".join(lines), self.start, tuple(self.rules), tuple(self.added), tuple(self.taken)
        )

    def lines(self) -> list[tuple[str, Place]]:
        text = _FOLD.sub("", self.text)
        place = self.place if text == self.text else Place(self.place.source, None)
        found, at = [], 0
        for between in [*_LINE.finditer(text), None]:
            end = len(text) if between is None else between.start()
            line = text[at:end].rstrip("; \t\r\n")
            if line:
                found.append((line, place.on(at)))
            at = end if between is None else between.end()
        return found

    def line(self, line: str, place: Place) -> None:
        if line.upper().startswith("FREQ="):
            line, place = f"RRULE:{line}", place.on(-6)
        head, colon, value = line.partition(":")
        name, *parameters = head.upper().split(";")
        at = place.on(len(head) + 1)
        if not colon or not value or name not in ("DTSTART", "RRULE", "RDATE", "EXDATE"):
            raise place.fault(line if not colon else head, _LINES)
        for parameter in parameters:
            self.check_parameter(parameter, head, place)
        if name == "RRULE":
            self.rules.append(self.rule(value.upper(), at))
            if len(self.rules) > MAX_RULES:
                raise at.fault(value, f"at most {MAX_RULES} rules")
            return
        times = [self.time(each, at) for each in value.upper().split(",")]
        if name == "EXDATE":
            self.taken += [Taken(time, is_day) for time, is_day in times]
        elif name == "RDATE":
            self.added += [time for time, _ in times]
        elif self.start is not None or len(times) > 1:
            raise place.fault(line, "one DTSTART")
        else:
            self.start = times[0][0]

    def check_parameter(self, parameter: str, head: str, place: Place) -> None:
        name, _, value = parameter.partition("=")
        if name == "TZID":
            given = zone_in(head) or ""
            check_zone(given)
            if given != self.tz:
                wanted = f"{self.tz}, the zone of the timespec, or a timespec without another zone"
                raise place.fault(given, wanted, head.find(given))
        elif name != "VALUE" or value not in ("DATE", "DATE-TIME"):
            raise place.fault(
                parameter, "TZID=…, VALUE=DATE or VALUE=DATE-TIME", head.upper().find(parameter)
            )

    def time(self, text: str, place: Place) -> tuple[datetime, bool]:
        """A local time, and whether only its day was given."""
        match = _TIME.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            found = datetime.strptime(f"{match[1]}T{match[2] or '000000'}", "%Y%m%dT%H%M%S")
        except ValueError:
            wanted = "a date or a time as in 20260306, 20260306T170000 or 20260306T160000Z"
            raise place.fault(text, wanted) from None
        if match[3]:
            found = local_time(found.replace(tzinfo=UTC), self.tz)
        return found, match[2] is None

    # RRULE

    def rule(self, text: str, place: Place) -> Rule:
        parts: dict[str, tuple[str, Place]] = {}
        at = 0
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            if name not in _PARTS or not equals or not value:
                raise place.fault(part, f"{', '.join(_PARTS)}, each with = and a value", at)
            if name in parts:
                raise place.fault(part, f"{name} once", at)
            parts[name] = value, place.on(at + len(name) + 1)
            at += len(part) + 1
        if "FREQ" not in parts:
            raise place.fault(text, "FREQ=, the first part of a rule")
        if "COUNT" in parts and "UNTIL" in parts:
            raise place.fault(text, "COUNT or UNTIL, not both")

        def numbers(name: str, low: int, high: int, *, signed: bool = False) -> tuple[int, ...]:
            return _numbers(*parts[name], low, high, signed) if name in parts else ()

        frequency = _one_of(*parts["FREQ"], FREQUENCIES)
        dates = Dates(
            frequency,
            _one_of(*parts["WKST"], WEEKDAYS) if "WKST" in parts else 1,
            numbers("BYMONTH", 1, 12),
            numbers("BYWEEKNO", 1, 53, signed=True),
            numbers("BYYEARDAY", 1, 366, signed=True),
            numbers("BYMONTHDAY", 1, 31, signed=True),
            _weekdays(*parts["BYDAY"], frequency) if "BYDAY" in parts else (),
            numbers("BYSETPOS", 1, 366, signed=True),
        )
        if "BYWEEKNO" in parts and any(nth for nth, _ in dates.weekdays):
            raise parts["BYDAY"][1].fault(parts["BYDAY"][0], "weekdays without a number beside BYWEEKNO")
        return Rule(
            text,
            dates,
            numbers("INTERVAL", 1, _SINGLE)[0] if "INTERVAL" in parts else 1,
            hours=numbers("BYHOUR", 0, 23),
            minutes=numbers("BYMINUTE", 0, 59),
            seconds=numbers("BYSECOND", 0, 59),
            count=numbers("COUNT", 1, _SINGLE)[0] if "COUNT" in parts else None,
            until=self.time(*parts["UNTIL"])[0] if "UNTIL" in parts else None,
        )


_PARTS = (
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYMONTH",
    "BYWEEKNO",
    "BYYEARDAY",
    "BYMONTHDAY",
    "BYDAY",
    "BYHOUR",
    "BYMINUTE",
    "BYSECOND",
    "BYSETPOS",
)
_SINGLE = 999_999_999


def _one_of(text: str, place: Place, names: tuple[str, ...]) -> int:
    if text not in names:
        raise place.fault(text, " ".join(names))
    return names.index(text)


def _numbers(text: str, place: Place, low: int, high: int, signed: bool) -> tuple[int, ...]:
    """Numbers with commas between; of INTERVAL and COUNT, one."""
    found: set[int] = set()
    at = 0
    for item in text.split(","):
        number = int(item) if _NUMBER.fullmatch(item) else None
        if number is None or not low <= (abs(number) if signed else number) <= high:
            wanted = f"{low} to {high}" + (f" or -{high} to -{low}" if signed else "")
            raise place.fault(item, wanted, at)
        found.add(number)
        at += len(item) + 1
    if high == _SINGLE and "," in text:
        raise place.fault(text, "one number")
    return tuple(sorted(found))


def _weekdays(text: str, place: Place, frequency: int) -> tuple[tuple[int, int], ...]:
    found: set[tuple[int, int]] = set()
    at = 0
    most = {MONTHLY: 5, YEARLY: 53}.get(frequency)
    for item in text.split(","):
        match = _DAY.fullmatch(item)
        if match is None:
            raise place.fault(item, "weekdays as in MO,FR or, in a month or a year, 1MO,-1FR", at)
        nth = int(match[1] or 0)
        if match[1] and (most is None or not 1 <= abs(nth) <= most):
            wanted = "a weekday without a number, for it is not of a month or a year"
            raise place.fault(item, wanted if most is None else f"1 to {most} or -{most} to -1", at)
        found.add((nth, WEEKDAYS.index(match[2])))
        at += len(item) + 1
    return tuple(sorted(found))


def written(time: datetime) -> str:
    """A local time as iCalendar has it."""
    # `strftime` writes years before 1000 with fewer digits.
    return time.isoformat(timespec="seconds").replace("-", "").replace(":", "")


def _written_taken(taken: Taken) -> str:
    return written(taken.time)[: 8 if taken.whole_day else None]
