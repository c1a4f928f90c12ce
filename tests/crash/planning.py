"""A process that is killed, again and again, while somebody schedules events, as `worker.py` is."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

from worker import kill_children, say

from picosched import Engine, VirtualClock
from picosched.acting import COMMAND_LINE, Actor
from picosched.clock import parse_time

HEARD = """ruleset heard {
  rule due { select when plan due fired { ent:times := ent:times.defaultsTo([]).append(event:attrs{"n"}) } }
}"""
START = parse_time("2026-03-01T08:00:00Z")
PLANS = 40


def work(database: str, run: str) -> None:
    """Schedule an event for each minute, with a key, and raise it, unless somebody kills us first."""
    clock = VirtualClock(START)
    engine = Engine(database, clock, max_begun=1_000_000).acting(Actor(COMMAND_LINE, "joe"))
    root = engine.root
    if "heard" not in root.rulesets():
        root.install(HEARD)
    say("ready")
    for n in range(PLANS):
        at = START + timedelta(minutes=n + 1)
        id = root.schedule("plan", "due", at=at, attributes={"n": n}, once=str(n)).id
        say(f"told {n} {id}")
        clock.reach(at)
        engine.run_due()
    say("done")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    kill_children(work)
