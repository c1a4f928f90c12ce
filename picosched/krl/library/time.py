"""The `time` module: times, arithmetic with them, and formatting.

A moment is given as ISO 8601 text in any of its forms or as milliseconds since 1970, and is always given
back in UTC as `2026-03-01T00:00:00.000Z`. Now is the scope's now; no wall clock is read here, not even for
a text that gives a time without a date. pendulum knows the calendar; it is imported where it is
needed, for its import takes longer than most rulesets run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from picosched.errors import KrlError
from picosched.krl.library.member import Member, function
from picosched.krl.moments import CALENDAR, iso, moment
from picosched.krl.scope import Scope, Value
from picosched.krl.size import charge, code, scan
from picosched.krl.values import described, shown, to_number, to_string

LONGEST_FORMAT = 1_000
CALENDAR_UNITS = ("years", "months")
CLOCK_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def zone(options: Value, asked: str) -> tzinfo:
    """The time zone named in an options map; default UTC."""
    if options is None:
        return UTC
    if not isinstance(options, dict):
        raise KrlError(f"{asked} was given {described(options)} instead of an options map: {shown(options)}")
    name = options.get("tz")
    if name is None:
        return UTC
    charge(CALENDAR)
    code(len(to_string(name)))
    import pendulum

    try:
        return pendulum.timezone(to_string(name))
    except (ValueError, OSError) as cause:
        raise KrlError(f"{asked}: {shown(name)} is not a time zone") from cause


def now(scope: Scope, opts: Value = None) -> str:
    zone(opts, "time:now")  # a wrong zone is an error, a right one changes nothing: output is UTC
    return iso(scope.now())


def new(scope: Scope, date: Value = None) -> str:
    return iso(moment(date, scope.now(), "time:new"))


def add(scope: Scope, date: Value = None, spec: Value = None) -> str:
    """Years, months, weeks, … after a moment; the 31st becomes the last of a shorter month."""
    start = moment(date, scope.now(), "time:add")
    if not isinstance(spec, dict):
        raise KrlError(f"time:add was given {described(spec)} instead of a map of units: {shown(spec)}")
    amounts = {unit: amount(unit, spec[unit]) for unit in (*CALENDAR_UNITS, *CLOCK_UNITS) if unit in spec}
    calendar = {unit: round(amounts.pop(unit)) for unit in CALENDAR_UNITS if unit in amounts}
    try:
        if any(calendar.values()):
            charge(CALENDAR)
            import pendulum

            start = pendulum.instance(start).add(**calendar)
        return iso(start + timedelta(**amounts))
    except (ValueError, OverflowError) as cause:
        raise KrlError(f"time:add goes past the years 1 to 9999: {shown(date)}") from cause


def amount(unit: str, value: Value) -> float:
    n: Any = None if value is None else to_number(value)
    if n is None or not math.isfinite(n):
        raise KrlError(f"time:add was given {described(value)} as a number of {unit}: {shown(value)}")
    return n  # type: ignore[no-any-return]


def strftime(scope: Scope, date: Value = None, fmt: Value = None, opts: Value = None) -> str:
    """The moment as a format says, in UTC or in the zone that `{"tz": name}` gives."""
    if not isinstance(fmt, str):
        raise KrlError(f"time:strftime was given {described(fmt)} instead of a format string: {shown(fmt)}")
    if len(fmt) > LONGEST_FORMAT:
        raise KrlError(
            f"a format has at most {LONGEST_FORMAT} characters; found {len(fmt)}", code="too_large"
        )
    charge(CALENDAR + len(fmt))
    at, where = moment(date, scope.now(), "time:strftime"), zone(opts, "time:strftime")
    own = {
        "%": "%%",
        "L": f"{at.microsecond // 1000:03d}",
        "s": str(math.floor(at.timestamp())),  # the C library would take the server's zone
    }
    try:
        plain = re.sub(r"%([%Ls])", lambda found: own[found[1]], fmt)
        return datetime.strftime(at.astimezone(where), plain)
    except (ValueError, OverflowError) as cause:
        raise KrlError(f"time:strftime cannot use the format {shown(fmt)}: {cause}") from cause


def compare(scope: Scope, a: Value = None, b: Value = None) -> int:
    """-1, 0 or 1 as the first is before, at or after the second."""
    first, second = (moment(date, scope.now(), "time:compare") for date in (a, b))
    return (first > second) - (first < second)


def httptime(scope: Scope, date: Value = None) -> str:
    charge(8)
    at = scope.now() if date is None else moment(date, scope.now(), "time:httptime")
    at = at.astimezone(UTC)
    # Spelled out: strftime's names are the server's language.
    return (
        f"{WEEKDAYS[at.weekday()][:3]}, {at.day:02d} {MONTHS[at.month - 1]} {at.year:04d} {at:%H:%M:%S} GMT"
    )


def atom(scope: Scope, date: Value = None) -> str:
    charge(4)
    at = scope.now() if date is None else moment(date, scope.now(), "time:atom")
    return at.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"


def local_now(scope: Scope, opts: Value, asked: str) -> datetime:
    charge(4)
    return scope.now().astimezone(zone(opts, asked))


def daily(name: str, start: float, end: float) -> tuple[str, Member]:
    """A predicate: whether it is between these hours, in UTC or the zone of the options."""

    def predicate(scope: Scope, opts: Value = None) -> bool:
        local = local_now(scope, opts, f"time:{name}")
        at = local.hour + local.minute / 60
        return start <= at < end if start < end else at >= start or at < end

    return name, function(predicate)


def on_days(name: str, holds: Callable[[int], bool]) -> tuple[str, Member]:
    """A predicate of the day of the week, Monday being 0."""

    def predicate(scope: Scope, opts: Value = None) -> bool:
        return holds(local_now(scope, opts, f"time:{name}").weekday())

    return name, function(predicate)


def day_of_week(scope: Scope, name: Value = None, opts: Value = None) -> Value:
    """Whether today is the day of that name; without one, the name of today."""
    today = WEEKDAYS[local_now(scope, opts, "time:day_of_week").weekday()]
    wanted = to_string(name)
    scan(len(wanted))
    return today if name is None else wanted.lower() == today.lower()


def time_between(
    scope: Scope,
    start_hour: Value = None,
    start_minute: Value = None,
    end_hour: Value = None,
    end_minute: Value = None,
    opts: Value = None,
) -> bool:
    local = local_now(scope, opts, "time:time_between")
    now_at = local.hour * 60 + local.minute
    start, end = minutes(start_hour, start_minute), minutes(end_hour, end_minute)
    return start <= now_at < end if start <= end else now_at >= start or now_at < end


def minutes(hour: Value, minute: Value) -> float:
    h, m = to_number(hour), to_number(minute)
    if h is None or m is None:
        raise KrlError(f"time:time_between wants hours and minutes; found {shown(hour)} and {shown(minute)}")
    return float(h * 60 + m)


def date_between(
    scope: Scope,
    start_month: Value = None,
    start_day: Value = None,
    start_year: Value = None,
    end_month: Value = None,
    end_day: Value = None,
    end_year: Value = None,
    opts: Value = None,
) -> bool:
    """Whether today is one of the days between the two, both included."""
    today = [*local_now(scope, opts, "time:date_between").timetuple()[:3]]
    start, end = [start_year, start_month, start_day], [end_year, end_month, end_day]
    return dated(start) <= today <= dated(end)


def dated(parts: list[Value]) -> list[int]:
    numbers: list[Any] = [None if part is None else to_number(part) for part in parts]
    if not all(type(n) is int for n in numbers):
        raise KrlError(
            f"time:date_between wants month, day and year; found {[shown(part) for part in parts]}"
        )
    return numbers


TIME = dict(
    [
        ("add", function(add)),
        daily("afternoon", 12, 17),
        ("atom", function(atom)),
        ("compare", function(compare)),
        ("date_between", function(date_between)),
        daily("daytime", 6, 18),
        ("day_of_week", function(day_of_week)),
        daily("early_afternoon", 12, 15),
        daily("evening", 17, 20),
        ("httptime", function(httptime)),
        daily("late_afternoon", 15, 17),
        daily("late_morning", 10, 12),
        daily("lunch_time", 11.5, 13),
        daily("morning", 6, 12),
        ("new", function(new)),
        daily("night", 20, 24),
        daily("nighttime", 18, 6),
        ("now", function(now)),
        ("strftime", function(strftime)),
        ("time_between", function(time_between)),
        on_days("weekday", lambda day: day < 5),
        on_days("weekend", lambda day: day >= 5),
    ]
)
