"""Steering attributes: attributes of an event that control its schedule and are not passed to it.

    _name          a name for it, among those of its ruleset and pico
    _if_exists     "keep" the one that has the name, or "replace" it
    _timezone      the zone of its timespec
    _start         from when its timespec counts, and before which it is not due
    _misfire       "once", "skip" or "all": what becomes of occurrences that are missed
    _until         the last time that a repeat may be due
    _count         how often a repeat fires
    _jitter        up to how many seconds it may be put off
    _window        the name of a window: it is raised only while that is open
    _description   words for people
    _retry         how often a failed occurrence is tried again
    _on_failure    "pause", or "pause after 3": pause it when so many in a row failed
    _late_after    from how many seconds on `schedule:late` says that it is late
    _overlap       "skip", "queue" or "cancel": what if the occurrence before is still at work

Null counts as missing. A value of the wrong type is an error, and so is an attribute for repeats given with
an `at`, because a schedule that silently runs for ever is discovered too late.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from picosched.errors import PicoschedError, shortened
from picosched.schedule.failing import MOST_RETRY, pause_after
from picosched.schedule.scheduled import MOST_COUNT, MOST_JITTER, Misfire, Overlap
from picosched.timespec.start import utc_of
from picosched.timespec.zone import check_zone

NAME, IF_EXISTS, ZONE, START = "_name", "_if_exists", "_timezone", "_start"
UNTIL, COUNT, WINDOW, OVERLAP, RETRY = "_until", "_count", "_window", "_overlap", "_retry"

FOR_REPEATS = (START, UNTIL, COUNT, OVERLAP)
"""These are refused with an `at`. The classic engine lets `_name` and `_timezone` stand with one."""

TIMES = (START, UNTIL)
"""Those whose values are times."""

KEEP, REPLACE = "keep", "replace"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

LONGEST_TEXT = 1_000
LONGEST_SHOWN = 60

TimeOf = Callable[[Any, str], datetime]
"""Reads a time, given the name of its attribute."""


@dataclass(frozen=True, slots=True)
class Steering:
    """The steering attributes of one schedule."""

    if_exists: str | None = None
    tz: str = "UTC"
    start: datetime | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Of the row that is made: field → value."""


def read_steering(attributes: Mapping[str, Any], *, repeat: bool, time_of: TimeOf) -> Steering:
    """What steers a schedule with these attributes; `time_of` reads a time.

    PicoschedError `invalid` names the wrong attribute.
    """
    given = {name: attributes[name] for name in STEERING if attributes.get(name) is not None}
    for name in FOR_REPEATS:
        if name in given and not repeat:
            raise PicoschedError(f"found {name} with an at, wanted it with a repeat only: an at fires once")
    policy = {
        name.removeprefix("_"): read(name, given[name], time_of)
        for name, read in POLICY.items()
        if name in given
    }
    if_exists = _choice(IF_EXISTS, given[IF_EXISTS], (KEEP, REPLACE)) if IF_EXISTS in given else None
    if if_exists is not None and not policy.get("name"):
        raise PicoschedError(f"found {IF_EXISTS} without {NAME}, wanted the name of what may exist")
    tz = (_text(ZONE, given[ZONE]) if ZONE in given else None) or "UTC"
    start = _start(given[START], tz, time_of) if START in given else None
    return Steering(if_exists, tz, start, policy)


def _start(value: Any, tz: str, time_of: TimeOf) -> datetime:
    """A time; a date alone is the beginning of that day in the zone of the timespec."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return time_of(value, START)
    time_of(value, START)  # for its error
    check_zone(tz)
    return utc_of(datetime.fromisoformat(value), tz)


def _text(name: str, value: Any, _: TimeOf | None = None) -> str | None:
    """A text; None for an empty one."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise _wrong(name, value, f"a string of at most {LONGEST_TEXT} characters")
    return value or None


def _choice(name: str, value: Any, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        *first, last = (f'"{choice}"' for choice in choices)
        raise _wrong(name, value, f"{', '.join(first)} or {last}")
    return value


def _misfire(name: str, value: Any, _: TimeOf) -> Misfire:
    return Misfire(_choice(name, value, [each.value for each in Misfire]))


def _overlap(name: str, value: Any, _: TimeOf) -> Overlap:
    return Overlap(_choice(name, value, [each.value for each in Overlap]))


def _time(name: str, value: Any, time_of: TimeOf) -> datetime:
    return time_of(value, name)


def _count(name: str, value: Any, _: TimeOf) -> int:
    return _whole(name, value, MOST_COUNT)


def _whole(name: str, value: Any, most: int) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= most or not float(value).is_integer():
        raise _wrong(name, value, f"a whole number from 1 to {most:,}")
    return int(value)


def _retry(name: str, value: Any, _: TimeOf) -> int:
    return _whole(name, value, MOST_RETRY)


def _on_failure(name: str, value: Any, _: TimeOf) -> str:
    if not isinstance(value, str) or pause_after(value) is None:
        raise _wrong(name, value, '"pause" or "pause after" and a number from 1 on, as in "pause after 3"')
    return value


def _seconds(name: str, value: Any, _: TimeOf) -> int:
    """Milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_JITTER:
        raise _wrong(name, value, f"a number of seconds from 0 to {MOST_JITTER:,}")
    return round(value * 1000)


def _wrong(name: str, found: Any, wanted: str) -> PicoschedError:
    shown = shortened(json.dumps(found, ensure_ascii=False, default=str), LONGEST_SHOWN)
    return PicoschedError(f"found {shown} as {name}, wanted {wanted}")


POLICY: dict[str, Callable[[str, Any, TimeOf], Any]] = {
    NAME: _text,
    "_misfire": _misfire,
    UNTIL: _time,
    COUNT: _count,
    "_jitter": _seconds,
    WINDOW: _text,
    "_description": _text,
    RETRY: _retry,
    "_on_failure": _on_failure,
    "_late_after": _seconds,
    OVERLAP: _overlap,
}
"""Those that are fields of the row, which have the same name without `_`, and how each is read."""

STEERING = (NAME, IF_EXISTS, ZONE, START, *(name for name in POLICY if name != NAME))

_ALSO = {"_tz": ZONE}
"""What is unlike the name but what commands and calls have for it."""
_AS_LIKE = 0.7
"""How like a steering attribute a name is that was meant for it, up to 1: `_retries` is, `_own` is not."""


def nearest_steering(name: str) -> str | None:
    """The steering attribute for which `name` was mistyped; None if it is one, or like none."""
    if name in STEERING or not name.startswith("_"):
        return None
    return _ALSO.get(name) or next(iter(get_close_matches(name, STEERING, 1, _AS_LIKE)), None)
