"""Figures of the last hour and day, shared by all viewers of the overview and updated incrementally.

Records are numbered in order of creation, so new ones are found by number, however many there are.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from picosched.clock import ticks, to_ms
from picosched.engine.engine import Engine
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled, Status
from picosched.store.pages import Counts, Minute

MINUTES = 60
DAY = 26 * 60
"""Minutes that are kept: the longest day of any zone, and the hour in which it began."""
MOST = 200_000
"""If there are more records, only the newest are counted, because reading blocks the engine."""

NEXT, LAST = 10, 10
REST = 100
"""The pause after counting, as a multiple of the time it took."""
SAME_SECONDS = 0.25
"""Viewers within this time see the same figures."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The content of the overview."""

    now: datetime
    minutes: list[Minute]
    """Of the last hour."""
    hours: dict[tuple[int, str], int]
    """(hour since 1970, outcome) → fires, of the last day."""
    counts: Counts
    pending: int
    overdue: int
    turns: int
    next: list[Scheduled]
    last: list[tuple[Fire, Scheduled | None]]
    names: dict[str, str]
    running: bool


class LastDay:
    """Reads the figures of an engine; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._place: int | None = None
        self._minutes: dict[tuple[int, str], Minute] = {}
        self._counts = Counts(0, 0, 0)
        self._pending = 0
        self._count_at = 0.0
        self._seen: tuple[float, Seen] | None = None

    def look(self) -> Seen:
        """The current figures. PicoschedError from the store."""
        with self._lock:
            if self._seen is None or ticks() - self._seen[0] > SAME_SECONDS:
                self._seen = ticks(), self._engine.read(self._look)
            return self._seen[1]

    def _look(self) -> Seen:
        engine = self._engine
        store, now = engine.store, engine.now()
        self._take_in(now)
        self._count()
        coming = store.pages.scheduled(Filter(status=(Status.PENDING,)), None, NEXT).items
        last = [(each, store.agenda.find(each.id)) for each in store.pages.fires(None, LAST).items]
        picos = {each.pico_id for each in coming} | {each.pico_id for each, _ in last}
        rows = {id: store.picos.find_pico(id) for id in picos}
        return Seen(
            now=now,
            minutes=[each for each in self._minutes.values() if each.minute > to_ms(now) // 60_000 - MINUTES],
            hours=self._hours(),
            counts=self._counts,
            pending=self._pending,
            overdue=store.pages.overdue(now),
            turns=store.pages.last_turn(),
            next=coming,
            last=last,
            names={id: id if row is None else row.name for id, row in rows.items()},
            running=engine.running,
        )

    def _hours(self) -> dict[tuple[int, str], int]:
        hours: Counter[tuple[int, str]] = Counter()
        for each in self._minutes.values():
            hours[each.minute // 60, each.outcome] += each.fires
        return hours

    def _count(self) -> None:
        """Refresh the counts, less often the longer counting takes."""
        began = ticks()
        if began < self._count_at:
            return
        pages = self._engine.store.pages
        self._counts, self._pending = pages.counts(), pages.pending()
        ended = ticks()
        self._count_at = ended + REST * (ended - began)

    def _take_in(self, now: datetime) -> None:
        """Add new records, drop those older than a day."""
        pages = self._engine.store.pages
        upto, since = pages.last_fire(), now - timedelta(minutes=DAY)
        behind = max(upto - MOST, self._place or 0)
        for new in pages.fires_by_minute(behind, upto, since):
            old = self._minutes.get((new.minute, new.outcome), Minute(new.minute, new.outcome, 0, 0, 0))
            self._minutes[new.minute, new.outcome] = Minute(
                new.minute,
                new.outcome,
                old.fires + new.fires,
                old.sum_ms + new.sum_ms,
                max(old.most_ms, new.most_ms),
            )
        self._place = upto
        first = to_ms(since) // 60_000
        self._minutes = {key: each for key, each in self._minutes.items() if each.minute > first}
