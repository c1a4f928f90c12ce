"""Times in the zone of the reader: the one chosen on the page of the settings, else the browser's own.

The browser keeps it in a cookie, so that the server draws a page in it from the start. Before the first page
of a browser there is no cookie: that page is drawn in UTC, and again when the browser has told its zone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from nicegui import ui
from nicegui.elements.input import Input
from nicegui.events import GenericEventArguments

from picosched.clock import parse_time
from picosched.errors import PicoschedError
from picosched.timespec.zone import check_zone

COOKIE = "picosched-zone"
OWN = "~"
"""In the cookie before the browser's own zone, as opposed to a chosen one."""

UTC_ZONE = ZoneInfo("UTC")
TELL = "emitEvent('zone', picosched.zone())"


def keep_zone() -> None:
    """Remember the zones that the browser tells while the present page is open."""
    client = ui.context.client
    ui.on("zone", lambda event: client.storage.update(zone=str(event.args)))
    if not _cookie():
        ui.run_javascript(TELL)


def reader_zone() -> ZoneInfo:
    """The zone of the reader of the present page, as far as it is known."""
    return _zone(ui.context.client.storage.get("zone") or _cookie().removeprefix(OWN))


def chosen_zone() -> str | None:
    """The zone that the reader has chosen; None for the browser's own."""
    name = _cookie()
    return None if not name or name.startswith(OWN) else _zone(name).key


def follow_zone(use: Callable[[ZoneInfo], Awaitable[None]]) -> None:
    """Call `use` each time the browser tells another zone."""

    async def told(event: GenericEventArguments) -> None:
        await use(_zone(str(event.args)))

    ui.on("zone", told)


def local_text(time: datetime, zone: ZoneInfo) -> str:
    """`2026-03-01 09:30:00`, with the zone behind it."""
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}"


def read_local(text: str, zone: ZoneInfo) -> datetime:
    """Parse ISO 8601 text; without an offset it is in the zone. PicoschedError `invalid` for another text."""
    wanted = text.strip().replace(" ", "T")
    time = parse_time(wanted)
    read = datetime.fromisoformat(wanted.upper())
    return time if read.tzinfo is not None else parse_time(read.replace(tzinfo=zone).isoformat())


def time_field(label: str, value: str, hint: str = "") -> Input:
    """A field for a time as ISO 8601 text, with a calendar that writes it."""
    field = ui.input(label, value=value, placeholder=hint)
    with field.add_slot("append"):
        opener = ui.element("button").classes("icon-button").props('type=button aria-label="Calendar"')
        with opener:
            ui.label("▦").props("aria-hidden=true")
            with ui.menu().props("no-parent-event") as menu:
                calendar = ui.date(on_change=lambda event: _write(field, event.value))
                calendar.props("first-day-of-week=1")

        def open_it() -> None:
            calendar.value = (field.value or "")[:10] or None
            menu.toggle()

        opener.on("click", open_it)
    return field


def _write(field: Input, day: str | None) -> None:
    """Put a day into the place of that in the field; the time of day stays."""
    if day:
        rest = (field.value or "")[10:]
        field.value = day + rest if rest[:1] in ("T", " ") else day


def _cookie() -> str:
    return unquote(ui.context.client.request.cookies.get(COOKIE, ""))


def _zone(name: str) -> ZoneInfo:
    try:
        check_zone(name)
    except PicoschedError:
        return UTC_ZONE
    return ZoneInfo(name)
