"""What the queues of an engine, and its work in the background, are wired to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from picosched.settings import Settings
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit
from picosched.turns.memory import Loaded


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
