"""A process that is killed, again and again, while events are due all the time.

`python worker.py` imports the engine once and then forks a child for each line it reads: a database, and when
the child is to be killed: `statement N` (just before its N-th SQL statement) or `after SECONDS`. The child
says `ready PID`, raises events, and says `told KEY` for each that was answered, or `lost` if a database
server failed. The parent says `killed` when the child is dead. SIGKILL is real; nothing in the child can
answer it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from picosched import Engine
from picosched.store.faults import StoreError

RULESET = Path(__file__).with_name("chains.krl")
CHAINS = 4


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def die_before(statement: int) -> None:
    """Kill this process just before its SQL statement of that number, whichever it is: from opening on."""
    left = statement
    connect = sqlite3.connect

    def before_statement(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connected(*args: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*args, **named)
        connection.set_trace_callback(before_statement)
        return connection

    sqlite3.connect = connected
    execute = psycopg.Connection.execute

    def executed(*args: Any, **named: Any) -> Any:
        before_statement("")
        return execute(*args, **named)

    psycopg.Connection.execute = executed


def work(database: str, run: str) -> None:
    """Let the scheduler run and raise events from another thread, until somebody kills us."""
    engine = Engine(database, granularity=1, min_period=0, max_begun=1_000_000)
    root = engine.root
    if not root.rulesets():
        root.install(RULESET)
    for chain in range(CHAINS):
        if f"c{chain}" not in root.query("chains", "begun"):
            root.raise_event("crash", "begin", {"chain": f"c{chain}"})
    engine.start()
    say(f"ready {os.getpid()}")
    number = 0
    while True:
        number += 1
        key = f"{run}-{number}"
        try:
            root.raise_event("crash", "told", {"key": key})
            say(f"told {key}")
        except StoreError:  # the session was ended, or its server is being started again
            if not database.startswith("postgresql:"):
                raise
            say("lost")


def import_all() -> None:
    """Import what an engine imports when it needs it: here, rather than in each child."""
    with Engine() as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("crash", "told", {"key": "first"})
        engine.run_due()


def kill_children(work: Callable[[str, str], None]) -> None:
    """Fork a child that does `work` for each line of the input, until the child is killed as the line says.

    `work` is given the database, and the number of the line, as a text.
    """
    import_all()
    for number, line in enumerate(sys.stdin):
        database, kind, amount = line.split()
        child = os.fork()
        if child == 0:
            try:
                if kind == "statement":
                    die_before(int(amount))
                work(database, str(number))
            finally:
                os._exit(1)
        if kind == "after":
            threading.Timer(float(amount), os.kill, (child, signal.SIGKILL)).start()
        _, status = os.waitpid(child, 0)
        say("killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else "died")


if __name__ == "__main__":
    kill_children(work)
