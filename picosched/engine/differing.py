"""Two rehearsals side by side: what each event came to before and after, and how the two differ.

Events are matched by time, pico and name, in order. What always differs does not count: the ids that the
rehearsals made, and places in the rulesets' texts where the engine tells of them. Only counts are kept, and
the first differences of each kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import orjson

from picosched.engine.made import Made
from picosched.engine.placeless import placeless_attrs, placeless_error, placeless_reason
from picosched.engine.planned import Counted, DifferentEvent, OfPico
from picosched.engine.rehearsed import Record
from picosched.errors import shortened
from picosched.notation import directive_name, values_text
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled

MOST_TOLD = 100
"""Differences that are told one by one."""

MOST_WAYS = 1_000
"""Ways to differ whose lines are kept."""

MOST_LINES = 200
"""Lines about one pico, of each kind, and about one event."""

LONGEST = 300
"""Characters of a value that is shown."""

BEFORE, AFTER = 0, 1
Both = tuple[list[Record], list[Record]]


class Differing:
    """What differs so far."""

    def __init__(self, alike: frozenset[str], made: Made) -> None:
        self._alike = alike
        """The ids of the picos in which nothing can differ."""
        self._made = made
        self._counts: dict[str, tuple[Counter[str], Counter[str]]] = defaultdict(
            lambda: (Counter(), Counter())
        )
        """Pico → how often something happened, before and after."""
        self._differ: Counter[tuple[str, str]] = Counter()
        """(pico, event) → how many are handled differently."""
        self._told: dict[tuple[str, str, tuple[str, ...]], DifferentEvent] = {}
        self._lines: dict[tuple[str | None, ...], tuple[str, ...]] = {}
        """What an event came to, before and after → what only one of the two has."""
        self.more = 0

    def may_differ(self, pico_id: str) -> bool:
        return pico_id not in self._alike

    def compare(self, before: Iterable[Record], after: Iterable[Record]) -> None:
        """Add what happened at the same times in both."""
        groups: dict[tuple[Any, ...], Both] = {}
        for side, records in enumerate((before, after)):
            for record in records:
                if self.may_differ(record.pico_id):
                    plain = _plain(record, self._made)
                    self._count(side, plain)
                    key = plain.at, plain.pico_id, plain.domain, plain.type
                    groups.setdefault(key, ([], []))[side].append(plain)
        for key, (one, other) in sorted(groups.items(), key=lambda each: each[0]):
            for left, right in zip_longest(one, other):
                meanings = tuple(None if each is None else _meaning(each) for each in (left, right))
                if meanings[BEFORE] != meanings[AFTER]:
                    self._note(key[1], left, right, meanings)

    def let_go(self, side: int, fire: Fire) -> None:
        """Count an occurrence that was not raised."""
        if self.may_differ(fire.pico_id):
            why = "" if fire.why is None else f": {self._made.without(fire.why)}"
            self._counts[fire.pico_id][side][f"occurrence {fire.outcome.value}{why}"] += fire.stands_for

    def differences(self) -> tuple[DifferentEvent, ...]:
        return tuple(sorted(self._told.values(), key=lambda each: (each.at, each.pico, each.event)))

    def of_pico(
        self,
        id: str,
        name: str,
        state: Sequence[Mapping[str, Any]],
        schedules: Sequence[Iterable[Scheduled]],
    ) -> OfPico | None:
        """What changes in a pico, of its state and schedules before and after; None if nothing does."""
        before, after = (Counter(self._made.without(_scheduled(row)) for row in rows) for rows in schedules)
        gone, new = sorted((before - after).elements()), sorted((after - before).elements())
        lines = [*(f"- {_short(each)}" for each in gone), *(f"+ {_short(each)}" for each in new)]
        names = sorted({*state[0], *state[1]})
        values = [self._changed(name, *(each.get(name) for each in state)) for name in names]
        found = OfPico(
            name,
            id,
            tuple(_first([*self._counted(id)])),
            tuple(_first([each for each in values if each is not None])),
            tuple(_first(lines)),
        )
        return found if found.counts or found.state or found.schedules else None

    def _changed(self, name: str, *values: Any) -> str | None:
        before, after = (self._made.without(_same(each)) for each in values)
        return None if before == after else f"{name}: {_short(before)} → {_short(after)}"

    def _counted(self, pico_id: str) -> Iterator[Counted]:
        """What happens in a pico more or less often, or differently."""
        before, after = self._counts.get(pico_id, (Counter[str](), Counter[str]()))
        for what in sorted({*before, *after}):
            differ = self._differ[pico_id, what]
            if before[what] != after[what] or differ:
                yield Counted(what, before[what], after[what], differ)

    def _count(self, side: int, record: Record) -> None:
        counts = self._counts[record.pico_id][side]
        counts[_event(record)] += 1
        for each in record.considered:
            counts[f"rule {each['rid']}.{each['rule']} {each['outcome']}"] += 1
        for each in record.directives:
            counts[f"directive {_short(directive_name(each['name']))}"] += 1
        for line in _requests(record):
            counts[line] += 1

    def _note(
        self, pico_id: str, before: Record | None, after: Record | None, meanings: tuple[str | None, ...]
    ) -> None:
        shown = after or before
        assert shown is not None
        if before is not None and after is not None:
            self._differ[pico_id, _event(shown)] += 1
        lines = self._lines.get(meanings)  # the picos with a ruleset mostly differ in the same way
        if lines is None:
            lines = _lines(before, after)
            if len(self._lines) < MOST_WAYS:
                self._lines[meanings] = lines
        key = pico_id, _event(shown), lines
        known = self._told.get(key)
        if known is not None:
            self._told[key] = replace(known, count=known.count + 1, last=shown.at)
        elif len(self._told) < MOST_TOLD:
            event = _short(f"{shown.domain}:{shown.type} {values_text(shown.attrs)}".rstrip())
            self._told[key] = DifferentEvent(shown.at, shown.pico, event, lines)
        else:
            self.more += 1


def _first(lines: list[Any]) -> list[Any]:
    return lines[:MOST_LINES]


def _scheduled(row: Scheduled) -> str:
    """A pending row without what always differs."""
    name = f" ({row.name})" if row.name else ""
    when = "" if row.timespec is None else f" repeat {row.timespec} {row.tz}"
    due = "" if row.due is None else f", due {row.due:%Y-%m-%dT%H:%M:%SZ}"
    paused = ", paused" if row.status.value == "paused" else ""
    attrs = f" {values_text(dict(row.attrs))}" if row.attrs else ""
    return f"{row.domain}:{row.type}{name}{attrs}{when}{due}{paused}"


def _lines(before: Record | None, after: Record | None) -> tuple[str, ...]:
    """What only one of the two has."""
    old, new = ([] if each is None else _told(each) for each in (before, after))
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    if before is None or after is None:
        sign = "+ this event is new" if before is None else "- this event is gone"
        return (sign, *_signed("-", old, gone), *_signed("+", new, come))[:MOST_LINES]
    return (*_signed("-", old, gone), *_signed("+", new, come))[:MOST_LINES]


def _signed(sign: str, lines: list[str], left: Counter[str]) -> Iterator[str]:
    for line in lines:
        if left[line]:
            left[line] -= 1
            yield f"{sign} {line}"


def _told(record: Record) -> list[str]:
    """What an event came to, line by line."""
    cause = record.scheduled
    found = [] if cause is None or cause.name is None else [f"scheduled as {cause.name}"]
    if record.attrs:
        found.append(f"attributes {_short(values_text(record.attrs))}")
    for each in record.considered:
        why = f": {_short(each['why'])}" if each["why"] else ""
        found.append(f"{each['rid']}.{each['rule']} {each['outcome']}{why}")
    for each in record.directives:
        found.append(f"directive {_short(directive_name(each['name']))} {_shown(each['options'])}")
    return [*found, *_requests(record), *(f"error: {_short(each)}" for each in record.errors)]


def _requests(record: Record) -> list[str]:
    asked = [f"request {each['method']} {_short(each['url'])}" for each in record.outside]
    return [*asked, *(f"request POST {_short(each)}" for each in record.sent)]


def _event(record: Record) -> str:
    return f"event {record.domain}:{record.type}"


def _meaning(record: Record) -> str:
    """An event and what it came to."""
    cause = record.scheduled
    considered = [(each["rid"], each["rule"], each["outcome"], each["why"]) for each in record.considered]
    directives = [(each["name"], each["options"]) for each in record.directives]
    told = [record.attrs, cause and cause.name, considered, directives]
    return _same([*told, record.errors, record.outside, record.sent])


def _plain(record: Record, made: Made) -> Record:
    """A record without what always differs."""
    considered = [{**each, "why": placeless_reason(each)} for each in record.considered]
    attrs = placeless_attrs(record.domain, record.type, record.attrs)
    errors = [placeless_error(each) for each in record.errors]
    told: Any = [attrs, considered, record.directives, errors, record.outside, record.sent]
    text = _same(told)
    without = made.without(text)
    if without != text:
        told = orjson.loads(without)
    attrs, considered, directives, errors, outside, sent = told
    return replace(
        record,
        attrs=attrs,
        considered=considered,
        directives=directives,
        errors=errors,
        outside=outside,
        sent=sent,
    )


def _same(value: Any) -> str:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=str, option=options).decode()


def _shown(value: Any) -> str:
    return _short(_same(value))


def _short(text: str) -> str:
    return shortened(text, LONGEST)
