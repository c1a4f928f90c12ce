"""What the queues of an engine, and its work in the background, are wired to; and what differs on a copy."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from picosched.due.background import Hold
from picosched.settings import Settings
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit
from picosched.turns.memory import Loaded


@dataclass(frozen=True, slots=True)
class Apart:
    """What is different in an engine on a copy of a store, whose turns are compared with others."""

    quiet: bool = False
    """Whether it is not logged that a source is paused, as this is not the time it happens."""
    draws_from: Callable[[random.Random], random.Random] = lambda source: source
    """What ids and random numbers are drawn from, given their source."""
    hold: Hold | None = None
    """Of rows, and of entries of sources."""
    hold_programs: Hold | None = None
    goes_on: Callable[[str], bool] = lambda id: False
    """Whether the pause of a row goes on that is over by its time; a replay knows. So it has no end."""
    source_goes_on: Callable[[str], bool] = lambda id: False
    ends: Callable[[], bool] | None = None
    """Whether to leave the remaining due items for another tick, if not the scheduler tells."""
    most_made: int | None = None
    """How many events may be made and raised at one instant, if fewer than usual."""
    deadline: float | None = None
    """From when on, by `ticks`, each batch has one piece."""


AT_WORK = Apart()
"""Of every other engine."""


@dataclass(frozen=True, slots=True)
class Wired:
    """The parts of an engine that most queues need."""

    store: Store
    commits: GroupCommit
    settings: Settings
    loaded: Loaded
    now: Callable[[], datetime]
    look_again: Callable[[], None]
    """Wakes the scheduler, as due times may have changed."""
    apart: Apart
