"""The path of an event: the turns and schedules that led to it, and the tree of all that followed from it.

A turn names the scheduled row that raised it, and a row its pico, its rule and the time at which that made
it. So the turn that made a row is the one of its pico at that time in which the rule fired; if there are
several, a step says that it may be another. Turns and rows are numbered in the order of time, so they are
found by halving. Old ones are pruned: a path ends where its records do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from picosched.clock import format_time
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.pico.turn import SENT
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.store.journal import Entry

MOST_BEFORE = 50
MOST_STEPS = 200
DEPTH = 20
OCCURRENCES = 5
"""Of one schedule, the latest."""
AT_ONCE = 200
"""Turns or rows of one millisecond that are looked through."""
KINDS = {"send": "message", "proc": "program", "running": "program"}


@dataclass(slots=True)
class Step:
    """One step of a path.

    `kind`: turn · schedule · message (to a pico) · program · occurrence (one without a turn) · delivery (to
    another engine) · source · outside (a channel or a trusted caller).
    """

    kind: str
    event: str
    pico_id: str | None = None
    pico: str | None = None
    """Its name."""
    at: datetime | None = None
    """When the turn or occurrence was; when the row was made."""
    outcome: str | None = None
    told: str = ""
    """What else there is to say, in words."""
    seq: int | None = None
    """Of a turn: its number in the journal."""
    id: str | None = None
    """Of a schedule, message, program or source."""
    unsure: bool = False
    """Whether another turn of the same pico and millisecond may be the one that made it."""
    more: int = 0
    """How many at least it caused that are not shown."""
    caused: list[Step] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        at = None if self.at is None else format_time(self.at)
        return {**fields, "at": at, "caused": [each.as_json() for each in self.caused]}


@dataclass(frozen=True, slots=True)
class EventPath:
    """What led to a step, the origin first, and the step with all that followed."""

    before: Sequence[Step]
    step: Step
    cut: bool
    """Whether there is more on record than is shown."""

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "before": [each.as_json() for each in self.before],
            "step": self.step.as_json(),
            "cut": self.cut,
        }


def find_path(engine: Wiring, what: str) -> EventPath:
    """The path through a schedule, by its id, or a turn, by its number or the id of its event.

    `not_found` for others.
    """
    return _Finding(engine).path(what)


class _Finding:
    """One search; each read takes the lock for itself, so that it holds nobody up."""

    def __init__(self, engine: Wiring) -> None:
        self._engine = engine
        self._names: dict[str, str] = {}
        self._cut = False
        self._made: dict[str, int] = {}
        """Row → the number of the turn that made it; each stands once in the tree, so that it has an end."""

    def path(self, what: str) -> EventPath:
        read, store = self._engine.read, self._engine.store
        row = read(store.agenda.find, what)
        if row is not None:
            before, step = self._before(None, row), self._with_caused(self._row(row), row)
            return EventPath(before, step, self._cut)
        entry = self._turn(what)
        if entry is None:
            wanted = "the number of a turn, the id of its event, or the id of a schedule"
            raise PicoschedError(f"nothing on record is called {what!r:.80}, wanted {wanted}", "not_found")
        before, step = self._before(entry, None), self._with_caused(self._of_turn(entry), entry)
        return EventPath(before, step, self._cut)

    def _turn(self, what: str) -> Entry | None:
        read, store = self._engine.read, self._engine.store
        if what.isascii() and what.isdecimal() and 0 < len(what) < 18:
            return read(store.pages.turn, int(what))
        return next(iter(read(store.journal.entries, eid=what, limit=1)), None)

    # Back

    def _before(self, entry: Entry | None, row: Scheduled | None) -> list[Step]:
        """The steps before a turn or a row, the origin first."""
        steps: list[Step] = []
        while len(steps) < MOST_BEFORE:
            if row is not None:
                makers = self._makers(row, 2**62 if entry is None else entry.seq)
                if not makers:
                    break
                entry = makers[0]
                steps.append(self._of_turn(entry))
                steps[-1].unsure = len(makers) > 1
            assert entry is not None
            if entry.scheduled is None:
                steps.append(self._outside(entry))
                break
            row = self._engine.read(self._engine.store.agenda.find, entry.scheduled)
            if row is None:
                steps.append(self._source(entry.scheduled, entry))
                break
            steps.append(self._row(row))
        else:
            self._cut = True
        return steps[::-1]

    def _makers(self, row: Scheduled, before: int) -> list[Entry]:
        """The turns before one that may have made a row: several if they are of one millisecond; none if no
        rule made it.
        """
        if row.rule is None or row.by_person:
            return []
        turns = self._engine.read(self._engine.store.pages.turns_at, row.pico_id, row.created, AT_ONCE)
        return [each for each in turns if f"{row.rid}.{row.rule}" in each.fired and each.seq < before]

    def _outside(self, entry: Entry) -> Step:
        told = "by a trusted caller" if entry.eci is None else "through a channel"
        return Step("outside", _event(entry), at=entry.at, told=told)

    def _source(self, id: str, entry: Entry) -> Step:
        """What raised a turn and is no row: an entry of a source, or a row that is gone."""
        sources = self._engine.store.sources
        kept = self._engine.read(sources.find_entry, id)
        if kept is None:
            return Step("schedule", _event(entry), told="no longer on record", id=id)
        return Step("source", _event(entry), told=f"its entry {kept.name}", id=kept.source_id)

    # On

    def _with_caused(self, first: Step, begun: Entry | Scheduled) -> Step:
        """A step with all that followed, nearest first, up to a number of steps and a depth."""
        waiting: deque[tuple[Step, Entry | Scheduled, int]] = deque([(first, begun, 0)])
        count = 1
        while waiting:
            step, found, depth = waiting.popleft()
            caused = self._made_by(step, found) if isinstance(found, Entry) else self._came_of(step, found)
            for each, next in caused:
                if depth == DEPTH or count == MOST_STEPS:
                    step.more += 1
                    continue
                count += 1
                step.caused.append(each)
                if next is not None:
                    waiting.append((each, next, depth + 1))
            self._cut |= step.more > 0
        return first

    def _made_by(self, step: Step, entry: Entry) -> list[tuple[Step, Scheduled | None]]:
        """The rows that a turn made, and the events it sent to other engines."""
        pages, found = self._engine.store.pages, list[tuple[Step, Scheduled | None]]()
        turns: list[Entry] | None = None
        for rid in dict.fromkeys(each.rpartition(".")[0] for each in entry.fired):
            rows = self._engine.read(pages.made_at, entry.pico_id, rid, entry.at, AT_ONCE)
            for row in rows:
                maker = f"{rid}.{row.rule}"
                if maker not in entry.fired or row.id in self._made or row.id == entry.scheduled:
                    continue
                self._made[row.id] = entry.seq
                if turns is None:
                    turns = self._engine.read(pages.turns_at, entry.pico_id, entry.at, AT_ONCE)
                made = self._row(row)
                made.unsure = sum(maker in each.fired for each in turns) > 1
                found.append((made, row))
        for each in entry.log:
            if each["level"] == SENT:
                found.append((Step("delivery", str(each["value"])[:200], at=entry.at), None))
        return found

    def _came_of(self, step: Step, row: Scheduled) -> list[tuple[Step, Entry | None]]:
        """The latest occurrences of a row, the oldest of them first, each with its turn."""
        fires = self._engine.read(self._engine.store.agenda.fires, id=row.id, limit=OCCURRENCES + 1)
        if len(fires) > OCCURRENCES:
            step.more = max(1, row.fires - OCCURRENCES)
        return [self._occurrence(row, each) for each in reversed(fires[:OCCURRENCES])]

    def _occurrence(self, row: Scheduled, fire: Fire) -> tuple[Step, Entry | None]:
        if fire.eid is not None:
            turns = self._engine.read(self._engine.store.pages.turns_at, fire.pico_id, fire.fired, AT_ONCE)
            for each in turns:
                after = self._made.get(row.id, 0)
                if each.eid == fire.eid and each.scheduled == row.id and each.seq > after:
                    step = self._of_turn(each)
                    step.outcome = fire.outcome.value
                    return step, each
        pico = self._name(fire.pico_id)
        told = fire.why or f"due {format_time(fire.nominal)}; its turn is not in the journal, or no longer"
        step = Step("occurrence", row.event, fire.pico_id, pico, fire.fired, fire.outcome.value, told)
        return step, None

    # One step

    def _of_turn(self, entry: Entry) -> Step:
        fired = entry.fired
        outcomes = {each["outcome"] for handled in entry.handled for each in handled["considered"]}
        outcome = "failed" if "failed" in outcomes else "fired" if fired else "none"
        raised = [f"{each['domain']}:{each['type']}" for each in entry.handled[1:]]
        told = ", ".join(fired) if fired else "no rule fired"
        if raised:
            told += f"; raised within it: {', '.join(dict.fromkeys(raised))}"
        if entry.errors:
            told += f"; {entry.errors[0]}"
        pico = self._name(entry.pico_id)
        return Step("turn", _event(entry), entry.pico_id, pico, entry.at, outcome, told, entry.seq)

    def _row(self, row: Scheduled) -> Step:
        due = "" if row.due is None else f"; due {format_time(row.due)}"
        told = f"{'by ' + row.made_by if row.rule else 'by no rule'}{due}"
        return Step(
            KINDS.get(row.kind, "schedule"),
            row.event,
            row.pico_id,
            self._name(row.pico_id),
            row.created,
            row.status.value,
            told,
            id=row.id,
        )

    def _name(self, id: str) -> str:
        if id not in self._names:
            row = self._engine.read(self._engine.store.picos.find_pico, id)
            self._names[id] = id if row is None else row.name
        return self._names[id]


def _event(entry: Entry) -> str:
    first = entry.handled[0] if entry.handled else None
    return "–" if first is None else f"{first['domain']}:{first['type']}"
