"""Parses rows and records from the maps produced by `shown`."""

from __future__ import annotations

from collections.abc import Callable

from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.schedule.fire import FIRE, Fire
from picosched.schedule.scheduled import SCHEDULED, SCHEDULES, Scheduled, Status
from picosched.schedule.steering import LONGEST_TEXT
from picosched.schedule.window import read_window
from picosched.timespec.timespec import Timespec

read_row: Callable[[Fields, str], Scheduled] = SCHEDULED.of_map()
"""The scheduled event that a map tells of; PicoschedError `invalid` for what is wrong with it."""

read_fire: Callable[[Fields, str], Fire] = FIRE.of_map()
"""What became of an occurrence, as a map tells it."""


def check_row(row: Scheduled, where: str) -> None:
    """PicoschedError `invalid` if an engine could not raise it."""
    live = row.status in (Status.PENDING, Status.PAUSED)
    for wrong, wanted in (
        (row.kind not in SCHEDULES, f'kind "{row.kind}", wanted one of {", ".join(SCHEDULES)}'),
        (not (row.id and row.domain and row.type), "an empty id or event, wanted id and domain:type"),
        (live and row.due is None, f'nothing that is "due", wanted a time for what is {row.status.value}'),
        (not live and row.due is not None, f'"due", wanted none for what is {row.status.value}'),
        (row.kind != "at" and row.timespec is None, f"no timespec, wanted one for a {row.kind}"),
        (
            any(text and len(text) > LONGEST_TEXT for text in (row.name, row.window, row.description)),
            f"a name, window or description of more than {LONGEST_TEXT:,} characters, wanted fewer",
        ),
        (row.kind == "at" and row.timespec is not None, "a timespec, wanted none for an at"),
        (
            row.paused_until is not None and row.status is not Status.PAUSED,
            f'"paused_until", wanted none for what is {row.status.value}',
        ),
        (
            row.moved_from is not None and not (live and row.timespec),
            '"moved_from", wanted it with a repeat that is to come only',
        ),
    ):
        if wrong:
            raise PicoschedError(f"{where}: found {wanted}")
    if row.timespec is not None:
        timespec, tz, name = row.timespec, row.tz, row.name
        read: Callable[[], object] = lambda: Timespec.parse(timespec, tz, row.almanac)  # noqa: E731
        if row.kind == "window":
            read = lambda: read_window(name or "", timespec, tz, row.almanac)  # noqa: E731
        try:
            read()
        except PicoschedError as cause:
            raise PicoschedError(f"{where}: {cause.message}") from cause
