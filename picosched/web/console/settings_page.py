"""The zone of the reader, and the settings of the server as they are in force.

Passwords, keys and the secrets of alerts are not shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from zoneinfo import available_timezones

from nicegui import ui

from picosched.settings import ALMANAC, LIMITS, LISTS, NAMES, Settings
from picosched.web.console.frame import Console, frame
from picosched.web.console.local_time import OWN, chosen_zone
from picosched.web.console.parts import box, long_name, panel, text

HERE = "/settings"
PLACES = tuple(
    f"{each}/" for each in "Africa America Antarctica Asia Atlantic Australia Europe Indian Pacific".split()
)
"""How the names of zones begin that are places."""
NAMED = ("windows", "keys", "alerts")
"""Settings that are tables, each with a name."""
UNITS = {"granularity": " s", "min_period": " s", "proc_timeout": " s"}
"""Of numbers whose name does not say it."""


def add_pages(console: Console) -> None:
    """The page of the settings."""

    @console.page(HERE)
    async def settings() -> None:
        with frame(console, "Settings", HERE):
            with box("head"):
                text("h1", "Settings")
            with panel("Yours", "kept in this browser"):
                _zone()
            with (
                panel("Of the server", "read from picosched.toml and the environment when it starts"),
                ui.element("dl").classes("fields"),
            ):
                for name, value in shown(console.engine.settings):
                    text("dt", name, "mono").props(f"id={name}")
                    long_name("dd", value or "–", "mono")


def _zone() -> None:
    own = "the browser's own"
    names = ["UTC", *sorted(each for each in available_timezones() if each.startswith(PLACES))]
    zones = {OWN: own, **{name: name for name in names}}
    chosen = ui.select(zones, label="Zone of all times", value=chosen_zone() or OWN, with_input=True)
    chosen.props("id=zone").style("max-width: 360px")
    chosen.on_value_change(lambda: ui.run_javascript(f"picosched.useZone({json.dumps(chosen.value or OWN)})"))
    text("p", "A time typed without an offset is in this zone as well.", "muted small")


def shown(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each setting with its value in words."""
    almanac = settings.almanac
    made = dict(zip(ALMANAC, (almanac.calendars, almanac.places, almanac.business_days), strict=True))
    for name in NAMES:
        if name == "smtp":
            yield name, "given" if settings.smtp else ""
        elif name in NAMED:
            yield name, ", ".join(each.name for each in getattr(settings, name))
        elif name == "proc_allow":
            yield name, ", ".join(each.path for each in settings.proc_allow)
        elif name in LISTS:
            yield name, ", ".join(getattr(settings, name))
        elif name in made:
            value = made[name]
            yield name, value if isinstance(value, str) else ", ".join(value)
        else:
            found = getattr(settings.limits if name in LIMITS else settings, name)
            yield name, f"{found:,}{UNITS.get(name, '')}" if isinstance(found, int | float) else found
