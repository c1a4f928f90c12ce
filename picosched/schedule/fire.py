"""A fire: the outcome of one occurrence of a scheduled event, and its lateness."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from picosched.frozen import frozen
from picosched.schedule.record import COUNT, NAME, TEXT, TEXTS, TIME, Field, Kind, Table, word
from picosched.schedule.scheduled import Outcome, Scheduled

GRACE = timedelta(seconds=1)
"""An occurrence is in time if its lateness is within the granularity plus this."""

SKIPPED = "it was missed, and its misfire policy is skip"
"""Why such an occurrence was not raised."""


@frozen
class Fire:
    """The record of one occurrence, keyed by (`id`, `nominal`): the schedule's id and the due time.

    `outcome`: fired (in time) · late · coalesced (late, and it stands for later ones that were missed too) ·
    failed (a rule that handled it failed, or it could not be raised) · skipped (missed, and the policy is to
    let it go) · throttled (too soon after the last) · paused (it passed while the row was) · cancelled.
    """

    id: str
    pico_id: str
    """The pico that received the event; the row's own pico if it was not raised."""
    nominal: datetime
    fired: datetime
    """When it was processed, whatever the outcome."""
    outcome: Outcome
    eid: str | None = None
    """The event it raised, or the one that cancelled it; None if there was none."""
    rules: tuple[str, ...] = ()
    """The rules that fired, as `rid.rule`."""
    why: str | None = None
    """The error, why it was not raised, or why it was raised outside its schedule."""
    stands_for: int = 1
    """The number of occurrences this record accounts for: this one, and later ones missed with it.

    0 for a failed try of one that was tried again.
    """
    asked: datetime | None = None
    """The time asked for, if the due time was rounded or put off."""

    @property
    def error(self) -> str | None:
        """The error, if there was one."""
        return self.why if self.outcome is Outcome.FAILED else None

    @property
    def lateness(self) -> float:
        """Seconds from the due time until it was processed; negative if cancelled earlier."""
        return (self.fired - self.nominal).total_seconds()


class Label(NamedTuple):
    """What people know the schedule of a record by; None if the schedule is gone, or has no name."""

    event: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, row: Scheduled | None) -> Label:
        return UNKNOWN if row is None else cls(row.event, row.name)


UNKNOWN = Label()


LATENESS = Kind("number", float, "", to_column="fired - nominal")
RULES = TEXTS._replace(
    of_json="tuple(told.texts({name}))",
    to_json="[*{v}]",
    to_column="dump({v}) if {v} else '[]'",
    of_column="tuple(load({v}))",
)

FIRE = Table(
    "fire",
    Fire,
    Field("id", NAME, column="scheduled"),
    Field("nominal", TIME),
    Field("pico_id", TEXT, column="pico", json="pico"),
    Field("fired", TIME),
    Field("lateness", LATENESS, says="Seconds."),
    Field("outcome", word(Outcome)),
    Field("eid", TEXT.maybe),
    Field("rules", RULES),
    Field("why", TEXT.maybe),
    Field("stands_for", COUNT),
    Field("asked", TIME.maybe, says="The time asked for, if the due time was rounded or put off."),
)


def record_of(
    row: Scheduled,
    now: datetime,
    outcome: Outcome,
    why: str | None,
    stands_for: int = 1,
    eid: str | None = None,
) -> Fire:
    """The record of the occurrence for which a row is due."""
    assert row.due is not None
    return Fire(row.id, row.pico_id, row.due, now, outcome, eid, (), why, stands_for, row.asked)


def missed(nominal: datetime, now: datetime, granularity: int) -> bool:
    """True if at `now` an occurrence is late by more than the granularity (seconds) and the grace."""
    return now - nominal > timedelta(seconds=granularity) + GRACE
