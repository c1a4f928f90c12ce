"""What will not fire: the occurrences to come of schedules that will not be raised, with the reason.

It is the other side of a forecast. Occurrences that one reason covers are one entry, with their number: those
while a window is closed, those of a pause, those within the least period. A day that a calendar leaves out is
an entry, as is the end that `_count` or `_until` sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

from picosched.clock import LAST, MILLISECOND, format_time, shifted
from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.frozen import replace
from picosched.schedule.changed import resumed
from picosched.schedule.forecast import Span, may_throttle
from picosched.schedule.occurrence import Terms, dealt_with
from picosched.schedule.scheduled import Scheduled, Status
from picosched.schedule.window import Unset, Window

MOST_STEPS = 100_000
"""Occurrences of one schedule that are looked at."""


@dataclass(frozen=True, slots=True)
class NotFiring:
    """An occurrence that will not be raised, or several of them in a row."""

    at: datetime
    """The first of them."""
    id: str
    event: str
    name: str | None
    pico_id: str
    outcome: str
    """skipped · throttled · paused · failed, as its window is gone · left out (by a calendar) · ended ·
    unknown, as nobody looked on"""
    why: str
    occurrences: int = 1
    """At most 10,000 are counted."""

    def as_json(self) -> dict[str, Any]:
        return {
            "at": format_time(self.at),
            "id": self.id,
            "event": self.event,
            "name": self.name,
            "pico_id": self.pico_id,
            "outcome": self.outcome,
            "why": self.why,
            "occurrences": self.occurrences,
        }


def read_not_firing(told: dict[str, Any]) -> NotFiring:
    """An entry of a server's answer."""
    fields = Fields(told, "the server's answer")
    return NotFiring(
        fields.time("at"),
        *(fields.text("id"), fields.text("event"), fields.maybe_text("name"), fields.text("pico_id")),
        *(fields.text("outcome"), fields.text("why"), fields.whole("occurrences", 1)),
    )


def not_firing(rows: Iterable[tuple[Scheduled, Window | Unset | None]], span: Span) -> Iterator[NotFiring]:
    """What rows, each with its window, will not raise in a span whose `since` is the present, in order."""
    steps = [each for row, window in rows for each in (_of_row(row, window, span), _left_out(row, span))]
    return merge(*steps, key=lambda each: (each.at, each.id))


def _of_row(row: Scheduled, window: Window | Unset | None, span: Span) -> Iterator[NotFiring]:
    ends = row.count is not None or row.until is not None
    # A time that was moved may be too near to the one before.
    throttled = row.kind == "repeat" and (row.moved_from is not None or may_throttle(row, span))
    if not (window is not None or row.paused or ends or throttled):
        return
    try:
        if row.held:
            yield _entry(row, row.due or span.until, "unknown", "it waits for the end of the one before")
        elif row.kind == "at":
            yield from _once(row, window, span)
        else:
            yield from _stepped(row, window, span)
    except PicoschedError as error:  # its zone is gone, for example
        yield _entry(row, row.due or span.until, "unknown", error.message)


def _once(row: Scheduled, window: Window | Unset | None, span: Span) -> Iterator[NotFiring]:
    """Of an event that comes once: what keeps it, until it is raised or let go."""
    due = row.due
    if due is None or due > span.until:
        return
    time = due
    if row.paused:
        if row.paused_until is None or row.paused_until > span.until:
            yield _entry(row, due, "paused", _pause(row))
            return
        time = max(due, row.paused_until)
    terms = Terms(span.misfire, span.granularity, span.min_period, window)
    going = replace(row, status=Status.PENDING)
    for _ in range(MOST_STEPS):
        if going.due is None or time > span.until:
            return
        dealt = dealt_with(going, going.due, time, time, terms)
        if dealt.why is None:
            return
        outcome = _fails(window) or dealt.outcome.value
        yield _entry(row, going.due, outcome, dealt.why)
        going = dealt.row
        time = max(time, going.due or time)


def _fails(window: Window | Unset | None) -> str | None:
    return "failed" if isinstance(window, Unset) and window.fails else None


def _pause(row: Scheduled) -> str:
    return "until it is resumed" if row.paused_until is None else f"until {format_time(row.paused_until)}"


def _stepped(row: Scheduled, window: Window | Unset | None, span: Span) -> Iterator[NotFiring]:
    if row.paused and row.due is not None:
        until = min(row.paused_until or LAST, span.until)
        if row.due <= until:
            yield _entry(row, row.due, "paused", _pause(row), row.passed(until, span.granularity))
        if row.paused_until is None or row.paused_until > span.until:
            return
        going = resumed(row, until, span.granularity)
        row = row if going is None else going[0]
    due, fires, steps = row.due, row.fires, 0
    last = row.spaced_from if row.kind == "repeat" else None
    while due is not None and due <= span.until:
        steps += 1
        if steps > MOST_STEPS:
            yield _entry(row, due, "unknown", f"more than {MOST_STEPS:,} occurrences: nobody looked further")
            return
        if row.count is not None and fires >= row.count:
            yield _entry(row, due, "ended", f"it will have fired {row.count} times (_count)")
            return
        present = replace(row, due=due, moved_from=row.moved_from if due == row.due else None)
        upto = due
        if (
            closed := None if window is None else window.closed_at(due, shifted(due, -MILLISECOND))
        ) is not None:
            assert window is not None
            opening = window.next_opening(due)
            end = min(span.until, LAST if opening is None else opening - MILLISECOND)
            yield _entry(row, due, _fails(window) or "skipped", closed, _number(present, end, span))
            upto = max(due, end)
        elif last is not None and due - last < span.min_period:
            closing = None if window is None else window.next_closing(due)
            end = min(span.until, last + span.min_period - MILLISECOND, (closing or LAST) - MILLISECOND)
            least = f"less than {span.min_period.total_seconds():g} s (min_period)"
            why = f"{least} after the occurrence of {format_time(last)}"
            yield _entry(row, due, "throttled", why, _number(present, end, span))
            upto = max(due, end)
        else:
            fires, last = fires + 1, due if row.kind == "repeat" else None
        due = replace(present, until=None).behind(upto, span.granularity).due
        if due is not None and row.until is not None and row.until < due <= span.until:
            yield _entry(row, due, "ended", f"it may be due until {format_time(row.until)} (_until)")
            return


def _number(row: Scheduled, last: datetime, span: Span) -> int:
    """How many of its occurrences are from the present one to a time."""
    return row.passed(last if row.due is None else max(row.due, last), span.granularity)


def _left_out(row: Scheduled, span: Span) -> Iterator[NotFiring]:
    """The days that its calendars leave out."""
    try:
        repeats = row.repeats
        if repeats is None or not repeats.calendars or span.since is None:
            return
        until = span.until if row.until is None else min(row.until, span.until)
        zone = ZoneInfo(row.tz)
        for free in repeats.left_out(span.since, until):
            day = datetime.combine(free.day, time.min, zone)
            yield _entry(row, max(day.astimezone(UTC), span.since), "left out", str(free))
    except PicoschedError:  # which the other steps tell
        return


def _entry(row: Scheduled, at: datetime, outcome: str, why: str, number: int = 1) -> NotFiring:
    return NotFiring(at, row.id, row.event, row.name, row.pico_id, outcome, why, number)
