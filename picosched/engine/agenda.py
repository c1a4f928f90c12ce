"""Scheduled events, for callers outside rules: Python, the command line, the server.

Each change is a function of `schedule.changed`, applied to one row or to all that match a filter. Many rows
are changed in several transactions, so that other work can run in between: each row is changed completely or
not at all, and a row that ended meanwhile is left out. A dry run returns the rows as they would be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from picosched.acting import Actor
from picosched.checked import checked_text
from picosched.clock import format_time, parse_time, shifted
from picosched.engine.forecast import next_times, why_shut, window_of_row
from picosched.engine.reached import OfPico
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import CANCELLED, MOVED, PAUSED, RESCHEDULED, RESUMED
from picosched.pico.turn import Turn
from picosched.schedule.backfill import Past, judged, past_times
from picosched.schedule.changed import movable
from picosched.schedule.explained import Explained, explained
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire, Label
from picosched.schedule.provenance import Provenance, change_of
from picosched.schedule.scheduled import Outcome, Scheduled
from picosched.schedule.steps import Told, move_told, step_of, timespec_told
from picosched.schedule.window import Unset
from picosched.timespec.timespec import Timespec
from picosched.turns.pieces import RaiseNow, RaisePast
from picosched.turns.sources import label_of

Which = str | Iterable[str] | Filter
"""An id, ids, or a filter."""

AT_ONCE = 500
"""Rows changed in one transaction."""

MOST_NOTED = 20
"""Schedules changed in one transaction up to which the audit tells each."""

MOST_REASON = 1_000
"""Characters of the reason of a cancel."""

MOST_RECORDS = 10_000
"""Records read for a backfill."""

SETTLED = "it was settled meanwhile, or the schedule ended"
BY_HAND = "somebody fired it outside its times"


class Agenda:
    """The scheduled events of an engine. Every method may raise the store's PicoschedError."""

    def __init__(self, engine: Wiring) -> None:
        self._engine = engine

    def acting(self, by: Actor | str) -> Agenda:
        """The same, for changes made by somebody else."""
        return Agenda(self._engine.acting(by))

    # Reading

    def scheduled(self, which: Which | None = None, limit: int | None = None) -> list[Scheduled]:
        """The matching scheduled events, soonest first; without `which`, all pending and paused ones."""
        return self._engine.read(self._engine.store.agenda.matching, _filter(which), limit)

    def count(self, which: Which | None = None) -> int:
        return self._engine.read(self._engine.store.agenda.how_many, _filter(which))

    def find(self, id: str) -> Scheduled | None:
        """The scheduled event with that id, whatever its status; None if there is none."""
        return self._engine.read(self._engine.store.agenda.find, id)

    def load(self, id: str) -> Scheduled:
        """The scheduled event with that id; `not_found` if there is none."""
        found = self.find(id)
        if found is None:
            raise PicoschedError(f"no scheduled event has the id {id}", "not_found")
        return found

    def next_times(self, id: str, count: int = 5) -> list[datetime]:
        """When it will be raised next, at most `count` times.

        Empty if it is paused, finished or cancelled. Times outside its window are left out.
        """
        row = self.load(id)
        return next_times(self._engine, row, window_of_row(self._engine, row), count)

    def explained(self, id: str) -> Explained:
        """Its timespec in words, with what its calendars leave out, and why its window stays closed."""
        row = self.load(id)
        return replace(explained(row, self._engine.now()), shut=why_shut(self._engine, row))

    def shut(self, rows: Sequence[Scheduled]) -> Mapping[str, str]:
        """Id → why its window stays closed, for those rows to which that happens."""
        windowed = [row for row in rows if row.window is not None]
        windows = {(row.pico_id, row.rid, row.window): row for row in windowed}
        why = {key: why_shut(self._engine, row) for key, row in windows.items()}
        found = ((row.id, why[row.pico_id, row.rid, row.window]) for row in windowed)
        return {id: each for id, each in found if each is not None}

    def ids_like(self, beginning: str, *, live: bool = False) -> list[str]:
        """The ids with this prefix, of rows and records; with `live`, of pending and paused rows only."""
        return self._engine.read(self._engine.store.agenda.ids_like, beginning, live=live)

    def history(
        self,
        pico_id: str | None = None,
        id: str | None = None,
        limit: int = 100,
        outcome: str | None = None,
    ) -> list[Fire]:
        """The record of occurrences, newest first."""
        pages = self._engine.store.pages
        read = partial(pages.fires, None, limit, pico_id=pico_id, id=id, outcome=outcome)
        return self._engine.read(read).items

    def names(self, rows: Iterable[OfPico]) -> Mapping[str, str]:
        """Pico id → name, for the picos of these rows; a deleted pico's name is its id."""
        ids = {each.pico_id for each in rows}
        picos = self._engine.read(lambda: {id: self._engine.store.picos.find_pico(id) for id in ids})
        return {id: id if pico is None else pico.name for id, pico in picos.items()}

    def labels(self, fires: Iterable[Fire]) -> Mapping[str, Label]:
        """Id → event and name, of the schedules and the entries of sources of these records."""
        ids = {each.id for each in fires}
        return self._engine.read(lambda: {id: self._label(id) for id in ids})

    def _label(self, id: str) -> Label:
        """Inside the lock."""
        store = self._engine.store
        row = store.agenda.find(id)
        if row is None or (row.kind == "send" and row.name):  # the latter has the id of its entry as a name
            found = label_of(store, id if row is None else row.name or "")
            return found or (Label() if row is None else Label(row.event))
        return Label.of(row)

    def changes_of(self, id: str) -> list[Provenance]:
        """Who changed it, oldest first: the last 20 changes."""
        return self._engine.read(self._engine.store.agenda.changes_of, id)

    # Changing

    def cancel(self, which: Which, reason: str | None = None, *, dry_run: bool = False) -> list[Scheduled]:
        """Cancel them; returns the changed rows. The reason is kept in their records."""
        if reason is not None:
            checked_text(reason, "reason")
            if len(reason) > MOST_REASON:
                found = f"found a reason of {len(reason):,} characters"
                raise PicoschedError(f"{found}, wanted at most {MOST_REASON:,}", "too_large")
        return self._change(which, CANCELLED, {"reason": reason}, dry_run)

    def pause(
        self, which: Which, until: str | datetime | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]:
        """Pause them until `until`, or until they are resumed."""
        time = None if until is None else format_time(_time(until))
        return self._change(which, PAUSED, {"until": time}, dry_run)

    def resume(self, which: Which, *, dry_run: bool = False) -> list[Scheduled]:
        """Resume paused ones: a repeat at its next time, an `at` whose time has passed at once."""
        return self._change(which, RESUMED, {}, dry_run)

    def move(self, which: Which, to: str | datetime | timedelta, *, dry_run: bool = False) -> list[Scheduled]:
        """Move their next occurrence to a time or by a timedelta; a time that has passed means now."""
        told = move_told(_time(to) if isinstance(to, str) else to)
        return self._change(which, MOVED, told, dry_run)

    def reschedule(
        self, which: Which, timespec: Timespec | str, tz: str | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]:
        """Repeat them by another timespec from now on, each in its own zone unless one is given."""
        if not isinstance(timespec, Timespec):
            # An invalid one is an error even if nothing matches.
            Timespec.parse(timespec, tz or "UTC", self._engine.settings.almanac)
        return self._change(which, RESCHEDULED, timespec_told(timespec, tz), dry_run)

    def fire_now(self, id: str, why: str = BY_HAND) -> Turn:
        """Raise its event now, outside its times; returns its turn, once durable.

        This finishes an `at`; a repeat continues as before. `not_found` if it is not pending or paused.
        """
        self._engine.permit("fired")
        return self._engine.raise_now(RaiseNow(id, why, by=self._engine.noted))

    def backfill(
        self, id: str, since: str | datetime, until: str | datetime, *, dry_run: bool = False
    ) -> list[Past]:
        """Raise the occurrences of a repeat in a past time that were never raised, each in its own turn.

        Returns each due time in it, with why it is left alone, or what became of it. `invalid` if it does
        not repeat or for a time beyond history, `not_found` if it is not pending or paused, `too_large` for
        more than 1,000 due times. If it ends in between, those already raised are on record.
        """
        self._engine.permit("backfilled")
        found = self._past(self.load(id), _time(since), _time(until))
        return found if dry_run else [self._raised(id, each) for each in found]

    def _past(self, row: Scheduled, since: datetime, until: datetime) -> list[Past]:
        engine, settings, now = self._engine, self._engine.settings, self._engine.now()
        oldest = shifted(now, -timedelta(days=settings.history_days))
        if row.kind != "repeat":
            raise PicoschedError(f"{row.id} does not repeat, wanted a schedule that does")
        if not movable(row):
            raise PicoschedError(f"the scheduled event {row.id} is {row.status.value}", "conflict")
        if not oldest <= since <= until <= now:
            span = f"from {format_time(since)} to {format_time(until)}"
            wanted = f"wanted one that has passed, from {format_time(oldest)} on"
            raise PicoschedError(f"found the time {span}, {wanted}: older records are deleted (history_days)")
        window = window_of_row(engine, row)
        if isinstance(window, Unset) and window.fails:
            raise PicoschedError(f"each occurrence of {row.id} fails: {window.why}", "conflict")
        least = timedelta(seconds=settings.min_period)
        times = past_times(row, since, until, settings.granularity)
        around = shifted(since, -least), shifted(until, least)
        records = engine.read(engine.store.agenda.records_between, row.id, *around, MOST_RECORDS)
        if len(records) == MOST_RECORDS:
            raise PicoschedError(
                f"found {MOST_RECORDS:,} records or more, wanted a shorter time", "too_large"
            )
        return judged(times, records, window, least)

    def _raised(self, id: str, past: Past) -> Past:
        """A past occurrence once its event was raised, if that is to be."""
        if past.left is not None:
            return past
        turn = self._engine.raise_past(RaisePast(id, past.nominal, by=self._engine.noted))
        if turn is None:
            return replace(past, left=SETTLED)
        error = str(turn.errors[0]) if turn.errors else None
        return replace(past, outcome=Outcome.LATE if error is None else Outcome.FAILED, error=error)

    def _change(self, which: Which, what: str, told: Told, dry_run: bool) -> list[Scheduled]:
        self._engine.permit(what)
        if dry_run:
            step = step_of(what, told, self._engine.now(), self._engine.settings.granularity)
            steps = (step(row) for row in self.scheduled(which))
            return [changed[0] for changed in steps if changed is not None]
        ids = [row.id for row in self.scheduled(which)] if isinstance(which, Filter) else _ids(which)
        done: list[Scheduled] = []
        for start in range(0, len(ids), AT_ONCE):
            piece = ids[start : start + AT_ONCE]
            done += self._engine.write(self._take, piece, what, told)
        if done:
            self._engine.look_again()
        return done

    def _take(self, ids: Sequence[str], what: str, told: Told) -> list[Scheduled]:
        """Apply the step to each row it applies to, inside a transaction; returns the changed rows.

        The time is that of the transaction, which may have waited for others.
        """
        store, done, changes = self._engine.store, list[Scheduled](), list[tuple[Scheduled, Provenance]]()
        now = self._engine.now()
        step = step_of(what, told, now, self._engine.settings.granularity)
        with store.savepoint():  # if one row cannot be changed, none is
            for id in ids:
                row = store.agenda.find(id)
                if row is not None and (changed := step(row)) is not None:
                    store.agenda.take(changed, now)
                    change = change_of(row, changed[0], now, what, str(self._engine.by))
                    store.agenda.note_change(change)
                    done.append(changed[0])
                    if changed != (row, None):
                        changes.append((changed[0], change))
            self._note(what, changes, told.get("reason"))
            if changes:
                self._engine.keep(what, now, ids=[row.id for row, _ in changes], **told)
        return done

    def _note(self, what: str, changes: Sequence[tuple[Scheduled, Provenance]], reason: str | None) -> None:
        """Inside a transaction: record in the audit each change of a few rows, or how many there were."""
        why = "" if reason is None else f": {reason}"
        if len(changes) > MOST_NOTED:
            ids = ", ".join(row.id for row, _ in changes[:MOST_NOTED])
            self._engine.note(what, "schedule", f"{len(changes)} schedules", f"{ids} …{why}")
            return
        for row, change in changes:
            named = "" if row.name is None else f" ({row.name})"
            self._engine.note(what, "schedule", row.id, f"{row.event}{named}{change.told}{why}")


def _filter(which: Which | None) -> Filter:
    if which is None:
        return Filter()
    return which if isinstance(which, Filter) else replace(Filter(status=()), ids=tuple(_ids(which)))


def _ids(which: str | Iterable[str] | Filter) -> list[str]:
    assert not isinstance(which, Filter)
    return [which] if isinstance(which, str) else [*dict.fromkeys(which)]


def _time(time: str | datetime) -> datetime:
    return parse_time(time) if isinstance(time, str) else time
