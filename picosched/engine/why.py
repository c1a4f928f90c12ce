"""Why a schedule, an event or a rule fired or not: the records, walked from the schedule to what it did.

`ask_why` finds out what is meant and looks it up in the agenda, the record of fires and the journal. A
schedule leads to its occurrence, an occurrence to its turn, a turn to its rules; the first link that broke
ends it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from picosched.clock import MILLISECOND, format_time, shifted
from picosched.engine.agenda import Agenda
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.krl.supposed import smallest_change
from picosched.schedule.chain import Link, Why
from picosched.schedule.changed import resumed
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire, missed
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.store.journal import Entry

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

MOST_TURNS = 1_000
"""Turns that are looked through for an event or a rule."""
MOST_ROWS = 1_000
"""Rows that are looked through for a name or an event."""
NEAR = timedelta(minutes=1)
"""How long after a given time an event may have come."""
BEGINNING = re.compile(r"[0-9a-f]{4,}")
"""Of an id."""
RAISED = (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED, Outcome.FAILED)


def ask_why(engine: Wiring, what: str, at: datetime | None = None) -> Why:
    """Why `what` fired or not, last or at a time: an id or name of a schedule, an event's id or
    `domain:type`, or a `rid.rule`. `not_found`, with near names, if it is none of these.
    """
    row = _schedule(engine, what)
    if row is not None:
        return _of_schedule(engine, row, at)
    entries = _journal(engine, eid=what, limit=1)
    if entries:
        return Why(f"the event {what}", *_of_turn(engine, entries[0]))
    rules = {
        f"{ruleset.rid}.{rule.name}": ruleset for ruleset in _rulesets(engine) for rule in ruleset.tree.rules
    }
    if what in rules:
        return _of_rule(engine, what, rules[what], at)
    if ":" in what:
        return _of_event(engine, what, rules, at)
    known = [
        *rules,
        *{name for row in Agenda(engine).scheduled(Filter(status=()), MOST_ROWS) if (name := row.name)},
    ]
    near = get_close_matches(what, known, 3)
    also = f"; did you mean {' or '.join(near)}?" if near else ""
    wanted = "the id or name of a schedule, the id or domain:type of an event, or a rid.rule"
    raise PicoschedError(f"nothing on record is called {what!r:.80}, wanted {wanted}{also}", "not_found")


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
    live = (Status.PENDING, Status.PAUSED)
    return max(rows, key=lambda row: (row.status in live, row.created), default=None)


def _rulesets(engine: Wiring) -> list[Ruleset]:
    """One of each rid, except for those that no longer compile."""
    found: list[Ruleset] = []
    for pico_id, rid in engine.read(engine.store.picos.one_of_each):
        with suppress(PicoschedError):  # or its pico went meanwhile
            found.append(engine.read(engine.loaded.load_running, pico_id, rid).installed[rid].ruleset)
    return found


def _journal(engine: Wiring, *, eid: str | None = None, limit: int = MOST_TURNS) -> list[Entry]:
    """Turns, newest first."""
    return engine.read(engine.store.journal.entries, None, eid=eid, limit=limit)


# A schedule


def _of_schedule(engine: Wiring, row: Scheduled, at: datetime | None) -> Why:
    called = f"{row.event} ({row.name or row.id[:8]})" + ("" if at is None else f" at {format_time(at)}")
    made = Link(
        "scheduled", at is None or at >= row.created, f"by {row.made_by} at {format_time(row.created)}"
    )
    if not made.held:
        return Why(called, (made,), f"at {format_time(row.created)} or later: it was not made before")
    record = _record(engine, row, at)
    if record is not None:
        links, instead = _of_record(engine, row, record)
        return Why(called, (made, _times(row), *links), instead)
    if at is not None and (off := _off_times(engine, row, at)) is not None:
        return Why(called, (made, off[0]), off[1])
    links, instead = _without_record(engine, row, at)
    return Why(called, (made, _times(row), *links), instead)


def _record(engine: Wiring, row: Scheduled, at: datetime | None) -> Fire | None:
    """The record of the occurrence at a time; of the last one, if no later one is overdue."""
    if at is not None:
        read = engine.store.agenda.records_between
        least = timedelta(seconds=engine.settings.granularity) - MILLISECOND
        near = engine.read(read, row.id, shifted(at, -least), shifted(at, least), 100)
        return min(near, key=lambda each: abs(each.nominal - at), default=None)
    if row.status is Status.PAUSED or (row.due is not None and row.due <= engine.now()):
        return None
    return next(iter(Agenda(engine).history(id=row.id, limit=1)), None)


def _times(row: Scheduled) -> Link:
    moved = "" if row.moved_from is None else f"; its next was moved from {format_time(row.moved_from)}"
    try:
        return Link("timetable", True, f"{row.explain()}{moved}")
    except PicoschedError as error:
        return Link("timetable", False, f"cannot be read: {error.message}")


def _off_times(engine: Wiring, row: Scheduled, at: datetime) -> tuple[Link, str | None] | None:
    """The link that says that a time is none of a schedule's, and the next that is one; None if it is one."""
    granularity = engine.settings.granularity
    if row.timespec is None:
        return None
    since = shifted(at, -timedelta(seconds=max(granularity, 1)))
    coming = row.following(since, granularity)
    if coming is not None and coming - at < timedelta(seconds=max(granularity, 1)):
        return None
    local = at.astimezone(ZoneInfo(row.tz))
    text = f"{row.explain()}; {local:%A %Y-%m-%d %H:%M:%S} in {row.tz} is none of its times"
    repeats = row.repeats
    if repeats is not None and repeats.calendars:
        free = repeats.left_out(shifted(at, -timedelta(days=1)), shifted(at, timedelta(days=1)))
        text += "".join(f"; left out: {each}" for each in free if each.day == local.date())
    if coming is None:
        return Link("timetable", False, f"{text}, and there is none after it"), None
    return Link("timetable", False, text), f"{_later(coming - at)} later, at {format_time(coming)}"


def _later(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    parts = (
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _without_record(engine: Wiring, row: Scheduled, at: datetime | None) -> tuple[list[Link], str | None]:
    now, due = engine.now(), row.due
    if at is not None and at < shifted(now, -timedelta(days=engine.settings.history_days)):
        return [Link("record", False, f"records are kept for {engine.settings.history_days} days")], None
    if row.held:
        return [Link("overlap", False, "it waits until what the occurrence before started has ended")], None
    if row.status is Status.PAUSED:
        until = (
            "until it is resumed" if row.paused_until is None else f"until {format_time(row.paused_until)}"
        )
        going = resumed(row, now, engine.settings.granularity)
        by = _changed(engine, row.id, "paused")
        on_failure = f", after {row.failures} failures in a row" if row.on_failure and row.failures else ""
        instead = (
            None if going is None or going[0].due is None else f"not paused, at {format_time(going[0].due)}"
        )
        return [Link("paused", False, f"{until}{by}{on_failure}")], instead
    if row.status is Status.FINISHED:
        most = f"it fired {row.fires} of {row.count} times" if row.count else f"it fired {row.fires} times"
        until = "" if row.until is None else f", and may be due until {format_time(row.until)}"
        return [Link("ended", False, f"{most}{until}")], None
    if row.status is Status.CANCELLED:
        return [Link("cancelled", False, "its record says no more")], None
    if due is not None and due > now:
        passed = at is not None and at <= now
        text = f"no occurrence is on record there; it is due {format_time(due)}"
        return [Link("to come", not passed, text if passed else f"it is due {format_time(due)}")], None
    text = f"due since {'' if due is None else format_time(due)}, and no engine has raised it"
    return [Link("engine", False, text)], "an engine running: `picosched run` or `serve`"


def _changed(engine: Wiring, id: str, what: str, until: datetime | None = None) -> str:
    """Who did that to a schedule last, up to a time; nothing if it is not on record."""
    changes = [each for each in Agenda(engine).changes_of(id) if until is None or each.at <= until]
    found = next((each for each in reversed(changes) if each.what == what), None)
    return "" if found is None else f"; {found}"


def _of_record(engine: Wiring, row: Scheduled, record: Fire) -> tuple[list[Link], str | None]:
    nominal, granularity = format_time(record.nominal), engine.settings.granularity
    if record.outcome not in RAISED or record.eid is None:
        turn = "" if record.eid is None else f" in the turn {record.eid}{_fired_in(engine, record.eid)}"
        why = "" if record.why is None else f": {record.why}"
        what = {Outcome.PAUSED: "paused", Outcome.CANCELLED: "cancelled"}.get(record.outcome, "")
        by = _changed(engine, row.id, what, record.fired)
        text = f"the occurrence of {nominal}, at {format_time(record.fired)}{turn}{why}{by}"
        instead = f"not paused, at {nominal}" if record.outcome is Outcome.PAUSED else None
        return [Link(record.outcome.value, False, text)], instead
    late = f"{record.lateness:.12g} s after {nominal}"
    if missed(record.nominal, record.fired, granularity):
        late += ", because no engine raised it before"
    if record.stands_for > 1:
        late += f"; it stands for {record.stands_for} occurrences"
    raised = Link("raised", True, f"at {format_time(record.fired)}, {late}, as the event {record.eid}")
    entries = _journal(engine, eid=record.eid, limit=1)
    if not entries:
        return [raised, Link("journal", False, "its turn is not in the journal, or no longer")], None
    links, instead = _of_turn(engine, entries[0])
    return [raised, *links], instead


def _fired_in(engine: Wiring, eid: str) -> str:
    """The rules that fired in a turn, if it is still in the journal."""
    rules = [rule for entry in _journal(engine, eid=eid, limit=1) for rule in entry.fired]
    return f", whose rules were {', '.join(rules)}" if rules else ""


# A turn


def _of_turn(engine: Wiring, entry: Entry, rule: str | None = None) -> tuple[tuple[Link, ...], str | None]:
    """The rules of a turn, or one of them, and what would have made the first that did not fire do so."""
    considered = [
        each for handled in entry.handled for each in handled["considered"] if rule is None or _is(each, rule)
    ]
    if not considered:
        first = entry.handled[0]
        text = f"no rule selects {first['domain']}:{first['type']}: the event reached nobody"
        return (Link("selected", False, text),), None
    # If some rule fired, what the others did breaks nothing.
    done = rule is None and any(each["outcome"] == "fired" for each in considered)
    links = [_rule_link(each, done) for each in considered]
    if not done:
        instead = next(filter(None, (_instead(engine, entry, each) for each in considered)), None)
        return tuple(links), None if all(each.held for each in links) else instead
    return (*links, Link("did", not entry.errors, _did(entry))), None


def _is(considered: Mapping[str, Any], rule: str) -> bool:
    rid, name = rule.rsplit(".", 1)
    return bool(considered["rid"] == rid and considered["rule"] in (name, "*"))


def _rule_link(each: Mapping[str, Any], done: bool) -> Link:
    why = f": {each['why']}" if each["why"] else ""
    held = each["outcome"] == "fired" or (done and each["outcome"] != "failed")
    return Link(f"{each['rid']}.{each['rule']}", held, f"{each['outcome']}{why}")


def _did(entry: Entry) -> str:
    number = len(entry.directives)
    parts = [f"{number} directive{'s' * (number != 1)}", *(f"failed: {each}" for each in entry.errors)]
    return ", ".join(parts)


def _instead(engine: Wiring, entry: Entry, considered: Mapping[str, Any]) -> str | None:
    """What its condition or `where` lacked, by the text of the rule that is installed now, if it fits."""
    if considered["outcome"] not in ("notfired", "unselected"):
        return None
    try:
        pico = engine.read(engine.loaded.load_running, entry.pico_id, considered["rid"])
    except PicoschedError:
        return None  # the pico or the ruleset is gone
    ruleset = pico.installed[considered["rid"]].ruleset
    for rule in ruleset.tree.rules:
        if rule.name == considered["rule"]:
            wheres = [each.where for each in ruleset.selected if each.where is not None]
            conditions = [rule.actions.condition] if rule.actions and rule.actions.condition else []
            of_outcome = conditions if considered["outcome"] == "notfired" else wheres
            for each in of_outcome:
                if f" line {ruleset.source.place(each.start)[0]} " in considered["why"]:
                    return smallest_change(each, ruleset.source, considered["why"])
    return None


# Events and rules


def _up_to(at: datetime | None, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The turns up to a time."""
    until = None if at is None else shifted(at, NEAR - MILLISECOND)
    return [each for each in entries if until is None or each.at <= until]


def _since(entries: Sequence[Entry]) -> str:
    known = format_time(entries[-1].at) if entries else "its start"
    return f"in the journal since {known}"


def _of_rule(engine: Wiring, what: str, ruleset: Ruleset, at: datetime | None) -> Why:
    name = what.rsplit(".", 1)[1]
    rule = next(each for each in ruleset.tree.rules if each.name == name)
    if rule.state != "active":
        return Why(what, (Link("rule", False, "it is inactive in the text of its ruleset"),))
    entries = _journal(engine)
    for entry in _up_to(at, entries):
        if any(_is(each, what) for handled in entry.handled for each in handled["considered"]):
            event = entry.handled[0]
            raised = f"{event['domain']}:{event['type']} at {format_time(entry.at)}, the event {entry.eid}"
            links, instead = _of_turn(engine, entry, what)
            return Why(what, (Link("raised", True, raised), *links), instead)
    code = next(each for each in ruleset.rules if each.name == name)
    wanted = " or ".join(sorted(code.select.keys))
    return Why(what, (Link("raised", False, f"no event {wanted} reached it {_since(entries)}"),))


def _of_event(engine: Wiring, what: str, rules: Mapping[str, Ruleset], at: datetime | None) -> Why:
    entries = _journal(engine)
    for entry in _up_to(at, entries):
        if any(f"{each['domain']}:{each['type']}" == what for each in entry.handled):
            raised = Link("raised", True, f"at {format_time(entry.at)}, as the event {entry.eid}")
            links, instead = _of_turn(engine, entry)
            return Why(what, (raised, *links), instead)
    domain, _, type = what.partition(":")
    row = _meant(Agenda(engine).scheduled(Filter(domain=domain, type=type, status=()), MOST_ROWS))
    if row is not None:
        return _of_schedule(engine, row, at)
    links = (Link("scheduled", False, f"it was neither raised nor scheduled {_since(entries)}"),)
    known = {key for ruleset in {*rules.values()} for rule in ruleset.rules for key in rule.select.keys}
    if what not in known:
        near = get_close_matches(what, known, 3)
        text = f"no rule selects it{'; near: ' if near else ''}{', '.join(near)}"
        links = (*links, Link("selected", False, text))
    return Why(what, links)
