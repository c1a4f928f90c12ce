"""The interface of an engine for the command line, in this process or on a server reached by HTTP.

`Engine` and `Remote` implement `Reached`, their picos `ReachedPico`, and their agendas `ReachedAgenda`, with
the same values and errors. The docstrings of `Engine`, `PicoRef` and `Agenda` document the methods. With a
server there is also `internal` if it does not answer, and `refused` if it wants another token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from picosched.audit import Deed
from picosched.errors import KrlError
from picosched.pico.channel import Channel
from picosched.pico.delivery import Delivery
from picosched.pico.turn import Turn
from picosched.schedule.alert import TOLD, AlertState
from picosched.schedule.backfill import Past
from picosched.schedule.explained import Explained
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire, Label
from picosched.schedule.forecast import MOST_EVENTS, USUAL_DAYS
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings
from picosched.sources.source import Source
from picosched.sources.state import SourceState
from picosched.store.journal import Entry
from picosched.store.machines import Machine
from picosched.store.picos import InstalledRow
from picosched.tokens import Token
from picosched.versions import Version

if TYPE_CHECKING:
    from picosched.engine.planned import Plan
    from picosched.engine.replay import Progress
    from picosched.engine.replayed import Replayed
    from picosched.engine.whole import Whole
    from picosched.schedule.chain import Why
    from picosched.schedule.load import Load
    from picosched.schedule.new_schedule import NewSchedule
    from picosched.schedule.not_firing import NotFiring
    from picosched.schedule.window_state import WindowState
    from picosched.store.store import Store


class OfPico(Protocol):
    """A row, record or turn that belongs to a pico."""

    @property
    def pico_id(self) -> str: ...


class ReachedRuleset(Protocol):
    """A ruleset that was just installed, with the warnings about its text.

    A server's are all that `check` has, an engine's those of compiling: `cli.where.warnings_of` has all.
    """

    @property
    def rid(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def warnings(self) -> tuple[KrlError, ...]: ...


class ReachedPico(Protocol):
    """A handle to a pico."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> ReachedPico | None: ...
    def delete(self) -> None: ...

    def install(self, ruleset: str | Path, config: Mapping[str, Any] | None = None) -> ReachedRuleset: ...
    def uninstall(self, rid: str) -> None: ...
    def rulesets(self) -> dict[str, InstalledRow]: ...

    def versions(self, rid: str) -> list[Version]: ...
    def diff(self, rid: str, text: str | None = None, hash: str | None = None) -> str: ...
    def go_back(self, rid: str, hash: str | None = None) -> ReachedRuleset: ...

    def new_channel(
        self,
        tags: Iterable[str] = (),
        allow_events: Iterable[str] = ("*:*",),
        allow_queries: Iterable[str] = ("*:*",),
        deny_events: Iterable[str] = (),
        deny_queries: Iterable[str] = (),
    ) -> Channel: ...
    def channels(self) -> list[Channel]: ...
    def delete_channel(self, eci: str) -> bool: ...

    def raise_event(self, domain: str, type: str = "", attrs: Mapping[str, Any] | None = None) -> Turn: ...
    def schedule(
        self,
        domain: str,
        type: str = "",
        *,
        at: str | None = None,
        repeat: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> NewSchedule: ...
    def query(self, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any: ...


class ReachedAgenda(Protocol):
    """The scheduled events of all picos. A change returns the changed rows."""

    def scheduled(self, which: Filter, limit: int | None = None) -> list[Scheduled]: ...
    def count(self, which: Filter) -> int: ...
    def find(self, id: str) -> Scheduled | None: ...
    def load(self, id: str) -> Scheduled: ...
    def next_times(self, id: str, count: int = 5) -> list[datetime]: ...
    def explained(self, id: str) -> Explained: ...
    def ids_like(self, beginning: str, *, live: bool = False) -> list[str]: ...
    def history(
        self,
        pico_id: str | None = None,
        id: str | None = None,
        limit: int = 100,
        outcome: str | None = None,
    ) -> list[Fire]: ...
    def names(self, rows: Iterable[OfPico]) -> Mapping[str, str]: ...
    def shut(self, rows: Sequence[Scheduled]) -> Mapping[str, str]: ...
    def labels(self, fires: Iterable[Fire]) -> Mapping[str, Label]: ...

    def cancel(
        self, which: Iterable[str], reason: str | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]: ...
    def pause(
        self, which: Iterable[str], until: datetime | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]: ...
    def resume(self, which: Iterable[str], *, dry_run: bool = False) -> list[Scheduled]: ...
    def move(
        self, which: Iterable[str], to: datetime | timedelta, *, dry_run: bool = False
    ) -> list[Scheduled]: ...
    def reschedule(
        self, which: Iterable[str], timespec: str, tz: str | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]: ...
    def fire_now(self, id: str) -> Turn: ...
    def backfill(self, id: str, since: datetime, until: datetime, *, dry_run: bool = False) -> list[Past]: ...


class Reached(Protocol):
    """An engine: its picos, scheduled events, journal, deliveries, alerts, windows and sources."""

    @property
    def settings(self) -> Settings: ...
    @property
    def agenda(self) -> ReachedAgenda: ...

    @property
    def root(self) -> ReachedPico: ...
    def picos(self) -> Sequence[ReachedPico]: ...
    def pico(self, name: str) -> ReachedPico: ...
    def new_pico(self, name: str, parent: str | None = None, *, unique: bool = False) -> ReachedPico: ...
    def export_pico(self, name: str, *, history: bool = False) -> dict[str, Any]: ...
    def import_pico(
        self,
        document: Mapping[str, Any],
        parent: str | None = None,
        name: str | None = None,
        *,
        keep_ecis: bool = False,
    ) -> ReachedPico: ...

    def raise_event(
        self, eci: str, domain: str, type: str, attrs: Mapping[str, Any] | None = None
    ) -> Turn: ...
    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any: ...

    def ics(self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS) -> str: ...
    def not_firing(
        self, which: Filter, days: int = USUAL_DAYS, limit: int = MOST_EVENTS
    ) -> list[NotFiring]: ...
    def load(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        suggest: str | None = None,
        tz: str = "UTC",
    ) -> Load: ...

    def why(self, what: str, at: datetime | None = None) -> Why: ...
    def why_between(self, what: str, since: datetime, until: datetime) -> list[Why]: ...

    def plan(
        self,
        rulesets: Sequence[str | Path],
        days: int = 30,
        pico: str | None = None,
        *,
        asserted: Sequence[str] = (),
        most: int = 20_000,
    ) -> Plan: ...

    def replay(
        self,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        rulesets: Sequence[str | Path] = (),
        *,
        backup: Store | str | Path | None = None,
        first: bool = False,
        most: int = 100_000,
        progress: Progress | None = None,
    ) -> Replayed: ...

    def whole(self, pico: str | None = None) -> Whole: ...

    def journal(
        self, pico_id: str | None = None, limit: int = 100, *, eid: str | None = None
    ) -> list[Entry]: ...
    def follow(self, after: int, pico_id: str | None = None) -> Iterator[Entry]: ...

    def audit(
        self,
        since: str | datetime | None = None,
        limit: int = 100,
        *,
        name: str | None = None,
        what: str | None = None,
        kind: str | None = None,
        on: str | None = None,
    ) -> list[Deed]: ...

    def tokens(self) -> list[Token]: ...
    def make_token(
        self, name: str, role: str, expires: str | datetime | None = None
    ) -> tuple[str, Token]: ...
    def revoke_token(self, name: str) -> bool: ...

    def machines(self) -> list[Machine]: ...

    def deliveries(
        self, *, dead: bool = False, pico_id: str | None = None, limit: int = 100
    ) -> list[Delivery]: ...
    def delivery(self, id: str) -> Delivery: ...
    def retry_delivery(self, id: str) -> bool: ...
    def drop_delivery(self, id: str) -> bool: ...

    def alerts(self) -> list[AlertState]: ...
    def add_alert(
        self, name: str, to: str, *, on: Sequence[str] = TOLD, after: int = 1, secret: str = ""
    ) -> AlertState: ...
    def change_alert(
        self,
        name: str,
        *,
        to: str | None = None,
        on: Sequence[str] | None = None,
        after: int | None = None,
        secret: str | None = None,
    ) -> AlertState: ...
    def remove_alert(self, name: str) -> bool: ...
    def test_alert(self, name: str) -> None: ...

    def windows(self) -> list[WindowState]: ...
    def add_window(self, name: str, opens: str, closes: str, *, tz: str = "UTC") -> WindowState: ...
    def change_window(
        self, name: str, *, opens: str | None = None, closes: str | None = None, tz: str | None = None
    ) -> WindowState: ...
    def remove_window(self, name: str, *, force: bool = False) -> bool: ...

    def add_sources(self, sources: Sequence[Source]) -> list[str]: ...
    def sources(self) -> list[SourceState]: ...
    def source(self, id: str) -> SourceState: ...
    def remove_source(self, id: str) -> bool: ...
    def pause_source(self, id: str, until: datetime | None = None) -> bool: ...
    def resume_source(self, id: str) -> bool: ...
