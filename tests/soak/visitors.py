"""Clients that look on: followers of the journal, consoles, lists, backups; and some who mean no good."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import httpx
import socketio

from tests.soak.books import faults_of
from tests.soak.scene import Client, Line, Scene

HOSTILE_ADDRESS = "127.0.0.66"
"""Who means no good comes from elsewhere, so that what the server does about it meets nobody else."""


class Follower(Client):
    """Follows the journal live and sees each turn once, in order, through all restarts."""

    every = 0.1

    def __init__(self, scene: Scene, name: str) -> None:
        super().__init__(scene, name)
        self.seq: int | None = None

    async def act(self) -> None:
        await self.scene.up.wait()
        deaths = self.scene.deaths
        headers = {} if self.seq is None else {"last-event-id": str(self.seq)}
        try:
            async with self.line.stream("/api/journal/live", headers=headers) as answer:
                if answer.status_code != 200:
                    if answer.status_code != 503:
                        self.fault(f"the journal answered {answer.status_code}")
                    return
                await self._read(answer)
        except httpx.TransportError as error:
            self.line.broke("the journal", deaths, error)

    async def _read(self, answer: httpx.Response) -> None:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                seq = int(line[4:])
                if self.seq is not None and seq != self.seq + 1:
                    self.fault(f"turn {seq} came behind {self.seq}")
                self.seq = seq
                self.scene.figures.done["turns followed"] += 1
            if self.scene.ending.is_set() or self.leaves():
                return

    def leaves(self) -> bool:
        """Whether it has seen enough."""
        return False


class Passer(Follower):
    """Follows for a while, leaves, and comes again as somebody else."""

    every = 2.0

    def leaves(self) -> bool:
        if self.chance.random() < 0.02:
            self.seq = None
            return True
        return False


class Console(Client):
    """Opens a page of the console, its websocket too, looks on for a while, and leaves without a word."""

    every = 8.0
    PAGES = ("/", "/picos", "/schedules", "/journal", "/sources", "/rulesets")

    async def act(self) -> None:
        path, deaths = self.chance.choice(self.PAGES), self.scene.deaths
        page = await self.line.ask("page", "GET", path, headers={"accept": "text/html"})
        if page is None or page.status_code != 200:
            return
        found = re.search(r"'client_id': '([^']+)'", page.text)
        if found is None:
            self.fault(f"the page {path} has no client_id")
            return
        served = self.scene.served
        query = {
            "client_id": found[1],
            "next_message_id": 0,
            "implicit_handshake": "true",
            "tab_id": f"{self.name}-{self.chance.random()}",
            "document_id": f"{self.name}-{self.chance.random()}",
        }
        socket = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        try:
            await socket.connect(
                f"{served.url}?{urlencode(query)}",
                headers={"authorization": f"Bearer {served.token}"},
                transports=["websocket"],
                socketio_path="/_nicegui_ws/socket.io",
            )
            self.scene.figures.done["websockets"] += 1
            await self.pause()
        except socketio.exceptions.ConnectionError as error:
            self.line.broke(f"the websocket of {path}", deaths, error)
        finally:
            with suppress(Exception):  # it may have gone by itself
                await socket.disconnect()


class Lister(Client):
    """Asks for everything that can be listed."""

    every = 2.0
    PATHS = (
        "/health",
        "/ready",
        "/metrics",
        "/api/scheduled?count=true&limit=50",
        "/api/scheduled?text=soak&limit=5",
        "/api/history?limit=50",
        "/api/history?outcome=late",
        "/api/journal?limit=50",
        "/api/picos",
        "/api/picos/root",
        "/api/sources",
        "/api/scheduler",
        "/api/next?timespec=weekdays%20at%209:00",
        "/api/ids?beginning=a",
    )

    async def act(self) -> None:
        path = self.chance.choice(self.PATHS)
        await self.line.ask("list", "GET", path, fine=(200, 503) if path == "/ready" else (200,))


class Copier(Client):
    """Takes a backup and reads it: it is whole and of one moment, so its books are right."""

    every = 25.0

    async def act(self) -> None:
        await self.scene.up.wait()
        deaths = self.scene.deaths
        copy = self.scene.served.folder / f"{self.name}.db"
        try:
            async with self.line.stream("/api/backup") as answer:
                if answer.status_code != 200:
                    self.fault(f"the backup answered {answer.status_code}")
                    return
                with copy.open("wb") as file:
                    async for chunk in answer.aiter_bytes():
                        file.write(chunk)
        except httpx.TransportError as error:
            self.line.broke("the backup", deaths, error)
            return
        for fault in await asyncio.to_thread(self._judged, copy):
            self.fault(f"a backup has {fault}")

    def _judged(self, copy: Path) -> list[str]:
        try:
            return faults_of(copy)
        except sqlite3.Error as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            copy.unlink()


class Stranger(Client):
    """Means no good: each thing it tries is refused, by a status that says so."""

    every = 5.0

    def __init__(self, scene: Scene, name: str) -> None:
        super().__init__(scene, name)
        self.outside = Line(scene, token=False, address=HOSTILE_ADDRESS)

    async def live(self) -> None:
        try:
            await super().live()
        finally:
            await self.outside.close()

    async def act(self) -> None:
        house = self.chance.choice(self.scene.houses)
        event = f"/c/{house.eci}/event-wait/ledger/told"
        large = b'{"a": "' + b"x" * 4_000_000 + b'"}'
        as_json = {"content-type": "application/json"}
        name, *rest = self.chance.choice(
            (
                ("GET", "/c/nobody/event/a/b", (404,), {}),
                ("POST", "/c/nobody/event-wait/a/b", (404, 413), {"content": large, "headers": as_json}),
                ("POST", event, (413,), {"content": large, "headers": as_json}),
                ("POST", event, (400,), {"content": b'{"a": ', "headers": as_json}),
                ("POST", event, (400, 413), {"content": b"[" * 100_000, "headers": as_json}),
                ("POST", event, (400,), {"content": b"[1]", "headers": as_json}),
                ("POST", event, (400,), {"content": b"x", "headers": {"content-type": "image/png"}}),
                ("PUT", event, (405,), {}),
                ("GET", event, (431,), {"headers": {"x": "y" * 600_000}}),
                ("GET", event, (403,), {"headers": {"host": "elsewhere.example"}}),
                ("GET", "/api/picos", (401,), {}),
                ("GET", "/api/picos", (401,), {"headers": {"authorization": "Bearer no"}}),
                ("POST", "/api/session", (401,), {"json": {"token": "no"}}),
                ("GET", "/c/../../etc/passwd", (401, 404), {}),
                ("GET", f"/c/{house.eci}/query/nosuch/thing", (404,), {}),
                ("GET", f"/c/{house.eci}/query/ledger/%00", (400, 404), {}),
                ("POST", event, (400,), {"headers": {"idempotency-key": ""}}),
                ("POST", event, (413,), {"headers": {"idempotency-key": "k" * 300}}),
            )
        )
        path, fine, options = rest
        await self.outside.ask("hostile", name, path, fine=fine, **options)
        if self.chance.random() < 0.2:
            await self._dawdle(house.eci)

    async def _dawdle(self, eci: str) -> None:
        """Begin a request and never end it."""
        await self.scene.up.wait()
        with suppress(OSError):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", self.scene.served.port, local_addr=(HOSTILE_ADDRESS, 0)
            )
            writer.write(
                f"POST /c/{eci}/event/a/b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n".encode()
            )
            await writer.drain()
            await self.pause()
            writer.close()
            await writer.wait_closed()
