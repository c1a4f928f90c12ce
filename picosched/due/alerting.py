"""Tells rules and the engine's alerts what happened to a schedule, in the transaction that settles it.

A request or a mail is a delivery, tried until it is accepted; an event through a channel is a row, due now.
What became of the last of each alert is noted in the store, for who looks at the alerts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from picosched.clock import to_ms
from picosched.frozen import replace
from picosched.hashed import id_of
from picosched.pico.delivery import Delivery
from picosched.schedule.alert import ECI, SIGNATURE, Alert, what_of
from picosched.schedule.fire import Fire
from picosched.schedule.happenings import happenings
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings
from picosched.store import rows
from picosched.store.store import Store
from picosched.turns.memory import Loaded

log = logging.getLogger(__name__)

MOST_WAITING = 1_000
"""Pending deliveries of one pico, above which further alerts about it are dropped."""

NOTE = "alert "
"""The key of a note in the store begins with this, and ends with the name of the alert."""
RAISED, ACCEPTED, AGAIN, GIVEN_UP, DROPPED = "raised", "accepted", "tried again", "given up", "dropped"
"""What became of it."""


def tell_of(
    store: Store,
    loaded: Loaded,
    settings: Settings,
    row: Scheduled,
    settled: Scheduled,
    record: Fire,
    but: Sequence[str] = (),
) -> None:
    """Tell the rules of its pico, where one selects it, and the alerts what happened to a schedule.

    All `but` some types of event.
    """
    for each in happenings(row, settled, record, settings.granularity):
        if each.type in but:
            continue
        alert_all(store, settings, each, row, settled)
        installed = loaded.load_pico(row.pico_id).installed.values()
        if not any(one.ruleset.salient(each.domain, each.type) for one in installed):
            continue
        if store.agenda.coming(row.pico_id) >= settings.limits.max_pending:
            log.warning("%s of %s is not raised: its pico has max_pending events", each.event, row.id)
            continue
        store.agenda.add(each)


def alert_all(
    store: Store, settings: Settings, happened: Scheduled, before: Scheduled, settled: Scheduled
) -> None:
    """Tell each alert that wants it of a happening of a row, inside a transaction."""
    for alert in settings.alerts:
        if not alert.tells(happened.type, before, settled):
            continue
        waiting = store.deliveries.waiting_of(before.pico_id)
        if waiting >= MOST_WAITING:
            told = "the alert %s is not told of %s: its pico has %d deliveries waiting"
            log.warning(told, alert.name, happened.event, waiting)
            what = what_of({"happened": happened.type, **happened.attrs})
            note(store, alert.name, happened.created, what, DROPPED, f"{waiting:,} deliveries wait already")
            continue
        _tell(store, settings, alert, happened)


def _tell(store: Store, settings: Settings, alert: Alert, happened: Scheduled) -> None:
    id = id_of(f"{happened.id} {alert.name}")
    attrs = {"happened": happened.type, "pico": happened.pico_id, **happened.attrs}
    if alert.to.startswith(ECI):
        if store.agenda.coming(happened.pico_id) >= settings.limits.max_pending:
            told = "the alert %s is not told of %s: its pico has max_pending events"
            log.warning(told, alert.name, happened.event)
            note(
                store,
                alert.name,
                happened.created,
                what_of(attrs),
                DROPPED,
                "its pico has max_pending events",
            )
            return
        note(store, alert.name, happened.created, what_of(attrs), RAISED)
        eci = alert.to.removeprefix(ECI)
        store.agenda.add(replace(happened, id=id, eci=eci, attrs=attrs))
        return
    now = happened.created
    body = rows.dump(attrs)
    delivery = Delivery(id, "", "", now, alert.to, body, now, now, pico_id=happened.pico_id, rule=alert.name)
    store.deliveries.add(delivery)


def note(store: Store, name: str, now: datetime, what: str, became: str, why: str | None = None) -> None:
    """Note what an alert told last, and what became of it, inside a transaction."""
    noted = {"at": to_ms(now), "what": what, "became": became, "why": why}
    store.picos.set_meta(f"{NOTE}{name}", rows.dump(noted))


def signature_of(settings: Settings, delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """The header that signs an alert's request, if it has a secret."""
    for alert in settings.alerts:
        if alert.secret and (alert.name, alert.to) == (delivery.alert, delivery.url):
            return ((SIGNATURE, alert.signature(delivery.body.encode())),)
    return ()
