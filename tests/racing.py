"""Threads that race: they are switched as often as can be, begin together, and all of them end well.

And what waits for a state that another thread brings about, with an end to it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SWITCH_SECONDS = 1e-6
SECONDS = 60.0
PATIENCE = 30
"""Seconds in which a state has to come."""


@contextmanager
def hurried() -> Iterator[None]:
    """Let the interpreter switch between threads every few bytecodes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def race(*works: Callable[[], Any]) -> list[Any]:
    """What each of `works` returned, all of them run at the same time; the first error, if one raised any."""
    line = threading.Barrier(len(works))
    outcomes: list[Any] = [None] * len(works)
    errors: list[BaseException] = []

    def run(place: int) -> None:
        try:
            line.wait(SECONDS)
            outcomes[place] = works[place]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(works))]
    with hurried():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
    if errors:
        raise errors[0]
    return outcomes


def meanwhile(work: Callable[[], Any], *others: Callable[[], Any]) -> Any:
    """What `work` returns while each of `others` is called again and again."""
    done = threading.Event()

    def first() -> Any:
        try:
            return work()
        finally:
            done.set()

    def again(other: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            while not done.is_set():
                other()

        return run

    return race(first, *map(again, others))[0]


def until(come: Callable[[], object], told: Callable[[], object] = lambda: None) -> None:
    """Return once a state has come; if it does not, AssertionError with what is `told` of it then."""
    never = threading.Event()
    for _ in range(PATIENCE * 100):
        if come():
            return
        never.wait(0.01)
    raise AssertionError(f"a state did not come in {PATIENCE} s: {told()}")
