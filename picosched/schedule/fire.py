"""A fire: what became of one occurrence of a scheduled event, and how late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from picosched.schedule.record import COUNT, NAME, TEXT, TEXTS, TIME, Field, Kind, Table, word
from picosched.schedule.scheduled import Outcome

GRACE = timedelta(seconds=1)
"""An occurrence is in time while its lateness is within the granularity and this."""

SKIPPED = "it was missed, and its misfire policy is skip"
"""Why such an occurrence was not raised."""


@dataclass(frozen=True, slots=True)
class Fire:
    """The record of one occurrence, keyed by (`id`, `nominal`): the schedule's id and the due time.

    `outcome`: fired (in time) · late · coalesced (late, and it stands for later ones that were missed too) ·
    failed (a rule that handled it failed, or it could not be raised) · skipped (missed, and the policy is to
    let it go) · throttled (too soon after the last) · paused (it passed while the row was) · cancelled.
    """

    id: str
    pico_id: str
    nominal: datetime
    fired: datetime
    """When it was dealt with, whatever the outcome."""
    outcome: Outcome
    eid: str | None = None
    """The event it raised, or the one that cancelled it; None where there was none."""
    rules: tuple[str, ...] = ()
    """The rules that fired, as `rid.rule`."""
    why: str | None = None
    """What went wrong, or why it was not raised, or why it was raised outside its time."""
    stands_for: int = 1
    """Occurrences that this record accounts for: this one, and those after it that were missed with it."""

    @property
    def error(self) -> str | None:
        """What went wrong, if something did."""
        return self.why if self.outcome is Outcome.FAILED else None

    @property
    def lateness(self) -> float:
        """Seconds between the due time and its being dealt with; negative if cancelled before."""
        return (self.fired - self.nominal).total_seconds()


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
    Field("stands_for", COUNT, read="told.whole('stands_for', 1)"),
)


def missed(nominal: datetime, now: datetime, granularity: int) -> bool:
    """True if at `now` an occurrence is late by more than the granularity (seconds) and the grace."""
    return now - nominal > timedelta(seconds=granularity) + GRACE
