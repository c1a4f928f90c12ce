"""Commands on the file: copy the whole database, copy one pico, and see whether the file is sound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from picosched.cli.completing import complete_pico
from picosched.cli.options import DB, Json, command, database_here
from picosched.cli.printing import write, write_json
from picosched.cli.where import HERE, Where, pico_of
from picosched.errors import PicoschedError

app = typer.Typer()
PANEL = "Copies and care"

STREAM = Path("-")
Force = Annotated[bool, typer.Option("--force", help="Put it in the place of a file there is.")]


@command(
    app,
    PANEL,
    "picosched backup monday.db",
    "picosched backup monday.db --db picosched.db --force",
    "picosched backup monday.db --url https://picos.example.org --token-file token",
)
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, a new file.")],
    where: Where = HERE,
    force: Force = False,
    json: Json = False,
) -> None:
    """Copy the whole database, which may be in use: of one moment, complete, and opened like any other.

    The copy gets its name once it is complete; whoever writes meanwhile is not held up.
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
    pico: Annotated[
        str, typer.Argument(metavar="PICO", help="Its name or id.", autocompletion=complete_pico)
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document; - is stdout.")],
    where: Where = HERE,
    history: Annotated[
        bool, typer.Option("--history", help="With what became of what was due, and the journal.")
    ] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write one pico as a JSON document: rulesets, variables, channels, and what is scheduled.

    Its children are picos of their own.
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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` wrote; - is stdin.")],
    where: Where = HERE,
    parent: Annotated[
        str | None,
        typer.Option(
            "--parent",
            metavar="NAME",
            help="Of the new pico. Without it: the root pico.",
            autocompletion=complete_pico,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Without it: the name it had.")
    ] = None,
    keep_ecis: Annotated[
        bool, typer.Option("--keep-ecis", help="Give its channels the ecis they had, not new ones.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a pico of an exported document, all of it or nothing. The database is made if it is not there.

    What it has scheduled goes on where it was; what was due meanwhile is dealt with as what was missed.
    To move a pico, delete it where it was: two of them would both go on.
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
        Path | None, typer.Argument(metavar="FILE", help="The database. Without it: that of --db.")
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option("--db", metavar="FILE", help=f"The same, as for other commands. \\[default: {DB}]"),
    ] = None,
    json: Json = False,
) -> None:
    """Check whether a database is sound, and say what is wrong where; it may be in use.

    It reads every page and every row and changes nothing. The exit status is 1 if anything is wrong.
    """
    from picosched.store.doctor import examine

    if file is not None and db is not None:
        raise typer.BadParameter("a database is examined at a time: give FILE or --db, not both")
    file = file or db or database_here()
    findings = examine(file)
    if json:
        shown = [asdict(each) for each in findings]
        write_json({"file": str(file), "sound": not findings, "findings": shown})
    else:
        for each in findings:
            write(str(each), "red")
        many = f"{len(findings):,} things are" if len(findings) > 1 else "1 thing is"
        write(f"{file}: {many} wrong" if findings else f"{file} is sound")
    if findings:
        raise typer.Exit(1)


@contextmanager
def _removed_if_in_vain(where: Where) -> Iterator[None]:
    """What is made inside: a new database does not stay if it got nothing."""
    there = where.server is not None or where.database.exists()
    try:
        yield
    except PicoschedError:
        if not there:
            from picosched.store.file import BESIDE

            for suffix in BESIDE:
                Path(f"{where.database}{suffix}").unlink(missing_ok=True)
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
