"""Consistent copies of a database, made while picosched keeps writing.

A copy is an SQLite file. It gets its name once it is complete and on disk, so a partial copy never has that
name.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from picosched.errors import PicoschedError
from picosched.store.opening import check_unused, open_database
from picosched.store.port import MEMORY


def back_up(source: str | Path, target: Path, *, force: bool = False) -> int:
    """Copy a database, which may be in use, to a new file; returns its size in bytes.

    PicoschedError `conflict` if the file exists, unless `force`, else as for opening a database.
    """
    check_unused(target)
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise PicoschedError(f"{target} is the database itself, wanted another file")
    with new_file(target, force=force) as file:
        copy_to(source, file)
    return target.stat().st_size


def copy_to(source: str | Path, file: Path) -> None:
    """Copy a database, which may be in use, into an empty file."""
    if str(source) == MEMORY:
        raise PicoschedError("found a database in memory, wanted one in a file")
    database = open_database(source, readonly=True)
    try:
        database.back_up(file)
    finally:
        database.close()


def _sync(folder: Path) -> None:
    """Sync the names in a folder to disk, on systems where that is possible."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def new_file(target: Path, *, force: bool = False) -> Iterator[Path]:
    """A file to write, which is renamed to `target` once it is on disk.

    `conflict` if `target` exists, unless `force`. After an exception there is no new file.
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
