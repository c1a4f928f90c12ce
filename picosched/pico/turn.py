"""A turn: all that one event did to one pico, not yet durable.

A turn is data. It says which entity variables change, which event expressions wait for more, which events
are scheduled or cancelled, what the caller gets back, and, for every rule that cared, why it fired or not.
The store makes all of it durable in one transaction, together with the due row that caused it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from picosched.errors import KrlError
from picosched.pico.change import Change
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled, Status

WARNING = "warning"
"""The level at which the engine itself logs; rules log at error, warn, info and debug."""


@dataclass(frozen=True, slots=True)
class Directive:
    """What a rule gives to the caller."""

    name: str
    options: Any
    rid: str
    rule: str | None
    handled: int = 0
    """The event of the turn it answers, by its place in `Turn.handled`."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that an event was salient to, and what became of it.

    `outcome`: fired · notfired (its condition was false) · unselected (an attribute or `where` did not match)
    · waiting (its event expression is not complete) · idle (a foreach without a pass) · failed
    · unreached (the turn was over by then; of all rules that were left, as `*`).
    `why` tells in words, with the line.
    """

    rid: str
    rule: str
    outcome: str
    why: str | None = None
    line: int | None = None


@dataclass(slots=True)
class Handled:
    """One event of a turn: the one that started it, or one raised within it."""

    domain: str
    type: str
    attrs: dict[str, Any]
    considered: list[Considered] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Logged:
    """What a rule wrote to the pico's log."""

    level: str
    rid: str
    rule: str | None
    value: Any


@dataclass(slots=True)
class Turn:
    """The outcome of one event in one pico."""

    eid: str
    pico_id: str
    now: datetime
    eci: str | None = None
    handled: list[Handled] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    errors: list[KrlError] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)
    entities: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(rid, name) → its new value, JSON; None deletes."""
    waiting: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(rid, rule) → the state of its event expression, JSON; None means back at the start."""
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    """id → what was made for later."""
    rescheduled: dict[str, Scheduled] = field(default_factory=dict)
    """id → a row that was there before, as it is to be: paused, moved, cancelled …"""
    records: list[Fire] = field(default_factory=list)
    """Of occurrences that will not be raised, or that this turn raised itself."""
    settled: Scheduled | None = None
    """The scheduled event that came due and caused it, as it is once this occurrence is dealt with."""
    changes: list[Change] = field(default_factory=list)
    """What becomes of channels, rulesets and children, in order."""
    repeated: bool = False
    """Whether the event came a second time, by its key. Then this is empty but for the first one's id."""

    @property
    def cancelled(self) -> list[str]:
        """The ids of the schedules that it cancelled, in order."""
        ended = (each for each in self.rescheduled.values() if each.status is Status.CANCELLED)
        return sorted(each.id for each in ended)

    @property
    def warnings(self) -> list[str]:
        """What the engine found doubtful in what the rules asked for; it stands in the log as well."""
        return [str(each.value) for each in self.log if each.level == WARNING]

    @property
    def fired(self) -> list[str]:
        """The rules that fired, as `rid.rule`, in order."""
        return [
            f"{considered.rid}.{considered.rule}"
            for handled in self.handled
            for considered in handled.considered
            if considered.outcome == "fired"
        ]
