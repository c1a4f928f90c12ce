"""A process whose disk fails at a call that is chosen: `faults.c` is preloaded into it.

It imports the engine once and forks a child for each order it reads from stdin: a database, whether the power
is cut in the end, and for `faults_arm` the kinds of calls, the number of the first that fails, how many do,
how, and the error. The child opens the database, raises events, lets time pass, and says what became of each
event; whatever fails, it goes on:

    told KEY      it was answered, so it must be kept
    doubt KEY     it is not known whether it was kept
    lost KEY      nothing of it was kept
    refused …     the database could not be opened
    failed …      something that is due could not be raised
    wrong …       an error that nobody foresaw
    counted N     calls of those kinds
    end STATUS    the child is gone (said by its parent)
"""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
from collections.abc import Callable

from picosched import Engine, PicoRef, PicoschedError, VirtualClock
from picosched.store.faults import InDoubtError

NOW = "2026-03-01T12:00:00Z"
EVENTS = 8
TRIES = 4

RULESET = """ruleset faulty {
  meta { shares told, heard }
  global {
    told = function() { ent:told.defaultsTo({}) }
    heard = function() { ent:heard.defaultsTo({}) }
  }
  rule told {
    select when f told
    pre { key = event:attrs{"key"} }
    always {
      ent:told := told().put(key, (told(){key} || 0) + 1)
      schedule f event "heard" at time:add(time:now(), {"seconds": 2}) attributes {"key": key}
    }
  }
  rule heard {
    select when f heard
    pre { key = event:attrs{"key"} }
    always { ent:heard := heard().put(key, (heard(){key} || 0) + 1) }
  }
}"""

faults = ctypes.CDLL(None)


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)).replace("\n", " ") + "\n").encode())


def tried(what: Callable[[], object], word: str, key: object = "") -> bool:
    """Do something that the disk may make fail; whether it was done."""
    try:
        what()
        return True
    except InDoubtError:
        say("doubt" if key else word, key)
    except PicoschedError as error:
        say(word, key, error.code, error.message)
    return False


def done(what: Callable[[], object]) -> None:
    """Do something, again and again if need be: no disk here fails for more than some dozens of calls."""
    for _ in range(1_000):
        if tried(what, "failed"):
            return
    raise AssertionError("the disk does its work again, and this does not")


def opened(database: str) -> Engine | None:
    engines: list[Engine] = []
    for _ in range(TRIES):
        clock = VirtualClock(NOW)
        if tried(lambda: engines.append(Engine(database, clock, granularity=1, seed=1)), "refused"):  # noqa: B023
            return engines[0]
    return None


def work(database: str, power: bool) -> None:
    engine = opened(database)
    if engine is None:
        return
    # So that SQLite moves its log into the file again and again.
    tried(lambda: engine.store._database.run("PRAGMA wal_autocheckpoint = 6"), "failed")
    roots: list[PicoRef] = []
    done(lambda: roots.append(engine.root))
    (root,) = roots
    done(lambda: root.rulesets() or root.install(RULESET))
    for number in range(EVENTS):
        key = f"k{number}"
        if tried(lambda: root.raise_event("f", "told", {"key": key}), "lost", key):  # noqa: B023
            say("told", key)
        engine.clock.advance(seconds=1)
        tried(engine.run_due, "failed")
    if power:  # before the log is moved into the file, which would mend much
        say("counted", faults.faults_counted())
        faults.faults_cut()
    tried(engine.close, "failed")


def child(database: str, numbers: list[int], power: bool) -> None:
    try:
        faults.faults_arm(database.encode(), *numbers)
        work(database, power)
        say("counted", faults.faults_counted())
    except BaseException:
        say("wrong", traceback.format_exc())
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        database, power, *numbers = line.split()
        pid = os.fork()
        if pid == 0:
            child(database, [int(each) for each in numbers], power == "cut")
        _, status = os.waitpid(pid, 0)
        say("end", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
