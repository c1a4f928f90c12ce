"""The `source` module: clocks and calendars that raise events, independent of any ruleset.

Only rules of the root pico may change them. An id may be the source's name as well.
"""

from __future__ import annotations

from picosched.errors import KrlError
from picosched.krl.library.ctx import text
from picosched.krl.library.member import action, function
from picosched.krl.scope import Scope, Value
from picosched.krl.values import described


def add(scope: Scope, map: Value = None) -> Value:
    """Add a source, with the keys of a table [[source]]; returns its id."""
    if not isinstance(map, dict):
        raise KrlError(f'found {described(map)} as a source, wanted a Map such as {{"type": "metronome", …}}')
    return scope.effects.sources.add(map)


def remove(scope: Scope, id: Value = None) -> Value:
    return scope.effects.sources.remove(named(id))


def pause(scope: Scope, id: Value = None, until: Value = None) -> Value:
    return scope.effects.sources.pause(named(id), until)


def resume(scope: Scope, id: Value = None) -> Value:
    return scope.effects.sources.resume(named(id))


def list_(scope: Scope) -> Value:
    """All sources, each as a map."""
    return [*scope.effects.sources.list()]


def named(id: Value) -> str:
    return text(id, "the id of a source")


SOURCE = {
    "add": action(add),
    "list": function(list_),
    "pause": action(pause),
    "remove": action(remove),
    "resume": action(resume),
}
