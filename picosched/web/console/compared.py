"""Compares two simulations: a ruleset as installed, and as edited.

Both start from the same copy of the store with the same seed, and install a text; so all differences are
due to the text. The comparison ends where the first simulation was cut off by a limit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Literal

import orjson

from picosched.clock import format_time
from picosched.engine.rehearsed import Record, TookLongError
from picosched.notation import Input
from picosched.rehearsal.simulate import simulate
from picosched.settings import Settings
from picosched.store.store import Store

MOST_RECORDS = 2_000
"""Most events of the pico taken from one simulation."""

MOST_SECONDS = 10.0
"""Most real time for one simulation."""

How = Literal["same", "changed", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Run:
    """One simulation: its records, and where it was cut off, if it was."""

    records: list[Record]
    cut: datetime | None = None
    """The time at which a limit ended it; nothing is known from then on."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One event in both simulations, or in only one of them."""

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
    """The events of both, in order of time, and the time of the cut-off, if any."""

    pairs: list[Pair]
    cut: datetime | None
    left_out: int = 0
    """Rulesets with schedules, and sources, that were not rehearsed, because they cannot influence this."""

    def count(self, how: How) -> int:
        return sum(pair.how == how for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The input of both simulations. `store` is a private copy."""

    store: Store
    pico: str
    """The id of the pico with the ruleset; its events are compared."""
    start: datetime
    until: datetime
    inputs: Sequence[Input]
    settings: Settings

    def run(self, text: str | None, cancelled: threading.Event, progress: Callable[[float], None]) -> Run:
        """Simulate a text; `progress` is called with the fraction done, 0 to 1.

        KrlError if the text cannot be installed, PicoschedError if an event cannot be raised.
        """
        kept = list[Record]()
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
            seconds=MOST_SECONDS,
        )
        length = (self.until - self.start).total_seconds()
        try:
            for record in records:
                if cancelled.is_set() or len(kept) == MOST_RECORDS:
                    records.close()  # type: ignore[attr-defined]
                    return Run(kept, record.at)
                if record.pico == name.name:
                    kept.append(record)
                progress((record.at - self.start).total_seconds() / length)
        except TookLongError as error:
            return Run(kept, error.at)
        return Run(kept)


def compare(before: Run, after: Run) -> Comparison:
    """Match the events of two runs by time and name, in order."""
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
    """Everything shown of an event except ids."""
    told = record.as_json()
    cause = told.pop("scheduled")
    return orjson.dumps(
        [told, cause and [cause["name"], cause["nominal"]], format_time(record.at)],
        default=str,
        option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
    )
