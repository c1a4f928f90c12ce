"""Members of the `event` module that inspect and change this ruleset's scheduled events.

A change is an action: it gives whether there was such an event to come, or, where it is for all that
a filter means, the ids of those it was for. With `dry_run` these are told and nothing is changed. Times are
ISO 8601, as the `time` module gives them.
"""

from __future__ import annotations

from picosched.errors import KrlError
from picosched.krl.library.member import action, function
from picosched.krl.moments import iso
from picosched.krl.scope import Scope, Value
from picosched.krl.values import described, shown, to_string, truth

LISTED = 5
"""The default number of times listed."""
MOST_LISTED = 1_000


def show(scope: Scope, id: Value = None) -> Value:
    """All details of a scheduled event, also if it has ended; null if it is not this ruleset's."""
    return scope.effects.agenda.show(to_string(id))


def next_times(scope: Scope, id: Value = None, n: Value = None) -> Value:
    """Its next due times."""
    return [iso(time) for time in scope.effects.agenda.next_times(to_string(id), number_of(n, LISTED))]


def fires(scope: Scope, id: Value = None, limit: Value = None) -> Value:
    """Its fires, newest first."""
    return [*scope.effects.agenda.fires(to_string(id), number_of(limit, MOST_LISTED))]


def find(scope: Scope, filter: Value = None) -> Value:
    """Pending events matching a filter, soonest first."""
    agenda = scope.effects.agenda
    return [agenda.show(each.id) for each in agenda.matching(filter)]


def pause(scope: Scope, id: Value = None, until: Value = None) -> Value:
    return scope.effects.agenda.pause(to_string(id), until)


def resume(scope: Scope, id: Value = None) -> Value:
    return scope.effects.agenda.resume(to_string(id))


def move(scope: Scope, id: Value = None, time: Value = None) -> Value:
    return scope.effects.agenda.move(to_string(id), time)


def reschedule(scope: Scope, id: Value = None, timespec: Value = None, tz: Value = None) -> Value:
    return scope.effects.agenda.reschedule(to_string(id), timespec, tz)


def fire_now(scope: Scope, id: Value = None) -> Value:
    return scope.effects.agenda.fire_now(to_string(id))


def delete_all(scope: Scope, filter: Value = None, dry_run: Value = None) -> Value:
    agenda, ids = scope.effects.agenda, meant(scope, filter)
    return ids if truth(dry_run) else [id for id in ids if agenda.cancel(id)]


def pause_all(scope: Scope, filter: Value = None, until: Value = None, dry_run: Value = None) -> Value:
    agenda, ids = scope.effects.agenda, meant(scope, filter)
    return ids if truth(dry_run) else [id for id in ids if agenda.pause(id, until)]


def resume_all(scope: Scope, filter: Value = None, dry_run: Value = None) -> Value:
    """Resume the paused ones among the matches."""
    agenda = scope.effects.agenda
    ids = [each.id for each in agenda.matching(filter) if each.rid and each.paused]
    return ids if truth(dry_run) else [id for id in ids if agenda.resume(id)]


def meant(scope: Scope, filter: Value) -> list[str]:
    """Those that match and are the ruleset's own: it does not change what people made."""
    return [each.id for each in scope.effects.agenda.matching(filter) if each.rid]


def number_of(value: Value, without: int) -> int:
    """The number requested."""
    if value is None:
        return without
    if type(value) is not int or not 1 <= value <= MOST_LISTED:
        wanted = f"a whole Number from 1 to {MOST_LISTED:,}"
        raise KrlError(f"found {described(value)}, {shown(value)}, wanted {wanted}")
    return value


RESCHEDULING = {
    "delete_all": action(delete_all),
    "find": function(find),
    "fire_now": action(fire_now),
    "fires": function(fires),
    "move": action(move),
    "next_times": function(next_times),
    "pause": action(pause),
    "pause_all": action(pause_all),
    "reschedule": action(reschedule),
    "resume": action(resume),
    "resume_all": action(resume_all),
    "show": function(show),
}
