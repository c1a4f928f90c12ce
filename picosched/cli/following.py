"""`journal --follow`: print turns as they happen, until interrupted or until the reader closes the pipe.

A closed pipe is noticed only on the next write, which may never happen, so where the system supports it a
thread polls for that.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picosched.engine.reached import Reached
    from picosched.store.journal import Entry


@contextmanager
def until_stopped() -> Iterator[None]:
    """End the block quietly on Ctrl-C or when the reader of the output is gone."""
    try:
        try:
            _end_with_the_reader()
            yield
        except BrokenPipeError:
            _write_nowhere()
        # Both notifications that the reader is gone may arrive, one after the other.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def follow_turns(engine: Reached, last: Sequence[Entry], pico_id: str | None) -> Iterator[Entry]:
    """Yield these turns, then new ones; each must be printed before the next is taken.

    PicoschedError if the server ends the stream.
    """
    yield from _flushed(last)
    # Without a turn of this pico, start after the last turn of all.
    newest = last[-1:] or engine.journal(limit=1)
    yield from _flushed(engine.follow(newest[-1].seq if newest else 0, pico_id))


def _flushed(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        sys.stdout.flush()


def _end_with_the_reader() -> None:
    """Interrupt the main thread, as Ctrl-C does, when the reader of the pipe is gone."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # not a file, as in tests
        return
    if not hasattr(select, "poll"):
        return
    watched = select.poll()
    watched.register(output, 0)  # waits only for the other end to close
    main = threading.main_thread().ident
    assert main is not None

    def wait() -> None:
        watched.poll()
        _write_nowhere()
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=wait, name="the reader", daemon=True).start()


def _write_nowhere() -> None:
    """Redirect output from a pipe without a reader, so that flushing at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
