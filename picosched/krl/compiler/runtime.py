"""Functions called by compiled code, other than the operators.

All of it is bound into the globals of the generated code under a name that starts with a dot; there are no
Python built-ins there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count, islice
from types import FunctionType
from typing import Any

from picosched.errors import KrlError
from picosched.krl import operators
from picosched.krl.large_map import ChangedMap, StoredMap, changes_by_key, element_of, whole_of
from picosched.krl.library import OPERATORS
from picosched.krl.library.maps import ANYWHERE, keys_of, removed, replaced
from picosched.krl.library.random import draw
from picosched.krl.misuse import near_by
from picosched.krl.scope import Effects, Scope, Value
from picosched.krl.size import SMALL, charge, claim_array, claim_text, code, scan, visit
from picosched.krl.values import (
    MISSING,
    Action,
    ActionFunction,
    call,
    described,
    shown,
    to_number,
    to_string,
    truth,
    valued,
)

SHORT = 1_000
"""Characters of a text that may be made before it is paid for."""

MOST_NAMED = 100
"""Members of a module that an error may name, and characters of a name that it compares with them."""

COMPARED = 50
"""Steps charged for comparing with a character of a name."""

PERIODS = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 604_800,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}


def passes(value: Value) -> tuple[int, Iterable[tuple[Value, Value]]]:
    """The number of passes of a foreach, and its (value, key) pairs; one for a scalar, none for null."""
    if isinstance(value, list):
        return len(value), zip(value, count(), strict=False)
    if isinstance(value, dict):
        return len(value), zip(value.values(), value, strict=True)
    if isinstance(value, str):
        return len(value), zip(value, map(str, count()), strict=False)
    return (0, ()) if value is None else (1, ((value, 0),))


def joined(parts: Sequence[str]) -> str:
    """The text of a chevron."""
    length = sum(map(len, parts))
    if length > SHORT:
        claim_text(length, all(map(str.isascii, parts)))
        return "".join(parts)
    text = "".join(parts)
    if length > SMALL:
        claim_text(length, text.isascii())
    return text


def act(action: Value, args: Sequence[Value], named: Mapping[str, Value]) -> Value:
    """Run an action that is known only by its value."""
    if not isinstance(action, Action):
        raise KrlError(f"found {described(action)}, wanted an action: {shown(action)}")
    return call(action.run, args, named)


def bound(scope: Scope, run: Callable[..., Value]) -> Callable[..., Value]:
    """A function or action of the library as a value: it takes its scope along."""

    def run_in_scope(*args: Value, **named: Value) -> Value:
        return call(run, (scope, *args), named, own=1)

    return run_in_scope


def provided(module: Mapping[str, Value] | None, rid: str, alias: str, name: str) -> Value:
    """A member of a module that a ruleset uses."""
    if module is None:
        raise KrlError(f"the module {rid} is not installed", code="not_found")
    if name not in module:
        names = list(islice(module, MOST_NAMED))
        charge(COMPARED * sum(map(len, names)))
        more = ", …" if len(module) > MOST_NAMED else ""
        hint = near_by(name[:MOST_NAMED], names) or f": {rid} provides {', '.join(names) or 'nothing'}{more}"
        raise KrlError(f"unknown member {alias}:{name}{hint}")
    return module[name]


def unusable(message: str) -> Value:
    """Raise the error of a place that the resolver only warned about."""
    raise KrlError(message)


def filled(
    f: Value, args: Sequence[Value], named: Mapping[str, Value]
) -> tuple[list[Value], dict[str, Value]]:
    """Arguments without the MISSING ones: a function of a ruleset gets its default instead, others null."""
    of_ruleset = type(f) is FunctionType and ".source" in f.__globals__
    defaults = (f.__defaults__ or ()) if of_ruleset else ()
    placed = [
        (defaults[place] if place < len(defaults) else None) if value is MISSING else value
        for place, value in enumerate(args)
    ]
    given = {name: value for name, value in named.items() if value is not MISSING}
    return placed, given if of_ruleset else dict.fromkeys(named) | given


def call_filled(f: Value, args: Sequence[Value], named: Mapping[str, Value]) -> Value:
    """Call a function with a null that is written out, which counts as no argument."""
    return call(f, *filled(f, args, named))


def act_filled(action: Value, args: Sequence[Value], named: Mapping[str, Value]) -> Value:
    run = action.run if isinstance(action, Action) else None
    return act(action, *filled(run, args, named))


def element(effects: Effects, rid: str, name: str, path: Value) -> Value:
    """`ent:name{path}`."""
    variable = effects.entity(rid, name, whole=False)
    if type(variable) is not StoredMap and type(variable) is not ChangedMap:
        return operators.path(variable, path)
    keys = path if type(path) is list else [path]
    if not keys:
        return None
    key = to_string(keys[0])
    scan(len(key))
    found = variable.find(key)
    if found is MISSING:
        return None
    return operators.path(found, keys[1:]) if len(keys) > 1 else found


def set_element(effects: Effects, rid: str, name: str, path: Value, value: Value) -> Value:
    """`ent:name{path} := value`, as the operator `set` does it; returns the value."""
    keys, variable = keys_of(path), effects.entity(rid, name, whole=False)
    if keys and changes_by_key(variable, keys[0]):
        found = element_of(variable, keys[0])
        made = replaced(None if found is MISSING else found, keys[1:], value, ANYWHERE)
        effects.set_element(rid, name, keys[0], made)
    else:
        effects.set_entity(rid, name, OPERATORS["set"].run(whole_of(variable), path, value))
    return value


def clear_element(effects: Effects, rid: str, name: str, path: Value) -> None:
    """`clear ent:name{path}`, as the operator `delete` does it."""
    keys, variable = keys_of(path), effects.entity(rid, name, whole=False)
    if keys and changes_by_key(variable, keys[0]):
        found = element_of(variable, keys[0])
        if found is not MISSING:
            left = removed(found, keys[1:]) if len(keys) > 1 else MISSING
            effects.set_element(rid, name, keys[0], left)
    else:
        effects.set_entity(rid, name, OPERATORS["delete"].run(whole_of(variable), path))


def event_name(type: Value) -> tuple[str, str]:
    """The domain and type of `event "domain:type"`, without spaces, split at the first colon."""
    text = to_string(type)
    code(len(text))
    text = "".join(text.split())
    domain, colon, rest = text.partition(":")
    if not (domain and colon and rest):
        raise KrlError(f'found the event {shown(type)}, wanted "domain:type"')
    return domain, rest


def word(type: Value) -> str:
    """The type of an event that an expression gives."""
    if type == "":
        raise KrlError("found an empty String as the type of an event, wanted one that is not empty")
    if not isinstance(type, str):
        raise KrlError(f"found {described(type)} as the type of an event, wanted a String: {shown(type)}")
    return type


def attributes(value: Value) -> dict[str, Value]:
    """The attributes of an event: a map, or null for none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KrlError(
            f"found {described(value)} as the attributes of an event, wanted a Map: {shown(value)}"
        )
    return value


def rids(value: Value) -> list[str]:
    """The rulesets of `raise … for`: one rid or an array; a version after a rid is ignored."""
    listed = value if isinstance(value, list) else [value]
    claim_array(len(listed), 2 * len(listed))
    return [to_string(each) for each in listed]


def whole(value: Value) -> int:
    found = to_number(value)
    return int(found) if found is not None else 0


def milliseconds(amount: Value, period: str) -> float:
    """How long `within amount period` is."""
    found = to_number(amount)
    if found is None:
        raise KrlError(f"found {shown(amount)} as the length of `within`, wanted a number")
    return float(found) * PERIODS[period] * 1000


def attribute_text(attrs: Mapping[str, Value], name: str) -> str:
    """An attribute as a pattern sees it: "" where there is none."""
    return to_string(attrs[name]) if name in attrs else ""


def unmatched(attrs: Mapping[str, Value], name: str, says: str) -> str:
    """Why an attribute does not match its pattern, with the value it has."""
    return f"{says}: it was {shown(attrs[name])}" if name in attrs else f"{says}: there is none"


def false_where(says: str, operands: Sequence[str], values: Sequence[Value]) -> str:
    """Why a `where` is false, with what its operands were."""
    return f"{says}: {valued(operands, values)}"


def pick_one(scope: Scope, count: int) -> int:
    return draw(scope).randrange(count) if count else -1


# ---- classic counters and trails ------------------------------------------------------------------


def counted(value: Value, step: Value, begin: Value) -> Value:
    """`ent:x += step from begin`: an unset variable becomes `begin`, without the step."""
    if value is None:
        return step if begin is MISSING else begin
    return operators.add(value, step)


def trail(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def marked(value: Value, mark: Value, now: float) -> list[Value]:
    """A trail with one more place, the newest first: [value, epoch seconds]."""
    places = trail(value)
    claim_array(len(places) + 1)
    return [[mark, int(now)], *places]


def forgotten(value: Value, pattern: Value) -> list[Value]:
    """A trail without the first place that matches."""
    places = trail(value)
    claim_array(len(places), 2 * len(places))
    for index, place in enumerate(places):
        if operators.like(place[0], pattern):
            return [*places[:index], *places[index + 1 :]]
    return places


def place_of(value: Value, place: Value) -> Value:
    """`history n ent:t`: the n-th newest place of a trail, 0 the newest."""
    places = trail(value)
    number = whole(place)
    return places[number][0] if 0 <= number < len(places) else None


def seen(value: Value, pattern: Value, now: float, within: float | None) -> bool:
    """Whether a trail has a place that matches, not older than `within` milliseconds."""
    visit(4 * len(trail(value)))
    return any(
        operators.like(place[0], pattern) and (within is None or now - place[1] <= within / 1000)
        for place in trail(value)
    )


def seen_in_order(value: Value, pattern: Value, order: str, other: Value) -> bool:
    """Whether the newest match of one pattern is older (before) or newer (after) than that of the other."""
    places = trail(value)
    visit(8 * len(places))
    first = next((i for i, place in enumerate(places) if operators.like(place[0], pattern)), None)
    second = next((i for i, place in enumerate(places) if operators.like(place[0], other)), None)
    if first is None or second is None:
        return False
    return first > second if order == "before" else first < second


def kept_set(effects: Effects, rid: str, name: str, value: Value) -> Value:
    """`value.pset(ent:name)`: store it, and pass it on."""
    effects.set_entity(rid, name, value)
    return value


def own_keys(scope: Scope, keys: Mapping[str, Value]) -> None:
    scope.keys.own = keys


def key(scope: Scope, name: str) -> Value:
    """`keys:name`."""
    return scope.keys.find(name)


def clock_seconds(scope: Scope) -> float:
    return scope.now().timestamp()


RUNTIME: dict[str, Any] = {
    "__builtins__": {},
    ".MISSING": MISSING,
    ".Action": Action,
    ".ActionFunction": ActionFunction,
    ".act": act,
    ".act_filled": act_filled,
    ".attribute_text": attribute_text,
    ".attributes": attributes,
    ".bound": bound,
    ".call": call,
    ".call_filled": call_filled,
    ".clock_seconds": clock_seconds,
    ".counted": counted,
    ".clear_element": clear_element,
    ".element": element,
    ".enumerate": enumerate,
    ".event_name": event_name,
    ".false_where": false_where,
    ".forgotten": forgotten,
    ".index": operators.index,
    ".int": int,
    ".joined": joined,
    ".kept_set": kept_set,
    ".key": key,
    ".len": len,
    ".marked": marked,
    ".milliseconds": milliseconds,
    ".own_keys": own_keys,
    ".passes": passes,
    ".path": operators.path,
    ".pick_one": pick_one,
    ".place_of": place_of,
    ".provided": provided,
    ".rids": rids,
    ".seen": seen,
    ".seen_in_order": seen_in_order,
    ".set_element": set_element,
    ".str": str,
    ".text": to_string,
    ".truth": truth,
    ".unmatched": unmatched,
    ".unusable": unusable,
    ".word": word,
    **{f".{text}": sign.run for text, sign in operators.INFIX.items() if sign.run},
    **{f".prefix {text}": sign.run for text, sign in operators.PREFIX.items() if sign.run},
}
