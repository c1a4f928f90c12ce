"""The page that asks for the token. It is plain HTML, because the console's components require the token
too."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from picosched.web.access import ENTER, Access
from picosched.web.api.session import forget, remember
from picosched.web.console.frame import LOOK

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>Log in · picosched</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>{style}
form {{ max-width: 420px; margin: 14vh auto 0; }}
input {{ font: 14px var(--mono); padding: 9px 12px; border: 1px solid var(--line); border-radius: 6px;
  background: var(--bg); color: var(--text); width: 100%; box-sizing: border-box; }}
label {{ font-weight: 600; }}
</style>
<script>{script}</script>
</head>
<body><main class="page">
<form class="panel" method="post" action="/login">
<h1 class="brand">picosched</h1>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus
 aria-describedby="more"{invalid}>
<input name="next" type="hidden" value="{next}">
{fault}
<p id="more" class="muted small">The server printed it when it first started, and prints a link at each start.
<code>picosched serve --new-token</code> creates a new one.</p>
<div><button class="button primary">Log in</button></div>
</form>
</main></body></html>"""

WRONG = '<p class="bad-text" role="alert">Wrong token.</p>'
OLD_LINK = (
    '<p class="bad-text" role="alert">This link was used before, or is too old.'
    " Each start of the server prints a new one.</p>"
)


def add_login(app: FastAPI, access: Access) -> None:
    """Add `/login`, `/logout` and ENTER to the app."""

    @app.get("/login", include_in_schema=False)
    def ask(request: Request, next: str = "/") -> Response:
        if access.is_open:
            return RedirectResponse(_ours(next), 303)
        return _page(next)

    @app.post("/login", include_in_schema=False)
    def log_in(
        request: Request, token: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/"
    ) -> Response:
        if not access.is_open and not access.knows(token.strip()):
            return _page(next, WRONG)
        answer = RedirectResponse(_ours(next), 303)
        remember(answer, token.strip(), request)
        return answer

    @app.get(ENTER, include_in_schema=False)
    async def enter(request: Request, key: str = "") -> Response:
        token = None if access.is_open else access.enter(key)
        if token is None:
            return RedirectResponse("/", 303) if access.is_open else _page("/", OLD_LINK)
        answer = RedirectResponse("/", 303, {"cache-control": "no-store"})
        remember(answer, token, request)
        return answer

    @app.post("/logout", include_in_schema=False)
    def log_out(request: Request) -> Response:
        access.leave(request.headers)
        answer = RedirectResponse("/login", 303)
        forget(answer)
        return answer


def _page(next: str, fault: str = "") -> Response:
    text = PAGE.format(
        style=(LOOK / "console.css").read_text(encoding="utf-8"),
        script=(LOOK / "console.js").read_text(encoding="utf-8"),
        next=escape(_ours(next)),
        invalid=' aria-invalid="true"' if fault else "",
        fault=fault,
    )
    return HTMLResponse(text, 401 if fault else 200, {"cache-control": "no-store"})


def _ours(path: str) -> str:
    """The path if it is on this server, otherwise `/`."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if inside else "/"
