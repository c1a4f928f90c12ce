"""The windows that a ruleset sees in a pico: its own, and those of the engine's configuration.

A ruleset's own window hides a configured one with the same name. One that depends on entity variables is made
anew each time it is asked for, of what they are then. An error in a ruleset's window has its span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from picosched.errors import KrlError, PicoschedError
from picosched.krl.size import charge
from picosched.schedule.window import Unset, Window
from picosched.settings import Settings
from picosched.timespec.almanac import Almanac

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset
    from picosched.krl.windows import Declared

READ = 60
"""Steps per character for parsing a timespec."""

Entity = Callable[[str], Any]
"""The name of an entity variable → its value."""


class Windows(Mapping[str, Window | Unset]):
    """Name → window, for a ruleset in a pico whose variables `entity` reads; without one, the configured."""

    def __init__(self, ruleset: Ruleset | None, settings: Settings, entity: Entity) -> None:
        """KrlError if a window of literals is invalid."""
        self._almanac, self._entity = settings.almanac, entity
        declared = {} if ruleset is None else ruleset.windows
        self._variable = {name: each for name, each in declared.items() if each.variables}
        self._fixed = {each.name: each for each in settings.windows} | {
            name: _parsed(each, settings.almanac)
            for name, each in declared.items()
            if name not in self._variable
        }

    def __getitem__(self, name: str) -> Window | Unset:
        declared = self._variable.get(name)
        return self._fixed[name] if declared is None else _as_set(declared, self._almanac, self._entity)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fixed | self._variable)

    def __len__(self) -> int:
        return len(self._fixed | self._variable)


def load_window(ruleset: Ruleset | None, settings: Settings, name: str, entity: Entity) -> Window | Unset:
    """The window with that name. KrlError `not_found` if there is none."""
    windows = Windows(ruleset, settings, entity)
    if name not in windows:
        wanted = f"one of {', '.join(windows)}" if windows else "one that the ruleset or the settings name"
        raise KrlError(f"found the window {name}, wanted {wanted}", code="not_found")
    return windows[name]


def _parsed(window: Declared, almanac: Almanac) -> Window:
    try:
        return Window.parse(window.name, window.opens, window.closes, window.tz, almanac)
    except PicoschedError as error:
        raise KrlError(f"the window {window.name}: {error.message}", window.span) from error


def _as_set(window: Declared, almanac: Almanac, entity: Entity) -> Window | Unset:
    """A window as the variables are now."""
    from picosched.krl.windows import Variable  # late, as `krl.running` explains

    found: list[Any] = []
    for part in (window.opens, window.closes, window.tz):
        value = part
        if isinstance(part, Variable):
            value = entity(part.name)
            value = part.default if value is None else value
            if value is None and part is window.tz:
                value = "UTC"
            if value is None:
                return Unset(window.name, f"the window {window.name} is not set: ent:{part.name} is null")
        charge(READ * len(str(value)))
        found.append(value)
    try:
        opens, closes, tz = found
        made = Window.parse(window.name, opens, closes, tz, almanac)
    except PicoschedError as error:
        names = ", ".join(f"ent:{each}" for each in sorted(window.variables))
        why = f"the window {window.name} of {names}: {error.message}"
        return Unset(window.name, why, faulty=True)
    if made.never_opens:
        return Unset(window.name, f"the window {window.name} closes whenever it opens")
    return made
