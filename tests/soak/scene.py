"""Where a soak plays: the server, the picos it has, what all clients share; and a client's line to it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.soak.figures import Figures
from tests.soak.record import Lane
from tests.soak.served import Served

ANSWERS_WITHIN = 60.0
BUSY = (429, 503)
"""Answers that ask to come later, which docs/http.md tells of."""


@dataclass
class House:
    """A pico that has the ledger."""

    id: str
    name: str
    eci: str


@dataclass
class Scene:
    """What all clients of one run share."""

    served: Served
    figures: Figures
    outside_url: str
    seed: str
    programs: Path
    """The file in which each program that runs leaves a line."""
    pause: float
    """Seconds that a client waits between two things it does, on the average."""
    houses: list[House] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the server answers."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nobody is to begin anything more."""
    deaths: int = 0
    """How often the server was killed."""
    hurried: bool = False
    """Whether nobody pauses: for a moment, so that a kill meets as much as can be under way."""

    def chance(self, name: str) -> random.Random:
        """Random numbers of one client, which repeat with the seed of the run."""
        return random.Random(f"{self.seed} {name}")


class Line:
    """What one client asks the server. It waits while the server is being started again."""

    def __init__(self, scene: Scene, *, token: bool = True, address: str | None = None) -> None:
        self._scene = scene
        headers = {"authorization": f"Bearer {scene.served.token}"} if token else {}
        self._client = httpx.AsyncClient(
            base_url=scene.served.url,
            headers=headers,
            timeout=ANSWERS_WITHIN,
            transport=httpx.AsyncHTTPTransport(local_address=address),
            trust_env=False,
        )

    async def ask(
        self, what: str, method: str, path: str, *, fine: Collection[int] = (200,), **options: Any
    ) -> httpx.Response | None:
        """The answer; None where the server was killed before it came. Any status not `fine` is a fault."""
        scene = self._scene
        await scene.up.wait()
        deaths, began = scene.deaths, time.perf_counter()
        try:
            answer = await self._client.request(method, path, **options)
        except httpx.TransportError as error:
            self.broke(f"{method} {path}", deaths, error)
            scene.figures.answered(what, 0, 0)
            return None
        scene.figures.answered(what, answer.status_code, (time.perf_counter() - began) * 1_000)
        if answer.status_code not in fine and answer.status_code not in BUSY:
            scene.figures.fault(f"{method} {path}: found {answer.status_code} {answer.text[:300]}")
        return answer

    async def insist(self, what: str, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to what may be asked any number of times, asked until there is one."""
        while True:
            answer = await self.ask(what, method, path, **options)
            if answer is not None and answer.status_code not in BUSY:
                return answer
            await asyncio.sleep(0.1)

    def stream(self, path: str, **options: Any) -> Any:
        """An answer that is read as it comes."""
        return self._client.stream("GET", path, **options)

    def broke(self, what: str, deaths: int, error: Exception) -> None:
        """A connection broke: a fault, unless the server was killed since there were `deaths`."""
        if self._scene.deaths == deaths:
            self._scene.figures.fault(f"{what}: the connection broke: {type(error).__name__} {error}")

    async def close(self) -> None:
        await self._client.aclose()


class Client:
    """Somebody who does one thing after the other until the run ends."""

    every = 1.0
    """Its pause is so many times that of the run."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.scene = scene
        self.name = name
        self.chance = scene.chance(name)
        self.line = Line(scene)

    async def live(self) -> None:
        scene = self.scene
        try:
            while not scene.ending.is_set():
                await self.pause()
                if scene.ending.is_set():
                    break
                await self.act()
                scene.figures.done[type(self).__name__] += 1
        finally:
            await self.line.close()

    async def pause(self) -> None:
        seconds = (
            0.001 if self.scene.hurried else self.chance.expovariate(1 / (self.scene.pause * self.every))
        )
        try:
            async with asyncio.timeout(min(seconds, 30 * self.scene.pause * self.every)):
                await self.scene.ending.wait()
        except TimeoutError:
            pass

    async def act(self) -> None:
        """Do one thing."""
        raise NotImplementedError

    def fault(self, text: str) -> None:
        self.scene.figures.fault(f"{self.name}: {text}")
