"""The contract of the store over SQLite, on disk and in memory, and over PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_server import Server
from store.exercise import Backend, Exercise, Lasting

from picosched import Store


def before_statements(store: Store, call: Callable[[], None]) -> None:
    store._database._connection.set_trace_callback(lambda _: call())


class TestOnDisk(Exercise, Lasting):
    """SQLite on disk."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return Backend(lambda name: Store(tmp_path / f"{name}.db"), before_statements)


class TestInMemory(Exercise):
    """SQLite in memory."""

    @pytest.fixture
    def backend(self) -> Backend:
        return Backend(lambda _: Store(), before_statements)


class Counted(psycopg.RawCursor[Any]):
    """Calls something before each statement, if its session says what."""

    def execute(self, *args: Any, **named: Any) -> Counted:
        CALLS.get(self.connection, lambda: None)()
        return super().execute(*args, **named)


CALLS: dict[object, Callable[[], None]] = {}


def before_statements_of_session(store: Store, call: Callable[[], None]) -> None:
    session = store._database._session
    CALLS[session] = call
    session.cursor_factory = Counted


class TestOnPostgres(Exercise, Lasting):
    """PostgreSQL. Stores are schemas of one database, which is emptied before each test."""

    @pytest.fixture
    def backend(self, postgres: Server) -> Backend:
        address = postgres.emptied_database()

        def opened(name: str) -> Store:
            postgres.ask(f"CREATE SCHEMA IF NOT EXISTS {name}", address)
            return Store(f"{address}&options=-csearch_path%3D{name}")

        return Backend(opened, before_statements_of_session)
