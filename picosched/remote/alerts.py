"""The alerts of a server."""

from __future__ import annotations

from collections.abc import Sequence

from picosched.remote.line import Line, part
from picosched.schedule.alert import TOLD, AlertState, read_alert_state


class RemoteAlerts:
    """The part of `Remote` for alerts."""

    _line: Line

    def alerts(self) -> list[AlertState]:
        """The states of all alerts: those of the server's settings, then those made there, by name."""
        return [read_alert_state(told) for told in self._line.ask("GET", "/api/alerts")]

    def add_alert(
        self, name: str, to: str, *, on: Sequence[str] = TOLD, after: int = 1, secret: str = ""
    ) -> AlertState:
        """Make an alert; it holds from now on."""
        body = {"name": name, "to": to, "on": [*on], "after": after, "secret": secret}
        return read_alert_state(self._line.ask("POST", "/api/alerts", body=body))

    def change_alert(
        self,
        name: str,
        *,
        to: str | None = None,
        on: Sequence[str] | None = None,
        after: int | None = None,
        secret: str | None = None,
    ) -> AlertState:
        """Change what is given of an alert that was made there; `invalid` if nothing is."""
        body = {"to": to, "on": None if on is None else [*on], "after": after, "secret": secret}
        return read_alert_state(self._line.ask("PATCH", f"/api/alerts/{part(name)}", body=body))

    def remove_alert(self, name: str) -> bool:
        """Remove an alert that was made there. False if there is none; `conflict` for one of the settings."""
        return self._line.change("DELETE", f"/api/alerts/{part(name)}")

    def test_alert(self, name: str) -> None:
        """Let an alert tell of a happening "test"."""
        self._line.ask("POST", f"/api/alerts/{part(name)}/test")
