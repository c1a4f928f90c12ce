"""`picosched migrate`, as a process: what it says, and that it continues after it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Run
from postgres_server import Server
from store.written import NOW, rows_of_file, turn_that

from picosched import Store
from picosched.store.picos import PicoRow

pytestmark = pytest.mark.files

TURNS = 20_000


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.new_database()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    store = Store(tmp_path / "picos.db", "normal")
    with store.transaction():
        store.picos.new_pico(PicoRow("root", "root", None, NOW))
        for number in range(TURNS):
            store.write(turn_that(eid=f"e{number}", entities={("tea", f"v{number}"): number}))
    store.close()
    return tmp_path / "picos.db"


def test_it_continues_after_a_kill(file: Path, address: str, picosched: Run, tmp_path: Path) -> None:
    before = rows_of_file(str(file), few=True)
    command = [str(Path(sys.executable).with_name("picosched")), "migrate", str(file), address]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline() == "pico: 1 of 1\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert "is being migrated" in picosched("picos", "--db", str(file)).err
    rest = picosched("migrate", str(file), address, "--json")
    assert rest.status == 0, rest.err
    assert rest.json["rows"]["journal"] == TURNS
    assert 1 <= rest.json["there_before"] < 2 * TURNS
    assert f"journal: {TURNS:,} of {TURNS:,}\n" in rest.err and "pico: 1 of 1" not in rest.err
    back = picosched("migrate", address, "back.db")
    assert f"{2 * TURNS + 1:,} rows of 1 picos" in back.out
    assert rows_of_file("back.db", few=True) == before


def test_a_dry_run_shows_what_there_is_and_changes_nothing(
    file: Path, address: str, picosched: Run, postgres: Server
) -> None:
    before = file.read_bytes()
    shown = picosched("migrate", str(file), address, "--dry-run")
    assert shown.status == 0 and "      20,000  journal\n" in shown.out
    assert shown.out.endswith(f"{file} would be migrated to {address}: 40,001 rows of 1 picos\n")
    assert file.read_bytes() == before
    assert postgres.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", address) == []
    assert picosched("migrate", str(file), "new.db", "--dry-run").status == 0 and not Path("new.db").exists()


def test_it_is_given_up_with_undo(file: Path, address: str, picosched: Run) -> None:
    assert picosched("migrate", str(file), address).status == 0
    assert f"was migrated to {address}" in picosched("picos", "--db", str(file)).err
    assert picosched("migrate", str(file), address, "--undo").out == f"{file} may be used again\n"
    assert picosched("picos", "--db", str(file)).status == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("picos.db", "picos.db"), 2, "cannot be migrated to itself"),
        (("none.db", "new.db"), 1, "there is no database none.db"),
        (("picos.db", "none/new.db"), 1, "there is no folder none"),
        (("picos.db", "new.db", "--undo"), 1, "picos.db was not migrated"),
        (("picos.db", "new.db", "--undo", "--dry-run"), 2, "--undo has no --dry-run"),
    ],
)
def test_what_cannot_be_migrated_is_refused(words: tuple[str, ...], status: int, said: str, run: Run) -> None:
    store = Store("picos.db")
    with store.transaction():
        store.picos.new_pico(PicoRow("root", "root", None, NOW))
    store.close()
    found = run("migrate", *words)
    assert (found.status, said in found.err) == (status, True), found
    assert not Path("new.db").exists() and not Path("none.db").exists()
