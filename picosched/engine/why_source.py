"""Why an entry of a source raised its event or not: its source, its times and its record, then the turns.

An entry is asked for by `source/entry` or its id, all entries of a source by its name, its id or the name of
its crontab file. Ticks of a metronome have no record: they are only counted, and a turn has the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import PurePath

from picosched.clock import MILLISECOND, format_time, shifted
from picosched.due.entries import message_id
from picosched.engine.agenda import Agenda
from picosched.engine.forecast import why_entry_shut
from picosched.engine.why_instead import apart
from picosched.engine.why_schedule import MOST_ANSWERS, RAISED, of_raised, too_many
from picosched.engine.why_turn import of_turn, turn_of
from picosched.engine.wiring import Wiring
from picosched.frozen import frozen
from picosched.schedule.chain import Link, Why
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome
from picosched.sources.source import RID, TAG, Entry, Source, when_of
from picosched.store.sources import EntryRow, SourceRow
from picosched.turns import sources as declaring
from picosched.turns.turns import eid_of

MOST_TURNS = 10
"""Turns of one event for many picos that are told."""
LEAST_BEGINNING = 4
"""Characters of the beginning of an id."""


@frozen
class Known:
    """An entry, as it is declared and as it is stored."""

    row: SourceRow
    source: Source
    entry: Entry
    kept: EntryRow

    @property
    def name(self) -> str:
        return self.source.name_of(self.entry)


def find_entries(engine: Wiring, what: str) -> list[Known]:
    """The entry that is called so, or the entries of the source that is; none if nothing is."""
    known = engine.read(lambda: [*_known(engine)])

    def begins(id: str) -> bool:
        return len(what) >= LEAST_BEGINNING and id.startswith(what)

    found = [each for each in known if each.name == what or begins(each.kept.id)]
    return found or [each for each in known if what in _names(each) or begins(each.row.id)]


def _names(known: Known) -> tuple[str | None, ...]:
    file = known.source.file
    return known.source.label, file, file and PurePath(file).name


def _known(engine: Wiring) -> Iterator[Known]:
    """All entries of sources whose declaration is valid. Inside the lock."""
    for row in engine.store.sources.all():
        source = declaring.valid(row, engine.store.almanac)
        if source is None:
            continue
        for kept in engine.store.sources.entries(row.id):
            entry = source.entry(kept.name)
            if entry is not None:
                yield Known(row, source, entry, kept)


def of_entries(engine: Wiring, what: str, found: list[Known], at: datetime | None) -> Why:
    """Why the last occurrence of an entry came or not, or the one at a time; of several a link for each."""
    if len(found) == 1:
        return _of_entry(engine, found[0], at)
    answers = [(each.name, _of_entry(engine, each, at)) for each in found]
    links = [Link(name, why.broke is None, _summary(why)) for name, why in answers]
    called = what if at is None else f"{what} at {format_time(at)}"
    return Why(f"{called}: {len(found)} entries, each of which can be asked for", tuple(links))


def _summary(why: Why) -> str:
    """The link that broke, or the last that tells of the occurrence."""
    told = why.broke or next((each for each in why.links if each.name == "raised"), why.links[-1])
    return f"{told.name}: {told.text}"


def entries_between(
    engine: Wiring, what: str, found: list[Known], since: datetime, until: datetime
) -> list[Why]:
    """Why each occurrence on record in a span came or not; if there is none, what holds at its end."""
    read, most = engine.store.agenda.records_between, MOST_ANSWERS + 1
    records = [
        (record, each) for each in found for record in engine.read(read, each.kept.id, since, until, most)
    ]
    if len(records) > MOST_ANSWERS:
        raise too_many()
    records.sort(key=lambda each: each[0].nominal)
    answers = [_of_entry(engine, each, record.nominal) for record, each in records]
    return answers or [of_entries(engine, what, found, until)]


def _of_entry(engine: Wiring, known: Known, at: datetime | None) -> Why:
    row, source = known.row, known.source
    called = f"{known.entry.event} ({known.name})" + ("" if at is None else f" at {format_time(at)}")
    where = "in picosched.toml" if row.configured else "at run time"
    (kind, name), *_ = source.to.as_map().items()
    text = f"{where} at {format_time(row.created)}, for the {kind} {name}"
    declared = Link("declared", at is None or at >= row.created, text)
    if not declared.held:
        return Why(called, (declared,))
    record = _record(engine, known, at)
    times, instead = _times(known, at, record)
    if not times.held:
        return Why(called, (declared, times), instead)
    paused = [_pause(row)] if row.paused and (record is None or at is None) else []
    if record is None:
        shut = why_entry_shut(engine, known.entry) if at is None else None
        gone = [] if shut is None else [Link("window", False, shut)]
        return Why(called, (declared, times, *(paused or [_without_record(known, at)]), *gone))
    links, instead = _of_record(engine, known, record)
    return Why(called, (declared, times, *paused, *links), instead)


def _record(engine: Wiring, known: Known, at: datetime | None) -> Fire | None:
    """The record of the occurrence at a time, or of the last one."""
    id = known.kept.id
    if at is None:
        return next(iter(Agenda(engine).history(id=id, limit=1)), None)
    second = timedelta(seconds=1) - MILLISECOND
    near = engine.read(
        engine.store.agenda.records_between, id, shifted(at, -second), shifted(at, second), 100
    )
    if near:
        return min(near, key=lambda each: abs(each.nominal - at))
    before = engine.read(engine.store.agenda.record_before, id, at)
    return before if before is not None and before.stands_for > 1 and at <= before.fired else None


def _times(known: Known, at: datetime | None, record: Fire | None) -> tuple[Link, str | None]:
    """The timetable, and when it is due; for a time that is none of its own, the next that is one."""
    due = known.kept.due
    words = when_of(known.source, known.entry, known.row.anchor)
    next_due = "and never again" if due is None else f"next at {format_time(due)}"
    if at is not None and record is None:
        times = known.source.times(known.entry, known.row.anchor)
        coming = times.after(shifted(at, -timedelta(seconds=1)))
        if coming is None or coming >= shifted(at, timedelta(seconds=1)):
            text = f"{words}; {format_time(at)} is none of its times"
            return Link("timetable", False, text), None if coming is None else apart(at, coming)
    return Link("timetable", True, f"{words}; {next_due}"), None


def _pause(row: SourceRow) -> Link:
    until = "until it is resumed" if row.paused_until is None else f"until {format_time(row.paused_until)}"
    return Link("paused", False, f"its source is, {until}")


def _without_record(known: Known, at: datetime | None) -> Link:
    kept = known.kept
    if kept.fired is None:
        return Link("to come", at is None, "it has not been due since it was declared")
    counted = "" if known.source.recorded else "; ticks of a metronome are only counted"
    why = "" if kept.why is None else f": {kept.why}"
    last = f"the last was {kept.outcome} at {format_time(kept.fired)}{why}"
    held = at is None and kept.outcome in RAISED and kept.outcome is not Outcome.FAILED
    return Link(
        "record",
        held,
        f"{'no occurrence is on record there' if at else 'nothing is on record'}{counted}; {last}",
    )


def _of_record(engine: Wiring, known: Known, record: Fire) -> tuple[list[Link], str | None]:
    why = "" if record.why is None else f": {record.why}"
    if record.outcome not in RAISED or (record.outcome is Outcome.FAILED and record.eid is None):
        text = f"the occurrence of {format_time(record.nominal)}, at {format_time(record.fired)}{why}"
        return [Link(record.outcome.value, False, text)], None
    if known.source.to.kind not in (RID, TAG):
        return of_raised(engine, record)
    raised = Link("raised", True, f"at {format_time(record.fired)}{why}")
    links = [raised]
    instead: str | None = None
    for name, eid in engine.read(lambda: [*_messages(engine, known, record)]):
        entry = turn_of(engine, eid)
        if entry is not None:
            of_pico, found = of_turn(engine, entry)
            links += [Link(f"{name}: {each.name}", each.held, each.text) for each in of_pico]
            instead = instead or found
    return links, instead


def _messages(engine: Wiring, known: Known, record: Fire) -> Iterator[tuple[str, str]]:
    """The names of the picos that an event went to, and its id at each. Inside the lock."""
    store = engine.store
    picos = dict.fromkeys(declaring.picos_of(store, known.source.to))
    for id in [*picos][:MOST_TURNS]:
        pico = store.picos.find_pico(id)
        yield id if pico is None else pico.name, message_id(eid_of(record), id)
