"""Opens the database that an address names. The rest of the project knows databases by their port alone.

An address is the path of an SQLite file, MEMORY, or `postgresql://USER@HOST/DATABASE`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from picosched.errors import PicoschedError
from picosched.store.port import Database
from picosched.store.postgres.address import SCHEMES
from picosched.store.postgres.address import shown as without_secrets

if TYPE_CHECKING:
    from picosched.store.sqlite.doctor.finding import Finding


def open_database(
    address: str | Path, *, durability: str = "full", readonly: bool = False, migrating: bool = False
) -> Database:
    """Open a database; errors are those of `Store`. With `migrating` even one whose picos are elsewhere."""
    if is_server(address):
        try:
            from picosched.store.postgres.database import PostgresDatabase
        except ModuleNotFoundError as cause:
            raise PicoschedError(
                f"{shown(address)} needs the PostgreSQL client: pip install 'picosched[postgres]'", "refused"
            ) from cause
        return PostgresDatabase(str(address), durability=durability, readonly=readonly, migrating=migrating)
    from picosched.store.sqlite.database import SQLiteDatabase

    return SQLiteDatabase(address, durability=durability, readonly=readonly, migrating=migrating)


def is_server(address: str | Path) -> bool:
    """Whether a database server keeps the picos, so that there is no file."""
    return str(address).startswith(SCHEMES)


def shown(address: str | Path) -> str:
    """The address for messages, without passwords."""
    return without_secrets(str(address)) if is_server(address) else str(address)


def sqlite_version() -> str:
    """The release of SQLite that this Python has."""
    from picosched.store.sqlite.connection import sqlite_version

    return sqlite_version


def is_there(address: str | Path) -> bool:
    """Whether there is something to open; of a server, opening it shows."""
    return is_server(address) or Path(address).exists()


def files_of(address: str | Path) -> list[Path]:
    """The files that a database consists of, whether they are there or not; none of a server's."""
    if is_server(address):
        return []
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

    if is_server(address):
        raise PicoschedError(
            f"found {shown(address)}, wanted a file: of PostgreSQL, pg_amcheck checks a database"
        )
    return examine(address)
