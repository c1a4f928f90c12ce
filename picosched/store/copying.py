"""Copies of a database: whole, of one moment, made while a picosched goes on writing.

SQLite copies a file page by page as the moment has it that the copy begins in. In a WAL file a reader is in
no writer's way. The copy gets its name once it is complete and on disk, so there never is half of one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from picosched.errors import PicoschedError
from picosched.store.database import MEMORY, Database


def back_up(source: str | Path, target: Path, *, force: bool = False) -> int:
    """Copy a database, which may be in use, to a new file; its size in bytes.

    PicoschedError `conflict` if there is such a file and not `force`, else as for opening a database.
    """
    log = Path(f"{target}-wal")
    if log.exists() and log.stat().st_size:
        raise PicoschedError(f"{target} is a database in use: {log} belongs to it", "conflict")
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise PicoschedError(f"{target} is the database itself, wanted another file")
    with new_file(target, force=force) as file:
        copy_to(source, file)
    return target.stat().st_size


def copy_to(source: str | Path, file: Path) -> None:
    """Copy a database, which may be in use, into an empty file."""
    if str(source) == MEMORY:
        raise PicoschedError("found a database in memory, wanted one in a file")
    database = Database(source, readonly=True)
    try:
        database.back_up(file)
    finally:
        database.close()


def _sync(folder: Path) -> None:
    """Have the names in a folder on disk, where folders are files."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def new_file(target: Path, *, force: bool = False) -> Iterator[Path]:
    """A file to write, which gets the name `target` once that is done and on disk.

    `conflict` if there is such a file and not `force`. After an exception there is no new file.
    """
    if target.exists() and not force:
        raise PicoschedError(f"there is a file {target} already; --force replaces it", "conflict")
    if target.is_dir():
        raise PicoschedError(f"{target} is a folder, wanted a file")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as cause:
        raise PicoschedError(f"cannot write {target}: {cause.strerror}") from cause
    os.close(descriptor)
    file = Path(name)
    try:
        yield file
        with file.open("rb+") as written:
            os.fsync(written.fileno())
        file.replace(target)
        _sync(target.parent)
    except OSError as cause:
        raise PicoschedError(f"cannot write {target}: {cause.strerror}") from cause
    finally:
        file.unlink(missing_ok=True)
