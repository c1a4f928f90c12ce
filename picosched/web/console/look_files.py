"""The style and the scripts of all pages, as files that a browser keeps: their paths have a digest of what is
in them. The style and the script of the console are loaded before the first paint.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256

from fastapi import FastAPI
from fastapi.responses import Response
from nicegui import Client, __version__
from nicegui import app as pages

from picosched.web.console.bundles import use_bundles
from picosched.web.console.frame import LOOK

FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


NO_HTML = 'export default { sanitize() { throw new Error("the console shows no HTML"); } };'
"""Instead of a library that makes HTML of others harmless: there is none."""


def add_look(app: FastAPI) -> None:
    """Add the files to the app, and the elements that load them to all pages."""
    style = "\n".join(each.read_text(encoding="utf-8") for each in sorted(LOOK.glob("*.css")))
    script = "\n".join((LOOK / name).read_text(encoding="utf-8") for name in ("console.js", "palette.js"))
    use_bundles(partial(_add, app))
    css = _add(app, "console.css", style, "text/css")
    js = _add(app, "console.js", script, "text/javascript")
    app.add_api_route(f"/_nicegui/{__version__}/static/dompurify.mjs", _no_html, include_in_schema=False)
    Client.shared_head_html = f'<link rel="stylesheet" href="{css}">\n<script src="{js}"></script>\n'
    pages.config.vue_config_script += (LOOK / "icons.js").read_text(encoding="utf-8")


async def _no_html() -> Response:
    return Response(NO_HTML, media_type="text/javascript", headers=FOREVER)


def _add(app: FastAPI, name: str, text: str, kind: str) -> str:
    path = f"/look/{sha256(text.encode()).hexdigest()[:16]}/{name}"

    async def file() -> Response:
        return Response(text, media_type=kind, headers=FOREVER)

    app.add_api_route(path, file, include_in_schema=False)
    return path
