"""A process that is killed, again and again, while alerts are made and removed between failures.

Time passes by hand. Of four hours the second and the fourth fail; an alert is made before the second, and is
removed before the fourth: so of each two failures one is told.
"""

from __future__ import annotations

from worker import kill_children, say

from picosched import Engine, VirtualClock

START = "2026-03-01T00:30:00Z"
FAILING = """ruleset failing {
  rule plan { select when failing plan fired { schedule failing event "due" repeat "0 * * * *" } }
  rule due { select when failing due pre { _ = time:now().match(re#T\\d[13579]:#) => "work" - 1 | 0 } }
  rule hear { select when schedule failed always { ent:heard := ent:heard.defaultsTo(0) + 1 } }
}"""
TOLD = (1, 2)
"""Of four hours those while there is an alert: the failure, and the recovery."""


def work(database: str, run: str) -> None:
    """Let hours pass until somebody kills us."""
    clock = VirtualClock(START)
    with Engine(database, clock, max_begun=1_000_000, history_days=3_650) as engine:
        if "failing" not in engine.root.rulesets():
            engine.root.install(FAILING)
        if not engine.agenda.scheduled():
            engine.root.raise_event("failing", "plan")
        pagers = [each for each in engine.root.channels() if "pager" in each.tags]
        (pager,) = pagers or [engine.root.new_channel(["pager"])]
        say("ready")
        while (due := engine.next_due()) is not None:
            there = bool(engine.alerts())
            if due.hour % 4 in TOLD and not there:
                engine.add_alert("pager", f"eci:{pager.eci}", on=["failed"])
            elif due.hour % 4 not in TOLD and there:
                engine.remove_alert("pager")
            clock.set(max(due, clock.now()))
            engine.run_due()


if __name__ == "__main__":
    kill_children(work)
