"""The windows of a server that all rulesets see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picosched.remote.line import Line, part
from picosched.schedule.window_state import WindowState, read_window_state


class RemoteWindows:
    """The part of `Remote` for windows."""

    _line: Line

    def windows(self) -> list[WindowState]:
        """The states of all windows that all rulesets see: the server's settings, then those made."""
        return [read_window_state(told) for told in self._line.ask("GET", "/api/windows")]

    def add_window(
        self, name: str, opens: str | Mapping[str, Any], closes: str | Mapping[str, Any], *, tz: str = "UTC"
    ) -> WindowState:
        """Make a window; it holds from now on."""
        body = {"name": name, "from": opens, "to": closes, "in": tz}
        return read_window_state(self._line.ask("POST", "/api/windows", body=body))

    def change_window(
        self,
        name: str,
        *,
        opens: str | Mapping[str, Any] | None = None,
        closes: str | Mapping[str, Any] | None = None,
        tz: str | None = None,
    ) -> WindowState:
        """Change what is given of a window that was made there; `invalid` if nothing is."""
        body = {"from": opens, "to": closes, "in": tz}
        return read_window_state(self._line.ask("PATCH", f"/api/windows/{part(name)}", body=body))

    def remove_window(self, name: str, *, force: bool = False) -> bool:
        """Remove a window that was made there. False if there is none; `conflict` if something depends on it,
        unless `force`, or for one of the settings.
        """
        return self._line.change("DELETE", f"/api/windows/{part(name)}", {"force": force})
