"""A list of records, newest first, by pages, with a filter; filter and place stand in the URL.

A page gives the fields and how to look the rows up; the buttons, refreshing and telling errors are here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from nicegui import ui
from nicegui.elements.input import Input
from nicegui.elements.select import Select

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.web.console.filters import remember
from picosched.web.console.frame import Console
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    box,
    button,
    empty,
    filter_bar,
    nothing_matches,
    panel,
    show_either,
    wrong_filter,
)

Fields = dict[str, Input | Select]
"""By their names in the URL."""


class Looked(NamedTuple):
    """The rows of a page, and the mark behind which older ones begin; None if there are none."""

    rows: Sequence[Mapping[str, Cell]]
    next: str | None


class FilteredList(ABC):
    """The filter and the list, kept up to date by `refresh`."""

    def __init__(
        self,
        console: Console,
        here: str,
        given: Mapping[str, str],
        fields: Callable[[], Fields],
        read: str,
        title: str,
        columns: Sequence[Column],
        nothing: tuple[str, str],
    ) -> None:
        """`given` is from the URL; `fields` makes the fields, of which `read` alone can be wrong."""
        self._console, self._here = console, here
        after = given.get("after", "")
        self._after = after if after.isascii() and after.isdecimal() and len(after) < 18 else None
        self._next: str | None = None
        self._nothing = nothing
        self._shown: object = None
        with filter_bar(any(value for name, value in given.items() if name != "after")):
            self._fields = fields()
        self._read = self._fields[read]
        with panel(title):
            self._list = Listing(title, columns)
            self._empty = ui.element("div")
            with box("line"):
                self._newest = button("← Newest", lambda: self._go(None), "small")
                self._older = button("Older →", lambda: self._go(self._next), "small")
        for field in self._fields.values():
            field.on_value_change(lambda: self._go(None))
            if isinstance(field, Input):
                field.props("debounce=350 clearable maxlength=200")

    @abstractmethod
    def look(self, engine: Engine, given: Mapping[str, str], after: str | None) -> Looked:
        """The rows behind a mark, None for the newest, for the fields that are filled.

        PicoschedError if one of these is wrong. For a thread that may wait for the engine.
        """

    async def _go(self, after: str | None) -> None:
        self._after = after
        remember(self._here, urlencode(self._given | ({"after": after} if after else {})))
        with self._console.telling_errors():
            await self.refresh()

    @property
    def _given(self) -> dict[str, str]:
        found = {name: str(field.value or "").strip() for name, field in self._fields.items()}
        return {name: value for name, value in found.items() if value}

    async def refresh(self) -> None:
        """Show what there is now, or at its field what is wrong."""
        given, after, engine = self._given, self._after, self._console.engine
        try:
            found = await self._console.run(lambda: self.look(engine, given, after))
        except PicoschedError as error:
            self._read.error = error.message
            if self._shown is None:
                self._draw(Looked((), None), wrong=True)
            return
        self._read.error = None
        if (found, after) == self._shown or self._list.is_deleted:
            return
        self._shown, self._next = (found, after), found.next
        self._list.show(found.rows)
        self._draw(found)

    def _draw(self, found: Looked, *, wrong: bool = False) -> None:
        """What stands around the rows; `wrong` if the filter of the URL is."""
        show_either(self._list, self._empty, bool(found.rows))
        self._newest.set_visibility(self._after is not None)
        self._older.set_visibility(found.next is not None)
        self._empty.clear()
        with self._empty:
            if wrong:
                wrong_filter(self._here)
            elif self._given or self._after:
                nothing_matches(self._here)
            else:
                empty(*self._nothing)
