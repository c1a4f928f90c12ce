"""A turn: all effects of one event in one pico, not yet durable.

A turn is data: the changed entity variables, waiting event expressions, events scheduled and cancelled, the
directives for the caller, and for every rule that the event was salient to, why it fired or not. The store
makes all of it durable in one transaction, together with the due row that caused it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from picosched.errors import KrlError
from picosched.frozen import frozen
from picosched.pico.change import Change
from picosched.pico.delivery import Delivery
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import Provenance
from picosched.schedule.scheduled import Scheduled, Status

WARNING = "warning"
"""The log level of the engine itself; rules log at error, warn, info and debug."""

SENT = "sent"
"""The log level of events on their way to other engines."""


@frozen
class Directive:
    """A rule's output for the caller."""

    name: Any
    """Any JSON value; mostly a text."""
    options: Any
    rid: str
    rule: str | None
    handled: int = 0
    """The index in `Turn.handled` of the event it answers."""


@frozen
class Considered:
    """A rule that an event was salient to, and the outcome.

    `outcome`: fired · notfired (its condition was false) · unselected (an attribute or `where` did not match)
    · waiting (its event expression is not complete) · idle (a foreach without a pass) · failed
    · inactive (selected, but it needs what this engine lacks: `Ruleset.inactive`)
    · unreached (a rule before it ended the ruleset with `last`; or the turn was over before: one record, with
    the rule `*`, for all remaining rules) · bypassed (the event was not for this ruleset; the rule `*`).
    `why` explains the outcome; `line` is the place in the ruleset.
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


@frozen
class Logged:
    """A log entry of a rule or of the engine."""

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
    """(rid, name) → its new value, JSON, or a ChangedMap; None deletes."""
    waiting: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(rid, rule) → the state of its event expression, JSON; None means the start state."""
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    """id → new row."""
    rescheduled: dict[str, Scheduled] = field(default_factory=dict)
    """id → a row that existed before, as it will be: paused, moved, cancelled …"""
    deliveries: list[Delivery] = field(default_factory=list)
    """Events for other engines."""
    records: list[Fire] = field(default_factory=list)
    """Records of occurrences that will not be raised, or that this turn raised itself."""
    provenance: list[Provenance] = field(default_factory=list)
    """Who changed which rows."""
    settled: Scheduled | None = None
    """The scheduled event that caused the turn, as it will be after this occurrence."""
    changes: list[Change] = field(default_factory=list)
    """Changes to channels, rulesets, children and sources, in order."""
    entry: str | None = None
    """The id of the entry of a source whose occurrence it is, if what it starts is the entry's work."""
    inputs: str | None = ""
    """What the journal keeps of its `inputs.py`, beside its event."""
    repeated: bool = False
    """Whether the pico has received an event with this key before; then the turn has only that one's id."""

    @property
    def cause(self) -> str | None:
        """The id of its event; None if it has none, as somebody outside made a schedule."""
        return self.eid or None

    @property
    def cancelled(self) -> list[str]:
        """The ids of the schedules it cancelled, in order."""
        ended = (each for each in self.rescheduled.values() if each.status is Status.CANCELLED)
        return sorted(each.id for each in ended)

    @property
    def works_for(self) -> str | None:
        """The id of the schedule, or the entry, that raised its event, or that started the program whose end
        it handles."""
        row = self.settled
        return self.entry if row is None else row.id if row.is_schedule else row.started_by

    @property
    def warnings(self) -> list[str]:
        """The engine's warnings about requests of rules; they are also in the log."""
        return [str(each.value) for each in self.log if each.level == WARNING]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """For each of `errors`: the event, as `domain:type`, and the rule, as `rid.rule`."""
        return [
            (f"{handled.domain}:{handled.type}", f"{considered.rid}.{considered.rule}")
            for handled in self.handled
            for considered in handled.considered
            if considered.outcome == "failed"
        ]

    @property
    def sent(self) -> list[Logged]:
        """A log entry for each event for another engine; the journal keeps them after `log`."""
        return [
            Logged(SENT, each.rid or "", each.rule, f"{each.shown_url} (delivery {each.id})")
            for each in self.deliveries
        ]

    @property
    def fired(self) -> list[str]:
        """The rules that fired, as `rid.rule`, in order."""
        return [
            f"{considered.rid}.{considered.rule}"
            for handled in self.handled
            for considered in handled.considered
            if considered.outcome == "fired"
        ]
