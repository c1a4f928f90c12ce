"""Why an occurrence of a schedule came or not: its row and its record, then the turn that it caused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from picosched.clock import MILLISECOND, format_time, parse_time, shifted
from picosched.engine.agenda import BY_HAND, Agenda
from picosched.engine.forecast import why_shut
from picosched.engine.why_instead import (
    apart,
    first_raised,
    last_raised,
    less_often,
    nearest,
    not_ended,
    not_paused,
    skipped,
)
from picosched.engine.why_turn import of_turn, turn_of
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.schedule.chain import Link, Why
from picosched.schedule.changed import resumed
from picosched.schedule.fire import Fire, missed
from picosched.schedule.provenance import Provenance
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.timespec.verdict import change_shown, local_shown, verdict

MOST_ANSWERS = 100
"""Occurrences of a question about two times."""
INSTEAD = {
    Outcome.PAUSED: not_paused,
    Outcome.SKIPPED: skipped,
    Outcome.THROTTLED: less_often,
}
"""What would have helped, by what became of an occurrence."""
UNKNOWN = "; who did it is not on record: the last 20 changes are, and an older picosched kept none"
RAISED = (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED, Outcome.FAILED)


def of_schedule(engine: Wiring, row: Scheduled, at: datetime | None) -> Why:
    """Why the last occurrence of a schedule came or not, or the one at a time."""
    called = f"{row.event} ({row.name or row.id[:8]})" + ("" if at is None else f" at {format_time(at)}")
    made = Link(
        "scheduled",
        at is None or at >= row.created,
        f"by {row.made_by or 'a source'} at {format_time(row.created)}",
    )
    if not made.held:
        return Why(called, (made,), f"at {format_time(row.created)} or later: it was not made before")
    record = _record(engine, row, at)
    if record is not None:
        links, instead = _of_record(engine, row, record)
        by_hand = record.why == BY_HAND  # and not by its timetable
        times = [] if by_hand else [_times(engine, row, record.nominal)]
        return Why(called, (made, *times, *links), instead)
    if at is not None and (off := _off_times(engine, row, at)) is not None:
        return Why(called, (made, off[0]), off[1])
    links, instead = _without_record(engine, row, at)
    return Why(called, (made, _times(engine, row, at), *links), instead)


def schedule_between(engine: Wiring, row: Scheduled, since: datetime, until: datetime) -> list[Why]:
    """Why each occurrence from one time to another came or not: those on record, and those of its timetable.

    If there is none, the only answer is why there is none at the end.
    """
    read = engine.store.agenda.records_between
    records = engine.read(read, row.id, since, until, MOST_ANSWERS + 1)
    times = {
        *(each.nominal for each in records),
        *islice(_coming(engine, row, since, until), MOST_ANSWERS + 1),
    }
    if len(times) > MOST_ANSWERS:
        raise too_many()
    return [of_schedule(engine, row, each) for each in sorted(times) or [until]]


def too_many() -> PicoschedError:
    return PicoschedError(
        f"found more than {MOST_ANSWERS} occurrences in that time, wanted a shorter one", "too_large"
    )


def _coming(engine: Wiring, row: Scheduled, since: datetime, until: datetime) -> Iterator[datetime]:
    """The times of its timetable from one time to another, and of one that does not repeat its own."""
    if row.timespec is None:
        yield from (each for each in (row.due,) if each is not None and since <= each <= until)
    granularity, time = engine.settings.granularity, shifted(since, -MILLISECOND)
    endless = replace(row, until=None)
    while row.timespec is not None and (found := endless.following(time, granularity)) and found <= until:
        yield found
        time = found


def _record(engine: Wiring, row: Scheduled, at: datetime | None) -> Fire | None:
    """The record of the occurrence at a time; of the last one, if no later one is overdue."""
    if at is not None:
        read = engine.store.agenda.records_between
        least = timedelta(seconds=engine.settings.granularity) - MILLISECOND
        near = engine.read(read, row.id, shifted(at, -least), shifted(at, least), 100)
        if near:
            return min(near, key=lambda each: abs(each.nominal - at))
        before = engine.read(engine.store.agenda.record_before, row.id, at)
        stands = before is not None and before.stands_for > 1 and at <= before.fired
        return before if stands and _off_times(engine, row, at) is None else None
    if row.status is Status.PAUSED or (row.due is not None and row.due <= engine.now()):
        return None
    return next(iter(Agenda(engine).history(id=row.id, limit=1)), None)


def _times(engine: Wiring, row: Scheduled, time: datetime | None = None) -> Link:
    """The timetable; for a time on a day on which the clocks change, with what they do."""
    changes = Agenda(engine).changes_of(row.id) if row.asked_for is not None else []
    became = None if row.asked_for is None else format_time(row.asked_for)
    change = next((each for each in changes if each.what == "moved" and each.became == became), None)
    did = f"is try {row.tries + 1} of" if row.tries else "was moved from"
    moved = "" if row.moved_from is None else f"; its next {did} {format_time(row.moved_from)}"
    moved = moved if change is None else f"; its next was {change}"
    try:
        turned = time is not None and row.timespec is not None and change_shown(time, row.tz)
        clocks = f"; {local_shown(time, row.tz)}" if time is not None and turned else ""
        return Link("timetable", True, f"{_in_words(row)}{clocks}{moved}")
    except PicoschedError as error:
        return Link("timetable", False, f"cannot be read: {error.message}")


def _in_words(row: Scheduled) -> str:
    """Its times, and by how much its jitter puts them off."""
    put_off = f", put off by {row.put_off.total_seconds():g} s (jitter)" if row.put_off else ""
    return f"{row.explain()}{put_off}"


def _off_times(engine: Wiring, row: Scheduled, at: datetime) -> tuple[Link, str | None] | None:
    """The link that says that a time is none of a schedule's, and the next that is one; None if it is one."""
    granularity = engine.settings.granularity
    if row.timespec is None:
        return None
    since = shifted(at, -timedelta(seconds=max(granularity, 1)))
    coming = replace(row, until=None).following(since, granularity)
    if coming is not None and coming - at < timedelta(seconds=max(granularity, 1)):
        return None
    coming = row.following(since, granularity)
    asked = shifted(at, -row.put_off)
    try:
        local = asked.astimezone(ZoneInfo(row.tz))
    except OverflowError:
        return Link(
            "timetable", False, f"{format_time(asked)} is outside the years 1 to 9999 in {row.tz}"
        ), None
    text = f"{_in_words(row)}; {local_shown(asked, row.tz)} is none of its times"
    repeats = row.repeats
    if repeats is not None:
        text += f": {verdict(repeats, asked)}"
        free = repeats.left_out(shifted(at, -timedelta(days=1)), shifted(at, timedelta(days=1)))
        text += "".join(f"; left out: {each}" for each in free if each.day == local.date())
    if coming is None:
        found = last_raised(engine, row, at)
        instead = None if found is None else apart(at, _moved_to(engine, row, found))
        return Link("timetable", False, f"{text}, and there is none after it"), instead
    times = (first_raised(engine, row, coming), last_raised(engine, row, at))
    found = nearest(at, *(None if each is None else _moved_to(engine, row, each) for each in times))
    return Link("timetable", False, text), None if found is None else apart(at, found)


def _without_record(engine: Wiring, row: Scheduled, at: datetime | None) -> tuple[list[Link], str | None]:
    now, due = engine.now(), row.due
    begins = shifted(now, -timedelta(days=engine.settings.history_days))
    if at is not None and at < begins:
        kept = f"records are kept for {engine.settings.history_days} days"
        return [Link("record", False, f"what fired is known since {format_time(begins)}: {kept}")], None
    if at is not None and (away := _moved_from(engine, row, at)) is not None:
        return [Link("moved", False, str(away))], f"not moved, at {format_time(at)}"
    if at is not None and row.until is not None and at > row.until and row.status is not Status.FINISHED:
        ends = Link("ended", False, f"it may be due until {format_time(row.until)}")
        return [ends], not_ended(engine, row, at)
    if row.held:
        work = engine.read(engine.store.agenda.at_work, row.id)
        since = min((each.created for each in work), default=None)
        begun = "" if since is None else f", since {format_time(since)}"
        text = f"it waits until what the occurrence before started has ended{begun}"
        told = "" if due is None else f", by {format_time(due)}"
        return [
            Link("overlap", False, text)
        ], f"the occurrence before ended{told}: it comes as soon as that has"
    if row.status is Status.PAUSED:
        until = (
            "until it is resumed" if row.paused_until is None else f"until {format_time(row.paused_until)}"
        )
        going = resumed(row, now, engine.settings.granularity)
        by = _changed(engine, row.id, "paused")
        on_failure = f", after {row.failures} failures in a row" if row.on_failure and row.failures else ""
        coming = None if going is None else going[0].due
        found = None if coming is None else first_raised(engine, row, coming)
        instead = None if found is None else f"not paused, at {format_time(found)}"
        return [Link("paused", False, f"{until}{by}{on_failure}")], instead
    if row.status is Status.FINISHED and row.timespec is None and row.fired is not None and at is not None:
        text = f"no occurrence is on record there; it came once, {apart(at, row.fired)}"
        return [Link("ended", False, text)], None
    if row.status is Status.FINISHED:
        most = f"it fired {row.fires} of {row.count} times" if row.count else f"it fired {row.fires} times"
        until = "" if row.until is None else f", and may be due until {format_time(row.until)}"
        return [Link("ended", False, f"{most}{until}")], not_ended(engine, row, at)
    if row.status is Status.CANCELLED:
        return [Link("cancelled", False, "its record says no more")], None
    if due is not None and due > now:
        passed = at is not None and at <= now
        text = f"no occurrence is on record there; it is due {format_time(due)}"
        link = Link("to come", not passed, text if passed else f"it is due {format_time(due)}")
        shut = None if passed else why_shut(engine, row)
        return [link] if shut is None else [link, Link("window", False, shut)], None
    text = f"due since {'' if due is None else format_time(due)}, and no engine has raised it"
    return [Link("engine", False, text)], "an engine running: `picosched run` or `serve`"


def _moved_from(engine: Wiring, row: Scheduled, at: datetime) -> Provenance | None:
    """The change that moved the occurrence of a time elsewhere."""
    changes = reversed(Agenda(engine).changes_of(row.id))
    return next((each for each in changes if each.what == "moved" and each.was == format_time(at)), None)


def _moved_to(engine: Wiring, row: Scheduled, at: datetime) -> datetime:
    """Where people or rules have moved the occurrence of a time; the same time if nobody did."""
    for each in Agenda(engine).changes_of(row.id):  # oldest first, so one moved twice is followed
        if each.what == "moved" and each.was == format_time(at) and each.became is not None:
            at = parse_time(each.became)
    return at


def _changed(engine: Wiring, id: str, what: str, until: datetime | None = None) -> str:
    """Who did that to a schedule last, up to a time."""
    changes = [each for each in Agenda(engine).changes_of(id) if until is None or each.at <= until]
    found = next((each for each in reversed(changes) if each.what == what), None)
    return UNKNOWN if found is None else f"; {found}"


def _of_record(engine: Wiring, row: Scheduled, record: Fire) -> tuple[list[Link], str | None]:
    nominal = format_time(record.nominal)
    if record.outcome not in RAISED or record.eid is None:
        turn = "" if record.eid is None else f" in the turn {record.eid}{_fired_in(engine, record.eid)}"
        why = "" if record.why is None else f": {record.why}"
        what = {Outcome.PAUSED: "paused", Outcome.CANCELLED: "cancelled"}.get(record.outcome, "")
        explained = record.outcome is Outcome.CANCELLED and (why or turn)
        by = _changed(engine, row.id, what, record.fired) if what and not explained else ""
        if by.startswith("; cancelled at "):  # the same time, and by whom
            text = f"the occurrence of {nominal},{by.removeprefix('; cancelled')}"
        else:
            text = f"the occurrence of {nominal}, at {format_time(record.fired)}{turn}{why}{by}"
        instead = INSTEAD[record.outcome](engine, row, record) if record.outcome in INSTEAD else None
        return [Link(record.outcome.value, False, text)], instead
    return of_raised(engine, record)


def of_raised(engine: Wiring, record: Fire) -> tuple[list[Link], str | None]:
    """How late an occurrence was raised, and what its turn did."""
    nominal, granularity = format_time(record.nominal), engine.settings.granularity
    late = f"{record.lateness:.12g} s after {nominal}"
    if record.why == BY_HAND:
        late = f"by hand: {BY_HAND}"
    elif missed(record.nominal, record.fired, granularity):
        late += ", because no engine raised it before"
    if record.stands_for > 1:
        late += f"; it stands for {record.stands_for} occurrences"
    raised = Link("raised", True, f"at {format_time(record.fired)}, {late}, as the event {record.eid}")
    entry = turn_of(engine, record.eid)
    if entry is None:
        return [raised, Link("journal", False, "its turn is not in the journal, or no longer")], None
    links, instead = of_turn(engine, entry)
    return [raised, *links], instead


def _fired_in(engine: Wiring, eid: str) -> str:
    """The rules that fired in a turn, if it is still in the journal."""
    entry = turn_of(engine, eid)
    return f", whose rules were {', '.join(entry.fired)}" if entry is not None and entry.fired else ""
