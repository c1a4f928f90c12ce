"""The contract of the store over SQLite, on disk and in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from store.exercise import Backend, Exercise

from picosched import Store


def before_statements(store: Store, call: Callable[[], None]) -> None:
    store._database._connection.set_trace_callback(lambda _: call())


@pytest.fixture(params=["disk", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "memory":
        return Backend(lambda _: Store(), None, before_statements)

    def opened(name: str) -> Store:
        return Store(tmp_path / f"{name}.db")

    return Backend(opened, opened, before_statements)


class TestSqlite(Exercise):
    """Its tests are those of `Exercise`."""
