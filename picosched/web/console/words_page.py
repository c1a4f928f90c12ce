"""A schedule typed in words: its times and its picture are shown while it is typed, then it becomes a source.

Rules make schedules of their own. What a person makes is a cron table of one entry, for a pico.
"""

from __future__ import annotations

import re
from typing import Any

from nicegui import ui

from picosched.errors import PicoschedError
from picosched.notation import parse_map
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone
from picosched.web.console.frame import Console, frame
from picosched.web.console.local_time import reader_zone
from picosched.web.console.offers import all_picos
from picosched.web.console.parts import box, button, fault_in, panel, text
from picosched.web.console.pictures import draw_rhythm
from picosched.web.console.steps import tell_timespec

HERE = "/new"
WANTED = "domain:type"
EVENT = re.compile(r"[^\s:]+:[^\s:]+")


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
                    "When",
                    value=when,
                    placeholder="weekdays at 9:00 except holidays('DE-BY')",
                    validation=lambda _: fault_in(self._timespec) if self._spec else "wanted a timespec",
                )
                self._when.props("debounce=200 maxlength=4000 autofocus").classes("mono")
                self._zone = ui.input(
                    "Zone",
                    value=reader_zone().key,
                    validation=lambda _: fault_in(lambda: check_zone(self._tz)),
                )
                self._zone.props("debounce=200 maxlength=64")
                chosen = pico if pico in names else next(iter(names), None)
                self._pico = ui.select(
                    names,
                    label="Pico",
                    value=chosen,
                    with_input=True,
                    validation=lambda chosen: None if chosen else "wanted a pico",
                )
                self._event = ui.input(
                    "Event", value=event, placeholder=WANTED, validation=_fault_of_event
                ).classes("mono")
                self._event.without_auto_validation()
                self._attrs = ui.textarea(
                    "Attributes, as JSON",
                    value="{}",
                    validation=lambda text: fault_in(lambda: parse_map(text or "", "attributes")),
                )
                self._attrs.classes("mono").props("autogrow")
                self._name = ui.input("Name", placeholder="unique; by default the event and when")
                for field in (self._when, self._event, self._name):
                    field.props("stack-label")  # so that the hint is seen before one types
                with box("dialog-buttons"):
                    button("Create", self._create, "primary", needs="added")
                self._fault = text("p", "", "bad-text").props("role=alert")
            with panel("Fires"):
                self._told = ui.element("div").classes("stack-small").props('aria-live="polite"')
        for field in (self._when, self._zone):
            field.on_value_change(self._tell)
        self._tell()

    @property
    def _spec(self) -> str:
        return (self._when.value or "").strip()

    @property
    def _tz(self) -> str:
        return (self._zone.value or "").strip() or "UTC"

    def _timespec(self) -> Timespec:
        return Timespec.parse(self._spec, self._tz, self._console.engine.settings.almanac)

    def _tell(self) -> None:
        """Show when it fires; what is wrong with it stands at its field."""
        engine, right = self._console.engine, self._zone.validate()
        now, almanac = engine.now(), engine.settings.almanac
        self._told.clear()
        with self._told:
            if not self._spec:
                text(
                    "p",
                    "Words such as: every 2 hours · last weekday of month at 18:00 · 0 9 * * 1-5",
                    "muted",
                )
            elif right and self._when.validate():
                tell_timespec(self._spec, self._tz, now, almanac)
                try:
                    draw_rhythm(self._timespec().starting(now), now)
                except PicoschedError:  # the words above say why
                    return

    async def _create(self) -> None:
        self._fault.show("")
        fields = (self._when, self._zone, self._pico, self._event, self._attrs)
        right = [each.validate() for each in fields]  # all of them, so that each says what is wrong
        if not all(right):
            return
        try:
            declaration = self._declaration()
            id = await self._console.run(lambda: self._console.engine.add_source(declaration))
        except PicoschedError as error:
            self._fault.show(str(error))
            return
        ui.navigate.to(f"/sources/{id}")

    def _declaration(self) -> dict[str, Any]:
        event = (self._event.value or "").strip()
        entry = {
            "name": "entry",
            "when": self._spec,
            "event": event,
            "attrs": parse_map(self._attrs.value, "attributes"),
        }
        return {
            "type": "crontab",
            "name": (self._name.value or "").strip() or f"{event} {self._spec}",
            "tz": self._tz,
            "to": {"pico": self._pico.value},
            "entries": [entry],
        }


def _fault_of_event(given: str | None) -> str | None:
    event = (given or "").strip()
    return None if EVENT.fullmatch(event) else f'found "{event}", wanted {WANTED}'
