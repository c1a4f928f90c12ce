"""Alerts: what happened to schedules, told to people outside the rules.

An alert is a table of the settings, or is made while the engine runs and kept in the database; a name is one
or the other. It belongs to the engine, not to a ruleset: it is told of the schedules of all picos, by HTTP
request, a mail, or an event through a channel. Failures are told once, when there were `after` of them in a
row; and who was told of a failure is told of the recovery. Other happenings are told each time. The state of
an alert says what it told last, and what became of that.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from picosched.clock import format_time, parse_time
from picosched.errors import PicoschedError
from picosched.frozen import frozen
from picosched.krl.urls import origin, shown_host, without_user
from picosched.schedule.happenings import TYPES, Followed
from picosched.schedule.record import COUNT, NAME, TEXT, TEXTS, TIME, Field, Table

TOLD = ("failed", "missed")
"""What is told if an alert does not say."""

ECI = "eci:"
MAIL = "mailto:"
_ATOMS = r"""[^\s@?.<>()\[\]",:;\\]+(?:\.[^\s@?.<>()\[\]",:;\\]+)*"""
"""What stands on each side of the @ of an address: no name, no `<>` and no second address."""
TO = re.compile(rf"https?://\S+|mailto:{_ATOMS}@(?:{_ATOMS}|\[[\w.:]+\])|eci:(?a:[\w-]+)")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that no database takes: NUL, and halves of others."""
SIGNATURE = "X-Picosched-Signature"
MOST_AFTER = 1_000_000
MOST = 100
"""Alerts of one database, besides those of the settings."""
LONGEST = 2_000
"""Characters of whom one tells, and of a secret."""

SAID = {
    "failed": "fails",
    "missed": "is missed",
    "late": "is late",
    "throttled": "is throttled",
    "recovered": "recovers",
}
"""A happening, in words."""


@frozen
class Alert:
    """Who is told of what."""

    name: str
    to: str
    """An http: or https: URL, "mailto:" and an address, or "eci:" and a channel."""
    on: tuple[str, ...] = TOLD
    after: int = 1
    """Failures in a row."""
    secret: str = ""
    """Signs requests."""
    made: datetime | None = None
    """When it was made or changed last; None for one of the settings."""
    made_by: str | None = None
    """Who did that, as `str(Actor)` says."""

    @property
    def signed(self) -> bool:
        return bool(self.secret)

    def tells(self, type: str, followed: Followed) -> bool:
        """Whether it tells of what happened."""
        if type == "recovered":
            return followed.failed_before >= self.after and {"failed", "recovered"} & {*self.on} != set()
        if type == "failed":
            return "failed" in self.on and followed.failures == self.after
        return type in self.on

    def signature(self, body: bytes) -> str:
        """The signature of a request: `sha256=` and the HMAC of its body."""
        return "sha256=" + hmac.digest(self.secret.encode(), body, "sha256").hex()


ALERT = Table(
    "alert",
    Alert,
    Field("name", NAME),
    Field("to", NAME, column="tells"),
    Field("on", TEXTS._replace(of_column="tuple(load({v}))"), column="types"),
    Field("after", COUNT, column="in_a_row"),
    Field("secret", TEXT, json=None),
    Field("made", TIME.maybe),
    Field("made_by", TEXT.maybe),
)


def alert_of(name: str, table: object) -> Alert:
    """The alert of a configuration table with `to` and optionally `on`, `after` and `secret`.

    Errors show no secret, and no user of a URL.
    """
    if not isinstance(table, Mapping) or not {"to"} <= set(table) <= {"to", "on", "after", "secret"}:
        found = str(sorted(map(str, table))) if isinstance(table, Mapping) else type(table).__name__
        raise _wrong(name, found, "a table of `to`, and optionally `on`, `after` and `secret`")
    to, after, secret = table["to"], table.get("after", 1), table.get("secret", "")
    if not (isinstance(to, str) and len(to) <= LONGEST and to.isprintable() and TO.fullmatch(to)):
        found = repr(shown_to(to)) if isinstance(to, str) else type(to).__name__
        raise _wrong(
            name,
            found,
            'as `to` a URL of http or https, "mailto:" and an address such as me@example.org, or "eci:" and '
            "a channel",
        )
    if not to.startswith((ECI, MAIL)):
        try:
            origin(without_user(to)[0])
        except PicoschedError as cause:
            raise _wrong(name, repr(shown_to(to)), f"as `to` another URL: {cause}") from None
    on = table.get("on", list(TOLD))
    if not isinstance(on, list) or not on or not {*map(str, on)} <= {*TYPES} or len({*on}) < len(on):
        raise _wrong(name, repr(on), f"as `on` a list of some of {', '.join(TYPES)}, each once")
    if isinstance(after, bool) or not isinstance(after, int) or not 1 <= after <= MOST_AFTER:
        raise _wrong(name, repr(after), "as `after` how many failures in a row are told, 1 or more")
    if not isinstance(secret, str) or len(secret) > LONGEST or UNSTORABLE.search(secret):
        found = f"{len(secret):,} characters" if isinstance(secret, str) else type(secret).__name__
        raise _wrong(name, found, f"a text as `secret`, of at most {LONGEST:,} characters and without NUL")
    return Alert(name, to, tuple(on), after, secret)


def _wrong(name: str, found: str, wanted: str) -> PicoschedError:
    return PicoschedError(f"the alert {name}: found {found:.60}, wanted {wanted}")


def shown_to(to: str) -> str:
    """Whom an alert tells, without what gives access; of a URL only the host."""
    if to.startswith(ECI):
        return to if len(to) <= len(ECI) + 8 else f"{to[: len(ECI) + 8]}…"
    return to if to.startswith(MAIL) else shown_host(to)


def said(alert: Alert | AlertState) -> str:
    """Whom it tells, how and of what, in words."""
    shown = shown_to(alert.to)
    how = f"posts to {shown}{', signed,' * alert.signed}"
    if alert.to.startswith(ECI):
        how = f"raises an event schedule:* through the channel {shown.removeprefix(ECI)}"
    elif alert.to.startswith(MAIL):
        how = f"sends a mail to {shown.removeprefix(MAIL)}"
    words = {**SAID, "failed": f"fails {alert.after:,} times in a row"} if alert.after > 1 else SAID
    of = [words[each] for each in alert.on]
    if "failed" in alert.on and "recovered" not in alert.on:
        of.append(SAID["recovered"])
    return f"{how} when any schedule or source {', '.join(of[:-1])}{' or ' * (len(of) > 1)}{of[-1]}"


def text_of(attrs: Mapping[str, Any]) -> tuple[str, str]:
    """The subject and text of a mail about a happening."""
    told = {name: value for name, value in attrs.items() if name not in ("try", "tries")}
    if attrs.get("tries"):
        told["try"] = f"{attrs['try']} of {attrs['tries']}"
    lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
    return f"picosched: {what_of(attrs)}", "\n".join(lines) + "\n"


def what_of(attrs: Mapping[str, Any]) -> str:
    """What happened, and to whom: "hourly failed"."""
    return f"{attrs['name'] or attrs['event']} {attrs['happened']}"


class LastTold(NamedTuple):
    """The last thing that an alert told, and what became of it."""

    at: datetime
    """When it became so."""
    what: str | None
    """As in "hourly failed"; None if an older version noted it."""
    became: str
    """"raised", "accepted", "tried again", "given up" or "dropped"."""
    why: str | None


@frozen
class AlertState:
    """An alert, without its secrets."""

    name: str
    to: str
    """Without what gives access."""
    on: tuple[str, ...]
    after: int
    signed: bool
    waiting: int
    """Deliveries that are on their way."""
    dead: int
    """Deliveries that were given up."""
    last: LastTold | None
    configured: bool = True
    """Whether it is a table of the settings."""
    made: datetime | None = None
    made_by: str | None = None
    fault: str | None = None
    """Why nothing that it tells arrives, as far as the settings say."""

    def as_json(self) -> dict[str, Any]:
        told = None if self.last is None else {**self.last._asdict(), "at": format_time(self.last.at)}
        return {
            "name": self.name,
            "to": self.to,
            "on": [*self.on],
            "after": self.after,
            "signed": self.signed,
            "waiting": self.waiting,
            "dead": self.dead,
            "last": told,
            "configured": self.configured,
            "made": self.made and format_time(self.made),
            "made_by": self.made_by,
            "fault": self.fault,
        }


def read_alert_state(told: Mapping[str, Any]) -> AlertState:
    """The state that `as_json` gave."""
    last, made = told["last"], told.get("made")
    last = None if last is None else LastTold(**{**last, "at": parse_time(last["at"])})
    made = None if made is None else parse_time(made)
    return AlertState(**{**told, "on": tuple(told["on"]), "last": last, "made": made})
