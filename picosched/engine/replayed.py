"""What a replay found, in words and as JSON, and how its turns are compared with those on record.

Each pico's turns are compared in order: events, what became of each rule and why, directives, errors. The ids
that were made are compared by the order in which they appear. After the first difference of a pico nothing
more is compared of it, as what follows from a difference says nothing new. If a turn drew numbers or got an
answer that is not on record, then what differs from there on may follow from that: it cannot be compared.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from picosched.clock import format_time, parse_time
from picosched.engine.made import Made
from picosched.engine.placeless import placeless_attrs, placeless_error, placeless_reason
from picosched.store.journal import Entry

MOST_AHEAD = 1_000
"""Turns of a pico on one side, while there is none on the other, after which that is a difference."""

SAME, DIFFERS = 0, 2
"""The exit statuses of the command."""

Told = list[str]
"""A turn in lines: its events, what the rules made of them, directives and errors."""


@dataclass(frozen=True, slots=True)
class DifferentTurn:
    """The first turn of a pico that is not as it was; `was` or `became` is empty if there is none."""

    pico: str
    at: datetime
    was: Told
    became: Told
    seq: int | None = None
    """Its number in the journal; None if it is not on record."""
    rule: str | None = None
    """The first rule with another outcome, as `rid.rule, line N`."""
    unsure: str | None = None
    """Why it cannot be compared."""

    def lines(self) -> Iterator[str]:
        number = "" if self.seq is None else f" (turn {self.seq})"
        if self.unsure is None:
            yield f"{self.pico}: its first turn that differs, at {format_time(self.at)}{number}"
        else:
            yield f"{self.pico}: cannot be compared from {format_time(self.at)}{number} on: {self.unsure}"
        if self.rule is not None:
            yield f"  {self.rule}"
        yield from [f"  - {line}" for line in self.was if line not in self.became]
        yield from ["  - no turn"] * (not self.was)
        yield from [f"  + {line}" for line in self.became if line not in self.was]
        yield from ["  + no turn"] * (not self.became)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found."""

    began: datetime
    """The time of the last turn in the state it started from."""
    since: datetime
    """From when on other rulesets stand in."""
    until: datetime
    turns: int
    outside: int
    """Turns of the record that came from outside, and were raised anew."""
    differences: list[DifferentTurn]
    unsure: list[DifferentTurn]
    """What cannot be compared."""
    lost: int = 0
    """Events for picos that people made since."""
    requests: int = 0
    """Requests whose answers are not on record: status 0 stood for each."""
    programs: int = 0
    """Programs whose end is not on record."""
    unrecorded: int = 0
    """Turns of which an older picosched recorded neither numbers nor answers."""
    changed: tuple[str, ...] = ()
    """Rulesets that people installed since and an older picosched did not keep: `rid on PICO`."""
    redone: int = 0
    """What people did meanwhile, and was done again."""
    not_replayed: tuple[str, ...] = ()
    """What people did that could not be done again, with the reason."""

    @property
    def status(self) -> int:
        return DIFFERS if self.differences else SAME

    def lines(self) -> list[str]:
        """What it found, for people."""
        asked = "" if self.since == self.began else f" (the latest state before {format_time(self.since)})"
        span = f"from {format_time(self.began)}{asked} to {format_time(self.until)}"
        found = [f"{_many(self.turns, 'turn')} {span}, {self.outside:,} of them from outside"]
        if self.redone:
            found.append(f"done again: {_many(self.redone, 'change')} that people made")
        found += [f"not replayed: {each}" for each in self.not_replayed]
        if self.lost:
            found.append(f"not replayed: {_many(self.lost, 'event')} for picos that are not made here")
        if self.requests:
            many = f"the answers to {_many(self.requests, 'request')}; status 0 stood for each"
            found.append(f"not on record: {many}")
        if self.programs:
            how = f"how {_many(self.programs, 'program')} ended, which the replay takes to be running still"
            found.append(f"not on record: {how}")
        if self.unrecorded:
            found.append(
                f"not on record: random numbers and answers of {_many(self.unrecorded, 'turn')}, "
                "written by an older picosched, imported, or with recorded_bytes = 0"
            )
        if self.changed:
            found.append(f"not replayed: people installed {', '.join(self.changed)}")
        if not self.differences:
            found.append("each turn is as it was" if not self.unsure else "no other turn differs")
        for each in (*self.unsure, *self.differences):
            found += each.lines()
        return found

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        times = {name: format_time(told[name]) for name in ("began", "since", "until")}
        lists = {
            name: [{**asdict(each), "at": format_time(each.at)} for each in told[name]]
            for name in ("differences", "unsure")
        }
        texts = {name: [*told[name]] for name in ("changed", "not_replayed")}
        return {**told, **times, **lists, **texts, "status": self.status}


def read_replayed(told: dict[str, Any]) -> Replayed:
    """What `as_json` made."""
    times = {name: parse_time(told[name]) for name in ("began", "since", "until")}
    lists = {
        name: [DifferentTurn(**{**each, "at": parse_time(each["at"])}) for each in told[name]]
        for name in ("differences", "unsure")
    }
    rest = {each.name: told[each.name] for each in fields(Replayed)}
    texts = {name: tuple(told[name]) for name in ("changed", "not_replayed")}
    return Replayed(**{**rest, **times, **lists, **texts})


class Comparing:
    """Compares turns as they come, pico by pico, and keeps only what has no counterpart yet."""

    def __init__(
        self,
        names: Mapping[str, str],
        known: Collection[str],
        by_hand: Callable[[str], Collection[str]],
        unsure: Mapping[str, str],
        made: Made,
    ) -> None:
        self._names = names
        """Pico → its name."""
        self._by_hand = by_hand
        """Gives the rids of a pico that are another text now than in the replay, as people changed them."""
        self._made = made
        self._known = set(known)
        """The picos of the state from which the replay starts, and those of which turns are on record."""
        self._waiting: tuple[dict[str, deque[Entry]], ...] = (defaultdict(deque), defaultdict(deque))
        """On record, and in the replay: pico → turns without a counterpart so far."""
        self._ids: tuple[dict[str, dict[str, str]], ...] = (defaultdict(dict), defaultdict(dict))
        self._unsure = unsure
        """Pico → why what differs in it, from the last turn on, may be because something is not on record."""
        self._over: set[str] = set()
        self.differences: list[DifferentTurn] = []
        self.unsure: list[DifferentTurn] = []

    def was(self, entry: Entry) -> None:
        """A turn on record, before what is replayed of it."""
        self._known.add(entry.pico_id)
        self._add(0, entry)

    def became(self, entry: Entry) -> None:
        """A turn of the replay. A pico of which nothing is on record is not compared."""
        if entry.pico_id in self._known:
            self._add(1, entry)

    def end(self) -> None:
        """What has no counterpart by now has none; the differences stand in the order of time."""
        for id in {**self._waiting[0], **self._waiting[1]}:
            self._lack(id)
        self.differences.sort(key=lambda each: each.at)
        self.unsure.sort(key=lambda each: each.at)

    def _add(self, side: int, entry: Entry) -> None:
        id = entry.pico_id
        self._made.add_made_of((entry.eid, entry.scheduled))
        if id in self._over:
            return
        own, other = self._waiting[side][id], self._waiting[1 - side][id]
        own.append(entry)
        if other:
            pair = own.popleft(), other.popleft()
            self._compare(id, *(pair if side == 0 else pair[::-1]))
        elif len(own) > MOST_AHEAD:
            self._lack(id)

    def _lack(self, id: str) -> None:
        before, after = (each[id] for each in self._waiting)
        if id not in self._over and (before or after):
            self._compare(id, before[0] if before else None, after[0] if after else None)

    def _compare(self, id: str, was: Entry | None, became: Entry | None) -> None:
        told = [
            [] if entry is None else _told(entry, self._made, ids[id])
            for entry, ids in zip((was, became), self._ids, strict=True)
        ]
        if told[0] == told[1]:
            return
        entry = was or became
        assert entry is not None
        why, seq = self._unsure.get(id) or self._changed(id, was, became), None if was is None else was.seq
        rule = _rule(was, became) if was and became else None
        found = DifferentTurn(self._names.get(id, id), entry.at, told[0], told[1], seq, rule, why)
        (self.differences if why is None else self.unsure).append(found)
        self._over.add(id)
        for side in (0, 1):
            self._waiting[side].pop(id, None)
            self._ids[side].pop(id, None)

    def _changed(self, id: str, *turns: Entry | None) -> str | None:
        """Whose rules make it differ, if that is a ruleset that people changed since."""
        by_hand = self._by_hand(id)
        for each in turns:
            for handled in [] if each is None else each.handled:
                rids = [rule["rid"] for rule in handled["considered"] if rule["rid"] in by_hand]
                if rids:
                    return f"people changed the ruleset {rids[0]} since"
        return None


def _told(entry: Entry, made: Made, ids: dict[str, str]) -> Told:
    lines = []
    for each in entry.handled:
        attrs = placeless_attrs(each["domain"], each["type"], each["attrs"])
        lines.append(f"{each['domain']}:{each['type']} {_json(attrs)}")
        for rule in each["considered"]:
            why = placeless_reason(rule)
            lines.append(f"{rule['outcome']} {rule['rid']}.{rule['rule']}" + (f": {why}" if why else ""))
    lines += [f"< {each['name']} {_json(each['options'])}" for each in entry.directives]
    lines += [f"! {placeless_error(each)}" for each in entry.errors]
    return [made.numbered(line, ids) for line in lines]


def _rule(was: Entry, became: Entry) -> str | None:
    """The first rule whose outcome differs, with its line as it is now."""
    sides = [[rule for each in entry.handled for rule in each["considered"]] for entry in (was, became)]
    for before, after in zip(*sides, strict=False):
        if _outcome(before) != _outcome(after):
            line = "" if after["line"] is None else f", line {after['line']}"
            return f"{after['rid']}.{after['rule']}{line}"
    return None


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _outcome(rule: Mapping[str, Any]) -> tuple[str | None, ...]:
    return rule["rid"], rule["rule"], rule["outcome"], placeless_reason(rule)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
