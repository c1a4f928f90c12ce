"""The engine's method for alerts: those of the settings, each with what became of the last thing it told."""

from __future__ import annotations

from collections import Counter

from picosched.clock import from_ms
from picosched.due.alerting import NOTE
from picosched.engine.wiring import Wiring
from picosched.schedule.alert import Alert, AlertState, LastTold, shown_to
from picosched.store import rows

MOST = 1_000
"""Deliveries of each kind that are looked through."""


class Alerting(Wiring):
    """The part of an engine for alerts. Its method may raise the store's PicoschedError."""

    def alerts(self) -> list[AlertState]:
        """The states of all alerts, in the order of the settings."""
        return self.read(self._alerts)

    def _alerts(self) -> list[AlertState]:
        waiting, dead = (
            Counter(each.alert for each in self.store.deliveries.listed(dead=dead, limit=MOST))
            for dead in (False, True)
        )
        return [self._alert(each, waiting[each.name], dead[each.name]) for each in self.settings.alerts]

    def _alert(self, alert: Alert, waiting: int, dead: int) -> AlertState:
        to, signed = shown_to(alert.to), bool(alert.secret)
        return AlertState(
            alert.name, to, alert.on, alert.after, signed, waiting, dead, self._last(alert.name)
        )

    def _last(self, name: str) -> LastTold | None:
        text = self.store.picos.meta(f"{NOTE}{name}")
        if text is None:
            return None
        noted = rows.load(text)
        return LastTold(from_ms(noted["at"]), noted.get("what"), noted["became"], noted["why"])
