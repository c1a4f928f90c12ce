"""Occurrences that come due while the one before is at work: what `_overlap` does.

An occurrence is at work while its turn waits for an answer from outside, and while a program runs or waits
that it started, or that was started when such a program ended. Each of these programs is a row that names its
schedule, and so is the message of its end; what is at work is read from the store in the transaction that
decides, so a killed process leaves nothing undecided.

| | a program is at work | the turn waits |
|---|---|---|
| none | does not matter | it comes due after the turn, late |
| queue | the row is held | the same |
| skip | the occurrence is recorded as skipped | so are those that came due before the turn was done |
| cancel | the program is made to end, and the row held | the wait is given up when the next one is due |

A held row is paused, with its due time, until the last message of an end was raised: the transaction that
settles that makes it pending again (`Agenda.settle`). So nothing is polled, and one row is all that waits.
If the process dies, its programs are interrupted, which is an end like any other.

A turn that waits has written nothing, so to give it up is to settle its occurrence as cancelled.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from picosched.clock import format_time
from picosched.due.programs import finished
from picosched.frozen import replace
from picosched.outside.processes import Ended
from picosched.schedule.scheduled import Overlap, Scheduled, Status
from picosched.store.store import Store

CANCELLED = Ended("cancelled", why="the next occurrence of the schedule came due")
STILL = "the occurrence before was still at work: "
WAITED = "it came due while the occurrence before waited for an answer from outside"
GIVEN_UP = "it waited for an answer from outside until the next occurrence came due"


class Overlapped(NamedTuple):
    """What is to be done about an occurrence while another is at work."""

    skipped: str | None = None
    """Why it is not raised; None if the row is held."""
    ends: tuple[str, ...] = ()
    """Runs of programs that have to end."""


def overlapped(store: Store, row: Scheduled, now: datetime) -> Overlapped | None:
    """Hold a row whose occurrence has to wait, or say why it is skipped; None if nothing is at work."""
    work = store.agenda.at_work(row.id)
    programs = [each for each in work if each.kind != "send"]
    if row.overlap is Overlap.SKIP:
        if not programs:
            return None
        path, since = programs[0].attrs["path"], format_time(programs[0].created)
        return Overlapped(f"{STILL}{path}, asked for at {since}")
    if not work:
        return None
    ends: tuple[str, ...] = ()
    if row.overlap is Overlap.CANCEL:
        for each in programs:
            if each.kind == "proc":
                store.agenda.become(finished(each, CANCELLED, now), now)
        ends = tuple(each.id for each in programs if each.kind == "running")
    store.agenda.settle(replace(row, status=Status.PAUSED, held=True), now)
    return Overlapped(ends=ends)


def given_up_at(row: Scheduled, settled: Scheduled, now: datetime) -> datetime | None:
    """Until when the turn of a row's occurrence may wait for answers, if not for ever."""
    if row.overlap is Overlap.CANCEL and settled.due is not None and settled.due > now:
        return settled.due
    return None


def came_meanwhile(store: Store, id: str, began: datetime, now: datetime) -> Scheduled | None:
    """A row, after the turn of its occurrence, if its next one came due since that began."""
    row = store.agenda.find(id)
    if row is None or row.status is not Status.PENDING or row.due is None:
        return None
    return row if began < row.due <= now else None
