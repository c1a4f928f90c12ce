"""The audit: who did what from outside, when, and to what.

A `Deed` is kept in the transaction of what it tells of, so there is none without the other. What rules do
is in the journal. A program that embeds the engine is here only if it says for whom it acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.acting import Actor, Role
from picosched.schedule.record import COUNT, NAME, TEXT, TIME, Field, Table, word

KINDS = (
    "schedule",
    "event",
    "pico",
    "ruleset",
    "channel",
    "delivery",
    "source",
    "alert",
    "window",
    "token",
    "scheduler",
    "database",
)
"""What something can be done to."""

LONGEST = 500
"""Characters kept of what a deed tells, and of what it was done to."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that somebody did."""

    at: datetime
    what: str
    """One of ACTIONS."""
    kind: str
    """One of KINDS."""
    on: str
    """To which one: an id or a name; of a channel only the beginning of its eci."""
    surface: str
    name: str | None
    """Of the token, or the user of the command line; None for the owner, or if no token is required."""
    role: Role
    told: str | None = None
    """More of it, for people."""
    seq: int = 0

    @property
    def by(self) -> str:
        """Who did it, as schedules name who changed them."""
        return str(Actor(self.surface, self.name, self.role))

    def as_json(self) -> dict[str, Any]:
        return _to_map(self)

    @property
    def to(self) -> str:
        """To what it was done: a kind and which one, or how many of that kind."""
        return self.on if self.on.endswith(f" {self.kind}s") else f"{self.kind} {self.on}"

    def __str__(self) -> str:
        told = "" if self.told is None else f": {self.told}"
        return f"{self.what} {self.to}{told}"


DEED = Table(
    "audit",
    Deed,
    Field("seq", COUNT, numbered=True),
    Field("at", TIME),
    Field("by", TEXT, column=None),
    Field("what", NAME),
    Field("kind", NAME),
    Field("on", TEXT, column="subject"),
    Field("told", TEXT.maybe),
    Field("surface", NAME),
    Field("name", TEXT.maybe),
    Field("role", word(Role)),
)
_to_map = DEED.to_map()


def deed_of(by: Actor, at: datetime, what: str, kind: str, on: str, told: str | None = None) -> Deed:
    """What somebody did; long texts are shortened."""
    told = told and _short(told)
    return Deed(at, what, kind, _short(on), by.surface, by.name, by.role, told)


def read_deed(told: Mapping[str, Any]) -> Deed:
    """A deed of a server, as `as_json` gives it."""
    from picosched.fields import Fields  # late: only for what a server answers

    fields = Fields(told, "the deed")
    return Deed(
        fields.time("at"),
        fields.text("what"),
        fields.text("kind"),
        fields.text("on"),
        fields.text("surface"),
        fields.maybe_text("name"),
        fields.word("role", Role),
        fields.maybe_text("told"),
        fields.whole("seq"),
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
