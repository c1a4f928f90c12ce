"""What is to come: as a calendar for other programs, and as the load of each hour.

Both look at pending schedules, soonest first, up to a number of them: then they are complete up to the due
time of the last one. No lock is held while they count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from picosched.clock import LAST, MILLISECOND, format_time, shifted
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.pico.windows import load_window
from picosched.schedule.filter import Filter
from picosched.schedule.forecast import MOST_DAYS, MOST_EVENTS, USUAL_DAYS, Span, forecast, times_in
from picosched.schedule.scheduled import COMING, Misfire, Scheduled, Status
from picosched.schedule.window import Unset, Window
from picosched.sources.metronome import Beat
from picosched.sources.source import Entry
from picosched.sources.steering import Limited, step_of
from picosched.store.pages import Page
from picosched.store.sources import EntryRow
from picosched.timespec.timespec import Timespec
from picosched.turns import sources as declaring

if TYPE_CHECKING:
    from picosched.schedule.load import Load, What
    from picosched.schedule.not_firing import NotFiring

MOST_LOOKED = 20_000
"""Occurrences that a calendar passes over before its first."""

MOST_LOAD_DAYS, LOAD_DAYS = 31, 7
MOST_ROWS = 20_000
"""Schedules of a load."""
AT_ONCE = 1_000
"""Schedules read in one go, while others wait."""

Times = Timespec | Beat | Limited
"""Of an entry of a source."""


class Forecast(Wiring):
    """The part of an engine for what is to come. Every method may raise the store's PicoschedError."""

    def ics(self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS) -> str:
        """What is to come of pending schedules within some days, as an iCalendar; at most `limit` events.

        It is complete up to the time that its description names. `since` and `until` of the filter are
        limits to the times of events.
        """
        from picosched.schedule.ics import calendar_text  # late, as it is rarely wanted

        if not (1 <= days <= MOST_DAYS and 1 <= limit <= MOST_EVENTS):
            wanted = f"1 to {MOST_DAYS} days and 1 to {MOST_EVENTS:,} events"
            raise PicoschedError(f"found {days:,} days and {limit:,} events, wanted {wanted}")
        now, since = self.now(), which.since
        end = min(shifted(now, timedelta(days=days)), which.until or LAST)
        rows, end = self._pending(replace(which, since=None, until=end), limit)
        windowed = [(row, window_of_row(self, row)) for row in rows]
        looked = [*islice(forecast(windowed, self._span(since, end)), MOST_LOOKED if since else limit)]
        found = [each for each in looked if since is None or each.at >= since][:limit]
        cut = len(found) == limit or len(looked) == MOST_LOOKED
        if cut:
            end = (found or looked)[-1].at
        more = "; there may be more" if cut or len(rows) == limit else ""
        name = "picosched" if which.pico_id is None else self.read(self._name, which.pico_id)
        return calendar_text(found, now, name, f"scheduled events until {format_time(end)}{more}")

    def not_firing(self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS) -> list[NotFiring]:
        """What will not be raised of pending and paused schedules within some days, with the reasons.

        The first `limit` entries; `since` and `until` of the filter are limits to their times. A pause counts
        from the first time it took, so its entry may be of a time that has passed. `invalid` for more than
        366 days or 1,000 entries, `too_large` if the filter has more than 20,000 schedules.
        """
        from picosched.schedule.not_firing import not_firing  # late, as it is rarely wanted

        if not (1 <= days <= MOST_DAYS and 1 <= limit <= MOST_EVENTS):
            wanted = f"1 to {MOST_DAYS} days and 1 to {MOST_EVENTS:,} entries"
            raise PicoschedError(f"found {days:,} days and {limit:,} entries, wanted {wanted}")
        now = self.now()
        end = min(shifted(now, timedelta(days=days)), which.until or LAST)
        coming = replace(which, since=None, until=None, status=COMING)
        rows = self.read(self.store.agenda.matching, coming, MOST_ROWS + 1)
        if len(rows) > MOST_ROWS:
            raise PicoschedError(f"found more than {MOST_ROWS:,} schedules, wanted a filter", "too_large")
        windowed = [(row, window_of_row(self, row)) for row in rows]
        since = which.since or now
        # A pause may have begun before: it lasts.
        lasting = {row.id for row in rows if row.paused and (row.paused_until or LAST) > since}
        found = not_firing(windowed, self._span(now, end))
        kept = (
            each for each in found if each.at >= since or (each.outcome == "paused" and each.id in lasting)
        )
        return [*islice(kept, limit)]

    def load(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        suggest: str | None = None,
        tz: str = "UTC",
    ) -> Load:
        """How many events schedules and sources will raise in each hour, and what the fullest minutes have.

        From now, or `since`, for seven days, or up to `until`, which is at most 31 days later. `suggest` is a
        timespec for which to find minutes with few others. `invalid` for an invalid one.
        """
        from picosched.schedule.load import MINUTE, Steady, Stream, What, count_load  # late, as it is rare

        now = self.now()
        since = max(now, since or now)
        until = until or shifted(since, timedelta(days=LOAD_DAYS))
        if not timedelta() < until - since <= timedelta(days=MOST_LOAD_DAYS):
            found = f"found the time from {format_time(since)} to {format_time(until)}"
            raise PicoschedError(f"{found}, wanted one that is to come, of at most {MOST_LOAD_DAYS} days")
        asked = None if suggest is None else Timespec.parse(suggest, tz, self.settings.almanac).starting(now)
        span = self._span(since, until - MILLISECOND)
        rows, known = self._pending(Filter(until=span.until), MOST_ROWS)
        names = self.read(lambda: {id: self._name(id) for id in {row.pico_id for row in rows}})
        streams = [
            Stream(What(row.id, row.event, names[row.pico_id]), times_in(row, window_of_row(self, row), span))
            for row in rows
        ]
        steady: list[Steady] = []
        for what, entry, kept, times in self.read(self._entries, span):
            step = step_of(times)
            if step is not None and step <= MINUTE:
                steady.append(Steady(what, MINUTE / step))
            else:
                window = self.read(self._window_of_entry, entry)
                streams.append(Stream(what, _times_of(times, entry, kept, window, span)))
        known = until if known == span.until else known
        granularity = self.settings.granularity
        return count_load(streams, steady, since, until, known, asked=asked, granularity=granularity)

    def coming_of_sources(self, until: datetime) -> list[tuple[What, str, Iterator[datetime]]]:
        """The entries of sources that come up to a time: each with the id of its source, and its
        times from now on."""
        span = self._span(self.now(), until)
        found: list[tuple[What, str, Iterator[datetime]]] = []
        for what, entry, kept, times in self.read(self._entries, span):
            window = self.read(self._window_of_entry, entry)
            found.append((what, kept.source_id, _times_of(times, entry, kept, window, span)))
        return found

    def _entries(self, span: Span) -> list[tuple[What, Entry, EntryRow, Times]]:
        """The entries of sources that come in a span, with their times. Inside the lock."""
        from picosched.schedule.load import What

        found: list[tuple[What, Entry, EntryRow, Times]] = []
        for row in self.store.sources.all():
            with suppress(PicoschedError):  # its declaration is no longer valid, as the list of sources says
                source = declaring.read(row, self.store.almanac)
                for kept in self.store.sources.entries(row.id):
                    entry = source.entry(kept.name)
                    if entry is not None and not kept.paused and kept.due and kept.due <= span.until:
                        what = What(kept.id, entry.event, source.label)
                        found.append((what, entry, kept, source.times(entry, row.anchor)))
        return found

    def _window_of_entry(self, entry: Entry) -> Window | None:
        """The window of an entry; None if it has none, or if it is gone, which is reported when it is due."""
        try:
            return declaring.window_of_entry(self.store, self.settings, entry)
        except PicoschedError:
            return None

    def _name(self, pico_id: str) -> str:
        """The name of a pico; its id if it is gone. Inside the lock."""
        pico = self.store.picos.find_pico(pico_id)
        return pico_id if pico is None else pico.name

    def _pending(self, which: Filter, limit: int) -> tuple[list[Scheduled], datetime]:
        """The first pending schedules of a filter, and the time up to which they are all there are."""
        pending, end = replace(which, status=(Status.PENDING,)), which.until or LAST
        rows: list[Scheduled] = []
        page: Page[Scheduled] | None = None
        while len(rows) < limit and (page is None or page.next is not None):
            after, room = None if page is None else page.next, min(AT_ONCE, limit - len(rows))
            page = self.read(self.store.pages.scheduled, pending, after, room)
            rows += page.items
        return rows, (rows[-1].due or end) if len(rows) == limit else end

    def _span(self, since: datetime | None, until: datetime) -> Span:
        known, period = self.settings, timedelta(seconds=self.settings.min_period)
        return Span(since, until, known.granularity, period, Misfire(known.misfire))


def window_of_row(engine: Wiring, row: Scheduled) -> Window | Unset | None:
    """The window of a row; None if it has none, or if it is gone, which is reported when the row is due."""
    if row.window is None:
        return None
    try:
        return engine.read(_window, engine, row, row.window)
    except PicoschedError:
        return None


def why_shut(engine: Wiring, row: Scheduled) -> str | None:
    """Why the window of a row stays closed: its variables do not say when it opens, or it is gone."""
    if row.window is None:
        return None
    try:
        return engine.read(_window, engine, row, row.window).why_shut
    except PicoschedError as error:
        return error.message


def _window(engine: Wiring, row: Scheduled, name: str) -> Window | Unset:
    ruleset = None
    if row.rid:
        ruleset = engine.loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
    entity = partial(engine.store.entity, row.pico_id, row.rid)
    window = load_window(ruleset, engine.settings, name, entity, engine.loaded.made_windows)
    # What is wrong with its data is reported when the row is due as well.
    return replace(window, faulty=False) if isinstance(window, Unset) else window


def _times_of(
    times: Times, entry: Entry, kept: EntryRow, window: Window | None, span: Span
) -> Iterator[datetime]:
    """When an entry of a source will be raised. One with a count steps through the time before the span."""
    time, fires, since = kept.due, kept.fires, span.since
    if time is not None and since is not None and time < since and entry.steering.count is None:
        time = times.after(shifted(since, -MILLISECOND))
    while time is not None and time <= span.until and entry.steering.goes_on(fires):
        if window is not None and not window.open_at(time):
            opening = window.next_opening(time)
            time = None if opening is None else times.after(max(time, opening - MILLISECOND))
            continue
        yield time
        fires += 1
        time = times.after(time)
