"""A schedule typed in words, whose times and picture are shown while it is typed.

For one pico it becomes a schedule of that pico. For all that have a ruleset, or a channel with a tag, it
becomes a source, a cron table of one entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from picosched.errors import PicoschedError
from picosched.notation import parse_map
from picosched.schedule.new_schedule import NewSchedule
from picosched.schedule.window import Window
from picosched.schedule.within import Within
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone
from picosched.web.console.frame import Console, frame
from picosched.web.console.local_time import follow_zone, reader_zone
from picosched.web.console.offers import all_picos
from picosched.web.console.parts import box, button, fault_in, named_dialog, panel, text, turn_off
from picosched.web.console.pictures import draw_rhythm
from picosched.web.console.schedule_page import schedule_path
from picosched.web.console.steps import tell_timespec

HERE = "/new"
WANTED = "domain:type"
OF_SCHEDULE, OF_SOURCE = "optional; in a pico only one has it", "unique; by default the event and when"
ONE, MANY = "pico", "picos"
"""For whom it is: a schedule of one pico, or a source for many."""
EVENT = re.compile(r"[^\s:]+:[^\s:]+")


def add_pages(console: Console) -> None:
    """The page of the form."""

    @console.page(HERE)
    async def new(when: str = "", pico: str = "", event: str = "") -> None:
        rows = await console.run(lambda: all_picos(console.engine))
        settings = await console.run(console.engine.settings_with_windows)
        windows = {each.name: each for each in settings.windows}
        names = {each.id: each.name or each.id for each in rows}
        with frame(console, "New schedule", "/schedules"), console.telling_errors():
            text("h1", "New schedule")
            _Form(console, names, windows, when[:4000], pico, event[:200])


class _Form:
    def __init__(
        self,
        console: Console,
        names: dict[str, str],
        windows: Mapping[str, Window],
        when: str,
        pico: str,
        event: str,
    ) -> None:
        self._console, self._windows = console, windows
        with box("grid"):
            with panel("When, what and where"):
                self._when = ui.input(
                    "When",
                    value=when,
                    placeholder="weekdays at 9:00 except holidays('DE-BY')",
                    validation=lambda _: fault_in(self._timespec) if self._spec else "wanted a timespec",
                )
                self._when.props("debounce=200 maxlength=4000 autofocus").classes("mono")
                self._offered = reader_zone().key
                self._zone = ui.input(
                    "Zone",
                    value=self._offered,
                    validation=lambda _: fault_in(lambda: check_zone(self._tz)),
                )
                self._zone.props("debounce=200 maxlength=64")
                self._for = ui.toggle(
                    {ONE: "One pico: a schedule", MANY: "Many picos: a source"},
                    value=ONE,
                    on_change=self._choose,
                ).props("no-caps unelevated toggle-color=primary toggle-text-color=dark")
                chosen = pico if pico in names else next(iter(names), None)
                self._pico = ui.select(
                    names,
                    label="Pico",
                    value=chosen,
                    with_input=True,
                    validation=lambda chosen: None if chosen else "wanted a pico",
                )
                self._those = ui.select(
                    {"rid": "the ruleset", "tag": "a channel with the tag"},
                    label="For all that have",
                    value="rid",
                )
                self._named = ui.input(
                    "Ruleset or tag",
                    placeholder="tea_timer",
                    validation=lambda given: None if (given or "").strip() else "wanted a name",
                ).classes("mono")
                self._named.without_auto_validation()
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
                self._name = ui.input("Name", placeholder=OF_SCHEDULE)
                self._window = ui.select(
                    {"": "at any time", **{each: each for each in windows}},
                    label="Only while this window is open",
                    value="",
                )
                self._window.set_visibility(bool(windows))
                for field in (self._when, self._named, self._event, self._name):
                    field.props("stack-label")  # so that the hint is seen before one types
                with box("dialog-buttons"):
                    self._button = button("Create", self._create, "primary")
                self._fault = text("p", "", "bad-text").props("role=alert")
            with panel("Fires"):
                self._told = ui.element("div").classes("stack-small").props('aria-live="polite"')
        for field in (self._when, self._zone):
            field.on_value_change(self._tell)
        self._window.on_value_change(self._tell)
        follow_zone(self._offer)
        self._choose()
        self._tell()

    async def _offer(self, zone: ZoneInfo) -> None:
        """Offer the reader's zone once the browser has told it, unless another was typed."""
        if self._zone.value == self._offered:
            self._offered = zone.key
            self._zone.set_value(zone.key)

    def _choose(self) -> None:
        """Show the fields of what is chosen."""
        one = self._for.value == ONE
        self._pico.set_visibility(one)
        for field in (self._those, self._named):
            field.set_visibility(not one)
        self._name.props["placeholder"] = OF_SCHEDULE if one else OF_SOURCE
        self._button.props(remove="title")  # of the other choice
        turn_off(self._button, "scheduled" if one else "added")

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
                window = self._windows.get(self._window.value)
                tell_timespec(self._spec, self._tz, now, almanac, window=window)
                try:
                    times = self._timespec().starting(now)
                    draw_rhythm(times if window is None else Within(times, window), now)
                except PicoschedError:  # the words above say why
                    return

    async def _create(self) -> None:
        self._fault.show("")
        whose = self._pico if self._for.value == ONE else self._named
        right = [  # all of them, so that each says what is wrong
            each.validate() for each in (self._when, self._zone, whose, self._event, self._attrs)
        ]
        if not all(right):
            return
        try:
            path = await (self._schedule() if self._for.value == ONE else self._add_source())
        except PicoschedError as error:
            self._fault.show(str(error))
            return
        if not self._fault.is_deleted:  # its reader may have left meanwhile
            ui.navigate.to(path)

    async def _schedule(self) -> str:
        """Make a schedule of a pico; returns the path of its page."""
        domain, _, type = self._event_named.partition(":")
        name, spec = self._called, self._spec
        attributes = {
            **self._attributes,
            "_timezone": self._tz,
            **({"_name": name} if name else {}),
            **({"_window": self._window.value} if self._window.value else {}),
        }
        engine, chosen = self._console.engine, self._pico.value

        def work() -> NewSchedule:
            pico = engine.pico(chosen)
            made = pico.schedule(domain, type, repeat=spec, attributes=attributes)
            if not made.is_new:
                there = f'somebody made a schedule "{name}" in the pico {pico.name} already'
                raise PicoschedError(there, "conflict")
            return made

        made = await self._console.run(work)
        if made.warnings:
            await _tell_warnings(made.warnings)
        return schedule_path(made.id)

    async def _add_source(self) -> str:
        """Make a source; returns the path of its page."""
        engine, declaration = self._console.engine, self._declaration()
        return f"/sources/{await self._console.run(lambda: engine.add_source(declaration))}"

    @property
    def _event_named(self) -> str:
        return (self._event.value or "").strip()

    @property
    def _called(self) -> str:
        return (self._name.value or "").strip()

    @property
    def _attributes(self) -> dict[str, Any]:
        return parse_map(self._attrs.value or "", "attributes")

    def _declaration(self) -> dict[str, Any]:
        event = self._event_named
        within = {"window": self._window.value} if self._window.value else {}
        entry = {"name": "entry", "when": self._spec, "event": event, "attrs": self._attributes, **within}
        return {
            "type": "crontab",
            "name": self._called or f"{event} {self._spec}",
            "tz": self._tz,
            "to": {self._those.value: (self._named.value or "").strip()},
            "entries": [entry],
        }


async def _tell_warnings(warnings: Sequence[str]) -> None:
    """Show what is odd about a schedule that was made, until it is read."""
    with named_dialog("Scheduled") as dialog, ui.card():
        text("h2", "Scheduled")
        text("p", "It is scheduled as you wrote it. You may want to change or cancel it, because:", "muted")
        for each in warnings:
            text("p", each)
        with box("dialog-buttons"):
            button("To the schedule", dialog.close, "primary").props("autofocus")
    await dialog
    dialog.clear()


def _fault_of_event(given: str | None) -> str | None:
    event = (given or "").strip()
    found = f'found "{event}", ' if event else ""
    return None if EVENT.fullmatch(event) else f"{found}wanted {WANTED}"
