"""A client for the HTTP API of a picosched server, with the interface of an engine.

`Remote` implements `Reached` as `Engine` does, so code written for one works with the other. Errors of the
server are raised here with the same codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from picosched.audit import Deed, read_deed
from picosched.engine.planned import Plan, read_plan
from picosched.engine.replayed import Replayed, read_replayed
from picosched.errors import PicoschedError
from picosched.pico.delivery import Delivery, read_delivery
from picosched.pico.turn import Turn
from picosched.remote.agenda import RemoteAgenda, params_of
from picosched.remote.alerts import RemoteAlerts
from picosched.remote.line import ANSWER_SECONDS, Line, part, time_text
from picosched.remote.pico import RemotePico, texts_of
from picosched.remote.told import read_entry, read_load, read_machine, read_source_state, read_turn
from picosched.remote.windows import RemoteWindows
from picosched.schedule.chain import Why, read_why
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.forecast import MOST_EVENTS, USUAL_DAYS
from picosched.schedule.load import Load
from picosched.schedule.not_firing import NotFiring, read_not_firing
from picosched.settings import Settings, with_settings
from picosched.sources.source import Source
from picosched.sources.state import SourceState
from picosched.store.copying import new_file
from picosched.store.journal import Entry
from picosched.store.machines import Machine
from picosched.tokens import Token, read_token

if TYPE_CHECKING:
    from picosched.engine.whole import Whole

__all__ = ["Remote", "RemotePico"]


class Remote(RemoteAlerts, RemoteWindows):
    """The picos of a server: `Remote("http://127.0.0.1:8123", token)`; use it in a `with`.

    Every method raises PicoschedError: `internal` if the server does not answer within `patience` seconds,
    `refused` without the right token, else as the method of Engine.
    """

    def __init__(self, url: str, token: str | None = None, *, patience: float = ANSWER_SECONDS) -> None:
        self.url = url
        self._line = Line(url, token, patience)
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
        """The server's settings that decide about due times."""
        return with_settings(Settings(), self._line.ask("GET", "/api/settings"), self.url)

    # Picos

    @property
    def root(self) -> RemotePico:
        """The root pico."""
        (first,) = self._line.ask("GET", "/api/picos", {"limit": 1})["items"]
        return self._pico(first)

    def picos(self) -> list[RemotePico]:
        """All picos, in the order they were made, the root first."""
        return [self._pico(told) for told in self._line.pages("/api/picos")]

    def pico(self, name: str) -> RemotePico:
        """The pico with that id or name; `not_found`, or `conflict` if several have the name."""
        if not name:
            raise PicoschedError("there is no pico with an empty name", "not_found")
        return self._pico(self._line.ask("GET", f"/api/picos/{part(name)}"))

    def new_pico(
        self, name: str, parent: RemotePico | str | None = None, *, unique: bool = False
    ) -> RemotePico:
        """Make a pico under `parent` (by default the root); `conflict` if `unique` and its name is taken."""
        under = parent.id if isinstance(parent, RemotePico) else parent
        body = {"name": name, "parent": under, "unique": unique}
        return self._pico(self._line.ask("POST", "/api/picos", body=body))

    def export_pico(self, name: str, *, history: bool = False) -> dict[str, Any]:
        """The document of the pico with that id or name."""
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
        """Make a pico from a document, completely or not at all."""
        body = {"document": document, "parent": parent, "name": name, "keep_ecis": keep_ecis}
        return self._pico(self._line.ask("POST", "/api/picos/import", body=body))

    # Events and queries

    def raise_event(self, eci: str, domain: str, type: str, attrs: Mapping[str, Any] | None = None) -> Turn:
        """Raise an event through a channel; returns its turn, once durable."""
        body = {"domain": domain, "type": type, "attrs": dict(attrs or {})}
        return read_turn(self._line.ask("POST", f"/api/channels/{part(eci)}/raise", body=body))

    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The value of a shared function, called through a channel."""
        body = {"rid": rid, "name": name, "args": dict(args or {})}
        return self._line.ask("POST", f"/api/channels/{part(eci)}/query", body=body)["value"]

    # What is to come

    def ics(self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS) -> str:
        """What is to come of pending schedules within some days, as an iCalendar."""
        params = {**params_of(which), "status": None, "days": days, "limit": limit}
        return self._line.text("/api/calendar.ics", params)

    def not_firing(self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS) -> list[NotFiring]:
        """What will not be raised of schedules within some days, with the reasons."""
        params = {**params_of(which), "status": None, "days": days, "limit": limit}
        told = self._line.ask("GET", "/api/not-firing", params)
        for each in told:
            self.agenda.learn(each)
        return [*map(read_not_firing, told)]

    def load(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        suggest: str | None = None,
        tz: str = "UTC",
    ) -> Load:
        """How many events come in each hour, and a suggestion for a timespec."""
        params = {"from": time_text(since), "until": time_text(until), "suggest": suggest, "tz": tz}
        return read_load(self._line.ask("GET", "/api/load", params))

    # What happened

    def history(self, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """The record of occurrences, newest first."""
        return self.agenda.history(pico_id, id, limit)

    def why(self, what: str, at: str | datetime | None = None) -> Why:
        """Why something fired or not, last or at a time."""
        return read_why(self._line.ask("GET", "/api/why", {"what": what, "at": time_text(at)}))

    def plan(
        self,
        rulesets: Sequence[str | Path],
        days: int = 30,
        pico: str | None = None,
        *,
        asserted: Sequence[str] = (),
        most: int = 20_000,
    ) -> Plan:
        """What would change if these rulesets (local files or texts) were deployed now."""
        body = {"days": days, "pico": pico, "asserted": [*asserted], "most": most}
        return read_plan(self._line.ask("POST", "/api/plan", body={"rulesets": texts_of(rulesets), **body}))

    def replay(
        self,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        rulesets: Sequence[str | Path] = (),
        *,
        backup: object = None,
        first: bool = False,
        most: int = 100_000,
        progress: object = None,
    ) -> Replayed:
        """Replay the turns on record, from a snapshot of the server. `invalid` with a `backup`."""
        if backup is not None:
            raise PicoschedError("found a backup, wanted a time: the server has its own snapshots")
        span = {"since": time_text(since), "until": time_text(until), "first": first, "most": most}
        told = self._line.ask("POST", "/api/replay", body={"rulesets": texts_of(rulesets), **span})
        return read_replayed(told)

    def why_between(self, what: str, since: str | datetime, until: str | datetime) -> list[Why]:
        """Why each occurrence from one time to another fired or not."""
        params = {"what": what, "from": time_text(since), "until": time_text(until)}
        return [read_why(each) for each in self._line.ask("GET", "/api/why/between", params)]

    def whole(self, pico: str | None = None) -> Whole:
        """The rulesets of a pico and its descendants together, or of all picos."""
        from picosched.engine.whole import read_whole  # late, as it is rarely wanted

        return read_whole(self._line.ask("GET", "/api/graph", {"pico": pico}))

    def journal(self, pico_id: str | None = None, limit: int = 100, *, eid: str | None = None) -> list[Entry]:
        """The turns of one pico or of all, newest first."""
        found = self._line.pages("/api/journal", {"pico": pico_id, "eid": eid}, limit)
        return [self._entry(told) for told in found]

    def follow(self, after: int, pico_id: str | None = None) -> Iterator[Entry]:
        """The turns after a `seq`, oldest first, then each new one; `internal` if the server ends."""
        with self._line.stream("/api/journal/live", {"after": after, "pico": pico_id}) as answer:
            for line in _lines(answer.iter_stream()):
                if line.startswith(b"data: "):
                    yield self._entry(json.loads(line.removeprefix(b"data: ")))
        raise PicoschedError(f"{self.url} ended the stream", "internal")

    # The audit and tokens

    def audit(
        self,
        since: str | datetime | None = None,
        limit: int = 100,
        *,
        name: str | None = None,
        what: str | None = None,
        kind: str | None = None,
        on: str | None = None,
    ) -> list[Deed]:
        """What was done from outside, newest first."""
        params = {"since": time_text(since), "name": name, "what": what, "kind": kind, "on": on}
        return [read_deed(told) for told in self._line.pages("/api/audit", params, limit)]

    def tokens(self) -> list[Token]:
        """All named tokens, by name; expired ones too. Their hashes are not told."""
        return [read_token(told) for told in self._line.ask("GET", "/api/tokens")]

    def make_token(self, name: str, role: str, expires: str | datetime | None = None) -> tuple[str, Token]:
        """Make a token with a role; returns it, which is told only now, and what is kept of it."""
        body = {"name": name, "role": role, "expires": time_text(expires)}
        told = self._line.ask("POST", "/api/tokens", body=body)
        return told["token"], read_token(told)

    def revoke_token(self, name: str) -> bool:
        """Revoke a token. False if there is none of that name."""
        return self._line.change("DELETE", f"/api/tokens/{part(name)}")

    # Deliveries

    def machines(self) -> list[Machine]:
        """The processes that work on the server's database."""
        return [read_machine(told) for told in self._line.ask("GET", "/api/machines")]

    def deliveries(
        self, *, dead: bool = False, pico_id: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """Pending deliveries, the next to try first; or dead letters, the oldest first."""
        asked = {"dead": dead, "pico": pico_id, "limit": limit}
        return [read_delivery(told) for told in self._line.ask("GET", "/api/deliveries", asked)]

    def delivery(self, id: str) -> Delivery:
        """The delivery with that id; `not_found` if there is none."""
        return read_delivery(self._line.ask("GET", f"/api/deliveries/{part(id)}"))

    def retry_delivery(self, id: str) -> bool:
        """Try a delivery now; one that is dead is pending again. False if there is none."""
        return self._line.change("POST", f"/api/deliveries/{part(id)}/retry")

    def drop_delivery(self, id: str) -> bool:
        """Drop a delivery: it is not sent any more. False if there is none."""
        return self._line.change("DELETE", f"/api/deliveries/{part(id)}")

    # Sources

    def add_sources(self, sources: Sequence[Source]) -> list[str]:
        """Add sources, all of them or none; returns their ids."""
        # The entries read from a local file are included, so the server does not need the file.
        given = [{key: value for key, value in each.given.items() if key != "file"} for each in sources]
        return [told["id"] for told in self._line.ask("POST", "/api/sources", body=given)]

    def sources(self) -> list[SourceState]:
        """The states of all sources, in the order they were made."""
        return [read_source_state(told) for told in self._line.ask("GET", "/api/sources")]

    def source(self, id: str) -> SourceState:
        """The state of the source with that id or name; `not_found` if there is none."""
        found = self._find_source(id)
        if found is None:
            raise PicoschedError(f"there is no source {id}", "not_found")
        return found

    def remove_source(self, id: str) -> bool:
        """Remove a source; True if there was one. `conflict` if it is in the server's picosched.toml."""
        return self._change_source(self._find_source(id), "DELETE", "")

    def pause_source(self, id: str, until: str | datetime | None = None) -> bool:
        """Pause a source until `until`, or until it is resumed; True if one has that id or name."""
        return self._change_source(self._find_source(id), "POST", "/pause", {"until": time_text(until)})

    def resume_source(self, id: str) -> bool:
        """Resume a paused source with its next occurrence; True if it was paused."""
        found = self._find_source(id)
        return self._change_source(found if found and found.paused else None, "POST", "/resume")

    def _change_source(
        self, found: SourceState | None, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> bool:
        if found is not None:
            self._line.ask(method, f"/api/sources/{found.id}{path}", body=body)
        return found is not None

    def _find_source(self, id: str) -> SourceState | None:
        """The source with that id or name, from the list: names may have characters not allowed in paths."""
        return next((each for each in self.sources() if id in (each.id, each.name)), None)

    # Copies

    def back_up(self, target: Path, *, force: bool = False) -> int:
        """Copy the server's database to a new local file; returns its size in bytes."""
        with new_file(target, force=force) as file, self._line.stream("/api/backup") as answer:
            wanted, size = int(dict(answer.headers).get(b"content-length", b"0")), 0
            with file.open("wb") as copy:
                for chunk in answer.iter_stream():
                    size += copy.write(chunk)
            if size != wanted:
                raise PicoschedError(f"found {size:,} bytes of a copy, wanted {wanted:,}", "internal")
        return size

    def _pico(self, told: Mapping[str, Any]) -> RemotePico:
        return RemotePico(told["id"], told["name"], told["parent_id"], self._line, self.agenda, self.pico)

    def _entry(self, told: Mapping[str, Any]) -> Entry:
        self.agenda.learn(told)
        return read_entry(told)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
