"""Pieces of work that wait in line for the store: data about what to raise, and where.

A piece that needs an answer from outside first (`Unanswered`) has written nothing; it is performed again
with that answer among its `answers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from enum import Enum
from typing import Any

from picosched.acting import Actor
from picosched.frozen import frozen
from picosched.pico.chance import Tape
from picosched.pico.event import Event, Query
from picosched.pico.said import Answers


class Later(Enum):
    """Why a light try of a piece did nothing; it can be tried again without `light`."""

    BUSY = "another thread or program uses the store"
    HEAVY = "it takes too long for a light try"


@frozen
class RaiseEvent:
    """An event for the pico of its channel, or from a trusted caller for `pico_id`."""

    event: Event
    pico_id: str | None = None
    answers: Answers = field(default_factory=Answers)
    light: bool = False
    """Whether only a little time may be spent on it."""
    by: Actor | None = None
    """Who raises it, if the audit is to tell; so also below."""


@frozen
class MakeSchedule:
    """A schedule for somebody outside, in a pico: of an event, whose attributes may steer it."""

    event: Event
    pico_id: str
    when: Any
    """A time or a timespec, as a rule gives it."""
    repeats: bool
    maker: str
    """Who makes it, as it is kept."""
    by: Actor | None = None
    drawn: Tape = field(default_factory=list)
    """The random numbers of which its id is made; extended as they are drawn."""


@frozen
class AskQuery:
    """A query of the pico of its channel, or by a trusted caller of `pico_id`."""

    query: Query
    pico_id: str | None = None
    answers: Answers = field(default_factory=Answers)
    light: bool = False


@frozen
class AskPassing:
    """Asks whether a channel allows an event or query, before the rest of the request is read."""

    eci: str
    event: tuple[str, str] | None
    query: tuple[str, str] | None


@frozen
class RaiseDue:
    """A row that was due at a tick's last look."""

    id: str
    owner: str
    """The pico that made it."""
    looks: Sequence[datetime]
    answers: Answers = field(default_factory=Answers)


@frozen
class RaiseNow:
    """A row whose event to raise outside its times."""

    id: str
    why: str
    answers: Answers = field(default_factory=Answers)
    by: Actor | None = None


@frozen
class RaisePast:
    """A past occurrence of a row that repeats, whose event was never raised."""

    id: str
    nominal: datetime
    answers: Answers = field(default_factory=Answers)
    by: Actor | None = None


@frozen
class RaiseEntry:
    """An entry of a source that was due when a tick looked."""

    id: str
    owner: str
    """Its source."""
    looked: datetime
    answers: Answers = field(default_factory=Answers)
