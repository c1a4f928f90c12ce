"""A server that is killed while it sends a backup leaves a copy behind; the next one removes it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from picosched import Engine
from tests.soak.figures import Figures
from tests.soak.served import Served


@pytest.mark.slow
def test_a_backup_that_a_kill_cut_short_is_removed_by_the_next_server(tmp_path: Path) -> None:
    figures = Figures()
    served = Served(tmp_path, {}, figures)
    with Engine(served.database) as engine:
        engine.write(lambda: engine.store.picos.set_meta("filler", "x" * 30_000_000))
    other = tmp_path / ".other.db.backup-1"
    other.mkdir()
    served.start()
    with socket.create_connection(("127.0.0.1", served.port)) as line:
        asked = f"GET /api/backup HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {served.token}\r\n\r\n"
        line.sendall(asked.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 200")
        served.kill()
    assert len([*tmp_path.glob(".picos.db.backup-*/picos.db")]) == 1
    served.start()
    assert [*tmp_path.glob(".*.backup-*")] == [other]
    assert served.stop()[0] == 0
    assert figures.faults == {}
