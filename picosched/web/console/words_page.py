"""A schedule typed in words: its times and its picture are shown while it is typed, then it becomes a source.

Rules make schedules of their own. What a person makes is a cron table of one entry, for a pico.
"""

from __future__ import annotations

from typing import Any

from nicegui import ui

from picosched.errors import PicoschedError
from picosched.notation import parse_map
from picosched.timespec.timespec import Timespec
from picosched.web.console.frame import Console, frame
from picosched.web.console.local_time import reader_zone
from picosched.web.console.offers import all_picos
from picosched.web.console.parts import box, button, panel, text
from picosched.web.console.pictures import draw_rhythm
from picosched.web.console.steps import tell_timespec

HERE = "/new"


def add_pages(console: Console) -> None:
    """The page of the form."""

    @console.page(HERE)
    async def new(when: str = "", pico: str = "", event: str = "") -> None:
        rows = await console.run(lambda: all_picos(console.engine))
        names = {each.id: each.name or each.id for each in rows}
        with frame(console, "New schedule", "/schedules"), console.telling_errors():
            text("h1", "New schedule")
            _Form(console, names, when[:4000], pico, event[:200])


class _Form:
    def __init__(self, console: Console, names: dict[str, str], when: str, pico: str, event: str) -> None:
        self._console = console
        with box("grid"):
            with panel("When, what and where"):
                self._when = ui.input(
                    "When", value=when, placeholder="weekdays at 9:00 except holidays('DE-BY')"
                )
                self._when.props("debounce=200 maxlength=4000 autofocus").classes("mono")
                self._zone = ui.input("Zone", value=reader_zone().key).props("debounce=200 maxlength=64")
                chosen = pico if pico in names else next(iter(names), None)
                self._pico = ui.select(names, label="Pico", value=chosen, with_input=True)
                self._event = ui.input("Event", value=event, placeholder="domain:type").classes("mono")
                self._attrs = ui.textarea("attributes, as JSON", value="{}").classes("mono").props("autogrow")
                self._name = ui.input("Name", placeholder="unique; by default the event and when")
                with box("dialog-buttons"):
                    button("Make it", self._make, "primary", needs="added")
                self._fault = text("p", "", "bad-text").props("role=alert")
            with panel("It comes"):
                self._told = ui.element("div").classes("stack-small").props('aria-live="polite"')
        for field in (self._when, self._zone):
            field.on_value_change(self._tell)
        self._tell()

    def _tell(self) -> None:
        engine, when, zone = self._console.engine, self._when.value or "", self._zone.value or "UTC"
        now, almanac = engine.now(), engine.settings.almanac
        self._told.clear()
        with self._told:
            if not when.strip():
                text(
                    "p",
                    "Words such as: every 2 hours · last weekday of month at 18:00 · 0 9 * * 1-5",
                    "muted",
                )
                return
            tell_timespec(when, zone, now, almanac)
            try:
                draw_rhythm(Timespec.parse(when.strip(), zone.strip(), almanac).starting(now), now)
            except PicoschedError:  # the words above say why
                return

    async def _make(self) -> None:
        try:
            declaration = self._declaration()
            id = await self._console.run(lambda: self._console.engine.add_source(declaration))
        except PicoschedError as error:
            self._fault.show(str(error))
            return
        ui.navigate.to(f"/sources/{id}")

    def _declaration(self) -> dict[str, Any]:
        when, event = (self._when.value or "").strip(), (self._event.value or "").strip()
        if not self._pico.value:
            raise PicoschedError("found no pico, wanted one")
        entry = {
            "name": "entry",
            "when": when,
            "event": event,
            "attrs": parse_map(self._attrs.value, "attributes"),
        }
        return {
            "type": "crontab",
            "name": (self._name.value or "").strip() or f"{event} {when}",
            "tz": (self._zone.value or "").strip() or "UTC",
            "to": {"pico": self._pico.value},
            "entries": [entry],
        }
