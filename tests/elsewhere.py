"""`pytest --store postgres`: tests that open files run on PostgreSQL as they are.

It exchanges the store of a test for another real one, and fakes nothing.

Each path stands for a database of a real server, and each store in memory for one of its own. A store that is
not durable stays in memory: a rehearsal makes it, not a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Server

from picosched.store import opening
from picosched.store.port import MEMORY, Database

PATCHED = (
    "picosched.store.opening.open_database",
    "picosched.store.store.open_database",
    "picosched.store.migrate.open_database",
)
MANY = 16
"""So many databases are made once and emptied for each test; further ones, of few tests, are made anew."""


class Elsewhere:
    """Where the stores of this process are."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self._server = server
        self.addresses: dict[str, str] = {}
        """Path → address."""
        self._open, self._there = opening.open_database, opening.is_there
        for name in PATCHED:
            monkeypatch.setattr(name, self.open_database)
        monkeypatch.setattr("picosched.store.opening.is_there", self.is_there)

    def open_database(self, place: str | Path, **options: Any) -> Database:
        if opening.is_server(place) or (str(place) == MEMORY and options.get("durability") == "normal"):
            return self._open(place, **options)
        database: Any = self._open(self.address(place), **options)
        # Tests look at rows and spoil some, in SQL that both kinds of database understand.
        database.run = lambda sql, values=(): database._run(_numbered(sql), values)
        database.ask = lambda sql: iter(database._run(_numbered(sql)).fetchall())
        opened: Database = database
        return opened

    def address(self, place: str | Path) -> str:
        key = f"{MEMORY}{len(self.addresses)}" if str(place) == MEMORY else str(Path(place).resolve())
        if key not in self.addresses:
            number = len(self.addresses)
            made = self._server.emptied_database(1 + number) if number < MANY else self._server.new_database()
            self.addresses[key] = made
        return self.addresses[key]

    def is_there(self, place: str | Path) -> bool:
        return str(Path(place).resolve()) in self.addresses or self._there(place)

    def forget(self, beyond: int) -> None:
        """Forget the places after the first so many; other tests get their databases."""
        self.addresses = dict([*self.addresses.items()][:beyond])


def _numbered(sql: str) -> bytes:
    head, *rest = sql.split("?")
    return (head + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))).encode()


here: Elsewhere | None = None


def database_of(folder: Path, words: Sequence[str]) -> list[str]:
    """The words of a command that serves in a folder, with the database that stands for its file."""
    if here is None:
        return [*words]
    place = words[words.index("--db") + 1] if "--db" in words else "picosched.db"
    address = place if opening.is_server(place) else here.address(folder / place)
    if "--db" not in words:
        return [*words, "--db", address]
    return [address if each == place else each for each in words]
