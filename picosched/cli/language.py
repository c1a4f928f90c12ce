"""Commands about text alone: `check` a ruleset, `eval` an expression, tell when a timespec is `next`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from picosched.cli.options import Json, command
from picosched.cli.printing import rendered, show_error, write, write_json, write_rendered, write_table
from picosched.clock import SystemClock, format_time, parse_time
from picosched.errors import EXIT_STATUS, KrlError, PicoschedError

if TYPE_CHECKING:
    from datetime import datetime

    from picosched.cli.lint import Finding
    from picosched.engine import Engine
    from picosched.krl.scope import Scope

app = typer.Typer()
PANEL = "Rulesets and times"


@command(app, PANEL, "picosched check rulesets/*.krl", "picosched check --json tea.krl | jq .message")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Rulesets to read.")],
    json: Json = False,
) -> None:
    """Read rulesets and tell every fault and warning, with its place.

    Faults come as [bold]file:line:col: message[/bold], with the line and a caret under what is meant. Times
    and timespecs that are literals are tried as well. Warnings are of what runs, yet may surprise. Ends
    with 1 if there is a fault, with 0 if there are warnings only.
    """
    faulty = False
    for file in files:
        try:
            text, found = _looked_at(file)
        except PicoschedError as error:  # unreadable: the other files are looked at all the same
            faulty = True
            if json:
                write_json(_unplaced(file, error))
            else:
                write(f"{file}: {error.message}")
            continue
        faulty = faulty or any(each.severity == "error" for each in found)
        for each in found:
            if json:
                write_json(_finding_json(file, each))
            else:
                _show_finding(each, text)
        if not found and not json:
            write(f"{file}: no faults")
    if faulty:
        raise typer.Exit(EXIT_STATUS["invalid"])


def _looked_at(file: Path) -> tuple[str, list[Finding]]:
    """The text of a ruleset, and what there is to say of it."""
    from picosched.cli import lint
    from picosched.krl.ruleset import compile_ruleset, read_source

    text = read_source(file)
    try:
        return text, lint.findings(compile_ruleset(text, str(file)))
    except KrlError as error:
        return text, lint.of_error(error)


def _show_finding(finding: Finding, text: str) -> None:
    if finding.severity == "error":
        write_rendered(rendered(finding.error, text), "red")
    else:
        warning = KrlError(f"warning: {finding.error.message}", finding.error.span)
        write_rendered(rendered(warning, text), "yellow")


def _finding_json(file: Path, finding: Finding) -> dict[str, Any]:
    line, column = finding.place
    return {
        "file": str(file),
        "line": line,
        "col": column,
        "severity": finding.severity,
        "message": finding.error.message,
    }


def _unplaced(file: Path, error: PicoschedError) -> dict[str, Any]:
    return {"file": str(file), "line": None, "col": None, "severity": "error", "message": error.message}


@command(
    app,
    PANEL,
    "picosched eval '[1, 2, 3].map(function(x){ x * x })'",
    'picosched eval \'time:add("2026-03-01", {"days": 3})\'',
    """picosched eval 'event:attrs{"who"}.uc()' --attrs '{"who": "ada"}'""",
    name="eval",
)
def evaluate(
    expression: Annotated[
        str, typer.Argument(metavar="EXPR", help="A KRL expression; declarations may stand before it.")
    ],
    attrs: Annotated[
        str | None, typer.Option("--attrs", metavar="JSON", help="A map, seen as event:attrs.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, which it does anyway.")] = False,
) -> None:
    """Print the value of a KRL expression, as JSON.

    It stands in an empty pico: entity variables are null, and there is nothing for actions to act on.
    """
    from picosched.engine import Engine
    from picosched.krl.ruleset import evaluate_body
    from picosched.krl.text import json_value
    from picosched.settings import Settings

    with Engine(settings=Settings()) as engine:
        scope = _scope(engine, attrs)
        try:
            write_json(json_value(evaluate_body(expression, scope)))
        except KrlError as error:
            show_error(error, expression)
            raise typer.Exit(EXIT_STATUS[error.code]) from error


def _scope(engine: Engine, attrs: str | None) -> Scope:
    """A scope in an empty pico, outside every ruleset, with an event at hand if there are attributes."""
    from picosched.krl.scope import Scope
    from picosched.notation import parse_map
    from picosched.pico.event import Event

    pico = engine.loaded.load_pico(engine.root.id)
    event = None
    if attrs is not None:
        event = Event("", "", parse_map(attrs, "--attrs"), "", engine.now())
    return Scope(
        rid="",
        pico_id=pico.id,
        budget=pico.budget,
        effects=pico.effects,
        now=engine.now,
        random=pico.random,
        meta={},
        config={},
        modules={},
        event=event,
    )


@command(
    app,
    PANEL,
    "picosched next '0 9 * * 1-5'",
    "picosched next '30 2 * * *' --tz Europe/Berlin --from 2026-03-28",
    "picosched next @monthly -n 3 --json",
    name="next",
)
def next_(
    timespec: Annotated[
        str,
        typer.Argument(
            metavar="TIMESPEC",
            help="minute hour day month weekday, with seconds in front if wanted; or @daily …",
        ),
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="How many times.")] = 5,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="The first after this time. Without it: now.")
    ] = None,
    tz: Annotated[
        str, typer.Option("--tz", metavar="ZONE", help="The zone the timespec is read in.")
    ] = "UTC",
    json: Json = False,
) -> None:
    """Say a timespec in words, and when it fires next.

    The times are those the timespec names, in UTC, and in the zone if there is one. An engine rounds them
    up to its granularity.
    """
    from picosched.schedule.timespec import Timespec

    spec = Timespec.parse(timespec, tz)
    since = SystemClock().now() if start is None else parse_time(start)
    times: list[datetime] = []
    while len(times) < count and (following := spec.after(since)) is not None:
        times.append(following)
        since = following
    if json:
        write_json(
            {
                "timespec": spec.text,
                "tz": spec.tz,
                "explain": spec.explain(),
                "next": [*map(format_time, times)],
            }
        )
        return
    write(spec.explain())
    if not times:
        write("  never again")
    elif tz == "UTC":
        for time in times:
            write(f"  {format_time(time)}  {time:%a}")
    else:
        from zoneinfo import ZoneInfo

        local = [time.astimezone(ZoneInfo(tz)) for time in times]
        write_table(
            ("UTC", tz),
            [
                (format_time(time), f"{there:%a %Y-%m-%d %H:%M:%S %Z}")
                for time, there in zip(times, local, strict=True)
            ],
        )
