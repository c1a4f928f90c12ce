"""A process that is killed, again and again, while occurrences of sources fail and are tried again.

Time passes by hand, from due time to due time, and goes on where the process before was killed.
"""

from __future__ import annotations

from worker import kill_children, say

from picosched import Engine, VirtualClock

START = "2026-03-01T00:00:00Z"
RETRY = 3
SHAKY = """ruleset shaky {
  global {
    is_broken = function() {
      now = time:now();
      now.match(re#T(05|06|07|11|17|23):#) || now.match(re#T\\d[13579]:0[01]:#)
    }
  }
  rule count { select when table line always { ent:done := ent:done.defaultsTo(0) + 1 } }
  rule work { select when table line pre { _ = is_broken() => "work" - 1 | 0 } }
  rule hear {
    select when schedule failed or schedule recovered
    always { ent:heard := ent:heard.defaultsTo(0) + 1 }
  }
}"""
TO = {"one": {"pico": "root"}, "many": {"rid": "shaky"}}


def work(database: str, run: str) -> None:
    """Let occurrences come until somebody kills us."""
    clock = VirtualClock(START)
    with Engine(database, clock, history_days=3_650) as engine:
        pagers = [each for each in engine.root.channels() if "pager" in each.tags]
        (pager,) = pagers or [engine.root.new_channel(["pager"])]
    alerts = {"pager": {"to": f"eci:{pager.eci}"}}
    engine = Engine(database, clock, alerts=alerts, max_begun=1_000_000, history_days=3_650)
    if "shaky" not in engine.root.rulesets():
        engine.root.install(SHAKY)
    known = {source.name for source in engine.sources()}
    for name, to in TO.items():
        entry = {"name": name, "when": "0 * * * *", "event": "table:line"}
        if name not in known:
            engine.add_source({"type": "crontab", "name": name, "to": to, "retry": RETRY, "entries": [entry]})
    say("ready")
    while (due := engine.next_due()) is not None:
        clock.set(max(due, clock.now()))
        engine.run_due()


if __name__ == "__main__":
    kill_children(work)
