"""`journal --follow`: turns as they happen, until somebody stops it or nobody reads any more.

That the reader of a pipe is gone shows only when one writes, which may be never: where the system can tell it
sooner a thread waits for that.
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
    """What is done inside ends quietly with Ctrl-C and with the reader of the output."""
    try:
        try:
            _end_with_the_reader()
            yield
        except BrokenPipeError:
            _write_nowhere()
        # Both ways of learning that the reader is gone may come, one behind the other.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def follow_turns(engine: Reached, last: Sequence[Entry], pico_id: str | None) -> Iterator[Entry]:
    """These turns, then those that come, each to be printed before the next is taken.

    PicoschedError if the server ends.
    """
    yield from _flushed(last)
    # Without a turn of this pico it begins behind the last of all.
    newest = last[-1:] or engine.journal(limit=1)
    yield from _flushed(engine.follow(newest[-1].seq if newest else 0, pico_id))


def _flushed(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        sys.stdout.flush()


def _end_with_the_reader() -> None:
    """Be interrupted, as by Ctrl-C, when the reader of a pipe goes."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # it is no file, as in tests
        return
    if not hasattr(select, "poll"):
        return
    watched = select.poll()
    watched.register(output, 0)  # nothing is waited for but that the other side is closed
    main = threading.main_thread().ident
    assert main is not None

    def wait() -> None:
        watched.poll()
        _write_nowhere()
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=wait, name="the reader", daemon=True).start()


def _write_nowhere() -> None:
    """Let go of a pipe without a reader: what is left to write would be a fault at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
