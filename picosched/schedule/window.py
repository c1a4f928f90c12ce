"""A window: a named recurring span of time, open from one timespec to another.

Only its timespecs decide whether it is open: its latest opening or closing up to a time decides, so there
is no state to initialize, store or lose during downtime. If both come at the same instant it closes; before
its first opening it is closed.

A window is declared by a ruleset, is a table of the settings, or is made while the engine runs and kept in
the database (`MadeWindow`); of the last two a name is one or the other.

An edge is a change: an opening while it is open is not an edge, nor is a closing while it is closed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError
from picosched.schedule.record import NAME, TEXT, TIME, Field, Table
from picosched.timespec.almanac import PLAIN, Almanac
from picosched.timespec.timespec import Timespec

FIRST = datetime.min.replace(tzinfo=UTC)

TRIED = 1_000
"""The most openings that are closings as well which are passed over; with more in a row a window is shut."""

RESOLUTION = timedelta(microseconds=1)

MOST = 100
"""Windows of one database, besides those of the settings."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The instant at which a window opens or closes."""

    at: datetime
    opens: bool

    @property
    def type(self) -> str:
        """The type of the event `window:TYPE` raised for it."""
        return "opened" if self.opens else "closed"


@dataclass(frozen=True, slots=True)
class Window:
    """Open from `opens` to `closes`, both in one zone. Times are aware; returned times are UTC."""

    name: str
    opens: Timespec
    closes: Timespec

    @classmethod
    def parse(
        cls,
        name: str,
        opens: str | Mapping[str, Any],
        closes: str | Mapping[str, Any],
        tz: str = "UTC",
        almanac: Almanac = PLAIN,
    ) -> Window:
        """The window of two timespecs, texts or maps; PicoschedError `invalid` for invalid ones."""
        return cls(name, Timespec.parse(opens, tz, almanac), Timespec.parse(closes, tz, almanac))

    @property
    def tz(self) -> str:
        return self.opens.tz

    @property
    def why_shut(self) -> str | None:
        """None: its times say when it opens."""
        return None

    @property
    def text(self) -> str:
        """Its timespecs as JSON, which `read_window` parses."""
        return _text(self.opens.text, self.closes.text)

    def explain(self) -> str:
        """Its timespecs in words."""
        return f"opens {self.opens.explain()}; closes {self.closes.explain()}"

    def open_at(self, time: datetime) -> bool:
        """Whether it is open at a time: from an opening on, up to and without the closing."""
        opened, closed = _last(self.opens, time), _last(self.closes, time)
        return opened is not None and (closed is None or opened > closed)

    def closed_at(self, time: datetime, now: datetime) -> str | None:
        """Why nothing is raised at a time: it is closed. None if it is open."""
        if self.open_at(time):
            return None
        opening = self.next_opening(time)
        if opening is None:
            return f"the window {self.name} is closed"
        return (
            f"the window {self.name} {'is' if opening > now else 'was'} closed until {format_time(opening)}"
        )

    def next_edge(self, after: datetime) -> Edge | None:
        """The first change after a time, not at it; None if there is none."""
        if not self.open_at(after):
            return self._first_opening(after)
        closing = self.closes.after(after)
        return None if closing is None else Edge(closing, False)

    def last_edge(self, time: datetime) -> Edge | None:
        """The last change up to a time (inclusive); None before its first opening."""
        closed = _last(self.closes, time)
        if self.open_at(time):
            return self._first_opening(FIRST if closed is None else closed)
        opened = self._last_opening(time)
        closing = None if opened is None else self.closes.after(opened)
        return None if closing is None else Edge(closing, False)

    def edges(self, after: datetime) -> Iterator[Edge]:
        """The changes after a time, in order."""
        edge = self.next_edge(after)
        while edge is not None:
            yield edge
            edge = self.next_edge(edge.at)

    def next_opening(self, after: datetime) -> datetime | None:
        return next((edge.at for edge in self._two(after) if edge.opens), None)

    def next_closing(self, after: datetime) -> datetime | None:
        return next((edge.at for edge in self._two(after) if not edge.opens), None)

    @property
    def never_opens(self) -> bool:
        """Whether each of its openings coincides with a closing."""
        return self._first_opening(FIRST) is None

    @property
    def never_closes(self) -> bool:
        """Whether no closing comes after its first opening."""
        first = self._first_opening(FIRST)
        return first is not None and self.closes.after(first.at) is None

    def _two(self, after: datetime) -> Iterator[Edge]:
        for edge, _ in zip(self.edges(after), range(2), strict=False):
            yield edge

    def _first_opening(self, after: datetime) -> Edge | None:
        for _ in range(TRIED):
            opening = self.opens.after(after)
            if opening is None:
                return None
            if _last(self.closes, opening) != opening:
                return Edge(opening, True)
            after = opening
        return None

    def _last_opening(self, until: datetime) -> datetime | None:
        opening = _last(self.opens, until)
        for _ in range(TRIED):
            if opening is None or _last(self.closes, opening) != opening:
                return opening
            opening = self.opens.before(opening)
        return None


@dataclass(frozen=True, slots=True)
class Unset:
    """A window whose data does not say when it opens: it is closed, and stays so.

    It is `faulty` if the data is wrong: then whoever asks gets an error. Forecasts look beyond such an error:
    to them it `fails` if the data is wrong or there is no such window, for what is tied to it will fail.
    """

    name: str
    why: str
    faulty: bool = False
    tz: str = "UTC"
    fails: bool = False

    @property
    def why_shut(self) -> str | None:
        """Why it stays closed, or what is wrong with its data."""
        return self.why

    def open_at(self, time: datetime) -> bool:
        """False. Here and below: PicoschedError if its data is wrong."""
        self._check()
        return False

    def closed_at(self, time: datetime, now: datetime) -> str | None:
        """Why it is closed."""
        self._check()
        return self.why

    def next_opening(self, after: datetime) -> datetime | None:
        """None: it stays closed."""
        self._check()
        return None

    def next_closing(self, after: datetime) -> datetime | None:
        """None: it is closed."""
        self._check()
        return None

    def _check(self) -> None:
        if self.faulty:
            raise KrlError(self.why)


@dataclass(frozen=True, slots=True)
class MadeWindow:
    """A window that was made while an engine ran, as it is kept."""

    name: str
    opens: str
    """Its timespecs, as texts."""
    closes: str
    tz: str
    made: datetime
    """When it was made or changed last."""
    made_by: str
    """Who did that, as `str(Actor)` says."""

    def read(self, almanac: Almanac = PLAIN) -> Window | Unset:
        """The window; one that is faulty if the almanac does not have its calendar any more, for example."""
        try:
            return read_window(self.name, _text(self.opens, self.closes), self.tz, almanac)
        except PicoschedError as error:
            why = error.message
        except TypeError:  # somebody wrote into the file
            why = "found no text in its row, wanted timespecs: change it, or remove it"
        return Unset(self.name, f"the window {self.name}: {why}", faulty=True, tz=self.tz)


MADE_WINDOW = Table(
    "made_window",
    MadeWindow,
    Field("name", NAME),
    Field("opens", TEXT, json="from"),
    Field("closes", TEXT, json="to"),
    Field("tz", TEXT, json="in"),
    Field("made", TIME),
    Field("made_by", TEXT),
)


def _text(opens: str, closes: str) -> str:
    return json.dumps({"from": opens, "to": closes}, ensure_ascii=False)


@lru_cache(maxsize=1024)
def read_window(name: str, text: str, tz: str, almanac: Almanac = PLAIN) -> Window:
    """The window whose `text` this is."""
    parts = json.loads(text)
    return Window.parse(name, parts["from"], parts["to"], tz, almanac)


def of_table(name: str, table: object, almanac: Almanac = PLAIN) -> Window:
    """The window of a configuration table with `from`, `to` and optionally `in`."""
    keys = ("from", "to", "in")
    if not isinstance(table, Mapping) or not {"from", "to"} <= set(table) <= set(keys):
        raise PicoschedError(f"window {name}: found {table}, wanted a table with from, to and optionally in")
    try:
        window = Window.parse(name, table["from"], table["to"], table.get("in", "UTC"), almanac)
    except PicoschedError as error:
        raise PicoschedError(f"window {name}: {error.message}") from error
    if window.never_opens:
        raise PicoschedError(f"window {name}: found no time at which it opens and does not close")
    return window


def _last(timespec: Timespec, time: datetime) -> datetime | None:
    """The last fire up to a time (inclusive)."""
    try:
        return timespec.before(time + RESOLUTION)
    except OverflowError:  # the last microsecond there is
        return timespec.before(time)
