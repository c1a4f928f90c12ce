"""A process that is killed while a schedule is held: its program has not ended, and the next one is due.

holding.py DATABASE END      prints "held" when it is, and waits
holding.py DATABASE END end  makes the file END, so that programs end, and prints what became of all
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from racing import until
from worker import say

from picosched import Engine

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


def work(database: str, end: Path, last: bool) -> None:
    with Engine(database, granularity=1, min_period=0, proc_allow=("/bin/sh",)) as engine:
        if not engine.root.scheduled():
            engine.root.install(HELD)
            wait = f"while [ ! -e {end} ]; do sleep 0.05; done"
            engine.root.raise_event("held", "plan", {"args": ["-c", wait]})
        (row,) = engine.root.scheduled()
        engine.start()
        if not last:
            until(lambda: _is_held_again(engine, row.id, row.fires))
            say("held")
            sys.stdin.read()
        end.touch()
        until(lambda: "exited" in engine.root.query("held", "got"))
        engine.agenda.pause(row.id)
        until(lambda: len(engine.root.query("held", "got")) == engine.agenda.load(row.id).fires)
        fires = engine.history(id=row.id)
        records = [[each.nominal.timestamp(), each.outcome, each.stands_for] for each in fires]
        say(json.dumps({"got": engine.root.query("held", "got"), "records": records}))


def _is_held_again(engine: Engine, id: str, fires: int) -> bool:
    """Whether it fired since this process began, and waits once more."""
    row = engine.agenda.load(id)
    return row.held and row.fires > fires


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), sys.argv[3:] == ["end"])
