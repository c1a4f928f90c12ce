"""Reads the arguments that rules pass to the agenda: times, filters, timespecs, program texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from picosched.errors import KrlError
from picosched.krl.moments import moment
from picosched.krl.scope import Value
from picosched.krl.text import json_value
from picosched.krl.values import described, shown
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import COMING, SCHEDULES, Status

TEXTS = ("name", "domain", "type", "kind", "text")
TIMES = ("since", "until")


def read_time(value: Value, now: datetime, what: str = "the time of a schedule") -> datetime:
    try:
        return moment(value, now, what)
    except KrlError as error:
        if error.code != "invalid":  # a limit was exceeded, so the value may be valid
            raise
        wanted = "wanted ISO 8601 such as 2026-07-01T13:50:05Z, or milliseconds since 1970"
        raise KrlError(f"found {shown(value)} as {what}, {wanted}") from error


def read_filter(which: Value, now: datetime) -> Filter:
    """The filter written as a map. A null value is an error: ignoring it would match more than wanted."""
    if not isinstance(which, dict):
        raise KrlError(f'found {described(which)} as a filter, wanted a Map such as {{"name": "tea"}}')
    given: dict[str, Any] = {}
    for key, value in which.items():
        if key in TEXTS:
            if not isinstance(value, str):
                raise KrlError(f"found {described(value)} as the {key} of a filter, wanted a String")
            given[key] = value
        elif key in TIMES:
            given[key] = moment(value, now, f"the {key} of a filter")
        elif key == "paused":
            if not isinstance(value, bool):
                raise KrlError(f"found {described(value)} as the paused of a filter, wanted a Boolean")
            given["status"] = (Status.PAUSED if value else Status.PENDING,)
        else:
            keys = ", ".join((*TEXTS, *TIMES, "paused"))
            raise KrlError(f'found the key "{key}" in a filter, wanted some of {keys}')
    if given.get("kind", "at") not in SCHEDULES:
        wanted = ", ".join(f'"{kind}"' for kind in SCHEDULES)
        raise KrlError(f"found {shown(given['kind'])} as the kind of a filter, wanted one of {wanted}")
    return replace(Filter(status=COMING), **given)


def read_timespec(value: Value) -> Any:
    """A timespec, text or map, as JSON."""
    if not isinstance(value, str | dict):
        raise KrlError(
            f'found {described(value)} as a timespec, wanted a String such as "0 9 * * *", or a Map'
        )
    return json_value(value)


def texts_of(value: Any) -> Iterator[str]:
    """All texts in the fields of a program."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_of(each)
