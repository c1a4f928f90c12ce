"""The doctor: is a database sound, and if not, where?

It looks at four things, from the bottom up: the pages of the file, as SQLite checks them; the tables, against
the migrations; what stands in each row (`contents`); and how rows belong together (`relations`). It only
reads, all of one moment, beside a picosched that writes. A finding says the table and the row, what stands
there and what was wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from picosched.store.faults import StoreError
from picosched.store.sqlite.database import SQLiteDatabase
from picosched.store.sqlite.doctor import contents, relations, tables
from picosched.store.sqlite.doctor.finding import MOST_OF_A_KIND, Finding
from picosched.store.sqlite.faults import CORRUPT


def examine(path: str | Path) -> list[Finding]:
    """What is wrong with a database; nothing if it is sound.

    PicoschedError as for opening a database readonly, but not for one that is damaged.
    """
    try:
        database = SQLiteDatabase(path, readonly=True, suspect=True)
    except StoreError as error:
        if error.kind != CORRUPT:
            raise
        return [_unopened(Path(path), error)]
    try:
        with database.snapshot():
            return [*dict.fromkeys(_findings(database))]  # several looks may meet one damaged page
    finally:
        database.close()


def _unopened(path: Path, error: StoreError) -> Finding:
    """Why SQLite does not take the file at all: mostly it was cut off, against what its header says."""
    with path.open("rb") as file:
        header = file.read(32)
    size = path.stat().st_size
    page = int.from_bytes(header[16:18])
    wanted = (65_536 if page == 1 else page) * int.from_bytes(header[28:32])
    if size < wanted:
        return Finding("", "", f"{size:,} bytes", f"{wanted:,}, as its header says: it was cut off")
    return Finding("", "", str(error.__cause__ or error), "a database that SQLite can open")


def _findings(database: SQLiteDatabase) -> Iterator[Finding]:
    yield from _read(database, "", _pages)
    unsound = [*_read(database, "", tables.compare)]
    yield from unsound
    if unsound:  # what there is does not mean what the rest takes it for
        return
    for table in contents.TABLES:
        yield from _read(database, table.name, table.examine)
    for relation in relations.ALL:
        yield from _read(database, relation.table, relation.examine)


def _read(
    database: SQLiteDatabase, table: str, examine: Callable[[SQLiteDatabase], Iterator[Finding]]
) -> Iterator[Finding]:
    """What a look finds; that it could not be taken is a finding as well."""
    try:
        yield from examine(database)
    except StoreError as error:
        yield Finding(table, "", str(error.__cause__ or error), "pages that SQLite can read")


def _pages(database: SQLiteDatabase) -> Iterator[Finding]:
    for (said,) in database.ask(f"PRAGMA integrity_check({MOST_OF_A_KIND})"):
        if said != "ok":
            yield Finding("", "", said, "sound pages")
