"""One run: a server, its picos, all clients at once, kills if wanted; then the end, and what it came to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.soak import books
from tests.soak.builders import Breeder, Clockmaker, Installer, guest
from tests.soak.figures import Figures, Level, Spread
from tests.soak.household import TEE
from tests.soak.outside import Outside
from tests.soak.report import Report
from tests.soak.scene import House, Line, Scene
from tests.soak.served import Served
from tests.soak.tellers import Keyed, Steerer, Teller, Toiler
from tests.soak.visitors import Console, Copier, Follower, Lister, Passer, Stranger

LEDGER = Path(__file__).with_name("ledger.krl").read_text(encoding="utf-8")
DAY = 86_400

DRAINED_WITHIN = 60.0
"""Seconds from the end of the load until nothing may be due any more."""

SAMPLES = 4_000
"""Of memory and files, at the most."""


@dataclass(frozen=True)
class Plan:
    """How long, and how much."""

    seconds: float = 600.0
    seed: str = "1"
    kill_every: float | None = None
    """Seconds between two kills, on the average; None kills nobody."""
    rate: float = 60.0
    """Things that all clients do in a second, about."""
    houses: int = 6
    memory_tolerance: float = 0.08
    """By so much of itself, and MORE_KIB, the memory may grow from the second to the last quarter."""
    files_tolerance: int = 12


MORE_KIB = 8_192

Tell = Callable[[str], None]


class Run:
    """Plays a plan in a folder, whose files are left there."""

    def __init__(self, plan: Plan, folder: Path, tell: Tell) -> None:
        self.plan = plan
        self.figures = Figures(tell=tell)
        self._tell = tell
        self.end: Callable[[], None] = lambda: None
        """Ends the load before its time; what it came to is told all the same."""
        self._outside = Outside({"/ledger.krl": LEDGER, "/guest.krl": guest(0)})
        settings = {
            "granularity": 1,
            "min_period": 0,
            "http_allow": "127.0.0.1",
            "install_from": "http://127.0.0.1",
            "proc_allow": TEE,
            "history_days": int(plan.seconds // DAY) + 2,  # all of it, so that all of it can be checked
        }
        self._served = Served(folder, settings, self.figures)

    async def play(self) -> Report:
        """The whole run; what it came to."""
        try:
            return await self._play()
        finally:
            await asyncio.to_thread(self._served.kill)
            await asyncio.to_thread(self._outside.close)

    async def _play(self) -> Report:
        started = await asyncio.to_thread(self._served.start)
        clients = 20 + 3 * self.plan.houses
        pause = clients / self.plan.rate
        programs = self._served.folder / "programs"
        scene = Scene(self._served, self.figures, self._outside.url, self.plan.seed, programs, pause)
        scene.up.set()
        self.end = scene.ending.set
        line = Line(scene)
        await self._set_up(scene, line)
        self._tell(f"served at {self._served.url} (pid started in {started:.1f} s), {clients} clients")
        began = time.monotonic()
        tasks = [asyncio.create_task(each.live()) for each in self._clients(scene)]
        beside = [asyncio.create_task(each) for each in self._beside(scene, began)]
        try:
            await self._until(began, scene, tasks + beside)
            scene.ending.set()
            await asyncio.gather(*tasks, *beside)
        finally:
            for each in tasks + beside:
                each.cancel()
            await asyncio.gather(*tasks, *beside, return_exceptions=True)
        loaded = time.monotonic() - began
        drained = await self._drained(line)
        await line.close()
        self._tell("the load has ended; the server stops")
        status, stopped = await asyncio.to_thread(self._served.stop)
        if status != 0:
            self.figures.fault(f"SIGTERM ended the server with the status {status}")
        self._tell("reading the database …")
        return await asyncio.to_thread(self._judged, scene, loaded, drained, stopped)

    async def _set_up(self, scene: Scene, line: Line) -> None:
        for number in range(self.plan.houses):
            name = f"house{number}"
            made = await line.insist("api", "POST", "/api/picos", json={"name": name}, fine=(201,))
            ledger = {"url": f"{self._outside.url}/ledger.krl"}
            await line.insist("api", "POST", f"/api/picos/{name}/rulesets", json=ledger, fine=(201,))
            tags = {"tags": ["soak"]}
            opened = await line.insist("api", "POST", f"/api/picos/{name}/channels", json=tags, fine=(201,))
            scene.houses.append(House(made.json()["id"], name, opened.json()["eci"]))
        for source in Clockmaker.sources(scene):
            await line.insist("source", "POST", "/api/sources", json=source, fine=(201,))

    def _clients(self, scene: Scene) -> list[Any]:
        houses = scene.houses
        found: list[Any] = [
            Teller(scene, f"teller{n}", houses[n % len(houses)]) for n in range(2 * len(houses))
        ]
        found += [Steerer(scene, f"steerer{n}", house) for n, house in enumerate(houses)]
        found += [Keyed(scene, f"keyed{n}", houses[n]) for n in range(3)]
        found += [
            Toiler(scene, "toiler", houses[-1]),
            Installer(scene, "installer"),
            Breeder(scene, "breeder"),
        ]
        found += [Clockmaker(scene, "clockmaker"), Follower(scene, "follower"), Copier(scene, "copier")]
        found += [Passer(scene, f"passer{n}") for n in range(3)]
        found += [Console(scene, f"console{n}") for n in range(3)]
        found += [Lister(scene, f"lister{n}") for n in range(2)]
        return [*found, *(Stranger(scene, f"stranger{n}") for n in range(2))]

    def _beside(self, scene: Scene, began: float) -> list[Coroutine[Any, Any, None]]:
        beside = [self._sample(scene), self._progress(scene, began)]
        return [*beside, self._kill(scene)] if self.plan.kill_every else beside

    async def _until(self, began: float, scene: Scene, tasks: list[asyncio.Task[None]]) -> None:
        """Until the time is over; a client that fails ends the run."""
        left = self.plan.seconds - (time.monotonic() - began)
        done, _ = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            each.result()

    async def _kill(self, scene: Scene) -> None:
        """Kill the server now and then, and start it again."""
        chance = scene.chance("killer")
        assert self.plan.kill_every is not None
        while not await _set_within(scene.ending, self.plan.kill_every * chance.uniform(0.5, 1.5)):
            scene.hurried = True
            await _set_within(scene.ending, chance.uniform(0.2, 0.8))
            scene.hurried = False
            scene.deaths += 1
            scene.up.clear()
            await asyncio.to_thread(self._served.kill)
            seconds = await asyncio.to_thread(self._served.start)
            self.figures.latency.setdefault("restart", Spread()).add(seconds * 1_000)
            scene.up.set()

    async def _sample(self, scene: Scene) -> None:
        every = max(0.25, self.plan.seconds / SAMPLES)
        while not await _set_within(scene.ending, every):
            self._served.sample()

    async def _progress(self, scene: Scene, began: float) -> None:
        figures = self.figures
        while not await _set_within(scene.ending, max(5.0, min(60.0, self.plan.seconds / 20))):
            asked = sum(figures.answers.values())
            memory = figures.memory.samples[-1:] or [0]
            self._tell(
                f"{time.monotonic() - began:6.0f} s  {asked:8,} requests  "
                f"{sum(each.sent for each in scene.lanes):8,} events  {memory[0] / 1024:6.0f} MiB  "
                f"{(figures.files.samples[-1:] or [0])[0]:4} files  {scene.deaths} kills  "
                f"{len(figures.faults)} faults"
            )

    async def _drained(self, line: Line) -> float:
        """Stop what comes by itself and wait for the rest; how many seconds that took."""
        began = time.monotonic()
        for name in Clockmaker.STAY:
            await line.insist("source", "POST", f"/api/sources/{name}/pause")
        for pico in ("installer", "root"):
            await line.insist("api", "DELETE", f"/api/picos/{pico}/rulesets/guest", fine=(204, 404))
        while time.monotonic() - began < DRAINED_WITHIN:
            coming = await line.insist("list", "GET", "/api/scheduled?count=true&limit=5")
            overdue = await line.insist("list", "GET", "/api/scheduler")
            waiting = await line.insist("list", "GET", "/api/sources")
            left = coming.json()["total"] + overdue.json()["overdue"]
            if left + sum(each["waiting"] for each in waiting.json()) == 0:
                return time.monotonic() - began
            await asyncio.sleep(0.2)
        self.figures.fault(f"{DRAINED_WITHIN:g} s after the last event {coming.text[:500]} is still to come")
        return time.monotonic() - began

    def _judged(self, scene: Scene, loaded: float, drained: float, stopped: float) -> Report:
        figures, database = self.figures, self._served.database
        for what, status in figures.answers:
            if status >= 500 and status != 503:
                figures.fault(f"{figures.answers[what, status]} × {what} was answered {status}")
        for fault in books.faults_of(database):
            figures.fault(fault)
        for fault in books.left_over(database, int(time.time() * 1_000)):
            figures.fault(fault)
        with books.closing_reader(database) as connection:
            unknown = came = 0
            for lane in scene.lanes:
                last, missing = books.entered(connection, lane.pico, lane.name)
                for fault in lane.faults(last, missing):
                    figures.fault(fault)
                unknown += len(lane.unknown)
                came += lane.came_unanswered(last, missing)
            counts = books.counts(connection)
            lateness = books.lateness(connection)
        ran = scene.programs.read_text().splitlines() if scene.programs.exists() else []
        counts["programs run"] = len(ran)
        if len(ran) != len(set(ran)):
            figures.fault(f"{len(ran) - len(set(ran))} programs ran twice")
        self._judge_level("memory (KiB)", figures.memory, self.plan.memory_tolerance, MORE_KIB)
        self._judge_level("open files", figures.files, 0, self.plan.files_tolerance)
        return Report(
            plan=self.plan,
            figures=figures,
            seconds=loaded,
            drained=drained,
            stopped=stopped,
            deaths=scene.deaths,
            sent=sum(each.sent for each in scene.lanes),
            answered=sum(each.answered for each in scene.lanes),
            refused=sum(len(each.refused) for each in scene.lanes),
            unknown=unknown,
            came=came,
            counts=counts,
            lateness=lateness,
            logged=dict(self._served.logged),
        )

    def _judge_level(self, what: str, level: Level, part: float, more: int) -> None:
        before, after = level.quarter(2), level.quarter(4)
        bound = round(before * (1 + part)) + more
        if before and after > bound:
            self.figures.fault(
                f"{what}: a median of {before:,} in the second quarter and {after:,} in the last, "
                f"which is more than {bound:,}"
            )


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so many seconds at most; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
