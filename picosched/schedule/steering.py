"""Steering attributes: attributes of an event that control its schedule and are not passed to it.

    _name          a name for it, among those of its ruleset and pico
    _if_exists     "keep" the one that has the name, or "replace" it
    _timezone      the zone of its timespec
    _misfire       "once", "skip" or "all": what becomes of occurrences that are missed
    _until         the last time that a repeat may be due
    _count         how often a repeat fires
    _jitter        up to how many seconds it may be put off
    _window        the name of a window: it is raised only while that is open
    _description   words for people

Null counts as missing. A value of the wrong type is an error, and so is an attribute for repeats given with
an `at`, because a schedule that silently runs for ever is discovered too late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.errors import PicoschedError
from picosched.schedule.scheduled import Misfire

NAME, IF_EXISTS, ZONE, MISFIRE = "_name", "_if_exists", "_timezone", "_misfire"
UNTIL, COUNT, JITTER, DESCRIPTION = "_until", "_count", "_jitter", "_description"
WINDOW = "_window"
STEERING = (NAME, IF_EXISTS, ZONE, MISFIRE, UNTIL, COUNT, JITTER, WINDOW, DESCRIPTION)

FOR_REPEATS = (UNTIL, COUNT)
"""These are refused with an `at`. The classic engine lets `_name` and `_timezone` stand with one."""

KEEP, REPLACE = "keep", "replace"

LONGEST_TEXT = 1_000
LONGEST_SHOWN = 60
MOST_COUNT = 1_000_000_000
MOST_JITTER = 7 * 86_400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Steering:
    """The steering attributes of one schedule."""

    name: str | None = None
    if_exists: str | None = None
    tz: str = "UTC"
    misfire: Misfire | None = None
    until: datetime | None = None
    count: int | None = None
    jitter: int = 0
    """Milliseconds."""
    window: str | None = None
    description: str | None = None


def read_steering(
    attributes: Mapping[str, Any], *, repeat: bool, time_of: Callable[[Any], datetime]
) -> Steering:
    """Parse the steering attributes; `time_of` parses a time.

    PicoschedError `invalid` names the wrong attribute.
    """
    given = {name: attributes[name] for name in STEERING if attributes.get(name) is not None}
    for name in FOR_REPEATS:
        if name in given and not repeat:
            raise PicoschedError(f"found {name} with an at, wanted it with a repeat only: an at fires once")
    named = _text(given, NAME) or None
    if_exists = _choice(given, IF_EXISTS, (KEEP, REPLACE))
    if if_exists is not None and named is None:
        raise PicoschedError(f"found {IF_EXISTS} without {NAME}, wanted the name of what may exist")
    misfire = _choice(given, MISFIRE, tuple(each.value for each in Misfire))
    return Steering(
        name=named,
        if_exists=if_exists,
        tz=_text(given, ZONE) or "UTC",
        misfire=None if misfire is None else Misfire(misfire),
        until=time_of(given[UNTIL]) if UNTIL in given else None,
        count=_count(given),
        jitter=_jitter(given),
        window=_text(given, WINDOW) or None,
        description=_text(given, DESCRIPTION) or None,
    )


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > LONGEST_TEXT):
        raise _wrong(name, value, f"a string of at most {LONGEST_TEXT} characters")
    return value


def _choice(given: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or value not in choices):
        *first, last = (f'"{choice}"' for choice in choices)
        raise _wrong(name, value, f"{', '.join(first)} or {last}")
    return value


def _count(given: Mapping[str, Any]) -> int | None:
    value = given.get(COUNT)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= MOST_COUNT or not float(value).is_integer():
        raise _wrong(COUNT, value, f"a whole number from 1 to {MOST_COUNT:,}")
    return int(value)


def _jitter(given: Mapping[str, Any]) -> int:
    value = given.get(JITTER, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_JITTER:
        raise _wrong(JITTER, value, f"a number of seconds from 0 to {MOST_JITTER:,}")
    return round(value * 1000)


def _wrong(name: str, found: Any, wanted: str) -> PicoschedError:
    shown = json.dumps(found, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
    return PicoschedError(f"found {shown} as {name}, wanted {wanted}")
