"""Commands on the database file: copy it, export and import a pico, check it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from picosched.cli.completing import complete_pico
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import DB, Json, command, database_here
from picosched.cli.printing import write, write_json
from picosched.cli.where import HERE, Where, pico_of
from picosched.errors import PicoschedError

app = Commands()
PANEL = "Copies and care"

STREAM = Path("-")
Force = Annotated[bool, Option("--force", help="Replace an existing file.")]


@command(
    app,
    PANEL,
    "picosched backup monday.db",
    "picosched backup monday.db --db picosched.db --force",
    "picosched backup monday.db --url https://picos.example.org --token-file token",
)
def backup(
    file: Annotated[Path, Argument(metavar="FILE", help="The copy, a new file.")],
    where: Where = HERE,
    force: Force = False,
    json: Json = False,
) -> None:
    """Make a complete, consistent copy of the database, which may be in use.

    The copy gets its name once it is complete; writers are not blocked.
    """
    size = where.back_up(file, force=force)
    if json:
        write_json({"file": str(file), "bytes": size, "of": where.shown})
    else:
        write(f"{file}: a copy of {where.shown}")


@command(
    app,
    PANEL,
    "picosched export kitchen kitchen.json",
    "picosched export kitchen - --history | jq .scheduled",
)
def export(
    pico: Annotated[str, Argument(metavar="PICO", help="Its name or id.", autocompletion=complete_pico)],
    file: Annotated[Path, Argument(metavar="FILE", help="The document; - is stdout.")],
    where: Where = HERE,
    history: Annotated[bool, Option("--history", help="Include fires and the journal.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Export one pico as a JSON document: rulesets, variables, channels and scheduled events.

    Its children are not included.
    """
    from picosched.krl.text import tree_text
    from picosched.store.copying import new_file

    with where.opened(readonly=True) as engine:
        document = engine.export_pico(pico, history=history)
    text = tree_text(document)
    if file == STREAM:
        write(text)
        return
    with new_file(file, force=force) as new:
        new.write_text(f"{text}\n", encoding="utf-8")
    rulesets, scheduled = len(document["rulesets"]), len(document["scheduled"])
    if json:
        shown = {"file": str(file), "pico": document["name"], "rulesets": rulesets, "scheduled": scheduled}
        write_json(shown)
        return
    write(f"{file}: the pico {document['name']}, rulesets: {rulesets:,}, scheduled events: {scheduled:,}")


@command(
    app,
    PANEL,
    "picosched import kitchen.json",
    "picosched import kitchen.json --parent house --name kitchen2",
    "picosched import kitchen.json --keep-ecis --url https://picos.example.org",
    name="import",
)
def import_(
    file: Annotated[Path, Argument(metavar="FILE", help="The output of `export`; - is stdin.")],
    where: Where = HERE,
    parent: Annotated[
        str | None,
        Option(
            "--parent",
            metavar="NAME",
            help="Parent of the new pico. Default: the root pico.",
            autocompletion=complete_pico,
        ),
    ] = None,
    name: Annotated[str | None, Option("--name", metavar="NAME", help="Default: its old name.")] = None,
    keep_ecis: Annotated[bool, Option("--keep-ecis", help="Keep the ecis of its channels.")] = False,
    json: Json = False,
) -> None:
    """Create a pico from an exported document, completely or not at all. A missing database is created.

    Its schedules continue where they were; occurrences that came due since the export count as missed. To
    move a pico, delete the original, or both will run.
    """
    document = _document(file)
    with _removed_if_in_vain(where), where.opened(make=True) as engine:
        under = None if parent is None else pico_of(engine, parent).id
        made = engine.import_pico(document, under, name, keep_ecis=keep_ecis)
        rids = [*made.rulesets()]
    if json:
        shown = {"id": made.id, "name": made.name, "rulesets": rids, "scheduled": len(document["scheduled"])}
        write_json(shown)
    else:
        write(f"imported {made.name} ({made.id}), scheduled events: {len(document['scheduled']):,}")


@command(app, PANEL, "picosched doctor", "picosched doctor monday.db --json | jq .findings")
def doctor(
    file: Annotated[
        Path | None, Argument(metavar="FILE", help="The database. Default: that of --db.")
    ] = None,
    db: Annotated[
        str | None,
        Option("--db", metavar="FILE", help=f"The database, as in other commands. \\[default: {DB}]"),
    ] = None,
    json: Json = False,
) -> None:
    """Check a database, which may be in use, and report any damage.

    It reads every page and row, and changes nothing. The exit status is 1 if it finds a problem.
    """
    from picosched.store.opening import examine

    if file is not None and db is not None:
        raise WrongUseError("only one database can be checked at a time: give FILE or --db, not both")
    place = file or db or database_here()
    findings = examine(place)
    if json:
        shown = [asdict(each) for each in findings]
        write_json({"file": str(place), "sound": not findings, "findings": shown})
    else:
        for each in findings:
            write(str(each), "red")
        many = f"{len(findings):,} problems" if len(findings) > 1 else "1 problem"
        write(f"{place}: {many} found" if findings else f"{place} is sound")
    if findings:
        raise SystemExit(1)


@contextmanager
def _removed_if_in_vain(where: Where) -> Iterator[None]:
    """Delete a database created inside the block if the block fails."""
    from picosched.store.opening import files_of, is_there

    there = where.server is not None or is_there(where.database)
    try:
        yield
    except PicoschedError:
        if not there:
            for file in files_of(where.database):
                file.unlink(missing_ok=True)
        raise


def _document(file: Path) -> dict[str, Any]:
    from picosched.notation import parse_map

    try:
        text = sys.stdin.read() if file == STREAM else file.read_text(encoding="utf-8")
    except OSError as cause:
        raise PicoschedError(f"cannot read {file}: {cause.strerror}", "not_found") from cause
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"{file} is not UTF-8 text") from cause
    return parse_map(text, str(file))
