"""The interface of compiled KRL to its surroundings: `Scope`, `Effects`.

A ruleset compiles to closures over one `Scope`: the ruleset, its pico, the current event, and the
`Effects`. Rules have no side effects; every method of `Effects` requests an effect, which the turn
collects. The scope's `Budget` limits the cost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from picosched.krl.budget import Budget
from picosched.krl.keys import Keys
from picosched.krl.requests import HttpRequest, HttpResponse

Value = Any
"""A KRL value: None, bool, int, float, str, list, dict with str keys, Regex, a function, an Action."""


class Event(Protocol):
    """An event as compiled code sees it."""

    @property
    def eid(self) -> str: ...
    @property
    def eci(self) -> str | None: ...
    @property
    def domain(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def attrs(self) -> dict[str, Value]: ...
    @property
    def time(self) -> datetime: ...


class Query(Protocol):
    """A query as compiled code sees it."""

    @property
    def id(self) -> str: ...
    @property
    def eci(self) -> str | None: ...


class ScheduledEvent(Protocol):
    """A pending scheduled event, for the event and schedule modules."""

    @property
    def id(self) -> str: ...
    @property
    def rid(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def attrs(self) -> Mapping[str, Value]: ...
    @property
    def kind(self) -> str: ...  # "at" or "repeat"
    @property
    def due(self) -> datetime | None: ...  # None once finished
    @property
    def asked_for(self) -> datetime | None: ...  # the due time before it was rounded
    @property
    def timespec(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def fired(self) -> datetime | None: ...  # the last fire
    @property
    def keep_until(self) -> datetime | None: ...  # of a finished one: when its record is pruned
    @property
    def tz(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def paused(self) -> bool: ...
    @property
    def paused_until(self) -> datetime | None: ...
    @property
    def status(self) -> str: ...  # "pending", "paused", "finished" or "cancelled"


class Window(Protocol):
    """A named recurring span of time, for the window module."""

    @property
    def tz(self) -> str: ...
    @property
    def why_shut(self) -> str | None: ...

    def open_at(self, time: datetime) -> bool: ...

    def next_opening(self, after: datetime) -> datetime | None: ...

    def next_closing(self, after: datetime) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run: its absolute path, arguments and environment."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None
    stdin: str | None = None
    timeout: float | None = None
    """Seconds; None for the default."""
    name: str | None = None


class Family(Protocol):
    """A rule's access to its pico and related picos."""

    def view(self) -> Mapping[str, Value]:
        """id, name, parent and children (ecis, and ids), channels and rulesets of the pico."""

    def logs(self) -> list[Value]:
        """Recent log entries of this pico's rules, oldest first: time, level, rid, rule, value."""

    def ask(self, eci: str, rid: str, name: str, args: Mapping[str, Value]) -> Value:
        """The answer to a query of another pico."""

    def ask_after(
        self,
        eci: str,
        domain: str,
        type: str,
        attrs: Mapping[str, Value],
        rid: str,
        name: str,
        args: Mapping[str, Value],
    ) -> Value:
        """Raise an event in another pico and wait for its turn; then the answer to a query of that pico."""

    def journal(self, limit: int) -> list[Value]:
        """The last turns of this pico, the newest first."""

    def queries(self) -> list[Value]:
        """The recent queries of this pico, the newest first."""

    def can_ask(self, eci: str, rid: str) -> bool:
        """Whether the pico of an eci has that ruleset and can be queried now."""

    def find_tagged(self, tags: Sequence[str]) -> str | None:
        """The eci of this pico's channel with exactly these tags."""

    def new_pico(
        self,
        name: str,
        rulesets: Sequence[tuple[str, Mapping[str, Value]]],
        channels: Sequence[Mapping[str, Value]] = (),
    ) -> str:
        """Create a child with rulesets from these URLs and configurations; returns an eci to it.

        `channels` are additional channels, each {"tags", "eventPolicy", "queryPolicy"}.
        """

    def channels_of_new(self, eci: str) -> list[Value]:
        """The additional channels of a child that this turn creates."""

    def delete_pico(self, eci: str) -> None: ...

    def put_channel(
        self, eci: str | None, tags: Sequence[str], events: Value, queries: Value
    ) -> Mapping[str, Value]:
        """Create a channel, or change the one with that eci; policies are {"allow": […], "deny": […]}."""

    def delete_channel(self, eci: str) -> None: ...

    def install(self, url: str, config: Mapping[str, Value]) -> str:
        """Install a ruleset on this pico; returns its rid."""

    def flush(self, url: str) -> None:
        """Reload this pico's rulesets that were installed from this URL."""

    def uninstall(self, rid: str) -> None: ...

    def pico_of(self, eci: str) -> str | None:
        """The id of the pico that has this channel."""

    def give_channel(self, pico_id: str, tags: Sequence[str]) -> Mapping[str, Value]:
        """Create a channel for a child that this rule creates."""

    def give_ruleset(self, pico_id: str, url: str) -> str:
        """Install a ruleset on a child that this rule creates; returns its rid."""

    def rid_at(self, url: str) -> str:
        """The rid of the ruleset at a URL."""

    def origin_of(self, rid: str) -> str:
        """The URL that the engine has a ruleset from; `not_found` if it has none."""


class Agenda(Protocol):
    """A rule's access to scheduled events: those of its own ruleset in this pico.

    It also reads those that people made in the pico. A change returns whether the row existed. Times and
    timespecs are parsed here: KrlError if they are invalid.
    """

    def schedule(
        self, domain: str, type: str, attrs: Value, line: int | None, when: Value, repeats: bool
    ) -> str:
        """Schedule an event and return its id. `line` is the statement's; `when` is a time or a timespec."""

    def send(self, eci: str, domain: str, type: str, attrs: Value) -> str:
        """Raise an event in another pico, once this turn is durable; its eid."""

    def run(self, program: Program) -> str:
        """Run a program, once this turn is durable; the id of the run."""

    def cancel(self, id: str) -> bool: ...

    def pause(self, id: str, until: Value = None) -> bool:
        """Let it wait, `until` then or until it is resumed."""

    def resume(self, id: str) -> bool: ...

    def move(self, id: str, to: Value) -> bool:
        """Move its next occurrence."""

    def reschedule(self, id: str, timespec: Value, tz: Value = None) -> bool:
        """Give it another timespec from now on, in its old zone unless one is given."""

    def fire_now(self, id: str) -> bool:
        """Raise its event in this turn, outside its schedule."""

    def pending(self) -> Sequence[ScheduledEvent]:
        """Pending and paused events, soonest first."""

    def made(self) -> Sequence[ScheduledEvent]:
        """Pending and paused events, in the order of making."""

    def matching(self, which: Value) -> Sequence[ScheduledEvent]:
        """Those matching a map: name, domain, type, kind, text, since, until, paused.

        KrlError for any other key, and for an invalid value.
        """

    def find(self, id: str) -> ScheduledEvent | None:
        """One of them, or a finished one."""

    def show(self, id: str) -> Mapping[str, Value] | None:
        """All details of one, whatever its status, as plain values."""

    def next_times(self, id: str, count: int) -> Sequence[datetime]:
        """Its next due times, at most `count`; none while it is paused."""

    def fires(self, id: str, limit: int) -> Sequence[Mapping[str, Value]]:
        """Its fires, newest first, as plain values."""


class Outbox(Protocol):
    """A rule's access to other engines."""

    def is_here(self, host: str) -> bool:
        """Whether a host is this engine."""

    def send(self, host: str, eci: str, domain: str, type: str, attrs: Value) -> str:
        """Deliver an event to a pico of another engine, once this turn is durable; its eid."""


class Sources(Protocol):
    """The access of the root pico's rules to sources; `id` may be a name."""

    def add(self, declaration: Mapping[str, Value]) -> str:
        """Add a source, once this turn is durable; returns its id. KrlError for errors in the declaration."""

    def remove(self, id: str) -> bool: ...

    def pause(self, id: str, until: Value = None) -> bool:
        """Let it wait, `until` then or until it is resumed."""

    def resume(self, id: str) -> bool: ...

    def list(self) -> Sequence[Mapping[str, Value]]:
        """All sources, as plain values."""


class Effects(Protocol):
    """The effects a rule can request. A query's effects refuse everything except reading and logging."""

    @property
    def family(self) -> Family: ...

    @property
    def agenda(self) -> Agenda: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def sources(self) -> Sources: ...

    def saw(self, operands: Sequence[str], values: Sequence[Value]) -> None:
        """Note what the operands of a false condition were; MISSING for one that was not reached."""

    def direct(self, name: Value, options: Value) -> Value:
        """Send the caller a directive; a map of its type, name, options and meta, as the caller gets it."""

    def entity(self, rid: str, name: str, *, whole: bool = True) -> Value:
        """The value of `ent:name`, or None; with a `rid` that begins with "app:", of `app:name`.

        Unless it is to be whole, a large map is given as it is kept (`krl/large_map.py`).
        """

    def set_entity(self, rid: str, name: str, value: Value) -> None:
        """Set `ent:name`; None deletes it."""

    def set_element(self, rid: str, name: str, key: str, value: Value) -> None:
        """Set an element of a large map; MISSING removes it."""

    def raise_event(self, domain: str, type: str, attrs: Value, rids: Sequence[str] | None = None) -> None:
        """Raise an event in this turn, to every ruleset or to those of `rids`."""

    def http(self, request: HttpRequest) -> HttpResponse:
        """Make an HTTP request and wait for its answer; at least once, because a turn may be retried."""

    def log(self, level: str, value: Value) -> None: ...

    def error(self, level: str, value: Value) -> None:
        """Raise `system:error` for this ruleset; level "error" also ends the turn's other events."""


@dataclass(slots=True)
class Scope:
    """One ruleset in one pico, and the event or query it is handling."""

    rid: str
    pico_id: str
    budget: Budget
    effects: Effects
    now: Callable[[], datetime]
    random: random.Random
    meta: Mapping[str, Value]
    """Of the ruleset: name, description, author, version, url, hash."""
    config: Mapping[str, Value]
    event: Event | None = None
    query: Query | None = None
    rule: str | None = None
    host: Callable[[], str | None] = lambda: None
    """The base URL of the server, for links to it; None without a server."""
    windows: Mapping[str, Window] = field(default_factory=dict)
    """The windows visible to the ruleset: its own, and those of the engine's configuration."""
    keys: Keys = field(default_factory=lambda: Keys(""))
