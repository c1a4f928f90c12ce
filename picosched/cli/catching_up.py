"""`--catch-up`: preview what would happen to occurrences missed during downtime, before they are raised."""

from __future__ import annotations

import sys
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Option
from picosched.cli.printing import write, write_json, write_table
from picosched.clock import format_time
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from picosched.engine.engine import Engine
    from picosched.rehearsal.catch_up import CaughtUp

MOST_SHOWN = 50
"""Rows shown in the table; the counts cover all."""


class CatchUp(StrEnum):
    """What to do with overdue occurrences at the start."""

    FIRE = "fire"
    REHEARSE = "rehearse"


CatchUpOption = Annotated[
    CatchUp,
    Option(
        "--catch-up",
        help="What to do with missed occurrences: `fire` processes them at once, by their misfire policy; "
        "`rehearse` shows what would happen, and processes them only if you confirm.",
    ),
]


def rehearsed(engine: Engine, json: bool, *, held: bool = False) -> bool:
    """Show what would happen to overdue occurrences, and return whether to process them.

    On a terminal the user is asked. Elsewhere the answer is no, unless there is nothing to catch up on.
    `held` means that the caller continues without raising anything.
    """
    from picosched.rehearsal.catch_up import rehearse_catch_up

    would = rehearse_catch_up(engine)
    tell(engine, would, json)
    if not would:
        return True
    if sys.stdin.isatty() and not json:
        import typer  # late: it is slow to import

        return typer.confirm("Do it now?", err=True)
    then = "PUT /api/scheduler starts it" if held else "run without --catch-up rehearse to do it"
    write(f"nothing was raised; {then}", stderr=True)
    return False


def tell(engine: Engine, would: list[CaughtUp], json: bool) -> None:
    """Print what would happen to each overdue occurrence."""
    names = {each.id: each.name for each in engine.picos()}
    if json:
        for each in would:
            row, fire = each.scheduled, each.fire
            write_json(
                {
                    "id": row.id,
                    "pico": names.get(row.pico_id, row.pico_id),
                    "event": f"{row.domain}:{row.type}",
                    "nominal": format_time(fire.nominal),
                    "outcome": fire.outcome.value,
                    "stands_for": fire.stands_for,
                    "rules": list(fire.rules),
                    "why": fire.why,
                }
            )
        return
    if not would:
        write("nothing was missed")
        return
    write_table(
        ("DUE", "EVENT", "PICO", "WOULD BE", "OCCURRENCES", "RULES", "ID"),
        [
            (
                format_time(each.fire.nominal),
                f"{each.scheduled.domain}:{each.scheduled.type}",
                names.get(each.scheduled.pico_id, each.scheduled.pico_id),
                each.fire.outcome.value + (f": {each.fire.why}" if each.fire.why else ""),
                str(each.fire.stands_for),
                ", ".join(each.fire.rules) or "–",
                each.scheduled.id[:SHORT],
            )
            for each in would[:MOST_SHOWN]
        ],
        folding=("EVENT", "PICO", "WOULD BE", "RULES"),
    )
    if len(would) > MOST_SHOWN:
        write(f"… and {len(would) - MOST_SHOWN:,} more")
    counted = Counter(each.fire.outcome.value for each in would)
    accounted = sum(each.fire.stands_for for each in would)
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counted.items()))
    write(f"{accounted:,} missed occurrence{'' if accounted == 1 else 's'}: {said}")
