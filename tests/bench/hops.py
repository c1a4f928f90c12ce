"""Hops: files that one warm event or due row enters, moves from file to file, and calls.

Counted on the second call by the interpreter's own profile hook: each call and return within the package, and
each time a generator goes on. `python -m tests.bench.hops --trace` lists them in order.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import picosched
from picosched import Engine, VirtualClock
from picosched.store.sqlite.database import SQLiteDatabase
from picosched.turns.lock import FairLock

PACKAGE = str(Path(picosched.__file__).parent)
START = "2026-03-01T00:00:00Z"
RULESET = Path(__file__).with_name("counter.krl")


class Hops:
    """The files of the package that are entered while `work` runs, in order."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.places: list[str] = []
        self.calls = 0
        """Calls of functions of the package, and of those that Python makes for its dataclasses."""
        self.called: Counter[str] = Counter()
        """How often each function was called."""
        sys.setprofile(self._see)
        try:
            work()
        finally:
            sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_back is not None:
            frame = frame.f_back
        elif event != "call":
            return
        name = frame.f_code.co_filename
        self.called[frame.f_code.co_qualname] += event == "call"
        self.calls += event == "call" and (name.startswith(PACKAGE) or name == "<string>")
        if name.startswith(PACKAGE):
            place = name.removeprefix(PACKAGE + "/").removesuffix(".py")
            if not self.places or self.places[-1] != place:
                self.places.append(place)

    @property
    def files(self) -> int:
        return len({*self.places})

    @property
    def rounds(self) -> int:
        """How often the lock around the store was taken."""
        return self.called[FairLock.__enter__.__qualname__]

    @property
    def reads(self) -> int:
        """Statements that read."""
        return self.called[SQLiteDatabase.row.__qualname__] + self.called[SQLiteDatabase.rows.__qualname__]

    @property
    def moves(self) -> int:
        return len(self.places) - 1


def of_an_event() -> Hops:
    """One event through a channel, whose rule sets a variable and sends a directive."""
    with Engine(clock=VirtualClock(START)) as engine:
        engine.root.install(RULESET)
        eci = engine.root.new_channel().eci
        engine.raise_event(eci, "counter", "step")
        return Hops(lambda: engine.raise_event(eci, "counter", "step"))


def of_a_due_row() -> Hops:
    """One scheduled event that is due."""
    clock = VirtualClock(START)
    with Engine(clock=clock, min_period=0) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("counter", "tick_every", {"timespec": "0 * * * *"})
        clock.advance(hours=1)
        engine.run_due()
        clock.advance(hours=1)
        return Hops(engine.run_due)


def main() -> None:
    """Print the counts of both."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--trace", action="store_true", help="list the files in their order")
    trace = arguments.parse_args().trace
    for name, hops in (("one warm event", of_an_event()), ("one due row", of_a_due_row())):
        listed = "".join(f"  {place}\n" for place in hops.places) if trace else ""
        sys.stdout.write(f"{name}: {hops.files} files, {hops.moves} moves, {hops.calls} calls\n{listed}")


if __name__ == "__main__":
    main()
