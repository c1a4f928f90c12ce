"""Schedules an event in a pico for somebody outside.

Its input is checked at the door, as that of an event is; the rest is what a rule's `schedule` does
(`pico/outsider.py`), in one transaction with the line in the audit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from math import isfinite
from typing import Any

from picosched.checked import json_object
from picosched.clock import EPOCH, LAST, format_time, shifted
from picosched.engine.forecast import window_of_row
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError, shortened
from picosched.krl.moments import names_no_day
from picosched.schedule.coming import coming_raised
from picosched.schedule.explained import YEAR
from picosched.schedule.new_schedule import NewSchedule
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.steering import STEERING, TIMES, ZONE, nearest_steering
from picosched.timespec.timespec import Timespec
from picosched.turns.pieces import MakeSchedule

At = str | int | float | datetime | timedelta
"""ISO 8601 with a date, milliseconds since 1970, a datetime with a zone, or how long from now."""
Repeat = str | Mapping[str, Any] | Timespec

MOST_LIKE = 100
"""Attributes that are looked at, whether they are mistyped."""

ZONE_OF_AT = f"found {ZONE} with an at, which ignores it: a time without an offset is in UTC"


def schedule(
    engine: Wiring,
    pico_id: str,
    domain: str,
    type: str = "",
    *,
    at: At | None = None,
    repeat: Repeat | None = None,
    attributes: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> NewSchedule:
    """Schedule an event in a pico; `once` is an idempotency key. Errors as of `PicoRef.schedule`."""
    engine.permit("scheduled")
    engine.permit_event(domain)
    if (at is None) == (repeat is None):
        found = "neither at nor repeat" if at is None else "both at and repeat"
        raise PicoschedError(f"found {found}, wanted one of them: a time, or a timespec")
    attributes = {} if attributes is None else attributes
    if not isinstance(attributes, Mapping):
        raise PicoschedError(f"found {attributes.__class__.__name__} as attributes, wanted a JSON object")
    if isinstance(repeat, Timespec):
        attributes = {ZONE: repeat.tz, **attributes}
        repeat = repeat.text
    for name in STEERING:  # which JSON does not have, and as null it would be ignored
        given = attributes.get(name)
        if isinstance(given, float) and not isfinite(given):
            raise PicoschedError(f"found {given} as {name}, wanted a number that JSON has")
    # For rules `09:00` is today, and `2026` the first of January. A person who writes so means something
    # else, and would find out late.
    for what, given in (("the time of a schedule", at), *((name, attributes.get(name)) for name in TIMES)):
        if isinstance(given, str) and names_no_day(given, engine.now()):
            found = json.dumps(shortened(given), ensure_ascii=False)
            raise PicoschedError(
                f"found {found} as {what}, wanted a date with it, as in 2026-03-01T09:00:00Z"
            )
    event = engine.new_event(domain, type, attributes, once=once)
    when = _time(at, event.time) if at is not None else _timespec(repeat, engine)
    by = str(engine.by)
    made = engine.make_schedule(MakeSchedule(event, pico_id, when, at is None, maker=by, by=engine.noted))
    like = islice((name for name in event.attrs if name.startswith("_")), MOST_LIKE)
    warnings = [
        f"found {shortened(name)}, which is passed to the event as it is: is {near} meant?"
        for name in like
        if (near := nearest_steering(name))
    ]
    if at is not None and event.attrs.get(ZONE):
        warnings.append(ZONE_OF_AT)
    if (shut := _never_open(engine, made.row)) is not None:
        warnings.append(shut)
    return made._replace(warnings=[*made.warnings, *warnings])


def _never_open(engine: Wiring, row: Scheduled) -> str | None:
    """Of a schedule with a window: why it will not be raised within a year."""
    window = window_of_row(engine, row)
    if row.due is None or window is None:
        return None
    if window.why_shut is not None:
        return window.why_shut
    least = timedelta(seconds=engine.settings.min_period)
    until = LAST if row.kind == "at" else shifted(row.due, YEAR)
    if next(coming_raised(row, engine.settings.granularity, window, least, until), None) is not None:
        return None
    return f"the window {window.name} is closed at each of its next times: as it is, it will not be raised"


def _time(at: At, now: datetime) -> str | int | float:
    if isinstance(at, timedelta):
        try:
            return format_time(now + at)
        except OverflowError as cause:
            raise PicoschedError(f"found {at} from now, wanted the years 1 to 9999") from cause
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise PicoschedError(f"found the datetime {at} without a zone, wanted one with a zone")
        return format_time(at)
    if isinstance(at, bool) or not isinstance(at, str | int | float) or at == "":
        raise PicoschedError(
            f"found {at!r:.60} as the time of a schedule, wanted ISO 8601, milliseconds "
            "since 1970, a datetime or a timedelta"
        )
    if isinstance(at, float) and not isfinite(at):
        raise PicoschedError(f"found {at} as the time of a schedule, wanted milliseconds since 1970")
    return at or format_time(EPOCH)  # rules take 0 for no time


def _timespec(repeat: Any, engine: Wiring) -> str | dict[str, Any]:
    if isinstance(repeat, str):
        return repeat
    if isinstance(repeat, Mapping):
        return json_object(repeat, "the timespec", engine.settings.limits.max_attrs_bytes)
    raise PicoschedError(f'found {repeat!r:.60} as a timespec, wanted a text such as "0 9 * * *", or a map')
