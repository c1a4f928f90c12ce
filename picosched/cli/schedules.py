"""Commands on what is scheduled: list it, cancel or pause it, and read what became of it and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from picosched.cli.opening import SHORT, load_scheduled, only_id, opened, pico_of
from picosched.cli.options import DB, AnyPico, Db, Json, Limit, command
from picosched.cli.printing import json_time, shown_time, write, write_json, write_table
from picosched.clock import format_time

if TYPE_CHECKING:
    from picosched.engine import Engine
    from picosched.schedule.fire import Fire
    from picosched.schedule.scheduled import Scheduled

app = typer.Typer()
PANEL = "Schedules"
ALL = 1_000_000_000

Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID…", help="As `scheduled` shows them; a beginning that is clear is enough."),
]


@command(app, PANEL, "picosched scheduled", "picosched scheduled --rid tea_timer --json | jq .due")
def scheduled(
    db: Db = DB,
    pico: AnyPico = None,
    rid: Annotated[str | None, typer.Option("--rid", metavar="RID", help="Only this ruleset's.")] = None,
    json: Json = False,
) -> None:
    """List the events that are still to come, soonest first, and the rules that made them."""
    from picosched.schedule.filter import Filter

    with opened(db, readonly=True) as engine:
        pico_id = None if pico is None else pico_of(engine, pico).id
        pending = engine.scheduled(Filter(pico_id=pico_id, rid=rid))
        names = _names(engine)
    if json:
        for each in pending:
            write_json(_scheduled_json(each, names))
        return
    if not pending:
        write("nothing is scheduled")
        return
    from picosched.cli.explain import event_text

    write_table(
        ("DUE", "EVENT", "WHEN", "PICO", "MADE BY", "FIRES", "ID"),
        [
            (
                shown_time(each.due) + (" paused" if each.paused else ""),
                event_text(each.domain, each.type, each.attrs),
                _when(each),
                names.get(each.pico_id, each.pico_id),
                f"{each.rid}.{each.rule}:{each.line}",
                str(each.fires),
                each.id[:SHORT],
            )
            for each in pending
        ],
    )


def _when(each: Scheduled) -> str:
    if each.timespec is None:
        return "at"
    zone = "" if each.tz == "UTC" else f" {each.tz}"
    name = f' "{each.name}"' if each.name else ""
    return f"repeat {each.timespec}{zone}{name}"


def _names(engine: Engine) -> dict[str, str]:
    return {each.id: each.name for each in engine.picos()}


def _scheduled_json(each: Scheduled, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": each.id,
        "pico": names.get(each.pico_id, each.pico_id),
        "rid": each.rid,
        "event": f"{each.domain}:{each.type}",
        "attrs": dict(each.attrs),
        "kind": each.kind,
        "due": json_time(each.due),
        "timespec": each.timespec,
        "tz": each.tz,
        "name": each.name,
        "created": json_time(each.created),
        "rule": each.rule,
        "line": each.line,
        "fires": each.fires,
        "fired": json_time(each.fired),
        "paused": each.paused,
        "paused_until": json_time(each.paused_until),
    }


@command(app, PANEL, "picosched cancel 5f0c21d8")
def cancel(ids: Ids, db: Db = DB, json: Json = False) -> None:
    """Cancel events that are still to come."""
    with opened(db) as engine:
        # All are looked for first: a slip of the pen in one cancels none.
        for each in [load_scheduled(engine, id) for id in ids]:
            engine.pico(each.pico_id).cancel(each.id)
            _tell("cancelled", each, json)


@command(app, PANEL, "picosched pause 5f0c21d8", "picosched pause 5f0c21d8 --until 2026-04-01T00:00:00Z")
def pause(
    ids: Ids,
    db: Db = DB,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Go on by itself then. Without it: wait for resume."),
    ] = None,
    json: Json = False,
) -> None:
    """Let scheduled events wait, whatever comes due meanwhile."""
    with opened(db) as engine:
        for each in [load_scheduled(engine, id) for id in ids]:
            engine.pico(each.pico_id).pause(each.id, until)
            _tell("paused", each, json)


@command(app, PANEL, "picosched resume 5f0c21d8")
def resume(ids: Ids, db: Db = DB, json: Json = False) -> None:
    """Let paused events go on: a repeat with its next time, an `at` whose time has passed at once."""
    with opened(db) as engine:
        for each in [load_scheduled(engine, id) for id in ids]:
            if engine.pico(each.pico_id).resume(each.id):
                _tell("resumed", each, json)
            else:
                _tell("not paused", each, json)


def _tell(done: str, each: Scheduled, json: bool) -> None:
    if json:
        write_json({"id": each.id, "event": f"{each.domain}:{each.type}", "outcome": done})
    else:
        write(f"{done} {each.domain}:{each.type} ({each.id[:SHORT]}), due {shown_time(each.due)}")


@command(app, PANEL, "picosched history", "picosched history 5f0c21d8", "picosched history --json -n 1000")
def history(
    id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Of this scheduled event only; the beginning of its id."),
    ] = None,
    db: Db = DB,
    pico: AnyPico = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Tell what became of what was due, newest first: how late, with what outcome, which rules fired.

    Outcomes: fired, in time; late; coalesced, late and standing for later ones that were missed as well;
    failed, since a rule did; skipped, missed and let go; throttled, too soon after the last; cancelled.
    """
    with opened(db, readonly=True) as engine:
        pico_id = None if pico is None else pico_of(engine, pico).id
        fires = engine.history(pico_id, None if id is None else _known_id(engine, id), limit)
        names = _names(engine)
    if json:
        for each in fires:
            write_json(_fire_json(each, names))
        return
    if not fires:
        write("nothing has come due yet")
        return
    write_table(
        ("DUE", "DEALT WITH", "LATE", "OUTCOME", "PICO", "RULES", "ID"),
        [
            (
                format_time(each.nominal),
                format_time(each.fired),
                f"{each.lateness:.3f} s" if each.lateness >= 0 else "–",
                each.outcome.value + (f": {each.why}" if each.why else ""),
                names.get(each.pico_id, each.pico_id),
                ", ".join(each.rules) or "–",
                each.id[:SHORT],
            )
            for each in fires
        ],
    )


def _known_id(engine: Engine, beginning: str) -> str:
    """The whole id of a scheduled event, whether it is still to come or has a history."""
    if engine.read(lambda: engine.store.agenda.find(beginning)) is not None:
        return beginning
    ids = {each.id for each in engine.scheduled()} | {each.id for each in engine.history(limit=ALL)}
    return only_id(ids, beginning, "scheduled event")


def _fire_json(each: Fire, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": each.id,
        "pico": names.get(each.pico_id, each.pico_id),
        "nominal": format_time(each.nominal),
        "fired": format_time(each.fired),
        "lateness": each.lateness,
        "outcome": each.outcome.value,
        "eid": each.eid,
        "rules": list(each.rules),
        "why": each.why,
        "stands_for": each.stands_for,
    }
