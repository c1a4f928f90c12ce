"""The command that moves all picos into another database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import Json, command
from picosched.cli.printing import write, write_json

app = Commands()
PANEL = "Copies and care"

TOLD_EACH = 100_000
"""Rows after which progress is told, within one table."""


@command(
    app,
    PANEL,
    "picosched migrate picosched.db postgresql://picos@db.example.org/picos --dry-run",
    "picosched migrate picosched.db postgresql://picos@db.example.org/picos",
    "picosched migrate postgresql://picos@db.example.org/picos back.db --json",
)
def migrate(
    source: Annotated[str, Argument(metavar="FROM", help="The database that has the picos.")],
    target: Annotated[str, Argument(metavar="TO", help="An empty one. A missing file is created.")],
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would be copied; works while FROM is in use.")
    ] = False,
    undo: Annotated[
        bool, Option("--undo", help="Give up: FROM may be used again, and what TO has of it is deleted.")
    ] = False,
    json: Json = False,
) -> None:
    """Move all picos with everything they have between a file and PostgreSQL.

    Nothing may use either database meanwhile. If interrupted, run it again: it continues. Afterwards FROM is
    marked, and cannot be opened any more.
    """
    from picosched.store import migrate as migration
    from picosched.store.opening import shown

    if source == target:
        raise WrongUseError("a database cannot be migrated to itself")
    if dry_run and undo:
        raise WrongUseError("--undo has no --dry-run")
    if undo:
        migration.undo(source, target)
        if json:
            write_json({"from": shown(source), "to": shown(target), "undone": True})
        else:
            write(f"{shown(source)} may be used again")
        return
    found = migration.plan(source, target) if dry_run else migration.migrate(source, target, _teller())
    if json:
        names = {"from": shown(source), "to": shown(target), "dry_run": dry_run}
        write_json({**names, "rows": found.rows, "there_before": found.copied})
        return
    if dry_run:
        for table, number in found.rows.items():
            write(f"{number:>12,}  {table}")
    done = "would be" if dry_run else "was"
    what = f"{found.total:,} rows of {found.rows['pico']:,} picos"
    before = f", {found.copied:,} of them before" if found.copied else ""
    write(f"{shown(source)} {done} migrated to {shown(target)}: {what}{before}")


def _teller() -> Callable[[str, int, int], None]:
    """Writes progress to stderr: at the end of each table, and now and then on the way."""
    told: dict[str, int] = {}

    def tell(table: str, copied: int, total: int) -> None:
        if copied >= min(told.get(table, 0) + TOLD_EACH, total):
            told[table] = copied
            write(f"{table}: {copied:,} of {total:,}", stderr=True)

    return tell
