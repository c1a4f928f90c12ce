"""The end of a process that is told to stop: in good order if it can be had in time, and else all the same.

The first SIGINT or SIGTERM begins the end in good order. A thread that does nothing else counts the grace
from there; when it is over, or a second signal comes, the process ends at once, whatever its other threads
do: the threads that are still there are named on stderr, and the status is 3.

Nothing is lost by that which was acknowledged, and nothing happens twice, for the store is made for
`kill -9`: what was not committed did not happen, and what was due and did not happen is still due.
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
"""How long the end in good order may take, unless somebody says otherwise."""

LAST_SECONDS = 0.5
"""How long the last words may take: stderr may be a pipe that nobody reads."""

TWICE_SECONDS = 0.5
"""Within so long a signal is the same one, which whoever started us hands on besides."""

LEFT = 0
"""No signal: the block was left."""

OnSignal = Callable[[int, FrameType | None], object]


@contextmanager
def ending(grace: float, stop: OnSignal, last: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Inside, the first signal calls `stop`, as a handler of signals; before a hard end `last` is called.

    Once a signal came, all this holds to the end of the process, not of the block: whatever is left to do
    behind it has an end too. ValueError outside the main thread, which alone gets signals.
    """
    came: SimpleQueue[int] = SimpleQueue()  # the one kind of queue that a signal's handler may put into
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
    """Wait for a signal, then for a second one or for the end of the grace."""
    first = came.get()
    if first == LEFT:
        return
    until, soon = ticks() + grace, ticks() + TWICE_SECONDS
    name = signal.Signals(first).name
    why = f"it had not ended {grace:g} s after {name}"
    with suppress(Empty):
        second = came.get(timeout=grace)
        while ticks() < soon:  # the first once more
            second = came.get(timeout=max(0.0, until - ticks()))
        why = f"{signal.Signals(second).name} came after {name}"
    telling = threading.Thread(target=_tell, args=(why, last), name="ending", daemon=True)
    telling.start()
    telling.join(LAST_SECONDS)
    os._exit(EXIT_STATUS["internal"])


def _tell(why: str, last: Callable[[], object]) -> None:
    """The last that happens."""
    last()
    names = {each.name for each in threading.enumerate()} - {"MainThread", "ending"}
    told = (
        f"picosched ended at once: {why}. At work were {', '.join(sorted(names)) or 'no other threads'}. "
        "What was acknowledged is kept; what was due and did not happen is still due.\n"
    )
    os.write(2, told.encode())
    sys.stdout.flush()
