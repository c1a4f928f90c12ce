"""The engine's methods for deliveries: lists, retries and drops events on their way to other engines.

Alerts send deliveries as well: what became of the last of each is here too.
"""

from __future__ import annotations

from collections import Counter

from picosched.clock import from_ms
from picosched.due.alerting import NOTE
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.pico.delivery import Delivery
from picosched.schedule.alert import Alert, AlertState, LastTold, shown_to
from picosched.store import rows

MOST = 1_000
"""Deliveries of each kind that are looked through for alerts."""


class Delivering(Wiring):
    """The part of an engine for deliveries and alerts. Every method may raise the store's PicoschedError."""

    def deliveries(
        self, *, dead: bool = False, pico_id: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """Pending deliveries, the next to try first; or dead letters, the oldest first."""
        return self.read(lambda: self.store.deliveries.listed(dead=dead, limit=limit, pico_id=pico_id))

    def delivery(self, id: str) -> Delivery:
        """The delivery with that id; `not_found` if there is none."""
        found = self.read(self.store.deliveries.find, id)
        if found is None:
            raise PicoschedError(f"there is no delivery {id}", "not_found")
        return found

    def retry_delivery(self, id: str) -> bool:
        """Try a delivery now; one that is dead is pending again. False if there is none."""
        self.permit("retried")

        def work() -> bool:
            found = self.store.deliveries.find(id)
            if found is None:
                return False
            self.store.need(found.pico_id or found.source_id)
            self.note("retried", "delivery", id, found.shown_url)
            return self.store.deliveries.retry(id, self.now())

        done = self.write(work)
        if done:
            self.look_again()
        return done

    def drop_delivery(self, id: str) -> bool:
        """Drop a delivery: it is not sent any more. False if there is none.

        If it is pending and a source sent it, its occurrence fails.
        """
        self.permit("dropped")

        def work() -> bool:
            found = self.store.deliveries.find(id)
            if found is None:
                return False
            self.store.need(found.pico_id or found.source_id)
            self.store.deliveries.remove(id)
            self.note("dropped", "delivery", id, found.shown_url)
            entry = self.store.sources.find_entry(found.entry_id) if found.entry_id else None
            if entry is not None and found.dead is None:
                self.outcomes.ended_elsewhere(entry, found.nominal, "the delivery was dropped")
            return True

        return self.write(work)

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
