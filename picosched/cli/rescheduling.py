"""Commands that change scheduled events, one or many, fire them, and raise past occurrences of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from picosched.cli.choosing import Chosen, choosing
from picosched.cli.completing import complete_id
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.opening import end_of_pause
from picosched.cli.options import Json, command
from picosched.cli.printing import json_time, show_error, write, write_json
from picosched.cli.where import HERE, Where, load_scheduled
from picosched.clock import format_time, parse_time
from picosched.errors import EXIT_STATUS, PicoschedError
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from picosched.engine.reached import ReachedAgenda
    from picosched.schedule.backfill import Past
    from picosched.schedule.scheduled import Scheduled

app = Commands()
PANEL = "Schedules"

Step = Callable[["ReachedAgenda", list[str], bool], "list[Scheduled]"]
"""Changes the rows with these ids, or only pretends to in a dry run; returns the rows in their new state."""


@command(
    app,
    PANEL,
    "picosched cancel 5f0c21d8 --reason 'the shop is closed'",
    "picosched cancel --rid tea_timer --due-until 2026-03-02 --dry-run",
)
@choosing
def cancel(
    chosen: Chosen,
    where: Where = HERE,
    reason: Annotated[
        str | None, Option("--reason", metavar="TEXT", help="Kept in the history, and shown there.")
    ] = None,
    json: Json = False,
) -> None:
    """Cancel pending or paused events."""
    _change(
        chosen,
        where,
        json,
        "cancel",
        "cancelled",
        lambda agenda, ids, dry: agenda.cancel(ids, reason, dry_run=dry),
    )


@command(
    app,
    PANEL,
    "picosched pause 'daily digest'",
    "picosched pause 5f0c21d8 --until 2026-04-01T00:00:00Z",
    "picosched pause --event tea --yes",
)
@choosing
def pause(
    chosen: Chosen,
    where: Where = HERE,
    until: Annotated[
        str | None,
        Option("--until", metavar="TIME", help="Resume automatically then. Default: wait for resume."),
    ] = None,
    json: Json = False,
) -> None:
    """Pause scheduled events; occurrences due meanwhile are not raised."""
    time = end_of_pause(until)
    _change(
        chosen, where, json, "pause", "paused", lambda agenda, ids, dry: agenda.pause(ids, time, dry_run=dry)
    )


@command(app, PANEL, "picosched resume 5f0c21d8", "picosched resume --event tea --yes")
@choosing
def resume(chosen: Chosen, where: Where = HERE, json: Json = False) -> None:
    """Resume paused events: a repeat at its next time, an overdue single event at once."""
    _change(
        chosen, where, json, "resume", "resumed", lambda agenda, ids, dry: agenda.resume(ids, dry_run=dry)
    )


@command(
    app,
    PANEL,
    "picosched move 5f0c21d8 --to 2026-03-01T18:00:00Z",
    "picosched move --event tea:ready --by 2h --dry-run",
)
@choosing
def move(
    chosen: Chosen,
    where: Where = HERE,
    to: Annotated[str | None, Option("--to", metavar="TIME", help="The new due time.")] = None,
    by: Annotated[
        str | None,
        Option("--by", metavar="DURATION", help="How much later, as 2h or 1d12h; earlier with a -."),
    ] = None,
    json: Json = False,
) -> None:
    """Move the next occurrence to another time; later occurrences of a repeat keep theirs."""
    if (to is None) == (by is None):
        raise WrongUseError("say when: --to TIME or --by DURATION")
    time = parse_time(to) if to is not None else _duration(by or "")
    _change(
        chosen, where, json, "move", "moved", lambda agenda, ids, dry: agenda.move(ids, time, dry_run=dry)
    )


def _duration(text: str) -> timedelta:
    from picosched.notation import parse_duration

    return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)


@command(
    app,
    PANEL,
    "picosched reschedule 5f0c21d8 --timespec '0 9 * * 1-5'",
    "picosched reschedule --name 'daily digest' --timespec @daily --tz Europe/Rome",
)
@choosing
def reschedule(
    chosen: Chosen,
    timespec: Annotated[
        str, Option("--timespec", metavar="TIMESPEC", help="In any form that `picosched next` accepts.")
    ],
    where: Where = HERE,
    tz: Annotated[
        str | None,
        Option("--tz", metavar="ZONE", help="Zone of the timespec. Default: keep each event's zone."),
    ] = None,
    json: Json = False,
) -> None:
    """Give events another timespec from now on; a single event becomes a repeat."""
    _change(
        chosen,
        where,
        json,
        "reschedule",
        "rescheduled",
        lambda agenda, ids, dry: agenda.reschedule(ids, timespec, tz, dry_run=dry),
    )


@command(app, PANEL, "picosched fire 'daily digest'", "picosched fire --event tea --dry-run")
@choosing
def fire(
    chosen: Chosen,
    where: Where = HERE,
    explain: Annotated[
        bool, Option("--explain", help="Show why each rule that selected them fired or not.")
    ] = False,
    json: Json = False,
) -> None:
    """Raise events now, outside their schedule, and print the resulting directives.

    A single event is then finished; a repeat continues as before, and paused events stay paused.
    """
    from picosched.cli.turns import show_turn, turn_json

    with where.opened(readonly=chosen.dry_run) as engine:
        rows = chosen.rows(engine, "fire")
        if chosen.dry_run:
            for row in rows:
                _tell("fired", row, row.due, json, dry_run=True)
        failed: PicoschedError | None = None
        for row in [] if chosen.dry_run else rows:
            try:
                turn = engine.agenda.fire_now(row.id)
            except PicoschedError as error:  # for example, cancelled by the previous event
                show_error(error)
                failed = error
                continue
            if json:
                write_json(
                    {"id": row.id, "event": _event(row), "outcome": "fired", **turn_json(turn, explain)}
                )
            else:
                _tell("fired", row, None if row.kind == "at" else engine.agenda.load(row.id).due, json)
                show_turn(turn, explain)
    if not rows:
        _nothing(json)
    if failed is not None:
        raise SystemExit(EXIT_STATUS[failed.code])


@command(
    app,
    PANEL,
    "picosched backfill 5f0c21d8 --from 2026-03-01 --until 2026-03-08",
    "picosched backfill 5f0c21d8 --from 2026-03-01 --until 2026-03-08 --yes",
)
def backfill(
    id: Annotated[
        str,
        Argument(
            metavar="ID",
            help="As shown by `scheduled`, or an unambiguous prefix; or a name.",
            autocompletion=complete_id,
        ),
    ],
    since: Annotated[str, Option("--from", metavar="TIME", help="The first due time.")],
    until: Annotated[str, Option("--until", metavar="TIME", help="The last due time.")],
    where: Where = HERE,
    yes: Annotated[bool, Option("--yes", "-y", help="Raise them; without it they are only shown.")] = False,
    json: Json = False,
) -> None:
    """Raise past occurrences of a repeat that were never raised, or show which these are.

    Each is raised once, with its nominal time in the attribute _nominal, and recorded as backfilled. What
    was raised before, failed or was throttled is left alone.
    """
    start, end = parse_time(since), parse_time(until)
    with where.opened(readonly=not yes) as engine:
        row = load_scheduled(engine, id)
        found = engine.agenda.backfill(row.id, start, end, dry_run=not yes)
    if json:
        for each in found:
            write_json({"id": row.id, "event": _event(row), **each.as_json(), "dry_run": not yes})
        return
    for each in found:
        _tell_past(each, yes)
    if not found:
        write("nothing was due then")
    elif not yes and (count := sum(each.left is None for each in found)):
        write(f"--yes raises {_event(row)} {count:,} time{'s' * (count > 1)}")


def _tell_past(past: Past, done: bool) -> None:
    time = format_time(past.nominal)
    if past.left is not None:
        write(f"{time}  left: {past.left}")
    elif past.error is not None:
        write(f"{time}  failed: {past.error}")
    else:
        write(f"{time}  {'raised' if done else 'would be raised'}")


def _change(chosen: Chosen, where: Where, json: bool, verb: str, done: str, step: Step) -> None:
    """Apply a change to the chosen rows, and print the outcome for each."""
    from picosched.schedule.changed import OF_CALENDAR

    with where.opened(readonly=chosen.dry_run) as engine:
        before = chosen.rows(engine, verb)
        changed = step(engine.agenda, [row.id for row in before], chosen.dry_run)
    after = {row.id: row for row in changed}
    for row in before:
        if row.id in after:
            _tell(done, row, after[row.id].due or row.due, json, dry_run=chosen.dry_run)
        elif chosen.ids:
            why = f"it is {OF_CALENDAR}" if row.kind == "window" and verb not in ("pause", "resume") else None
            _tell("not paused" if verb == "resume" else f"not {done}", row, row.due, json, why=why)
    if not before or not (chosen.ids or after):
        _nothing(json)


def _tell(
    done: str,
    row: Scheduled,
    due: datetime | None,
    json: bool,
    *,
    dry_run: bool = False,
    why: str | None = None,
) -> None:
    if json:
        shown = {"id": row.id, "event": _event(row), "outcome": done, "due": json_time(due)}
        write_json({**shown, **({"dry_run": True} if dry_run else {}), **({"why": why} if why else {})})
    else:
        would = "would be " if dry_run else ""
        because = f": {why}" if why else ""
        standing = "finished" if due is None else f"due {format_time(due)}"
        write(f"{would}{done} {_event(row)} ({row.id[:SHORT]}), {standing}{because}")


def _nothing(json: bool) -> None:
    if not json:
        write("no matching event is scheduled")


def _event(row: Scheduled) -> str:
    return f"{row.domain}:{row.type}"
