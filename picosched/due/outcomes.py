"""What became of the occurrences of sources: failures in a row are counted, the alerts are told, and a source
with too many of them is paused.

An event for one pico is done when its occurrence is settled. Those for many picos or for another engine are
still to be raised or taken then, so such an occurrence fails or is done later: with the first of them that
fails, or with the last.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from picosched.due.alerting import alert_all
from picosched.due.wired import Wired
from picosched.schedule.failing import are_too_many
from picosched.schedule.fire import Fire
from picosched.schedule.happenings import Followed, happenings
from picosched.schedule.scheduled import Outcome
from picosched.sources.source import Entry, Source
from picosched.store.sources import EntryRow
from picosched.turns import sources as declaring

log = logging.getLogger(__name__)

IN_TIME = 0
"""The granularity of sources, which are not rounded."""


class Whose(NamedTuple):
    """An entry, with its source."""

    kept: EntryRow
    source: Source
    entry: Entry

    @property
    def name(self) -> str:
        return self.source.name_of(self.entry)


class Outcomes:
    """Writes what became of occurrences. For one thread at a time, inside a transaction."""

    def __init__(self, wired: Wired) -> None:
        self._store, self._settings, self._now = wired.store, wired.settings, wired.now
        self._quiet = wired.apart.quiet

    def settle(
        self, whose: Whose, settled: EntryRow, record: Fire, *, raised: bool, under_way: bool, written: bool
    ) -> None:
        """Write the outcome of an occurrence and the entry after it, and its record unless `written` already.

        Its event was `raised`, and is still `under_way` if it has not come everywhere.
        """
        before, source = whose.kept, whose.source
        failed = record.outcome is Outcome.FAILED
        failures = before.failures + 1 if failed else 0 if raised and not under_way else before.failures
        if failed and (paused := self._pause_if_failing(whose, failures)) is not None:
            record = replace(record, why=f"{record.why}; {paused}")
            if written:
                self._store.agenda.correct(record.id, record.nominal, record.outcome, record.why or "")
        settled = replace(
            settled,
            fires=settled.fires + raised,
            failed=settled.failed + failed,
            failures=failures,
            fired=record.fired,
            outcome=record.outcome,
            why=record.why if failed else None,
            tries=0,
            held=False,
        )
        self._store.sources.settle(settled, raised=raised)
        if not written and (source.recorded or before.tries):
            self._store.agenda.record(record)
        late = whose.entry.steering.late_after
        followed = failed or before.failures or before.tries or late is not None
        if followed or record.outcome is not Outcome.FIRED:
            self._tell(whose, record, before.failures * (not under_way), failures, raised=raised)

    def ended_elsewhere(
        self, kept: EntryRow, nominal: datetime, error: object = None, *, tries: int = 0
    ) -> None:
        """An event of an occurrence was raised or taken elsewhere, or failed there, after so many tries.

        The first that fails makes the occurrence fail; the last that does not lets the entry recover.
        """
        if error is None and not kept.failures:
            return
        on_record = next(iter(self._store.agenda.records_between(kept.id, nominal, nominal, 1)), None)
        outcome = kept.outcome if on_record is None else on_record.outcome
        if outcome is Outcome.FAILED or (error is None and self._store.agenda.is_sent_round(kept.id)):
            return
        whose, failures = self._whose(kept), 0 if error is None else kept.failures + 1
        record = Fire(kept.id, "", nominal, self._now(), Outcome.FIRED)
        if error is None:
            self._store.sources.recover(kept.id)
        else:
            paused = None if whose is None else self._pause_if_failing(whose, failures)
            why = str(error) if paused is None else f"{error}; {paused}"
            record = replace(record, outcome=Outcome.FAILED, why=why)
            self._store.agenda.correct(kept.id, nominal, Outcome.FAILED, why)
            self._store.sources.correct(kept.id, Outcome.FAILED, why)
        if whose is not None:
            self._tell(
                whose, record, kept.failures, failures, raised=error is None, but=("late",), tries=tries
            )

    def _pause_if_failing(self, whose: Whose, failures: int) -> str | None:
        """Pause the source if so many failures in a row are too many; what is said of it."""
        most = whose.entry.steering.pauses_after
        if not are_too_many(failures, most) or whose.kept.paused:
            return None
        declaring.pause(self._store, whose.kept.source_id, None)
        if not self._quiet:
            named = whose.source.label, whose.name
            log.warning("the source %s is paused: %s failed %d times in a row", *named, failures)
        return f"the source is paused, after {failures:,} failure{'s' * (failures > 1)} in a row"

    def _tell(
        self,
        whose: Whose,
        record: Fire,
        failed_before: int,
        failures: int,
        *,
        raised: bool,
        but: tuple[str, ...] = (),
        tries: int = 0,
    ) -> None:
        entry, late = whose.entry, whose.entry.steering.late_after
        followed = Followed(
            id=record.id,
            pico_id=record.pico_id,
            name=whose.name,
            event=entry.event,
            failed_before=failed_before,
            failures=failures,
            late_after=late,
            source=whose.kept.source_id,
            tries=whose.kept.tries or tries,
            retry=entry.steering.retry or 0,
        )
        for each in happenings(followed, record, IN_TIME, raised=raised):
            if each.type not in but:
                alert_all(self._store, self._settings, each, followed)

    def _whose(self, kept: EntryRow) -> Whose | None:
        """An entry with its source; None if its declaration is no longer valid, as lists say."""
        row = self._store.sources.find(kept.source_id)
        source = None if row is None else declaring.valid(row, self._store.almanac)
        entry = None if source is None else source.entry(kept.name)
        return None if source is None or entry is None else Whose(kept, source, entry)
