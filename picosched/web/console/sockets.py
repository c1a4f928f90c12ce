"""A socket reaches only pages of whoever opened it.

NiceGUI lets each socket speak for every page whose id it knows, and what a page does goes on with the rights
of whoever asked for that page. So a socket of somebody else, or of the same browser after another token has
logged in there, is refused; the browser then loads the page anew, as whom it is now.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from nicegui import core
from nicegui.client import Client
from socketio.exceptions import ConnectionRefusedError  # type: ignore[import-untyped]

from picosched.web.caller import caller, caller_of

log = logging.getLogger(__name__)

SPOKEN = ("event", "javascript_response", "ack", "log")
"""What a socket says for a page after the handshake."""

RELOAD = "Implicit handshake failed"
"""What NiceGUI's script answers by loading the page anew."""


def bind_sockets() -> None:
    """Put the check before what NiceGUI does with sockets; once per process."""
    sio, known = core.sio, {**core.sio.handlers["/"]}

    async def connect(sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        asked = parse_qs(environ.get("QUERY_STRING", ""))
        # Each value counts, whichever of several NiceGUI takes.
        pages = asked.get("client_id", [""])
        if "true" in asked.get("implicit_handshake", ()) and not all(map(_is_own, pages)):
            raise ConnectionRefusedError(RELOAD)
        await known["connect"](sid, environ, auth)

    async def handshake(sid: str, said: Mapping[str, Any]) -> bool:
        return _is_own(said.get("client_id")) and await known["handshake"](sid, said)

    def speaking(name: str) -> None:
        def speak(sid: str, said: Mapping[str, Any]) -> None:
            if _is_own(said.get("client_id")):
                known[name](sid, said)

        sio.on(name, speak)

    sio.on("connect", connect)
    sio.on("handshake", handshake)
    for name in SPOKEN:
        speaking(name)


def _is_own(client_id: Any) -> bool:
    """Whether the page with this id is there, and of whoever opened the socket."""
    page = Client.instances.get(client_id)
    if page is None:
        return False
    owner, speaker = caller_of(page.request.scope).actor, caller().actor
    if owner != speaker:
        log.warning("%s (%s) spoke for a page of %s (%s)", speaker, speaker.role, owner, owner.role)
    return owner == speaker
