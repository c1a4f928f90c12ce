"""A page that is a list, or several: a page gives its columns, how to read the rows and what to say if there
are none; the filter, which stands in the URL, refreshing and telling errors are here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from nicegui import ui
from nicegui.element import Element

from picosched.clock import parse_time
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.web.console.filters import remember
from picosched.web.console.frame import Console, every, frame, notify
from picosched.web.console.local_time import reader_zone
from picosched.web.console.parts import Cell, Column, Listing, Text, box, empty, panel, text

MOST_TEXT = 200
"""Characters of a filter."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def _number(found: Sequence[Any]) -> str:
    return f"{len(found):,}"


@dataclass(frozen=True, slots=True)
class Section:
    """A list of a page. It is not shown without rows; if no list has any, `nothing` draws what is said."""

    title: str
    caption: str
    """The name of the table, for screen readers."""
    columns: tuple[Column, ...]
    read: Callable[[Engine], Sequence[Any]]
    """For a thread that may wait for the engine."""
    row: Callable[[Any], Mapping[str, Cell]]
    nothing: Callable[[ListPage], object]
    told: Callable[[Sequence[Any]], str] = _number
    """The words beside the title."""
    note: str = ""


Act = Callable[["ListPage", str, str], Awaitable[None]]
"""Called with the action and the key of a row whose button is pressed."""


def add_list(
    console: Console,
    here: str,
    title: str,
    *sections: Section,
    act: Act | None = None,
    head: Callable[[ListPage], object] | None = None,
    seconds: float = 1.0,
) -> None:
    """Add the page of these lists. `head` draws what stands beside the title."""

    @console.page(here)
    async def page(text: str = "") -> None:
        with frame(console, title, here):
            made = ListPage(console, here, title, sections, text[:MOST_TEXT], act, head)
            with console.telling_errors():
                await made.refresh()
        every(console, seconds, made.refresh)


class ListPage:
    """The lists, kept up to date by `refresh`."""

    def __init__(
        self,
        console: Console,
        here: str,
        title: str,
        sections: Sequence[Section],
        given: str,
        act: Act | None,
        head: Callable[[ListPage], object] | None,
    ) -> None:
        self.console = console
        self.home = ui.element("div").classes("apart")
        """Parent of dialogs and messages, because the rest may be redrawn meanwhile."""
        self._here = here
        self._sections = sections
        self._shown: object = None
        with box("head"):
            text("h1", title)
            self._filter = ui.input("Filter", value=given).classes("filter")
            self._filter.props(f"debounce=250 clearable maxlength={MOST_TEXT}")
            if head is not None:
                head(self)
        self._filter.on_value_change(self._filtered)
        self._lists = [self._list(each, act) for each in sections]
        self._nothing = ui.element("div")

    def _list(self, section: Section, act: Act | None) -> tuple[Element, Text, Listing]:
        with ui.element("div") as whole, panel(section.title, "") as side:
            listing = Listing(section.caption, section.columns)
            if section.note:
                text("p", section.note, "muted small")
        if act is not None:
            listing.on_act(lambda action, key: act(self, action, key))
        assert side is not None
        return whole, side, listing

    async def _filtered(self) -> None:
        words = self._words
        remember(self._here, urlencode({"text": words}) if words else "")
        with self.console.telling_errors():
            await self.refresh()

    @property
    def _words(self) -> str:
        return (self._filter.value or "").strip()

    async def make(self, ask: Callable[[Console], Awaitable[bool]], said: str) -> None:
        """Let a dialog make something; `said` once it did."""
        with self.home, self.console.telling_errors():
            if await ask(self.console):
                notify(said)
                await self.refresh()

    async def refresh(self) -> None:
        """Show what there is now."""
        engine, words, zone = self.console.engine, self._words, reader_zone()
        found = await self.console.run(lambda: [each.read(engine) for each in self._sections])
        if (found, words, zone) == self._shown or self._nothing.is_deleted:
            return
        self._shown = found, words, zone
        none = True
        for section, rows, (whole, side, listing) in zip(self._sections, found, self._lists, strict=True):
            cells = [section.row(each) for each in rows]
            chosen = [each for each in cells if not words or matches(each, words, zone)]
            listing.show(chosen)
            side.show(f"{len(chosen):,} of {len(cells):,}" if words else section.told(rows))
            whole.set_visibility(bool(chosen))
            none = none and not chosen
        self._nothing.clear()
        self._filter.set_visibility(bool(words) or any(found))
        if none:
            with self._nothing, box("panel"):
                if words:
                    more = "It is looked for in all columns."
                    empty("Nothing matches this filter", more, None, ("Show all", self._here))
                else:
                    self._sections[0].nothing(self)


def matches(row: Mapping[str, Cell], words: str, zone: ZoneInfo) -> bool:
    """Whether the cells of a row have all the words; its times have them as in UTC and as in the zone."""
    utc = " ".join(_words_of(each) for each in row.values())
    local = [_local(each, zone) for each in TIME.findall(utc)]
    text = " ".join((utc, *local)).casefold()
    return all(each in text for each in words.casefold().split())


def _local(utc: str, zone: ZoneInfo) -> str:
    try:
        return f"{parse_time(utc).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    except (PicoschedError, OverflowError):  # somebody's data that is no time, or none in that zone
        return ""


def _words_of(cell: Cell) -> str:
    if isinstance(cell, Mapping):
        return f"{cell.get('text') or ''} {cell.get('more') or ''}"
    return str(cell) if isinstance(cell, str | int | float) else ""
