"""Changes to a row: paused, resumed, moved, repeated, fired, cancelled.

A row changes state as follows, and each step that settles an occurrence is recorded:

| state | cause | to | recorded as |
|---|---|---|---|
| – | a rule, or a person, schedules it | pending | |
| pending | its event is raised, and it comes again | pending | fired, late, coalesced, failed |
| pending | its event is raised, and nothing is left to come | finished | fired, late, coalesced, failed |
| pending | its occurrence is not wanted | pending, finished | skipped, throttled, closed |
| pending | the one before is at work (`_overlap`) | paused (`held`) until that ends | |
| pending | the same: it is let go, or its turn given up | pending, finished | skipped, cancelled |
| pending | its occurrence cannot be dealt with | pending, finished | failed |
| pending | its occurrence failed, and is tried again | pending | failed |
| pending | its occurrence failed, as many before it (`_on_failure`) | paused | failed |
| pending | it killed the process `max_begun` times while it was begun alone | paused, finished | failed |
| pending, paused | it is fired by hand | as before, finished | fired |
| pending | it is paused | paused | |
| paused | it is resumed, or its pause is over | pending, finished | paused, if occurrences passed |
| pending, paused | it is cancelled, or its ruleset or pico goes | cancelled | cancelled |

Each is a pure function from a row to its new state, with a record of the occurrences passed over, if any;
the caller writes both in one transaction. Rules, Python, the command line and the server all use these
functions.

While a row is paused its due time does not change. When it resumes, a repeat continues with its next future
occurrence, and those that passed are recorded as paused; an overdue `at` is due at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from picosched.clock import MILLISECOND, rounded_up, shifted
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.schedule.fire import Fire, record_of
from picosched.schedule.scheduled import COMING, Next, Outcome, Scheduled, Status
from picosched.timespec.timespec import Timespec

PAUSED = "it was paused"
OF_CALENDAR = "a window of its ruleset, which opens and closes by the calendar and can only be paused"

Changed = tuple[Scheduled, Fire | None]
"""The row, and the record of an occurrence that will not be raised."""

Change = Callable[[Scheduled], Changed | None]
"""A change; None if it does not apply to the row."""


def live(scheduled: Scheduled) -> bool:
    """Whether it is pending or paused, and a schedule rather than a sent event."""
    return scheduled.status in COMING and scheduled.is_schedule


def movable(scheduled: Scheduled) -> bool:
    """Whether its time can be changed: the calendar determines the edges of a window."""
    return live(scheduled) and scheduled.kind != "window"


def paused(scheduled: Scheduled, until: datetime | None) -> Changed | None:
    """The row paused, `until` a time or until it is resumed."""
    if not live(scheduled):
        return None
    return replace(scheduled, status=Status.PAUSED, paused_until=until, held=False), None


def resumed(scheduled: Scheduled, now: datetime, granularity: int) -> Changed | None:
    """The row resumed at `now`; finished if its last occurrence has passed. Not one that is only held."""
    if not scheduled.paused or scheduled.held:
        return None
    going = replace(scheduled, status=Status.PENDING, paused_until=None)
    if going.timespec is None or going.due is None or going.due > now:
        return going, None
    record = record_of(going, now, Outcome.PAUSED, PAUSED, going.passed(now, granularity))
    return _due_at(replace(going, moved_from=None), going.behind(now, granularity)), record


def moved(scheduled: Scheduled, to: datetime, now: datetime, granularity: int) -> Changed | None:
    """The row with its next occurrence moved; later occurrences of a repeat keep their times."""
    if not movable(scheduled) or scheduled.due is None:
        return None
    try:
        due = now if to <= now else rounded_up(to, granularity)
    except OverflowError as cause:
        raise PicoschedError("found a time past the last year, 9999, wanted one before") from cause
    asked = None if due in (to, now) else to
    return replace(scheduled, due=due, asked=asked, moved_from=scheduled.unmoved), None


def planned_anew(scheduled: Scheduled, since: datetime, granularity: int) -> Changed | None:
    """A repeat or a window whose calendars have changed, due at its first time after `since`."""
    known = scheduled.due
    if not live(scheduled) or scheduled.moved_from is not None or known is None or known <= since:
        return None
    found = scheduled.next_after(since, granularity)
    if found.due == known:
        return None
    status = scheduled.status if found.due else Status.FINISHED
    return replace(scheduled, due=found.due, asked=found.asked, status=status).with_edge(found.due), None


def repeated(
    scheduled: Scheduled,
    timespec: Timespec,
    now: datetime,
    granularity: int,
    start: datetime | None = None,
) -> Changed | None:
    """The row with another timespec from now on, or from `start`.

    A timespec that counts without a start counts from then. PicoschedError `invalid` if it never fires again.
    """
    if not movable(scheduled):
        return None
    timespec = timespec.starting(start or now, scheduled.id)
    anew = replace(scheduled, kind="repeat", timespec=timespec.text, tz=timespec.tz, moved_from=None)
    since = now if start is None else max(now, shifted(start, anew.put_off - MILLISECOND))
    found = anew.next_after(since, granularity)
    if found.due is None:
        until = "" if anew.until is None else " in the time the schedule has"
        raise PicoschedError(f'the timespec "{timespec.text}" never fires again{until}')
    return replace(anew, due=found.due, asked=found.asked), None


def fired_at_once(scheduled: Scheduled, now: datetime) -> Scheduled | None:
    """The row fired by hand: an `at` is finished, a repeat keeps its next occurrence."""
    if not movable(scheduled):
        return None
    fired = replace(scheduled, fires=scheduled.fires + 1, fired=now)
    if fired.timespec is None or (fired.count is not None and fired.fires >= fired.count):
        return replace(fired, due=None, asked=None, status=Status.FINISHED, paused_until=None)
    return fired


def cancelled(
    scheduled: Scheduled, now: datetime, eid: str | None = None, reason: str | None = None
) -> Changed | None:
    """The row cancelled; `eid` identifies the turn that did it."""
    return ended(scheduled, now, eid, reason) if movable(scheduled) else None


def ended(
    scheduled: Scheduled, now: datetime, eid: str | None = None, reason: str | None = None
) -> Changed | None:
    """The row ended, regardless of its kind."""
    if not live(scheduled):
        return None
    record = None
    if scheduled.due is not None:
        record = record_of(scheduled, now, Outcome.CANCELLED, reason, eid=eid)
    row = replace(
        scheduled,
        due=None,
        asked=None,
        status=Status.CANCELLED,
        paused_until=None,
        moved_from=None,
        held=False,
    )
    return row, record


def _due_at(scheduled: Scheduled, found: Next) -> Scheduled:
    status = Status.PENDING if found.due else Status.FINISHED
    return replace(scheduled, due=found.due, asked=found.asked, status=status).with_edge(found.due)
