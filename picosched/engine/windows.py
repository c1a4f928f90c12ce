"""The engine's methods for windows that all rulesets see: lists, makes, changes and removes them.

What is made here is kept in the database. It holds on every machine that shares it, for each transaction that
reads windows after its commit. One of the settings is changed where it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import WINDOW_PUT, WINDOW_REMOVED
from picosched.schedule.window import MOST, MadeWindow, Window, of_table
from picosched.settings import Settings
from picosched.timespec.timespec import MAX_LENGTH
from picosched.tokens import checked_name
from picosched.turns import windows as edges

if TYPE_CHECKING:
    from picosched.engine.depending import Depending, Records
    from picosched.schedule.window_state import Preview, WindowState

NAMED = 5
"""How many of these an error names."""


class Windowed(Wiring):
    """The part of an engine for windows. Every method may raise the store's PicoschedError."""

    def windows(self) -> list[WindowState]:
        """The states of the windows that all rulesets see: those of the settings in their order, then those
        made here, by name.
        """
        from picosched.engine.depending import states  # late: rarely wanted

        return states(self.settings, *self._looked_at(), self.now())

    def add_window(
        self, name: str, opens: str | Mapping[str, Any], closes: str | Mapping[str, Any], *, tz: str = "UTC"
    ) -> WindowState:
        """Make a window, with the values of a table [window.NAME]; it holds from now on.

        `invalid` for a name, timespec or zone that cannot be, and for a window that never opens; `conflict`
        if the name is taken or there are too many.
        """
        self.permit("added")
        window = self._window_given(checked_name(name, "a window"), opens, closes, tz)

        def work() -> None:
            self._refuse_configured(name)
            known = self.store.windows.all()
            if any(each.name == name for each in known):
                raise PicoschedError(f"found a window {name} already, wanted another name", "conflict")
            if len(known) >= MOST:
                raise PicoschedError(f"found {MOST} windows, wanted at most {MOST}", "conflict")
            self._put_window("added", window)

        self.write(work)
        return self._followed(name)

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

        def work() -> None:
            self._refuse_configured(name)
            kept = next((each for each in self.store.windows.all() if each.name == name), None)
            if kept is None:
                from picosched.krl.library.window import no_window  # late, as it is rarely wanted

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

        self.write(work)
        return self._followed(name)

    def remove_window(self, name: str, *, force: bool = False) -> bool:
        """Remove a window that was made here, with its edges; False if there is none.

        If the settings have one of that name as well, that one holds from then on, as it did before; one that
        only the settings have is `conflict`. `conflict` also if something depends on it, unless `force`: then
        each occurrence that is tied to it is recorded as `failed`, and rules that ask for it fail.
        """
        from picosched.engine.depending import Depending, known_of, look_at  # late: rarely wanted

        self.permit("removed")
        # What nobody has looked at yet is looked at before the transaction, as that may take long.
        for each in known_of(self.read(self.store.windows.rulesets), self.loaded, self._text_read).values():
            each.depends_on(name)

        def work() -> bool:
            self.store.need("")
            if all(each.name != name for each in self.store.windows.all()):
                self._refuse_configured(name)
                return False
            users: list[str] = []
            if all(each.name != name for each in self.settings.windows):
                records = look_at(self.store)
                known = known_of(records.rulesets, self.loaded, self._text_of)
                depending = Depending(records, known, self.store.almanac)
                users = depending.named(name, self.store, NAMED)
            used = listed(users)
            if users and not force:
                wanted = "wanted nothing that depends on it, or force (`--force`, `force=true`)"
                raise PicoschedError(f"found the window {name} in use by {used}; {wanted}", "conflict")
            self.store.windows.remove(name)
            self.note("removed", "window", name, f"forced, though in use by {used}" if users else None)
            self.keep(WINDOW_REMOVED, self.now(), name=name)
            edges.follow_from_start(self.store, self.loaded, name, self.now())
            return True

        removed = self.write(work)
        if removed:
            self._follow()
        return removed

    def window_users(self, name: str) -> list[str]:
        """What depends on a window, in words: the first five, and how many more there are."""
        _, depending = self._looked_at()
        return self.read(depending.named, name, self.store, NAMED)

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

    def _window_given(self, name: str, opens: object, closes: object, tz: object) -> Window:
        for what, each in (("timespec", opens), ("timespec", closes), ("zone", tz)):
            if isinstance(each, str) and len(each) > MAX_LENGTH:
                found = f"found a {what} of {len(each):,} characters, wanted at most {MAX_LENGTH:,}"
                raise PicoschedError(f"window {name}: {found}", "too_large")
        return of_table(name, {"from": opens, "to": closes, "in": tz}, self.settings.almanac)

    def _refuse_configured(self, name: str) -> None:
        """Inside a transaction that changes windows: `conflict` if this one is of the settings, be they those
        of other machines.
        """
        self.store.need("")  # so that no other process changes one meanwhile
        if name in {*(each.name for each in self.settings.windows), *edges.configured(self.store)}:
            where = f"the window {name} is a table [window.{name}] of the settings"
            raise PicoschedError(f"{where}: change it there and restart, or use another name", "conflict")

    def _put_window(self, what: str, window: Window) -> None:
        now, given = self.now(), (window.opens.text, window.closes.text, window.tz)
        self.store.windows.put(MadeWindow(window.name, *given, now, str(self.by)))
        self.note(what, "window", window.name, window.explain())
        self.keep(WINDOW_PUT, now, name=window.name, opens=given[0], closes=given[1], tz=given[2])
        edges.follow_from_start(self.store, self.loaded, window.name, now)

    def _followed(self, name: str) -> WindowState:
        """After the commit that made or changed a window: its state, once all picos follow it."""
        self._follow()
        found = next((each for each in self.windows() if each.name == name), None)
        if found is None:
            raise PicoschedError(f"somebody has removed the window {name} meanwhile", "conflict")
        return found

    def _follow(self) -> None:
        """After a commit that may have left a mark: let the picos follow that are left."""
        self._sweep.unfinished = True
        self._sweep.follow()
        self.look_again()

    def _looked_at(self) -> tuple[Records, Depending]:
        """What is kept of windows, and what depends on them; texts that are new are read one by one."""
        from picosched.engine.depending import Depending, known_of, look_at  # late: rarely wanted

        records = self.read(look_at, self.store)
        known = known_of(records.rulesets, self.loaded, self._text_read)
        return records, Depending(records, known, self.store.almanac)

    def _text_read(self, digest: str) -> str | None:
        """As `_text_of`, outside a transaction."""
        return self.read(self._text_of, digest)

    def _text_of(self, digest: str) -> str | None:
        row = self.store.picos.find_ruleset(digest)
        return None if row is None else row.text


def listed(users: Sequence[str]) -> str:
    """As in "the schedule tea, the source tick and 3 more"."""
    *before, last = users or ["nothing"]
    return f"{', '.join(before)} and {last}" if last.endswith(" more") else ", ".join(users)
