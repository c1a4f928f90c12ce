"""Commands on machines: the processes that work on one PostgreSQL database."""

from __future__ import annotations

import logging
import sys
import threading

from picosched.cli.declared import Commands
from picosched.cli.opening import bring_settings, opened
from picosched.cli.options import Db, Grace, Json, command, database_here
from picosched.cli.printing import write, write_json, write_table
from picosched.cli.where import HERE, Where
from picosched.clock import format_time, from_ms
from picosched.ending import GRACE_SECONDS, ending

app = Commands()
PANEL = "Server"
WAIT_SECONDS = 0.5
"""After how long a signal is heard at the latest."""


@command(app, PANEL, "picosched worker --db postgresql://picos@db/picos")
def worker(db: Db = None, grace: Grace = GRACE_SECONDS) -> None:
    """Raise due events without a server, until you stop it (Ctrl-C).

    On PostgreSQL, workers and servers share the picos out among them, on as many machines as you like.
    """
    from picosched.outside.processes import kill_all

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    with opened(db or database_here()) as engine:
        bring_settings(engine)
        stopped = threading.Event()
        with ending(grace, lambda *_: stopped.set(), kill_all):
            engine.start()
            write(f"{engine.store.name}: at work; Ctrl-C stops")
            sys.stdout.flush()
            while not stopped.wait(WAIT_SECONDS):  # a signal that another thread gets does not wake this one
                pass
            engine.stop(grace / 2)


@command(
    app,
    PANEL,
    "picosched machines --db postgresql://picos@db/picos",
    "picosched machines --url http://127.0.0.1:8123 --json",
)
def machines(where: Where = HERE, json: Json = False) -> None:
    """List the servers and workers that share a PostgreSQL database, with their shards of it."""
    with where.opened(readonly=True) as engine:
        found = engine.machines()
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        write("no machine is at work")
    else:
        write_table(
            ("ID", "PROCESS", "STATE", "ADDRESS", "SINCE", "SHARDS", "RAISED", "LAG", "HEARTBEAT"),
            [
                (
                    each.id,
                    each.name,
                    each.state,
                    each.address or "–",
                    format_time(from_ms(each.started)),
                    str(len(each.shards)),
                    f"{each.raised:,}",
                    f"{each.lag / 1000:.1f} s",
                    f"{each.silent / 1000:.1f} s ago",
                )
                for each in found
            ],
            folding=("PROCESS",),
        )
