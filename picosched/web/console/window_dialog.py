"""The dialog of a window: makes one, or changes one that was made; it shows when it would be open."""

from __future__ import annotations

from nicegui import ui
from nicegui.elements.input import Input

from picosched.errors import PicoschedError
from picosched.schedule.window_state import Preview, WindowState
from picosched.timespec.timespec import MAX_LENGTH, Timespec
from picosched.timespec.zone import check_zone
from picosched.tokens import checked_name
from picosched.web.console.asked import Asked
from picosched.web.console.frame import Console
from picosched.web.console.local_time import reader_zone
from picosched.web.console.parts import box, fault_in, moment, text


async def ask_window(console: Console, old: WindowState | None = None) -> bool:
    """Make a window, or change one; whether it was done."""
    settings = await console.run(console.engine.settings_with_windows)
    title, verb = ("A new window", "Create") if old is None else (f"The window {old.name}", "Change")
    with Asked(console, title, verb, wide=True) as asked:
        fields = _Fields(console, old, {each.name for each in settings.windows})

    def work() -> None:
        opens, closes, tz = fields.given
        if old is None:
            console.engine.add_window(fields.name, opens, closes, tz=tz)
        else:
            console.engine.change_window(old.name, opens=opens, closes=closes, tz=tz)

    return await asked.done(work)


class _Fields:
    def __init__(self, console: Console, old: WindowState | None, taken: set[str]) -> None:
        self._console = console
        self._old = old
        self._taken = taken
        self._asked = 0
        """Previews asked for; an answer that comes when there is a later one is not shown."""
        if old is None:
            self._name = ui.input("Name", validation=lambda _: fault_in(self._check_name))
            self._name.props("autofocus autocomplete=off maxlength=64 debounce=200")
        opens, closes, zone = ("", "", reader_zone().key) if old is None else (old.opens, old.closes, old.tz)
        self._opens = self._timespec("Opens", opens, "weekdays at 8:00")
        self._closes = self._timespec("Closes", closes, "weekdays at 18:00")
        self._zone = ui.input("Zone", value=zone, validation=lambda _: fault_in(self._check_zone))
        self._zone.props("debounce=200 autocomplete=off maxlength=64")
        with box("preview") as told:
            told.props("aria-live=polite")
            self._told = ui.element("div").classes("stack-small")
        for field in (self._opens, self._closes, self._zone):
            field.on_value_change(self._preview)
        ui.timer(0, self._preview, once=True)

    def _timespec(self, label: str, value: str, hint: str) -> Input:
        """A field of a timespec; what is wrong with it stands there."""

        def check(given: str | None) -> str | None:
            almanac = self._console.engine.settings.almanac
            return fault_in(lambda: Timespec.parse(given.strip(), "UTC", almanac)) if given else None

        field = ui.input(label, value=value, placeholder=hint, validation=check).classes("mono")
        return field.props(f"debounce=200 autocomplete=off stack-label maxlength={MAX_LENGTH}")

    @property
    def name(self) -> str:
        """What it is called, or is to be."""
        return (self._name.value or "").strip() if self._old is None else self._old.name

    def _check_name(self) -> None:
        if checked_name(self.name, "a window") in self._taken:
            raise PicoschedError(f"found a window {self.name} already, wanted another name")

    def _check_zone(self) -> None:
        check_zone(self.given[2])

    @property
    def given(self) -> tuple[str, str, str]:
        """When it opens and closes, and the zone."""
        opens, closes, zone = ((each.value or "").strip() for each in (self._opens, self._closes, self._zone))
        return opens, closes, zone or "UTC"

    async def _preview(self) -> None:
        engine, (opens, closes, tz) = self._console.engine, self.given
        self._asked += 1
        asked = self._asked
        preview: Preview | str = "Each is a timespec: weekdays at 8:00 · 0 18 * * 1-5 · every day at 22:00"
        right = [each.validate() for each in (self._opens, self._closes, self._zone)]
        if opens and closes and all(right):
            try:
                preview = await self._console.run(lambda: engine.preview_window("new", opens, closes, tz=tz))
            except PicoschedError as error:
                preview = error.message.removeprefix("window new: ")
        if asked == self._asked and not self._told.is_deleted:
            self._told.clear()
            with self._told:
                _show(preview)


def _show(preview: Preview | str) -> None:
    if isinstance(preview, str):
        text("p", preview, "small")
        return
    text("p", f"It {preview.says}. It is {'open' if preview.open else 'closed'} now.", "small")
    for opens, closes in preview.spans:
        with ui.element("p").classes("small span"):
            with ui.element("span"):
                text("span", "opens ")
                moment(opens)
            with ui.element("span"):
                text("span", "stays open" if closes is None else "closes ")
                if closes is not None:
                    moment(closes)
