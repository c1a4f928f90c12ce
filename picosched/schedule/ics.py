"""Occurrences as an iCalendar (RFC 5545), which calendar programs read and show beside other appointments.

The format is lines of `NAME:value`. In a text a backslash, a comma, a semicolon and the end of a line are
escaped; a line of more than 75 bytes goes on behind a line break and a blank. Each occurrence is an event of
its own, known by the schedule's id, and by its nominal time if the schedule repeats: one that was moved, or
failed and is tried again, keeps it. So a program that reads the calendar again recognises it. An event has
no length, and does not make its reader busy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from picosched.clock import format_time
from picosched.errors import shortened
from picosched.notation import values_text
from picosched.schedule.forecast import Expected
from picosched.schedule.scheduled import Scheduled

LINE_BYTES = 75
LONGEST_SUMMARY, LONGEST_TEXT = 200, 1_000
"""Characters. Attributes may be long, and a calendar has many events."""

REFRESH = "PT1H"
"""How often a program may well read it again."""

UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters, which a text may not have."""


def calendar_text(expected: Iterable[Expected], now: datetime, name: str, description: str) -> str:
    """The calendar of these occurrences, called `name`, as it is at `now`."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//picosched//picosched//EN",
        f"X-WR-CALNAME:{escaped(name)}",
        f"X-WR-CALDESC:{escaped(description)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    for each in expected:
        lines += _event(each, now)
    return "".join(f"{folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _event(expected: Expected, now: datetime) -> Iterator[str]:
    at, row = expected
    told = "\n".join(_told(row))
    yield "BEGIN:VEVENT"
    yield f"UID:{row.id}" if row.timespec is None else f"UID:{row.id}-{format_time(_nominal(at, row))}"
    yield f"DTSTAMP:{_time(now)}"
    yield f"DTSTART:{_time(at)}"
    yield f"SUMMARY:{escaped(shortened(row.description or row.name or row.event, LONGEST_SUMMARY))}"
    yield f"DESCRIPTION:{escaped(told)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _nominal(at: datetime, row: Scheduled) -> datetime:
    """When an occurrence was due before it was moved."""
    return row.moved_from or at if at == row.due else at


def _told(row: Scheduled) -> Iterator[str]:
    yield shortened(f"{row.event} {values_text(dict(row.attrs))}".rstrip(), LONGEST_TEXT)
    yield shortened(row.explain(), LONGEST_TEXT)
    yield f"made by {row.made_by} at {format_time(row.created)}"


def _time(time: datetime) -> str:
    """A time in UTC; the format has no fractions of a second."""
    return format_time(time.replace(microsecond=0)).replace("-", "").replace(":", "")


def escaped(text: str) -> str:
    """A text as the value of a property."""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    text = UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return re.sub(r"[\\;,]", r"\\\g<0>", text).replace("\n", r"\n")


def folded(line: str) -> str:
    """A line broken so that none has more than 75 bytes, and no character is torn apart."""
    pieces: list[str] = []
    piece, size = "", 0
    for each in line:
        bytes = len(each.encode())
        if size + bytes > LINE_BYTES:
            pieces.append(piece)
            piece, size = " ", 1
        piece, size = piece + each, size + bytes
    return "\r\n".join([*pieces, piece])
