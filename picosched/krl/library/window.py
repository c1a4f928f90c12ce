"""The `window` module: named spans of time that are open or closed according to the calendar.

The windows are those of the ruleset's meta and of the engine's configuration. Times are ISO 8601, as the
`time` module gives them; null stands for what never comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches

from picosched.errors import KrlError, shortened
from picosched.krl.library.member import function
from picosched.krl.moments import iso
from picosched.krl.scope import Scope, Value, Window
from picosched.krl.size import charge
from picosched.krl.values import described, shown

EDGE = 1_000
"""Steps that it takes to find an edge of a window, or on which side of one it is."""
NAMED = 10
"""How many windows an error names."""


def found(scope: Scope, name: Value) -> Window:
    if not isinstance(name, str):
        raise KrlError(f"found {described(name)} as the name of a window, wanted a String: {shown(name)}")
    window = scope.windows.get(name)
    if window is None:
        raise KrlError(no_window(name, scope.windows), code="not_found")
    return window


def no_window(name: str, others: Iterable[str]) -> str:
    """Says that there is no window of that name: a similar one, or which there are."""
    said, names = f"there is no window {shortened(name)}", [*others]
    if close := get_close_matches(shortened(name), names):
        return f"{said}; did you mean {' or '.join(close)}?"
    if not names:
        return f"{said}; `picosched add-window` makes one, or a table [window.NAME]"
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{said}; there {'is' if len(names) == 1 else 'are'} {', '.join(names[:NAMED])}{more}"


def open_(scope: Scope, name: Value = None) -> Value:
    charge(EDGE)
    return found(scope, name).open_at(scope.now())


def opens(scope: Scope, name: Value = None) -> Value:
    """When it opens next."""
    charge(EDGE)
    return written(found(scope, name).next_opening(scope.now()))


def closes(scope: Scope, name: Value = None) -> Value:
    """When it closes next."""
    charge(EDGE)
    return written(found(scope, name).next_closing(scope.now()))


def list_(scope: Scope) -> Value:
    """All windows there are, each as a map; one that nothing opens says why."""
    charge(3 * EDGE * len(scope.windows))
    now = scope.now()
    return [
        {
            "name": name,
            "open": window.open_at(now),
            "opens": written(window.next_opening(now)),
            "closes": written(window.next_closing(now)),
            "tz": window.tz,
        }
        if window.why_shut is None
        else {
            "name": name,
            "open": False,
            "opens": None,
            "closes": None,
            "tz": window.tz,
            "why": window.why_shut,
        }
        for name, window in scope.windows.items()
    ]


def written(time: datetime | None) -> Value:
    return None if time is None else iso(time)


WINDOW = {
    "closes": function(closes),
    "list": function(list_),
    "open": function(open_),
    "opens": function(opens),
}
