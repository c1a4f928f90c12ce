"""A handle to a pico of a server, with the method names of PicoRef."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from picosched import standard
from picosched.checked import checked_name, ruleset_text
from picosched.errors import KrlError, PicoschedError
from picosched.krl.ruleset import compile_ruleset
from picosched.pico.channel import Channel
from picosched.pico.turn import Turn
from picosched.remote.agenda import RemoteAgenda
from picosched.remote.line import Line, ServerError, part, time_text
from picosched.remote.told import (
    RemoteRuleset,
    read_channel,
    read_installed,
    read_krl_errors,
    read_new_ruleset,
    read_new_schedule,
    read_turn,
)
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.new_schedule import NewSchedule
from picosched.schedule.scheduled import Scheduled
from picosched.store.picos import InstalledRow
from picosched.versions import Version, read_version

OF_SERVER = ("http://", "https://", standard.PLACE)
"""URLs that the server reads; a local file is read here."""


@dataclass(frozen=True, slots=True)
class RemotePico:
    """A pico of a server. Every method makes a request, and raises as PicoRef does."""

    id: str
    name: str = field(compare=False)
    parent_id: str | None = field(compare=False, repr=False)
    _line: Line = field(compare=False, repr=False)
    _agenda: RemoteAgenda = field(compare=False, repr=False)
    _pico: Callable[[str], RemotePico] = field(compare=False, repr=False)

    @property
    def parent(self) -> RemotePico | None:
        return None if self.parent_id is None else self._pico(self.parent_id)

    def install(self, ruleset: str | Path, config: Mapping[str, Any] | None = None) -> RemoteRuleset:
        """Install a ruleset: text, a local file, or a URL that the server reads.

        Errors and warnings are at places of the local file.
        """
        settings = None if config is None else dict(config)
        if isinstance(ruleset, str) and ruleset.lower().startswith(OF_SERVER):
            return self._installed({"url": ruleset, "config": settings}, {})
        text, origin = ruleset_text(ruleset)
        compiled = compile_ruleset(text, origin)  # raises the errors in the text, before anything is sent
        name = compiled.source.name
        try:
            return self._installed({"text": text, "config": settings}, {compiled.rid: name})
        except KrlError as error:
            for each in (error, *error.others):
                if each.span is not None and each.span.file == name:
                    each.text = text
            raise

    def uninstall(self, rid: str) -> None:
        """Uninstall a ruleset, with its variables and schedules."""
        self._ask("DELETE", f"/rulesets/{part(rid)}")

    def rulesets(self) -> dict[str, InstalledRow]:
        """rid → installed ruleset, in the order of installation."""
        return {told["rid"]: read_installed(told) for told in self._ask("GET", "/rulesets")}

    def versions(self, rid: str) -> list[Version]:
        """Which texts of a ruleset it had, newest first: the first is the one installed."""
        return [read_version(told) for told in self._ask("GET", f"/rulesets/{part(rid)}/versions")]

    def diff(self, rid: str, text: str | None = None, hash: str | None = None) -> str:
        """As `PicoRef.diff`."""
        told = self._ask("POST", f"/rulesets/{part(rid)}/diff", {"text": text, "hash": hash})
        return str(told["diff"])

    def go_back(self, rid: str, hash: str | None = None) -> RemoteRuleset:
        """Install a version again, by default the last one before."""
        return read_new_ruleset(self._ask("POST", f"/rulesets/{part(rid)}/back", {"hash": hash}), {})

    def channels(self) -> list[Channel]:
        return [read_channel(told, self.id) for told in self._ask("GET", "/channels")]

    def new_channel(
        self,
        tags: Iterable[str] = (),
        allow_events: Iterable[str] = ("*:*",),
        allow_queries: Iterable[str] = ("*:*",),
        deny_events: Iterable[str] = (),
        deny_queries: Iterable[str] = (),
    ) -> Channel:
        """Make a channel, as `PicoRef.new_channel` does."""
        body = {
            "tags": [*tags],
            "allow_events": [*allow_events],
            "allow_queries": [*allow_queries],
            "deny_events": [*deny_events],
            "deny_queries": [*deny_queries],
        }
        return read_channel(self._ask("POST", "/channels", body), self.id)

    def delete_channel(self, eci: str) -> bool:
        """Delete a channel; True if this pico had it."""
        try:
            self._ask("DELETE", f"/channels/{part(eci)}")
        except PicoschedError as error:
            if error.code != "not_found":
                raise
            return False
        return True

    def raise_event(self, domain: str, type: str = "", attrs: Mapping[str, Any] | None = None) -> Turn:
        """Raise an event as a trusted caller; returns its turn, once durable."""
        checked_name(domain, type)
        return read_turn(
            self._ask("POST", "/raise", {"domain": domain, "type": type, "attrs": dict(attrs or {})})
        )

    def schedule(
        self,
        domain: str,
        type: str = "",
        *,
        at: str | float | datetime | None = None,
        repeat: str | Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> NewSchedule:
        """Schedule an event for all rulesets of this pico, as `PicoRef.schedule` does."""
        checked_name(domain, type)
        body = {
            "domain": domain,
            "type": type,
            "attrs": dict(attributes or {}),
            "at": time_text(at) if isinstance(at, datetime) else at,
            "repeat": repeat,
        }
        return read_new_schedule(self._ask("POST", "/scheduled", body))

    def query(self, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The value of a function the ruleset shares."""
        return self._ask("POST", "/query", {"rid": rid, "name": name, "args": dict(args or {})})["value"]

    def scheduled(self, rid: str | None = None) -> list[Scheduled]:
        """Pending and paused scheduled events, soonest first."""
        return self._agenda.scheduled(Filter(pico_id=self.id, rid=rid))

    def cancel(self, id: str) -> bool:
        """Cancel a scheduled event; True if it was pending or paused."""
        return bool(self._agenda.cancel(self._own(id)))

    def pause(self, id: str, until: str | datetime | None = None) -> bool:
        """Pause a scheduled event until `until`, or until it is resumed; True if it was pending or paused."""
        return bool(self._agenda.pause(self._own(id), until))

    def resume(self, id: str) -> bool:
        """Resume a paused event; True if it was paused."""
        return bool(self._agenda.resume(self._own(id)))

    def move(self, id: str, to: str | datetime | timedelta) -> bool:
        """Move its next occurrence to a time or by a timedelta; True if it was pending or paused."""
        return bool(self._agenda.move(self._own(id), to))

    def reschedule(self, id: str, timespec: str, tz: str | None = None) -> bool:
        """Repeat it by another timespec from now on; True if it was changed."""
        return bool(self._agenda.reschedule(self._own(id), timespec, tz))

    def fire_now(self, id: str) -> Turn:
        """Raise its event now, outside its times; returns the turn. `not_found` if not pending or paused."""
        if not self._own(id):
            raise PicoschedError(f"the pico {self.name} has nothing scheduled with the id {id}", "not_found")
        return self._agenda.fire_now(id)

    def next_times(self, id: str, count: int = 5) -> list[datetime]:
        """The next due times of a scheduled event, at most `count`; empty if it is another pico's."""
        return self._agenda.next_times(id, count) if self._own(id) else []

    def history(self, id: str | None = None, limit: int = 100) -> list[Fire]:
        """The record of occurrences, newest first; of one scheduled event, or of all."""
        return self._agenda.history(self.id, id, limit)

    def delete(self) -> None:
        """Delete this pico and its descendants; their schedules are cancelled."""
        self._ask("DELETE", "")

    def _own(self, id: str) -> list[str]:
        """The id, if that scheduled event is this pico's; `not_found` if the pico is deleted."""
        self._ask("GET", "")
        row = self._agenda.find(id)
        return [id] if row is not None and row.pico_id == self.id else []

    def _installed(self, body: Mapping[str, Any], files: Mapping[str, str]) -> RemoteRuleset:
        """Have a ruleset installed; KrlError for errors in its text. `files` is as for `read_krl_errors`."""
        try:
            told = self._ask("POST", "/rulesets", body)
        except ServerError as error:
            if not error.errors:
                raise
            first, *others = read_krl_errors(error.errors, files)
            first.code, first.others = error.code, tuple(others)
            raise first from error
        return read_new_ruleset(told, files)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._line.ask(method, f"/api/picos/{part(self.id)}{path}", body=body)


def texts_of(rulesets: Sequence[str | Path]) -> list[str]:
    """The texts of rulesets; KrlError, with places in local files, before anything is sent."""
    found = []
    for each in rulesets:
        text, origin = ruleset_text(each)
        compile_ruleset(text, origin)
        found.append(text)
    return found
