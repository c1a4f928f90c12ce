"""Opens the database that an address names. The rest of the project knows databases by their port alone.

An address is the path of an SQLite file, or MEMORY.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from picosched.store.port import Database

if TYPE_CHECKING:
    from picosched.store.sqlite.doctor.finding import Finding


def open_database(address: str | Path, *, durability: str = "full", readonly: bool = False) -> Database:
    """Open a database; errors are those of `Store`."""
    from picosched.store.sqlite.database import SQLiteDatabase

    return SQLiteDatabase(address, durability=durability, readonly=readonly)


def files_of(address: str | Path) -> list[Path]:
    """The files that a database consists of, whether they are there or not."""
    from picosched.store.sqlite.file import BESIDE

    return [Path(f"{address}{suffix}") for suffix in BESIDE]


def back_up(source: str | Path, target: Path, *, force: bool = False) -> int:
    """Copy a database, which may be in use, to a new file; returns its size in bytes.

    PicoschedError `conflict` if the file exists, unless `force`, else as for opening a database.
    """
    from picosched.store.sqlite.copying import back_up

    return back_up(source, target, force=force)


def copy_to(source: str | Path, file: Path) -> None:
    """Copy a database, which may be in use, into an empty file."""
    from picosched.store.sqlite.copying import copy_to

    copy_to(source, file)


def examine(address: str | Path) -> list[Finding]:
    """What is wrong with a database; nothing if it is sound.

    PicoschedError as for opening a database readonly, but not for one that is damaged.
    """
    from picosched.store.sqlite.doctor import examine

    return examine(address)
