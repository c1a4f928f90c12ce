"""The command that schedules an event in a pico."""

from __future__ import annotations

from typing import Annotated

from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import Json, PicoName, Words, command
from picosched.cli.printing import json_time, shown_time, write, write_json
from picosched.cli.where import HERE, Where, pico_of
from picosched.hashed import SHORT

app = Commands()
PANEL = "Schedules"


@command(
    app,
    PANEL,
    "picosched schedule tea:due --at 2026-03-01T18:00:00Z cups=2",
    "picosched schedule digest:due --repeat 'weekdays at 9:00' _name=digest _timezone=Europe/Rome",
    "picosched schedule meter:read --repeat '*/15 * * * *' --pico kitchen _count=8",
)
def schedule(
    event: Annotated[str, Argument(metavar="DOMAIN:TYPE", help="The event.")],
    words: Words = None,
    at: Annotated[
        str | None,
        Option(
            "--at",
            metavar="TIME",
            help="When it is due, once: a date, or a date and a time, in UTC without an offset.",
        ),
    ] = None,
    repeat: Annotated[
        str | None,
        Option("--repeat", metavar="TIMESPEC", help="When it is due, in any form that `next` accepts."),
    ] = None,
    attrs: Annotated[str | None, Option("--attrs", metavar="JSON", help="More attributes, as a map.")] = None,
    where: Where = HERE,
    pico: PicoName = None,
    json: Json = False,
) -> None:
    """Schedule an event in a pico, for all of its rulesets.

    Attributes steer it as they do for a rule: _name, _if_exists, _timezone, _start, _misfire, _until, _count,
    _jitter, _window, _description, _retry, _on_failure, _late_after, _overlap. Without _timezone a timespec
    is in UTC. A repeat whose _name another has is not made, unless _if_exists=replace.
    """
    from picosched.notation import parse_map, parse_named

    if (at is None) == (repeat is None):
        found = "neither --at nor --repeat" if at is None else "both --at and --repeat"
        raise WrongUseError(f"found {found}, wanted one of them: --at TIME or --repeat TIMESPEC")
    named = parse_named([event, *(words or [])])
    values = {**(parse_map(attrs, "--attrs") if attrs is not None else {}), **named.values}
    with where.opened() as engine:
        target = pico_of(engine, pico)
        made = target.schedule(named.first, named.second, at=at, repeat=repeat, attributes=values)
    row = made.row
    if json:
        write_json(
            {
                "id": row.id,
                "event": row.event,
                "pico": target.name,
                "due": json_time(row.due),
                "new": made.is_new,
                "warnings": [*made.warnings],
            }
        )
        return
    done = "scheduled" if made.is_new else "there was one of that name already:"
    write(f"{done} {row.event} on {target.name} for {shown_time(row.due)} ({row.id[:SHORT]})")
    for warning in made.warnings:
        write(f"warning: {warning}", "yellow", stderr=True)
