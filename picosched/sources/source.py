"""A declared source: its times, its events and their target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from picosched.clock import format_time, to_ms
from picosched.krl.urls import shown_url
from picosched.schedule.scheduled import NEXT, Misfire
from picosched.sources.metronome import Beat
from picosched.sources.steering import Limited, Steering
from picosched.timespec.timespec import Timespec

METRONOME, CRONONOME, CRONTAB = "metronome", "crononome", "crontab"
TYPES = (METRONOME, CRONONOME, CRONTAB)

PICO, ECI, TAG, RID, URL = "pico", "eci", "tag", "rid", "url"
KINDS = (PICO, TAG, RID, ECI, URL)

JOURNALLED_FROM = 1_000
"""Milliseconds: faster metronomes are not journalled by default."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go: one pico, the picos with a channel tag or a ruleset, or another engine's channel."""

    kind: str
    """One of KINDS."""
    name: str

    def as_map(self) -> dict[str, str]:
        """As it is shown: of a URL without what gives access."""
        return {self.kind: self.shown}

    @property
    def shown(self) -> str:
        return shown_url(self.name) if self.kind == URL else self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a source: when it is due, and the event it then raises."""

    name: str
    domain: str
    type: str
    misfire: Misfire
    timespec: Timespec | None = None
    """None for the beat of a metronome."""
    when: str | Mapping[str, Any] | None = None
    """The timespec as written."""
    attrs: Mapping[str, Any] | None = None
    """Of a crononome the payload, which may be left out; of a cron table the attributes."""
    steering: Steering = field(default_factory=Steering)

    @property
    def event(self) -> str:
        return f"{self.domain}:{self.type}"


@dataclass(frozen=True, slots=True)
class Source:
    """A checked declaration."""

    type: str
    to: Target
    entries: tuple[Entry, ...]
    name: str | None = None
    journal: bool = True
    """Whether the turns it causes are journalled."""
    interval: int | None = None
    """Of a metronome: milliseconds."""
    start: datetime | None = None
    """Of a metronome: a time at which it ticks; None for when it was made, plus the interval."""
    file: str | None = None
    """Of a cron table: the file that its entries were read from."""
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The declaration as JSON, which parses to the same source."""

    @property
    def label(self) -> str:
        """Its name, or else its type."""
        return self.name or self.type

    @property
    def recorded(self) -> bool:
        """Whether each occurrence has a record of its own. Ticks of a metronome are only counted."""
        return self.type != METRONOME

    def name_of(self, entry: Entry) -> str:
        """The name of an entry behind that of its source, as in "nightly/full"."""
        return self.label if entry.name == self.label else f"{self.label}/{entry.name}"

    @property
    def timed(self) -> bool:
        """Whether it is kept for replays when an occurrence came that was late.

        Of ticks that are fast, or leave the journal alone, it is not: there may be any number of them.
        """
        return self.recorded or (self.journal and (self.interval or 0) >= JOURNALLED_FROM)

    def entry(self, name: str) -> Entry | None:
        return next((each for each in self.entries if each.name == name), None)

    def times(self, entry: Entry, anchor: datetime) -> Timespec | Beat | Limited:
        """When an entry is due, however often; without a start, from `anchor`, when the source was made."""
        return entry.steering.times(self.unlimited(entry, anchor))

    def unlimited(self, entry: Entry, anchor: datetime) -> Timespec | Beat:
        """As `times`, from whenever and until whenever."""
        if entry.timespec is not None:
            return entry.timespec.starting(anchor, f"{self.label}/{entry.name}")
        assert self.interval is not None
        return Beat(self.interval, self.start or anchor)

    def attributes(self, entry: Entry, number: int, now: datetime) -> dict[str, Any]:
        """The attributes of the event it raises at `now`; `number` is how many it raised before."""
        if self.type == CRONTAB:
            return dict(entry.attrs or {})
        found: dict[str, Any] = {"connector": self.label, "id": number, "ingest_ns": to_ms(now) * 1_000_000}
        if self.type == METRONOME:
            return {"onramp": METRONOME, **found}
        payload = {} if entry.attrs is None else {"payload": entry.attrs}
        return {**found, "trigger": {"name": entry.name, **payload}}

    def same_times(self, entry: Entry, other: Source) -> bool:
        """Whether the entry of the same name in `other` has the same times."""
        theirs = other.entry(entry.name)
        if theirs is None or self.type != other.type:
            return False
        beats = (self.interval, self.start) == (other.interval, other.start)
        bounds = entry.steering.bounds == theirs.steering.bounds
        return beats and bounds and theirs.timespec == entry.timespec


def when_of(source: Source, entry: Entry, anchor: datetime) -> str:
    """When an entry is due, in words; `anchor` is when the source was made."""
    words = ", ".join([_times_in_words(source, entry, anchor), *entry.steering.words()])
    overlap = entry.steering.overlap
    return words if overlap is None else f"{words}; while one is at work the next {NEXT[overlap]}"


def _times_in_words(source: Source, entry: Entry, anchor: datetime) -> str:
    times = source.unlimited(entry, anchor)
    if isinstance(times, Timespec):
        return times.explain()
    assert source.interval is not None
    every = (
        f"every {source.interval / 1000:g} s" if source.interval >= 1000 else f"every {source.interval} ms"
    )
    return every if source.start is None else f"{every} from {format_time(source.start)} on"
