"""The past once more: from a backup on, the events that came from outside, and what came of them.

The journal has every turn with its event, and the backup the state before. So a copy of the backup is given
the same events at the same times, and each pico's turns are compared with those on record, one by one. The
same rules must give the same turns; with other rulesets the first difference of each pico shows what changes.

Ids are new in a replay and are compared by the order in which they appear. What the journal does not have
cannot be replayed: answers to HTTP requests and of programs, random numbers, what people did to schedules,
rulesets and channels, and events for picos that were made since. `_jitter` depends on ids.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from picosched.clock import VirtualClock, format_time
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import UNBOUND, Silence
from picosched.errors import PicoschedError
from picosched.settings import Settings
from picosched.store.journal import Entry
from picosched.store.store import Store

MOST_TURNS = 100_000
ID = re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b")
"""Of 32 digits, or a UUID."""

Told = list[str]
"""A turn in lines: its events, what the rules made of them, directives and errors."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first turn of a pico that is not as it was; `was` or `became` is empty if there is none."""

    pico: str
    at: datetime
    was: Told
    became: Told


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found."""

    since: datetime
    until: datetime
    turns: int
    outside: int
    """Turns of the record that came from outside, and were raised anew."""
    lost: int
    """Events for picos that are not in the backup."""
    requests: int
    """HTTP requests, whose answers are not on record: each was answered with status 0."""
    differences: list[Difference]

    def lines(self) -> list[str]:
        """What it found, for people."""
        span = f"from {format_time(self.since)} to {format_time(self.until)}"
        found = [f"{self.turns:,} turns {span}, {self.outside:,} of them from outside"]
        if self.lost:
            found.append(f"not replayed: {self.lost:,} events for picos that are not in the backup")
        if self.requests:
            found.append(
                f"not on record: the answers to {self.requests:,} HTTP requests; status 0 stood for each"
            )
        if not self.differences:
            found.append("each turn is as it was")
        for each in self.differences:
            found.append(f"{each.pico}: its first turn that differs, at {format_time(each.at)}")
            found += [f"  - {line}" for line in each.was if line not in each.became] or ["  - no turn"] * (
                not each.was
            )
            found += [f"  + {line}" for line in each.became if line not in each.was] or ["  + no turn"] * (
                not each.became
            )
        return found

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        times = {"from": format_time(self.since), "until": format_time(self.until)}
        counts = {name: getattr(self, name) for name in ("turns", "outside", "lost", "requests")}
        differences = [{**asdict(each), "at": format_time(each.at)} for each in self.differences]
        return {**times, **counts, "differences": differences}


def replay(
    backup: Store,
    store: Store,
    until: datetime,
    *,
    settings: Settings,
    rulesets: Sequence[str | Path] = (),
) -> Replayed:
    """Replay on a copy of a backup the turns that the store has on record since then, up to a time.

    `rulesets` take the place of those with the same rid. PicoschedError `invalid` if the backup is not of
    that store, or too old: turns that came after it may no longer be on record; `too_large` for more than
    100,000 turns.
    """
    last = next(iter(backup.journal.entries(limit=1)), None)
    after = 0 if last is None else last.seq - 1
    entries = store.journal.entries(after=after, limit=MOST_TURNS + 2)
    recorded = [each for each in reversed(entries) if last is None or each.seq > last.seq]
    if len(entries) < MOST_TURNS + 2:
        _check(last, entries, recorded)
    recorded = [each for each in recorded if each.at <= until]
    if len(recorded) > MOST_TURNS:
        raise PicoschedError(f"found {len(recorded):,} turns, wanted at most {MOST_TURNS:,}", "too_large")
    since = last.at if last is not None else recorded[0].at if recorded else until
    copy, silence, lost, outside = backup.copy(), Silence(), 0, 0
    try:
        clock = VirtualClock(since)
        with Engine(copy, clock, settings=settings, seed=0, outside=silence) as engine:
            names = {each.id: each.name for each in engine.picos()}
            for ruleset in rulesets:
                _replace(engine, ruleset)
            told = max((each.seq for each in engine.journal(limit=1)), default=0)
            for entry in recorded:
                clock.reach(max(entry.at, clock.now()))
                if entry.scheduled is not None:
                    engine.run_due()
                elif entry.pico_id not in names:
                    lost += 1
                else:
                    event, outside = entry.handled[0], outside + 1
                    engine.pico(entry.pico_id).raise_event(event["domain"], event["type"], event["attrs"])
            engine.run_until(max(until, clock.now()))
            again = engine.journal(limit=UNBOUND, after=told)[::-1]
    finally:
        copy.close()
    differences = _compared(recorded, again, names)
    requests = len(silence.asked_before(UNBOUND))
    return Replayed(since, until, len(recorded), outside, lost, requests, differences)


def _check(last: Entry | None, entries: Sequence[Entry], recorded: Sequence[Entry]) -> None:
    if last is None:
        return
    same = next((each for each in entries if each.seq == last.seq), None)
    if same is not None and same.eid != last.eid:
        raise PicoschedError(
            "found a backup of another database, wanted one of the database that is replayed"
        )
    if same is None:
        oldest = f"; they are known since {format_time(recorded[0].at)}" if recorded else ""
        raise PicoschedError(
            f"found a backup whose last turn, of {format_time(last.at)}, is not in the journal: "
            f"turns that came after it may be lost{oldest}"
        )


def _replace(engine: Engine, ruleset: str | Path) -> None:
    """Install a ruleset on each pico that has one with its rid; `not_found` if none has."""
    from picosched.krl.ruleset import compile_ruleset
    from picosched.krl.source import read_source

    text = ruleset if isinstance(ruleset, str) else read_source(ruleset)
    rid = compile_ruleset(text).rid
    picos = [pico for pico in engine.picos() if rid in pico.rulesets()]
    if not picos:
        raise PicoschedError(f"no pico has the ruleset {rid}", "not_found")
    for pico in picos:
        pico.install(ruleset)


def _compared(was: Sequence[Entry], became: Sequence[Entry], names: dict[str, str]) -> list[Difference]:
    """The first difference of each pico."""
    found = []
    before, after = _by_pico(was), _by_pico(became)
    for id in names:
        ids: tuple[dict[str, str], dict[str, str]] = {}, {}
        for place in range(max(len(before[id]), len(after[id]))):
            pair = [each[id][place] if place < len(each[id]) else None for each in (before, after)]
            told = [[] if entry is None else _told(entry, map) for entry, map in zip(pair, ids, strict=True)]
            if told[0] != told[1]:
                at = next(each.at for each in pair if each is not None)
                found.append(Difference(names[id], at, *told))
                break
    return found


def _by_pico(entries: Sequence[Entry]) -> defaultdict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        found[each.pico_id].append(each)
    return found


def _told(entry: Entry, ids: dict[str, str]) -> Told:
    lines = []
    for each in entry.handled:
        lines.append(f"{each['domain']}:{each['type']} {_json(each['attrs'])}")
        lines += [
            f"{rule['outcome']} {rule['rid']}.{rule['rule']}" + (f": {rule['why']}" if rule["why"] else "")
            for rule in each["considered"]
        ]
    lines += [f"< {each['name']} {_json(each['options'])}" for each in entry.directives]
    lines += [f"! {each}" for each in entry.errors]
    return [ID.sub(lambda id: ids.setdefault(id[0], f"#{len(ids)}"), line) for line in lines]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
