"""Serves the engine, its scheduler and the site on a socket, from the start to an orderly stop.

Startup order: the store is open and locked, the socket is bound, the rulesets are installed, missed
occurrences are handled, and only then are events raised and requests answered. Shutdown is the reverse: no
new requests, running turns end, the scheduler ends, the caller closes the store.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from picosched.clock import format_time, ticks
from picosched.ending import GRACE_SECONDS, ending
from picosched.engine.engine import Engine
from picosched.engine.standard import announce_start, install_standard
from picosched.errors import PicoschedError
from picosched.outside.processes import kill_all
from picosched.schedule.fire import Fire
from picosched.store.faults import StoreError
from picosched.web.access import ENTER, Access
from picosched.web.desk import Desk
from picosched.web.health import Plain, Probes
from picosched.web.late import Late
from picosched.web.left_over import remove_left_over
from picosched.web.limits import Protocol, Rate
from picosched.web.logs import AccessLog, Form, fields
from picosched.web.metrics import Metrics
from picosched.web.origins import Origins
from picosched.web.reload import install, watch
from picosched.web.site import Site

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("picosched.serve")

REFUSALS = 10.0
"""Default for the refused requests per second from one address before it gets 429."""

REFUSED_AT_ONCE = 100
"""The burst allowed for them."""

SOCKET_BYTES = 2_000_000
"""Bytes of one WebSocket message; Socket.IO takes half of them."""

LOOK_SECONDS = 0.5
"""How often fires are logged."""

SEND_EVERY = 60.0
"""Seconds between metrics sent to a collector."""

FIRES_TOLD = 500
"""Fires logged individually; more are logged only as a count."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The server's configuration."""

    host: str = "127.0.0.1"
    port: int = 8123
    """0 for any free port."""
    token_hash: str | None = None
    """None serves without a token, on loopback only."""
    rulesets: Sequence[str | Path] = ()
    reload: bool = False
    hosts: Sequence[str] = ()
    """Other host names of the server."""
    origins: Sequence[str] = ()
    """Origins of other servers' pages that may use this one."""
    rate: float | None = None
    """Requests a second from one address."""
    refusals: float = REFUSALS
    """Refused requests a second from one address before it gets 429; 0 for no limit."""
    grace: float = GRACE_SECONDS
    """Seconds that a stop may take; running requests have half of them."""
    proxies: Sequence[str] = ()
    """Addresses whose `X-Forwarded-…` headers are trusted."""
    access_log: Form | None = "plain"
    """The format of the request log; None to log no requests."""
    console: bool = False
    """Whether to serve the console; only one server per process can."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. `conflict` if the port is in use, `invalid` for a host that is not valid."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
    except OSError as cause:
        raise PicoschedError(f'"{host}" is not a valid host: {cause.strerror}') from cause
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[4])
        listening.listen(2048)
    except (OSError, OverflowError) as cause:
        listening.close()
        told = getattr(cause, "strerror", None) or cause
        raise PicoschedError(f"cannot listen on {host}:{port}: {told}", "conflict") from cause
    return listening


def address_of(listening: socket.socket) -> str:
    """The URL of the server."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    engine: Engine,
    plan: Plan,
    listening: socket.socket,
    *,
    catch_up: Callable[[Engine], bool] | None = None,
    ready: Callable[[Server], None] | None = None,
) -> None:
    """Serve until a signal or `Server.stop`. `ready` is called once requests are answered.

    `catch_up` is called after installing the rulesets and before any event is raised. If it returns False,
    the scheduler stays stopped until `PUT /api/scheduler`.
    """
    engine.loaded.address = address_of(listening)
    remove_left_over(engine)
    install_standard(engine)
    for ruleset in plan.rulesets:
        install(engine, ruleset)
    held = catch_up is not None and not catch_up(engine)
    server = Server(engine, plan, held=held)
    server.ready = ready
    try:
        server.run(sockets=[listening])
    finally:
        engine.stop(0)


class Server(uvicorn.Server):
    """uvicorn with our site. It signals streams to end before it waits for them."""

    def __init__(self, engine: Engine, plan: Plan, *, held: bool = False) -> None:
        self._engine = engine
        self._plan = plan
        self._held = held
        self._desk = Desk(engine)
        self._access = Access(plan.host, plan.token_hash, plan.hosts, engine.token_of)
        self._metrics = metrics = Metrics(engine, self._desk)
        self._access_log = None if plan.access_log is None else AccessLog(plan.access_log)
        self._probes = Probes(engine)
        self._console = Late("the console", self._new_console)
        self.api = Late("the API", self._new_api)
        self.ready: Callable[[Server], None] | None = None
        self._stopping = asyncio.Event()
        self._stopped: asyncio.Task[None] | None = None
        self._living = AsyncExitStack()
        self._served = self._site(metrics)
        super().__init__(
            uvicorn.Config(
                self._served,
                loop="uvloop" if sys.platform != "win32" else "asyncio",
                http=Protocol,
                ws=_websocket,  # type: ignore[arg-type]  # uvicorn only calls it
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(plan.proxies),
                forwarded_allow_ips=[*plan.proxies],
                timeout_keep_alive=30,
                timeout_graceful_shutdown=plan.grace / 2,  # type: ignore[arg-type]  # it may be a part
                ws_max_size=SOCKET_BYTES,
            )
        )

    def new_link(self, listening: socket.socket) -> str | None:
        """The address of a page that logs one browser in, once; None if no token is required."""
        if self._access.is_open:
            return None
        address = address_of(listening).replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        return f"{address}{ENTER}?key={self._access.new_link_key()}"

    def stop(self) -> None:
        """Stop in an orderly way; thread-safe."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._living.enter_async_context(self._life())
        await super().startup(sockets)
        await asyncio.to_thread(announce_start, self._engine)
        gc.collect()
        gc.freeze()  # exempt long-lived objects from collection, which would delay requests
        if self.ready is not None:
            self.ready(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Not in the signal handler, which may have interrupted another log line.
        signals = [signal.Signals(each).name for each in self._captured_signals]
        log.info("stopping", **fields(signal=signals[0] if signals else None))
        self._stopping.set()
        # In parallel with ending requests, so that the grace period is not split between them.
        self._stopped = asyncio.create_task(asyncio.to_thread(self._engine.stop, self._plan.grace / 2))
        await super().shutdown(sockets)
        await self._living.aclose()
        if self._access_log is not None:
            self._access_log.drain()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving. uvicorn would raise them again, leaving the store unclosed."""
        if threading.current_thread() is not threading.main_thread():  # the caller stops us
            yield
            return
        with ending(self._plan.grace, self.handle_exit, self._cut):
            yield

    def _cut(self) -> None:
        kill_all()
        if self._access_log is not None:
            self._access_log.drain()

    def _new_api(self) -> FastAPI:
        from picosched.web.app import has_console, new_app  # late, as the module `late` explains

        console = self._console if self._plan.console and has_console() else None
        return new_app(self._engine, self._access, self._probes, self._stopping, console=console)

    def _new_console(self) -> FastAPI:
        from picosched.web.app import new_console

        return new_console(self._engine, self._access)

    def _site(self, metrics: Metrics) -> Site:
        plan = self._plan
        return Site(
            self._desk,
            self._access,
            metrics,
            Plain(self._probes, metrics, self.api),
            rate=None if plan.rate is None else Rate(plan.rate, ticks),
            refusals=Rate(plan.refusals, ticks, REFUSED_AT_ONCE) if plan.refusals else None,
            origins=Origins(plan.origins),
            access_log=self._access_log,
        )

    @asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        """Run background tasks while requests are served."""
        stopping = self._stopping
        self._desk.listen()
        self._desk.start()
        place = await asyncio.to_thread(self._engine.read, self._engine.store.pages.last_fire)
        await asyncio.to_thread(self._engine.look_at_tokens)
        if not self._held:
            self._engine.start()
        tasks = [asyncio.create_task(self._tell_fires(place, stopping))]
        if self._engine.settings.otlp:
            tasks.append(asyncio.create_task(self._send_metrics(self._engine.settings.otlp, stopping)))
        files = [each for each in self._plan.rulesets if isinstance(each, Path)]
        if self._plan.reload and files:
            tasks.append(asyncio.create_task(watch(self._engine, files, stopping)))
        for task in tasks:
            task.add_done_callback(_failed)
        try:
            yield
        finally:
            stopping.set()
            for part in (self._console, self.api):
                await part.stop()
            if self._served.forwarding is not None:
                await self._served.forwarding.close()
            await asyncio.to_thread(self._desk.stop, 0)
            if self._stopped is not None:
                await self._stopped
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_metrics(self, url: str, stopping: asyncio.Event) -> None:
        """Send the metrics to a collector, each minute and at the end."""
        from picosched.web.sent_metrics import SentMetrics  # late: few servers send any

        sent = SentMetrics(url, self._engine.now())
        while not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SEND_EVERY)
            with suppress(StoreError):  # the scheduler logs it
                families = await asyncio.to_thread(self._metrics.families)
                await asyncio.to_thread(sent.send, families, self._engine.now())
        sent.close()

    async def _tell_fires(self, place: int, stopping: asyncio.Event) -> None:
        """Log fires, and hear of tokens that other machines made or revoked."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
            with suppress(StoreError):  # the scheduler logs it; the next look goes on from the same place
                place = await self._tell_fires_after(place)
                if self._engine.store.machines is not None:  # another one may have revoked a token
                    await asyncio.to_thread(self._engine.look_at_tokens)
                    await asyncio.to_thread(self._access.look, self._engine)

    async def _tell_fires_after(self, place: int) -> int:
        """Log the fires after a place; the place of the last."""
        pages = self._engine.store.pages
        last = await asyncio.to_thread(self._engine.read, pages.last_fire)
        if last - place > FIRES_TOLD:
            log.info("fires", **fields(count=last - place))
        elif last > place:
            since = partial(pages.fires_since, place, FIRES_TOLD)
            for _, fire in await asyncio.to_thread(self._engine.read, since):
                _tell(fire)
        return max(place, last)


def _websocket(**named: Any) -> asyncio.Protocol:
    """The protocol of a WebSocket. Only pages of the console open one, so it is imported for the first."""
    from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol

    assert AutoWebSocketsProtocol is not None
    made: asyncio.Protocol = AutoWebSocketsProtocol(**named)
    return made


def _tell(fire: Fire) -> None:
    (log.warning if fire.error else log.info)(
        "fire",
        **fields(
            id=fire.id,
            pico=fire.pico_id,
            outcome=fire.outcome.value,
            lateness=fire.lateness,
            rules=[*fire.rules],
            **({"why": fire.why} if fire.why else {}),
            at=format_time(fire.fired),  # it is logged a moment later
        ),
    )


def _failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logging.getLogger(__name__).error("a part of the server failed", exc_info=task.exception())
