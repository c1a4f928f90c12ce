"""Picos with a ledger in an engine of this process, and three who keep them busy: each `act` does one thing.

`tell` raises events, `steer` changes schedules from outside, `build` changes what there is: rulesets,
children, sources. Each may run in a thread of its own, again and again.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from picosched import Engine, PicoschedError
from picosched.engine.pico import PicoRef
from picosched.schedule.scheduled import Scheduled

HERE = Path(__file__).parent
LEDGER, GUEST = HERE / "ledger.krl", (HERE / "guest.krl").read_text(encoding="utf-8")
NAMES = ("attic", "cellar", "hall")
TEE = shutil.which("tee") or "/usr/bin/tee"
SECOND = timedelta(seconds=1)

Told = Callable[[str, str, int], None]
"""Called with the pico, the lane and the serial of each event that was answered."""


class Household:
    """What somebody does with an engine. `run` is a name that no run before has had."""

    def __init__(self, engine: Engine, run: str, told: Told, programs: Path) -> None:
        self.engine = engine
        self._run = run
        self._told = told
        self._programs = programs
        """The file in which each program that runs leaves a line: the key of its event."""
        self._houses = [self._house(name) for name in NAMES]
        self._ecis = [self._eci(house) for house in self._houses]
        self._serials: dict[str, int] = {}
        self._mutex = threading.Lock()

    def _house(self, name: str) -> PicoRef:
        try:
            house = self.engine.pico(name)
        except PicoschedError:
            house = self.engine.new_pico(name)
        if "ledger" not in house.rulesets():
            house.install(LEDGER)
        return house

    def _eci(self, house: PicoRef) -> str:
        opened = [each for each in house.channels() if each.tags == ("soak",)]
        return (opened[0] if opened else house.new_channel(["soak"])).eci

    def bring_sources(self) -> None:
        first, second, _ = self._houses
        struck = {"name": "t", "when": "*/3 * * * * *", "event": "clock:struck", "attrs": {"name": "t"}}
        every_second = {"name": "s", "expr": "* * * * * *"}
        known = {each.name for each in self.engine.sources()}
        for source in (
            {"type": "metronome", "name": "m", "interval": 500, "to": {"pico": first.id}, "journal": True},
            {"type": "metronome", "name": "r", "interval": 3_000, "to": {"rid": "ledger"}},
            {"type": "crononome", "name": "c", "to": {"eci": self._ecis[1]}, "entries": [every_second]},
            {"type": "crontab", "name": "t", "to": {"pico": second.id}, "entries": [struck]},
        ):
            if source["name"] not in known:
                self.engine.add_source(source)

    # ---- what is done again and again ----

    def tell(self, chance: random.Random) -> None:
        """Raise an event of any kind in any house."""
        number = chance.randrange(len(self._houses))
        own, others = self._ecis[number], [*self._ecis[:number], *self._ecis[number + 1 :]]
        type, attrs = chance.choice(
            (
                ("told", {}),
                ("later", {"after": chance.randint(0, 3_000)}),
                ("branch", {"width": 3, "depth": 2, "after": chance.randint(0, 500)}),
                ("again", {"count": chance.randint(1, 4)}),
                ("until", {"after": chance.randint(1_000, 4_000)}),
                ("named", {"after": chance.randint(0, 4_000)}),
                ("pass", {"route": others, "own": own}),
                ("consult", {"eci": others[0]}),
                ("child", {"own": own, "after": chance.randint(0, 2_000)}),
                ("failing", {"after": chance.randint(0, 2_000)}),
                ("program", {"program": TEE, "file": str(self._programs)}),
            )
        )
        self._raise(number, "tell", type, attrs)

    def steer(self, chance: random.Random) -> None:
        """Change something that is to come."""
        coming = [
            row for row in self.engine.scheduled() if row.type in ("once", "again") and "key" in row.attrs
        ]
        row = chance.choice([row for row in coming if row.name is None or row.type == "again"] or [None])
        if row is None:
            return
        agenda, now = self.engine.agenda, self.engine.now()
        ways: list[Callable[[], Any]] = [
            lambda: agenda.pause(row.id, now + SECOND * chance.random() * 3),
            lambda: agenda.pause([each.id for each in coming[:20]], now + SECOND),
            lambda: agenda.resume(row.id),
            lambda: agenda.move(row.id, now + SECOND * chance.randint(-1, 2)),
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
        for number, house in enumerate(self._houses):
            if house.id == row.pico_id and self.engine.agenda.cancel(row.id):
                self._raise(number, "steer", "forgiven", {"key": row.attrs["key"]})

    def build(self, chance: random.Random) -> None:
        """Change what there is."""
        house = chance.choice(self._houses)
        way = chance.randrange(4)
        if way == 0:
            house.install(GUEST.replace("{ 0 }", f"{{ {chance.randrange(9)} }}"))
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

    def _raise(self, number: int, by: str, type: str, attrs: dict[str, Any]) -> None:
        # Events of one caller come in their order; those of two threads need not.
        house, lane = self._houses[number], f"{self._run}-{number}-{by}-{threading.get_ident()}"
        with self._mutex:
            serial = self._serials[lane] = self._serials.get(lane, 0) + 1
        house.raise_event("ledger", type, {"lane": lane, "serial": serial, **attrs})
        self._told(house.id, lane, serial)

    # ---- the end ----

    def calm_down(self) -> None:
        """End what comes for ever, so that nothing is to come before long."""
        for source in self.engine.sources():
            self.engine.pause_source(source.id)
        for house in self._houses:
            if "guest" in house.rulesets():
                house.uninstall("guest")
        self.engine.agenda.resume([row.id for row in self.engine.scheduled() if row.paused])

    @property
    def calm(self) -> bool:
        """Whether nothing is to come."""
        return not self.engine.scheduled() and self.engine.next_due() is None
