"""The command that draws how many events come in each hour."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Commands, Option
from picosched.cli.options import Json, command
from picosched.cli.printing import write, write_json, write_marks
from picosched.cli.where import HERE, Where
from picosched.clock import format_time, parse_time
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from picosched.schedule.load import Load, What

app = Commands()
PANEL = "Schedules"

MOST_NAMED = 5
"""What comes in a minute is named up to this number."""


@command(
    app,
    PANEL,
    "picosched load",
    "picosched load --from 2026-03-01 --until 2026-03-08",
    "picosched load --suggest '0 9 * * *' --tz Europe/Berlin",
)
def load(
    where: Where = HERE,
    since: Annotated[
        str | None, Option("--from", metavar="TIME", help="Only what comes at this time or later.")
    ] = None,
    until: Annotated[
        str | None,
        Option("--until", metavar="TIME", help="Only what comes before. Default: 7 days later; at most 31."),
    ] = None,
    suggest: Annotated[
        str | None,
        Option("--suggest", metavar="TIMESPEC", help="Find minutes with few others for this timespec."),
    ] = None,
    tz: Annotated[str, Option("--tz", metavar="ZONE", help="Zone of that timespec.")] = "UTC",
    json: Json = False,
) -> None:
    """Show how many events schedules and sources will raise: by the hour, in UTC, and in the fullest minutes.

    What is paused, outside its window or too soon after the last is not counted. What comes at least once a
    minute at an even distance is listed but not drawn, since it is the same in all hours.
    """
    start, end = (None if each is None else parse_time(each) for each in (since, until))
    with where.opened(readonly=True) as engine:
        found = engine.load(start, end, suggest, tz)
    if json:
        write_json(found.as_json())
        return
    _draw(found)
    for what, rate in found.steady:
        write(f"in every minute: {rate:g} of {_shown(what)}")
    for full in found.fullest:
        write(f"{format_time(full.at)}  {full.count:,} event{'s' * (full.count > 1)}")
        for what, count in full.what[:MOST_NAMED]:
            write(f"  {count:,} of {_shown(what)}")
        if len(full.what) > MOST_NAMED:
            write(f"  and {len(full.what) - MOST_NAMED:,} others")
    for line in found.suggestion.lines() if found.suggestion else ():
        write(line)


def _draw(found: Load) -> None:
    from picosched.cli.picture import COLOURS, hours_drawn, marks_for

    marks = marks_for(sys.stdout.encoding or "utf-8")
    shown = {f"{day:%a %d %b}": hours for day, hours in found.days.items()}
    if found.total:
        *lines, legend = hours_drawn(shown, marks)
        for line in lines:
            write_marks(line, dict(zip(marks[1:], COLOURS, strict=True)))
        write(f"events in an hour: {legend}; {found.total:,} in all")
    else:
        write(f"nothing comes from {format_time(found.since)} to {format_time(found.complete)}")
    if found.complete < found.until:
        write(f"counted up to {format_time(found.complete)}: there is too much to count all")


def _shown(what: What) -> str:
    return f"{what.event} ({what.of}, {what.id[:SHORT]})"
