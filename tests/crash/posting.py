"""A process that is killed, again and again, while its rules send events to another server.

Like `ticking.py`; the environment has the server's address (`HOST`) and the channel there (`ECI`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from worker import die_before, import_all, say

from picosched import Engine

POSTING = """ruleset posting {
  rule post { select when metronome tick
    event:send({"eci": ctx:rid_config{"eci"}, "domain": "parcel", "type": "arrived",
        "attrs": {"n": ent:sent.defaultsTo(0)}}, ctx:rid_config{"host"})
    always { ent:sent := ent:sent.defaultsTo(0) + 1 } }
}"""


def work(database: str) -> None:
    """Let rules send until somebody kills us."""
    engine = Engine(database, granularity=1, max_begun=1_000_000, http_allow=["127.0.0.1"])
    if "posting" not in engine.root.rulesets():
        engine.root.install(POSTING, {"host": os.environ["HOST"], "eci": os.environ["ECI"]})
    if not engine.sources():
        engine.add_source({"type": "metronome", "name": "m", "interval": 20, "to": {"pico": "root"}})
    engine.start()
    say("ready")
    threading.Event().wait()


def main() -> None:
    import_all()
    for line in sys.stdin:
        database, kind, amount = line.split()
        child = os.fork()
        if child == 0:
            try:
                if kind == "statement":
                    die_before(int(amount))
                work(database)
            finally:
                os._exit(1)
        if kind == "after":
            threading.Timer(float(amount), os.kill, (child, signal.SIGKILL)).start()
        _, status = os.waitpid(child, 0)
        say("killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else "died")


if __name__ == "__main__":
    main()
