"""A schedule whose occurrences fail: it is tried again, goes on, and is paused when too many fail.

An occurrence fails if a rule that handles its event fails, or if its event cannot be raised. With `_retry`
the effects of a failed try are dropped, so that it is as if it had never been, except for its record; the row
is due again after a wait, as if somebody had moved the occurrence. The waits double, from half a minute or
more to an hour, and depend on the row's id, so that many rows that fail together do not come back together.

There is no further try once the next occurrence would be due: that is the next try. Nor is there one after
the time until which the row may be due.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta

from picosched.clock import format_time, rounded_up, shifted
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.schedule.backoff import backoff
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled, Status

log = logging.getLogger(__name__)

MOST_RETRY = 100
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
LEAST_WAIT = FIRST_WAIT / 2
"""The shortest wait for the first further try."""

PAUSE_AFTER = re.compile(r"pause(?: after ([1-9]\d{0,8}))?", re.ASCII)


def pause_after(on_failure: str) -> int | None:
    """After how many failed occurrences in a row "pause" or "pause after 3" pauses; None for other texts."""
    found = PAUSE_AFTER.fullmatch(on_failure)
    return None if found is None else int(found[1] or 1)


def next_try(row: Scheduled, settled: Scheduled, now: datetime, granularity: int) -> datetime | None:
    """When a row's occurrence is tried again if it fails now; None if it is not.

    `settled` is the row as it is if the occurrence does not fail.
    """
    return try_after(row.id, row.tries, row.retry, now, granularity, row.until, settled.due)


def try_after(
    id: str,
    tries: int,
    retry: int | None,
    now: datetime,
    granularity: int,
    until: datetime | None,
    following: datetime | None,
) -> datetime | None:
    """When an occurrence that fails now, after so many tries, is tried again; None if it is not.

    `until` is the last time at which it may be due, `following` when the next occurrence is.
    """
    if retry is None or tries >= retry:
        return None
    at = rounded_up(shifted(now, backoff(id, tries, FIRST_WAIT, LONGEST_WAIT)), granularity)
    if until is not None and at > until:
        return None
    return at if following is None or at < following else None


def which_try(tries: int, retry: int | None) -> str | None:
    """What the record of a further try begins with; None for the first."""
    return f"try {tries} of {retry}" if tries and retry else None


def why_tried(why: object, again: datetime, number: int, of: int | None) -> str:
    """The reason in the record of a failed try, the first being number 1."""
    return f"{why}; it is tried again at {format_time(again)}, {number} of {of}"


def tried(row: Scheduled, record: Fire, error: Exception, again: datetime) -> tuple[Scheduled, Fire]:
    """The row after a failed try, and the record of the try; it is due `again`."""
    why = why_tried(error, again, row.tries + 1, row.retry)
    moved_from = row.unmoved if row.kind != "send" else row.moved_from or row.due
    later = replace(row, due=again, asked=row.asked_for, moved_from=moved_from, tries=row.tries + 1)
    return later, replace(record, outcome=Outcome.FAILED, why=why, stands_for=0)


def having_failed(settled: Scheduled) -> Scheduled:
    """A settled row whose occurrence failed; it may be paused now."""
    most = None if settled.on_failure is None else pause_after(settled.on_failure)
    failed = replace(settled, failures=settled.failures + 1)
    if not are_too_many(failed.failures, most) or failed.status is not Status.PENDING:
        return failed
    return replace(failed, status=Status.PAUSED)


def are_too_many(failures: int, most: int | None) -> bool:
    """Whether so many failures in a row pause what failed, if each `most` of them do.

    So who resumes it begins anew, although the failures are still in a row.
    """
    return most is not None and failures % most == 0


def going_on(row: Scheduled, upto: datetime, granularity: int) -> tuple[Scheduled, int]:
    """A row with a failed occurrence, with its next due time, and how many occurrences that settles.

    If its next due time can no longer be computed, it is finished; but it is paused if it names what the
    settings lack, or a package that is not installed, because they may have it again.
    """
    try:
        return row.settled(upto, granularity), row.passed(upto, granularity)
    except PicoschedError as error:
        if error.code != "invalid":
            log.error("pausing the scheduled event %s: %s", row.id, error)
            return replace(row, status=Status.PAUSED), 1
        return replace(row, due=None, asked=None, status=Status.FINISHED), 1
