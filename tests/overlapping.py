"""A ruleset whose events stay at work as long as a test wants: one runs a program, one asks a host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect
from typing import Any

from picosched import Engine, VirtualClock

RULESET = """ruleset work {
  meta { shares got, asked }
  global {
    got = function() { ent:got.defaultsTo([]) }
    asked = function() { ent:asked.defaultsTo([]) }
  }
  rule plan {
    select when work plan
    always { schedule work event "due" repeat "* * * * *" attributes event:attrs }
  }
  rule run {
    select when work due where event:attrs{"args"}
    proc:run("/bin/sh", event:attrs{"args"})
  }
  rule ask {
    select when work due where event:attrs{"url"}
    http:get(event:attrs{"url"}) setting(answer)
    always { ent:asked := asked().append(answer{"status_code"}) }
  }
  rule finished { select when proc finished always { ent:got := got().append(event:attrs{"outcome"}) } }
}"""


@contextmanager
def at_work(file: Path, clock: VirtualClock, **options: Any) -> Iterator[Engine]:
    with Engine(file, clock, proc_allow=("/bin/sh",), http_allow=("127.0.0.1",), **options) as engine:
        engine.root.install(RULESET)
        engine.start()
        yield engine


def fires_of(engine: Engine, id: str) -> list[tuple[str, str]]:
    """(minute, outcome), first to last."""
    fires = sorted(engine.history(id=id), key=lambda each: each.nominal)
    return [(f"{each.nominal:%H:%M}", each.outcome.value) for each in fires]


def running(engine: Engine) -> int:
    return len(engine._commits.read(engine.store.agenda.programs, "running"))


def got(engine: Engine) -> list[str]:
    """How the programs ended."""
    found: list[str] = engine.root.query("work", "got")
    return found


def copy_as_killed(file: Path, copy: Path) -> None:
    """The database as a kill would leave it now."""
    with closing(connect(file)) as ours, closing(connect(copy)) as other:
        ours.backup(other)
