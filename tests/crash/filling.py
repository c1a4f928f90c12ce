"""A process that is killed, again and again, while it backfills: `worker.py` for backfills."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

from worker import kill_children, say

from picosched import Engine, VirtualClock
from picosched.clock import parse_time

HOURLY = """ruleset hourly {
  rule plan { select when hourly plan fired { schedule hourly event "due" repeat "0 * * * *" } }
  rule due { select when hourly due fired { ent:times := ent:times.defaultsTo(0) + 1 } }
}"""
START = parse_time("2026-03-01T00:30:00Z")
DAYS = 20


def work(database: str, run: str) -> None:
    """Be away for some days, skip what was missed, and fill it all, unless somebody kills us first."""
    clock = VirtualClock(START)
    engine = Engine(database, clock, misfire="skip", max_begun=1_000_000)
    if "hourly" not in engine.root.rulesets():
        engine.root.install(HOURLY)
    if not engine.root.scheduled():
        engine.root.raise_event("hourly", "plan")
    clock.set(START + timedelta(days=DAYS))
    engine.run_due()
    (row,) = engine.root.scheduled()
    say("ready")
    engine.agenda.backfill(row.id, START, clock.now())
    say("filled")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    kill_children(work)
