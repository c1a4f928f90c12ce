"""The alerts of the settings, each with what became of the last thing that it told."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from picosched.clock import from_ms
from picosched.due.alerting import NOTE
from picosched.engine.wiring import Wiring
from picosched.schedule.alert import Alert
from picosched.store import rows

MOST = 1_000
"""Deliveries of each kind that are looked through."""


class Last(NamedTuple):
    """What became of the last thing that an alert told."""

    at: datetime
    became: str
    """"raised", "accepted", "tried again", "given up" or "dropped"."""
    why: str | None


class Told(NamedTuple):
    """An alert, and what became of what it told."""

    alert: Alert
    waiting: int
    """Deliveries that are on their way."""
    dead: int
    """Deliveries that were given up."""
    last: Last | None


def look_at_alerts(engine: Wiring) -> list[Told]:
    """All alerts, in the order of the settings."""

    def work() -> list[Told]:
        waiting, dead = (
            Counter(each.alert for each in engine.store.deliveries.listed(dead=dead, limit=MOST))
            for dead in (False, True)
        )
        return [
            Told(alert, waiting[alert.name], dead[alert.name], _last(engine, alert.name))
            for alert in engine.settings.alerts
        ]

    return engine.read(work)


def _last(engine: Wiring, name: str) -> Last | None:
    text = engine.store.picos.meta(f"{NOTE}{name}")
    if text is None:
        return None
    noted = rows.load(text)
    return Last(from_ms(noted["at"]), noted["became"], noted["why"])
