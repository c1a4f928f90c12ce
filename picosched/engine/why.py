"""Why a schedule, an event or a rule fired or not: the records, walked from the schedule to what it did.

`ask_why` finds out what is meant and looks it up in the agenda, the record of fires and the journal. A
schedule (`why_schedule`) or the entry of a source (`why_source`) leads to its occurrence, an occurrence to
its turn, a turn to its rules (`why_turn`); the first link that broke ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from picosched.clock import MILLISECOND, format_time, shifted
from picosched.engine.agenda import Agenda
from picosched.engine.known_rules import ANY, KnownRule, find_rule, rules_of
from picosched.engine.why_schedule import MOST_ANSWERS, of_schedule, schedule_between, too_many
from picosched.engine.why_source import entries_between, find_entries, of_entries
from picosched.engine.why_turn import Latest, before_history, of_turn, reached, turn_of
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.schedule.chain import Link, Why
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import COMING, Scheduled
from picosched.store.journal import Entry

MOST_ROWS = 1_000
"""Rows that are looked through for a name or an event."""
NEAR = timedelta(minutes=1)
"""How long after a given time an event may have come."""
BEGINNING = re.compile(r"[0-9a-f]{4,}")
"""Of an id."""


def ask_why(engine: Wiring, what: str, at: datetime | None = None) -> Why:
    """Why `what` fired or not, last or at a time: an id or name of a schedule or a source, a
    `source/entry`, an event's id or `domain:type`, or a `rid.rule`. `not_found`, with near names, if it is
    none of these.
    """
    row = _schedule(engine, what)
    if row is not None:
        return of_schedule(engine, row, at)
    entry = turn_of(engine, what)
    if entry is not None:
        return Why(f"the event {what}", *of_turn(engine, entry))
    if entries := find_entries(engine, what):
        return of_entries(engine, what, entries, at)
    turns = Latest(engine, None if at is None else shifted(at, NEAR - MILLISECOND))
    rule = find_rule(engine, what)
    if rule is not None:
        return _last(turns, _of_rule(engine, what)) or _never_reached(engine, what, rule, at, turns)
    if ":" in what:
        found = _last(turns, _of_event(engine, what))
        if found is None and (row := _row_of(engine, what)) is not None:
            return of_schedule(engine, row, at)
        return found or _never_raised(engine, what, at, turns)
    raise _unknown(engine, what)


def ask_why_between(engine: Wiring, what: str, since: datetime, until: datetime) -> list[Why]:
    """Why each occurrence of `what` from one time to another fired or not, in order; at least one answer.

    Errors are those of `ask_why`; `invalid` for an event's id, which has one time, and for a time that ends
    before it begins; `too_large` for more than MOST_ANSWERS.
    """
    if until < since:
        span = f"{format_time(since)} to {format_time(until)}"
        raise PicoschedError(f"found the time from {span}, wanted one that ends after it begins")
    row = _schedule(engine, what)
    if row is not None:
        return schedule_between(engine, row, since, until)
    if turn_of(engine, what) is not None:
        raise PicoschedError(f"found {what}, the id of an event that came once, wanted it without two times")
    if entries := find_entries(engine, what):
        return entries_between(engine, what, entries, since, until)
    turns = Latest(engine, until, since)
    rule = find_rule(engine, what)
    if rule is not None:
        found = _each(turns, _of_rule(engine, what))
        return found or [_never_reached(engine, what, rule, until, turns)]
    if ":" in what:
        found = _each(turns, _of_event(engine, what))
        if not found and (row := _row_of(engine, what)) is not None:
            return schedule_between(engine, row, since, until)
        return found or [_never_raised(engine, what, until, turns)]
    raise _unknown(engine, what)


def _unknown(engine: Wiring, what: str) -> PicoschedError:
    rows = Agenda(engine).scheduled(Filter(status=()), MOST_ROWS)
    sources = [row.name for row in engine.read(engine.store.sources.all)]
    named = {name for name in (*(row.name for row in rows), *sources) if name}
    near = get_close_matches(what, [*rules_of(engine).rules, *named], 3)
    also = f"; did you mean {' or '.join(near)}?" if near else ""
    wanted = "the id or name of a schedule or source, the id or domain:type of an event, or a rid.rule"
    return PicoschedError(f"nothing on record is called {what!r:.80}, wanted {wanted}{also}", "not_found")


def _schedule(engine: Wiring, what: str) -> Scheduled | None:
    """The schedule with that id, the beginning of one, or that name; the newest, if several have the name."""
    found = Agenda(engine).find(what)
    if found is None and BEGINNING.fullmatch(what):
        ids = Agenda(engine).ids_like(what, live=True) or Agenda(engine).ids_like(what)
        if len(ids) > 1:
            raise PicoschedError(f"{len(ids)} schedules have an id that begins with {what}", "conflict")
        found = Agenda(engine).find(ids[0]) if ids else None
    if found is not None or not what:
        return found
    return _meant(Agenda(engine).scheduled(Filter(name=what, status=()), MOST_ROWS))


def _meant(rows: Sequence[Scheduled]) -> Scheduled | None:
    """The one that was made last, if possible of those that may still fire; None if there is none."""
    return max(rows, key=lambda row: (row.status in COMING, row.created), default=None)


# Events and rules

Asked = Callable[[Entry], "Why | None"]
"""The answer for a turn; None if the question is not about it."""


def _last(turns: Latest, asked: Asked) -> Why | None:
    """The answer for the last turn that the question is about."""
    return next(filter(None, map(asked, turns)), None)


def _each(turns: Latest, asked: Asked) -> list[Why]:
    """The answers for all turns."""
    found = [*filter(None, map(asked, turns))]
    if len(found) > MOST_ANSWERS:
        raise too_many()
    return found[::-1]


def _of_rule(engine: Wiring, what: str) -> Asked:
    def asked(entry: Entry) -> Why | None:
        if not any(reached(each, what) for handled in entry.handled for each in handled["considered"]):
            return None
        event = entry.handled[0]
        raised = f"{event['domain']}:{event['type']} at {format_time(entry.at)}, the event {entry.eid}"
        links, instead = of_turn(engine, entry, what)
        return Why(what, (Link("raised", True, raised), *links), instead)

    return asked


def _of_event(engine: Wiring, what: str) -> Asked:
    def asked(entry: Entry) -> Why | None:
        if not any(f"{each['domain']}:{each['type']}" == what for each in entry.handled):
            return None
        raised = Link("raised", True, f"at {format_time(entry.at)}, as the event {entry.eid}")
        links, instead = of_turn(engine, entry)
        return Why(what, (raised, *links), instead)

    return asked


def _row_of(engine: Wiring, what: str) -> Scheduled | None:
    domain, _, type = what.partition(":")
    return _meant(Agenda(engine).scheduled(Filter(domain=domain, type=type, status=()), MOST_ROWS))


def _never_reached(engine: Wiring, what: str, rule: KnownRule, at: datetime | None, turns: Latest) -> Why:
    """The answer for a rule that none of the turns reached."""
    if (unknown := before_history(engine, at)) is not None:
        return Why(what, (unknown,))
    if not rule.active:
        return Why(what, (Link("rule", False, "it is inactive in the text of its ruleset"),))
    wanted = " or ".join(sorted(rule.keys))
    return Why(what, (Link("raised", False, f"no event {wanted} reached it {turns.words}"),))


def _never_raised(engine: Wiring, what: str, at: datetime | None, turns: Latest) -> Why:
    """The answer for an event that none of the turns handled."""
    if (unknown := before_history(engine, at)) is not None:
        return Why(what, (unknown,))
    links = [Link("scheduled", False, f"it was neither raised nor scheduled {turns.words}")]
    known = rules_of(engine)
    if known.complete and known.keys.isdisjoint((what, ANY)):
        near = get_close_matches(what, known.keys, 3)
        selected = f"no rule selects it{'; near: ' if near else ''}{', '.join(near)}"
        links.append(Link("selected", False, selected))
    return Why(what, tuple(links))
