"""What would have helped an occurrence that was not raised: a change of its row or its time, tried on a copy.

The copy is dealt with as the row was (`schedule/occurrence`), and only a change with which its event would
have been raised is told.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from picosched.clock import MILLISECOND, format_time, parse_time, rounded_down, rounded_up, shifted
from picosched.due.overlap import STILL, WAITED
from picosched.engine.forecast import window_of_row
from picosched.engine.wiring import Wiring
from picosched.frozen import replace
from picosched.schedule.coming import coming_raised
from picosched.schedule.fire import SKIPPED, Fire
from picosched.schedule.occurrence import Terms, dealt_with
from picosched.schedule.scheduled import Misfire, Scheduled, Status
from picosched.schedule.window import Window

MOST_TRIED = 1_000
"""Occurrences that are dealt with to try another `_count` or `_until`."""
AT_WORK = re.compile(rf"{re.escape(STILL)}(.*), asked for at \S+$")
SPACED = re.compile(r" after the occurrence of (\S+)$")


def not_paused(engine: Wiring, row: Scheduled, record: Fire) -> str | None:
    """Of one that was paused: that it would have been raised otherwise."""
    terms = _terms(engine, row)
    return f"not paused, at {format_time(record.nominal)}" if _raised(row, record.nominal, terms) else None


def skipped(engine: Wiring, row: Scheduled, record: Fire) -> str | None:
    """Of one that was let go: because it was missed, because one before was at work, or by its window."""
    if record.why == SKIPPED:
        return _not_missed(engine, row, record)
    if (found := AT_WORK.match(record.why or "")) is not None:
        return f'{found[1]} ended by {format_time(record.nominal)}, or `_overlap` "queue", which waits for it'
    if record.why == WAITED:
        return f'an answer from outside before {format_time(record.nominal)}, or `_overlap` "queue"'
    return _in_its_window(engine, row, record)


def _not_missed(engine: Wiring, row: Scheduled, record: Fire) -> str | None:
    """An engine that was up, and the policy that raises what was missed, of each if it would have done."""
    terms, at = _terms(engine, row), format_time(record.nominal)
    found = [f"an engine running at {at}"] if _raised(row, record.nominal, terms) else []
    once = replace(row, misfire=Misfire.ONCE)
    if _raised(once, record.nominal, terms, record.fired):
        found.append(f'`_misfire` "once", at {format_time(record.fired)} (it was "skip")')
    return ", or ".join(found) or None


def _in_its_window(engine: Wiring, row: Scheduled, record: Fire) -> str | None:
    """The nearest of its times at which its window is open; the nearest such time if none of its own is."""
    terms, granularity = _terms(engine, row), engine.settings.granularity
    window = terms.window
    if not isinstance(window, Window) or window.open_at(record.nominal):
        return None
    tries: list[tuple[datetime, str]] = []
    opening, edge = window.next_opening(record.nominal), window.last_edge(record.nominal)
    if row.repeats is not None:
        later = first_raised(engine, row, record.nominal)
        own = nearest(record.nominal, later, last_raised(engine, row, record.nominal))
        if own is not None:
            return f"{apart(record.nominal, own)}, when the window {window.name} is open"
    if opening is not None:
        tries.append((rounded_up(opening, granularity), f"when the window {window.name} has opened"))
    if edge is not None and not edge.opens:
        last = rounded_down(shifted(edge.at, -MILLISECOND), granularity)
        tries.append((last, f"before the window {window.name} closes"))
    tries.sort(key=lambda each: abs(each[0] - record.nominal))
    found = next((each for each in tries if _raised(row, each[0], terms)), None)
    return None if found is None else f"{apart(record.nominal, found[0])}, {found[1]}"


def less_often(engine: Wiring, row: Scheduled, record: Fire) -> str | None:
    """Of one that came too soon after another: when it would not have."""
    spaced = SPACED.search(record.why or "")
    if spaced is None:
        return None
    terms = replace(_terms(engine, row), spaced_from=parse_time(spaced[1]))
    later = rounded_up(shifted(parse_time(spaced[1]), terms.min_period), engine.settings.granularity)
    return apart(record.nominal, later) if _raised(row, later, terms) else None


def not_ended(engine: Wiring, row: Scheduled, at: datetime | None) -> str | None:
    """Of one that had ended by then: the `_count` or the `_until` with which it would still have come."""
    if at is None:
        return None
    trial, terms = replace(row, status=Status.PENDING), _terms(engine, row)
    if row.until is not None and at > row.until:
        trial = replace(trial, until=at)
    elif row.count is not None:
        trial = replace(trial, count=None)
    else:
        return None
    if trial.due is None:
        trial = replace(trial, due=trial.following(row.fired or row.created, terms.granularity))
    for _ in range(MOST_TRIED):
        due = trial.due
        if due is None or due > at:
            return None
        dealt = dealt_with(trial, due, due, due, replace(terms, spaced_from=trial.spaced_from))
        trial = dealt.row
        if due == at:
            if dealt.why is not None:
                return None
            if row.until is not None and at > row.until:
                return f"`_until` {format_time(at)} or later (it was {format_time(row.until)})"
            return f"`_count` {trial.fires} (it was {row.count})"
    return None


def first_raised(engine: Wiring, row: Scheduled, due: datetime) -> datetime | None:
    """The first of its due times from one on at which its window is open."""
    trial = replace(row, due=due, status=Status.PENDING, count=None, moved_from=None, spaced_from=None)
    terms = _terms(engine, row)
    return next(coming_raised(trial, terms.granularity, terms.window, terms.min_period), None)


def last_raised(engine: Wiring, row: Scheduled, before: datetime) -> datetime | None:
    """The last of its due times before a time, since it was made, at which its window is open."""
    repeats, terms = row.repeats, _terms(engine, row)
    if repeats is None:
        return None
    time = before
    for _ in range(MOST_TRIED):
        asked = repeats.before(shifted(time, -row.put_off))
        due = None if asked is None else shifted(rounded_up(asked, terms.granularity), row.put_off)
        if due is None or due < row.created:
            return None
        if due < before and (terms.window is None or terms.window.open_at(due)):
            return due
        time = min(due, shifted(time, -MILLISECOND))
    return None


def nearest(wanted: datetime, *times: datetime | None) -> datetime | None:
    """The nearest of some times, the earlier of two; None if there is none."""
    known = sorted(each for each in times if each is not None)
    return min(known, key=lambda each: abs(each - wanted), default=None)


def apart(wanted: datetime, found: datetime) -> str:
    """How far a time is from the one that was wanted, and the time."""
    return f"{span(found - wanted)} {'later' if found > wanted else 'earlier'}, at {format_time(found)}"


def span(time: timedelta) -> str:
    """A time in days, hours, minutes and seconds, whatever its sign."""
    seconds = abs(int(time.total_seconds()))
    parts = (
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a second"


def _terms(engine: Wiring, row: Scheduled) -> Terms:
    settings = engine.settings
    return Terms(
        Misfire(settings.misfire),
        settings.granularity,
        timedelta(seconds=settings.min_period),
        window_of_row(engine, row),
    )


def _raised(row: Scheduled, due: datetime, terms: Terms, found: datetime | None = None) -> bool:
    """Whether the row's event is raised if it is due then, and found then or later."""
    trial, found = replace(row, due=due, asked=None, status=Status.PENDING, moved_from=None), found or due
    return dealt_with(trial, due, found, found, terms).why is None
