"""The console: pages of the server at `/`, made with NiceGUI, behind the token.

NiceGUI keeps pages, clients and its loop in module globals, so a process can have only one console. Only
this package imports it, and only a server that shows pages imports this package.
"""

from __future__ import annotations

from importlib import import_module

from fastapi import FastAPI
from nicegui import ui

from picosched.engine.engine import Engine
from picosched.web.access import Access
from picosched.web.console.compressed import Compressed
from picosched.web.console.finding import add_finding
from picosched.web.console.frame import Console
from picosched.web.console.login import add_login
from picosched.web.console.look_files import add_look
from picosched.web.console.sockets import bind_sockets
from picosched.web.ecis import WithoutEcis

PAGES = (
    "overview",
    "picos_page",
    "pico_page",
    "events_page",
    "journal_page",
    "path_page",
    "timeline",
    "schedules_page",
    "schedule_page",
    "history_page",
    "words_page",
    "load_page",
    "rulesets_page",
    "graph_page",
    "editor_page",
    "sources_page",
    "deliveries_page",
    "alerts_page",
    "windows_page",
    "machines_page",
    "audit_page",
    "tokens_page",
    "settings_page",
    "elsewhere",
)
"""The modules of the pages; each has `add_pages(console)`. The last takes all unclaimed paths."""

ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<circle cx="16" cy="16" r="13" fill="none" stroke="#2f81d6" stroke-width="4"/>
<path d="M16 16V3A13 13 0 0 1 29 16Z" fill="#2f81d6"/></svg>"""


def open_console(app: FastAPI, engine: Engine, access: Access) -> None:
    """Add the console to an app of its own; once per process."""
    console = Console(engine, access)
    add_login(app, access)
    add_finding(app, console)
    for name in PAGES:
        import_module(f"{__name__}.{name}").add_pages(console)
    app.add_middleware(WithoutEcis, engine=engine)
    app.add_middleware(Compressed)
    for field in (ui.input, ui.textarea, ui.number, ui.select):
        field.default_props("outlined dense hide-bottom-space")
    bind_sockets()
    add_look(app)
    ui.run_with(
        app,
        title="picosched",
        favicon=ICON.replace("\n", " "),
        dark=None,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=10,
        show_welcome_message=False,
        gzip_middleware_factory=None,
        viewport="width=device-width, initial-scale=1",
    )
