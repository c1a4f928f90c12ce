"""A process that is one of several machines on a PostgreSQL database, and is killed again and again.

Like `worker.py`. The child raises events in picos of all shards, wherever they belong, and says `told KEY`
for each that was answered.
"""

from __future__ import annotations

import os
import random
import traceback

from worker import kill_children, say

from picosched import Engine
from picosched.store.faults import StoreError

OPTIONS = {
    "granularity": 1,
    "min_period": 0,
    "misfire": "all",
    "max_begun": 1_000_000,
    "proc_allow": ["/bin/sleep"],
}


def work(database: str, run: str) -> None:
    """Take part until somebody kills us."""
    while True:
        try:
            engine = Engine(database, **OPTIONS)
            picos = [pico for pico in engine.picos() if pico.name.startswith("field")]
            engine.start()
            break
        except StoreError:
            say("lost")
        except BaseException:
            traceback.print_exc()
            raise
    say(f"ready {os.getpid()}")
    number = 0
    while True:
        number += 1
        key = f"{os.getpid()}-{run}-{number}"
        try:
            random.choice(picos).raise_event("field", "told", {"key": key})
            say(f"told {key}")
        except StoreError:  # the session was ended, or its server is being started again
            say("lost")


if __name__ == "__main__":
    kill_children(work)
