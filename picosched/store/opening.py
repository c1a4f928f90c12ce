"""Opens the database that an address names. The rest of the project knows databases by their port alone.

An address is the path of an SQLite file, or MEMORY.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from picosched.errors import PicoschedError
from picosched.store.port import Database

if TYPE_CHECKING:
    from picosched.store.sqlite.doctor.finding import Finding


def open_database(address: str | Path, *, durability: str = "full", readonly: bool = False) -> Database:
    """Open a database; errors are those of `Store`."""
    from picosched.store.sqlite.database import SQLiteDatabase

    if str(address).startswith(("postgresql:", "postgres:")):
        raise PicoschedError(f"found {address}, wanted a file: this picosched keeps picos in SQLite files")
    return SQLiteDatabase(address, durability=durability, readonly=readonly)


def files_of(address: str | Path) -> list[Path]:
    """The files that a database consists of, whether they are there or not."""
    from picosched.store.sqlite.file import BESIDE

    return [Path(f"{address}{suffix}") for suffix in BESIDE]


def check_unused(file: Path) -> None:
    """PicoschedError `conflict` if a file that is to be replaced is a database in use."""
    from picosched.store.sqlite.file import check_unused

    check_unused(file)


def examine(address: str | Path) -> list[Finding]:
    """What is wrong with a database; nothing if it is sound.

    PicoschedError as for opening a database readonly, but not for one that is damaged.
    """
    from picosched.store.sqlite.doctor import examine

    return examine(address)
