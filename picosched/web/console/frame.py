"""The frame of every page: header, navigation, keys, theme; and access to the engine.

A page is a module with `add_pages(console)`, which decorates functions with `@console.page(…)`. Inside one,
`with frame(console, title, here):` builds the frame around the elements created in the block.

The engine is synchronous and may wait for the disk, while pages run on one event loop, so `Console.run`
runs work in a thread. `with console.telling_errors():` shows errors to the user.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from picosched.clock import ticks, to_ms
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.web.access import Access
from picosched.web.caller import caller
from picosched.web.console.local_time import keep_zone

T = TypeVar("T")

log = logging.getLogger(__name__)

REST = 10
"""The pause after a refresh, as a multiple of the time it took."""

PAGE_SECONDS = 30.0
"""How long a page may wait for the engine: NiceGUI's default of 3 seconds is less than a few rules may
take."""

LOOK = Path(__file__).parent / "look"


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation; pressing `g` and its key goes there."""

    path: str
    name: str
    key: str


PLACES = (
    Place("/", "Overview", "o"),
    Place("/picos", "Picos", "p"),
    Place("/events", "Events", "e"),
    Place("/journal", "Journal", "j"),
    Place("/timeline", "Timeline", "t"),
    Place("/schedules", "Schedules", "s"),
    Place("/history", "History", "h"),
    Place("/load", "Load", "l"),
    Place("/windows", "Windows", "n"),
    Place("/rulesets", "Rulesets", "r"),
    Place("/graph", "Graph", "w"),
    Place("/sources", "Sources", "c"),
    Place("/deliveries", "Deliveries", "d"),
    Place("/alerts", "Alerts", "a"),
    Place("/audit", "Audit", "u"),
    Place("/settings", "Settings", ","),
)

MACHINES = Place("/machines", "Machines", "m")
"""In the navigation while several machines share the database."""

TOKENS = Place("/tokens", "Tokens", "k")
"""In the navigation of authors, where a token is required."""

KEYS = (
    ("Ctrl-K", "find anything"),
    ("/", "go to the filter"),
    ("d", "dark or light"),
    ("Esc", "leave a field, close a dialog"),
    ("?", "show the keys"),
)


class Console:
    """Shared by all pages; one per server."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self.shared = engine
        """For what all callers see alike; it may do everything."""
        self.access = access
        self.version = version("picosched")

    @property
    def engine(self) -> Engine:
        """The engine, for whoever sent the request or opened the WebSocket that is being answered."""
        return self.shared.acting(caller().actor)

    @property
    def places(self) -> tuple[Place, ...]:
        """The entries of the navigation."""
        part = self.shared.part
        several = part is not None and part.machines > 1
        authors = not self.access.is_open and caller().actor.may("made")
        return (*PLACES, *([MACHINES] if several else []), *([TOKENS] if authors else []))

    def page(self, path: str) -> ui.page:
        """The decorator that makes a function the page at a path."""
        return ui.page(path, response_timeout=PAGE_SECONDS)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread, where it may wait for the engine, and return its result."""
        return await run_in_threadpool(work)

    @contextmanager
    def telling_errors(self) -> Iterator[None]:
        """Show errors in the block as a notification, and continue after it."""
        try:
            yield
        except PicoschedError as error:
            notify(str(error), "bad")
        except Exception as error:
            log.exception("a page failed")
            notify(f"picosched failed: {type(error).__name__}", "bad")


def notify(text: str, tone: str = "good") -> None:
    """Show a notification: "good", "warn" or "bad"; bad ones stay until closed."""
    kinds = {"good": "positive", "warn": "warning", "bad": "negative"}
    stays: dict[str, Any] = {"timeout": 0, "close_button": "Close"} if tone == "bad" else {"timeout": 4000}
    ours = {"color": "ours", "textColor": "ours", "classes": tone}  # the look has their colours, not Quasar
    ui.notify(text, type=kinds[tone], position="bottom-right", **ours, **stays)  # type: ignore[arg-type]


async def connected() -> bool:
    """Wait until the browser has connected the present page; False if the page was given up before that."""
    client = ui.context.client
    await client.connected()
    return not client.is_deleted


def once_connected(console: Console, work: Callable[[], Awaitable[None]]) -> None:
    """Do what a page should not wait for once the browser has connected."""

    async def do() -> None:
        with console.telling_errors():
            await work()

    ui.timer(0, do, once=True)


def every(console: Console, seconds: float, refresh: Callable[[], Awaitable[None]]) -> None:
    """Call `refresh` periodically, but not while the tab is hidden, and not so often that it would slow the
    engine down.
    """
    client, again = ui.context.client, 0.0

    async def tick() -> None:
        nonlocal again
        began = ticks()
        if client.storage.get("hidden") or began < again:
            return
        with console.telling_errors():
            await refresh()
        ended = ticks()
        again = ended + REST * (ended - began)

    ui.timer(seconds, tick, immediate=False)


@contextmanager
def frame(console: Console, title: str, here: str) -> Iterator[None]:
    """The frame of a page; `here` is the path of its navigation entry."""
    client = ui.context.client
    ui.page_title(f"{title} · picosched")
    ui.add_head_html(f'<meta name="server-ms" content="{to_ms(console.engine.now())}">')
    ui.on("hidden", lambda event: client.storage.update(hidden=bool(event.args)))
    keep_zone()
    ui.link("Go to the content", "#content").classes("skip-link")
    with ui.element("header").classes("top"):
        ui.link("picosched", "/").classes("brand")
        with (
            ui.element("button")
            .classes("button small menu")
            .props("type=button data-opens=nav aria-controls=nav aria-expanded=false")
        ):
            ui.label("Menu")
        with ui.element("nav").classes("nav").props('id=nav aria-label="Pages"'):
            for place in console.places:
                link = ui.link(place.name, place.path)
                link.props(f'data-key="{place.key}" title="g {place.key}"')
                if place.path == here:
                    link.props('aria-current="page"')
        _button("⌕", "Find (Ctrl-K)", "data-find")
        _button("?", "Keys (?)", "data-show-keys")
        _button("◐", "Dark or light (d)", "data-switch-theme")
        if not console.access.is_open:
            with (
                ui.element("form").props('method="post" action="/logout"'),
                ui.element("button").classes("button small"),
            ):
                ui.label("Log out")
    _keys(console.places)
    with ui.element("div").classes("page").props('id="content" tabindex="-1"'):
        yield


def _button(sign: str, name: str, props: str) -> None:
    with (
        ui.element("button")
        .classes("icon-button")
        .props(f'type="button" aria-label="{name}" title="{name}" {props}')
    ):
        ui.label(sign).props('aria-hidden="true"')


def _keys(places: tuple[Place, ...]) -> None:
    rows = [*((f"g {place.key}", f"go to {place.name}") for place in places), *KEYS]
    with ui.element("dialog").classes("keys").props('aria-label="Keys"'):
        _text("h2", "Keys")
        with ui.element("table"):
            for keys, meaning in rows:
                with ui.element("tr"):
                    with ui.element("th").props('scope="row"'):
                        for key in keys.split():
                            _text("kbd", key)
                    _text("td", meaning)


def _text(tag: str, text: str) -> None:
    with ui.element(tag):
        ui.label(text).style("display: inline")
