"""Converts rows to records and back; JSON as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from functools import lru_cache, wraps
from typing import Any, TypeVar

import orjson

from picosched.clock import from_ms, to_ms
from picosched.errors import KrlError, PicoschedError
from picosched.krl.size import charge
from picosched.krl.text import pay_for_json
from picosched.pico.channel import Channel, Policy
from picosched.schedule.fire import FIRE, Fire
from picosched.schedule.provenance import PROVENANCE, Provenance
from picosched.schedule.scheduled import SCHEDULED, Scheduled
from picosched.store.port import Row
from picosched.timespec.almanac import Almanac

T = TypeVar("T")

DOCTOR = "`picosched doctor` says what is damaged"

ROW = 20
"""Steps charged for reading a row."""

ELEMENT = 4
"""The same for an element of a map that is read as a whole."""


def dump(value: Any) -> str:
    """JSON text of a value; parts that are not JSON become strings."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        # Integers beyond 64 bits and half characters. The leading blank makes `load` use `json`, which
        # reads them.
        return " " + json.dumps(value, default=_plain)


def load(text: str) -> Any:
    """The value of a text that `dump` wrote; `internal` if it is not JSON: the database is damaged.

    The current turn is charged for it and for its row.
    """
    try:
        charge(ROW)
        if text == "{}":
            return {}
        pay_for_json(text)
        return json.loads(text) if text.startswith(" ") else orjson.loads(text)
    except (ValueError, AttributeError) as cause:
        raise PicoschedError(
            f"found {text!r:.80} in the database, wanted JSON; {DOCTOR}", "internal"
        ) from cause


def load_map(found: Sequence[Row]) -> Any:
    """The map of rows of a key and a value each, which `dump` wrote; errors and charges as of `load`."""
    charge(ELEMENT * len(found))
    text = ",".join(f"{key}:{value}" for key, value in found)
    special = any(each.startswith(" ") for row in found for each in row)
    return load(f"{' ' if special else ''}{{{text}}}")


def readable(make: Callable[[Row], T]) -> Callable[[Row], T]:
    """Make a function that converts rows raise `internal` for an invalid row, as `load` does."""

    @wraps(make)
    def read(row: Row) -> T:
        try:
            return make(row)
        except KrlError:
            raise  # the turn's budget is exhausted
        except (PicoschedError, ValueError, TypeError, KeyError, AttributeError) as cause:
            if isinstance(cause, PicoschedError) and cause.code == "internal":
                raise  # it says so already
            why = f"the row {row[0]} of the database cannot be read: {cause}; {DOCTOR}"
            raise PicoschedError(why, "internal") from cause

    return read


def checked(row: Row) -> Row:
    """The row, if each database takes its texts; else `invalid`. In JSON anything may stand."""
    for text in row:
        if isinstance(text, str) and (not text.isascii() or "\0" in text):
            if "\0" in text:
                raise PicoschedError(f"found a NUL character in {text[:40]!r}, which cannot be stored")
            try:
                text.encode()
            except UnicodeEncodeError as cause:
                found = f"found half a character in {text[:40]!r}"
                raise PicoschedError(f"{found}, which cannot be stored") from cause
    return row


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def ms(time: datetime | None) -> int | None:
    return None if time is None else to_ms(time)


def time(value: int | None) -> datetime | None:
    return None if value is None else from_ms(value)


of_scheduled = SCHEDULED.of_record(dump)


@lru_cache(maxsize=16)
def scheduled_with(almanac: Almanac) -> Callable[[Row], Scheduled]:
    """A function that makes a scheduled event of a row; its timespec is read with the almanac."""
    return readable(SCHEDULED.to_record(load, almanac=almanac))


of_fire = FIRE.of_record(dump)
to_fire: Callable[[Row], Fire] = readable(FIRE.to_record(load))

of_provenance = PROVENANCE.of_record(dump)
to_provenance: Callable[[Row], Provenance] = readable(PROVENANCE.to_record(load))

CHANNEL = "eci, pico, tags, events, queries, kin, eci_of_kin"
"""The columns of a channel, in order."""


def of_channel(channel: Channel) -> Row:
    return (
        channel.eci,
        channel.pico_id,
        dump(channel.tags),
        dump(channel.events),
        dump(channel.queries),
        channel.kin,
        channel.eci_of_kin,
    )


@readable
def to_channel(row: Row) -> Channel:
    return Channel(row[0], row[1], tuple(load(row[2])), _policy(row[3]), _policy(row[4]), row[5], row[6])


def _policy(text: str) -> Policy:
    patterns = load(text)
    return Policy(tuple(patterns["allow"]), tuple(patterns["deny"]))
