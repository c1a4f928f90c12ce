"""A process that is killed while a schedule or a source is held, as its program has not ended.

holding.py WHAT DATABASE END      prints "held" when it is, and waits
holding.py WHAT DATABASE END end  makes the file END, so that programs end, and prints what became of all

WHAT is "schedule" or "source".
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from racing import until
from worker import say

from picosched import Engine, Scheduled
from picosched.sources.state import EntryState

HELD = """ruleset held {
  meta { shares got }
  global { got = function() { ent:got.defaultsTo([]) } }
  rule plan {
    select when held plan
    always {
      schedule held event "due" repeat "* * * * * *"
        with _overlap = "queue" and args = event:attrs{"args"}
    }
  }
  rule run { select when held due proc:run("/bin/sh", event:attrs{"args"}) }
  rule ended { select when proc finished always { ent:got := got().append(event:attrs{"outcome"}) } }
}"""


class Schedule:
    """A schedule that is held."""

    def __init__(self, engine: Engine, args: list[str]) -> None:
        self._engine = engine
        if not engine.root.scheduled():
            engine.root.raise_event("held", "plan", {"args": args})
        (row,) = engine.root.scheduled()
        self.id = row.id

    @property
    def now(self) -> Scheduled | EntryState:
        return self._engine.agenda.load(self.id)

    def pause(self) -> None:
        self._engine.agenda.pause(self.id)


class Source:
    """An entry of a source that is held."""

    def __init__(self, engine: Engine, args: list[str]) -> None:
        self._engine = engine
        entry = {"name": "second", "when": "* * * * * *", "event": "held:due", "attrs": {"args": args}}
        if not engine.sources():
            engine.add_source(
                {"type": "crontab", "to": {"pico": "root"}, "overlap": "queue", "entries": [entry]}
            )
        self.id = self.now.id

    @property
    def now(self) -> Scheduled | EntryState:
        return self._engine.sources()[0].entries[0]

    def pause(self) -> None:
        self._engine.pause_source(self._engine.sources()[0].id)


def work(what: str, database: str, end: Path, last: bool) -> None:
    with Engine(database, granularity=1, min_period=0, proc_allow=("/bin/sh",)) as engine:
        engine.root.install(HELD)
        wait = f"while [ ! -e {end} ]; do sleep 0.05; done"
        held = {"schedule": Schedule, "source": Source}[what](engine, ["-c", wait])
        before = held.now.fires
        engine.start()
        if not last:
            running = partial(engine._commits.read, engine.store.agenda.programs, "running")
            # It fired, and waits once more, for a program that has been started.
            until(lambda: held.now.held and held.now.fires > before and running())
            say("held")
            sys.stdin.read()
        end.touch()
        until(lambda: "exited" in engine.root.query("held", "got"))
        held.pause()
        until(lambda: len(engine.root.query("held", "got")) == held.now.fires)
        fires = engine.history(id=held.id)
        records = [[each.nominal.timestamp(), each.outcome, each.stands_for] for each in fires]
        say(json.dumps({"got": engine.root.query("held", "got"), "records": records}))


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:] == ["end"])
