"""Alerts that were made while an engine ran: the table `alert`."""

from __future__ import annotations

from collections.abc import Callable

from picosched.schedule.alert import ALERT, Alert
from picosched.store import rows
from picosched.store.few import Few
from picosched.store.port import Database, Row

of_alert = ALERT.of_record(rows.dump)
to_alert: Callable[[Row], Alert] = rows.readable(ALERT.to_record(rows.load))


class Alerts(Few[Alert]):
    """Whoever settles an occurrence reads them in the same transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ("alerts", "put_alert", "remove_alert"), of_alert, to_alert)
