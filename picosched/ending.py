"""Ends the process after a signal: cleanly if that succeeds within a grace period, else at once.

The first SIGINT or SIGTERM starts a clean end. A thread of its own waits for the grace period; after it, or
at a second signal, the process ends at once, whatever its other threads are doing: it lists the remaining
threads on stderr, and exits with status 3.

No acknowledged event is lost, and none is handled twice, because the store survives `kill -9`: uncommitted
work has not happened, and due rows that were not settled are still due.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType

from picosched.clock import ticks
from picosched.errors import EXIT_STATUS

GRACE_SECONDS = 10.0
"""How long a clean end may take by default."""

LAST_SECONDS = 0.5
"""How long the final message may take: stderr may be a pipe that nobody reads."""

TWICE_SECONDS = 0.5
"""A signal repeated within this time counts as the same one, passed on by our parent process as well."""

LEFT = 0
"""No signal: the block was left."""

OnSignal = Callable[[int, FrameType | None], object]


@contextmanager
def ending(grace: float, stop: OnSignal, last: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Inside, the first signal calls `stop`, as a signal handler; `last` is called before a hard end.

    After a signal this applies until the process ends, not only the block: code after the block is limited
    too. ValueError outside the main thread, the only one that gets signals.
    """
    came: SimpleQueue[int] = SimpleQueue()  # the only queue that a signal handler may put into
    signalled = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal signalled
        signalled = True
        came.put(number)
        stop(number, frame)

    before = {each: signal.signal(each, handle) for each in (signal.SIGINT, signal.SIGTERM)}
    threading.Thread(target=_watch, args=(came, grace, last), name="ending", daemon=True).start()
    try:
        yield
    finally:
        if not signalled:
            for each, as_before in before.items():
                signal.signal(each, as_before)
            came.put(LEFT)


def _watch(came: SimpleQueue[int], grace: float, last: Callable[[], object]) -> None:
    """Wait for a signal, then for a second one or the end of the grace period."""
    first = came.get()
    if first == LEFT:
        return
    until, soon = ticks() + grace, ticks() + TWICE_SECONDS
    name = signal.Signals(first).name
    why = f"it had not ended {grace:g} s after {name}"
    with suppress(Empty):
        second = came.get(timeout=grace)
        while ticks() < soon:  # the first signal, repeated
            second = came.get(timeout=max(0.0, until - ticks()))
        why = f"{signal.Signals(second).name} came after {name}"
    telling = threading.Thread(target=_tell, args=(why, last), name="ending", daemon=True)
    telling.start()
    telling.join(LAST_SECONDS)
    os._exit(EXIT_STATUS["internal"])


def _tell(why: str, last: Callable[[], object]) -> None:
    """Call `last` and report the hard end on stderr."""
    last()
    names = {each.name for each in threading.enumerate()} - {"MainThread", "ending"}
    told = (
        f"picosched ended at once: {why}. At work were {', '.join(sorted(names)) or 'no other threads'}. "
        "Acknowledged events are kept; unfinished due events are still due.\n"
    )
    os.write(2, told.encode())
    sys.stdout.flush()
