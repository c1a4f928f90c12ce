"""A process that is killed, again and again, while its rules send events to another server.

Like `ticking.py`; the environment has the server's address (`HOST`) and the channel there (`ECI`).
"""

from __future__ import annotations

import os
import threading

from worker import kill_children, say

from picosched import Engine

POSTING = """ruleset posting {
  rule post { select when metronome tick
    event:send({"eci": ctx:rid_config{"eci"}, "domain": "parcel", "type": "arrived",
        "attrs": {"n": ent:sent.defaultsTo(0)}}, ctx:rid_config{"host"})
    always { ent:sent := ent:sent.defaultsTo(0) + 1 } }
}"""


def work(database: str, run: str) -> None:
    """Let rules send until somebody kills us."""
    engine = Engine(database, granularity=1, max_begun=1_000_000, http_allow=["127.0.0.1"])
    if "posting" not in engine.root.rulesets():
        engine.root.install(POSTING, {"host": os.environ["HOST"], "eci": os.environ["ECI"]})
    if not engine.sources():
        engine.add_source({"type": "metronome", "name": "m", "interval": 20, "to": {"pico": "root"}})
    engine.start()
    say("ready")
    threading.Event().wait()


if __name__ == "__main__":
    kill_children(work)
