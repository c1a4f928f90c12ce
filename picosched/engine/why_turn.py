"""Why the rules of a turn fired or not, and what would have made the first of them do so.

The turn is read from the journal; what its rules lacked is tried on the text that is installed now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from picosched.clock import format_time, parse_time
from picosched.engine.why_instead import apart, span
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.krl.event_expression import OVER
from picosched.krl.matching import matching
from picosched.krl.pattern import regex_of
from picosched.krl.ruleset import Ruleset, primitives
from picosched.krl.supposed import refuted, smallest_change
from picosched.krl.values import shown, to_string
from picosched.schedule.chain import Link
from picosched.store.journal import Entry

MOST_TURNS, MOST_CHARACTERS = 1_000, 4_000_000
"""Turns that are looked through for an event or a rule, and how much text they may be."""
LATE = re.compile(rf"{re.escape(OVER)}(\S+)")
WAITING = "its event expression waits for "
WAITS = re.compile(r"(.*), since \S+?(?:, until (\S+))?")
PLACE = re.compile(r" \(part \d+ of \d+\)")
AT_ONCE, CHARACTERS_AT_ONCE = 50, 200_000
"""The same of one read, during which nobody else has a turn."""


def turn_of(engine: Wiring, eid: str | None) -> Entry | None:
    """The turn of an event, the last if several picos had it; None if it is not in the journal."""
    found = engine.read(engine.store.journal.entries, None, eid=eid, limit=1)
    return found[0] if found else None


class Latest:
    """The latest turns up to a time, newest first, back to another: MOST_TURNS or MOST_CHARACTERS of them.

    `words` tells which were looked through when all were.
    """

    def __init__(self, engine: Wiring, until: datetime | None, since: datetime | None = None) -> None:
        self._engine = engine
        self._until, self._since = until, since
        self._number = 0
        self._oldest: Entry | None = None
        self._is_cut = False

    def __iter__(self) -> Iterator[Entry]:
        read, until, characters = self._engine.read, self._until, 0
        store = self._engine.store
        place = 2**62 if until is None else read(store.journal.place_at, until) + 1
        while True:
            found, size = read(store.pages.turns_before, place, AT_ONCE, CHARACTERS_AT_ONCE)
            if not found:
                return
            if self._number >= MOST_TURNS or characters >= MOST_CHARACTERS:
                self._is_cut = True
                return
            for each in found:
                if self._since is not None and each.at < self._since:
                    return
                self._number, self._oldest = self._number + 1, each
                if until is None or each.at <= until:
                    yield each
            characters, place = characters + size, found[-1].seq

    @property
    def words(self) -> str:
        """Which turns were looked through."""
        upto = "" if self._until is None else f" up to {format_time(self._until)}"
        if self._oldest is None and self._since is None:
            return f"in the journal{upto}"
        only = f"the latest {self._number:,} turns of " if self._is_cut else ""
        known = self._oldest is not None and (self._is_cut or self._since is None)
        since = self._oldest.at if known and self._oldest is not None else self._since
        return f"in {only}the journal since {'' if since is None else format_time(since)}{upto}"


def before_history(engine: Wiring, at: datetime | None) -> Link | None:
    """The link that says since when turns are known, if a time is before that."""
    begins = engine.read(engine.store.journal.begins)
    if at is None or begins is None or at >= begins:
        return None
    kept = f"turns are kept for {engine.settings.history_days} days"
    return Link("record", False, f"what happened is known since {format_time(begins)}: {kept}")


def of_turn(engine: Wiring, entry: Entry, rule: str | None = None) -> tuple[tuple[Link, ...], str | None]:
    """The rules of a turn, or one of them, and what would have made the first that did not fire do so."""
    pairs = [
        (each, handled)
        for handled in entry.handled
        for each in handled["considered"]
        if rule is None or reached(each, rule)
    ]
    considered = [each for each, _ in pairs]
    if not considered:
        first = entry.handled[0]
        text = f"no rule selects {first['domain']}:{first['type']}: the event reached nobody"
        return (Link("selected", False, text),), None
    # If some rule fired, what the others did breaks nothing.
    done = rule is None and any(each["outcome"] == "fired" for each in considered)
    links = [_rule_link(each, done) for each in considered]
    if not done:
        instead = next(filter(None, (_instead(engine, entry, *each) for each in pairs)), None)
        return tuple(links), None if all(each.held for each in links) else instead
    return (*links, Link("did", not entry.errors, _did(entry))), None


def reached(considered: Mapping[str, Any], rule: str) -> bool:
    """Whether it is what became of that rule, or of all of its ruleset."""
    rid, name = rule.rsplit(".", 1)
    return bool(considered["rid"] == rid and considered["rule"] in (name, "*"))


def _rule_link(each: Mapping[str, Any], done: bool) -> Link:
    why = f": {each['why']}" if each["why"] else ""
    if why.endswith(" is false"):
        why += "; its operands are not on record, as an older picosched kept none"
    held = each["outcome"] == "fired" or (done and each["outcome"] != "failed")
    return Link(f"{each['rid']}.{each['rule']}", held, f"{each['outcome']}{why}")


def _did(entry: Entry) -> str:
    number = len(entry.directives)
    parts = [f"{number} directive{'s' * (number != 1)}", *(f"failed: {each}" for each in entry.errors)]
    return ", ".join(parts)


def _instead(
    engine: Wiring, entry: Entry, considered: Mapping[str, Any], handled: Mapping[str, Any]
) -> str | None:
    """What its event expression waited for; or what its patterns, condition or `where` lacked, by the rule
    that is installed now, if that fits."""
    if (found := LATE.search(considered["why"] or "")) is not None:
        return f"{apart(entry.at, parse_time(found[1]))} or before"
    if considered["outcome"] not in ("notfired", "unselected", "waiting"):
        return None
    why, _, waits = considered["why"].partition(WAITING)
    if waits and not why:
        return _awaited(entry, waits)
    why = why.removesuffix("; ")
    try:
        pico = engine.read(engine.loaded.load_running, entry.pico_id, considered["rid"])
    except PicoschedError:
        return None  # the pico or the ruleset is gone
    ruleset = pico.installed[considered["rid"]].ruleset
    for rule in ruleset.tree.rules:
        if rule.name == considered["rule"]:
            if why.startswith("the attribute "):
                return _patterns_changed(rule, ruleset, why, handled["attrs"])
            event = handled["domain"], handled["type"]
            return smallest_change(rule, ruleset, event, handled["attrs"], why)
    return None


def _awaited(entry: Entry, waits: str) -> str | None:
    """The events that come next, and until when, as they were recorded."""
    found = WAITS.fullmatch(waits)
    if found is None:
        return None
    until = "" if found[2] is None else f", within {span(parse_time(found[2]) - entry.at)}, by {found[2]}"
    return f"followed by {PLACE.sub('', found[1])}{until}"


def _patterns_changed(rule: syntax.Rule, ruleset: Ruleset, why: str, attrs: Mapping[str, Any]) -> str | None:
    """The attributes with which an event would match the patterns that it did not match."""
    if rule.select is None:
        return None
    for event in primitives(rule.select):
        missed = [each for each in event.attributes if not _matches(each, attrs)]
        names = [f"the attribute {each.name} does not match " for each in missed]
        if event.where is None and any(why.startswith(each) for each in names):
            texts = {each.name: matching(each.pattern.pattern, each.pattern.flags) for each in missed}
            if None in texts.values() or refuted(rule, ruleset, event, attrs, texts):
                return None
            was = {name: f"it was {shown(attrs[name])}" for name in texts if name in attrs}
            return ", and ".join(
                f"`{name}` {shown(text)} ({was.get(name, 'there is none')})" for name, text in texts.items()
            )
    return None


def _matches(pattern: syntax.AttributePattern, attrs: Mapping[str, Any]) -> bool:
    text = to_string(attrs[pattern.name]) if pattern.name in attrs else ""
    return regex_of(pattern.pattern.pattern, pattern.pattern.flags).search(text) is not None
