"""A process that one of its rules kills: `poisoned.py DATABASE plan|look|raise|share HOW`.

`plan` schedules an event for each of six picos, all due at once, one of which kills whoever raises it: in its
`turn`, as a `repeat`, once it `asks`; or makes a `source` that does. With `among` the five others wait for an
answer when it dies. `look` opens the database and raises nothing, `raise` raises what is due, `share` does so
as one of several machines, until all six have been raised or failed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from picosched import Engine, Store, Turn, VirtualClock
from picosched.krl.requests import HttpRequest, HttpResponse

RULESET = """
ruleset poisoned {
  meta { shares rang }
  global { rang = function() { ent:rang.defaultsTo(0) } }
  rule plan {
    select when poisoned plan
    if event:attrs{"how"} != "repeat" then noop()
    fired { schedule poisoned event "rings" at event:attrs{"at"} attributes {"how": event:attrs{"how"}} }
    else { schedule poisoned event "rings" repeat "10 * * * * *" attributes {"how": "repeat"} }
  }
  rule asks {
    select when poisoned rings where event:attrs{"how"} == "asks" || event:attrs{"how"} == "waits"
    http:get("http://poison.example/") setting(answer)
  }
  rule rings {
    select when poisoned rings
    send_directive(event:attrs{"how"}.defaultsTo("source"))
    always { ent:rang := rang() + 1 }
  }
}
"""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Poisoned(Store):
    """A store in which a turn with a certain directive kills the process before it is written."""

    def write(self, turn: Turn, *rest: Any, **more: Any) -> None:
        if any(each.name in ("turn", "repeat", "asks", "source") for each in turn.directives):
            die()
        super().write(turn, *rest, **more)


class Outside:
    """Answers once the event that kills the process has failed."""

    engine: Engine

    def ask(self, request: HttpRequest) -> HttpResponse:
        never = threading.Event()
        while not any(fire.outcome == "failed" for fire in self.engine.history()):
            never.wait(0.01)
        return HttpResponse(200, "OK")


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(200, "OK")


def plan(engine: Engine, how: str) -> None:
    for number in range(6):
        pico = engine.new_pico(f"pico {number}")
        pico.install(RULESET)
        own = how if number == 2 and how != "source" else "well"
        if how == "among":
            own = "turn" if number == 2 else "waits"
        pico.raise_event("poisoned", "plan", {"at": "2026-03-01T12:00:10Z", "how": own})
    if how == "source":
        entries = [{"name": "e", "expr": "10 0 12 1 3 *", "payload": {"how": "source"}}]
        to = {"pico": "pico 2"}
        engine.add_source(
            {"type": "crononome", "to": to, "event": "poisoned:rings", "misfire": "once", "entries": entries}
        )


def main(path: str, what: str, how: str) -> None:
    store = Poisoned(path)
    time = "2026-03-01T12:00:00Z" if what == "plan" else "2026-03-01T12:00:20Z"
    outside = Outside()
    ask = outside.ask if how == "among" else answer
    with Engine(store, VirtualClock(time), granularity=1, min_period=0, outside=ask) as engine:
        outside.engine = engine
        if what == "plan":
            plan(engine, how)
        elif what == "share" or (what, how) == ("raise", "among"):
            engine.start()
            while len(engine.history()) < 6:
                threading.Event().wait(0.01)
        elif what == "raise":
            engine.run_due()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
