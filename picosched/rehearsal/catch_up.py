"""Previews what would happen to missed occurrences, before any is raised.

After downtime the first tick raises, coalesces or skips all that is overdue. A rehearsal runs that tick on
a copy of the store, without outside requests, and reports the outcome of each occurrence; the store itself
is not touched. Events that rules schedule or send for at once are included, as in the real tick.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from picosched.clock import VirtualClock
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import nobody
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled, Status


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """An overdue occurrence, and the record it would get."""

    scheduled: Scheduled
    fire: Fire


def overdue(engine: Engine) -> int:
    """How many scheduled events are overdue."""
    return engine.agenda.count(Filter(status=(Status.PENDING,), until=engine.now()))


def rehearse_catch_up(engine: Engine) -> list[CaughtUp]:
    """The outcomes of all overdue occurrences, in order of processing."""
    now: datetime = engine.now()
    settings = replace(engine.settings, base_url=engine.loaded.host(None) or "")
    copy = engine.read(engine.store.copy)
    try:
        with Engine(copy, VirtualClock(now), settings=settings, seed=0, outside=nobody) as rehearsal:
            rows = {row.id: row for row in rehearsal.scheduled(Filter(status=(Status.PENDING,), until=now))}
            known = rehearsal.read(copy.agenda.last_record)
            rehearsal.run_due()
            fires = rehearsal.read(lambda: copy.agenda.records_after(known))
    finally:
        copy.close()
    return [CaughtUp(rows[fire.id], fire) for fire in fires if fire.id in rows]
