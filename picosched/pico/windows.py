"""The windows that a ruleset sees in a pico: its own, and those of the engine's configuration.

A ruleset's own window hides a configured one with the same name. An error in a ruleset's window has its span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from picosched.errors import KrlError, PicoschedError
from picosched.schedule.window import Window
from picosched.settings import Settings
from picosched.timespec.almanac import Almanac

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset
    from picosched.krl.windows import Declared


def windows_of(ruleset: Ruleset, settings: Settings) -> dict[str, Window]:
    """name → window. KrlError if one is invalid."""
    own = {name: _parsed(each, settings.almanac) for name, each in ruleset.windows.items()}
    return {each.name: each for each in settings.windows} | own


def load_window(ruleset: Ruleset, settings: Settings, name: str) -> Window:
    """The window with that name. KrlError `not_found` if there is none."""
    windows = windows_of(ruleset, settings)
    if name not in windows:
        wanted = f"one of {', '.join(windows)}" if windows else "one that the ruleset or the settings name"
        raise KrlError(f"found the window {name}, wanted {wanted}", code="not_found")
    return windows[name]


def _parsed(window: Declared, almanac: Almanac) -> Window:
    try:
        return Window.parse(window.name, window.opens, window.closes, window.tz, almanac)
    except PicoschedError as error:
        raise KrlError(f"the window {window.name}: {error.message}", window.span) from error
