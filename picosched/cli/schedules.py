"""Commands that list scheduled events, show one, and show their history."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

from picosched.cli.choosing import Wanted, filtering
from picosched.cli.completing import complete_id, complete_why
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import AnyPico, Json, Limit, command
from picosched.cli.printing import write, write_json
from picosched.cli.where import HERE, Where, pico_of, scheduled_id
from picosched.clock import format_time

if TYPE_CHECKING:
    from picosched.cli.rows import Names
    from picosched.schedule.scheduled import Scheduled

app = Commands()
PANEL = "Schedules"

LAST = 10
"""History records printed by `show`."""

OutcomeName = Literal[
    "fired", "late", "coalesced", "skipped", "throttled", "failed", "cancelled", "paused"
]  # those of schedule.scheduled, which costs time to import


@command(
    app,
    PANEL,
    "picosched scheduled",
    "picosched scheduled --event tea --until 2026-03-02 -n 20",
    "picosched scheduled --status paused --rid tea_timer --json | jq .due",
    "picosched scheduled --pico kitchen --ics",
    "picosched scheduled --not-firing --days 90",
)
@filtering
def scheduled(
    wanted: Wanted,
    where: Where = HERE,
    limit: Annotated[
        int | None,
        Option("-n", "--limit", min=1, help="Maximum number of results, soonest first. Default: all."),
    ] = None,
    ics: Annotated[
        bool, Option("--ics", help="Print what is to come as an iCalendar, of 31 days or until --until.")
    ] = False,
    not_firing: Annotated[
        bool, Option("--not-firing", help="What will not fire, with the reasons, of 31 days or --days.")
    ] = False,
    days: Annotated[
        int | None, Option("--days", min=1, max=366, help="With --not-firing, how far ahead it looks.")
    ] = None,
    json: Json = False,
) -> None:
    """List scheduled events, soonest first, with who scheduled them: rules, or people.

    With --ics each occurrence to come is an event of a calendar, which calendar programs read: at most 1,000
    events, of 366 days. A server has it at /api/calendar.ics. --not-firing predicts what will be skipped,
    throttled, paused, left out by a calendar, ended or failed as its window is gone, at most 1,000 entries.
    """
    if not_firing and (ics or wanted.status is not None):
        raise WrongUseError("--not-firing is of pending and paused events: leave out --ics and --status")
    if days is not None and not not_firing:
        raise WrongUseError("--days belongs to --not-firing")
    if ics and (json or wanted.status is not None):
        raise WrongUseError("--ics is a format of its own, of pending events: leave out --json and --status")
    with where.opened(readonly=True) as engine:
        which = wanted.filter(engine)
        if ics:
            from picosched.schedule.forecast import MOST_DAYS, MOST_EVENTS, USUAL_DAYS

            days = USUAL_DAYS if which.until is None else MOST_DAYS
            text = engine.ics(which, days, MOST_EVENTS if limit is None else limit)
            sys.stdout.buffer.write(text.encode())  # of the format: UTF-8 in any locale, and its line ends
            return
        if not_firing:
            from picosched.cli.rows import write_not_firing
            from picosched.schedule.forecast import MOST_DAYS, MOST_EVENTS, USUAL_DAYS

            ahead = days or (USUAL_DAYS if which.until is None else MOST_DAYS)
            refused = engine.not_firing(which, ahead, MOST_EVENTS if limit is None else limit)
            write_not_firing(refused, engine.agenda.names(refused), ahead, json)
            return
        found = engine.agenda.scheduled(which, limit)
        more = engine.agenda.count(which) - len(found) if len(found) == limit else 0
        from picosched.cli.rows import row_json, write_rows

        names, shut = engine.agenda.names(found), engine.agenda.shut(found)
    if json:
        for each in found:
            write_json({**row_json(each, names), **({"shut": shut[each.id]} if each.id in shut else {})})
    elif not found:
        write("no matching event is scheduled" if wanted.anything else "nothing is scheduled")
    else:
        write_rows(found, names, shut)
        if more:
            write(f"and {more:,} more")


@command(
    app,
    PANEL,
    "picosched show 5f0c21d8",
    "picosched show 'daily digest' -n 20",
    "picosched show 5f0c21d8 --json",
)
def show(
    id: Annotated[
        str,
        Argument(
            metavar="ID",
            help="As shown by `scheduled` and `history`, or a prefix of it; or a name.",
            autocompletion=complete_id,
        ),
    ],
    where: Where = HERE,
    count: Annotated[int, Option("-n", "--count", min=0, max=10_000, help="Number of next times.")] = 5,
    json: Json = False,
) -> None:
    """Show one scheduled event in full: what, when, which rule scheduled it, its next times, its history."""
    with where.opened(readonly=True) as engine:
        row = engine.agenda.load(scheduled_id(engine, id))
        fires = engine.agenda.history(id=row.id, limit=LAST)
        from picosched.cli.rows import fire_json, row_json, write_fires
        from picosched.schedule.fire import Label

        names = engine.agenda.names([row, *fires])
        times = engine.agenda.next_times(row.id, count) if row.due else []
        misfire = engine.settings.misfire
        explained = engine.agenda.explained(row.id)
    if json:
        left_out = [each.as_json() for each in explained.left_out]
        more = {
            "explain": explained.words,
            "next": [*map(format_time, times)],
            "left_out": left_out,
            "ending": explained.ending,
            "shut": explained.shut,
        }
        labels = {row.id: Label.of(row)}
        told = [fire_json(each, names, labels) for each in fires]
        write_json({**row_json(row, names), **more, "history": told})
        return
    _write_row(row, names, explained.words, misfire)
    for line in explained.lines():
        write(line)
    if times:
        from picosched.cli.language import show_times

        write("next:")
        show_times(times, row.tz)
    if fires:
        write("history:")
        write_fires(fires, names)


def _write_row(row: Scheduled, names: Names, explained: str, misfire: str) -> None:
    from picosched.cli.explain import event_text
    from picosched.schedule.shown import facts

    policy = f"{misfire}, from the settings" if row.misfire is None else row.misfire.value
    did = f"try {row.tries + 1} of" if row.tries else "moved from"
    moved = "" if row.moved_from is None else f", {did} {format_time(row.moved_from)}"
    asked = "" if row.asked is None else f", asked for {format_time(row.asked)}"
    jitter = f"up to {row.jitter / 1000:g} s, here {row.put_off.total_seconds():g} s"
    paused = "" if row.paused_until is None else f" until {format_time(row.paused_until)}"
    most = "" if row.count is None else f" of {row.count:,}"
    fired = "" if row.fired is None else f", the last at {format_time(row.fired)}"
    lines = {
        "id": row.id,
        "pico": names[row.pico_id],
        **facts(row),
        "description": row.description,
        "status": "held: the one before is still at work" if row.held else row.status.value + paused,
        "due": row.due and f"{format_time(row.due)}{asked}{moved}",
        "when": explained,
        "timespec": row.timespec,
        "until": row.until and format_time(row.until),
        "window": row.window and f"{row.window}: not raised outside it",
        "jitter": jitter if row.jitter else None,
        "if missed": policy,
        "fires": f"{row.fires:,}{most}{fired}",
        "made by": f"{row.made_by} at {format_time(row.created)}",
    }
    write(event_text(row.domain, row.type, row.attrs))
    told = {name: value for name, value in lines.items() if value is not None}
    width = max(map(len, told))
    for name, value in told.items():
        write(f"  {name:<{width}}  {value}")


@command(
    app,
    PANEL,
    "picosched history",
    "picosched history 5f0c21d8",
    "picosched history --outcome failed",
    "picosched history --json -n 1000",
)
def history(
    id: Annotated[
        str | None,
        Argument(
            metavar="[ID]",
            help="Only this scheduled event: its id, a prefix of it, or a name.",
            autocompletion=complete_id,
        ),
    ] = None,
    where: Where = HERE,
    pico: AnyPico = None,
    outcome: Annotated[OutcomeName | None, Option("--outcome", help="Only this outcome.")] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show the outcomes of due occurrences, newest first: how late they were and which rules fired.

    Outcomes: fired (in time), late, coalesced (late, representing other missed ones too), failed (a rule
    failed), skipped (not raised by policy or outside its window), throttled (too soon after the last),
    paused, cancelled.
    """
    with where.opened(readonly=True) as engine:
        pico_id = None if pico is None else pico_of(engine, pico).id
        whole = None if id is None else scheduled_id(engine, id)
        fires = engine.agenda.history(pico_id, whole, limit, outcome)
        from picosched.cli.rows import fire_json, write_fires

        names, labels = engine.agenda.names(fires), engine.agenda.labels(fires)
    if json:
        for each in fires:
            write_json(fire_json(each, names, labels))
    elif not fires:
        write("nothing has come due yet" if outcome is None else f"nothing has been {outcome} yet")
    else:
        write_fires(fires, names, labels)


@command(
    app,
    PANEL,
    "picosched why 5f0c21d8",
    "picosched why tea:ready --at 2026-03-01T12:04:00Z",
    "picosched why standup --between 2026-03-01 2026-03-08",
    "picosched why tea_timer.ready --json",
)
def why(
    what: Annotated[
        str,
        Argument(
            metavar="WHAT",
            help="A schedule's or source's id or name, an event's id or domain:type, or a rid.rule.",
            autocompletion=complete_why,
        ),
    ],
    where: Where = HERE,
    at: Annotated[
        str | None, Option("--at", metavar="TIME", help="When it fired or should have. Default: last.")
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        Option(
            "--between", metavar="TIME TIME", help="Each occurrence from one time to another, at most 100."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say why something fired or not: each link of the chain, which one broke, and what would have helped."""
    from picosched.clock import parse_time

    if at is not None and between is not None:
        raise WrongUseError("--at and --between exclude each other")
    with where.opened(readonly=True) as engine:
        if between is not None:
            found = engine.why_between(what, *map(parse_time, between))
        else:
            found = [engine.why(what, None if at is None else parse_time(at))]
    for each in found:
        if json:
            write_json(each.as_json())
        else:
            for line in each.lines():
                write(line)
