"""The dialog of a window: makes one, or changes one that was made; it shows when it would be open."""

from __future__ import annotations

from nicegui import ui

from picosched.errors import PicoschedError
from picosched.schedule.window_state import Preview, WindowState
from picosched.timespec.timespec import MAX_LENGTH
from picosched.web.console.asked import Asked
from picosched.web.console.frame import Console
from picosched.web.console.local_time import reader_zone
from picosched.web.console.parts import box, moment, text


async def ask_window(console: Console, old: WindowState | None = None) -> bool:
    """Make a window, or change one; whether it was done."""
    title, verb = ("A new window", "Create") if old is None else (f"The window {old.name}", "Change")
    with Asked(console, title, verb, wide=True) as asked:
        fields = _Fields(console, old)

    def work() -> None:
        opens, closes, tz = fields.given
        if old is None:
            console.engine.add_window(fields.name, opens, closes, tz=tz)
        else:
            console.engine.change_window(old.name, opens=opens, closes=closes, tz=tz)

    return await asked.done(work)


class _Fields:
    def __init__(self, console: Console, old: WindowState | None) -> None:
        self._console = console
        self._asked = 0
        """Previews asked for; an answer that comes when there is a later one is not shown."""
        if old is None:
            self._name = ui.input("Name").props("autofocus autocomplete=off maxlength=64")
        opens, closes, zone = ("", "", reader_zone().key) if old is None else (old.opens, old.closes, old.tz)
        self._opens = ui.input("Opens", value=opens, placeholder="weekdays at 8:00").classes("mono")
        self._closes = ui.input("Closes", value=closes, placeholder="weekdays at 18:00").classes("mono")
        self._zone = ui.input("Zone", value=zone)
        for field in (self._opens, self._closes):
            field.props(f"debounce=200 autocomplete=off stack-label maxlength={MAX_LENGTH}")
        self._zone.props("debounce=200 autocomplete=off maxlength=64")
        with box("preview") as told:
            told.props("aria-live=polite")
            self._told = ui.element("div").classes("stack-small")
        for field in (self._opens, self._closes, self._zone):
            field.on_value_change(self._preview)
        ui.timer(0, self._preview, once=True)

    @property
    def name(self) -> str:
        return (self._name.value or "").strip()

    @property
    def given(self) -> tuple[str, str, str]:
        """When it opens and closes, and the zone."""
        opens, closes, zone = ((each.value or "").strip() for each in (self._opens, self._closes, self._zone))
        return opens, closes, zone or "UTC"

    async def _preview(self) -> None:
        engine, (opens, closes, tz) = self._console.engine, self.given
        self._asked += 1
        asked = self._asked
        preview: Preview | str = "Each is a timespec: weekdays at 8:00 · 0 18 * * 1-5 · every day at sunset"
        if opens and closes:
            try:
                preview = await self._console.run(lambda: engine.preview_window("", opens, closes, tz=tz))
            except PicoschedError as error:
                preview = str(error)
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
        with ui.element("p").classes("small"):
            text("span", "open from")
            moment(opens)
            text("span", "on" if closes is None else "to")
            if closes is not None:
                moment(closes)
