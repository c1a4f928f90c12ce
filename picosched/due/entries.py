"""Entries of sources: raises a due entry in the open transaction, with its record and its next due time.

The event's turn, the record of the occurrence and the entry's next due time are written together, so that
it is raised once. An event for many picos becomes a row for each, due at once, so turns stay small. An
event for another engine becomes a delivery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from picosched.due.queue import NOTHING, Done
from picosched.errors import PicoschedError
from picosched.hashed import id_of
from picosched.pico.delivery import Delivery
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled
from picosched.sources.occurrence import Dealt, dealt_with
from picosched.sources.source import ECI, RID, TAG, URL, Entry, Source, Target
from picosched.store import rows
from picosched.store.faults import StoreError
from picosched.store.sources import EntryRow, SourceRow
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.memory import Loaded
from picosched.turns.pieces import RaiseEntry
from picosched.turns.turns import Turns, eid_of

MOST_WAITING = 1_000
"""Pending deliveries of one source; further events fail."""


class DueEntry(NamedTuple):
    """An entry with its due occurrence."""

    row: SourceRow
    source: Source
    entry: Entry
    settled: EntryRow
    """The entry after this occurrence."""
    due: datetime
    dealt: Dealt
    fault: str | None = None
    """Why it cannot be raised: its window is gone."""


class Entries:
    """Raises due entries of sources. For one thread at a time, inside a transaction."""

    def __init__(self, store: Store, loaded: Loaded, turns: Turns, now: Callable[[], datetime]) -> None:
        self._store = store
        self._loaded = loaded
        self._turns = turns
        self._now = now

    def ring(self, piece: RaiseEntry) -> Done | Unanswered:
        """Process and settle the occurrence of an entry that was due when the tick looked.

        Does nothing if it is no longer due. It stays due if it needs an answer from outside.
        """
        due = self._due(piece)
        return NOTHING if due is None else self._rung(due, piece.answers)

    def fail(self, piece: RaiseEntry, why: str) -> Done:
        """Settle the occurrence of an entry that killed the process as failed, and pause its source."""
        due = self._due(piece)
        if due is not None:
            place, now = declaring.place_of(self._store, due.source.to), self._now()
            why = f"{why}; the source is paused"
            stands_for = due.dealt.stands_for
            record = Fire(piece.id, place, due.due, now, Outcome.FAILED, why=why, stands_for=stands_for)
            self._settle(due, record, raised=False)
            declaring.pause(self._store, piece.owner, None)
        self._store.begun.unmark(piece.id)
        return NOTHING

    def _due(self, piece: RaiseEntry) -> DueEntry | None:
        """The due occurrence of an entry; None if it is no longer due."""
        kept = self._store.sources.find_entry(piece.id)
        if kept is None or kept.paused or kept.due is None or kept.due > piece.looked:
            return None
        row = self._store.sources.find(kept.source_id)
        assert row is not None  # an entry never outlives its source
        try:
            source = declaring.read(row, self._store.almanac)
            entry = source.entry(kept.name)
            if entry is None:
                raise PicoschedError(f'found no entry "{kept.name}" in its declaration', "internal")
            window = declaring.window_of_entry(entry, self._loaded.settings.windows)
            times = source.times(entry, row.anchor)
            dealt = dealt_with(times, kept.due, piece.looked, entry.misfire, window)
            fault = None if window or entry.limits.window is None else declaring.no_window(entry)
        except PicoschedError as error:  # its time zone is unknown now, for example
            ended = replace(kept, due=None, outcome=Outcome.FAILED, why=error.message)
            self._store.sources.settle(ended, raised=False)
            return None
        settled = replace(kept, due=dealt.next, missed=kept.missed + dealt.missed)
        return DueEntry(row, source, entry, settled, kept.due, dealt, fault)

    def resume(self, id: str, now: datetime) -> bool:
        """Resume a source whose pause is over."""
        return declaring.resume(self._store, id, now)

    def _rung(self, due: DueEntry, answers: Answers) -> Done | Unanswered:
        row, source, entry, settled, nominal, dealt, fault = due
        now = answers.first(self._now())
        place = declaring.place_of(self._store, source.to)
        record = Fire(settled.id, place, nominal, now, dealt.outcome, stands_for=dealt.stands_for)
        if fault is not None:
            self._settle(due, replace(record, outcome=Outcome.FAILED, why=fault), raised=False)
            return NOTHING
        if not dealt.raised:
            self._settle(due, replace(record, why=dealt.why), raised=False)
            return NOTHING
        attrs = source.attributes(entry, row.raised, now)
        event = Event(entry.domain, entry.type, attrs, eid_of(record), now)
        record = replace(record, eid=event.eid)
        if source.to.kind == URL:
            self._settle(due, self._sent_away(source, event, record, row))
        elif source.to.kind in (TAG, RID):
            self._settle(due, self._sent_round(source.to, event, record))
        else:
            raised = self._raised(source, event, record, answers)
            if isinstance(raised, Unanswered):
                return raised
            if isinstance(raised, Turn):
                fault = str(raised.errors[0]) if raised.errors else None
                outcome = Outcome.FAILED if raised.errors else record.outcome
                self._settle(due, replace(record, outcome=outcome, why=fault), written=True)
            else:
                failed = replace(record, outcome=Outcome.FAILED, eid=None, why=str(raised))
                self._settle(due, failed)
        return Done(raised=True)

    def _raised(
        self, source: Source, event: Event, record: Fire, answers: Answers
    ) -> Turn | Unanswered | Exception:
        """Raise the event in its target pico; the error if that is not possible."""
        try:
            pico, event = self._reached(source.to, event)
        except StoreError:
            raise
        except Exception as error:
            return error
        return self._turns.raise_occurrence(
            pico, event, record, answers, recorded=source.recorded, journalled=source.journal
        )

    def _settle(self, due: DueEntry, record: Fire, *, raised: bool = True, written: bool = False) -> None:
        """Write the outcome of an occurrence, and its record unless that is `written` already."""
        entry, failed = due.settled, record.outcome is Outcome.FAILED
        settled = replace(
            entry,
            due=entry.due if due.entry.limits.goes_on(entry.fires + raised) else None,
            fires=entry.fires + raised,
            failed=entry.failed + failed,
            fired=record.fired,
            outcome=record.outcome,
            why=record.why if failed else None,
        )
        self._store.sources.settle(settled, raised=raised)
        if due.source.recorded and not written:
            self._store.agenda.record(record)

    def _reached(self, target: Target, event: Event) -> tuple[Pico, Event]:
        """The target pico, and the event as it receives it."""
        declaring.check_target(self._store, target)
        if target.kind != ECI:
            (pico_id,) = declaring.picos_named(self._store, target.name)
            return self._loaded.load_pico(pico_id), event
        channel = self._loaded.load_channel(target.name)
        channel.check_event(event.domain, event.type)
        return self._loaded.load_pico(channel.pico_id), replace(event, eci=channel.eci)

    def _sent_round(self, target: Target, event: Event, record: Fire) -> Fire:
        """Schedule an event for each pico, due at once, except where `max_pending` is reached."""
        picos = self._picos_of(target, event)
        agenda, most = self._store.agenda, self._loaded.settings.limits.max_pending
        full = 0
        for pico_id, eci in picos.items():
            if agenda.coming(pico_id) >= most:
                full += 1
                continue
            agenda.add(
                Scheduled(
                    id=id_of(f"{event.eid} {pico_id}"),
                    pico_id=pico_id,
                    rid="",
                    domain=event.domain,
                    type=event.type,
                    attrs=event.attrs,
                    kind="send",
                    due=record.nominal,
                    created=event.time,
                    eci=eci,
                    name=record.id,
                )
            )
        why = f"sent to {_picos(len(picos) - full)}"
        if not picos:
            why = f"{why}: none has the {'ruleset' if target.kind == RID else 'tag'} {target.name}"
            return replace(record, outcome=Outcome.FAILED, eid=None, why=why)
        if full:
            why += f", and not to {_picos(full)} with {most:,} pending events (max_pending)"
            return replace(record, outcome=Outcome.FAILED, eid=None, why=why)
        return replace(record, eid=None, why=why)

    def _picos_of(self, target: Target, event: Event) -> dict[str, str | None]:
        """Pico → channel to use: of its channels with the tag one that allows the event, if any does."""
        if target.kind == RID:
            return dict.fromkeys(self._store.sources.having(target.name))
        found: dict[str, str | None] = {}
        allowed: set[str] = set()
        for pico_id, eci in self._store.sources.tagged(declaring.tag_of(target)):
            passes = self._loaded.load_channel(eci).events.refusal(event.domain, event.type) is None
            if pico_id not in found or (passes and pico_id not in allowed):
                found[pico_id] = eci
            if passes:
                allowed.add(pico_id)
        return found

    def _sent_away(self, source: Source, event: Event, record: Fire, row: SourceRow) -> Fire:
        """Add a delivery of the event to another engine."""
        waiting = self._store.deliveries.waiting(row.id)
        if waiting >= MOST_WAITING:
            why = f"{waiting:,} events are on their way to {source.to.shown} already"
            return replace(record, outcome=Outcome.FAILED, eid=None, why=why)
        self._store.deliveries.add(
            Delivery(
                id=event.eid,
                source_id=row.id,
                entry_id=record.id,
                nominal=record.nominal,
                url=_event_url(source.to.name, event),
                body=rows.dump(event.attrs).strip(),
                created=event.time,
                due=record.nominal,
            )
        )
        return record


def _picos(number: int) -> str:
    return "1 pico" if number == 1 else f"{number:,} picos"


def _event_url(channel: str, event: Event) -> str:
    """The URL that raises an event on a channel of another engine: …/c/ECI or …/sky/event/ECI."""
    domain, type = quote(event.domain, safe=""), quote(event.type, safe="")
    if channel.rpartition("/")[0].endswith("/sky/event"):
        return f"{channel}/{event.eid}/{domain}/{type}"
    return f"{channel}/event/{domain}/{type}"
