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
If the process dies, its programs are interrupted, which is an end like any other. A held entry of a source
keeps its due time too, and is found due as soon as nothing is at work: so no end needs to know of sources.

A program that has to end may run on another machine. Its row says so in the same transaction, and its machine
is told with the commit. If it does not hear that, it reads the row when it listens again (`programs.py`).

A turn that waits has written nothing, so to give it up is to settle its occurrence as cancelled.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from picosched.clock import format_time
from picosched.due.programs import finished
from picosched.frozen import replace
from picosched.outside.processes import CANCELLED
from picosched.schedule.scheduled import Outcome, Overlap, Scheduled, Status
from picosched.store.sources import EntryRow
from picosched.store.store import Store

STILL = "the occurrence before was still at work: "
WAITED = "it came due while the occurrence before waited for an answer from outside"
UNTAKEN = "the other engine had not taken its event when the next occurrence came due"
GIVEN_UP = "it waited for an answer from outside until the next occurrence came due"


class Overlapped(NamedTuple):
    """What is to be done about an occurrence while another is at work."""

    skipped: str | None = None
    """Why it is not raised; None if the row is held."""
    ends: tuple[str, ...] = ()
    """Runs of programs that have to end."""


def overlapped(store: Store, row: Scheduled, now: datetime) -> Overlapped | None:
    """Hold a row whose occurrence has to wait, or say why it is skipped; None if nothing is at work."""
    found = _beside(store, row.id, row.overlap, now)
    if found is not None and found.skipped is None:
        store.agenda.settle(replace(row, status=Status.PAUSED, held=True), now)
    return found


def entry_overlapped(store: Store, entry: EntryRow, overlap: Overlap, now: datetime) -> Overlapped | None:
    """The same for an entry of a source, whose events for other engines are work until they are taken."""
    found = _beside(store, entry.id, overlap, now)
    if found is None and (sent := store.deliveries.of_entry(entry.source_id, entry.id)):
        if overlap is Overlap.CANCEL:
            for each in sent:
                store.deliveries.remove(each.id)
                store.agenda.correct(entry.id, each.nominal, Outcome.CANCELLED, UNTAKEN)
            return None
        url, since = sent[0].shown_url, format_time(sent[0].created)
        before = f"the event of the occurrence before, of {since}, was still on its way to {url}"
        found = Overlapped(before if overlap is Overlap.SKIP else None)
    if found is not None and found.skipped is None:
        store.sources.hold(entry.id)
    return found


def _beside(store: Store, id: str, overlap: Overlap | None, now: datetime) -> Overlapped | None:
    """What the programs and messages that are at work mean for the next occurrence of what started them."""
    work = store.agenda.at_work(id)
    # Events of a source for many picos are messages too, but the message of an end is the end.
    busy = [each for each in work if each.kind != "send" or each.name == id]
    if overlap is Overlap.SKIP:
        if not busy:
            return None
        first = busy[0]
        what = first.event if first.kind == "send" else first.attrs["path"]
        since = format_time(first.created)
        return Overlapped(f"{STILL}{what}, asked for at {since}")
    if not work:
        return None
    ends: tuple[str, ...] = ()
    if overlap is Overlap.CANCEL:
        for each in busy:
            if each.kind == "proc":
                store.agenda.become(finished(each, CANCELLED, now), now)
            elif each.kind == "running" and each.machine is not None and store.machines is not None:
                store.agenda.settle(replace(each, held=True), now)
                store.machines.tell_of_end(each.machine)
        ends = tuple(each.id for each in busy if each.kind == "running")
    return Overlapped(ends=ends)


def given_up_at(overlap: Overlap | None, following: datetime | None, now: datetime) -> datetime | None:
    """Until when the turn of an occurrence may wait for answers, if not for ever; the next is `following`."""
    if overlap is Overlap.CANCEL and following is not None and following > now:
        return following
    return None


def came_meanwhile(store: Store, id: str, began: datetime, now: datetime) -> Scheduled | None:
    """A row, after the turn of its occurrence, if its next one came due since that began."""
    row = store.agenda.find(id)
    if row is None or row.status is not Status.PENDING or row.due is None:
        return None
    return row if began < row.due <= now else None
