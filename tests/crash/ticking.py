"""A process that is killed, again and again, while sources tick: `worker.py` for sources."""

from __future__ import annotations

import threading

from worker import kill_children, say

from picosched import Engine

COUNTING = """ruleset counting {
  rule tick { select when metronome tick
    always { ent:ticks := ent:ticks.defaultsTo(0) + 1; ent:last := event:attrs{"id"} } }
  rule second { select when crononome trigger always { ent:seconds := ent:seconds.defaultsTo(0) + 1 } }
  rule all { select when round trip always { ent:trips := ent:trips.defaultsTo(0) + 1 } }
}"""

TO = {"pico": "root"}
SOURCES = (
    {"type": "metronome", "name": "m", "interval": 20, "to": TO, "journal": True},
    {"type": "crononome", "name": "c", "to": TO, "entries": [{"name": "s", "expr": "* * * * * *"}]},
    {"type": "metronome", "name": "r", "interval": 50, "event": "round:trip", "to": {"rid": "counting"}},
)


def work(database: str, run: str) -> None:
    """Let sources tick until somebody kills us."""
    engine = Engine(database, granularity=1, max_begun=1_000_000)
    root = engine.root
    if "counting" not in root.rulesets():
        root.install(COUNTING)
    known = {source.name for source in engine.sources()}
    for source in SOURCES:
        if source["name"] not in known:
            engine.add_source(source)
    engine.start()
    say("ready")
    threading.Event().wait()


if __name__ == "__main__":
    kill_children(work)
