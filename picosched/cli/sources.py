"""Commands on sources: clocks and calendars that raise events, independent of any ruleset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from picosched.cli.completing import complete_source
from picosched.cli.declared import Argument, Commands, Option
from picosched.cli.opening import end_of_pause, settings_here
from picosched.cli.options import Json, command
from picosched.cli.printing import json_time, shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where, only_id
from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from picosched.engine.reached import Reached
    from picosched.sources.source import Source
    from picosched.sources.state import EntryState, SourceState

app = Commands()
PANEL = "Sources"

Which = Annotated[
    str,
    Argument(metavar="NAME", help="A source's name, or a prefix of its id.", autocompletion=complete_source),
]


@command(app, PANEL, "picosched sources", "picosched sources --json | jq .entries")
def sources(where: Where = HERE, json: Json = False) -> None:
    """List the sources: their targets, and for each entry its due time and results so far."""
    with where.opened(readonly=True) as engine:
        found = engine.sources()
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        write("there are no sources")
    else:
        _write_sources(found)


def _write_sources(found: list[SourceState]) -> None:
    write_table(
        ("SOURCE", "ENTRY", "TO", "EVENT", "WHEN", "DUE", "FIRES", "MISSED", "FAILED", "LAST", "ID"),
        [
            (
                source.name or source.type,
                entry.name,
                " ".join(f"{kind} {name}" for kind, name in source.to.items()),
                entry.event,
                entry.when,
                _due(source, entry),
                str(entry.fires),
                str(entry.missed),
                _failed(entry),
                _last(entry),
                source.id[:SHORT],
            )
            for source in found
            for entry in source.entries
        ],
        folding=("SOURCE", "ENTRY", "TO", "EVENT", "WHEN", "LAST"),
    )
    for source in found:
        if source.error is not None:
            waiting = f", {source.waiting:,} events wait" if source.waiting else ""
            write(f"{source.name or source.type}{waiting}: {source.error}")


def _failed(entry: EntryState) -> str:
    in_a_row = entry.failures and entry.failures < entry.failed
    return f"{entry.failed}, {entry.failures} in a row" if in_a_row else str(entry.failed)


def _due(source: SourceState, entry: EntryState) -> str:
    if not source.paused:
        return shown_time(entry.due) + (", held" if entry.held else "")
    return "paused" + ("" if source.paused_until is None else f" until {format_time(source.paused_until)}")


def _last(entry: EntryState) -> str:
    if entry.outcome is None:
        return "–"
    return entry.outcome.value + (f": {entry.error}" if entry.error else "")


@command(
    app,
    PANEL,
    "picosched add-source sources.toml",
    'picosched add-source \'{"type": "metronome", "interval": 1000, "to": {"pico": "kitchen"}}\'',
    name="add-source",
)
def add_source(
    declaration: Annotated[
        str,
        Argument(metavar="FILE|JSON", help="A TOML file with tables [[source]], or a map as JSON."),
    ],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Add sources, all those of a file or none. They stay until they are removed.

    Sources in picosched.toml need no command: `run` and `serve` apply that file when they start.
    """
    declared = _declared(declaration)
    with where.opened() as engine:
        ids = engine.add_sources(declared)
    for source, id in zip(declared, ids, strict=True):
        if json:
            write_json({"id": id, "name": source.name, "type": source.type})
        else:
            write(f"added {source.label} ({id[:SHORT]})")


def _declared(declaration: str) -> list[Source]:
    from picosched.notation import parse_map
    from picosched.sources.reading import load_sources, read_source

    if declaration.lstrip().startswith("{"):
        given = parse_map(declaration, "the declaration")
        return [read_source(given, folder=Path(), almanac=settings_here().almanac)]
    file = Path(declaration)
    if not file.exists():
        raise PicoschedError(f"{file}: no such file", "not_found")
    found = [*load_sources(file, settings_here().almanac)]
    if not found:
        raise PicoschedError(f"{file}: found no table [[source]], wanted at least one")
    return found


@command(app, PANEL, "picosched remove-source tick", name="remove-source")
def remove_source(which: Which, where: Where = HERE, json: Json = False) -> None:
    """Remove a source. Its history is kept, and events on their way to another engine are still delivered."""
    with where.opened() as engine:
        source = _found(engine, which)
        engine.remove_source(source.id)
    _tell("removed", source, "", json)


@command(
    app,
    PANEL,
    "picosched pause-source tick",
    "picosched pause-source tick --until 2026-04-01T00:00:00Z",
    name="pause-source",
)
def pause_source(
    which: Which,
    where: Where = HERE,
    until: Annotated[
        str | None,
        Option("--until", metavar="TIME", help="Resume automatically then. Default: wait for resume."),
    ] = None,
    json: Json = False,
) -> None:
    """Pause a source. Occurrences meanwhile are not raised and do not count as missed."""
    time = end_of_pause(until)
    with where.opened() as engine:
        source = _found(engine, which)
        engine.pause_source(source.id, time)
    said = "" if time is None else f" until {format_time(time)}"
    _tell("paused", source, said, json, until=json_time(time))


@command(app, PANEL, "picosched resume-source tick", name="resume-source")
def resume_source(which: Which, where: Where = HERE, json: Json = False) -> None:
    """Resume a paused source, with its next occurrence."""
    with where.opened() as engine:
        source = _found(engine, which)
        if not engine.resume_source(source.id):
            raise PicoschedError(f"the source {_label(source)} is not paused")
        due = engine.source(source.id).due
    _tell("resumed", source, f", due {shown_time(due)}", json, due=json_time(due))


def _tell(done: str, source: SourceState, more: str, json: bool, **told: str | None) -> None:
    if json:
        write_json({"id": source.id, "name": source.name, "outcome": done, **told})
    else:
        write(f"{done} {_label(source)}{more}")


def _found(engine: Reached, which: str) -> SourceState:
    """The source with this name or id prefix."""
    found = engine.sources()
    named = [each for each in found if each.name == which]
    return named[0] if named else engine.source(only_id([each.id for each in found], which, "source"))


def _label(source: SourceState) -> str:
    return f"{source.name or source.type} ({source.id[:SHORT]})"
