"""A process that is killed, again and again, while a household does all that picos can do.

A child has four threads: three that act (`tests/soak/household.py`), and the scheduler. Its clock runs RATE
times as fast as the machine's, so that much comes within the moments that it lives. It says
`told PICO LANE SERIAL` for each event that was answered. The order `rest` has it raise what is left, until
nothing is to come, and then it kills itself.

A program that runs while its child is killed goes on and ends by itself.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from picosched import Engine
from picosched.clock import SystemClock, Wake
from tests.crash.worker import die_before, say
from tests.soak.household import TEE, Household

RATE = 10
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class FastClock(SystemClock):
    """The machine's clock, RATE times as fast since BEGAN."""

    def now(self) -> datetime:
        return BEGAN + (super().now() - BEGAN) * RATE

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        if time is not None:
            wake.wait(max(0.0, (time - self.now()) / timedelta(seconds=RATE)))
        else:
            wake.wait()


def told(pico: str, lane: str, serial: int) -> None:
    say(f"told {pico} {lane} {serial}")


def work(database: str, run: str, *, rests: bool, lives: float | None) -> None:
    """Keep a household busy, until somebody kills us, or for so many seconds."""
    engine = Engine(
        database, FastClock(), granularity=1, min_period=0, proc_allow=(TEE,), max_begun=1_000_000
    )
    home = Household(engine, run, told, Path(f"{database}.programs"))
    if rests:
        home.calm_down()
        engine.start()
        while not home.calm:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    home.bring_sources()
    engine.start()
    if lives is not None:
        threading.Timer(lives, os.kill, (os.getpid(), signal.SIGKILL)).start()
    for act in (home.tell, home.steer, home.build):
        threading.Thread(target=for_ever, args=(act, random.Random(f"{run} {act.__name__}"))).start()
    threading.Event().wait()


def for_ever(act: Callable[[random.Random], None], chance: random.Random) -> None:
    try:
        while True:
            act(chance)
    except BaseException as error:
        say(f"failed {type(error).__name__}: {error}")
        os._exit(1)


def main() -> None:
    for number, line in enumerate(sys.stdin):
        database, kind, amount = line.split()
        child = os.fork()
        if child == 0:
            try:
                if kind == "statement":
                    die_before(int(amount))
                lives = float(amount) if kind == "after" else None
                work(database, f"r{number}", rests=kind == "rest", lives=lives)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        say("killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else "died")


if __name__ == "__main__":
    main()
