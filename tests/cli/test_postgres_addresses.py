"""What a command says if it cannot get at its PostgreSQL database: one line and a status."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from cli.conftest import Run
from postgres_server import Server

from picosched import Store

pytestmark = pytest.mark.files


@pytest.fixture(scope="module")
def guarded(postgres: Server) -> str:
    """The address of a database for a user who needs the password `open sesame`."""
    address = postgres.new_database()
    Store(address).close()
    postgres.ask("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'open sesame'")
    rules = postgres.folder / "data/pg_hba.conf"
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    postgres.ask("SELECT pg_reload_conf()")
    return address


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_one_line_says_why_and_a_status(
    guarded: str, silent: int, postgres: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    unreachable = "cannot be reached"
    for address, status, said in (
        (guarded.replace("picos@", "guarded:hush@"), 1, "refuses its user"),
        (guarded.replace("picos@", "guarded@"), 1, "refuses its user"),
        (guarded.replace("picos@", "nobody@"), 1, "refuses its user"),
        (postgres.address("none"), 1, "does not exist"),
        ("postgresql://picos@127.0.0.1:1/db", 3, unreachable),
        ("postgresql://picos@nowhere.invalid/db", 3, unreachable),
        ("postgresql://picos@/db?host=/nowhere", 3, unreachable),
        (f"postgresql://picos@127.0.0.1:{silent}/db?connect_timeout=2", 3, unreachable),
        ("postgresql://picos@h/db?nosuch=1", 1, "wanted postgresql://USER@HOST/DATABASE"),
    ):
        found = run("picos", "--db", address)
        assert (found.status, found.out, found.err.count("\n")) == (status, "", 1), found
        assert found.err.startswith("error: ") and said in found.err and "hush" not in found.err, found.err
    opens = run("picos", "--db", guarded.replace("picos@", "guarded:open%20sesame@"))
    assert opens.status == 0, opens
