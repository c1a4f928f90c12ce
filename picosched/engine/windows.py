"""The engine's methods for windows that all rulesets see: lists, makes, changes and removes them.

What is made here is kept in the database. It holds on every machine that shares it, for each transaction that
reads windows after its commit. One of the settings is changed where it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from picosched.engine.wiring import T, Wiring
from picosched.errors import PicoschedError
from picosched.intervention import WINDOW_PUT, WINDOW_REMOVED
from picosched.krl.library.window import no_window
from picosched.pico.windows import windows_of
from picosched.schedule.window import LONGEST, MOST, MadeWindow, Window, of_table
from picosched.settings import Settings
from picosched.tokens import checked_name
from picosched.turns import windows as edges

if TYPE_CHECKING:
    from picosched.schedule.window_state import Preview, WindowState

NAMED = 5
"""How many of these an error names."""


class Windowed(Wiring):
    """The part of an engine for windows. Every method may raise the store's PicoschedError."""

    def windows(self) -> list[WindowState]:
        """The states of the windows that all rulesets see: those of the settings in their order, then those
        made here, by name.
        """
        from picosched.engine.depending import Depending, state_of  # late, as it is rarely wanted

        depending = Depending(self.store, self.loaded)
        names = self.read(lambda: [*windows_of(self.settings, self.store.windows.all)])
        known = self.store, self.settings, depending
        found = [self.read(state_of, *known, name, self.now()) for name in names]  # others come in between
        return [each for each in found if each is not None]

    def add_window(
        self, name: str, opens: str | Mapping[str, Any], closes: str | Mapping[str, Any], *, tz: str = "UTC"
    ) -> WindowState:
        """Make a window, with the values of a table [window.NAME]; it holds from now on.

        `invalid` for a name, timespec or zone that cannot be, and for a window that never opens; `conflict`
        if the name is taken or there are too many.
        """
        self.permit("added")
        window = self._window_given(checked_name(name, "a window"), opens, closes, tz)

        def work() -> WindowState:
            self._need_window(name)
            known = self.store.windows.all()
            if any(each.name == name for each in known):
                raise PicoschedError(f"there is a window {name} already, wanted another name", "conflict")
            if len(known) >= MOST:
                raise PicoschedError(f"there are {MOST} windows, wanted no more", "conflict")
            self._put_window("added", window)
            return self._state_of_window(name)

        return self._followed(self.write(work))

    def change_window(
        self,
        name: str,
        *,
        opens: str | Mapping[str, Any] | None = None,
        closes: str | Mapping[str, Any] | None = None,
        tz: str | None = None,
    ) -> WindowState:
        """Change what is given of a window that was made here; this raises no edge itself.

        Errors as for `add_window`, and `not_found` if there is none of that name.
        """
        self.permit("changed")

        def work() -> WindowState:
            self._need_window(name)
            kept = next((each for each in self.store.windows.all() if each.name == name), None)
            if kept is None:
                names = [each.name for each in self.store.windows.all()]
                raise PicoschedError(no_window(name, names), "not_found")
            window = self._window_given(
                name,
                kept.opens if opens is None else opens,
                kept.closes if closes is None else closes,
                kept.tz if tz is None else tz,
            )
            if (window.opens.text, window.closes.text, window.tz) != (kept.opens, kept.closes, kept.tz):
                self._put_window("changed", window)
            return self._state_of_window(name)

        return self._followed(self.write(work))

    def remove_window(self, name: str, *, force: bool = False) -> bool:
        """Remove a window that was made here, with its edges; False if there is none.

        `conflict` for one of the settings. Also if something depends on it, unless `force`: then each
        occurrence that is tied to it is recorded as `failed`, and rules that ask for it fail.
        """
        from picosched.engine.depending import Depending  # late, as it is rarely wanted

        self.permit("removed")

        def work() -> bool:
            self.store.need("")
            if all(each.name != name for each in self.store.windows.all()):
                self._need_window(name)
                return False
            configured = any(each.name == name for each in self.settings.windows)
            if not force and not configured and (users := Depending(self.store, self.loaded).named(name)):
                more = f" and {len(users) - NAMED:,} more" if len(users) > NAMED else ""
                found = f"found the window {name} in use by {', '.join(users[:NAMED])}{more}"
                raise PicoschedError(f"{found}; wanted nothing that depends on it, or force", "conflict")
            self.store.windows.remove(name)
            self.note("removed", "window", name)
            self.keep(WINDOW_REMOVED, self.now(), name=name)
            edges.follow_from_start(self.store, self.loaded, self.now())
            return True

        return self._followed(self.write(work))

    def window_users(self, name: str) -> list[str]:
        """What depends on a window, in words: the first five, and how many more there are."""
        from picosched.engine.depending import Depending  # late, as it is rarely wanted

        users = self.read(lambda: Depending(self.store, self.loaded).named(name))
        more = [f"{len(users) - NAMED:,} more"] if len(users) > NAMED else []
        return [*users[:NAMED], *more]

    def preview_window(
        self, name: str, opens: str | Mapping[str, Any], closes: str | Mapping[str, Any], *, tz: str = "UTC"
    ) -> Preview:
        """What a window would be, in words and with its next openings. Errors as for `add_window`."""
        from picosched.schedule.window_state import previewed  # late, as it is rarely wanted

        return previewed(self._window_given(name or "new", opens, closes, tz), self.now())

    def check_windows(self) -> None:
        """`conflict` if a window of the settings has the name of one that was made: which of them holds?"""
        configured = {each.name for each in self.settings.windows}
        for each in self.read(self.store.windows.all):
            if each.name in configured:
                found = f"found the window {each.name} in the settings, and one made by {each.made_by}"
                wanted = "wanted one of them: rename the table, or use `picosched remove-window`"
                raise PicoschedError(f"{found}, {wanted}", "conflict")

    def settings_with_windows(self) -> Settings:
        """The settings, as if those windows that were made stood in them: for checks of rulesets."""
        return self.read(lambda: edges.settings_with(self.store, self.settings))

    def _window_given(self, name: str, opens: object, closes: object, tz: str) -> Window:
        for each in (opens, closes, tz):
            if isinstance(each, str) and len(each) > LONGEST:
                wanted = f"wanted timespecs of at most {LONGEST:,}"
                raise PicoschedError(f"window {name}: found {len(each):,} characters, {wanted}", "too_large")
        return of_table(name, {"from": opens, "to": closes, "in": tz}, self.settings.almanac)

    def _need_window(self, name: str) -> None:
        """Inside a transaction: windows are changed, and this one is none of the settings."""
        self.store.need("")  # so that no other process changes one meanwhile
        if any(each.name == name for each in self.settings.windows):
            where = f"the window {name} is a table [window.{name}] of the settings"
            raise PicoschedError(f"{where}: change it there and restart, or use another name", "conflict")

    def _put_window(self, what: str, window: Window) -> None:
        now, given = self.now(), (window.opens.text, window.closes.text, window.tz)
        self.store.windows.put(MadeWindow(window.name, *given, now, str(self.by)))
        self.note(what, "window", window.name, window.explain())
        self.keep(WINDOW_PUT, now, name=window.name, opens=given[0], closes=given[1], tz=given[2])
        edges.follow_from_start(self.store, self.loaded, now)

    def _followed(self, done: T) -> T:
        """After the commit: let the picos follow that are left; `done` is what the transaction returned."""
        self._left.follow()
        self.look_again()
        return done

    def _state_of_window(self, name: str) -> WindowState:
        """That of a window that there is."""
        from picosched.engine.depending import Depending, state_of  # late, as it is rarely wanted

        depending = Depending(self.store, self.loaded)
        state = state_of(self.store, self.settings, depending, name, self.now())
        assert state is not None  # it was just put
        return state
