"""The frame of every page: header, navigation, keys, theme; and what pages need of the engine.

A page is a module with `add_pages(console)`, which puts functions on `@console.page(…)`. Inside one,
`with frame(console, title, here):` builds the frame, and what is made within stands in it.

The engine is synchronous and may wait for the disk, the pages live on one event loop: `Console.run` takes
work to a thread. What goes wrong there is told where the reader looks: `with console.telling_errors():`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from picosched.clock import ticks, to_ms
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.web.access import Access

T = TypeVar("T")

log = logging.getLogger(__name__)

REST = 10
"""After a look that took long so many times as long passes before the next."""

PAGE_SECONDS = 30.0
"""How long a page may wait for the engine before it is given up: NiceGUI's own 3 seconds are less than a few
rules may take, one after the other."""

LOOK = Path(__file__).parent / "look"


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation, and the key that goes there behind `g`."""

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
    Place("/rulesets", "Rulesets", "r"),
    Place("/sources", "Sources", "c"),
)

KEYS = (
    ("/", "go to the filter"),
    ("d", "dark or light"),
    ("Esc", "leave a field, close a dialog"),
    ("?", "show the keys"),
)


class Console:
    """What pages stand on. One for each server."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self.engine = engine
        self.access = access
        self.version = version("picosched")

    def page(self, path: str) -> ui.page:
        """What makes a function the page at a path."""
        return ui.page(path, response_timeout=PAGE_SECONDS)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, done in a thread: it may wait for the engine."""
        return await run_in_threadpool(work)

    @contextmanager
    def telling_errors(self) -> Iterator[None]:
        """Show what goes wrong inside as a notification, and go on behind the block."""
        try:
            yield
        except PicoschedError as error:
            notify(str(error), "bad")
        except Exception as error:
            log.exception("a page failed")
            notify(f"picosched failed: {type(error).__name__}", "bad")


def notify(text: str, tone: str = "good") -> None:
    """Tell something in passing: "good", "warn" or "bad"; what is bad stays until it is closed."""
    kinds = {"good": "positive", "warn": "warning", "bad": "negative"}
    if tone == "bad":
        ui.notify(text, type="negative", timeout=0, close_button="Close", position="bottom-right")
    else:
        ui.notify(text, type=kinds[tone], timeout=4000, position="bottom-right")  # type: ignore[arg-type]


def every(console: Console, seconds: float, refresh: Callable[[], Awaitable[None]]) -> None:
    """Call `refresh` again and again while somebody looks: not while the tab is hidden, and not so often
    that looking would keep the engine from its work.
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
    """The frame of a page; `here` is the path of the place in the navigation that it belongs to."""
    client = ui.context.client
    ui.page_title(f"{title} · picosched")
    ui.add_head_html(f'<meta name="server-ms" content="{to_ms(console.engine.now())}">')
    ui.on("hidden", lambda event: client.storage.update(hidden=bool(event.args)))
    ui.link("Go to the content", "#content").classes("skip-link")
    with ui.element("header").classes("top"):
        ui.link("picosched", "/").classes("brand")
        with ui.element("nav").classes("nav").props('aria-label="Pages"'):
            for place in PLACES:
                link = ui.link(place.name, place.path)
                link.props(f'data-key={place.key} title="g {place.key}"')
                if place.path == here:
                    link.props('aria-current="page"')
        _button("?", "Keys (?)", "data-show-keys")
        _button("◐", "Dark or light (d)", "data-switch-theme")
        if not console.access.is_open:
            with (
                ui.element("form").props('method="post" action="/logout"'),
                ui.element("button").classes("button small"),
            ):
                ui.label("Log out")
    _keys()
    with ui.element("div").classes("page").props('id="content" tabindex="-1"'):
        yield


def _button(sign: str, name: str, props: str) -> None:
    with (
        ui.element("button")
        .classes("icon-button")
        .props(f'type="button" aria-label="{name}" title="{name}" {props}')
    ):
        ui.label(sign).props('aria-hidden="true"')


def _keys() -> None:
    rows = [*((f"g {place.key}", f"go to {place.name}") for place in PLACES), *KEYS]
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
