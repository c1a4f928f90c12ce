"""Two simulations beside each other: what a ruleset would do as it is installed, and as it was edited.

Both begin with the same copy of what there is, with the same seed, and install a text; so what differs
comes of the text. They are told as far as both went: one that was cut off at a bound says nothing of the time
behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Literal

import orjson

from picosched.clock import format_time, ticks
from picosched.notation import Input
from picosched.rehearsal.simulate import Record, simulate
from picosched.settings import Settings
from picosched.store.store import Store

MOST_RECORDS = 2_000
"""Events of the pico that are taken from one simulation."""

MOST_SECONDS = 10.0
"""How long one simulation may take in real time."""

How = Literal["same", "changed", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Run:
    """One simulation: its records, and how far it went if that is not the end."""

    records: list[Record]
    cut: datetime | None = None
    """It was ended by a bound, and from this time on nothing is known."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One event in both: as it is and as it would be, or in one of them alone."""

    before: Record | None
    after: Record | None

    @property
    def how(self) -> How:
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return "same" if _meaning(self.before) == _meaning(self.after) else "changed"

    @property
    def record(self) -> Record:
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """The events of both, in order of time, and the time until which both are known, if it is not the end."""

    pairs: list[Pair]
    cut: datetime | None

    def count(self, how: How) -> int:
        return sum(pair.how == how for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What both simulations are of. `store` is a copy that nobody else writes to."""

    store: Store
    pico: str
    """The id of the pico that has the ruleset; its events are told."""
    start: datetime
    until: datetime
    inputs: Sequence[Input]
    settings: Settings

    def run(self, text: str | None, cancelled: threading.Event, progress: Callable[[float], None]) -> Run:
        """Let time pass over a text; `progress` is told the part that is done, 0 to 1.

        KrlError for a text that cannot be installed, PicoschedError for an event that cannot be raised.
        """
        begun, kept = ticks(), list[Record]()
        name = self.store.picos.find_pico(self.pico)
        assert name is not None
        records = simulate(
            [] if text is None else [text],
            self.start,
            self.until,
            self.inputs,
            store=self.store,
            pico=self.pico,
            settings=self.settings,
        )
        length = (self.until - self.start).total_seconds()
        for record in records:
            if cancelled.is_set() or ticks() - begun > MOST_SECONDS or len(kept) == MOST_RECORDS:
                records.close()  # type: ignore[attr-defined]
                return Run(kept, record.at)
            if record.pico == name.name:
                kept.append(record)
            progress((record.at - self.start).total_seconds() / length)
        return Run(kept)


def compare(before: Run, after: Run) -> Comparison:
    """Two runs, event by event: those of one time and one name belong together, in their order."""
    cuts = [run.cut for run in (before, after) if run.cut is not None]
    cut = min(cuts, default=None)
    groups: dict[tuple[datetime, str, str], tuple[list[Record], list[Record]]] = {}
    for side, run in enumerate((before, after)):
        for record in run.records:
            if cut is None or record.at < cut:
                key = record.at, record.domain, record.type
                groups.setdefault(key, ([], []))[side].append(record)
    pairs = list(_pairs(groups[key] for key in sorted(groups)))
    return Comparison(pairs, cut)


def _pairs(groups: Iterator[tuple[list[Record], list[Record]]]) -> Iterator[Pair]:
    for one, other in groups:
        for left, right in zip_longest(one, other):
            yield Pair(left, right)


def _meaning(record: Record) -> bytes:
    """All that is told of an event but ids."""
    told = record.as_json()
    cause = told.pop("scheduled")
    return orjson.dumps(
        [told, cause and [cause["name"], cause["nominal"]], format_time(record.at)],
        default=str,
        option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
    )
