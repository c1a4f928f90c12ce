"""The library of KRL: operators, modules, built-in actions, each a table from a name to what runs.

A table contains all the compiler needs; to add a module, write its file and list it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from picosched.errors import KrlError
from picosched.krl.library import (
    arrays,
    conversion,
    encoding,
    iteration,
    jsonpath,
    maps,
    numbers,
    patterns,
    sets,
    sprintf,
    strings,
)
from picosched.krl.library.actions import ACTIONS as BUILT_IN_ACTIONS
from picosched.krl.library.csv import CSV
from picosched.krl.library.ctx import CTX
from picosched.krl.library.engine import ENGINE
from picosched.krl.library.event import EVENT
from picosched.krl.library.http import HTTP
from picosched.krl.library.math import MATH
from picosched.krl.library.member import Member, Operator
from picosched.krl.library.meta import META
from picosched.krl.library.proc import PROC
from picosched.krl.library.random import RANDOM
from picosched.krl.library.schedule import SCHEDULE
from picosched.krl.library.source import SOURCE
from picosched.krl.library.this2that import THIS2THAT
from picosched.krl.library.time import TIME
from picosched.krl.library.uri import URI
from picosched.krl.library.window import WINDOW
from picosched.krl.scope import Value

__all__ = ["ACTIONS", "MODULES", "OPERATORS", "Member", "Operator", "near"]


def query(val: Value = None, selector: Value = None) -> Value:
    raise KrlError("query, which searches HTML, is not part of this engine")


OPERATORS: Mapping[str, Operator] = {
    **arrays.OPERATORS,
    **conversion.OPERATORS,
    **encoding.OPERATORS,
    **iteration.OPERATORS,
    **jsonpath.OPERATORS,
    **maps.OPERATORS,
    **numbers.OPERATORS,
    **patterns.OPERATORS,
    **sets.OPERATORS,
    **sprintf.OPERATORS,
    **strings.OPERATORS,
    "query": Operator(query),
}
"""`v.name(…)`, which is also `name(v, …)`."""

MODULES: Mapping[str, Mapping[str, Member]] = {
    "csv": CSV,
    "ctx": CTX,
    "engine": ENGINE,
    "event": EVENT,
    "http": HTTP,
    "math": MATH,
    "meta": META,
    "proc": PROC,
    "random": RANDOM,
    "schedule": SCHEDULE,
    "source": SOURCE,
    "this2that": THIS2THAT,
    "time": TIME,
    "uri": URI,
    "window": WINDOW,
}
"""`module:name`."""

ACTIONS: Mapping[str, Member] = BUILT_IN_ACTIONS
"""Actions called by a plain name."""


def near(name: str, names: Iterable[str]) -> list[str]:
    """Up to three similar names, as suggestions for a typo."""
    lowered = {other.lower(): other for other in names}
    return [lowered[other] for other in get_close_matches(name.lower(), lowered, n=3)]
