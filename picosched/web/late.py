"""Parts of the server that are loaded by the first request for them: FastAPI with our API, NiceGUI with the
console.

Clients that raise events, ask queries and look at health and metrics need neither, and the two make up most
of the time that a start takes and half of the memory. So no module that `serving` imports may import them
before; `tests/web/test_late.py` checks that.

A thread imports them, and the event loop continues to answer. Requests for a part wait until it is there; a
browser that waits long gets a page that says so and asks again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import Context
from typing import TYPE_CHECKING

from picosched.clock import ticks
from picosched.web.logs import fields
from picosched.web.request import Receive, Scope, Send, headers_of

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a browser waits for a part before it is told that it is loading."""

LOADING = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>picosched</title>
<meta http-equiv="refresh" content="1"><meta name="viewport" content="width=device-width, initial-scale=1">
<body><h1>picosched</h1><p role="status">The console is loading. This page asks again each second.</p></body>
</html>"""


class Late:
    """An ASGI app that `make` makes in a thread for the first request. For one event loop.

    If `make` fails, the requests that wait for it fail as well, and the next request tries again.
    """

    def __init__(self, name: str, make: Callable[[], FastAPI], *, patience: float = PATIENCE_SECONDS) -> None:
        self._name = name
        self._make = make
        self._patience = patience
        self._app: FastAPI | None = None
        self._loading: asyncio.Task[FastAPI] | None = None
        self._life = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if app is None:
            loading = self._load()
            if _is_page(scope):
                await asyncio.wait((loading,), timeout=self._patience)
                if not loading.done():
                    await _say_loading(send)
                    return
            app = await asyncio.shield(loading)
        await app(scope, receive, send)

    async def loaded(self) -> FastAPI:
        """The app, loaded now if it was not."""
        return await asyncio.shield(self._load())

    async def stop(self) -> None:
        """End what the app does in the background."""
        if self._loading is not None:
            await asyncio.wait((self._loading,))
        await self._life.aclose()

    def _load(self) -> asyncio.Task[FastAPI]:
        if self._loading is None or (self._loading.done() and self._app is None):
            # It is for all callers, so nothing of the first one may stick to what it starts.
            self._loading = asyncio.create_task(self._made(), context=Context())
        return self._loading

    async def _made(self) -> FastAPI:
        began = ticks()
        # A collection would stop the loop as well, and modules are no garbage.
        gc.disable()
        try:
            app = await asyncio.to_thread(self._make)
        finally:
            gc.enable()
        await self._life.enter_async_context(app.router.lifespan_context(app))
        gc.freeze()  # as at the start of the server: modules stay, so no collection needs to visit them
        self._app = app
        log.info("loaded", **fields(part=self._name, seconds=round(ticks() - began, 2)))
        return app


def _is_page(scope: Scope) -> bool:
    """Whether a browser asks for a page, as opposed to a script, a picture or JSON."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in headers_of(scope).get("accept", "")
    )


async def _say_loading(send: Send) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(LOADING)),
        (b"retry-after", b"1"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": LOADING})
