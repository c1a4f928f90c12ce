"""Events, queries and times written on one line: `tea:started minutes=5 text="two words"`.

The command line, transcripts and simulations share this notation. A line is split as in a shell, so blanks
can be quoted. The value of an attribute is JSON if it can be parsed as JSON, else text: `n=5` is a number,
`n=five` a string, and `n='"5"'` a string of digits.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import parse_time
from picosched.errors import PicoschedError, shortened
from picosched.krl.text import from_json, tree_text

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Named:
    """`first:second name=value …`: an event to raise, or a query to make."""

    first: str
    second: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Input:
    """An event from outside, and its time; without a time, at the start."""

    domain: str
    type: str
    attrs: dict[str, Any]
    at: datetime | None = None
    pico: str | None = None


def parse_named(words: Iterable[str], wanted: str = "domain:type") -> Named:
    """Parse words as an event or query, also `domain type`; `wanted` is the form named in the error."""
    first_word, *rest = [*words] or [""]
    first, colon, second = first_word.partition(":")
    if not colon and rest and _NAME.fullmatch(rest[0]):
        colon, second = ":", rest.pop(0)
    if not (colon and first.strip() and second.strip()):
        raise PicoschedError(f'found "{first_word}", wanted {wanted}')
    return Named(first.strip(), second.strip(), parse_values(rest))


def parse_values(words: Iterable[str]) -> dict[str, Any]:
    """The map of words of the form `name=value`."""
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise PicoschedError(f'found "{word}", wanted name=value')
        if name in values:
            raise PicoschedError(f"found {name} twice, wanted each name once")
        values[name] = _value(text)
    return values


def parse_map(text: str, what: str) -> dict[str, Any]:
    """Parse JSON text as a map; `what` names it in the error."""
    value = parse_json(text, what)
    if not isinstance(value, dict):
        raise PicoschedError(f'{what}: found {shortened(text)}, wanted a JSON map such as {{"minutes": 5}}')
    return value


def parse_json(text: str, what: str) -> Any:
    try:
        return from_json(text)
    except PicoschedError as cause:
        broken = cause.message.startswith("not JSON")  # the rest names what the parser expected there
        why = 'wanted JSON such as {"minutes": 5}' if broken else f"wanted JSON: {cause.message}"
        raise PicoschedError(f"{what}: found {shortened(text)}, {why}") from cause


def parse_input(line: str) -> Input:
    """Parse an event from outside, in one of two forms:

    `[TIME] domain:type name=value …`, or the JSON `{"at": TIME, "event": "domain:type", "attrs": {…},
    "pico": NAME}`, in which only the event is required. So the output of a simulation can be read again.
    """
    if line.lstrip().startswith("{"):
        return _json_input(parse_map(line, "event"))
    words = split(line)
    at = parse_time(words.pop(0)) if words and words[0][:1].isdigit() else None
    named = parse_named(words)
    return Input(named.first, named.second, named.values, at)


def parse_duration(text: str) -> timedelta:
    """`5m`, `1h30m`, `2d`, `90s`, `1w`."""
    if not _DURATION.fullmatch(text):
        raise PicoschedError(f'found "{text}", wanted a duration such as 90s, 5m, 1h30m, 2d or 1w')
    try:
        return sum(
            (timedelta(**{_UNITS[unit]: float(amount)}) for amount, unit in _PART.findall(text)), timedelta()
        )
    except OverflowError as cause:
        raise PicoschedError(f'found the duration "{text}", which is too long') from cause


def time_or_later(text: str, now: datetime, read: Callable[[str], datetime] = parse_time) -> datetime:
    """A time, or a duration from now: `2026-03-01T09:00Z`, `30d`. `read` reads the time."""
    if not _DURATION.fullmatch(text):
        try:
            return read(text)
        except PicoschedError as error:
            if text[-1:] in _UNITS:  # it may be a duration that was mistyped
                raise PicoschedError(f"{error.message}, or a duration such as 30d") from error
            raise
    try:
        return now + parse_duration(text)
    except OverflowError as cause:
        raise PicoschedError(f'found the duration "{text}", which is too long') from cause


def split(line: str) -> list[str]:
    """The words of a line, split as in a shell."""
    try:
        return shlex.split(line)
    except ValueError as cause:
        raise PicoschedError(f"cannot split `{line}` into words: {cause}") from cause


def values_text(values: dict[str, Any]) -> str:
    """Values as text that `parse_values` reads back."""
    return " ".join(f"{name}={shlex.quote(_value_text(value))}" for name, value in values.items())


def directive_name(name: Any) -> str:
    """The name of a directive: a text as it is, any other value as JSON."""
    return name if isinstance(name, str) else tree_text(name)


def _value_text(value: Any) -> str:
    # Text is not quoted unless it would be read as JSON.
    return value if isinstance(value, str) and _value(value) == value else tree_text(value)


def _value(text: str) -> Any:
    try:
        return from_json(text)
    except PicoschedError:
        return text


def _json_input(line: dict[str, Any]) -> Input:
    match line:
        case {"event": str(event), **rest}:
            named = parse_named([event])
        case _:
            raise PicoschedError('found an event without "event", wanted {"event": "domain:type"}')
    at, attrs, pico = rest.get("at"), rest.get("attrs") or {}, rest.get("pico")
    if not isinstance(attrs, dict):
        raise PicoschedError(f"attrs: found {shortened(tree_text(attrs))}, wanted a map")
    if pico is not None and not isinstance(pico, str):
        raise PicoschedError(f"pico: found {shortened(tree_text(pico))}, wanted its name")
    return Input(named.first, named.second, attrs, None if at is None else parse_time(at), pico)
