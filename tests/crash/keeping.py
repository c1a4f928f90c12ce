"""A process that is killed, again and again, while picos with a ledger do all that picos can do.

It is `worker.py` for the rulesets of `tests/soak`: one thread raises events, one changes schedules from outside,
one changes what there is (rulesets, children, sources), and the scheduler raises what is due. Its clock runs
RATE times as fast as the machine's, so that much comes within the moments that a child lives. It says
`told PICO LANE SERIAL` for each event that was answered. The order `rest` lets it raise what is left, until
nothing is to come, and then it kills itself.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from worker import die_before, say

from picosched import Engine, PicoschedError
from picosched.clock import SystemClock, Wake
from picosched.reference import PicoRef
from picosched.schedule.scheduled import Scheduled

SOAK = Path(__file__).parent.parent / "soak"
LEDGER, GUEST = SOAK / "ledger.krl", (SOAK / "guest.krl").read_text(encoding="utf-8")
HOUSES = ("attic", "cellar", "hall")
RATE = 10
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = (
    ("told", lambda chance, ecis: {}),
    ("later", lambda chance, ecis: {"after": chance.randint(0, 3_000)}),
    ("branch", lambda chance, ecis: {"width": 3, "depth": 2, "after": chance.randint(0, 500)}),
    ("again", lambda chance, ecis: {"count": chance.randint(1, 4)}),
    ("until", lambda chance, ecis: {"after": chance.randint(1_000, 4_000)}),
    ("named", lambda chance, ecis: {"after": chance.randint(0, 4_000)}),
    ("pass", lambda chance, ecis: {"route": chance.sample(ecis, 2), "own": None}),
    ("child", lambda chance, ecis: {"own": None, "after": chance.randint(0, 2_000)}),
    ("failing", lambda chance, ecis: {"after": chance.randint(0, 2_000)}),
)


class FastClock:
    """The machine's clock, RATE times as fast since BEGAN."""

    def __init__(self) -> None:
        self._clock = SystemClock()

    def now(self) -> datetime:
        return BEGAN + (self._clock.now() - BEGAN) * RATE

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        self._clock.wait_until(None if time is None else BEGAN + (time - BEGAN) / RATE, wake)


class Household:
    """The engine of one child, and what its threads do with it until somebody kills them."""

    def __init__(self, database: str, run: str) -> None:
        self.run = run
        self.engine = Engine(database, FastClock(), granularity=1, min_period=0)
        self.houses = [self._house(name) for name in HOUSES]
        self.ecis = [self._eci(house) for house in self.houses]
        self._serials: dict[str, int] = {}

    def _house(self, name: str) -> PicoRef:
        try:
            house = self.engine.pico(name)
        except PicoschedError:
            house = self.engine.new_pico(name)
        if "ledger" not in house.rulesets():
            house.install(LEDGER)
        return house

    def _eci(self, house: PicoRef) -> str:
        open = [each for each in house.channels() if each.tags == ("soak",)]
        return (open[0] if open else house.new_channel(["soak"])).eci

    def bring_sources(self) -> None:
        known = {each.name for each in self.engine.sources()}
        first, second = self.houses[:2]
        for source in (
            {"type": "metronome", "name": "m", "interval": 500, "to": {"pico": first.id}, "journal": True},
            {"type": "metronome", "name": "r", "interval": 3_000, "to": {"rid": "ledger"}},
            {
                "type": "crononome",
                "name": "c",
                "to": {"eci": self.ecis[1]},
                "entries": [{"name": "s", "expr": "* * * * * *"}],
            },
            {
                "type": "crontab",
                "name": "t",
                "to": {"pico": second.id},
                "entries": [{"name": "t", "when": "*/3 * * * * *", "event": "clock:struck", "attrs": {"name": "t"}}],
            },
        ):
            if source["name"] not in known:
                self.engine.add_source(source)

    # The threads

    def tell(self, chance: random.Random) -> None:
        """Raise an event of any kind in any house."""
        number = chance.randrange(len(self.houses))
        type, attrs = chance.choice(EVENTS)
        given = attrs(chance, self.ecis)
        if "own" in given:
            given["own"] = self.ecis[number]
        self._raise(number, f"{self.run}-{number}", type, given)

    def steer(self, chance: random.Random) -> None:
        """Change something that is to come."""
        rows = [row for row in self.engine.scheduled() if row.name is None and "key" in row.attrs]
        row = chance.choice([each for each in rows if each.type in ("once", "again")] or [None])
        if row is None:
            return
        agenda, second = self.engine.agenda, timedelta(seconds=1)
        ways: list[Callable[[], Any]] = [
            lambda: agenda.pause(row.id, self.engine.now() + second * chance.random() * 3),
            lambda: agenda.pause([each.id for each in rows[:20] if each.type == "once"], self.engine.now() + second),
            lambda: agenda.resume(row.id),
            lambda: agenda.move(row.id, self.engine.now() + second * chance.randint(-1, 2)),
            lambda: agenda.fire_now(row.id),
            lambda: self._cancel(row),
        ]
        if row.kind == "repeat":
            ways.append(lambda: agenda.reschedule(row.id, "*/2 * * * * *"))
        try:
            chance.choice(ways)()
        except PicoschedError as error:
            if error.code != "not_found":  # it came meanwhile, or its pico has gone
                raise

    def _cancel(self, row: Scheduled) -> None:
        for number, house in enumerate(self.houses):
            if house.id == row.pico_id and self.engine.agenda.cancel(row.id):
                self._raise(number, f"{self.run}-{number}-steerer", "forgiven", {"key": row.attrs["key"]})

    def build(self, chance: random.Random) -> None:
        """Change what there is."""
        house = chance.choice(self.houses)
        way = chance.randrange(4)
        if way == 0:
            house.install(GUEST.replace("VERSION", str(chance.randrange(9))))
            house.raise_event("guest", "stays")
        elif way == 1 and "guest" in house.rulesets():
            house.uninstall("guest")
        elif way == 2:
            child = self.engine.new_pico("child", house)
            child.install(LEDGER)
            child.raise_event("ledger", "again", {"lane": "parent", "serial": 1, "count": 50})
            child.delete()
        else:
            name = chance.choice(("m", "r", "c", "t"))
            self.engine.pause_source(name)
            self.engine.resume_source(name)

    def _raise(self, number: int, lane: str, type: str, attrs: dict[str, Any]) -> None:
        serial = self._serials[lane] = self._serials.get(lane, 0) + 1
        house = self.houses[number]
        house.raise_event("ledger", type, {"lane": lane, "serial": serial, **attrs})
        say(f"told {house.id} {lane} {serial}")

    def rest(self) -> None:
        """Raise what is left, until nothing is to come."""
        for source in self.engine.sources():
            self.engine.pause_source(source.id)
        for house in self.houses:
            if "guest" in house.rulesets():
                house.uninstall("guest")
        self.engine.agenda.resume([row.id for row in self.engine.scheduled() if row.paused])
        self.engine.start()
        while self.engine.scheduled() or self.engine.next_due() is not None:
            time.sleep(0.01)


def work(database: str, run: str, *, rests: bool) -> None:
    home = Household(database, run)
    if rests:
        home.rest()
        os.kill(os.getpid(), signal.SIGKILL)
    home.bring_sources()
    home.engine.start()
    say("ready")
    for act in (home.tell, home.steer, home.build):
        threading.Thread(target=_for_ever, args=(act, random.Random(f"{run} {act.__name__}"))).start()
    threading.Event().wait()


def _for_ever(act: Callable[[random.Random], None], chance: random.Random) -> None:
    try:
        while True:
            act(chance)
    except BaseException as error:
        say(f"failed {type(error).__name__}: {error}")
        os._exit(1)


def main() -> None:
    for number, line in enumerate(sys.stdin):
        database, kind, amount = line.split()
        child = os.fork()
        if child == 0:
            try:
                if kind == "statement":
                    die_before(int(amount))
                work(database, f"r{number}", rests=kind == "rest")
            finally:
                os._exit(1)
        if kind == "after":
            threading.Timer(float(amount), os.kill, (child, signal.SIGKILL)).start()
        _, status = os.waitpid(child, 0)
        say("killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else "died")


if __name__ == "__main__":
    main()
