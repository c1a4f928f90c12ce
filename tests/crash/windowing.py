"""A process that is killed, again and again, while a window is changed and its edges are raised in picos.

Time passes by hand, from edge to edge. In even hours the window is open from 0 to 20 past, in odd ones from
10 to 40 past; the change is made after an edge. A transaction has room for a few picos, so that there is
much between making a change and having it followed by all.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

from worker import kill_children, say

from picosched import Engine, VirtualClock
from picosched.clock import from_ms
from picosched.turns import windows

START = "2026-03-01T00:30:00Z"
PICOS = 8
FOLLOWING = """ruleset following {
  rule edge { select when window opened or window closed send_directive(event:type, event:attrs) }
}"""
TIMES = (("0 * * * *", "20 * * * *"), ("10 * * * *", "40 * * * *"))
LAST = "SELECT max(at) FROM (SELECT max(at) AS at FROM journal UNION SELECT max(at) FROM intervention)"
windows.AT_ONCE = 3


def last_time(database: str) -> VirtualClock:
    """A clock at the time of the last turn or change on record."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection,
    ):
        (last,) = connection.execute(LAST).fetchone()
        if last is not None:
            return VirtualClock(from_ms(last))
    return VirtualClock(START)


def work(database: str, run: str) -> None:
    """Let edges come until somebody kills us."""
    clock = last_time(database)
    with Engine(database, clock, max_begun=1_000_000, history_days=3_650, misfire="all") as engine:
        for pico in (engine.root, *(engine.new_pico() for _ in range(PICOS - len(engine.picos())))):
            pico.install(FOLLOWING)
        for pico in engine.picos():
            if "following" not in pico.rulesets():
                pico.install(FOLLOWING)
        if not engine.windows():
            engine.add_window("w", *TIMES[0])
        say("ready")
        while (due := engine.next_due()) is not None:
            clock.set(max(due, clock.now()))
            engine.run_due()
            opens, closes = TIMES[clock.now().hour % 2]
            engine.change_window("w", opens=opens, closes=closes)


if __name__ == "__main__":
    kill_children(work)
