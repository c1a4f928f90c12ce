"""Following the journal: the newest matching turns, then new ones.

Filters by pico or event id use an index. Other filters are applied only to the newest `FARTHEST` turns, and
the page says how many were searched.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from picosched.engine.engine import Engine
from picosched.store.journal import Entry
from picosched.web.console.turn_shown import event_name, outcome_of

SHOWN = 100
FARTHEST = 5_000
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter for turns; None matches any. `event` is a case-insensitive part of `domain:type`."""

    pico_id: str | None = None
    eid: str | None = None
    event: str | None = None
    outcome: str | None = None
    hidden: tuple[str, ...] = ()
    """Events, `domain:type`, whose turns are left out."""

    def means(self, entry: Entry) -> bool:
        if self.hidden and event_name(entry.handled) in self.hidden:
            return False
        if self.outcome is not None and not _has(entry, self.outcome):
            return False
        if self.event is None:
            return True
        names = (f"{each['domain']}:{each['type']}" for each in entry.handled)
        return any(self.event.casefold() in name.casefold() for name in names)


def _has(entry: Entry, outcome: str) -> bool:
    if outcome == "none":
        return outcome_of(entry.handled) == "none"
    return any(each["outcome"] == outcome for event in entry.handled for each in event["considered"])


@dataclass(slots=True)
class Following:
    """One follower. `look` runs in a thread that may block; the entries are shown by another thread."""

    engine: Engine
    wanted: Wanted
    entries: list[Entry] = field(default_factory=list)
    """Newest first, at most `SHOWN`."""
    names: dict[str, str] = field(default_factory=dict)
    """The names of their picos, by id."""
    looked_at: int = 0
    whole: bool = False
    """Whether the whole journal was searched."""
    _seq: int | None = None

    def look(self) -> bool:
        """Read new turns; return whether there were any."""
        return self.engine.read(self._look)

    def _look(self) -> bool:
        # Tested here, under the lock, so that only the first thread begins.
        return self._begin() if self._seq is None else self._go_on()

    def _begin(self) -> bool:
        pages, wanted = self.engine.store.pages, self.wanted
        self._seq, mark = pages.last_turn(), None
        found: list[Entry] = []
        while len(found) < SHOWN and self.looked_at < FARTHEST:
            page = pages.journal(mark, AT_ONCE, pico_id=wanted.pico_id, eid=wanted.eid)
            self.looked_at += len(page.items)
            found += [each for each in page.items if wanted.means(each)]
            mark = page.next
            if mark is None:
                self.whole = True
                break
        self._show(found[:SHOWN])
        return True

    def _go_on(self) -> bool:
        assert self._seq is not None
        new = self.engine.store.pages.journal_since(self._seq, AT_ONCE, pico_id=self.wanted.pico_id)
        if not new:
            return False
        self._seq = new[-1].seq
        if self.wanted.eid is not None:
            new = [each for each in new if each.eid == self.wanted.eid]
        self.looked_at += len(new)
        found = [each for each in new if self.wanted.means(each)]
        self._show([*reversed(found), *self.entries][:SHOWN])
        return bool(found)

    def _show(self, entries: list[Entry]) -> None:
        """Publish entries only after their picos' names are known."""
        for each in entries:
            if each.pico_id not in self.names:
                row = self.engine.store.picos.find_pico(each.pico_id)
                self.names[each.pico_id] = each.pico_id if row is None else row.name
        self.entries = entries


def cause_of(entry: Entry) -> str:
    """The origin of its event."""
    if entry.scheduled is not None:
        return "schedule"
    return "channel" if entry.eci is not None else "trusted"
