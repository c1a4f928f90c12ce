"""The engine's methods for deliveries: lists, retries and drops events on their way to other engines."""

from __future__ import annotations

from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import DELIVERY_DROPPED, DELIVERY_RETRIED
from picosched.pico.delivery import Delivery


class Delivering(Wiring):
    """The part of an engine for deliveries. Every method may raise the store's PicoschedError."""

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
            self._keep_delivery(DELIVERY_RETRIED, found)
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
            self._keep_delivery(DELIVERY_DROPPED, found)
            return True

        return self.write(work)

    def _keep_delivery(self, what: str, delivery: Delivery) -> None:
        """Keep for replays what is done to a delivery, and whose it is."""
        whose = {"pico": delivery.pico_id} if delivery.pico_id else {"source": delivery.source_id}
        self.keep(what, self.now(), id=delivery.id, **whose)
