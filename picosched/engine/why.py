"""Why a schedule, an event or a rule fired or not: the records, walked from the schedule to what it did.

`ask_why` finds out what is meant and looks it up in the agenda, the record of fires and the journal. A
schedule leads to its occurrence (`why_schedule`), an occurrence to its turn, a turn to its rules
(`why_turn`); the first link that broke ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING

from picosched.clock import MILLISECOND, format_time, shifted
from picosched.engine.agenda import Agenda
from picosched.engine.why_schedule import MOST_ANSWERS, of_schedule, schedule_between, too_many
from picosched.engine.why_turn import before_history, latest, of_turn, reached, turn_of
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.schedule.chain import Link, Why
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import COMING, Scheduled
from picosched.store.journal import Entry

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

MOST_ROWS = 1_000
"""Rows that are looked through for a name or an event."""
NEAR = timedelta(minutes=1)
"""How long after a given time an event may have come."""
BEGINNING = re.compile(r"[0-9a-f]{4,}")
"""Of an id."""


def ask_why(engine: Wiring, what: str, at: datetime | None = None) -> Why:
    """Why `what` fired or not, last or at a time: an id or name of a schedule, an event's id or
    `domain:type`, or a `rid.rule`. `not_found`, with near names, if it is none of these.
    """
    row = _schedule(engine, what)
    if row is not None:
        return of_schedule(engine, row, at)
    entry = turn_of(engine, what)
    if entry is not None:
        return Why(f"the event {what}", *of_turn(engine, entry))
    rules = rules_of(engine)
    if what in rules:
        return _last(engine, _of_rule(engine, what), at) or _never_reached(engine, what, rules[what], at)
    if ":" in what:
        found = _last(engine, _of_event(engine, what), at)
        if found is None and (row := _row_of(engine, what)) is not None:
            return of_schedule(engine, row, at)
        return found or _never_raised(engine, what, rules, at)
    raise _unknown(engine, what, rules)


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
    rules = rules_of(engine)
    if what in rules:
        found = _each(engine, _of_rule(engine, what), since, until)
        return found or [_never_reached(engine, what, rules[what], until)]
    if ":" in what:
        found = _each(engine, _of_event(engine, what), since, until)
        if not found and (row := _row_of(engine, what)) is not None:
            return schedule_between(engine, row, since, until)
        return found or [_never_raised(engine, what, rules, until)]
    raise _unknown(engine, what, rules)


def _unknown(engine: Wiring, what: str, rules: Mapping[str, Ruleset]) -> PicoschedError:
    rows = Agenda(engine).scheduled(Filter(status=()), MOST_ROWS)
    near = get_close_matches(what, [*rules, *{name for row in rows if (name := row.name)}], 3)
    also = f"; did you mean {' or '.join(near)}?" if near else ""
    wanted = "the id or name of a schedule, the id or domain:type of an event, or a rid.rule"
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


def _rulesets(engine: Wiring) -> list[Ruleset]:
    """One of each rid, except for those that no longer compile."""
    found: list[Ruleset] = []
    for pico_id, rid in engine.read(engine.store.picos.one_of_each):
        with suppress(PicoschedError):  # or its pico went meanwhile
            found.append(engine.read(engine.loaded.load_running, pico_id, rid).installed[rid].ruleset)
    return found


def rules_of(engine: Wiring) -> dict[str, Ruleset]:
    """Each rule, as `rid.rule`, with its ruleset."""
    return {
        f"{ruleset.rid}.{rule.name}": ruleset for ruleset in _rulesets(engine) for rule in ruleset.tree.rules
    }


# Events and rules

Asked = Callable[[Entry], "Why | None"]
"""The answer for a turn; None if the question is not about it."""


def _last(engine: Wiring, asked: Asked, at: datetime | None) -> Why | None:
    """The answer for the last turn up to a time that the question is about."""
    return next(filter(None, map(asked, _up_to(engine, at))), None)


def _each(engine: Wiring, asked: Asked, since: datetime, until: datetime) -> list[Why]:
    """The answers for all turns between two times."""
    entries = takewhile(lambda each: each.at >= since, latest(engine, until))
    found = [*filter(None, map(asked, entries))]
    if len(found) > MOST_ANSWERS:
        raise too_many()
    return found[::-1]


def _up_to(engine: Wiring, at: datetime | None) -> Iterator[Entry]:
    return latest(engine, None if at is None else shifted(at, NEAR - MILLISECOND))


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


def _never_reached(engine: Wiring, what: str, ruleset: Ruleset, at: datetime | None) -> Why:
    if (unknown := before_history(engine, at)) is not None:
        return Why(what, (unknown,))
    name = what.rsplit(".", 1)[1]
    rule = next(each for each in ruleset.tree.rules if each.name == name)
    if rule.state != "active":
        return Why(what, (Link("rule", False, "it is inactive in the text of its ruleset"),))
    code = next(each for each in ruleset.rules if each.name == name)
    wanted = " or ".join(sorted(code.select.keys))
    text = f"no event {wanted} reached it {_looked_through(engine, at)}"
    return Why(what, (Link("raised", False, text),))


def _never_raised(engine: Wiring, what: str, rules: Mapping[str, Ruleset], at: datetime | None) -> Why:
    if (unknown := before_history(engine, at)) is not None:
        return Why(what, (unknown,))
    text = f"it was neither raised nor scheduled {_looked_through(engine, at)}"
    links: tuple[Link, ...] = (Link("scheduled", False, text),)
    known = {key for ruleset in {*rules.values()} for rule in ruleset.rules for key in rule.select.keys}
    if what not in known:
        near = get_close_matches(what, known, 3)
        selected = f"no rule selects it{'; near: ' if near else ''}{', '.join(near)}"
        links = (*links, Link("selected", False, selected))
    return Why(what, links)


def _looked_through(engine: Wiring, at: datetime | None) -> str:
    """Which turns were looked through, in words."""
    entries = [*_up_to(engine, at)]
    if not entries:
        return "in the journal" if at is None else f"in the journal up to {format_time(at)}"
    older, _ = engine.read(engine.store.pages.turns_before, entries[-1].seq, 1, 1)
    only = f"the latest {len(entries):,} turns of " if older else ""
    since, upto = format_time(entries[-1].at), "" if at is None else f" up to {format_time(at)}"
    return f"in {only}the journal since {since}{upto}"
