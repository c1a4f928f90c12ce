"""Due times that follow from the almanac of the settings: found anew when an engine opens with another one.

A calendar may have other days than when the row was last due. An occurrence that is due already stays as it
is, and so does one that somebody moved. A row whose calendar is gone stays as well, and is paused when it is
due.
"""

from __future__ import annotations

import logging
from datetime import datetime

from picosched.errors import PicoschedError
from picosched.schedule.changed import planned_anew
from picosched.schedule.filter import Filter
from picosched.settings import Settings
from picosched.store.store import Store
from picosched.timespec.almanac import PLAIN, WORDS

log = logging.getLogger(__name__)

CONFIGURED = "almanac"
"""The key in the store of the almanac last configured."""


def is_changed(store: Store, settings: Settings) -> bool:
    """Whether the almanac changed since the store was last opened."""
    return (store.picos.meta(CONFIGURED) or PLAIN.digest) != settings.almanac.digest


def plan_anew(store: Store, settings: Settings, now: datetime) -> None:
    """Find the due times of all rows anew that may depend on the almanac; inside a transaction."""
    asked = [Filter(kind=kind, text=word) for kind in ("repeat", "window") for word in WORDS]
    rows = {row.id: row for each in asked for row in store.agenda.matching(each)}
    for row in rows.values():
        try:
            last = store.agenda.last_nominal(row.id)
            changed = planned_anew(row, now if last is None else max(now, last), settings.granularity)
        except PicoschedError as error:
            log.error("cannot find the next time of the scheduled event %s: %s", row.id, error)
            continue
        if changed is not None:
            store.agenda.take(changed, now)
    store.picos.set_meta(CONFIGURED, settings.almanac.digest)
