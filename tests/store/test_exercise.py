"""The contract of the store over SQLite, on disk and in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
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
