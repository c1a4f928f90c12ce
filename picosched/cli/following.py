"""`journal --follow`: print turns as they happen, until interrupted or until the reader closes the pipe.

A database is polled, while another process runs its engine; a server pushes. A closed pipe is noticed only
on the next write, which may never happen, so where the system supports it a thread polls for that.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from picosched.errors import PicoschedError

if TYPE_CHECKING:
    from picosched.cli.where import Reached
    from picosched.engine.engine import Engine
    from picosched.store.journal import Entry

LOOK_SECONDS = 0.25
AT_ONCE = 200


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
    yield from _flushed(_coming(engine, last[-1].seq if last else None, pico_id))


def _coming(engine: Reached, seq: int | None, pico_id: str | None) -> Iterator[Entry]:
    from picosched.engine.engine import Engine

    if seq is None:  # no turn of this pico was printed yet, but other picos may have turns
        seq = max((entry.seq for entry in engine.journal(limit=1)), default=0)
    if isinstance(engine, Engine):
        yield from _looked_for(engine, seq, pico_id)
        return
    yield from engine.follow(seq, pico_id)
    raise PicoschedError(f"{engine.url} ended the stream", "internal")


def _looked_for(engine: Engine, seq: int, pico_id: str | None) -> Iterator[Entry]:
    pages, never = engine.store.pages, threading.Event()
    while True:
        found = engine.read(partial(pages.journal_since, seq, AT_ONCE, pico_id=pico_id))
        for entry in found:
            seq = entry.seq
            yield entry
        if not found:
            never.wait(LOOK_SECONDS)


def _flushed(entries: Sequence[Entry] | Iterator[Entry]) -> Iterator[Entry]:
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
