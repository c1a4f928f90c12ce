"""The engine's methods for alerts: lists, makes, changes, tests and removes them.

What is made here is kept in the database. It holds on every machine that shares it, for each transaction that
reads alerts after its commit. One of the settings can be tested here, but is changed where it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from picosched.clock import format_time, from_ms
from picosched.due.alerting import NOTE, alerts_of, tell
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError, shortened
from picosched.frozen import replace
from picosched.intervention import ALERT_PUT, ALERT_REMOVED
from picosched.krl.urls import without_user
from picosched.schedule.alert import (
    ECI,
    MAIL,
    MOST,
    TOLD,
    Alert,
    AlertState,
    LastTold,
    alert_of,
    said,
    shown_to,
)
from picosched.schedule.happenings import DOMAIN
from picosched.schedule.scheduled import Scheduled
from picosched.store import rows
from picosched.tokens import checked_name

MOST_COUNTED = 1_000
"""Deliveries of each kind that are looked through for alerts."""

TEST = "test"
"""What happened, if somebody tests an alert."""


class Alerting(Wiring):
    """The part of an engine for alerts. Every method may raise the store's PicoschedError."""

    def alerts(self) -> list[AlertState]:
        """The states of all alerts: those of the settings in their order, then those made here, by name."""
        return self.read(self._states)

    def add_alert(
        self, name: str, to: str, *, on: Sequence[str] = TOLD, after: int = 1, secret: str = ""
    ) -> AlertState:
        """Make an alert, with the values of a table [alert.NAME]; it holds from now on.

        `invalid` for a name or a value that cannot be, and for mailto: without the setting smtp, `conflict`
        if the name is taken or there are too many, `not_found` if it goes to a channel that is not there.
        """
        self.permit("added")
        made = alert_of(checked_name(name, "an alert"), _given(to, on, after, secret))
        self._need_mail(to)

        def work() -> AlertState:
            self._need(name)
            known = self.store.alerts.all()
            if any(each.name == name for each in known):
                raise PicoschedError(f"there is an alert {name} already, wanted another name", "conflict")
            if len(known) >= MOST:
                raise PicoschedError(f"found {MOST} alerts, wanted at most {MOST}", "conflict")
            self._put("added", made)
            return self._state_of(name)

        return self.write(work)

    def change_alert(
        self,
        name: str,
        *,
        to: str | None = None,
        on: Sequence[str] | None = None,
        after: int | None = None,
        secret: str | None = None,
    ) -> AlertState:
        """Change what is given of an alert that was made here; "" as `secret` leaves requests unsigned.

        Errors as for `add_alert`, and `not_found` if there is none of that name. What is on its way to
        another URL stays so, and is no longer signed.
        """
        self.permit("changed")
        wanted = _given(to, on, after, secret)
        alert_of(name, {"to": "eci:any", **wanted})  # what is wrong with it is told first
        self._need_mail(to)

        def work() -> AlertState:
            self._need(name)
            kept = self._kept(name)
            if not kept:
                raise PicoschedError(f"there is no alert {shortened(name)}", "not_found")
            changed = alert_of(name, {**kept, **wanted})
            if {**kept, **wanted} != kept:  # what was kept may be one that is refused today
                self._put("changed", changed)
            return self._state_of(name)

        return self.write(work)

    def remove_alert(self, name: str) -> bool:
        """Remove an alert that was made here: nobody is told by it any more. False if there is none.

        What is on its way is still delivered, but no longer signed. `conflict` for one of the settings.
        """
        self.permit("removed")

        def work() -> bool:
            self.store.need("")
            if not self.store.alerts.remove(name):
                self._need(name)
                return False
            if all(each.name != name for each in self.settings.alerts):
                self.store.picos.forget_meta(f"{NOTE}{name}")
            self.note("removed", "alert", name)
            self.keep(ALERT_REMOVED, self.now(), name=name)
            return True

        return self.write(work)

    def test_alert(self, name: str) -> None:
        """Let an alert tell of a happening "test", whatever it is told of; `alerts` says what became of it.

        `not_found` if there is no such alert or channel, `conflict` if too much is waiting already.
        """
        self.permit("tested")
        id, now, by = self.new_id(), self.now(), str(self.by)

        def work() -> None:
            alert = next((each for each in alerts_of(self.store, self.settings) if each.name == name), None)
            if alert is None:
                raise PicoschedError(f"there is no alert {shortened(name)}", "not_found")
            root, pico_id = self.store.picos.find_root(), self._pico_of_channel(alert)
            pico_id = pico_id or (root.id if root else "")
            self.store.need(pico_id)
            at, why = format_time(now), f"this is a test, by {by}"
            times = {"nominal": at, "at": at, "lateness": 0}
            attrs = {"id": id, "name": name, "event": None, **times, "why": why, "number": 1, "failures": 0}
            test = Scheduled(id, pico_id, "", DOMAIN, TEST, attrs, "send", now, now)
            dropped = tell(self.store, self.settings, alert, test)
            if dropped is not None:
                raise PicoschedError(f"the alert {name} cannot be tested now: {dropped}", "conflict")
            self.note("tested", "alert", name)

        self.write(work)
        self.look_again()

    def preview_alert(
        self,
        name: str = "",
        *,
        to: str | None = None,
        on: Sequence[str] | None = None,
        after: int | None = None,
        secret: str | None = None,
    ) -> str:
        """Whom an alert would tell, how and of what, in words. Errors as for `add_alert`.

        What is not given is as in the alert of that name, if it was made here.
        """
        alert = alert_of(name or "new", {**self.read(self._kept, name), **_given(to, on, after, secret)})
        if fault := self._fault(alert):
            return f"{said(alert)}; but nothing arrives: {fault}"
        pico_id = self.read(self._pico_of_channel, alert)
        pico = None if pico_id is None else self.read(self.store.picos.find_pico, pico_id)
        return said(alert) if pico is None else f"{said(alert)}; the channel is of the pico {pico.name}"

    def check_alerts(self) -> None:
        """`conflict` if an alert of the settings has the name of one that was made: which of them holds?"""
        configured = {each.name for each in self.settings.alerts}
        for each in self.read(self.store.alerts.all):
            if each.name in configured:
                found = f"found the alert {each.name} in the settings, and one made by {each.made_by}"
                wanted = "wanted one of them: rename the table, or use `picosched remove-alert`"
                raise PicoschedError(f"{found}, {wanted}", "conflict")

    def _need_mail(self, to: str | None) -> None:
        """`invalid` for a mail if no server is set for mails: each would be given up."""
        if to is not None and to.startswith(MAIL) and not self.settings.smtp:
            wanted = "wanted that setting first, as without it no mail can be sent"
            raise PicoschedError(f"found {to}, but the setting smtp names no server; {wanted}")

    def _need(self, name: str) -> None:
        """Inside a transaction: alerts are changed, and this one is none of the settings."""
        self.store.need("")  # so that no other process changes one meanwhile
        if any(each.name == name for each in self.settings.alerts):
            where = f"the alert {name} is a table [alert.{name}] of the settings"
            raise PicoschedError(f"{where}: change it there and restart, or use another name", "conflict")

    def _kept(self, name: str) -> dict[str, Any]:
        """The table of an alert that was made here; an empty one if there is none of that name."""
        kept = (each for each in self.store.alerts.all() if each.name == name)
        return next((_given(each.to, each.on, each.after, each.secret) for each in kept), {})

    def _put(self, what: str, alert: Alert) -> None:
        self._pico_of_channel(alert)
        now = self.now()
        alert = replace(alert, made=now, made_by=str(self.by))
        self.store.alerts.put(alert)
        self.note(what, "alert", alert.name, said(alert))
        to = alert.to if alert.to.startswith(ECI) else None  # else no pico hears of it
        self.keep(ALERT_PUT, now, name=alert.name, to=to, on=alert.on, after=alert.after)

    def _pico_of_channel(self, alert: Alert) -> str | None:
        """The id of the pico that an alert raises its events in; None if it goes elsewhere."""
        if not alert.to.startswith(ECI):
            return None
        channel = self.store.picos.find_channel(alert.to.removeprefix(ECI))
        if channel is None:
            raise PicoschedError(f"there is no channel {shown_to(alert.to).removeprefix(ECI)}", "not_found")
        return channel.pico_id

    def _states(self) -> list[AlertState]:
        waiting, dead = (
            Counter(each.alert for each in self.store.deliveries.listed(dead=dead, limit=MOST_COUNTED))
            for dead in (False, True)
        )
        alerts = alerts_of(self.store, self.settings)
        return [self._state(each, waiting[each.name], dead[each.name]) for each in alerts]

    def _state_of(self, name: str) -> AlertState:
        """That of an alert that there is."""
        return next(each for each in self._states() if each.name == name)

    def _state(self, alert: Alert, waiting: int, dead: int) -> AlertState:
        return AlertState(
            name=alert.name,
            to=shown_to(alert.to),
            on=alert.on,
            after=alert.after,
            signed=alert.signed,
            waiting=waiting,
            dead=dead,
            last=self._last(alert.name),
            configured=alert.made is None,
            made=alert.made,
            made_by=alert.made_by,
            fault=self._fault(alert),
        )

    def _fault(self, alert: Alert) -> str | None:
        """Why nothing that it tells arrives, as far as the settings say."""
        if alert.to.startswith(ECI):
            return None
        if alert.to.startswith(MAIL):
            return None if self.settings.smtp else "the setting smtp names no server"
        try:
            return self.loaded.refusal_of(without_user(alert.to)[0])
        except PicoschedError as error:  # one that was kept may be refused today
            return error.message

    def _last(self, name: str) -> LastTold | None:
        text = self.store.picos.meta(f"{NOTE}{name}")
        if text is None:
            return None
        noted = rows.load(text)
        return LastTold(from_ms(noted["at"]), noted.get("what"), noted["became"], noted["why"])


def _given(to: str | None, on: Sequence[str] | None, after: int | None, secret: str | None) -> dict[str, Any]:
    """The table of what is given. What is no list as `on`, which is an error, stays as it is."""
    types = [*on] if isinstance(on, Iterable) and not isinstance(on, str) else on
    table = {"to": to, "on": types, "after": after, "secret": secret}
    return {key: value for key, value in table.items() if value is not None}
