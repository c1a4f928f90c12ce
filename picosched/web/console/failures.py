"""What failed in the last day, grouped by place and cause, shared by all viewers of the overview.

Turns and records are numbered in order of writing, so a look reads only what is new since the last one. A
place is a rule and its line, or the event that could not be raised. Causes are alike if they differ only in
numbers and quoted values, which are often those of the event. What a source sends to many picos at a time
counts once, where it failed first, in however many of them and in however many tries it fails.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from picosched.clock import to_ms
from picosched.engine.engine import Engine
from picosched.schedule.fire import Fire, Label
from picosched.schedule.scheduled import Scheduled
from picosched.store.journal import Entry
from picosched.turns.sources import label_of

HOURS = 24
MOST = 200_000
"""If there are more turns or records, only the newest are looked at."""
SPAN = 20_000
"""Turns or records looked at in one go, while others wait."""
AT_ONCE = 500
"""Failures read in one go."""
MOST_READS = 10
"""Reads of one look; the next one goes on from there."""
MOST_GROUPS = 200
OTHERS = "other places"

VALUES = re.compile(r'"[^"]*"|\d+')


@dataclass(frozen=True, slots=True)
class Failed:
    """One failure: where, why, in which turn. Without `seq` there was no turn, without `rid` no rule."""

    at: datetime
    place: str
    cause: str
    event: str
    pico_id: str
    seq: int | None = None
    scheduled: str | None = None
    rid: str | None = None
    line: int | None = None
    sent: tuple[str, datetime] | None = None
    """The entry of a source that sent the event, and when."""


@dataclass(slots=True)
class Group:
    """The failures of one place and cause; `hours` counts them by the hour since 1970."""

    key: str
    last: Failed
    hours: Counter[int] = field(default_factory=Counter)
    picos: int = 0
    """In how many picos what a source sent failed, the last time."""

    @property
    def count(self) -> int:
        return self.hours.total()

    def trend(self, now: datetime) -> list[int]:
        """The counts of the last 24 hours, oldest first."""
        last = _hour(now)
        return [self.hours[hour] for hour in range(last - HOURS + 1, last + 1)]


@dataclass(frozen=True, slots=True)
class Failures:
    """The groups, the most recent first; `whole` is false while the day is still being looked through."""

    now: datetime
    groups: list[Group]
    count: int
    names: dict[str, str]
    whole: bool


class LastFailures:
    """Reads the failures of an engine; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._groups: dict[str, Group] = {}
        self._sent: dict[str, tuple[datetime, Group, set[str]]] = {}
        """Entry of a source → when it sent what failed last, where that counts, and in which picos."""
        self._turn: int | None = None
        self._fire: int | None = None

    def look(self) -> Failures:
        """What failed up to now. PicoschedError from the store."""
        with self._lock:
            now = self._engine.now()
            whole = self._take_in(now)
            self._forget(now)
            # Copied, because another thread shows them.
            kept = self._groups.values()
            groups = [Group(each.key, each.last, Counter(each.hours), each.picos) for each in kept]
            groups.sort(key=lambda each: each.last.at, reverse=True)
            names = self._engine.read(self._names, {each.last.pico_id for each in groups})
            return Failures(now, groups, sum(each.count for each in groups), names, whole)

    def find(self, key: str) -> Failed | None:
        """The last failure of a group, if it is still known."""
        with self._lock:
            group = self._groups.get(key)
            return None if group is None else group.last

    def _take_in(self, now: datetime) -> bool:
        """Read on, a number of times; return whether that was all."""
        since = now - timedelta(hours=HOURS)
        return any(self._engine.read(self._read, since) for _ in range(MOST_READS))

    def _read(self, since: datetime) -> bool:
        """Read some failures; return whether there are no more. Inside the lock of the engine."""
        pages, agenda = self._engine.store.pages, self._engine.store.agenda
        last_turn, last_fire = pages.last_turn(), pages.last_fire()
        turn = max(last_turn - MOST, self._turn or 0)
        fire = max(last_fire - MOST, self._fire or 0)
        self._turn, self._fire = min(turn + SPAN, last_turn), min(fire + SPAN, last_fire)
        entries = pages.failed_turns(turn, self._turn, since, AT_ONCE)
        if len(entries) == AT_ONCE:
            self._turn = entries[-1].seq
        records = pages.failed_without_turn(fire, self._fire, since, AT_ONCE)
        if len(records) == AT_ONCE:
            self._fire = records[-1][0]
        for entry in entries:
            row = None if entry.scheduled is None else agenda.find(entry.scheduled)
            for each in failed_in(entry):
                self._add(replace(each, sent=_sent(row)))
        for _, record in records:
            row = agenda.find(record.id)
            label = label_of(self._engine.store, record.id) if row is None else Label.of(row)
            failed = _failed_record(record, record.id if label is None else label.event or record.id)
            self._add(replace(failed, sent=(record.id, record.fired) if row is None else _sent(row)))
        return (self._turn, self._fire) == (last_turn, last_fire)

    def _add(self, failed: Failed) -> None:
        if failed.sent is not None and (known := self._sent.get(failed.sent[0])) is not None:
            since, group, picos = known
            if failed.sent[1] <= since:  # one more pico, or one more try
                picos.update({failed.pico_id} - {""})
                group.picos = len(picos)
                return
        key = f"{failed.place} {VALUES.sub('…', failed.cause)}"
        if key not in self._groups and len(self._groups) >= MOST_GROUPS:
            key = OTHERS
        group = self._groups.setdefault(key, Group(key, failed))
        group.hours[_hour(failed.at)] += 1
        if failed.sent is not None:
            self._sent[failed.sent[0]] = failed.sent[1], group, {failed.pico_id} - {""}
            group.picos = len(self._sent[failed.sent[0]][2])
        if failed.at >= group.last.at:
            group.last = failed

    def _forget(self, now: datetime) -> None:
        """Drop the counts of hours that are over, and the groups that have none left."""
        first = _hour(now) - HOURS + 1
        for key, group in [*self._groups.items()]:
            for hour in [each for each in group.hours if each < first]:
                del group.hours[hour]
            if not group.hours:
                del self._groups[key]
        first_time = now - timedelta(hours=HOURS)
        self._sent = {id: each for id, each in self._sent.items() if each[0] >= first_time}

    def _names(self, ids: set[str]) -> dict[str, str]:
        rows = {id: self._engine.store.picos.find_pico(id) for id in ids}
        return {id: id if row is None else row.name for id, row in rows.items()}


def failed_in(entry: Entry) -> Iterator[Failed]:
    """The failures of a turn: of each rule that failed, or of the turn if no rule is named."""
    first = entry.handled[0] if entry.handled else None
    event = "–" if first is None else f"{first['domain']}:{first['type']}"
    found = False
    for handled in entry.handled:
        for each in handled["considered"]:
            if each["outcome"] == "failed":
                found = True
                line = f":{each['line']}" if each["line"] else ""
                yield Failed(
                    entry.at,
                    f"{each['rid']}.{each['rule']}{line}",
                    each["why"] or "failed",
                    event,
                    entry.pico_id,
                    entry.seq,
                    entry.scheduled,
                    each["rid"],
                    each["line"],
                )
    if not found:
        cause = entry.errors[0] if entry.errors else "failed"
        yield Failed(entry.at, event, cause, event, entry.pico_id, entry.seq, entry.scheduled)


def _sent(row: Scheduled | None) -> tuple[str, datetime] | None:
    """The entry of a source that sent a row, and when; None if no source did."""
    return (
        (row.name, row.created)
        if row is not None and row.kind == "send" and not row.rid and row.name
        else None
    )


def _failed_record(record: Fire, event: str) -> Failed:
    return Failed(record.fired, event, record.why or "failed", event, record.pico_id, scheduled=record.id)


def _hour(time: datetime) -> int:
    return to_ms(time) // 3_600_000
