"""Health, readiness and metrics. Every server is asked for them, so they are answered without FastAPI, which
is loaded later or never (`late`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import orjson

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.web.errors import BusyError, HttpError
from picosched.web.look import Look
from picosched.web.metrics import CONTENT_TYPE, Metrics
from picosched.web.request import Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]

READY_SECONDS = 0.5
"""How long the store may take to answer, including the wait for the current turn."""

METRICS_SECONDS = 5.0
"""How long reading the store's figures may take, including the wait for the current turn."""

JSON_TYPE = "application/json"


class Readiness(NamedTuple):
    """Whether the store answers in time and the scheduler is running."""

    store: bool
    scheduler: bool
    shards: int | None = None
    """How many it has, of a database that it shares with other machines."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 200 if self.store and self.scheduler else 503

    def as_json(self) -> dict[str, str | bool | int]:
        told = {name: value for name, value in self._asdict().items() if value is not None}
        return {"status": "ready" if self.status == 200 else "not ready", **told}


class Probes:
    """Whether an engine is ready; all callers share one look at its store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = Look(self._answers, READY_SECONDS)

    async def ready(self) -> Readiness:
        try:
            store = await self._store.found()
        except TimeoutError:
            store = False
        part = self._engine.part
        return Readiness(store, self._engine.running, None if part is None else part.shards)

    def _answers(self) -> bool:
        try:
            return self._engine.read(self._engine.store.picos.find_root) is not None
        except PicoschedError:
            return False


class Route(NamedTuple):
    """The route in a scope; its path is the label of the request in the metrics."""

    path: str


class Plain:
    """An ASGI app that answers `/health`, `/ready` and `/metrics`, and passes all other paths to `rest`."""

    def __init__(self, probes: Probes, metrics: Metrics, rest: App) -> None:
        self._probes = probes
        self._metrics = Look(metrics.text, METRICS_SECONDS)
        self._rest = rest
        self._answers = {"/health": self._alive, "/ready": self._ready, "/metrics": self._figures}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self._rest(scope, receive, send)
            return
        scope["route"] = Route(scope["path"])
        if scope["method"] != "GET":
            text = f"found {scope['method']} {scope['path']}: Method Not Allowed"
            raise HttpError(405, text, [(b"allow", b"GET")])
        status, kind, body = await answer()
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _alive(self) -> tuple[int, str, bytes]:
        return 200, JSON_TYPE, b'{"status":"ok"}'

    async def _ready(self) -> tuple[int, str, bytes]:
        ready = await self._probes.ready()
        return ready.status, JSON_TYPE, orjson.dumps(ready.as_json())

    async def _figures(self) -> tuple[int, str, bytes]:
        try:
            return 200, CONTENT_TYPE, await self._metrics.found()
        except TimeoutError as cause:
            raise BusyError(f"the store did not answer within {METRICS_SECONDS:g} s") from cause
