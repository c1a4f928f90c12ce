"""Expectations of what will fire, checked by a rehearsal, or those of a timespec by its times.

A fire is an occurrence of a schedule or of a source that is raised, at the time at which it is. Of an event
or a rule it is each event of that name, and each event at which the rule fires, whatever raised it: a
schedule, a rule of the same turn, or a message. What is tried again after it failed has fired once, at its
first try.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from picosched.clock import EPOCH, MILLISECOND, VirtualClock, format_time, rounded_up, shifted
from picosched.engine.engine import Engine
from picosched.engine.known_rules import rules_of
from picosched.engine.rehearsed import Record, Rehearsal, Silence
from picosched.errors import PicoschedError
from picosched.rehearsal.expectation import UNITS, Expectation, read_expectation
from picosched.schedule.backfill import RAISED
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome
from picosched.timespec.timespec import Timespec
from picosched.turns import sources as declaring

USUAL = timedelta(days=31)
MOST_FIRES = 1_000_000
MOST_SHOWN = 3
SECONDS = 60.0
"""How long a rehearsal may take in real time."""

Names = tuple[str, ...]
"""What something that fires may be called, what is shown first."""


class Fired(NamedTuple):
    """A fire to come: when, and what it may be called."""

    at: datetime
    names: Names


class Raised(NamedTuple):
    """What raises events: a schedule or the entry of a source."""

    names: Names
    event: str
    recorded: bool
    """Whether its occurrences are on record. Of a metronome only the turns are."""


def expect(subject: Engine | Timespec, text: str) -> None:
    """AssertionError with what was found instead, if what the sentence expects will not hold.

    Of an engine a copy is rehearsed, so nothing is changed; of a timespec its times are what fires. Errors
    are those of `unmet`.
    """
    found = unmet(subject, text)
    if found is not None:
        raise AssertionError(f"expected {text}: {found}")


def unmet(subject: Engine | Timespec, text: str) -> str | None:
    """What there will be instead of what the sentence expects; None if it will hold.

    PicoschedError `invalid` for a sentence that cannot be read and a period that is over, `not_found` for a
    name that nothing has, `too_large` for more than a million fires and a rehearsal of more than a minute.
    """
    if isinstance(subject, Timespec):
        return _of_timespec(subject, read_expectation(text, subject.almanac))
    wanted = read_expectation(text, subject.settings.almanac)
    now = subject.now()
    start = max(now, wanted.start or now)
    end = wanted.end or shifted(now, USUAL)
    if end <= start:
        raise PicoschedError(f"found `{text}`, whose period is over at {format_time(now)}")
    coming = _Coming(subject, now, wanted.what)
    fires = [*islice((each for each in coming.until(end) if start <= each.at < end), MOST_FIRES + 1)]
    _check_number(fires)
    if wanted.what is not None and not fires and not _is_known(subject, wanted.what):
        raise PicoschedError(
            f"found {wanted.what}, wanted a schedule or source by name or id, a domain:type or a rid.rule",
            "not_found",
        )
    if wanted.times is None:
        return _too_many(wanted, fires) if wanted.most is not None else _forbidden(wanted, fires)
    step = subject.settings.granularity
    asked = wanted.times.between(shifted(start, -timedelta(seconds=step)), end)
    times = {time for each in asked if start <= (time := rounded_up(each, step)) < end}
    # What is due at this very moment may have fired already.
    return _other_times(times, {each.at for each in fires}, {now})


def _of_timespec(subject: Timespec, wanted: Expectation) -> str | None:
    if wanted.start is None or wanted.end is None:
        if wanted.times is None:
            raise PicoschedError(f"found `{wanted.text}`, wanted a period behind it: of 2026, for example")
        same = subject == wanted.times
        return None if same else f"it fires {subject.explain()}, not {wanted.times.explain()}"
    fires = [Fired(each, ()) for each in islice(subject.between(wanted.start, wanted.end), MOST_FIRES + 1)]
    _check_number(fires)
    if wanted.times is None:
        return _too_many(wanted, fires) if wanted.most is not None else _forbidden(wanted, fires)
    return _other_times({*wanted.times.between(wanted.start, wanted.end)}, {each.at for each in fires}, set())


def _check_number(fires: list[Fired]) -> None:
    if len(fires) > MOST_FIRES:
        raise PicoschedError(f"found more than {MOST_FIRES:,} fires, wanted a shorter period", "too_large")


class _Coming:
    """What a copy of an engine will raise from now on."""

    def __init__(self, engine: Engine, now: datetime, what: str | None) -> None:
        self._engine, self._now, self._what = engine, now, what
        self._raising: dict[str, Raised | None] = {}
        """By the id of a row or of an entry; None for a message."""
        self._tried: set[str] = set()
        """Ids of rows whose last try is to be repeated."""

    def until(self, end: datetime) -> Iterator[Fired]:
        """Fires of what is asked for, before a time."""
        settings, clock, silence = self._engine.settings, VirtualClock(self._now), Silence()
        with (
            closing(self._engine.read(self._engine.store.copy)) as copy,
            Engine(copy, clock, settings=settings, seed=0, outside=silence) as rehearsed,
        ):
            rehearsal = Rehearsal(rehearsed, clock, silence, seconds=SECONDS)
            for _ in rehearsal.steps(end - MILLISECOND):
                for fire in rehearsal.occurrences():
                    yield from self._of_occurrence(rehearsed, fire)
                for record in rehearsal.news():
                    yield from self._of_event(rehearsed, record)

    def _of_occurrence(self, rehearsed: Engine, fire: Fire) -> Iterator[Fired]:
        raising = self._raised_by(rehearsed, fire.id)
        if raising is None or fire.outcome not in RAISED:
            return
        again = fire.id in self._tried
        self._tried.discard(fire.id)
        if fire.outcome is Outcome.FAILED and fire.stands_for == 0:
            self._tried.add(fire.id)
        # What is sent to several picos is an event when it has come to one.
        event = raising.event if fire.pico_id else None
        if not again and self._what in (None, *raising.names, event):
            yield Fired(fire.fired, raising.names)

    def _of_event(self, rehearsed: Engine, record: Record) -> Iterator[Fired]:
        event = f"{record.domain}:{record.type}"
        raising = None if record.scheduled is None else self._raised_by(rehearsed, record.scheduled.id)
        names: tuple[str | None, ...] = (event,)
        if raising is not None:  # what is on record is counted as an occurrence
            names = () if raising.recorded else (None, *raising.names, event)
        if self._what in (*names, *_fired(record)):
            yield Fired(record.at, (event,) if raising is None else raising.names)

    def _raised_by(self, rehearsed: Engine, id: str) -> Raised | None:
        if id not in self._raising:
            self._raising[id] = _raised_by(rehearsed, id)
        return self._raising[id]


def _fired(record: Record) -> list[str]:
    """The rules that fired, as `rid.rule`."""
    return [f"{each['rid']}.{each['rule']}" for each in record.considered if each["outcome"] == "fired"]


def _raised_by(engine: Engine, id: str) -> Raised | None:
    """The schedule or entry of a source with an id; None if there is none, or it is a message."""
    row = engine.read(engine.store.agenda.find, id)
    if row is not None:
        return Raised((row.name or row.id, row.id), row.event, True) if row.is_schedule else None
    entry = engine.read(engine.store.sources.find_entry, id)
    kept = None if entry is None else engine.read(engine.store.sources.find, entry.source_id)
    if entry is None or kept is None:
        return None
    source = declaring.read(kept, engine.store.almanac)
    found = source.entry(entry.name)
    event = "" if found is None else found.event
    return Raised((source.label, f"{source.label}/{entry.name}", entry.source_id), event, source.recorded)


def _is_known(engine: Engine, what: str) -> bool:
    if any(what in (row.name, row.id, row.event) for row in engine.agenda.scheduled(Filter(status=()))):
        return True
    for each in engine.sources():
        label = each.name or each.type
        of_entries = [name for one in each.entries for name in (f"{label}/{one.name}", one.event)]
        if what in (label, each.id, *of_entries):
            return True
    known = rules_of(engine)
    return not known.complete or what in known.rules or what in known.keys


# ---- what was found instead ----------------------------------------------------------------------


def _other_times(wanted: set[datetime], found: set[datetime], either: set[datetime]) -> str | None:
    """How times differ, but for those that may be or not."""
    lacking, beyond = sorted(wanted - found - either), sorted(found - wanted)
    parts = [f"it does not fire at {_shown(lacking)}"] if lacking else []
    parts += [f"it fires at {_shown(beyond)} too"] if beyond else []
    return "; ".join(parts) or None


def _too_many(wanted: Expectation, fires: list[Fired]) -> str | None:
    zone = ZoneInfo(wanted.tz)
    counts = Counter(_unit_of(each.at, wanted.unit, zone) for each in fires)
    most = max(counts.values(), default=0)
    if wanted.most is None or most <= wanted.most:
        return None
    at = next(unit for unit, number in counts.items() if number == most)
    whose = Counter(
        each.names[0] for each in fires if each.names and _unit_of(each.at, wanted.unit, zone) == at
    )
    names = ", ".join(f"{number} of {name}" for name, number in whose.most_common(MOST_SHOWN))
    return f"{most} in the {wanted.unit} from {format_time(at)}{f': {names}' if names else ''}"


def _unit_of(at: datetime, unit: str, zone: ZoneInfo) -> datetime:
    """When the second, minute, hour or day of the zone's clocks began in which a time is."""
    local = at.astimezone(zone)
    if unit == "day":  # one of a clock change has 23 or 25 hours
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    offset = local.utcoffset() or timedelta()
    return at - (at + offset - EPOCH) % timedelta(**{UNITS[unit]: 1})


def _forbidden(wanted: Expectation, fires: list[Fired]) -> str | None:
    zone = ZoneInfo(wanted.tz)
    found = [
        each.at
        for each in fires
        if wanted.between is None or _lies_between(each.at.astimezone(zone).time(), *wanted.between)
    ]
    return f"it fires at {_shown(found)}" if found else None


def _lies_between(clock: time, first: time, last: time) -> bool:
    """Whether a time of day is from one to before another, which may be on the next day."""
    return first <= clock < last if first < last else clock >= first or clock < last


def _shown(times: Iterable[datetime]) -> str:
    found = [*times]
    text = ", ".join(map(format_time, found[:MOST_SHOWN]))
    return text if len(found) <= MOST_SHOWN else f"{text} and {len(found) - MOST_SHOWN:,} more times"
