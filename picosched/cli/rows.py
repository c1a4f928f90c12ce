"""Scheduled events and their fires, as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from picosched.schedule.fire import Fire, Label
    from picosched.schedule.not_firing import NotFiring
    from picosched.schedule.scheduled import Scheduled

Names = Mapping[str, str]
"""Maps the id of a pico to its name, or to the id itself if the pico is gone."""

Labels = Mapping[str, "Label"]
"""Maps the id of a schedule to its event and name."""

NOWHERE: Mapping[str, str] = {}


def row_json(row: Scheduled, names: Names) -> dict[str, Any]:
    from picosched.schedule.shown import shown_row

    return {**shown_row(row), "pico": names[row.pico_id]}


def fire_json(fire: Fire, names: Names, labels: Labels) -> dict[str, Any]:
    from picosched.schedule.shown import shown_fire

    return {
        "id": fire.id,
        "pico": names[fire.pico_id],
        **labels[fire.id]._asdict(),
        **shown_fire(fire),
    }


def write_rows(rows: Sequence[Scheduled], names: Names, shut: Mapping[str, str] = NOWHERE) -> None:
    """One line per event; with a column for descriptions if there are any.

    `shut` says of ids why their windows stay closed.
    """
    from picosched.cli.explain import event_text

    described = any(each.description for each in rows)
    write_table(
        ("DUE", "EVENT", "WHEN", "PICO", "MADE BY", "FIRES", *(["DESCRIPTION"] if described else []), "ID"),
        [
            (
                _due(each),
                event_text(each.domain, each.type, each.attrs),
                _when(each, shut.get(each.id)),
                names[each.pico_id],
                each.made_by,
                str(each.fires),
                *([each.description or "–"] if described else []),
                each.id[:SHORT],
            )
            for each in rows
        ],
        folding=("EVENT", "WHEN", "PICO", "MADE BY", "DESCRIPTION"),
    )


def write_not_firing(found: Sequence[NotFiring], names: Names, days: int, json: bool) -> None:
    """What will not fire within some days: a line per entry."""
    if json:
        for each in found:
            write_json({**each.as_json(), "pico": names[each.pico_id]})
    elif not found:
        write(f"nothing is known that will not fire within {days} days")
    else:
        write_table(
            ("AT", "EVENT", "WILL BE", "OCCURRENCES", "PICO", "ID"),
            [
                (
                    format_time(each.at),
                    f"{each.event} ({each.name})" if each.name else each.event,
                    f"{each.outcome}: {each.why}",
                    f"{each.occurrences:,}",
                    names[each.pico_id],
                    each.id[:SHORT],
                )
                for each in found
            ],
            folding=("EVENT", "WILL BE", "PICO"),
        )


def _due(row: Scheduled) -> str:
    status = "" if row.state == "pending" else f" {row.state}"
    return f"{shown_time(row.due)}{_asked(row)}{status}"


def _asked(of: Scheduled | Fire) -> str:
    """The time that was asked for, where it is not the due time."""
    return "" if of.asked is None else f" (asked {of.asked.astimezone(UTC):%H:%M:%S})"


def _when(row: Scheduled, shut: str | None) -> str:
    if row.timespec is None:
        return "at" + (f' "{row.name}"' if row.name else "") + _inside(row, shut)
    zone = "" if row.tz == "UTC" else f" {row.tz}"
    name = f' "{row.name}"' if row.name else ""
    if row.kind == "window":
        return f"window{name}{zone}"
    return f"repeat {row.timespec}{zone}{name}{_inside(row, shut)}{_left_out(row)}"


def _left_out(row: Scheduled) -> str:
    """The last day before its due time that a calendar left out."""
    try:
        repeats = row.repeats
    except PicoschedError:  # a server has the calendar, or nobody
        return ""
    if repeats is None or not repeats.calendars or row.due is None:
        return ""
    left_out = [*repeats.left_out(row.fired or row.created, row.due)]
    return f", left out: {left_out[-1]}" if left_out else ""


def _inside(row: Scheduled, shut: str | None) -> str:
    closed = "" if shut is None else f" (closed: {shut})"
    return "" if row.window is None else f" in window {row.window}{closed}"


def write_fires(fires: Sequence[Fire], names: Names, labels: Labels | None = None) -> None:
    """One line per fire; with a column for the number of occurrences if any stands for several.

    Without `labels` nothing says what they are of.
    """
    from picosched.schedule.backfill import RAISED  # late: lists that need none of it start faster

    several = any(each.stands_for > 1 for each in fires)
    columns = [
        "DUE",
        *([] if labels is None else ["EVENT"]),
        *("PROCESSED", "LATE", "OUTCOME"),
        *(["STANDS FOR"] if several else []),
        *("PICO", "RULES", "ID"),
    ]
    write_table(
        columns,
        [
            (
                f"{format_time(each.nominal)}{_asked(each)}",
                *([] if labels is None else [_shown(labels[each.id])]),
                format_time(each.fired),
                f"{each.lateness:.3f} s" if each.outcome in RAISED and each.lateness >= 0 else "–",
                each.outcome.value + (f": {each.why}" if each.why else ""),
                *([str(each.stands_for)] if several else []),
                names[each.pico_id],
                ", ".join(each.rules) or "–",
                each.id[:SHORT],
            )
            for each in fires
        ],
        folding=("EVENT", "OUTCOME", "PICO", "RULES"),
    )


def _shown(label: Label) -> str:
    return (label.event or "–") + (f' "{label.name}"' if label.name else "")
