"""Somebody who opens a page of the console without a browser and speaks its protocol by hand.

So anything can be sent: events of buttons that are off or were never drawn, and for pages of others. The
protocol is that of NiceGUI on Socket.IO: packets `42["event", {…}]`, updates of elements by their id.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

ELEMENTS = re.compile(r"String\.raw`(.*?)`\)", re.DOTALL)
PAGE_ID = re.compile(r"'client_id': '([0-9a-f-]+)'")
SECONDS = 10.0
MOST_SECONDS = 120.0
"""How long something may take that other packets come before."""


class RefusedError(Exception):
    """The server let no socket reach the page."""


class Drawn:
    """A page as it came: its id and its elements, by theirs."""

    def __init__(self, url: str, path: str, token: str) -> None:
        answer = httpx.get(f"{url}{path}", headers={"cookie": f"picosched={token}"}, timeout=30)
        self.text, self.path = answer.raise_for_status().text, path
        found, id = ELEMENTS.search(self.text), PAGE_ID.search(self.text)
        assert found and id, self.text[:2_000]
        self.id = id[1]
        self.elements: dict[str, dict[str, Any]] = json.loads(unescape(found[1]))

    def hears(self, kind: str) -> bool:
        """Whether an element of it hears events of this kind."""
        return any(each["type"] == kind for one in self.elements.values() for each in one.get("events", ()))


class Spoken:
    """A socket that was opened with a token, and a page that it speaks for."""

    def __init__(self, socket: ClientConnection, page: Drawn) -> None:
        self._socket, self.page = socket, page
        self.elements = dict(page.elements)
        self.heard: list[str] = []
        """The packets that came, without pings."""

    def hear(self, seconds: float = SECONDS) -> str | None:
        """The next packet; None if none comes in time."""
        try:
            packet = str(self._socket.recv(seconds))
        except TimeoutError:
            return None
        if packet == "2":
            self._socket.send("3")
            return self.hear(seconds)
        self.heard.append(packet)
        if packet.startswith('42["update"'):
            for id, each in json.loads(packet[2:])[1].items():
                if each is None:
                    self.elements.pop(id, None)
                elif isinstance(each, dict):
                    self.elements[id] = each
        return packet

    def listen(self, quiet: float) -> None:
        """Hear packets until none comes for so many seconds, or for as long as anything may take."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.hear(quiet):
            pass

    def until(self, condition: Callable[[], Any]) -> Any:
        """Hear packets until something holds."""
        end = time.monotonic() + MOST_SECONDS
        while not (found := condition()):
            assert self.hear() is not None and time.monotonic() < end, self.heard[-5:]
        return found

    def told(self, part: str) -> bool:
        return self.times(part) > 0

    def times(self, part: str) -> int:
        """How many packets have said it."""
        return sum(part in each for each in self.heard)

    def fire(self, element: str, listener: str, *args: Any, page: str | None = None) -> None:
        """Send an event of an element; of another page if its id is given."""
        event = {"client_id": page or self.page.id, "id": int(element), "listener_id": listener}
        self._socket.send(
            "42" + json.dumps(["event", {**event, "args": [json.dumps(each) for each in args]}])
        )

    def press(self, words: str) -> None:
        """Press the button with these words, once it is there."""
        element, listener = self.until(lambda: self.button(words))
        self.fire(element, listener)

    def button(self, words: str) -> tuple[str, str] | None:
        """Its element and its listener."""
        for id, each in self.elements.items():
            if each.get("tag") == "button" and each.get("text") == words and each.get("events"):
                return id, each["events"][0]["listener_id"]
        return None

    def ended(self) -> int | None:
        """Hear until the server closes the socket; with which code."""
        try:
            while True:
                assert self.hear() is not None
        except ConnectionClosed:
            return self._socket.close_code


@contextmanager
def spoken(url: str, token: str, page: Drawn, *, implicit: bool = True, also: str = "") -> Iterator[Spoken]:
    """Open a socket with a token for a page; RefusedError if the server does not want it.

    `also` stands behind the query of its address.
    """
    asked = {"client_id": page.id, "tab_id": "tab", "document_id": "document", "next_message_id": "0"}
    query = {
        "EIO": "4",
        "transport": "websocket",
        **({"implicit_handshake": "true", **asked} if implicit else {}),
    }
    address = f"{url}/_nicegui_ws/socket.io/?{urlencode(query)}{also}".replace("http", "ws", 1)
    cookie = {"cookie": f"picosched={token}"}
    with connect(address, origin=url, additional_headers=cookie, max_size=None) as socket:  # type: ignore[arg-type]
        speaker = Spoken(socket, page)
        assert (speaker.hear() or "")[0] == "0"
        socket.send("40")
        answer = speaker.until(lambda: next((each for each in speaker.heard if each.startswith("4")), None))
        if answer.startswith("44"):
            raise RefusedError(answer)
        if not implicit:
            socket.send("420" + json.dumps(["handshake", asked]))
            answer = speaker.until(
                lambda: next((each for each in speaker.heard if each.startswith("430")), None)
            )
            if answer != "430[true]":
                raise RefusedError(answer)
        yield speaker
