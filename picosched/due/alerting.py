"""Tells rules and the engine's alerts what happened to a schedule, in the transaction that settles it; of a
source only the alerts are told.

A request or a mail is a delivery, tried until it is accepted; an event through a channel is a row, due now.
What became of the last of each alert is noted in the store, for who looks at the alerts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from picosched.clock import to_ms
from picosched.frozen import replace
from picosched.hashed import SHORT, id_of
from picosched.pico.delivery import Delivery
from picosched.schedule.alert import ECI, SIGNATURE, Alert, what_of
from picosched.schedule.fire import Fire
from picosched.schedule.happenings import Followed, happenings
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings
from picosched.store import rows
from picosched.store.store import Store
from picosched.turns.memory import Loaded

log = logging.getLogger(__name__)

MOST_WAITING = 1_000
"""Pending deliveries of one pico or source, above which further alerts about it are dropped."""

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
    followed = Followed.of(row, settled)
    for each in happenings(followed, record, settings.granularity):
        if each.type in but:
            continue
        alert_all(store, settings, each, followed)
        installed = loaded.load_pico(row.pico_id).installed.values()
        if not any(one.ruleset.salient(each.domain, each.type) for one in installed):
            continue
        if store.agenda.coming(row.pico_id) >= settings.limits.max_pending:
            log.warning("%s of %s is not raised: its pico has max_pending events", each.event, row.id)
            continue
        store.agenda.add(each)


def alert_all(store: Store, settings: Settings, happened: Scheduled, followed: Followed) -> None:
    """Tell each alert that wants it of a happening, inside a transaction."""
    for alert in alerts_of(store, settings):
        if alert.tells(happened.type, followed):
            tell(store, settings, alert, happened, followed.source)


def alerts_of(store: Store, settings: Settings) -> tuple[Alert, ...]:
    """All alerts: first those of the settings, which win where one that was made has the same name."""
    made = store.alerts.all()
    if not made:
        return settings.alerts
    configured = {each.name for each in settings.alerts}
    return (*settings.alerts, *(each for each in made if each.name not in configured))


def tell(
    store: Store, settings: Settings, alert: Alert, happened: Scheduled, source: str | None = None
) -> str | None:
    """Tell one alert of a happening, inside a transaction; why not, if it is dropped."""
    attrs = {"happened": happened.type, "pico": happened.pico_id or None, **happened.attrs}
    how = _raise if alert.to.startswith(ECI) else _send
    dropped = how(store, settings, alert, replace(happened, attrs=attrs), source)
    if dropped is not None:
        log.warning("the alert %s is not told of %s: %s", alert.name, happened.event, dropped)
        note(store, alert.name, happened.created, what_of(attrs), DROPPED, dropped)
    return dropped


def _raise(
    store: Store, settings: Settings, alert: Alert, happened: Scheduled, source: str | None
) -> str | None:
    """Raise an event through the channel of an alert; why not, if it is dropped."""
    eci = alert.to.removeprefix(ECI)
    channel = store.picos.find_channel(eci)
    if channel is None:
        return f"there is no channel {eci[:SHORT]}…"
    pico_id, whose = happened.pico_id, "its pico"
    if source is not None:  # which may have no pico of its own
        pico_id, whose = channel.pico_id, "the pico of the channel"
    if store.agenda.coming(pico_id) >= settings.limits.max_pending:
        return f"{whose} has max_pending events"
    note(store, alert.name, happened.created, what_of(happened.attrs), RAISED)
    id = id_of(f"{happened.id} {alert.name}")
    store.agenda.add(replace(happened, id=id, pico_id=pico_id, eci=eci))
    return None


def _send(
    store: Store, settings: Settings, alert: Alert, happened: Scheduled, source: str | None
) -> str | None:
    """Send a request or a mail; why not, if it is dropped."""
    deliveries, pico_id = store.deliveries, happened.pico_id
    waiting = deliveries.waiting_of(pico_id) if source is None else deliveries.alerts_waiting_of(source)
    if waiting >= MOST_WAITING:
        return f"{'its pico' if source is None else 'the source'} has {waiting:,} deliveries waiting"
    id, now, body = id_of(f"{happened.id} {alert.name}"), happened.created, rows.dump(happened.attrs)
    owner = pico_id if source is None else None
    delivery = Delivery(id, source or "", "", now, alert.to, body, now, now, pico_id=owner, rule=alert.name)
    deliveries.add(delivery)
    return None


def note(store: Store, name: str, now: datetime, what: str, became: str, why: str | None = None) -> None:
    """Note what an alert told last, and what became of it, inside a transaction."""
    noted = {"at": to_ms(now), "what": what, "became": became, "why": why}
    store.picos.set_meta(f"{NOTE}{name}", rows.dump(noted))


def signature_of(alerts: Sequence[Alert], delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """The header that signs an alert's request, if it has a secret."""
    for alert in alerts:
        if alert.secret and (alert.name, alert.to) == (delivery.alert, delivery.url):
            return ((SIGNATURE, alert.signature(delivery.body.encode())),)
    return ()
