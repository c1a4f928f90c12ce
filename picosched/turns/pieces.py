"""Pieces of work, as they stand in line before the store: data that says what is to be raised, and where.

Whoever performs a piece may find that it needs an answer from outside first (`Unanswered`). Then nothing has
happened, and the same piece comes again with that answer among its `answers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from picosched.pico.event import Event, Query
from picosched.pico.said import Answers


@dataclass(frozen=True, slots=True)
class RaiseEvent:
    """An event for the pico of its channel; or for this pico, from somebody who is trusted."""

    event: Event
    pico_id: str | None = None
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, slots=True)
class AskQuery:
    """A query of the pico of its channel; or of this pico, by somebody who is trusted."""

    query: Query
    pico_id: str | None = None
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, slots=True)
class AskPassing:
    """The question whether a channel lets an event or a query pass, before anything else of it is known."""

    eci: str
    event: tuple[str, str] | None
    query: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class RaiseDue:
    """A row that was due at the last of a tick's looks."""

    id: str
    owner: str
    """The pico that made it."""
    looks: Sequence[datetime]
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, slots=True)
class RaiseNow:
    """A row whose event is raised outside its times."""

    id: str
    why: str
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, slots=True)
class RaiseEntry:
    """An entry of a source that was due when a tick looked."""

    id: str
    owner: str
    """Its source."""
    looked: datetime
    answers: Answers = field(default_factory=Answers)
