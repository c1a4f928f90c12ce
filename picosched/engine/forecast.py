"""What is to come: as a calendar for other programs, and as the load of each hour.

Both look at pending schedules, soonest first, up to a number of them: then they are complete up to the due
time of the last one. No lock is held while they count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from picosched.clock import LAST, MILLISECOND, format_time, shifted
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.pico.windows import Windows, windows_of
from picosched.schedule.coming import MOST_REFUSED, coming_raised
from picosched.schedule.filter import Filter
from picosched.schedule.forecast import MOST_DAYS, MOST_EVENTS, USUAL_DAYS, Span, forecast, times_in
from picosched.schedule.scheduled import COMING, MOST_COUNTED, Misfire, Scheduled, Status
from picosched.schedule.window import Unset, Window
from picosched.sources.source import Entry, Target
from picosched.sources.steering import Times, step_of
from picosched.store.faults import StoreError
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


@dataclass(frozen=True, slots=True)
class ComingEntry:
    """An entry of a source that is to come."""

    what: What
    to: Target
    entry: Entry
    kept: EntryRow
    times: Times
    window: Window | Unset | None

    @property
    def order(self) -> tuple[datetime, str]:
        """They come in the order of it."""
        return self.kept.due or LAST, self.kept.id

    def times_in(self, span: Span) -> Iterator[datetime]:
        """When it will be raised. One with a count steps through the time before the span.

        It ends where its times do not meet its window again and again.
        """
        time, fires, since, window = self.kept.due, self.kept.fires, span.since, self.window
        refused = 0
        if time is not None and since is not None and time < since and self.entry.steering.count is None:
            time = self.times.after(shifted(since, -MILLISECOND))
        while time is not None and time <= span.until and self.entry.steering.goes_on(fires):
            if window is not None and not window.open_at(time):
                opening, refused = window.next_opening(time), refused + 1
                if opening is None or refused == MOST_REFUSED:
                    return
                time = self.times.after(max(time, opening - MILLISECOND))
                continue
            yield time
            fires, refused = fires + 1, 0
            time = self.times.after(time)

    def failing(self, place: str, until: datetime) -> Iterator[NotFiring]:
        """What will fail of it up to a time, as its window is gone; `place` is the id of its pico."""
        from picosched.schedule.not_firing import NotFiring

        due, window, what = self.kept.due, self.window, self.what
        if due is not None and isinstance(window, Unset):
            number = min(MOST_COUNTED, 1 + self.times.count(due, until, MOST_COUNTED - 1))
            yield NotFiring(due, what.id, what.event, what.of, place, "failed", window.why, number)


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
        coming = forecast(windows_of_rows(self, rows), self._span(since, end))
        looked = [*islice(coming, MOST_LOOKED if since else limit)]
        found = [each for each in looked if since is None or each.at >= since][:limit]
        cut = len(found) == limit or len(looked) == MOST_LOOKED
        if cut:
            end = (found or looked)[-1].at
        more = "; there may be more" if cut or len(rows) == limit else ""
        name = "picosched" if which.pico_id is None else self.read(self._name, which.pico_id)
        return calendar_text(found, now, name, f"scheduled events until {format_time(end)}{more}")

    def not_firing(self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS) -> list[NotFiring]:
        """What will not be raised of pending and paused schedules within some days, with the reasons.

        Of entries of sources only what will fail is told, because its window is gone. The first `limit`
        entries; `since` and `until` of the filter are limits to their times. A pause counts from the first
        time it took, so its entry may be of a time that has passed. `invalid` for more than 366 days or 1,000
        entries, `too_large` if the filter has more than 20,000 schedules.
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
        since = which.since or now
        # A pause may have begun before: it lasts.
        lasting = {row.id for row in rows if row.paused and (row.paused_until or LAST) > since}
        of_rows = not_firing(windows_of_rows(self, rows), self._span(now, end))
        known = sorted(self.read(self._of_filter, which, end), key=lambda each: each[0].order)
        of_entries = (told for each, place in known for told in each.failing(place, end))
        found = merge(of_rows, of_entries, key=lambda each: (each.at, each.id))
        kept = (
            each for each in found if each.at >= since or (each.outcome == "paused" and each.id in lasting)
        )
        return [*islice(kept, limit)]

    def _of_filter(self, which: Filter, until: datetime) -> list[tuple[ComingEntry, str]]:
        """The entries of sources that a filter means, each with the id of its pico. Inside the lock.

        A filter that asks for more than an event, a text and times is of schedules only.
        """
        if replace(which, domain=None, type=None, text=None, since=None, until=None) != Filter():
            return []
        found: list[tuple[ComingEntry, str]] = []
        for each in self._entries(until):
            domain, _, type = each.entry.event.partition(":")
            same = which.domain in (None, domain) and which.type in (None, type)
            if same and (which.text or "").casefold() in f"{each.what.of} {each.entry.event}".casefold():
                found.append((each, declaring.place_of(self.store, each.to)))
        return found

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
            Stream(What(row.id, row.event, names[row.pico_id]), times_in(row, window, span))
            for row, window in windows_of_rows(self, rows)
        ]
        steady: list[Steady] = []
        for each in self.read(self._entries, span.until):
            step = None if each.window is not None else step_of(each.times)
            if step is not None and step <= MINUTE:
                steady.append(Steady(each.what, MINUTE / step))
            else:
                streams.append(Stream(each.what, each.times_in(span)))
        known = until if known == span.until else known
        granularity = self.settings.granularity
        return count_load(streams, steady, since, until, known, asked=asked, granularity=granularity)

    def coming_of_sources(self, until: datetime) -> list[tuple[What, str, Iterator[datetime]]]:
        """The entries of sources that come up to a time: each with the id of its source, and its
        times from now on."""
        span = self._span(self.now(), until)
        found = self.read(self._entries, span.until)
        return [(each.what, each.kept.source_id, each.times_in(span)) for each in found]

    def _entries(self, until: datetime) -> list[ComingEntry]:
        """The entries of sources that come up to a time. Inside the lock."""
        from picosched.schedule.load import What

        windows = windows_of(self.settings, self.store.windows.all())
        found: list[ComingEntry] = []
        for row in self.store.sources.all():
            # Of one that is no longer valid nothing comes, as the list of sources says.
            if (source := declaring.valid(row, self.store.almanac)) is None:
                continue
            for kept in self.store.sources.entries(row.id):
                entry = source.entry(kept.name)
                if entry is not None and not kept.paused and kept.due and kept.due <= until:
                    what, name = What(kept.id, entry.event, source.label), entry.steering.window
                    window = None if name is None else _told(name, windows)
                    times = source.times(entry, row.anchor)
                    found.append(ComingEntry(what, source.to, entry, kept, times, window))
        return found

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


def next_times(engine: Wiring, row: Scheduled, window: Window | Unset | None, count: int) -> list[datetime]:
    """When a row with its window will be raised next, at most `count` times."""
    known, least = engine.settings, timedelta(seconds=engine.settings.min_period)
    return [*islice(coming_raised(row, known.granularity, window, least), count)]


def windows_of_rows(
    engine: Wiring, rows: Iterable[Scheduled]
) -> list[tuple[Scheduled, Window | Unset | None]]:
    """Rows with their windows, each of which is read once."""
    known: dict[tuple[str, str, str | None], Window | Unset | None] = {}
    found: list[tuple[Scheduled, Window | Unset | None]] = []
    for row in rows:
        key = row.pico_id if row.rid else "", row.rid, row.window
        if key not in known:
            known[key] = window_of_row(engine, row)
        found.append((row, known[key]))
    return found


def window_of_row(engine: Wiring, row: Scheduled) -> Window | Unset | None:
    """The window of a row, None if it has none; one that `fails` if it cannot be read or is gone."""
    if row.window is None:
        return None
    try:
        return engine.read(_window, engine, row, row.window)
    except StoreError:
        raise
    except PicoschedError as error:  # its ruleset is gone, for example
        return Unset(row.window, error.message, fails=True)


def why_shut(engine: Wiring, row: Scheduled) -> str | None:
    """Why the window of a row stays closed: its variables do not say when it opens, or it is gone."""
    window = window_of_row(engine, row)
    return None if window is None else window.why_shut


def why_entry_shut(engine: Wiring, entry: Entry) -> str | None:
    """Why what is due of an entry of a source fails: its window is gone."""
    name = entry.steering.window
    if name is None:
        return None
    return engine.read(lambda: _told(name, windows_of(engine.settings, engine.store.windows.all())).why_shut)


def _window(engine: Wiring, row: Scheduled, name: str) -> Window | Unset:
    ruleset = None
    if row.rid:
        ruleset = engine.loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
    entity = partial(engine.store.entity, row.pico_id, row.rid)
    return _told(name, Windows(ruleset, engine.settings, entity, engine.loaded.made_windows))


def _told(name: str, windows: Windows) -> Window | Unset:
    """The window of that name as forecasts take it."""
    window = windows.get(name)
    if window is None:
        return Unset(name, f"there is no window {name}", fails=True)
    # What is wrong with its data is an error when something is due.
    if isinstance(window, Unset) and window.faulty:
        return replace(window, faulty=False, fails=True)
    return window
