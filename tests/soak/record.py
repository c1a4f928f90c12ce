"""What a client knows of the events that it raised, lane by lane, to be compared with what came of them.

In a lane one event is raised after the other, with serials from 1 on, the next once the one before has been
answered or its connection broke. So what came stands in the ledger as the last serial and those that are
missing before it, and neither side remembers more than what went wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Lane:
    """The events of one client for one pico."""

    pico: str
    """Its id."""
    name: str
    sent: int = 0
    acknowledged: int = 0
    """The last serial that was answered."""
    refused: set[int] = field(default_factory=set)
    """Serials that the server refused: their events must not have happened."""
    unknown: set[int] = field(default_factory=set)
    """Serials whose answer never came: their events may have happened or not."""

    def next(self) -> int:
        self.sent += 1
        return self.sent

    @property
    def answered(self) -> int:
        """How many events were answered."""
        return self.sent - len(self.refused) - len(self.unknown)

    def faults(self, last: int, missing: set[int]) -> list[str]:
        """What does not fit to the ledger: it has all serials up to `last` but those that are missing."""
        gone = missing | {*range(last + 1, self.sent + 1)}
        lost = sorted(gone - self.unknown - self.refused)
        kept = sorted(self.refused - gone)
        found = [f"{self.name}: {serial} was acknowledged and has no effect" for serial in lost]
        found += [f"{self.name}: {serial} was refused and took effect" for serial in kept]
        if last > self.sent:
            found.append(f"{self.name}: {last} came, and only {self.sent} were sent")
        return found

    def came_unanswered(self, last: int, missing: set[int]) -> int:
        """How many of those whose answer never came took effect."""
        return sum(1 for serial in self.unknown if serial <= last and serial not in missing)
