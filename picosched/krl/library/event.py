"""The `event` module: the current event, events for other picos, and this ruleset's scheduled events.

What belongs to the event may be read bare or called (`event:attrs`, `event:attrs()`), and is null where no
event is handled. How to look closely at what is scheduled and change it, `rescheduling` has.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from picosched.errors import KrlError
from picosched.krl.library.member import action, function, value
from picosched.krl.library.rescheduling import RESCHEDULING
from picosched.krl.scope import Event, ScheduledEvent, Scope, Value
from picosched.krl.values import described, shown, to_string


def attrs(scope: Scope, name: Value = None) -> Value:
    """All attributes, or the one of that name."""
    if scope.event is None:
        return None
    return scope.event.attrs if name is None else scope.event.attrs.get(to_string(name))


def attr(scope: Scope, name: Value = None) -> Value:
    return None if scope.event is None else scope.event.attrs.get(to_string(name))


def read(name: str) -> Any:
    """A function that reads one property of the event."""

    def run(scope: Scope) -> Value:
        return None if scope.event is None else getattr(scope.event, name)

    return run


def time(scope: Scope) -> Value:
    """Milliseconds since 1970, as in the Node engine."""
    return None if scope.event is None else round(scope.event.time.timestamp() * 1000)


def channel(scope: Scope, what: Value = None) -> Value:
    """The channel of the event; only its id is available."""
    return None if scope.event is None or what not in (None, "id") else scope.event.eci


def env(scope: Scope, name: Value = None) -> Value:
    """The event's environment: "rid", "rule_name", "txn_id", "eid", "eci", "domain", "type"."""
    found: Event | None = scope.event
    around = {"rid": scope.rid, "rule_name": scope.rule}
    if found is not None:
        around |= {
            "txn_id": found.eid,
            "eid": found.eid,
            "eci": found.eci,
            "domain": found.domain,
            "type": found.type,
        }
    return around.get(to_string(name))


def send(
    scope: Scope,
    options: Value = None,
    domain: Value = None,
    type: Value = None,
    attrs: Value = None,
    host: Value = None,
) -> Value:
    """Send an event to another pico, of this engine or of the one at `host`; returns its eid.

    The options are one map {"eci", "domain", "type", "attrs", "host"}, or, as in the classic engine, a map
    with the eci, then the domain and the type, `with attrs = …`.
    """
    if type is None and domain is not None:
        domain, host = None, domain  # the second place of the newer form
    found = destination("event:send", options, domain, type, attrs)
    if host is None:
        host = options.get("host") or host_of_sub(options)
    return send_to(scope, "event:send", host, *found)


def send_to(
    scope: Scope, asked: str, host: Value, eci: str, domain: str, type: str, attrs: dict[str, Value]
) -> str:
    """Send an event to a pico at a host; null, "" and the address of this engine are this engine."""
    if host is not None and not isinstance(host, str):
        raise KrlError(f"{asked} needs a String as host; found {described(host)}: {shown(host)}")
    if not host or scope.effects.outbox.is_here(host):
        return scope.effects.agenda.send(eci, domain, type, attrs)
    return scope.effects.outbox.send(host, eci, domain, type, attrs)


def host_of_sub(options: dict[str, Value]) -> Value:
    """The host of a subscription whose eci `destination` takes."""
    sub = options.get("sub")
    if first(options, "eci", "cid", "token") is not None or not isinstance(sub, dict):
        return None
    return sub.get("Tx_host")


def destination(
    asked: str, options: Value, domain: Value = None, type: Value = None, attrs: Value = None
) -> tuple[str, str, str, dict[str, Value]]:
    """The eci, domain, type and attributes that a map gives, where they are not given beside it."""
    if not isinstance(options, dict):
        raise KrlError(
            f"{asked} needs a map with eci, domain and type; found {described(options)}: {shown(options)}"
        )
    eci = first(options, "eci", "cid", "token")
    if eci is None and isinstance(options.get("sub"), dict):
        eci = options["sub"].get("Tx")  # a subscription: its channel for sending
    domain = options.get("domain") if domain is None else domain
    type = first(options, "type", "name") if type is None else type
    for name, found in (("eci", eci), ("domain", domain), ("type", type)):
        if not isinstance(found, str) or not found:
            raise KrlError(f"{asked} needs a String as {name}; found {described(found)}: {shown(found)}")
    attrs = options.get("attrs") if attrs is None else attrs
    if attrs is not None and not isinstance(attrs, dict):
        raise KrlError(f"{asked} needs a Map as attrs; found {described(attrs)}: {shown(attrs)}")
    return eci, domain, type, attrs or {}


def first(options: dict[str, Value], *names: str) -> Value:
    """What stands under the first of the names that is there."""
    return next((options[name] for name in names if options.get(name) is not None), None)


def seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"


def once_or_repeat(scheduled: ScheduledEvent) -> str:
    return "repeat" if scheduled.kind == "repeat" else "once"


def get_list(scope: Scope) -> Value:
    """The pending events, each as an array, with the time asked for, as the classic engine keeps it."""
    return [
        [
            scheduled.id,
            f"{scheduled.domain}/{scheduled.type}",
            once_or_repeat(scheduled),
            scheduled.rid,
            seconds(scheduled.asked_for),
            *tail(scheduled),
        ]
        for scheduled in scope.effects.agenda.pending()
    ]


def tail(scheduled: ScheduledEvent) -> list[Value]:
    """What only repeating events have: the timespec, and a name if one was given."""
    if scheduled.kind != "repeat":
        return []
    return [scheduled.timespec] if scheduled.name is None else [scheduled.timespec, scheduled.name]


def list_scheduled(scope: Scope) -> Value:
    """The pending events, each as a map."""
    return [
        {
            "id": scheduled.id,
            "event": f"{scheduled.domain}/{scheduled.type}",
            "type": once_or_repeat(scheduled),
            "rid": scheduled.rid,
            "next_scheduled": seconds(scheduled.asked_for),
            **dict(zip(("timespec", "name"), tail(scheduled), strict=False)),
        }
        for scheduled in scope.effects.agenda.pending()
    ]


def history(scope: Scope, id: Value = None) -> Value:
    """When a scheduled event last fired and when it will again, or how long its record is kept."""
    scheduled = scope.effects.agenda.find(to_string(id))
    if scheduled is None:
        return None
    result: dict[str, Value] = {}
    if scheduled.fired is not None:
        # The classic engine raised by HTTP and kept the status line; one that is raised here has succeeded.
        result |= {"code": 200, "status": "200 OK", "fired": rfc3339(scheduled.fired)}
    if scheduled.asked_for is not None:
        result["next"] = rfc3339(scheduled.asked_for)
    elif scheduled.keep_until is not None:
        result["keep_until"] = rfc3339(scheduled.keep_until)
    return result


def delete(scope: Scope, id: Value = None) -> Value:
    """Cancel a scheduled event; returns how many, 1 or 0."""
    return int(scope.effects.agenda.cancel(to_string(id)))


def remove_scheduled(scope: Scope, id: Value = None) -> Value:
    return scope.effects.agenda.cancel(to_string(id))


EVENT = {
    "attr": function(attr),
    "attrs": value(read("attrs"), attrs),
    "channel": function(channel),
    "delete": function(delete),
    "domain": value(read("domain")),
    "eci": value(read("eci")),
    "eid": value(read("eid")),
    "env": function(env),
    "get_history": function(history),
    "get_list": function(get_list),
    "list_scheduled": function(list_scheduled),
    "name": value(read("type")),
    "param": function(attr),
    "params": value(read("attrs"), attrs),
    "remove_scheduled": action(remove_scheduled),
    "scheduled_history": function(history),
    "send": action(send),
    "time": value(time),
    "type": value(read("type")),
    **RESCHEDULING,
}
