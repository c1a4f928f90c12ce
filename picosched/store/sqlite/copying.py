"""Consistent copies of a database, made while picosched keeps writing.

SQLite copies the pages as they were when the copy began. In WAL mode readers do not block writers.
"""

from __future__ import annotations

from pathlib import Path

from picosched.errors import PicoschedError
from picosched.store.new_file import new_file
from picosched.store.port import MEMORY
from picosched.store.sqlite.database import SQLiteDatabase


def back_up(source: str | Path, target: Path, *, force: bool = False) -> int:
    """Copy a database, which may be in use, to a new file; returns its size in bytes.

    PicoschedError `conflict` if the file exists, unless `force`, else as for opening a database.
    """
    log = Path(f"{target}-wal")
    if log.exists() and log.stat().st_size:
        raise PicoschedError(f"{target} is a database in use: it has a log {log}", "conflict")
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise PicoschedError(f"{target} is the database itself, wanted another file")
    with new_file(target, force=force) as file:
        copy_to(source, file)
    return target.stat().st_size


def copy_to(source: str | Path, file: Path) -> None:
    """Copy a database, which may be in use, into an empty file."""
    if str(source) == MEMORY:
        raise PicoschedError("found a database in memory, wanted one in a file")
    database = SQLiteDatabase(source, readonly=True)
    try:
        database.back_up(file)
    finally:
        database.close()
