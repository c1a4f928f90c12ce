"""Deliveries: events for other engines that rules and sources send, tried until they are accepted.

A delivery is sent at least once: the other engine may have accepted an event whose response was lost. Its
id is sent as `Idempotency-Key`, so that the other engine can detect repeats. A failed try is repeated with
exponential backoff, up to a bound, with jitter derived from the id; after a day we give up. A response that
would not change next time ends it at once. A delivery given up stays as a dead letter; if a source sent it,
its occurrence fails.

In the background deliveries have their own threads, so a slow host delays nothing else. Deliveries of one
pico or source may overtake each other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from picosched.due.alerting import ACCEPTED, AGAIN, GIVEN_UP, alerts_of, note, signature_of
from picosched.due.background import Background, away
from picosched.due.outcomes import Outcomes
from picosched.due.queue import Looked, Tick
from picosched.due.waiting import Ask
from picosched.due.wired import Wired
from picosched.krl.requests import TRACEPARENT, HttpRequest, HttpResponse
from picosched.krl.urls import without_user
from picosched.outside.mail import METHOD
from picosched.pico.delivery import Delivery
from picosched.schedule.alert import MAIL, Alert, text_of, what_of
from picosched.schedule.backoff import backoff
from picosched.store.due import Coming

log = logging.getLogger(__name__)

KEY = "Idempotency-Key"

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
EXPIRES = timedelta(hours=24)
"""How long to try before giving up."""

AT_ONCE = 4
"""Threads that send deliveries."""

OF_ONE = 2
"""Of them, for the deliveries of one pico or source."""

LINE = 20
"""Deliveries of one pico or source that may wait for a thread; all others wait in the database."""

TAKEN_UP = 50
"""Deliveries processed in one look."""

MAY_CHANGE = (408, 409, 425, 429)
"""4xx status codes for which a retry makes sense."""


class DeliveriesQueue(Background):
    """Sends due deliveries: one of the queues of a tick."""

    def __init__(self, wired: Wired, outcomes: Outcomes, ask: Ask) -> None:
        name = "picosched-delivering"
        super().__init__(name, wired.look_again, at_once=AT_ONCE, of_one=OF_ONE, line=LINE)
        self._store, self._commits, self._settings = wired.store, wired.commits, wired.settings
        self._outcomes = outcomes
        self._ask = ask
        self._now = wired.now

    def run_due(self, coming: Coming, tick: Tick) -> Looked:
        if coming.due is None or coming.due > tick.now:
            return Looked()
        rows = self._commits.read(self._store.deliveries.due, tick.now, TAKEN_UP, self.left_out(tick.stuck))
        for id, owner in rows:
            run = partial(self._deliver, id)
            if not self.in_background(id, owner, run) and (error := run()) is not None:
                tick.stuck[id] = error
        return Looked()  # no event is raised here

    def end_tick(self) -> None:
        """Nothing to forget."""

    def _deliver(self, id: str) -> Exception | None:
        """Send one event and write the outcome; return the error if the database fails."""
        delivery, alerts = self._commits.read(self._read, id)
        if delivery is None or delivery.dead is not None:
            return None
        with away():
            answer = self._ask(request_of(delivery, alerts))
        (outcome,) = self._commits.perform_all(partial(self._settle, delivery), (answer,))
        return outcome if isinstance(outcome, Exception) else None

    def _read(self, id: str) -> tuple[Delivery | None, tuple[Alert, ...]]:
        """The delivery with that id, and if an alert sent it, the alerts as they are now."""
        found = self._store.deliveries.find(id)
        by_alert = found is not None and found.alert is not None
        return found, alerts_of(self._store, self._settings) if by_alert else ()

    def _settle(self, delivery: Delivery, answer: HttpResponse) -> None:
        now, deliveries = self._now(), self._store.deliveries
        self._store.need(delivery.pico_id or delivery.source_id)
        if deliveries.find(delivery.id) is None:
            return  # dropped, or sent by another process as well
        if 200 <= answer.status < 300:
            deliveries.remove(delivery.id)
            self._note(delivery, ACCEPTED)
            self._ended(delivery)
            return
        error = told(answer)
        tries = delivery.tries + 1
        why = None
        if 300 <= answer.status < 500 and answer.status not in MAY_CHANGE:
            why = f"refused it: {error}"
        elif now - delivery.created >= EXPIRES:
            hours = EXPIRES // timedelta(hours=1)
            why = f"did not take it in {hours} hours and {tries:,} tries: {error}"
        if why is None:
            due = min(now + backoff(delivery.id, tries, FIRST_WAIT, LONGEST_WAIT), delivery.created + EXPIRES)
            deliveries.put_off(delivery.id, max(due, now + FIRST_WAIT), error)
            self._note(delivery, AGAIN, error)
            return
        deliveries.give_up(delivery.id, now, why)
        self._note(delivery, GIVEN_UP, why)
        log.warning("the delivery %s is given up: %s %s", delivery.id, delivery.shown_url, why)
        self._ended(delivery, f"{delivery.shown_url} {why}")

    def _ended(self, delivery: Delivery, error: str | None = None) -> None:
        """Tell the source whose event it is, if there is one."""
        entry = self._store.sources.find_entry(delivery.entry_id) if delivery.entry_id else None
        if entry is not None:
            self._outcomes.ended_elsewhere(entry, delivery.nominal, error)

    def _note(self, delivery: Delivery, became: str, why: str | None = None) -> None:
        known = () if delivery.alert is None else alerts_of(self._store, self._settings)
        if any(each.name == delivery.alert for each in known):  # it may have been removed
            what = what_of(json.loads(delivery.body))
            note(self._store, str(delivery.alert), self._now(), what, became, why)


def request_of(delivery: Delivery, alerts: Sequence[Alert]) -> HttpRequest:
    """The request that delivers it; a mail is one too."""
    if delivery.url.startswith(MAIL):
        subject, text = text_of(json.loads(delivery.body))
        return HttpRequest(METHOD, delivery.url, (("subject", subject),), text.encode())
    signature = signature_of(alerts, delivery)
    trace = () if delivery.trace is None else ((TRACEPARENT, delivery.trace),)
    headers = (("content-type", "application/json"), (KEY, delivery.id), *trace, *signature)
    url, user = without_user(delivery.url)
    return HttpRequest("POST", url, headers, delivery.body.encode(), redirects=False, auth=user)


def told(answer: HttpResponse) -> str:
    """The text of an unsuccessful answer."""
    return f"{answer.status} {answer.reason}".strip() if answer.status else answer.reason
