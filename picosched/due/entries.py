"""Entries of sources: raises a due entry in the open transaction, with its record and its next due time.

The event's turn, the record of the occurrence and the entry's next due time are written together, so that
it is raised once. An event for many picos becomes a row for each, due at once, so turns stay small. An
event for another engine becomes a delivery.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from picosched.clock import MILLISECOND, to_ms
from picosched.due.outcomes import Outcomes, Whose
from picosched.due.overlap import GIVEN_UP, WAITED, entry_overlapped, given_up_at
from picosched.due.queue import NOTHING, Done
from picosched.due.wired import Wired
from picosched.errors import PicoschedError
from picosched.hashed import id_of
from picosched.intervention import ENGINE, RESUMED, RUNG, SOURCE
from picosched.pico.delivery import Delivery
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.schedule.failing import try_after, which_try, why_tried
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import END_OF_PAUSE
from picosched.schedule.scheduled import Outcome, Overlap, Scheduled
from picosched.schedule.window import Window
from picosched.sources.occurrence import MOST_COUNTED, Dealt, dealt_with
from picosched.sources.source import ECI, RID, TAG, URL, Entry, Source, Target
from picosched.sources.steering import Times
from picosched.store import rows
from picosched.store.faults import StoreError
from picosched.store.sources import EntryRow, SourceRow
from picosched.turns import sources as declaring
from picosched.turns.pieces import RaiseEntry
from picosched.turns.turns import Turns, eid_of

MOST_WAITING = 1_000
"""Pending deliveries of one source; further events fail."""

LATE = timedelta(seconds=1)
"""By how much an occurrence is late whose time is kept for a replay, if nothing else tells of it."""

GRANULARITY = 1
"""Seconds: what is tried again is due at a whole one."""


class DueEntry(NamedTuple):
    """An entry with its due occurrence."""

    row: SourceRow
    whose: Whose
    settled: EntryRow
    """The entry after this occurrence, with what it was before in all but its due time."""
    due: datetime
    dealt: Dealt
    times: Times
    fault: str | None = None
    """Why it cannot be raised: its window is gone."""

    @property
    def asked(self) -> datetime | None:
        """When it was due before its tries; None if it was not tried yet."""
        return self.whose.kept.asked if self.whose.kept.tries else None

    @property
    def following(self) -> datetime | None:
        """When the next occurrence is due if this one is raised."""
        goes_on = self.whose.entry.steering.goes_on(self.whose.kept.fires + 1)
        return self.dealt.next if goes_on else None

    def again(self, now: datetime) -> datetime | None:
        """When the occurrence is tried again if it fails now; None if it is not."""
        kept, steering = self.whose.kept, self.whose.entry.steering
        if steering.retry is None:
            return None
        until, following = steering.until, self.following
        return try_after(kept.id, kept.tries, steering.retry, now, GRANULARITY, until, following)


class Entries:
    """Raises due entries of sources. For one thread at a time, inside a transaction."""

    def __init__(self, wired: Wired, turns: Turns, outcomes: Outcomes) -> None:
        self._store, self._loaded, self._now = wired.store, wired.loaded, wired.now
        self._turns = turns
        self._outcomes = outcomes
        self._goes_on = wired.apart.source_goes_on

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
            place, now = declaring.place_of(self._store, due.whose.source.to), self._now()
            why = f"{why}; the source is paused"
            stands_for = due.dealt.stands_for
            record = Fire(
                piece.id, place, due.due, now, Outcome.FAILED, why=why, stands_for=stands_for, asked=due.asked
            )
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
            window, fault = self._window_of(entry)
            times = source.times(entry, row.anchor)
            dealt = dealt_with(times, kept.due, piece.looked, entry.misfire, window)
            if kept.tries:  # it stands for those it stood for before, too
                stood_for = times.count(kept.asked or kept.due, kept.due, MOST_COUNTED)
                dealt = replace(dealt, stands_for=dealt.stands_for + stood_for)
            if dealt.raised and not entry.steering.goes_on(
                kept.fires + 1
            ):  # after the last of its count none was to come
                dealt = replace(dealt, stands_for=1)
        except PicoschedError as error:  # its time zone is unknown now, for example
            ended = replace(kept, due=None, outcome=Outcome.FAILED, why=error.message)
            self._store.sources.settle(ended, raised=False)
            return None
        settled = replace(kept, due=dealt.next, missed=kept.missed + dealt.missed)
        return DueEntry(row, Whose(kept, source, entry), settled, kept.due, dealt, times, fault)

    def _window_of(self, entry: Entry) -> tuple[Window | None, str | None]:
        """The window of an entry, if it has one; or what is wrong with it."""
        try:
            return declaring.window_of_entry(self._store, self._loaded.settings, entry), None
        except StoreError:
            raise
        except PicoschedError as error:
            return None, error.message

    def resume(self, id: str, now: datetime) -> bool:
        """Resume a source whose pause is over."""
        if self._goes_on(id):
            return declaring.pause(self._store, id, None)
        resumed = declaring.resume(self._store, id, now)
        if resumed:
            self._store.interventions.add(now, f"{SOURCE}{RESUMED}", END_OF_PAUSE, {"id": id})
        return resumed

    def _rung(self, due: DueEntry, answers: Answers) -> Done | Unanswered:
        source, entry, kept = due.whose.source, due.whose.entry, due.whose.kept
        now, dealt = answers.first(self._now()), due.dealt
        place = declaring.place_of(self._store, source.to)
        record = Fire(
            kept.id, place, due.due, now, dealt.outcome, stands_for=dealt.stands_for, asked=due.asked
        )
        why = due.fault or (None if dealt.raised else dealt.why)
        if why is not None:
            if kept.tries:  # no try is left that could succeed
                why = f"{kept.tries} tries failed, and then {why}"
            failed = due.fault is not None or kept.tries > 0
            outcome = Outcome.FAILED if failed else record.outcome
            self._settle(due, replace(record, outcome=outcome, why=why), raised=False)
            return NOTHING
        if entry.steering.overlap is not None:
            if answers.given_up:
                given_up = replace(record, outcome=Outcome.CANCELLED, fired=self._now(), why=GIVEN_UP)
                self._settle(due, given_up, raised=False)
                return NOTHING
            if (other := entry_overlapped(self._store, kept, entry.steering.overlap, now)) is not None:
                if other.skipped is not None:
                    self._skip(due, now, other.skipped)
                return Done(ends=other.ends)
            answers.until = given_up_at(entry.steering.overlap, due.following, now)
        again, which = due.again(now), which_try(kept.tries, entry.steering.retry)
        raised = self._raised(due, replace(record, why=which), answers, again)
        if isinstance(raised, Unanswered):
            return raised
        if isinstance(raised, Turn):
            fault = _failed(which, raised.errors[0]) if raised.errors else which
            outcome = Outcome.FAILED if raised.errors else record.outcome
            eid = raised.eid
            self._settle(due, replace(record, outcome=outcome, eid=eid, why=fault), written=True)
            if entry.steering.overlap is Overlap.SKIP and answers.given:
                self._skip_meanwhile(due, now)
        elif isinstance(raised, Fire):
            self._settle(due, raised, under_way=raised.outcome is not Outcome.FAILED)
        elif again is not None:
            self._try_again(due, record, raised, again)
            return NOTHING
        else:
            self._settle(due, replace(record, outcome=Outcome.FAILED, why=_failed(which, raised)))
        return Done(raised=True)

    def _raised(
        self, due: DueEntry, record: Fire, answers: Answers, again: datetime | None
    ) -> Turn | Unanswered | Fire | Exception:
        """Raise the event of an occurrence: its turn, or its record if it is on its way elsewhere; the error
        if that is not possible, or if a rule fails and it is to be tried `again`."""
        source, entry, kept = due.whose.source, due.whose.entry, due.whose.kept
        attrs = source.attributes(entry, due.row.raised, record.fired)
        event = Event(entry.domain, entry.type, attrs, eid_of(record), record.fired)
        if source.to.kind == URL:
            return self._sent_away(source, event, record, due.row)
        if source.to.kind in (TAG, RID):
            return self._sent_round(due, event, record)
        try:
            pico, event = self._reached(source.to, event)
        except StoreError:
            raise
        except Exception as error:
            return error
        return self._turns.raise_occurrence(
            pico,
            event,
            replace(record, eid=event.eid),
            answers,
            tried_again=again is not None,
            recorded=source.recorded or kept.tries > 0,
            journalled=source.journal,
            entry=None if entry.steering.overlap is None else kept.id,
        )

    def _try_again(self, due: DueEntry, record: Fire, error: Exception, again: datetime) -> None:
        """Settle a failed try, of which nothing but its record is left."""
        kept, retry = due.whose.kept, due.whose.entry.steering.retry
        number = kept.tries + 1
        why = why_tried(error, again, number, retry)
        asked = kept.asked_for
        tried = replace(
            kept, due=again, asked=asked, tries=number, held=False, outcome=Outcome.FAILED, why=why
        )
        self._store.sources.settle(replace(tried, fired=record.fired), raised=False)
        self._store.agenda.record(replace(record, outcome=Outcome.FAILED, why=why, stands_for=0))

    def _skip(self, due: DueEntry, upto: datetime, why: str) -> None:
        """Settle the occurrences up to a time, as the one before them was at work."""
        passed = 1 + due.times.count(due.asked or due.due, upto, MOST_COUNTED)
        settled = replace(due.settled, due=due.times.after(max(due.due, upto)))
        place = declaring.place_of(self._store, due.whose.source.to)
        skipped = Outcome.SKIPPED
        record = Fire(
            settled.id, place, due.due, self._now(), skipped, why=why, stands_for=passed, asked=due.asked
        )
        self._settle(due._replace(settled=settled), record, raised=False)

    def _skip_meanwhile(self, due: DueEntry, began: datetime) -> None:
        """Skip what came due while the turn of an occurrence waited for answers."""
        kept, done = self._store.sources.find_entry(due.settled.id), self._now()
        if kept is not None and kept.due is not None and began < kept.due <= done:
            whose = due.whose._replace(kept=kept)
            self._skip(due._replace(whose=whose, settled=kept, due=kept.due), done, WAITED)

    def _settle(
        self,
        due: DueEntry,
        record: Fire,
        *,
        raised: bool = True,
        under_way: bool = False,
        written: bool = False,
    ) -> None:
        """Write the outcome of an occurrence, and its record unless that is `written` already."""
        settled, steering = due.settled, due.whose.entry.steering
        if not steering.goes_on(settled.fires + raised):
            settled = replace(settled, due=None)
        self._outcomes.settle(due.whose, settled, record, raised=raised, under_way=under_way, written=written)
        source = due.whose.source
        known = source.recorded or (written and source.journal)
        if not known and source.timed and record.fired - record.nominal >= LATE:
            told = {"id": settled.id, "nominal": to_ms(record.nominal)}
            self._store.interventions.add(record.fired, RUNG, ENGINE, told)

    def _reached(self, target: Target, event: Event) -> tuple[Pico, Event]:
        """The target pico, and the event as it receives it."""
        declaring.check_target(self._store, target)
        if target.kind != ECI:
            (pico_id,) = declaring.picos_named(self._store, target.name)
            return self._loaded.load_pico(pico_id), event
        channel = self._loaded.load_channel(target.name)
        channel.check_event(event.domain, event.type)
        return self._loaded.load_pico(channel.pico_id), replace(event, eci=channel.eci)

    def _sent_round(self, due: DueEntry, event: Event, record: Fire) -> Fire | PicoschedError:
        """Schedule an event for each pico, due at once, except where `max_pending` is reached."""
        target, kept, steering = due.whose.source.to, due.whose.kept, due.whose.entry.steering
        picos = self._picos_of(target, event)
        followed = steering.overlap is not None or kept.failures > 0
        following = due.following
        agenda, most = self._store.agenda, self._loaded.settings.limits.max_pending
        full = 0
        for pico_id, eci in picos.items():
            if agenda.coming(pico_id) >= most:
                full += 1
                continue
            agenda.add(
                Scheduled(
                    id=message_id(event.eid, pico_id),
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
                    started_by=record.id if followed else None,
                    retry=steering.retry,
                    until=following and following - MILLISECOND if steering.retry else None,
                )
            )
        why = f"sent to {_picos(len(picos) - full)}"
        if not picos:
            why = f"{why}: none has the {'ruleset' if target.kind == RID else 'tag'} {target.name}"
            return PicoschedError(why, "not_found")
        if full:
            why += f", and not to {_picos(full)} with {most:,} pending events (max_pending)"
            return replace(record, outcome=Outcome.FAILED, why=why)
        return replace(record, why=why)

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
            return replace(record, outcome=Outcome.FAILED, why=why)
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
        return replace(record, eid=event.eid)


def message_id(eid: str, pico_id: str) -> str:
    """The id of the message by which an event for many picos reaches one of them, and of its event."""
    return id_of(f"{eid} {pico_id}")


def _failed(which: str | None, error: object) -> str:
    """Why a try failed, after which one it was."""
    return str(error) if which is None else f"{which}: {error}"


def _picos(number: int) -> str:
    return "1 pico" if number == 1 else f"{number:,} picos"


def _event_url(channel: str, event: Event) -> str:
    """The URL that raises an event on a channel of another engine: …/c/ECI or …/sky/event/ECI."""
    domain, type = quote(event.domain, safe=""), quote(event.type, safe="")
    if channel.rpartition("/")[0].endswith("/sky/event"):
        return f"{channel}/{event.eid}/{domain}/{type}"
    return f"{channel}/event/{domain}/{type}"
