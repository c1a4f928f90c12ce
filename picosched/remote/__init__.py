"""A picosched elsewhere, reached through its HTTP API: an engine to whoever works with picos from outside.

`Remote` has the names of `Engine` and gives the same nouns, so what is written for one works with the other.
What goes wrong there is raised here as it would be there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from picosched.errors import PicoschedError
from picosched.pico.turn import Turn
from picosched.remote.agenda import RemoteAgenda
from picosched.remote.line import Line, part
from picosched.remote.pico import RemotePico
from picosched.remote.told import read_entry, read_turn
from picosched.schedule.fire import Fire
from picosched.settings import Settings, with_settings
from picosched.store.copying import new_file
from picosched.store.journal import Entry

__all__ = ["Remote", "RemotePico"]


class Remote:
    """The picos of a server: `Remote("http://127.0.0.1:8123", token)`; use it in a `with`.

    Every method raises PicoschedError: `internal` if nobody answers there, `refused` without the right token,
    else as the method of Engine.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self._line = Line(url, token)
        self.agenda = RemoteAgenda(self._line)

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    @cached_property
    def settings(self) -> Settings:
        """The settings of the engine there that decide when things are due."""
        return with_settings(Settings(), self._line.ask("GET", "/api/settings"), self.url)

    # Picos

    @property
    def root(self) -> RemotePico:
        """The pico that is there from the start."""
        (first,) = self._line.ask("GET", "/api/picos", {"limit": 1})["items"]
        return self._pico(first)

    def picos(self) -> list[RemotePico]:
        """All, in the order they were made; the root is the first."""
        return [self._pico(told) for told in self._line.pages("/api/picos")]

    def pico(self, name: str) -> RemotePico:
        """The pico of that id or name; `not_found`, or `conflict` if several have the name."""
        if not name:
            raise PicoschedError("there is no pico of an empty name", "not_found")
        return self._pico(self._line.ask("GET", f"/api/picos/{part(name)}"))

    def new_pico(self, name: str, parent: RemotePico | str | None = None) -> RemotePico:
        """Make a pico under `parent`, under the root without one. `conflict` if there is one of that name."""
        under = parent.id if isinstance(parent, RemotePico) else parent
        return self._pico(self._line.ask("POST", "/api/picos", body={"name": name, "parent": under}))

    def export_pico(self, name: str, *, history: bool = False) -> dict[str, Any]:
        """As `moving.export_pico`."""
        document: dict[str, Any] = self._line.ask(
            "GET", f"/api/picos/{part(name)}/export", {"history": history}
        )
        return document

    def import_pico(
        self,
        document: Mapping[str, Any],
        parent: str | None = None,
        name: str | None = None,
        *,
        keep_ecis: bool = False,
    ) -> RemotePico:
        """As `moving.import_pico`."""
        body = {"document": document, "parent": parent, "name": name, "keep_ecis": keep_ecis}
        return self._pico(self._line.ask("POST", "/api/picos/import", body=body))

    # Events and queries

    def raise_event(self, eci: str, domain: str, type: str, attrs: Mapping[str, Any] | None = None) -> Turn:
        """Raise an event through a channel; its turn, once that is durable."""
        body = {"domain": domain, "type": type, "attrs": dict(attrs or {})}
        return read_turn(self._line.ask("POST", f"/api/channels/{part(eci)}/raise", body=body))

    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The value of a shared function, asked through a channel."""
        body = {"rid": rid, "name": name, "args": dict(args or {})}
        return self._line.ask("POST", f"/api/channels/{part(eci)}/query", body=body)["value"]

    # What happened

    def history(self, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """What became of occurrences, newest first."""
        return self.agenda.history(pico_id, id, limit)

    def journal(self, pico_id: str | None = None, limit: int = 100, *, eid: str | None = None) -> list[Entry]:
        """The turns of one pico or of all, newest first."""
        found = self._line.pages("/api/journal", {"pico": pico_id, "eid": eid}, limit)
        return [self._entry(told) for told in found]

    def follow(self, after: int, pico_id: str | None = None) -> Iterator[Entry]:
        """Turns behind a `seq`, oldest first, as they happen; ends when the server does."""
        with self._line.stream("/api/journal/live", {"after": after, "pico": pico_id}) as answer:
            for line in _lines(answer.iter_stream()):
                if line.startswith(b"data: "):
                    yield self._entry(json.loads(line.removeprefix(b"data: ")))

    def back_up(self, target: Path, *, force: bool = False) -> int:
        """Write a copy of the database there to a new file here; its size in bytes."""
        with new_file(target, force=force) as file, self._line.stream("/api/backup") as answer:
            wanted, size = int(dict(answer.headers).get(b"content-length", b"0")), 0
            with file.open("wb") as copy:
                for chunk in answer.iter_stream():
                    size += copy.write(chunk)
            if size != wanted:
                raise PicoschedError(f"found {size:,} bytes of a copy, wanted {wanted:,}", "internal")
        return size

    def _pico(self, told: Mapping[str, Any]) -> RemotePico:
        return RemotePico(told["id"], told["name"], told["parent_id"], self._line, self.pico)

    def _entry(self, told: Mapping[str, Any]) -> Entry:
        self.agenda.learn(told)
        return read_entry(told)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
