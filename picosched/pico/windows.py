"""The windows that a ruleset sees in a pico: its own, those of the settings, and those that people made.

A ruleset's own window hides others with the same name. Those that people made are read only if somebody asks
for a name that is none of the others, or for all windows. One that depends on entity variables is made
anew each time it is asked for, of what they are then. An error in a ruleset's window has its span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from picosched.errors import KrlError, PicoschedError
from picosched.krl.size import charge
from picosched.schedule.window import MadeWindow, Unset, Window
from picosched.settings import Settings
from picosched.timespec.almanac import Almanac

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset
    from picosched.krl.windows import Declared

READ = 60
"""Steps per character for parsing a timespec."""

Entity = Callable[[str], Any]
"""The name of an entity variable → its value."""

Made = Callable[[], Sequence[MadeWindow]]
"""Reads the windows that people made."""


class Windows(Mapping[str, Window | Unset]):
    """Name → window, for a ruleset in a pico whose variables `entity` reads; without one, those all see."""

    def __init__(self, ruleset: Ruleset | None, settings: Settings, entity: Entity, made: Made) -> None:
        """KrlError if a window of literals is invalid."""
        self._almanac, self._entity, self._made = settings.almanac, entity, made
        declared = {} if ruleset is None else ruleset.windows
        self._variable = {name: each for name, each in declared.items() if each.variables}
        self._fixed = {each.name: each for each in settings.windows} | {
            name: _parsed(each, settings.almanac)
            for name, each in declared.items()
            if name not in self._variable
        }

    def __getitem__(self, name: str) -> Window | Unset:
        if (declared := self._variable.get(name)) is not None:
            return _as_set(declared, self._almanac, self._entity)
        if (fixed := self._fixed.get(name)) is not None:
            return fixed
        for each in self._made():
            if each.name == name:
                return each.read(self._almanac)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._fixed, *self._variable, *(each.name for each in self._made()))))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def load_window(
    ruleset: Ruleset | None, settings: Settings, name: str, entity: Entity, made: Made
) -> Window | Unset:
    """The window with that name. KrlError `not_found` if there is none."""
    windows = Windows(ruleset, settings, entity, made)
    if (found := windows.get(name)) is None:
        from picosched.krl.library.window import no_window  # late, as it is rarely wanted

        raise KrlError(no_window(name, windows), code="not_found")
    return found


def windows_of(settings: Settings, made: Sequence[MadeWindow]) -> Windows:
    """The windows that all rulesets see; of the same name that of the settings wins."""
    return Windows(None, settings, lambda name: None, lambda: made)


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
