"""Rows and the nouns they stand for; JSON as text."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

import orjson

from picosched.clock import from_ms, to_ms
from picosched.krl.size import charge
from picosched.krl.text import pay_for_json
from picosched.pico.channel import Channel, Policy
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Misfire, Outcome, Scheduled, Status
from picosched.store.database import Row

ROW = 20
"""Steps that it takes to read a row."""


def dump(value: Any) -> str:
    """JSON text of a value; what is not JSON stands there as its text."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        # Integers beyond 64 bits and half characters. The blank in front tells `load` to read it in
        # the way that can.
        return " " + json.dumps(value, default=_plain)


def load(text: str) -> Any:
    """The value of what `dump` wrote. A turn that has it read pays for it, and for the row it stands in."""
    charge(ROW)
    pay_for_json(text)
    return json.loads(text) if text.startswith(" ") else orjson.loads(text)


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def ms(time: datetime | None) -> int | None:
    return None if time is None else to_ms(time)


def time(value: int | None) -> datetime | None:
    return None if value is None else from_ms(value)


SCHEDULED = (
    "id, pico, rid, domain, type, attrs, kind, due, created, rule, line, timespec, name, tz, status, fires, "
    "fired, keep_until, paused_until, eci, misfire, until, count, jitter, description, moved_from, "
    "in_window"
)


def of_scheduled(scheduled: Scheduled) -> Row:
    return (
        scheduled.id,
        scheduled.pico_id,
        scheduled.rid,
        scheduled.domain,
        scheduled.type,
        dump(scheduled.attrs),
        scheduled.kind,
        ms(scheduled.due),
        to_ms(scheduled.created),
        scheduled.rule,
        scheduled.line,
        scheduled.timespec,
        scheduled.name,
        scheduled.tz,
        scheduled.status.value,
        scheduled.fires,
        ms(scheduled.fired),
        ms(scheduled.keep_until),
        ms(scheduled.paused_until),
        scheduled.eci,
        None if scheduled.misfire is None else scheduled.misfire.value,
        ms(scheduled.until),
        scheduled.count,
        scheduled.jitter,
        scheduled.description,
        ms(scheduled.moved_from),
        scheduled.window,
    )


def to_scheduled(row: Row) -> Scheduled:
    return Scheduled(
        id=row[0],
        pico_id=row[1],
        rid=row[2],
        domain=row[3],
        type=row[4],
        attrs=load(row[5]),
        kind=row[6],
        due=time(row[7]),
        created=from_ms(row[8]),
        rule=row[9],
        line=row[10],
        timespec=row[11],
        name=row[12],
        tz=row[13],
        status=Status(row[14]),
        fires=row[15],
        fired=time(row[16]),
        keep_until=time(row[17]),
        paused_until=time(row[18]),
        eci=row[19],
        misfire=None if row[20] is None else Misfire(row[20]),
        until=time(row[21]),
        count=row[22],
        jitter=row[23],
        description=row[24],
        moved_from=time(row[25]),
        window=row[26],
    )


FIRE = "scheduled, nominal, pico, fired, lateness, outcome, eid, rules, why, stands_for"


def of_fire(fire: Fire) -> Row:
    nominal, fired = to_ms(fire.nominal), to_ms(fire.fired)
    return (
        fire.id,
        nominal,
        fire.pico_id,
        fired,
        fired - nominal,
        fire.outcome.value,
        fire.eid,
        dump(fire.rules) if fire.rules else "[]",
        fire.why,
        fire.stands_for,
    )


def to_fire(row: Row) -> Fire:
    return Fire(
        id=row[0],
        nominal=from_ms(row[1]),
        pico_id=row[2],
        fired=from_ms(row[3]),
        outcome=Outcome(row[5]),
        eid=row[6],
        rules=tuple(load(row[7])),
        why=row[8],
        stands_for=row[9],
    )


CHANNEL = "eci, pico, tags, events, queries, kin, eci_of_kin"


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


def to_channel(row: Row) -> Channel:
    return Channel(row[0], row[1], tuple(load(row[2])), _policy(row[3]), _policy(row[4]), row[5], row[6])


def _policy(text: str) -> Policy:
    patterns = load(text)
    return Policy(tuple(patterns["allow"]), tuple(patterns["deny"]))
