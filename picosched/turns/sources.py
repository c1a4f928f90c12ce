"""Adds, changes, pauses and removes sources, inside a transaction.

Rules, Python, the command line and the configuration file all use this. Configured sources are synchronised
at every start: a source is the same as before if it has the same name, or, without a name, the same
declaration; an entry if it has the same name. A source or entry that is the same keeps its counts, and an
entry with the same times keeps its next due time, so a restart loses or repeats no occurrence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from picosched.clock import to_ms
from picosched.errors import PicoschedError
from picosched.hashed import id_of
from picosched.krl.urls import shown_url
from picosched.pico.channel import new_tags
from picosched.pico.windows import load_window
from picosched.schedule.fire import Fire, Label
from picosched.schedule.scheduled import Outcome, Scheduled
from picosched.schedule.window import Unset, Window
from picosched.settings import Settings
from picosched.sources.reading import read_source
from picosched.sources.source import ECI, PICO, RID, TAG, URL, Entry, Source, Target, when_of
from picosched.sources.state import EntryState, SourceState
from picosched.store.sources import EntryRow, SourceRow
from picosched.store.store import Store
from picosched.timespec.almanac import Almanac

MOST_PAUSED = 100_000
"""The limit up to which occurrences that passed during a pause are counted."""


@dataclass(frozen=True, slots=True)
class Brought:
    """The labels of configured sources that `bring_in_line` added, changed and removed."""

    added: list[str]
    changed: list[str]
    removed: list[str]


def add(store: Store, source: Source, id: str, now: datetime, *, configured: bool = False) -> None:
    """Add a source. `conflict` if its name is taken."""
    store.need("")
    store.new_owner(id)
    if source.name is not None and store.sources.find(source.name) is not None:
        raise PicoschedError(f'there is a source "{source.name}" already', "conflict")
    store.sources.put(SourceRow(id, source.name, _text(source), configured, now, now))
    for position, entry in enumerate(source.entries):
        due = _next(source, entry, now, now)
        store.sources.put_entry(EntryRow(_entry_id(id, entry, now), id, entry.name, due), position)


def load(store: Store, id: str) -> SourceRow:
    """The source with that id or name; `not_found` if there is none."""
    row = store.sources.find(id)
    if row is None:
        raise PicoschedError(f"there is no source {id}", "not_found")
    return row


def remove(store: Store, id: str) -> bool:
    """Remove a source by its id or name; False if there is none. `conflict` if it is configured."""
    row = store.sources.find(id)
    if row is None:
        return False
    if row.configured:
        label = read(row, store.almanac).label
        raise PicoschedError(
            f'the source "{label}" is configured in picosched.toml: remove it there and restart, or pause it',
            "conflict",
        )
    store.sources.remove(row.id)
    return True


def pause(store: Store, id: str, until: datetime | None) -> bool:
    """Pause a source until `until`, or until it is resumed; False if there is none."""
    row = store.sources.find(id)
    if row is None:
        return False
    store.sources.set_pause(row.id, True, until)
    return True


def resume(store: Store, id: str, now: datetime) -> bool:
    """Resume a paused source with its next occurrence; False if it is not paused.

    Occurrences that passed meanwhile are recorded as paused, not as missed.
    """
    row = store.sources.find(id)
    if row is None or not row.paused:
        return False
    store.sources.set_pause(row.id, False, None)
    source = read(row, store.almanac)
    for kept in store.sources.entries(row.id):
        entry = source.entry(kept.name)
        if entry is None or kept.due is None or kept.due > now:
            continue
        times = source.times(entry, row.anchor)
        if source.recorded:
            passed = 1 + times.count(kept.due, now, MOST_PAUSED)
            place = place_of(store, source.to)
            why = "its source was paused"
            store.agenda.note(Fire(kept.id, place, kept.due, now, Outcome.PAUSED, why=why, stands_for=passed))
        store.sources.set_due(kept.id, times.after(now))
    return True


def judge_anew(store: Store, window: str, now: datetime) -> None:
    """After a window was made, changed or removed: have its entries due again that waited for it to open.

    A metronome's ticks are passed over until its window opens, which may now be earlier.
    """
    written = json.dumps(window)
    named = [row for row in store.sources.all() if written in row.declaration]
    store.need(*(row.id for row in named))
    for row in named:
        if (source := valid(row, store.almanac)) is None:
            continue
        for kept in store.sources.entries(row.id):
            entry = source.entry(kept.name)
            if entry is None or entry.steering.window != window or kept.tries or kept.held:
                continue
            due = _next(source, entry, row.anchor, _since(store, kept, now), kept.fires)
            if due is not None and (kept.due is None or due < kept.due):
                store.sources.set_due(kept.id, due)


def bring_in_line(
    store: Store, sources: Sequence[Source], now: datetime, new_id: Callable[[], str]
) -> Brought:
    """Make the configured sources exactly these. `conflict` if another source has the name of one."""
    store.need("")  # of several processes that start at once, the first adds them
    brought = Brought([], [], [])
    left = {row.id: row for row in store.sources.all() if row.configured}
    for source in sources:
        same = next((row for row in left.values() if _is_same(row, source)), None)
        if same is None:
            add(store, source, new_id(), now, configured=True)
            brought.added.append(source.label)
            continue
        del left[same.id]
        if json.loads(same.declaration) != source.given:
            _change(store, same, source, now)
            brought.changed.append(source.label)
    for row in left.values():
        store.sources.remove(row.id)
        brought.removed.append(row.name or str(json.loads(row.declaration).get("type")))
    return brought


def _is_same(row: SourceRow, source: Source) -> bool:
    named = source.name is not None
    return row.name == source.name and (named or json.loads(row.declaration) == source.given)


def _change(store: Store, row: SourceRow, source: Source, now: datetime) -> None:
    """Replace a source's declaration; entries that are the same in both are kept."""
    before = valid(row, store.almanac)
    kept = {each.name: each for each in store.sources.entries(row.id)}
    steady = before is not None and (before.interval, before.start) == (source.interval, source.start)
    anchor = row.anchor if steady else now
    store.sources.put(replace(row, name=source.name, declaration=_text(source), anchor=anchor))
    for position, entry in enumerate(source.entries):
        old = kept.pop(entry.name, None)
        if old is None:
            id, due = _entry_id(row.id, entry, now), _next(source, entry, anchor, now)
            store.sources.put_entry(EntryRow(id, row.id, entry.name, due, row.paused), position)
        elif before is not None and source.same_times(entry, before):
            store.sources.put_entry(old, position)
        else:
            due = _next(source, entry, anchor, _since(store, old, now), old.fires)
            store.sources.put_entry(replace(old, due=due, tries=0, held=False), position)
    for gone in kept.values():
        store.sources.remove_entry(gone.id)


def _next(source: Source, entry: Entry, anchor: datetime, since: datetime, fires: int = 0) -> datetime | None:
    """When an entry that has been raised so often is due next, after a time; None if never."""
    return source.times(entry, anchor).after(since) if entry.steering.goes_on(fires) else None


def _since(store: Store, kept: EntryRow, now: datetime) -> datetime:
    """The time after which an entry may be due again."""
    last = store.agenda.last_nominal(kept.id)  # later than now if the clock was set back
    return now if last is None else max(now, last)


def _entry_id(source_id: str, entry: Entry, now: datetime) -> str:
    """The id of a new entry, different from any earlier entry of that name."""
    return id_of(f"{source_id} {entry.name} {to_ms(now)}")


# ---- reading ----------------------------------------------------------------------------------------


def read(row: SourceRow, almanac: Almanac) -> Source:
    """The source of a row; PicoschedError if its declaration is no longer valid."""
    return _read(row.declaration, almanac)


def valid(row: SourceRow, almanac: Almanac) -> Source | None:
    """As `read`, but None if its declaration is no longer valid, as the list of sources says."""
    try:
        return read(row, almanac)
    except PicoschedError:
        return None


@lru_cache(maxsize=4_096)
def _read(declaration: str, almanac: Almanac) -> Source:
    return read_source(json.loads(declaration), again=True, almanac=almanac)


def _text(source: Source) -> str:
    return json.dumps(source.given)


class Sender(NamedTuple):
    """The entry of a source that sent an event to many picos."""

    entry: EntryRow
    journal: bool
    """Whether the turns of its events are in the journal."""


def sender_of(store: Store, row: Scheduled) -> Sender | None:
    """Who sent a row that no ruleset made; None if no source did, or if it is gone."""
    entry = store.sources.find_entry(row.name) if row.kind == "send" and row.name else None
    kept = None if entry is None else store.sources.find(entry.source_id)
    if entry is None or kept is None:
        return None
    source = valid(kept, store.almanac)
    return None if source is None else Sender(entry, source.journal)


def label_of(store: Store, entry_id: str) -> Label | None:
    """The event of an entry, and its name behind that of its source; None if it is gone."""
    kept = store.sources.find_entry(entry_id)
    row = None if kept is None else store.sources.find(kept.source_id)
    if kept is None or row is None:
        return None
    source = valid(row, store.almanac)
    entry = None if source is None else source.entry(kept.name)
    return None if source is None or entry is None else Label(entry.event, source.name_of(entry))


def place_of(store: Store, target: Target) -> str:
    """The id of a target's pico; "" if it is not exactly one known pico."""
    if target.kind == PICO:
        found = picos_named(store, target.name)
        return found[0] if len(found) == 1 else ""
    channel = store.picos.find_channel(target.name) if target.kind == ECI else None
    return "" if channel is None else channel.pico_id


def picos_of(store: Store, target: Target) -> list[str]:
    """The ids of the picos that events for a target go to; one with several channels of a tag comes again."""
    if target.kind == PICO:
        return picos_named(store, target.name)
    if target.kind == ECI:
        channel = store.picos.find_channel(target.name)
        return [] if channel is None else [channel.pico_id]
    if target.kind == TAG:
        return [pico_id for pico_id, _ in store.sources.tagged(tag_of(target))]
    return store.sources.having(target.name) if target.kind == RID else []


def picos_named(store: Store, name: str) -> list[str]:
    """The pico of that id, or those of that name."""
    row = store.picos.find_pico(name)
    return [each.id for each in store.picos.named(name)] if row is None else [row.id]


def check_target(store: Store, target: Target) -> None:
    """`not_found` or `conflict` if the target is not exactly one pico."""
    if target.kind == ECI and store.picos.find_channel(target.name) is None:
        raise PicoschedError(f"there is no channel {target.name}", "not_found")
    if target.kind != PICO:
        return
    found = len(picos_named(store, target.name))
    if found == 0:
        raise PicoschedError(f"there is no pico {target.name}", "not_found")
    if found > 1:
        raise PicoschedError(f"{found} picos have the name {target.name}: use an id", "conflict")


def window_of_entry(store: Store, settings: Settings, entry: Entry) -> Window | None:
    """The window of an entry, of the settings or made by people; None if the entry names none.

    `not_found` if there is none of that name, `invalid` if it cannot be read any more.
    """
    name = entry.steering.window
    if name is None:
        return None
    window = load_window(None, settings, name, lambda name: None, store.windows.all)
    if isinstance(window, Unset):
        raise PicoschedError(window.why)
    return window


def check_windows(store: Store, settings: Settings, source: Source) -> None:
    """Errors as for `window_of_entry`, for any entry."""
    for entry in source.entries:
        try:
            window_of_entry(store, settings, entry)
        except PicoschedError as error:
            raise PicoschedError(f'the entry "{entry.name}": {error.message}', error.code) from error


def tag_of(target: Target) -> str:
    """The tag as written in channels."""
    assert target.kind == TAG
    return new_tags([target.name])[0]


def states(store: Store) -> list[SourceState]:
    """The states of all sources, in the order they were made."""
    return [state_of(store, row) for row in store.sources.all()]


def state_of(store: Store, row: SourceRow) -> SourceState:
    kept = store.sources.entries(row.id)
    try:
        source: Source | None = read(row, store.almanac)
        fault = None
    except PicoschedError as error:
        source, fault = None, error.message
    given = json.loads(row.declaration)
    if URL in given["to"]:
        given["to"] = {URL: shown_url(given["to"][URL])}
    return SourceState(
        id=row.id,
        name=row.name,
        type=given["type"],
        to=given["to"],
        declaration=given,
        configured=row.configured,
        created=row.created,
        paused=row.paused,
        paused_until=row.paused_until,
        raised=row.raised,
        waiting=store.deliveries.waiting(row.id),
        error=fault or store.deliveries.last_error(row.id),
        entries=tuple(_entry_state(each, source, row.anchor) for each in kept),
    )


def _entry_state(kept: EntryRow, source: Source | None, anchor: datetime) -> EntryState:
    entry: Entry | None = None if source is None else source.entry(kept.name)
    return EntryState(
        id=kept.id,
        name=kept.name,
        event="" if entry is None else entry.event,
        when="" if entry is None or source is None else when_of(source, entry, anchor),
        due=None if kept.paused else kept.due,
        fires=kept.fires,
        missed=kept.missed,
        failed=kept.failed,
        failures=kept.failures,
        tries=kept.tries,
        held=kept.held,
        fired=kept.fired,
        outcome=kept.outcome,
        error=kept.why,
    )
