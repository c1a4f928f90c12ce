"""The `schedule` module: the same scheduled events as `event:list_scheduled`, in the Node engine's format.

Times are milliseconds since 1970. Only pending events are seen.
"""

from __future__ import annotations

from picosched.krl.library.member import action, function
from picosched.krl.scope import ScheduledEvent, Scope, Value
from picosched.krl.values import json_value, to_string


def shape(scheduled: ScheduledEvent) -> dict[str, Value]:
    when: dict[str, Value]
    if scheduled.kind == "repeat":
        when = {"type": "repeat", "timespec": scheduled.timespec}
    else:
        time = scheduled.asked_for
        when = {"type": "at", "time": None if time is None else round(time.timestamp() * 1000)}
    event = {
        "eci": None,  # it is raised in this pico itself, by no channel
        "domain": scheduled.domain,
        "name": scheduled.type,
        "data": {"attrs": json_value(dict(scheduled.attrs))},
        "time": 0,
    }
    return {"id": scheduled.id, **when, "event": event}


def list_(scope: Scope) -> Value:
    return [shape(scheduled) for scheduled in scope.effects.agenda.made()]


def get(scope: Scope, id: Value = None) -> Value:
    scheduled = scope.effects.agenda.find(to_string(id))
    return None if scheduled is None or scheduled.due is None else shape(scheduled)


def remove(scope: Scope, id: Value = None) -> Value:
    return scope.effects.agenda.cancel(to_string(id))


def clear(scope: Scope) -> Value:
    """Cancel all events of this ruleset."""
    for scheduled in scope.effects.agenda.pending():
        scope.effects.agenda.cancel(scheduled.id)


SCHEDULE = {
    "clear": action(clear),
    "get": function(get),
    "list": function(list_),
    "remove": action(remove),
}
